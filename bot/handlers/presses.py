"""Button presses. The token says what was shown; person, role, chat, state and version are checked in the move."""

from dataclasses import replace

from bot import menus, names
from bot.buttons import HANDOVER, INVITE, MENU, PAGE, SUBSTITUTE, Wish, wish_of
from bot.chat import ActionPressed, Block
from bot.handlers import duty, looking, mutes
from bot.handlers.desk import Menu, Occasion, Reaction
from routing import announce, asks, cases, choices, outbox, people
from routing.deciding import decide
from routing.errors import UserError
from routing.items import Band
from routing.office import Level, Role
from routing.starter import SUBJECTS
from routing.views import case_view
from routing.workflow import (
    Actor,
    CaseFacts,
    Command,
    Ground,
    Order,
    Refusal,
    Where,
)

STRANGER = "您还没有登记，此操作无效。请联系系统管理员。"
UNKNOWN_BUTTON = "这个按钮已失效。"


def press(occasion: Occasion, event: ActionPressed) -> Reaction:
    """Answer one press. Pressing twice changes nothing the second time."""
    wish = wish_of(event.token)
    actor = occasion.actor(event.sender)
    if actor is None:
        occasion.note_refusal(
            event.sender, None, wish.verb if wish else "press", Ground.ROLE, _known(occasion, wish)
        )
        return Reaction(STRANGER, alert=True)
    if wish is None:
        return Reaction(UNKNOWN_BUTTON, alert=True)
    if wish.verb == INVITE:
        return _settle_invite(occasion, event, wish, actor)
    if wish.verb == PAGE:
        return looking.leaf(occasion, event, wish, actor)
    if wish.verb in mutes.VERBS:
        return mutes.press(occasion, event, wish, actor)
    if wish.verb == HANDOVER:
        return duty.sign(occasion, event, wish, actor)
    if wish.verb == SUBSTITUTE:
        return duty.decide(occasion, event, wish, actor)
    facts = cases.facts(occasion.session, wish.case_id)
    if facts is None:
        return Reaction(UNKNOWN_BUTTON, alert=True)
    where = occasion.where(event.chat, event.sender, facts.channel)
    _adopt(occasion, event, wish, actor, where)
    if wish.verb == MENU:
        return _open_menu(occasion, event, wish, actor, facts, where)
    return _order(occasion, event, wish, actor, facts, where)


def _known(occasion: Occasion, wish: Wish | None) -> int | None:
    """Give the case that a stranger's press means, if there is such a case: a token can be made up."""
    if wish is None or wish.verb == INVITE or cases.facts(occasion.session, wish.case_id) is None:
        return None
    return wish.case_id


def _order(
    occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor, facts: CaseFacts, where: Where
) -> Reaction:
    order = _with_argument(
        occasion, wish, Order(Command(wish.verb), actor, where, wish.version, wish.draft_version)
    )
    wanted = _missing(occasion, facts, order)
    if wanted:
        return _ask(occasion, event, order, facts)
    try:
        answer = cases.execute(
            occasion.session, occasion.desk.office, occasion.desk.ledger, facts.id, order, occasion.now
        )
    except UserError as error:
        return Reaction(str(error), alert=True)
    if isinstance(answer, Refusal):
        return _refused(occasion, facts, answer, wish)
    return Reaction(answer.text)


def _with_argument(occasion: Occasion, wish: Wish, order: Order) -> Order:
    """Read what the button carried besides its command; nonsense is left out and then found missing."""
    if order.command is Command.DISPATCH:
        return replace(order, channel=wish.arg)
    if order.command is Command.SET_LEVEL and wish.arg in {"1", "2", "3", "4"}:
        return replace(order, level=Level(int(wish.arg)))
    if order.command is Command.SPLIT:
        return replace(order, item_id=_id(wish.arg))
    if order.command is Command.MERGE:
        return replace(order, into=_id(wish.arg))
    if order.command is Command.RATE:
        return replace(order, band=_BANDS.get(wish.arg[:1]), item_id=_id(wish.arg[1:]))
    if order.command is Command.CLASSIFY and wish.arg in _AREAS:
        return replace(order, subject=_AREAS[wish.arg])
    reasons = occasion.desk.office.dismiss_reasons
    if order.command is Command.DISMISS and wish.arg.isdigit() and int(wish.arg) < len(reasons):
        return replace(order, reason=reasons[int(wish.arg)])
    return order


_BANDS = {menus.NEGATIVE: Band.NEGATIVE, menus.NOT_NEGATIVE: Band.NOT_NEGATIVE}


_AREAS = {str(place): area for place, area in enumerate(SUBJECTS)}


def _id(text: str) -> int:
    """Read the id of a row; 0, which none has, for anything else."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def _missing(occasion: Occasion, facts: CaseFacts, order: Order) -> bool:
    """Tell whether all that this order still wants is a typed text."""
    answer = decide(facts, order, occasion.desk.office.procedure)
    return isinstance(answer, Refusal) and answer.ground is Ground.MISSING and order.command in _ASKABLE


_ASKABLE = frozenset(
    {
        Command.DISMISS,
        Command.RETURN,
        Command.DRAFT,
        Command.REDO,
        Command.CLEAR,
        Command.WITHHOLD,
        Command.ESCALATE,
        Command.REFUSE,
        Command.CONFIRM,
        Command.REOPEN,
    }
)


def _ask(occasion: Occasion, event: ActionPressed, order: Order, facts: CaseFacts) -> Reaction:
    private = event.chat == event.sender.private_chat
    # An opinion is on the draft that was shown; a new draft takes the place of the one that stands when it is asked for.
    drafting = order.command is Command.DRAFT
    asks.ask(
        occasion.session,
        case=facts,
        person_id=order.actor.person_id,
        chat=event.sender.private_chat,
        command=order.command,
        place=order.where,
        draft_version=facts.draft_version if drafting else order.draft_version,
        now=occasion.now,
    )
    return Reaction("请回复文字。" if private else "已私聊您，请在私聊里回复文字。")


def _refused(occasion: Occasion, facts: CaseFacts, refusal: Refusal, wish: Wish) -> Reaction:
    text = refusal.text
    if refusal.ground in {Ground.STALE, Ground.STATE, Ground.GONE}:
        made = (
            cases.decided_by(occasion.session, facts.id, wish.draft_version) if wish.draft_version else None
        )
        if made is not None:
            when = names.local(made.at, occasion.desk.office)
            text = f"{made.by} 已于 {when} 处理：{names.opinion_name(made.stage, made.opinion)}。{text}"
        announce.refresh_case(occasion.session, facts.id, occasion.now)
    return Reaction(text, alert=True)


def _open_menu(
    occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor, facts: CaseFacts, where: Where
) -> Reaction:
    name, page = menus.page_of(wish.arg)
    order = Order(
        _PROBES.get(name, Command.SET_LEVEL),
        actor,
        where,
        wish.version,
        wish.draft_version,
        reason="…",
        channel=facts.channel,
        level=facts.level,
        item_id=1,
        into=1,
        subject=SUBJECTS[0],
    )
    answer = decide(facts, order, occasion.desk.office.procedure)
    if isinstance(answer, Refusal):
        occasion.note_refusal(event.sender, actor, order.command.value, answer.ground, facts.id)
        return _refused(occasion, facts, answer, wish)
    view = case_view(occasion.session, facts.id)
    assert view is not None
    office, toast, notes = occasion.desk.office, "", tuple[Block, ...]()
    if name.startswith(menus.MUTE):
        return mutes.open_menu(occasion, event, view, name)
    if name == menus.SPLIT:
        buttons = menus.text_menu(view, office, choices.texts(occasion.session, facts.id, page))
        toast = "点哪一条信息，就把哪一条拆出去单独成为事项。"
    elif name == menus.MERGE:
        found = choices.matters(occasion.session, facts.id, page, occasion.now)
        if not found.choices:
            return Reaction("最近七天没有别的未办结事项。", alert=True)
        buttons = menus.matter_menu(view, found)
        toast = "点哪个事项，本事项就并入哪个事项。"
    elif name == menus.JOIN:
        buttons = menus.join_menu(view)
        other = case_view(occasion.session, view.suggestion.other.id) if view.suggestion else None
        if other is None:
            return Reaction("建议并入的事项已不在，请用“纠正…”里的“合并…”。", alert=True)
        notes = menus.joined_notes(other, office)
        toast = "请核对卡片下方的事项，再点确认。"
    elif name == menus.SUBJECT:
        buttons = menus.subject_menu(view, page)
    else:
        buttons = menus.menu_buttons(view, office, name)
    return Reaction(toast, menu=Menu(event.message, facts.id, facts.version, buttons, notes))


# By which order it is asked whether a person may open a menu; all others are open to whoever may set the level.
_PROBES = {
    menus.CHANNEL: Command.DISPATCH,
    menus.DISMISS: Command.DISMISS,
    menus.SPLIT: Command.SPLIT,
    menus.MERGE: Command.MERGE,
    menus.JOIN: Command.MERGE,
    menus.SUBJECT: Command.CLASSIFY,
}


_GROUP_CARDS = {Where.DUTY: announce.DUTY_CARD, Where.CHANNEL: announce.CHANNEL_CARD}
_PRIVATE_CARDS = {
    Command.PASS.value: "review",
    Command.REDO.value: "review",
    Command.CLEAR.value: "secrecy",
    Command.WITHHOLD.value: "secrecy",
    Command.ESCALATE.value: "secrecy",
    Command.APPROVE.value: "approve",
    Command.REFUSE.value: "approve",
}


def _adopt(occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor, where: Where) -> None:
    """Remember a card of ours whose sending was cut off before we learnt its number: it is edited from now on."""
    session, ref = occasion.session, event.message
    card, draft_version = _GROUP_CARDS.get(where), 0
    if where is Where.PRIVATE:
        card, draft_version = _PRIVATE_CARDS.get(wish.verb), wish.draft_version
        # A forged token must not make a draft appear before somebody who was never shown it.
        if card and not announce.was_asked(session, wish.case_id, card, draft_version, actor.person_id):
            return
    if card is not None and occasion.is_here(ref.chat):
        outbox.remember_card(
            session,
            chat=occasion.chat_name(ref.chat),
            message=ref.message,
            case_id=wish.case_id,
            card=card,
            draft_version=draft_version,
            now=occasion.now,
        )


def _settle_invite(occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor) -> Reaction:
    if event.chat != event.sender.private_chat:
        return Reaction(UNKNOWN_BUTTON, alert=True)
    may = Role.ADMIN in actor.roles
    try:
        row = people.settle(
            occasion.session,
            occasion.desk.ledger,
            invite_id=wish.case_id,
            admin=actor,
            accept=wish.arg == "yes",
            now=occasion.now,
        )
    except UserError as error:
        occasion.note_refusal(event.sender, actor, INVITE, Ground.GONE if may else Ground.ROLE)
        return Reaction(str(error), alert=True)
    accepted = wish.arg == "yes"
    roles = "、".join(names.ROLE_NAMES[role] for role in row.roles)
    facts: dict[str, object] = {"template": "invite_welcome" if accepted else "invite_refused"}
    if accepted:
        facts |= {"name": row.name, "roles": roles}
    occasion.page(row.chat_ref, facts, part="invited")
    occasion.say(event.chat, f"{'已确认' if accepted else '已拒绝'}：{row.name}（{roles}）", part="admin")
    return Reaction("已确认。" if accepted else "已拒绝。")

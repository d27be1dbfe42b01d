"""Button presses. The token says what was shown; person, role, chat, state and version are checked in the move."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot import menus, names, render
from bot.buttons import CARD, DOUBT, HANDOVER, INVITE, MENU, PAGE, STAND_IN, SUBSTITUTE, Wish, wish_of
from bot.chat import ActionPressed, Block
from bot.clocks import PAUSE, REPORT
from bot.handlers import arguments, doubts, duty, looking, mutes, standins
from bot.handlers.arguments import with_argument
from bot.handlers.desk import Menu, Occasion, Reaction
from routing import announce, asks, cases, choices, outbox, people, reasons, standing
from routing.bodies import with_units
from routing.deciding import decide
from routing.errors import UserError
from routing.office import Role
from routing.procedure import WITH_CHANNEL
from routing.starter import SUBJECTS
from routing.views import CaseView, case_view
from routing.workflow import (
    TARGETS,
    Actor,
    AnswerKind,
    Aspect,
    CaseFacts,
    Command,
    Ground,
    Openness,
    Opinion,
    Order,
    Refusal,
    State,
    Where,
)

STRANGER = "您还没有登记，此操作无效。请联系系统管理员。"
MOVED = "本群已升级为超级群，旧卡片不能再展开。这张卡片已在群里重发，请在新卡片上操作。"
UNKNOWN_BUTTON = "这个按钮已失效，请看最新的卡片，或发送 /mine 查看。"


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
    if wish.verb == CARD:
        return looking.card(occasion, event, wish, actor)
    if wish.verb in mutes.VERBS:
        return mutes.press(occasion, event, wish, actor)
    if wish.verb == DOUBT:
        return doubts.press(occasion, event, wish, actor)
    if wish.verb == HANDOVER:
        return duty.sign(occasion, event, wish, actor)
    if wish.verb == SUBSTITUTE:
        return duty.decide(occasion, event, wish, actor)
    if wish.verb == STAND_IN:
        return standins.press(occasion, event, wish, actor)
    facts = cases.facts(occasion.session, wish.case_id)
    if facts is None:
        return Reaction(UNKNOWN_BUTTON, alert=True)
    where = occasion.where(event.chat, event.sender, facts.channels())
    _adopt(occasion, event, wish, actor, where, facts)
    if wish.verb == MENU:
        opened = _open_menu(occasion, event, wish, actor, facts, where)
        is_shown = opened.menu is None or occasion.is_here(event.chat)
        return opened if is_shown else _anew(occasion, event, facts.id)
    return _order(occasion, event, wish, actor, facts, where)


def _anew(occasion: Occasion, event: ActionPressed, case_id: int) -> Reaction:
    """Post the card anew where one from before a group moved was pressed for more: no menu can open on that any more."""
    key, chat = f"again:{occasion.desk.platform}:{occasion.update_id}", occasion.chat_name(event.chat)
    posted = announce.post_again(occasion.session, occasion.desk.office, case_id, chat, key, occasion.now)
    return Reaction(MOVED if posted else UNKNOWN_BUTTON, alert=True)


def _known(occasion: Occasion, wish: Wish | None) -> int | None:
    """Give the case that a stranger's press means, if there is such a case: a token can be made up."""
    if wish is None or wish.verb == INVITE or cases.facts(occasion.session, wish.case_id) is None:
        return None
    return wish.case_id


def _order(
    occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor, facts: CaseFacts, where: Where
) -> Reaction:
    office = occasion.desk.office
    bare = Order(Command(wish.verb), actor, where, wish.version, wish.draft_version)
    filled = with_argument(bare, wish.arg, office, occasion.now)
    if filled is None:
        occasion.note_refusal(event.sender, actor, wish.verb, Ground.MISSING, facts.id)
        return Reaction(UNKNOWN_BUTTON, alert=True)
    order = _in_its_name(occasion, event, filled)
    if order.command is Command.REFUSE and wish.arg:
        reason = reasons.own(occasion.session, actor.person_id, int(wish.arg) if _is_id(wish.arg) else 0)
        if not reason:
            occasion.note_refusal(event.sender, actor, wish.verb, Ground.GONE, facts.id)
            return Reaction("这条理由已不可用，请点“退回修改…”重新选择。", alert=True)
        order = replace(order, reason=reason)
    wanted = decide(facts, order, office.procedure)
    ground = wanted.ground if isinstance(wanted, Refusal) else None
    if ground is Ground.MISSING and order.command in _ASKABLE:
        return _ask(occasion, event, order, facts, wish.arg)
    if ground is Ground.AGAIN:
        view = case_view(occasion.session, facts.id)
        assert view is not None
        kind = announce.REVIEW_CARDS[facts.state]
        chat = occasion.chat_name(event.chat)
        buttons = menus.twice(view, kind)
        notes = menus.once_more(view)
        menu = Menu(event.message, facts.id, facts.version, buttons, notes, kind, wish.draft_version, chat)
        return Reaction("这一级须再次确认：请看清全文后再点一次。", menu=menu)
    try:
        answer = cases.execute(occasion.session, office, occasion.desk.ledger, facts.id, order, occasion.now)
    except UserError as error:
        occasion.note_refusal(event.sender, actor, wish.verb, Ground.GONE, facts.id)
        return Reaction(str(error), alert=True)
    if isinstance(answer, Refusal):
        return _refused(occasion, facts, answer, wish)
    return Reaction(answer.text)


def _is_id(arg: str) -> bool:
    return arg.isdecimal() and len(arg) < 19


def _in_its_name(occasion: Occasion, event: ActionPressed, order: Order) -> Order:
    """Say for which unit somebody speaks: the one in whose group he pressed."""
    if order.command is not Command.OPINE:
        return order
    name = occasion.chat_name(event.chat)
    return replace(order, channel=_channel_of(occasion, name))


def _channel_of(occasion: Occasion, chat: str) -> str:
    """Give the channel whose group a chat is; empty for any other chat."""
    channels = occasion.desk.office.channels.values()
    return next((channel.key for channel in channels if channel.chat == chat), "")


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
        Command.MISTAKE,
        Command.OPINE,
        Command.CONCLUDE,
        Command.SEND_BACK,
        Command.ORAL,
        Command.TRANSFER,
        Command.TAKE_BACK,
        Command.EXCUSE,
        Command.REPORT,
        Command.PHONE,
        Command.EXTEND,
        Command.DENY,
        Command.RECALL,
        Command.FOLLOW,
        Command.DISCONTENT,
        Command.SPEAK,
        Command.PAUSE,
        Command.ASSESS,
    }
)


def _ask(occasion: Occasion, event: ActionPressed, order: Order, facts: CaseFacts, arg: str) -> Reaction:
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
        arg=arguments.of_unit(arg, order.channel) if order.command is Command.OPINE else arg,
    )
    return Reaction("请回复文字。" if private else "已私聊您，请在私聊里回复文字。")


def _refused(occasion: Occasion, facts: CaseFacts, refusal: Refusal, wish: Wish) -> Reaction:
    text = refusal.text
    if refusal.ground in {Ground.STALE, Ground.STATE, Ground.GONE}:
        decided = wish.draft_version and refusal.ground is not Ground.GONE  # GONE is never for the draft
        made = cases.decided_by(occasion.session, facts.id, wish.draft_version) if decided else None
        # An opinion that led on is not what voided the draft that he saw: its drafter did.
        is_cause = made is not None and (
            wish.draft_version == facts.draft_version or made.opinion in {Opinion.RETURN, Opinion.NOT_PUBLIC}
        )
        if made is not None and is_cause:
            when = names.local(made.at, occasion.desk.office)
            text = f"{made.by} 已于 {when} 处理：{names.opinion_name(made.stage, made.opinion)}。{text}"
        standing.refresh(occasion.session, facts.id, occasion.now)
    return Reaction(text, alert=True)


def _open_menu(
    occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor, facts: CaseFacts, where: Where
) -> Reaction:
    name, page = menus.page_of(wish.arg)
    kind = menus.card_of(name, page)
    if not _may_open(occasion, event, actor, facts, wish, kind):
        occasion.note_refusal(event.sender, actor, wish.verb, Ground.ROLE, facts.id)
        return Reaction(UNKNOWN_BUTTON, alert=True)
    order = _probe(_asked_for(occasion, facts, name), actor, where, wish, facts)
    away = name == menus.BACK and kind != announce.DUTY_CARD
    answer = None if away else decide(facts, order, occasion.desk.office.procedure)
    if isinstance(answer, Refusal):
        occasion.note_refusal(event.sender, actor, order.command.value, answer.ground, facts.id)
        return _refused(occasion, facts, answer, wish)
    view = case_view(occasion.session, facts.id)
    assert view is not None
    view = with_units(occasion.session, occasion.desk.office, view)
    if name.startswith(menus.MUTE):
        return mutes.open_menu(occasion, event, view, name)
    own = reasons.last(occasion.session, actor.person_id) if name == menus.REFUSE else []
    if name == menus.REFUSE and not own:  # nothing to choose from: he is asked at once
        return _ask(occasion, event, order, facts, "")
    chat = occasion.chat_name(event.chat)
    content: _Content | str
    if own:
        content = _Content(menus.refuse_menu(view, kind, own), notes=menus.own_reasons(own))
    elif name == menus.BACK:
        content = _Content(render.buttons_of(kind, view, occasion.desk.office, _channel_of(occasion, chat)))
    else:
        content = _CONTENTS.get(name, _plain_menu)(occasion, view, name, page)
    if isinstance(content, str):
        return Reaction(content, alert=True)
    menu = Menu(
        event.message, facts.id, facts.version, content.buttons, content.notes, kind, wish.draft_version, chat
    )
    return Reaction(content.toast, menu=menu)


def _asked_for(occasion: Occasion, facts: CaseFacts, menu: str) -> Command:
    """Give the command by which it is asked whether a person may open a menu."""
    submits = facts.level in occasion.desk.office.procedure.order and facts.state is not State.RETURNED
    if menu in {menus.CHANNEL, menus.UNITS} and submits and facts.state not in WITH_CHANNEL:
        return Command.SUBMIT
    return _PROBES.get(menu, Command.SET_LEVEL)


@dataclass(frozen=True, slots=True)
class _Content:
    """What a menu offers, what must be known to choose, and the toast that explains it."""

    buttons: menus.Rows
    toast: str = ""
    notes: tuple[Block, ...] = ()


def _plain_menu(occasion: Occasion, view: CaseView, name: str, page: int) -> _Content | str:
    return _Content(menus.menu_buttons(view, occasion.desk.office, name))


def _split_menu(occasion: Occasion, view: CaseView, name: str, page: int) -> _Content | str:
    texts = choices.texts(occasion.session, view.id, page)
    toast = "点哪一条信息，就把哪一条拆出去单独成为事项。"
    return _Content(menus.text_menu(view, occasion.desk.office, texts), toast)


def _merge_menu(occasion: Occasion, view: CaseView, name: str, page: int) -> _Content | str:
    found = choices.matters(occasion.session, view.id, page, occasion.now)
    if not found.choices:
        return "最近七天没有别的未办结事项。"
    return _Content(menus.matter_menu(view, found), "点哪个事项，本事项就并入哪个事项。")


def _join_menu(occasion: Occasion, view: CaseView, name: str, page: int) -> _Content | str:
    other = case_view(occasion.session, view.suggestion.other.id) if view.suggestion else None
    if other is None:
        return "建议并入的事项已不在，请用“纠正…”里的“合并…”。"
    notes = menus.joined_notes(other, occasion.desk.office)
    return _Content(menus.join_menu(view), "请核对卡片下方的事项，再点确认。", notes)


def _subject_menu(occasion: Occasion, view: CaseView, name: str, page: int) -> _Content | str:
    return _Content(menus.subject_menu(view, page))


def _unit_menu(occasion: Occasion, view: CaseView, name: str, page: int) -> _Content | str:
    return _Content(menus.unit_menu(view, occasion.desk.office, name, page))


def _tick_menu(occasion: Occasion, view: CaseView, name: str, page: int) -> _Content | str:
    return _Content(menus.ticks(view, occasion.desk.office, name, page), _TICKING[name])


_CONTENTS = {
    menus.SPLIT: _split_menu,
    menus.MERGE: _merge_menu,
    menus.JOIN: _join_menu,
    menus.SUBJECT: _subject_menu,
    menus.UNITS: _unit_menu,
    menus.ASSIGN_UNITS: _unit_menu,
    menus.CONSULT: _tick_menu,
    menus.ASPECTS: _tick_menu,
}


_TICKING = {
    menus.CONSULT: "点选参加会商的单位，再点“发起会商”。",
    menus.ASPECTS: "逐项核对打勾，六项都核对后才能通过。",
}


def _may_open(
    occasion: Occasion, event: ActionPressed, actor: Actor, facts: CaseFacts, wish: Wish, kind: str
) -> bool:
    """Tell whether a menu may be opened on a card of this kind here: a token can be made up, and opens a card anew.

    One with a draft only in private by who was shown it, the slip only in the group of the unit that has the case, the
    card of another unit only in the group of one that has to do with it.
    """
    if kind == announce.DUTY_CARD:
        return True
    if kind not in announce.CARD_ROLES:
        known = occasion.desk.office.channels
        keys = {facts.channel} if kind == announce.CHANNEL_CARD else facts.channels()
        groups = {known[key].chat for key in keys if key in known}
        return occasion.chat_name(event.chat) in groups
    if event.chat != event.sender.private_chat:
        return False
    return announce.was_asked(occasion.session, facts.id, kind, wish.draft_version, actor.person_id)


def _probe(command: Command, actor: Actor, where: Where, wish: Wish, facts: CaseFacts) -> Order:
    """Make an order that lacks nothing, to ask whether a person may give it."""
    return Order(
        command,
        actor,
        where,
        wish.version,
        wish.draft_version,
        reason="…",
        text="…",
        channel=facts.channel,
        level=facts.level,
        item_id=1,
        into=1,
        subject=SUBJECTS[0],
        units=(facts.channel,),
        target=next(iter(TARGETS)),
        days=1,
        stance="…",
        answer_kind=AnswerKind.UNCLEAR,
        aspects=frozenset(Aspect),
        openness=Openness.PUBLIC,
        confirmed=True,
    )


# By which order it is asked whether a person may open a menu; all others are open to whoever may set the level.
_PROBES = {
    menus.CHANNEL: Command.DISPATCH,
    menus.DISMISS: Command.DISMISS,
    menus.SPLIT: Command.SPLIT,
    menus.MERGE: Command.MERGE,
    menus.JOIN: Command.MERGE,
    menus.SUBJECT: Command.CLASSIFY,
    menus.UNITS: Command.DISPATCH,
    menus.ASSIGN: Command.DISPATCH,
    menus.ASSIGN_UNITS: Command.DISPATCH,
    menus.KIND: Command.SET_ANSWER_KIND,
    menus.CONSULT: Command.CONVENE,
    menus.TRANSFER: Command.TRANSFER,
    REPORT: Command.REPORT,
    menus.WATCH: Command.WATCH,
    menus.EXTEND: Command.EXTEND,
    menus.OPINE: Command.OPINE,
    menus.OPENNESS: Command.DRAFT,
    menus.ASPECTS: Command.PASS,
    menus.REFUSE: Command.REFUSE,
    PAUSE: Command.PAUSE,
}


_OF_UNITS = frozenset({Command.OPINE.value, Command.SIGN_COPY.value, Command.COUNTERSIGN.value})
"""What only the card of a unit offers, also in the group of the one that has the matter."""
_ORDERING = frozenset({Command.ORDER.value, Command.SEND_BACK.value})
_GROUP_CARDS = {Where.DUTY: announce.DUTY_CARD, Where.CHANNEL: announce.CHANNEL_CARD}


def _private_card(occasion: Occasion, wish: Wish, actor: Actor) -> str | None:
    """Name the private card that a button stands on, of those that this person was sent; None for a forged one.

    A forged token must not make a draft appear before somebody who was never shown it.
    """
    for card in _CARDS_OF.get(wish.verb, ()):
        if announce.was_asked(occasion.session, wish.case_id, card, wish.draft_version, actor.person_id):
            return card
    return None


_CARDS_OF: Mapping[str, tuple[str, ...]] = {
    Command.PASS.value: ("review", "second"),
    Command.REDO.value: ("review", "second"),
    Command.CLEAR.value: ("secrecy",),
    Command.WITHHOLD.value: ("secrecy",),
    Command.ESCALATE.value: ("secrecy",),
    Command.APPROVE.value: ("approve", "chief"),
    Command.REFUSE.value: ("approve", "chief"),
    Command.PASS_UP.value: ("approve",),
    Command.RECHECK.value: ("recheck",),
    Command.RECALL.value: ("recheck",),
    Command.CONTENT.value: ("call_back",),
    Command.DISCONTENT.value: ("call_back",),
    Command.UNREACHED.value: ("call_back",),
}


def _adopt(
    occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor, where: Where, facts: CaseFacts
) -> None:
    """Remember a card of ours whose sending was cut off before we learnt its number: it is edited from now on."""
    session, ref = occasion.session, event.message
    card, draft_version = _GROUP_CARDS.get(where), 0
    lead = occasion.desk.office.channels.get(facts.channel)
    of_unit = wish.verb in _OF_UNITS or (wish.verb == MENU and menus.page_of(wish.arg)[0] == menus.OPINE)
    if where is Where.CHANNEL and (of_unit or lead is None or occasion.chat_name(ref.chat) != lead.chat):
        card = announce.UNIT_CARD
    if where is Where.PRIVATE and wish.verb in _ORDERING:  # a card of no draft, whatever the button names
        asked = announce.was_asked_to_order(session, facts.id, actor.person_id)
        card = announce.ORDER_CARD if asked else None
    elif where is Where.PRIVATE:
        card, draft_version = _private_card(occasion, wish, actor), wish.draft_version
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

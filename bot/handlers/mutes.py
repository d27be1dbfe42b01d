"""Mutes in chat: `/mute`, the menu 静音… of a card, the buttons that lift a mute and fetch a card that is held back."""

import difflib

from bot import mutes as cards
from bot.buttons import LIFT, MUTE, SHOW, Wish
from bot.chat import ActionPressed, CommandGiven
from bot.duty_buttons import duty_buttons
from bot.handlers.desk import Menu, Occasion, Reaction
from bot.names import local
from bot.spans import end_of
from bot.wishes import mark_of
from routing import holding, mutes
from routing.bodies import with_units
from routing.errors import UserError
from routing.held import MuteView
from routing.reasons import REASON_MIN
from routing.silence import MuteKind
from routing.views import CaseView, case_view, find_case
from routing.workflow import Actor, Ground, Where

VERBS = frozenset({MUTE, LIFT, SHOW})
_KINDS = {name: kind for kind, name in mutes.KIND_NAMES.items()} | {"词组": MuteKind.WORD}
_LIFT = "解除"
_USAGE = (
    f"写法：/mute 静音什么（地点、来源、词或事项）　名称　多久　理由，如 {cards.FORM}。多久可写 30分钟、4小时、2天、明早8点，"
    f"理由至少 {REASON_MIN} 个字；"
    "解除写 /mute 解除 序号。"
)


def command(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """Carry out `/mute`: alone it lists, with words it begins or lifts one."""
    if not event.is_private and occasion.chat_name(event.chat) != occasion.desk.office.duty_chat:
        occasion.say(event.chat, "请在值班群或私聊里使用 /mute。", reply_to=event.message)
        return
    if not event.rest.strip():
        occasion.page(event.chat, {"template": "mutes", "reply_to": event.message.message})
        return
    try:
        text = _done(occasion, actor, event.rest.split())
    except UserError as error:
        text = str(error)
    occasion.say(event.chat, text, reply_to=event.message)


def _done(occasion: Occasion, actor: Actor, words: list[str]) -> str:
    if words[0] == _LIFT:
        number = words[1] if len(words) == 2 else ""
        if not number.isdecimal() or len(number) > 9:
            raise UserError(f"请写要解除的序号，如 /mute {_LIFT} 3。")
        return _lifted(occasion, actor, int(number))
    return _muted(occasion, mutes_for(occasion, actor, _wanted(occasion, words)))


def _wanted(occasion: Occasion, words: list[str]) -> mutes.Wanted:
    """Read `地点 东湖小区 4小时 计划停水`; what is muted may have spaces, the span divides it from the reason."""
    kind = _KINDS.get(words[0])
    if kind is None:
        raise UserError(f"不认识“{occasion.quoted(words[0])}”。{_USAGE}")
    zone = occasion.desk.office.zone
    for place in range(2, len(words)):
        until = end_of(words[place], occasion.now, zone)
        if until is not None:
            matcher = _named(occasion, kind, " ".join(words[1:place]))
            return mutes.Wanted(kind, matcher, until, occasion.hidden(" ".join(words[place + 1 :])))
    raise UserError(f"没有写静音多久。{_USAGE}")


def _named(occasion: Occasion, kind: MuteKind, text: str) -> str:
    """Give a source by its id and a case by its number, however they were called."""
    if kind is MuteKind.SOURCE:
        return _source(occasion, text)
    if kind is MuteKind.CASE:
        case_id = find_case(occasion.session, text)
        view = None if case_id is None else case_view(occasion.session, case_id)
        if view is None:
            raise UserError(f"没有找到事项“{occasion.quoted(text)}”，请写编号，如 12 或 YQ-2026-0012。")
        return view.number
    return text


def _source(occasion: Occasion, text: str) -> str:
    sources = occasion.desk.sources
    by_name = {name: key for key, name in sources.items()}
    if text in sources or text in by_name:
        return text if text in sources else by_name[text]
    close = difflib.get_close_matches(text, [*by_name, *sources], n=3, cutoff=0.4)
    hint = f"是不是 {'、'.join(close)}？" if close else "请写来源的名称或编号。"
    raise UserError(f"没有叫“{occasion.quoted(text)}”的来源。{hint}")


def mutes_for(occasion: Occasion, actor: Actor, wanted: mutes.Wanted) -> MuteView:
    """Begin a mute in the caller's unit of work."""
    desk = occasion.desk
    return holding.mute(occasion.session, desk.office, desk.ledger, actor, wanted, occasion.now)


def _muted(occasion: Occasion, mute: MuteView) -> str:
    what = cards.named(mute, occasion.desk.sources)
    until = local(mute.ends_at, occasion.desk.office)
    return (
        f"已静音第 {mute.id} 号：{what}，至 {until}。到时仍未办结的会一起提醒；Ⅰ、Ⅱ级和安全稳定类照常提醒。"
    )


def _lifted(occasion: Occasion, actor: Actor, mute_id: int) -> str:
    mute = mutes.lift(occasion.session, occasion.desk.ledger, actor, mute_id, occasion.now)
    after = "，未办结的随后提醒" if mute.held else ""
    return f"已解除静音：{cards.named(mute, occasion.desk.sources)}{after}。"


def press(occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor) -> Reaction:
    """Answer a press that mutes, lifts a mute, or fetches a card. Twice changes nothing the second time."""
    if not actor.roles & mutes.MAY_MUTE or _where(occasion, event) not in {Where.DUTY, Where.PRIVATE}:
        _note(occasion, event, wish, actor, Ground.ROLE)
        return Reaction("只有值班员、政府办和领导可以这样做，请在值班群或私聊里操作。", alert=True)
    try:
        if wish.verb == LIFT:
            return Reaction(_lifted(occasion, actor, wish.case_id))
        return _show(occasion, wish, actor) if wish.verb == SHOW else _mute(occasion, event, wish, actor)
    except UserError as error:
        _note(occasion, event, wish, actor, Ground.GONE)
        return Reaction(str(error), alert=True)


def _note(occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor, ground: Ground) -> None:
    """Record that a press was refused, with its case where it means one."""
    means_case = wish.verb != LIFT and case_view(occasion.session, wish.case_id) is not None
    occasion.note_refusal(event.sender, actor, wish.verb, ground, wish.case_id if means_case else None)


def _where(occasion: Occasion, event: ActionPressed) -> Where:
    return occasion.where(event.chat, event.sender, ())


def _show(occasion: Occasion, wish: Wish, actor: Actor) -> Reaction:
    desk = occasion.desk
    case = holding.show(occasion.session, desk.office, desk.ledger, actor, wish.case_id, occasion.now)
    if case is None:
        return Reaction("它的卡片没有被拦下，请看值班群。", alert=True)
    return Reaction(f"{case.number} 的卡片已发到值班群。")


def _mute(occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor) -> Reaction:
    view = case_view(occasion.session, wish.case_id)
    choice, office = cards.choice_of(wish.arg), occasion.desk.office
    if view is None or choice.kind is None or choice.span is None:
        return Reaction("这个按钮已失效，请发送 /mute 查看。", alert=True)
    reason = next((one for one in office.mute.reasons if mark_of(one) == choice.reason), "")
    if choice.reason and not reason:
        return Reaction("这个理由已不在名单里，请点“静音…”重新选择。", alert=True)
    until = end_of(cards.SPANS[choice.span][1], occasion.now, office.zone)
    assert until is not None
    wanted = mutes.Wanted(choice.kind, cards.target_of(view, choice.kind), until, reason)
    done = _muted(occasion, mutes_for(occasion, actor, wanted))
    # The case has not moved, so nothing else would close the menu.
    closed = Menu(
        event.message, view.id, view.version, duty_buttons(with_units(occasion.session, office, view), office)
    )
    return Reaction(done, alert=True, menu=closed)


def open_menu(occasion: Occasion, event: ActionPressed, view: CaseView, name: str) -> Reaction:
    """Open the menu 静音…, or its next page."""
    arg = name.removeprefix(cards.MENU)
    buttons = cards.mute_menu(view, occasion.desk.office, arg, occasion.desk.sources)
    choice = cards.choice_of(arg)
    toast = "静音什么？" if choice.kind is None else "静音多久？" if choice.span is None else ""
    toast = toast or f"为什么？其他理由（至少 {REASON_MIN} 个字）请发送，如：{cards.FORM}"
    return Reaction(toast, menu=Menu(event.message, view.id, view.version, buttons))

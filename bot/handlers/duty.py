"""/duty, /handover, /substitute and the buttons under what they post."""

import re
import unicodedata
from datetime import date, datetime, timedelta

from bot.buttons import HANDOVER, SUBSTITUTE, Wish
from bot.chat import ActionPressed, CommandGiven
from bot.duty_cards import END, LEAF
from bot.handlers import ending, standins
from bot.handlers.desk import Occasion, Reaction, Redraw
from bot.rosters import stretch
from routing import handover, outbox, people, substitution
from routing.errors import UserError
from routing.office import Role
from routing.outbox import MessageKind, Priority
from routing.reasons import REASON_MIN
from routing.substitution import Substitution, SubstitutionState, Wanted
from routing.workflow import Actor, Ground

PLANNERS = frozenset({Role.DUTY, Role.OFFICE, Role.LEADER, Role.ADMIN})
"""Who sees, besides who is on duty, what is wrong with the roster."""

SUBSTITUTE_USAGE = (
    "写法：/substitute 备用人员 起 止 理由，如 /substitute 李明 11-22 08:00 11-23 08:00 因公外出。"
    f"理由至少 {REASON_MIN} 个字；"
    "起、止也可写“现在”、18:00 或“明天 18:00”；只发 /substitute 可用按钮选。"
)
_DAY = re.compile(r"(?:(20\d\d)[-/.年])?(\d{1,2})[-/.月](\d{1,2})日?")
_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_NOW = {"现在", "now"}
_DAYS_ON = {"今天": 0, "明天": 1, "后天": 2}


def duty(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """Say who is on duty now and next."""
    here = occasion.chat_name(event.chat)
    may_plan = bool(actor.roles & PLANNERS) and (event.is_private or here == occasion.desk.office.duty_chat)
    payload = {"template": "duty", "faults": may_plan, "reply_to": event.message.message}
    occasion.page(event.chat, payload)


def hand_over(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """Post a handover in the duty group for both to sign: `/handover [who comes] [note]`."""
    office, session = occasion.desk.office, occasion.session
    try:
        incoming_id, note = _incoming(occasion, event.rest, actor)
        handover_id = handover.begin(
            session,
            office,
            occasion.desk.ledger,
            outgoing=actor,
            incoming_id=incoming_id,
            note=note,
            now=occasion.now,
        )
    except UserError as error:
        occasion.say(event.chat, str(error), reply_to=event.message)
        return
    _post(occasion, office.duty_chat, "handover", handover_id)
    if occasion.chat_name(event.chat) != office.duty_chat:
        occasion.say(event.chat, "交接单已发到值班群，请交接双方在那里签名。", reply_to=event.message)


def _incoming(occasion: Occasion, rest: str, actor: Actor) -> tuple[int, str]:
    """Read who comes, and the note. The roster names him where the first word is the name of nobody who may come."""
    session, now = occasion.session, occasion.now
    word, _, note = rest.strip().partition(" ")
    officers = {found.name: found.person_id for found, _ in people.holders(session, Role.DUTY, at=now)}
    officers |= {one.name: one.person_id for one in handover.rostered(session, now)}
    if word in officers:
        return officers[word], note.strip()
    following = handover.successor(session, actor.person_id, now)
    if following is not None and (not word or len(word) > 4):
        return following, rest.strip()
    if not word:
        raise UserError("值班表上没有下一班，请写接班人的姓名，如 /handover 李明。")
    people.named(session, occasion.quoted(word))  # says what the name may have meant
    raise UserError(f"{occasion.quoted(word)} 不是值班员，值班表上也没有他，不能接班。")


def substitute(occasion: Occasion, event: CommandGiven, actor: Actor) -> None:
    """Ask for a substitution: `/substitute [who is absent] reserve from until reason`."""
    office = occasion.desk.office
    if event.rest.split()[:1] == [ending.WORD]:
        ending.command(occasion, event, actor)
        return
    if not event.rest.strip():
        standins.begin(occasion, event, actor)
        return
    try:
        wanted = _wanted(occasion, event.rest, actor)
        asked = substitution.ask(occasion.session, office, occasion.desk.ledger, actor, wanted, occasion.now)
    except UserError as error:
        occasion.say(event.chat, str(error), reply_to=event.message)
        return
    when = stretch(asked.starts_at, asked.ends_at, office)
    text = f"已报值班领导审批：{when} 由 {asked.reserve} 顶 {asked.absent} 的岗。批准后生效，到时自动结束。"
    occasion.say(event.chat, text, reply_to=event.message)


def _wanted(occasion: Occasion, rest: str, actor: Actor) -> Wanted:
    words = rest.split()
    first = next((n for n, word in enumerate(words) if _is_instant(word)), len(words))
    names, others = words[:first], tuple(words[first:])
    if not others:
        raise _amiss(f"“{occasion.quoted(rest)}”里没有起止时间")
    if not names:
        raise _amiss("没有写备用人员，姓名写在时间前面")
    if len(names) > 2:
        raise _amiss(f"时间“{others[0]}”前面只写姓名，现在是“{occasion.quoted(' '.join(names))}”")
    local = occasion.now.astimezone(occasion.desk.office.zone)
    starts_at, others = _instant(occasion, "起始时间", others, local, local.date())
    ends_at, others = _instant(occasion, "结束时间", others, local, starts_at.date())
    ids = [people.named(occasion.session, occasion.quoted(name)) for name in names]
    absent_id = ids[0] if len(ids) == 2 else actor.person_id
    return Wanted(absent_id, ids[-1], starts_at, ends_at, " ".join(others))


def _amiss(what: str) -> UserError:
    """Say which part of a typed line is wrong, and how the whole is written."""
    return UserError(f"{what}。{SUBSTITUTE_USAGE}")


def _is_instant(word: str) -> bool:
    plain = _plain(word)
    return plain in _NOW or plain in _DAYS_ON or bool(_DAY.fullmatch(plain) or _TIME.fullmatch(plain))


def _plain(word: str) -> str:
    """Write figures and signs as a keyboard without Chinese has them: `１８：００` is 18:00."""
    return unicodedata.normalize("NFKC", word)


def _instant(
    occasion: Occasion, what: str, words: tuple[str, ...], now: datetime, day: date
) -> tuple[datetime, tuple[str, ...]]:
    """Read an instant from the front: 现在, or a time with or without a day before it; `day` counts where none is written."""
    if words and _plain(words[0]) in _NOW:
        return now, words[1:]
    named = words[0] if words else ""
    written = _DAY.fullmatch(_plain(named))
    if written is not None:
        day, words = _day(written, now), words[1:]
    elif named in _DAYS_ON:
        day, words = now.date() + timedelta(days=_DAYS_ON[named]), words[1:]
    else:
        named = ""
    time = _TIME.fullmatch(_plain(words[0])) if words else None
    minutes = int(time[1]) * 60 + int(time[2]) if time else 0
    if time is None or minutes > 24 * 60:
        lacks = f"{what}“{named}”后面缺几点几分" if named else f"缺{what}"
        found = f"，“{occasion.quoted(words[0])}”不是时间" if words else ""
        raise _amiss(f"{lacks}{found}")
    midnight = datetime(day.year, day.month, day.day, tzinfo=now.tzinfo)
    return midnight + timedelta(minutes=minutes), words[1:]


def _day(written: re.Match[str], now: datetime) -> date:
    try:
        day = date(int(written[1] or now.year), int(written[2]), int(written[3]))
        # Without a year the next such day is meant: in December the 2nd of January is in front of us.
        if written[1] is None and (now.date() - day).days > 180:
            day = day.replace(year=day.year + 1)
    except ValueError as error:
        raise _amiss(f"没有 {written[0]} 这一天，请核对后重发") from error
    return day


# --- buttons ---------------------------------------------------------------------------------------------------


def sign(occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor) -> Reaction:
    """Sign a handover, or turn its page; the second signature is told in the duty group."""
    redraw = Redraw(event.message, {"handover": wish.case_id, "page": wish.version})
    if (
        occasion.chat_name(event.chat) != occasion.desk.office.duty_chat
    ):  # it lists what no other group may see
        occasion.note_refusal(event.sender, actor, HANDOVER, Ground.PLACE)
        return Reaction("请在值班群里查看交接单。", alert=True)
    if wish.arg == LEAF:
        return Reaction(redraw=redraw)
    try:
        signed = handover.sign(occasion.session, occasion.desk.ledger, wish.case_id, actor, occasion.now)
    except UserError as error:
        occasion.note_refusal(event.sender, actor, HANDOVER, Ground.ROLE)
        return Reaction(str(error), alert=True, redraw=redraw)
    if signed.is_signed:
        text = f"交接班完成：{signed.outgoing} → {signed.incoming}，未办结 {len(signed.matters)} 件。"
        occasion.say(event.chat, text, reply_to=event.message)
    return Reaction("已签名。", redraw=redraw)


def decide(occasion: Occasion, event: ActionPressed, wish: Wish, actor: Actor) -> Reaction:
    """Approve or refuse a substitution; all whom it concerns hear, the duty group of who stands in for whom."""
    if wish.arg == END:
        return ending.press(occasion, event, wish, actor)
    redraw = Redraw(event.message, {"substitution": wish.case_id})
    try:
        decided = substitution.decide(
            occasion.session,
            occasion.desk.ledger,
            wish.case_id,
            actor,
            accept=wish.arg == "yes",
            now=occasion.now,
        )
    except UserError as error:
        occasion.note_refusal(event.sender, actor, SUBSTITUTE, Ground.ROLE)
        return Reaction(str(error), alert=True)
    _tell_decided(occasion, wish.case_id, decided)
    if decided.state is SubstitutionState.APPROVED:
        substitution.start(occasion.session, occasion.desk.office, wish.case_id, occasion.now)
    return Reaction("已批准。" if wish.arg == "yes" else "已记为不批准。", redraw=redraw)


def _tell_decided(occasion: Occasion, substitution_id: int, decided: Substitution) -> None:
    office = occasion.desk.office
    when = stretch(decided.starts_at, decided.ends_at, office)
    if decided.state is SubstitutionState.APPROVED:
        text = f"顶岗：{when} 由 {decided.reserve} 顶 {decided.absent} 的岗（{decided.decided_by} 批准），到时自动结束。"
        occasion.say(office.duty_chat, text, part="duty")
    else:
        text = f"{decided.decided_by} 没有批准 {decided.reserve} 在 {when} 顶 {decided.absent} 的岗。"
    # Who is absent has a card to end it by, which says the rest.
    absent = list[str]()
    if decided.state is SubstitutionState.APPROVED:
        absent = substitution.chats_of_absent(occasion.session, substitution_id)
    for chat in absent:
        _post(occasion, chat, "substitution", substitution_id)
    for chat in substitution.concerned(occasion.session, substitution_id):
        if chat not in absent:
            occasion.say(chat, text, part=chat)


def _post(occasion: Occasion, chat: str, what: str, row_id: int) -> None:
    outbox.queue(
        occasion.session,
        key=f"{what}:{row_id}:{chat}",
        chat=chat,
        kind=MessageKind.CARD,
        priority=Priority.PERSON,
        payload={what: row_id},
        now=occasion.now,
    )

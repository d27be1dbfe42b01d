"""What the optional steps of the procedure do besides moving a matter: papers, clocks, what is known of the answer.

Each effect runs in the deciding transaction, once, after the move was allowed.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import deadlines, papers, people, verdicts
from routing.corrections import Effect
from routing.limits import risen
from routing.office import Channel, Level, Office, Role, Step
from routing.owed import Owed
from routing.store.tables import CaseRow, DraftRow, VerdictKind
from routing.verdicts import NOT_OWED
from routing.workflow import PAUSE_GROUNDS, Command, Ground, Order, Refusal, State
from routing.worktime import due_at, return_until

EXTENSION_MAX = 10
"""Working days that a limit is extended by at most (广安市批示件办理: 延期不超过十个工作日)."""


def refusal(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> Refusal | None:
    """Tell what the store knows against an order that the table allows.

    Only the office settles who is competent (潍坊市12345条例 第二十二条). A slip is returned soon or not at all. An extension
    is asked for before the limit is over; nothing is passed up where nobody is above.
    """
    against = _KNOWN_AGAINST.get(order.command)
    return None if against is None else against(session, office, case, order, now)


def _against_assigning(
    session: Session, office: Office, case: CaseRow, order: Order, now: datetime
) -> Refusal | None:
    if order.assigns and Role.OFFICE not in order.actor.roles:
        return Refusal(Ground.ROLE, "只有政府办可以指定承办单位。")
    return None


def _against_passing_up(
    session: Session, office: Office, case: CaseRow, order: Order, now: datetime
) -> Refusal | None:
    if not people.holders(session, Role.CHIEF, at=now):
        return Refusal(Ground.GONE, "没有登记主要领导，无法呈报。请系统管理员用 yuqing people invite 登记。")
    return None


def _against_mistake(
    session: Session, office: Office, case: CaseRow, order: Order, now: datetime
) -> Refusal | None:
    if not people.holders(session, Role.LEADER, at=now):
        return Refusal(Ground.GONE, "没有登记领导，无法报告。请系统管理员用 yuqing people invite 登记。")
    return None


def _against_extension(
    session: Session, office: Office, case: CaseRow, order: Order, now: datetime
) -> Refusal | None:
    if order.days > EXTENSION_MAX:
        return Refusal(Ground.LIMIT, f"最多延长 {EXTENSION_MAX} 个工作日。")
    if deadlines.is_late(session, case.id, Step.CLOSE, now):
        return Refusal(Ground.LIMIT, "办结时限已过，不能再申请延期，请尽快办理并说明情况。")
    return None


def _against_emergency(
    session: Session, office: Office, case: CaseRow, order: Order, now: datetime
) -> Refusal | None:
    if case.level > Level.II and not case.emergency:
        return Refusal(Ground.LIMIT, "只有Ⅰ级、Ⅱ级事项能标记突发事件，请先定级。")
    return None


def _against_word(
    session: Session, office: Office, case: CaseRow, order: Order, now: datetime
) -> Refusal | None:
    if not case.emergency:
        return Refusal(Ground.LIMIT, f"{case.number} 没有标记突发事件，不用登记。")
    return None


def _against_pause(
    session: Session, office: Office, case: CaseRow, order: Order, now: datetime
) -> Refusal | None:
    if order.stance not in PAUSE_GROUNDS:
        return Refusal(Ground.MISSING, "请选择暂停计时的依据。")
    if deadlines.is_paused(session, case.id):
        return Refusal(Ground.LIMIT, "本事项已经暂停计时。")
    if deadlines.is_late(session, case.id, Step.CLOSE, now):
        return Refusal(Ground.LIMIT, "办结时限已过，不能再暂停，请尽快办理并说明情况。")
    return None


def _against_going_on(
    session: Session, office: Office, case: CaseRow, order: Order, now: datetime
) -> Refusal | None:
    if not deadlines.is_paused(session, case.id):
        return Refusal(Ground.LIMIT, "本事项没有暂停计时。")
    return None


def _against_return(
    session: Session, office: Office, case: CaseRow, order: Order, now: datetime
) -> Refusal | None:
    """Refuse what is given back too late: by then the public waits for an answer, and the office alone may send it on."""
    slip = papers.newest_slip(session, case.id)
    until = None if slip is None else return_until(office, Level(case.level), risen(case), slip.dispatched_at)
    if until is None or now <= until:
        return None
    at = until.astimezone(office.zone).strftime("%m-%d %H:%M")
    return Refusal(Ground.LIMIT, f"退回时限（{at}）已过，请先签收；确不属本单位职责的，请联系政府办改派。")


_KNOWN_AGAINST: Mapping[Command, Callable[[Session, Office, CaseRow, Order, datetime], Refusal | None]] = {
    Command.DISPATCH: _against_assigning,
    Command.RETURN: _against_return,
    Command.PASS_UP: _against_passing_up,
    Command.MISTAKE: _against_mistake,
    Command.EXTEND: _against_extension,
    Command.EMERGENCY: _against_emergency,
    Command.SPEAK: _against_word,
    Command.BRIEF: _against_word,
    Command.PAUSE: _against_pause,
    Command.GO_ON: _against_going_on,
}


def copy_out(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    """Ask every copied channel to sign for itself: those proposed, and that of the place (双推送)."""
    copied = [key for key in case.copies if key in office.channels]
    copied += [c.key for c in office.channels.values() if case.place in c.places and c.key not in copied]
    for key in papers.waiting(session, case.id, Command.SIGN_COPY) - set(copied) | {case.channel}:
        papers.answer(session, case.id, Command.SIGN_COPY, key, None, now)
    for key in copied:
        if key != case.channel:
            papers.ask(session, case, Command.SIGN_COPY, key, order.actor.person_id, now)


def named_units(text: str, office: Office, lead: str) -> list[Channel]:
    """List the channels whose unit a draft names by its name, with or without 县、市、区、旗 before it; without the lead."""
    return [c for c in office.channels.values() if c.key != lead and any(n in text for n in _names(c.unit))]


def _names(unit: str) -> tuple[str, ...]:
    return (unit, unit[1:]) if unit[:1] in "县市区旗" and len(unit) > 3 else (unit,)


def _convene(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    for key in order.units:
        if key in office.channels:
            papers.ask(session, case, Command.CONVENE, key, order.actor.person_id, now)


def _opine(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    asked = papers.waiting(session, case.id, Command.CONVENE) & order.actor.channels
    key = order.channel if order.channel in asked else min(asked)
    person_id = order.actor.person_id
    papers.answer(
        session, case.id, Command.CONVENE, key, person_id, now, stance=order.stance, text=order.reason
    )


def _conclude(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    for key in papers.waiting(session, case.id, Command.CONVENE):
        papers.answer(
            session, case.id, Command.CONVENE, key, None, now
        )  # it did not speak, and the file says so
    papers.put(session, case, order, now, text=order.text)


def _submit(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    case.channel = order.channel
    papers.put(session, case, order, now, text=order.unit)


def _sign_copy(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    for key in papers.waiting(session, case.id, Command.SIGN_COPY) & order.actor.channels:
        papers.answer(session, case.id, Command.SIGN_COPY, key, order.actor.person_id, now)
    if not papers.waiting(session, case.id, Command.SIGN_COPY):
        deadlines.end(session, case.id, [Step.COPY], now)


def is_excused(session: Session, case: CaseRow) -> bool:
    """Tell whether a person said that a case need not be answered in public, and nobody took it back."""
    return papers.newest(session, case.id, Command.EXCUSE) is not None and not case.must_answer


def _oblige(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    _say_of_the_duty(session, case, order, now, must=True)
    deadlines.start(session, office, case, [Step.RESPOND], case.opened_at)


def _excuse(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    _say_of_the_duty(session, case, order, now, must=False)
    deadlines.end(session, case.id, [Step.RESPOND], now)
    papers.put(session, case, order, now, text=order.reason)


def _say_of_the_duty(session: Session, case: CaseRow, order: Order, now: datetime, *, must: bool) -> None:
    """Keep whether a person says that a matter must be answered, and what had been proposed."""
    proposed = (case.owed or Owed.INTERESTS).value if case.must_answer else NOT_OWED
    verdicts.note(
        session,
        case,
        VerdictKind.ANSWER,
        proposed=proposed,
        corrected=Owed.PERSON.value if must else NOT_OWED,
        person_id=order.actor.person_id,
        now=now,
    )
    case.must_answer, case.owed = must, Owed.PERSON if must else None


def _set_answer_kind(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    case.answer_kind = order.answer_kind


def _grant(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    asked = papers.newest(session, case.id, Command.EXTEND)
    papers.put(session, case, order, now, stance=asked.stance if asked is not None else "0")
    deadlines.replan(session, office, case, now)


def _extend(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    papers.put(session, case, order, now, stance=str(order.days), text=order.reason)


def _approved(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    """Ask the units that an approved text names to confirm it, where the office wants that.

    A text that goes on to the chief leader is still a draft, which no group may read.
    """
    if not office.procedure.countersign or case.state is not State.TO_RELEASE:
        return
    text = session.scalar(
        select(DraftRow.text).where(DraftRow.case_id == case.id, DraftRow.version == case.draft_version)
    )
    said = papers.answered(session, case.id, Command.COUNTERSIGN, case.draft_version)
    for channel in named_units(text or "", office, case.channel):
        if channel.key in said:  # the same text was approved before, at a lower level
            continue
        papers.ask(session, case, Command.COUNTERSIGN, channel.key, order.actor.person_id, now)


def _countersign(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    waiting = papers.waiting(session, case.id, Command.COUNTERSIGN, case.draft_version)
    for key in waiting & order.actor.channels:
        papers.answer(session, case.id, Command.COUNTERSIGN, key, order.actor.person_id, now)


def _transfer(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    papers.put(session, case, order, now, stance=order.target, text=order.reason)


def _take_back(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    """Owe the public answer again, since the matter was found; not what was said to need none."""
    if not is_excused(session, case):
        deadlines.start(session, office, case, [Step.RESPOND], case.opened_at)
    if case.emergency:
        owed = {Step.FIRST_WORD: Command.SPEAK, Step.PRESS: Command.BRIEF}
        left = [step for step, told in owed.items() if not papers.count(session, case.id, told)]
        deadlines.start(session, office, case, left, case.opened_at)
    _said(session, office, case, order, now)


def _said(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    papers.put(session, case, order, now, stance=order.stance, text=order.text or order.reason)


def _instruct(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> Effect:
    case.instructed = not case.instructed
    return _flagged(case.number, "批示件", on=case.instructed)


def _emergency(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> Effect:
    """Start the clocks of an emergency (国办发〔2016〕80号) from when it was found; unmarked they end."""
    case.emergency = not case.emergency
    if case.emergency:
        deadlines.start(session, office, case, [Step.FIRST_WORD, Step.PRESS], case.opened_at)
    else:
        deadlines.end(session, case.id, [Step.FIRST_WORD, Step.PRESS], now)
    return _flagged(case.number, "突发事件", on=case.emergency)


def _flagged(number: str, name: str, *, on: bool) -> Effect:
    return Effect(f"{number} 已{'标为' if on else '取消'}{name}", facts={"on": on})


def _pause(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> Effect:
    """Let the handling stand still; it goes on by itself, for nothing may be forgotten."""
    length = office.supervision.pause
    until = due_at(now, length, office.hours, office.zone, office.overrides).at
    papers.begin(session, case, order, now, stance=order.stance, text=order.reason)
    deadlines.pause(session, case, until, now)
    return Effect(facts={"until": until.isoformat()})


def _go_on(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    deadlines.go_on(session, office, case, order.actor.person_id, now)


def _report_link(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    papers.put(session, case, order, now, text=order.link)


Act = Callable[[Session, Office, CaseRow, Order, datetime], Effect | None]
EFFECTS: Mapping[Command, Act] = {
    Command.CONVENE: _convene,
    Command.OPINE: _opine,
    Command.CONCLUDE: _conclude,
    Command.SUBMIT: _submit,
    Command.SEND_BACK: _said,
    Command.TRANSFER: _transfer,
    Command.TAKE_BACK: _take_back,
    Command.SIGN_COPY: _sign_copy,
    Command.OBLIGE: _oblige,
    Command.EXCUSE: _excuse,
    Command.SET_ANSWER_KIND: _set_answer_kind,
    Command.REPORT: _said,
    Command.EXTEND: _extend,
    Command.GRANT: _grant,
    Command.DENY: _said,
    Command.APPROVE: _approved,
    Command.COUNTERSIGN: _countersign,
    Command.RECHECK: _said,
    Command.RECALL: _said,
    Command.FOLLOW: _said,
    Command.MISTAKE: _said,
    Command.CONTENT: _said,
    Command.DISCONTENT: _said,
    Command.UNREACHED: _said,
    Command.INSTRUCT: _instruct,
    Command.EMERGENCY: _emergency,
    Command.SPEAK: _report_link,
    Command.BRIEF: _said,
    Command.PHONE: _said,
    Command.PAUSE: _pause,
    Command.GO_ON: _go_on,
    Command.ASSESS: _said,
}
"""What an order does besides the move, its ledger line and its clocks; commands that are not here do nothing else."""

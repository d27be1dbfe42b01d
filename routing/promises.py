"""What a unit promised in its answer (承诺事项): a sentence and a date each, reminded until it is kept.

A promise outlives the closing of its case: that the answer is out is no end of what it promised. Late ones are told to
the duty group too. Whoever promised and whoever says that it was kept is a line of the ledger, in the same transaction.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import announce, people
from routing.errors import UserError
from routing.ledger import Ledger, who
from routing.office import Office, Role
from routing.procedure import REVIEW_STATES
from routing.standing import refresh
from routing.store.tables import CaseRow, PromiseRow
from routing.workflow import STATE_NAMES, Actor, State

TEXT_MAX, MOST, AHEAD = 200, 20, timedelta(days=3 * 366)
"""Letters of a promise, promises of a case, how far ahead one may lie; project defaults."""
MAY_ALL = frozenset({Role.DUTY, Role.OFFICE})
MAY_PROMISE = MAY_ALL | {Role.CONTACT}
STAGES = (0.5, 0.8, 1.0)
"""At which part of its time a promise is called to mind, as the limits are; project default."""

_PROMISING = frozenset(
    {
        State.HANDLING,
        State.EXTENDING,
        *REVIEW_STATES,
        State.TO_RELEASE,
        State.ANSWERED,
        State.CALLING_BACK,
        State.CLOSED,
    }
)


@dataclass(frozen=True, slots=True)
class PromiseView:
    """A promise: its place among those of its case (from 1), what is promised, by when (aware UTC), whether it is kept."""

    place: int
    text: str
    due_at: datetime
    kept_at: datetime | None
    kept_by: str = ""
    note: str = ""


def promises(session: Session, case_id: int) -> tuple[PromiseView, ...]:
    """List the promises of a case in the order in which they were made."""
    return tuple(
        PromiseView(place, row.text, row.due_at, row.kept_at, people.name_of(session, row.kept_by), row.note)
        for place, row in enumerate(_rows(session, case_id), 1)
    )


def promise(
    session: Session,
    office: Office,
    ledger: Ledger,
    case_id: int,
    text: str,
    due_on: date,
    actor: Actor,
    now: datetime,
) -> PromiseView:
    """Enter what was promised until the office closes on a day. The same promise for the same day is entered once.

    Raises UserError where he may not, the case is not at that point, or the words or the day will not do.
    """
    case = session.get_one(CaseRow, case_id, with_for_update=True)
    _check_right(case, actor)
    if case.state not in _PROMISING:
        raise UserError(f"{case.number} 现在是“{STATE_NAMES[case.state]}”，签收办理后才能登记承诺。")
    if not text or len(text) > TEXT_MAX:
        raise UserError(f"承诺要写清楚做什么，不超过 {TEXT_MAX} 字，现在 {len(text)} 字，没有登记。")
    due = datetime.combine(due_on, office.hours.stretches[-1][1], office.zone).astimezone(now.tzinfo)
    if not now < due < now + AHEAD:
        raise UserError(f"承诺日期 {due_on} 不对：应在今天之后、三年之内，如 2026-12-01。没有登记。")
    known = _rows(session, case.id)
    for place, row in enumerate(known, 1):
        if (row.text, row.due_at) == (text, due):
            return PromiseView(place, text, due, row.kept_at)
    if len(known) >= MOST:
        raise UserError(f"{case.number} 已有 {MOST} 项承诺，不能再加。")
    session.add(
        PromiseRow(
            case_id=case.id,
            text=text,
            due_at=due,
            made_at=now,
            made_by=actor.person_id,
            next_at=_moment(now, due, 0),
        )
    )
    session.flush()
    _told(session, ledger, case, "promise", len(known) + 1, actor, now, until=due.isoformat())
    return PromiseView(len(known) + 1, text, due, None)


def keep(
    session: Session, ledger: Ledger, case_id: int, place: int, note: str, actor: Actor, now: datetime
) -> PromiseView:
    """Say that a promise is kept, and where that is seen. Saying it twice is told and changes nothing.

    Raises UserError where he may not, there is no such promise, or it is kept already.
    """
    case = session.get_one(CaseRow, case_id, with_for_update=True)
    _check_right(case, actor)
    rows = _rows(session, case.id)
    if not 1 <= place <= len(rows):
        raise UserError(f"{case.number} 没有第 {place} 项承诺。发送 /promise {case.number} 查看。")
    row = rows[place - 1]
    if row.kept_at is not None:
        raise UserError(f"第 {place} 项承诺已由 {people.name_of(session, row.kept_by)} 登记兑现。")
    row.kept_at, row.kept_by, row.note, row.next_at = now, actor.person_id, note[:TEXT_MAX], None
    _told(session, ledger, case, "promise_kept", place, actor, now, met=now <= row.due_at)
    return PromiseView(place, row.text, row.due_at, now, actor.name, row.note)


def open_count(session: Session, case_id: int) -> int:
    """Count the promises of a case that are not kept."""
    return sum(row.kept_at is None for row in _rows(session, case_id))


def tick(session: Session, office: Office, ledger: Ledger, now: datetime, limit: int = 100) -> int:
    """Call to mind the promises whose moment has come: the unit's group, and once late the duty group too."""
    rows = session.scalars(
        select(PromiseRow)
        .where(PromiseRow.next_at <= now, PromiseRow.kept_at.is_(None))
        .order_by(PromiseRow.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        stage = max(i for i, _ in enumerate(STAGES) if _moment(row.made_at, row.due_at, i) <= now or i == 0)
        row.next_at = _moment(row.made_at, row.due_at, stage + 1) if stage + 1 < len(STAGES) else None
        _remind(session, office, ledger, row, stage, now)
    return len(rows)


def _remind(
    session: Session, office: Office, ledger: Ledger, row: PromiseRow, stage: int, now: datetime
) -> None:
    case = session.get_one(CaseRow, row.case_id)
    is_late = stage == len(STAGES) - 1
    channel = office.channels.get(case.channel)
    chats = list(
        dict.fromkeys([*([channel.chat] if channel else []), *([office.duty_chat] if is_late else [])])
    )
    for chat in chats or [office.duty_chat]:
        announce.tell(
            session,
            case,
            chat=chat,
            template="promise_late" if is_late else "promise_due",
            key=f"promise:{row.id}:{stage}:{chat}",
            now=now,
            facts={"text": row.text, "due_at": row.due_at.isoformat()},
        )
    ledger.write(
        session,
        at=now,
        actor="系统",
        action="promise_overdue" if is_late else "promise_remind",
        case_id=case.id,
        due_at=row.due_at.isoformat(),
        chats=chats,
    )


def _check_right(case: CaseRow, actor: Actor) -> None:
    if actor.roles & MAY_ALL or (Role.CONTACT in actor.roles and case.channel in actor.channels):
        return
    raise UserError("本事项不由您所在的单位承办，承诺由承办单位登记。")


def _told(
    session: Session,
    ledger: Ledger,
    case: CaseRow,
    action: str,
    place: int,
    actor: Actor,
    now: datetime,
    **facts: object,
) -> None:
    ledger.write(
        session, at=now, actor=actor.name, action=action, case_id=case.id, place=place, **facts, **who(actor)
    )
    refresh(session, case.id, now)


def _rows(session: Session, case_id: int) -> list[PromiseRow]:
    return list(
        session.scalars(select(PromiseRow).where(PromiseRow.case_id == case_id).order_by(PromiseRow.id))
    )


def _moment(made: datetime, due: datetime, stage: int) -> datetime:
    return made + (due - made) * STAGES[stage]

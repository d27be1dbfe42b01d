"""Limits as rows: started and ended by moves, looked at by a tick, reminded once a stage.

The tick asks the database what is due at `now`; nothing is kept in memory, so a restart, a jump of the clock or a
machine that slept delays a reminder and never loses it. Only the one whose move it is hears of it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from routing import duty, held, papers, people
from routing.ledger import Ledger
from routing.office import Level, Limit, Office, Role, Step
from routing.outbox import QUIET_UNTIL, MessageKind, Priority, queue
from routing.quiet import reminder_at
from routing.store.lock import serialise
from routing.store.tables import CaseRow, DeadlineRow
from routing.workflow import Command
from routing.worktime import Due, due_at

STAGES: tuple[float, ...] = (0.5, 0.8, 1.0)
"""At which part of a limit the person is reminded; project default."""

BEFORE_ANSWER = frozenset(
    {
        Step.CONSULT,
        Step.ORDER,
        Step.DISPATCH,
        Step.SIGN,
        Step.DRAFT,
        Step.REVIEW,
        Step.SECRECY,
        Step.SECOND,
        Step.APPROVE,
        Step.CHIEF,
        Step.RELEASE,
    }
)

REMINDER_LIFE = timedelta(hours=12)

LATE_AFTER = timedelta(minutes=5)
"""A reminder that goes out later than this after its moment says that it is late."""


def start(session: Session, office: Office, case: CaseRow, steps: Sequence[Step], now: datetime) -> None:
    """Start clocks on a case. A clock that runs already is left alone: a case has one of a kind."""
    for step in steps:
        running = session.scalar(_running(case.id).where(DeadlineRow.step == step))
        due = _due(session, office, case, step, now)
        if due is None or running is not None:
            continue
        session.add(
            DeadlineRow(
                case_id=case.id,
                step=step,
                channel=case.channel,
                started_at=now,
                due_at=due.at,
                next_at=_moment(now, due.at, 0),
                tentative=due.tentative,
            )
        )
    session.flush()


def _due(session: Session, office: Office, case: CaseRow, step: Step, started: datetime) -> Due | None:
    """Give the end of a step's limit; no step on the way to the public answer ends after the answer itself is due.

    Working hours stand still over a week-end while the 48 hours of 国办发〔2016〕61号 run on.
    """
    limit = office.limits.get(step, {}).get(Level(case.level))
    if limit is None:
        return None
    due = due_at(started, limit, office.hours, office.zone, office.overrides)
    answer = session.scalar(_running(case.id).where(DeadlineRow.step == Step.RESPOND))
    if step in BEFORE_ANSWER and answer is not None and started < answer.due_at < due.at:
        return Due(answer.due_at, answer.tentative)
    return due


def set_due(session: Session, case_id: int, step: Step, due: datetime, now: datetime) -> None:
    """Set the end of a limit that runs by hand: a date that a person named, or a longer limit that was granted."""
    for row in session.scalars(_running(case_id).where(DeadlineRow.step == step)):
        row.due_at, row.tentative, row.reminded = due, False, 0
        row.next_at = max(now, _moment(row.started_at, due, 0))


def extend(session: Session, office: Office, case: CaseRow, days: int, now: datetime) -> None:
    """Lengthen the limits of handling by working days, from where they end; the public answer's limit never moves."""
    for step in (Step.DRAFT, Step.CLOSE):
        for row in session.scalars(_running(case.id).where(DeadlineRow.step == step)):
            day = sum((b.hour - a.hour) * 60 + b.minute - a.minute for a, b in office.hours.stretches)
            longer = due_at(
                row.due_at, Limit(days * day, working=True), office.hours, office.zone, office.overrides
            )
            answer = session.scalar(_running(case.id).where(DeadlineRow.step == Step.RESPOND))
            capped = step is Step.DRAFT and answer is not None and answer.due_at < longer.at
            set_due(session, case.id, step, answer.due_at if capped and answer else longer.at, now)


def is_late(session: Session, case_id: int, step: Step, now: datetime) -> bool:
    """Tell whether a limit that runs is over."""
    row = session.scalar(_running(case_id).where(DeadlineRow.step == step))
    return row is not None and row.due_at < now


def end(session: Session, case_id: int, steps: Collection[Step], now: datetime) -> None:
    """End clocks; whether each was met is kept for the digest. Ending one that does not run changes nothing."""
    for row in session.scalars(_running(case_id).where(DeadlineRow.step.in_(list(steps)))):
        row.ended_at, row.next_at, row.met = now, None, now <= row.due_at


def end_all(session: Session, case_id: int, now: datetime) -> None:
    """End what still runs on a case that is over."""
    end(session, case_id, list(Step), now)


def hand_over(session: Session, from_id: int, to: CaseRow, now: datetime) -> None:
    """Let a case take over the limits of one that is merged into it: of a limit that runs on both the earlier stays.

    The public answer that the merged case owes is owed by the other even where it owed none.
    """
    kept = {row.step: row for row in session.scalars(_running(to.id))}
    for row in session.scalars(_running(from_id)).all():
        mine = kept.get(row.step)
        if mine is None and row.step is Step.RESPOND:
            mine = DeadlineRow(case_id=to.id, step=row.step, channel=to.channel, reminded=0)
            session.add(mine)
        elif mine is None or mine.due_at <= row.due_at:
            continue
        mine.started_at, mine.due_at, mine.tentative, mine.reminded = (
            row.started_at,
            row.due_at,
            row.tentative,
            0,
        )
        mine.next_at = max(now, _moment(row.started_at, row.due_at, 0))
    session.flush()


def replan(session: Session, office: Office, case: CaseRow, now: datetime) -> None:
    """Recompute the running limits after a change of level, each from its own start."""
    for row in session.scalars(_running(case.id)):
        due = _due(session, office, case, row.step, row.started_at)
        if due is None or due.at == row.due_at:  # what was reminded stays reminded
            continue
        row.due_at, row.tentative, row.reminded = due.at, due.tentative, 0
        row.next_at = max(now, _moment(row.started_at, due.at, 0))


def tick(session: Session, office: Office, ledger: Ledger, now: datetime, limit: int = 100) -> int:
    """Queue the reminders that are due at `now`; each stage once, and of several missed stages only the last."""
    serialise(session, "intake")  # it locks limits too, and the record between them
    rows = session.scalars(
        select(DeadlineRow)
        .where(DeadlineRow.next_at <= now, DeadlineRow.ended_at.is_(None))
        .order_by(DeadlineRow.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        stage = max(
            i
            for i, _ in enumerate(STAGES)
            if _moment(row.started_at, row.due_at, i) <= now or i == row.reminded
        )
        _remind(session, office, ledger, row, stage, now)
        row.reminded = stage + 1
        row.next_at = _moment(row.started_at, row.due_at, stage + 1) if stage + 1 < len(STAGES) else None
    return len(rows)


def _remind(
    session: Session, office: Office, ledger: Ledger, row: DeadlineRow, stage: int, now: datetime
) -> None:
    case = session.get_one(CaseRow, row.case_id)
    overdue = stage == len(STAGES) - 1
    payload = {
        "template": "overdue" if overdue else "reminder",
        "step": row.step.value,
        "due_at": row.due_at.isoformat(),
        "late": now - _moment(row.started_at, row.due_at, stage) > LATE_AFTER,
    }
    until = reminder_at(office, case.level, row.step, now)
    if until is not None:
        payload[QUIET_UNTIL] = until.isoformat()
    # Who held a card back knows of it: the first reminder is left out, the next ones are not.
    is_hushed = stage == 0 and row.step is Step.DISPATCH and held.is_held(session, case.id)
    chats = [] if is_hushed else recipients(session, office, case, row.step, now)
    for chat in chats:
        queue(
            session,
            key=f"deadline:{row.id}:{row.due_at.isoformat()}:{stage}:{chat}",
            chat=chat,
            kind=MessageKind.TEXT,
            priority=Priority.DEADLINE,
            payload=payload,
            case_id=case.id,
            now=now,
            valid_for=REMINDER_LIFE + ((until or now) - now),
            not_before=until,
        )
    ledger.write(
        session,
        at=now,
        actor="系统",
        action="overdue" if overdue else "remind",
        case_id=case.id,
        step=row.step.value,
        due_at=row.due_at.isoformat(),
        stage=stage + 1,
        chats=chats,
        **({"hushed": True} if is_hushed else {}),
    )


_MOVERS = {
    Step.ORDER: Role.LEADER,
    Step.REVIEW: Role.REVIEWER,
    Step.SECRECY: Role.SECRECY,
    Step.SECOND: Role.SECOND,
    Step.APPROVE: Role.LEADER,
    Step.CHIEF: Role.CHIEF,
    Step.CALL_BACK: Role.CALLER,
}
_UNITS = {Step.COPY: Command.SIGN_COPY, Step.CONSULT: Command.CONVENE}


def recipients(session: Session, office: Office, case: CaseRow, step: Step, now: datetime) -> list[str]:
    """Give the chats of those whose move a step is; an empty chair falls to the duty group.

    With a roster a step of the duty officers is told to those on duty, and not to the whole group (国办函〔2026〕12号).
    """
    role = _MOVERS.get(step)
    if role is not None:
        return [chat for _, chat in people.holders(session, role, at=now)] or [office.duty_chat]
    if step in _UNITS:
        keys = papers.waiting(session, case.id, _UNITS[step])
        return [office.channels[key].chat for key in sorted(keys) if key in office.channels]
    in_channel = step in {Step.SIGN, Step.DRAFT, Step.RELEASE, Step.CLOSE, Step.FOLLOW}
    if (
        (in_channel or step is Step.RESPOND)
        and case.channel in office.channels
        and _dispatched(session, case)
    ):
        return [office.channels[case.channel].chat]
    return duty.staff_chats(session, now) or [office.duty_chat]


def _dispatched(session: Session, case: CaseRow) -> bool:
    running = session.scalar(
        _running(case.id).where(DeadlineRow.step.in_([Step.DISPATCH, Step.RELOOK, Step.CONSULT, Step.ORDER]))
    )
    return running is None


def _running(case_id: int) -> Select[DeadlineRow]:
    return select(DeadlineRow).where(DeadlineRow.case_id == case_id, DeadlineRow.ended_at.is_(None))


def _moment(started: datetime, due: datetime, stage: int) -> datetime:
    return started + (due - started) * STAGES[stage]

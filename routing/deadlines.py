"""Limits as rows: started and ended by moves, looked at by a tick, reminded once a stage.

The tick asks the database what is due at `now`; nothing is kept in memory, so a restart, a jump of the clock or a
machine that slept delays a reminder and never loses it. Only the one whose move it is hears of it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import held, papers, supervision
from routing.ledger import Ledger
from routing.limits import PAUSABLE, end_of, note_level, risen
from routing.movers import recipients, running
from routing.office import Level, Office, Step
from routing.outbox import QUIET_UNTIL, MessageKind, Priority, queue
from routing.procedure import report_clocks
from routing.quiet import reminder_at
from routing.standing import refresh
from routing.store.lock import serialise
from routing.store.tables import CaseRow, DeadlineRow
from routing.workflow import Command
from routing.worktime import Due, counted, part_of

STAGES: tuple[float, ...] = (0.5, 0.8, 1.0)
"""At which part of a limit the person is reminded, of one in working time at which part of the office's hours; project
default.
"""

REMINDER_LIFE = timedelta(hours=12)

LATE_AFTER = timedelta(minutes=5)
"""A reminder that goes out later than this after its moment says that it is late."""


_OWED = frozenset({Step.RESPOND, Step.FIRST_WORD, Step.PRESS})
"""What is owed to the public, by whichever case the matter goes on in."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A limit as a change of level leaves it: its end, and the one before (aware UTC) where it moved."""

    step: Step
    due_at: datetime
    was_due_at: datetime | None = None

    def facts(self) -> dict[str, object]:
        """Tell it for the record."""
        was = {} if self.was_due_at is None else {"was_due_at": self.was_due_at.isoformat()}
        return {"step": self.step.value, **was, "due_at": self.due_at.isoformat()}


def start(session: Session, office: Office, case: CaseRow, steps: Sequence[Step], now: datetime) -> None:
    """Start clocks on a case. A clock that runs already is left alone: a case has one of a kind."""
    for step in steps:
        runs = session.scalar(running(case.id).where(DeadlineRow.step == step))
        due = end_of(session, office, case, step, now)
        if due is None or runs is not None:
            continue
        row = DeadlineRow(
            case_id=case.id,
            step=step,
            channel=case.channel,
            started_at=now,
            due_at=due.at,
            tentative=due.tentative,
        )
        row.next_at = _moment(office, case, row, 0)
        session.add(row)
    session.flush()


def set_due(
    session: Session, office: Office, case: CaseRow, step: Step, due: datetime, now: datetime
) -> None:
    """Set the end of a limit that runs to a date that a person named."""
    for row in session.scalars(running(case.id).where(DeadlineRow.step == step)):
        row.due_at, row.tentative, row.reminded = due, False, 0
        row.next_at = _next(office, case, row, now)
    supervision.settle(session, case.id, now)


def take_over(session: Session, office: Office, case: CaseRow, now: datetime) -> tuple[Step, ...]:
    """Let limits that began before the desk knew of the case go on from here; gives those that are over already.

    What passed before is reminded of no more, for nobody here could have heard of it.
    """
    rows = session.scalars(running(case.id).order_by(DeadlineRow.due_at)).all()
    for row in rows:
        row.reminded = _passed(office, case, row, now)
        row.next_at = _next(office, case, row, now)
    return tuple(row.step for row in rows if row.due_at <= now)


def pause(session: Session, case: CaseRow, until: datetime, now: datetime) -> None:
    """Let the limits of handling stand still, at most until `until`; nobody is reminded meanwhile."""
    for row in session.scalars(running(case.id).where(DeadlineRow.step.in_(list(PAUSABLE)))):
        row.paused_at, row.next_at = now, until


def go_on(session: Session, office: Office, case: CaseRow, person_id: int | None, now: datetime) -> bool:
    """Let paused limits run on, each longer by what it stood still; False where none was paused."""
    paused = session.scalars(running(case.id).where(DeadlineRow.paused_at.is_not(None))).all()
    papers.finish(session, case.id, Command.PAUSE, person_id, now)
    for row in paused:
        row.paused_at = None
        due = end_of(session, office, case, row.step, row.started_at)
        _set(office, case, row, due or Due(row.due_at, row.tentative), now)
        row.next_at = _next(office, case, row, now)
    return bool(paused)


def is_paused(session: Session, case_id: int) -> bool:
    """Tell whether a limit of a case stands still."""
    return session.scalar(running(case_id).where(DeadlineRow.paused_at.is_not(None)).limit(1)) is not None


def due_of(session: Session, case_id: int, step: Step) -> datetime | None:
    """Give the end of a limit that runs; None where it does not."""
    row = session.scalar(running(case_id).where(DeadlineRow.step == step))
    return None if row is None else row.due_at


def owed_and_over(session: Session, case_id: int, now: datetime) -> tuple[Moved, ...]:
    """List the limits of what is owed to the public that are over and not met, the earliest first."""
    over = running(case_id).where(DeadlineRow.step.in_(list(_OWED)), DeadlineRow.due_at <= now)
    return tuple(Moved(row.step, row.due_at) for row in session.scalars(over.order_by(DeadlineRow.due_at)))


def is_late(session: Session, case_id: int, step: Step, now: datetime) -> bool:
    """Tell whether a limit that runs is over."""
    row = session.scalar(running(case_id).where(DeadlineRow.step == step))
    return row is not None and row.due_at < now


def end(session: Session, case_id: int, steps: Collection[Step], now: datetime) -> None:
    """End clocks; whether each was met is kept for the digest. Ending one that does not run changes nothing."""
    for row in session.scalars(running(case_id).where(DeadlineRow.step.in_(list(steps)))).all():
        is_met = row.paused_at is not None or now <= row.due_at
        row.ended_at, row.next_at, row.met, row.paused_at = now, None, is_met, None
    if not is_paused(session, case_id):
        papers.finish(session, case_id, Command.PAUSE, None, now)
    supervision.settle(session, case_id, now)


def end_all(session: Session, case_id: int, now: datetime) -> None:
    """End what still runs on a case that is over."""
    end(session, case_id, list(Step), now)


def hand_over(
    session: Session,
    office: Office,
    from_id: int,
    to: CaseRow,
    now: datetime,
    *,
    without: Collection[Step] = (),
) -> None:
    """Let a case take over the limits of one that is merged into it: of a limit that runs on both the earlier stays.

    The public answer that the merged case owes, and the first word and press conference of an emergency, are owed by the
    other even where it owed none. `without`: what it does not take over, for a person has lifted it.
    """
    kept = {row.step: row for row in session.scalars(running(to.id))}
    for row in session.scalars(running(from_id)).all():
        if row.step in without:
            continue
        mine = kept.get(row.step)
        if mine is None and row.step in _OWED:
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
        mine.next_at = _next(office, to, mine, now)
    session.flush()


def regrade(
    session: Session,
    office: Office,
    case: CaseRow,
    level: Level,
    now: datetime,
    since: datetime | None = None,
) -> tuple[Moved, ...]:
    """Set the level of a case and count its limits anew; gives those that moved or began.

    After a rise nothing that runs has more time than before, nor less than the new level grants from the rise on. After a
    fall it has what it would have had without the rises that the fall undoes. `since`: from when a rise counts, which is
    not before it is heard; None: from now on.

    A matter that has come to a level that must be reported owes its first report (首报) from then on, unless that was made;
    one that need not be reported owes none. One whose written report was owed at its level before anybody was asked for a
    call (an older version asked for none) owes no call now: its leaders have long known.
    """
    was = Level(case.level)
    if level == was:
        return ()
    since = now if since is None else since
    note_level(case, level, since)
    moved = _recounted(session, office, case, now, sooner_only=level < was)
    owed = report_clocks(office.procedure, level)
    gone = {Step.PHONE, Step.REPORT} - set(owed)
    end(session, case.id, gone | (set() if owed else {Step.PROGRESS}), now)
    fresh = [step for step in owed if not _is_reported(session, case.id, step)]
    if Step.REPORT not in fresh and Step.PHONE in report_clocks(office.procedure, was):
        fresh = [step for step in fresh if step is not Step.PHONE]
    known = set(session.scalars(running(case.id)))
    start(session, office, case, fresh, since)
    begun = (row for row in session.scalars(running(case.id)) if row not in known)
    supervision.settle(session, case.id, now)
    return (*moved, *(Moved(row.step, row.due_at) for row in begun))


def replan(session: Session, office: Office, case: CaseRow, now: datetime) -> None:
    """Count the running limits anew, each from when it is counted, after a longer time that was granted."""
    _recounted(session, office, case, now)
    supervision.settle(session, case.id, now)


def _recounted(
    session: Session, office: Office, case: CaseRow, now: datetime, *, sooner_only: bool = False
) -> list[Moved]:
    """Count what runs anew, and give what moved. A watched matter is never looked at later than a person said."""
    moved = []
    for row in session.scalars(running(case.id).order_by(DeadlineRow.due_at)).all():
        due = end_of(session, office, case, row.step, row.started_at)
        if due is None or due.at == row.due_at:
            continue
        if due.at > row.due_at and (sooner_only or row.step is Step.RELOOK):
            continue
        moved.append(Moved(row.step, due.at, row.due_at))
        _set(office, case, row, due, now)  # what was reminded stays reminded
    return moved


def excuse_reports(session: Session, office: Office, now: datetime) -> None:
    """End the clocks of reports that the office asks for no more: its procedure has no order that could meet them.

    What an office asks for anew is owed by matters that are opened or rise from now on. Safe to call at any time.
    """
    of_reports = [Step.PHONE, Step.REPORT, Step.PROGRESS]
    rows = session.execute(
        select(DeadlineRow.case_id, CaseRow.level)
        .join(CaseRow, CaseRow.id == DeadlineRow.case_id)
        .where(DeadlineRow.step.in_(of_reports), DeadlineRow.ended_at.is_(None))
        .distinct()
    ).all()
    for case_id, level in sorted(rows):
        if not report_clocks(office.procedure, Level(level)):
            end(session, case_id, of_reports, now)
            refresh(session, case_id, now)


def _is_reported(session: Session, case_id: int, step: Step) -> bool:
    kind = Command.PHONE if step is Step.PHONE else Command.REPORT
    return papers.count(session, case_id, kind) > 0


def recount(session: Session, office: Office, ledger: Ledger, now: datetime) -> int:
    """Count tentative limits (暂定) anew by the calendar as it is known now; gives how many ends moved or became sure.

    For each start of the service, which may bring a newer calendar, and each calendar that is taken over. Safe to call at
    any time.
    """
    serialise(session, "intake")
    changed = 0
    for row in session.scalars(
        select(DeadlineRow).where(DeadlineRow.tentative, DeadlineRow.ended_at.is_(None))
    ).all():
        case = session.get_one(CaseRow, row.case_id)
        due = end_of(session, office, case, row.step, row.started_at)
        if due is None or (due.at == row.due_at and due.tentative):
            continue
        before = row.due_at
        if due.at != before:
            _set(office, case, row, due, now)
        row.tentative = due.tentative
        supervision.settle(session, case.id, now)
        ledger.write(
            session,
            at=now,
            actor="系统",
            action="recount",
            case_id=case.id,
            step=row.step.value,
            was_due_at=before.isoformat(),
            due_at=due.at.isoformat(),
        )
        refresh(session, case.id, now)
        changed += 1
    return changed


def _set(office: Office, case: CaseRow, row: DeadlineRow, due: Due, now: datetime) -> None:
    """Move the end of a limit. One that comes sooner is told anew; of one that comes later only what is yet to come."""
    is_later = due.at > row.due_at
    row.due_at, row.tentative = due.at, due.tentative
    if not is_later:
        row.reminded = 0
    elif due.at > now:
        row.reminded = _passed(office, case, row, now)
    if row.paused_at is None:
        row.next_at = _next(office, case, row, now)


def _next(office: Office, case: CaseRow, row: DeadlineRow, now: datetime) -> datetime | None:
    if row.reminded >= len(STAGES):
        return None
    return max(now, _moment(office, case, row, row.reminded))


def _passed(office: Office, case: CaseRow, row: DeadlineRow, now: datetime) -> int:
    return sum(_moment(office, case, row, stage) <= now for stage in range(len(STAGES)))


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
        if row.paused_at is not None:
            _pause_is_over(session, office, ledger, row, now)
            continue
        case = session.get_one(CaseRow, row.case_id)
        stage = max(row.reminded, _passed(office, case, row, now) - 1)
        _remind(session, office, ledger, case, row, stage, now)
        row.reminded = stage + 1
        row.next_at = _moment(office, case, row, stage + 1) if stage + 1 < len(STAGES) else None
        refresh(session, row.case_id, now)  # it says what happens next
    return len(rows)


def _pause_is_over(session: Session, office: Office, ledger: Ledger, row: DeadlineRow, now: datetime) -> None:
    """Let a case's limits run on whose pause has lasted as long as a pause may."""
    case = session.get_one(CaseRow, row.case_id)
    if go_on(session, office, case, None, now):
        ledger.write(
            session,
            at=now,
            actor="系统",
            action=Command.GO_ON.value,
            case_id=case.id,
            step=row.step.value,
            due_at=row.due_at.isoformat(),
        )
        refresh(session, case.id, now)


def _remind(
    session: Session,
    office: Office,
    ledger: Ledger,
    case: CaseRow,
    row: DeadlineRow,
    stage: int,
    now: datetime,
) -> None:
    overdue = stage == len(STAGES) - 1
    payload: dict[str, object] = {
        "template": "overdue" if overdue else "reminder",
        "step": row.step.value,
        "due_at": row.due_at.isoformat(),
        "late": now - _moment(office, case, row, stage) > LATE_AFTER,
    }
    if _is_sooner(session, office, case, row):
        payload["risen_to"] = int(case.level)
    if overdue:
        payload |= supervision.begin(session, office, ledger, case, row, now)
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


def _is_sooner(session: Session, office: Office, case: CaseRow, row: DeadlineRow) -> bool:
    """Tell whether a limit ends sooner than when it was first told of, because the level has risen since."""
    found = counted(office, row.step, Level(case.level), risen(case), row.started_at)
    due = end_of(session, office, case, row.step, row.started_at)
    return found is not None and found[1] > row.started_at and due is not None and due.at == row.due_at


def _moment(office: Office, case: CaseRow, row: DeadlineRow, stage: int) -> datetime:
    """Give when a stage of a limit is told: of a limit in working time the part of that, so that nobody is told on a
    Sunday that half of what ends on Monday afternoon has gone.
    """
    if row.step is Step.RELOOK:  # somebody said when to look again: before that there is nothing to see
        return row.due_at
    limit, since = counted(office, row.step, Level(case.level), risen(case), row.started_at) or (
        None,
        row.started_at,
    )
    if since >= row.due_at:  # the earlier end of a matter that was merged into this one
        since = row.started_at
    if limit is None or not limit.working:
        return since + (row.due_at - since) * STAGES[stage]
    return part_of(since, row.due_at, STAGES[stage], office.hours, office.zone, office.overrides)

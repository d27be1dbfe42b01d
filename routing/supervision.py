"""Supervision (督办) of what is overdue: blue, orange, red, each with a date, and at last a line in the bulletin.

Blue (蓝) goes to whose move it is, for Ⅰ/Ⅱ as the limit ends, for Ⅲ/Ⅳ as the office opens on the next working day.
Orange (橙) follows if its date passes, with a copy to the 分管领导; red (红) likewise, with copies to the 主要领导 and the
督查室 (三明市三色督办). What a leader wrote an instruction on (批示件) begins at orange. A colour that was never spoken is
not skipped: a machine that slept, or a clock that jumped, carries nobody straight to the head of government.
Matters and units are named, never persons; nobody is ranked (国办函〔2026〕12号).
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from routing import people
from routing.ledger import Ledger
from routing.movers import recipients, running
from routing.office import Colour, Level, Limit, Office, Role, Step
from routing.outbox import QUIET_UNTIL, MessageKind, Priority, queue
from routing.quiet import held_until
from routing.standing import refresh
from routing.store.lock import serialise
from routing.store.tables import CaseRow, DeadlineRow, SupervisionRow
from routing.worktime import due_at, next_opening

LATE_AFTER = timedelta(minutes=5)
"""A reminder that goes out later than this after its moment says that it is late."""

LIFE = timedelta(hours=24)

BREATH = timedelta(hours=1)
"""Who has just met one limit is not told of the next in the same minute; project default."""

UNSUPERVISED = frozenset({Step.RELOOK, Step.EXTEND, Step.FOLLOW, Step.PROGRESS, Step.EFFECT})
"""What is looked at again by the house's own wish: a reminder is enough."""

_AFTER = {None: Colour.BLUE, Colour.BLUE: Colour.ORANGE, Colour.ORANGE: Colour.RED}
_COPIES = {Colour.BLUE: (), Colour.ORANGE: (Role.LEADER,), Colour.RED: (Role.CHIEF,)}


def begin(
    session: Session, office: Office, ledger: Ledger, case: CaseRow, limit: DeadlineRow, now: datetime
) -> dict[str, Any]:
    """Begin to supervise a case whose limit is over; a case that is supervised already is left alone.

    Gives what the message that the limit is over must say besides: the colour, where it falls due with it.
    """
    if limit.step in UNSUPERVISED or current(session, case.id) is not None:
        return {}
    row = SupervisionRow(case_id=case.id, deadline_id=limit.id, next_at=_first(office, case, limit.due_at))
    session.add(row)
    session.flush()
    if case.level > Level.II or case.instructed:
        return {}
    _colour(session, office, ledger, row, case, limit, Colour.BLUE, now, chats=[])
    assert row.answer_by is not None
    return {"colour": Colour.BLUE.value, "answer_by": row.answer_by.isoformat()}


def settle(session: Session, case_id: int, now: datetime) -> None:
    """End the supervision of a limit that is met or runs again. Safe to call after any move.

    Another limit of the case that is over is supervised from then on, from the first colour.
    """
    row = current(session, case_id)
    limit = None if row is None else session.get_one(DeadlineRow, row.deadline_id)
    if row is None or limit is None or (limit.ended_at is None and limit.due_at <= now):
        return
    row.ended_at, row.next_at = now, None
    over = running(case_id).where(
        DeadlineRow.due_at <= now,
        DeadlineRow.next_at.is_(None),
        DeadlineRow.step.not_in(list(UNSUPERVISED)),
    )
    other = session.scalar(over.order_by(DeadlineRow.due_at).limit(1))
    if other is not None:
        session.add(SupervisionRow(case_id=case_id, deadline_id=other.id, next_at=now + BREATH))
        session.flush()


def current(session: Session, case_id: int) -> SupervisionRow | None:
    """Give the supervision that runs on a case."""
    return session.scalar(_supervised(case_id))


def tick(session: Session, office: Office, ledger: Ledger, now: datetime, limit: int = 100) -> int:
    """Speak the colours that are due at `now`, each once; gives how many supervisions went on."""
    due = select(SupervisionRow).where(SupervisionRow.next_at <= now).order_by(SupervisionRow.next_at)
    if session.scalar(due.limit(1)) is None:
        return 0
    serialise(session, "intake")  # moves end what is supervised, and write the record between
    rows = session.scalars(due.limit(limit).with_for_update(skip_locked=True)).all()
    for row in rows:
        _go_on(session, office, ledger, row, now)
    return len(rows)


def _go_on(session: Session, office: Office, ledger: Ledger, row: SupervisionRow, now: datetime) -> None:
    case, late = session.get_one(CaseRow, row.case_id), session.get_one(DeadlineRow, row.deadline_id)
    colour = following(row, case)
    if colour is None:
        row.listed_at, row.next_at = now, None
        ledger.write(session, at=now, actor="系统", action="bulletin", case_id=case.id, step=late.step.value)
        return
    _colour(session, office, ledger, row, case, late, colour, now, chats=None)


def following(row: SupervisionRow, case: CaseRow) -> Colour | None:
    """Give the colour that comes next; None after the last one, when the bulletin comes."""
    colour = _AFTER.get(row.colour)
    return Colour.ORANGE if case.instructed and colour is Colour.BLUE else colour


def _colour(
    session: Session,
    office: Office,
    ledger: Ledger,
    row: SupervisionRow,
    case: CaseRow,
    late: DeadlineRow,
    colour: Colour,
    now: datetime,
    *,
    chats: list[str] | None,
) -> None:
    """Go on to a colour. `chats` None: to whom it is due; else to these only, as the others hear of it anyway."""
    planned = row.next_at or now
    grant = office.supervision.grants.get(colour, {}).get(Level(case.level))
    row.colour, row.coloured_at = colour, now
    row.answer_by = None if grant is None else _end(office, now, grant)
    row.next_at = row.answer_by or _end(office, now, office.supervision.bulletin)
    facts = {
        "template": "supervised",
        "colour": colour.value,
        "step": late.step.value,
        "due_at": late.due_at.isoformat(),
        "answer_by": row.answer_by.isoformat() if row.answer_by else "",
        "late": now - planned > LATE_AFTER,
    }
    told = _hearers(session, office, case, late.step, colour, now) if chats is None else chats
    until = held_until(office, case.level, now)
    for chat in told:
        queue(
            session,
            key=f"supervision:{row.id}:{colour.value}:{chat}",
            chat=chat,
            kind=MessageKind.TEXT,
            priority=Priority.DEADLINE,
            payload=facts if until is None else {**facts, QUIET_UNTIL: until.isoformat()},
            case_id=case.id,
            now=now,
            valid_for=LIFE + ((until or now) - now),
            not_before=until,
        )
    ledger.write(
        session,
        at=now,
        actor="系统",
        action="supervise",
        case_id=case.id,
        colour=colour.value,
        step=late.step.value,
        due_at=late.due_at.isoformat(),
        chats=told,
    )
    refresh(session, case.id, now)


def _hearers(
    session: Session, office: Office, case: CaseRow, step: Step, colour: Colour, now: datetime
) -> list[str]:
    """Give the chats that hear a colour: whose move it is, and those that get a copy; each once."""
    copies = [chat for role in _COPIES[colour] for _, chat in people.holders(session, role, at=now)]
    if colour is Colour.RED and not copies:
        copies = [chat for _, chat in people.holders(session, Role.LEADER, at=now)]
    if colour is Colour.RED and office.supervision.chat:
        copies.append(office.supervision.chat)
    return list(dict.fromkeys([*recipients(session, office, case, step, now), *copies]))


def _first(office: Office, case: CaseRow, due: datetime) -> datetime:
    if case.level <= Level.II:
        return due
    return next_opening(due, office.hours, office.zone, office.overrides).at


def _end(office: Office, start: datetime, limit: Limit) -> datetime:
    return due_at(start, limit, office.hours, office.zone, office.overrides).at


def _supervised(case_id: int) -> Select[SupervisionRow]:
    return select(SupervisionRow).where(SupervisionRow.case_id == case_id, SupervisionRow.ended_at.is_(None))

"""Calls the person on duty for a grave matter, and whoever comes next while nobody touches it.

A call is a row with the instant of its next look, so a restart forgets none and repeats none. First the duty officers
(值班员) in private, then the reserve (备用人员), then the leader on duty (值班领导); a stage that reaches nobody is passed
over at once, and the last falls to the duty group. Any move of the procedure ends it. Without a roster nobody is called:
the card in the duty group is all, as ever.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from routing import duty
from routing.ledger import Ledger
from routing.office import Level, Office
from routing.outbox import MessageKind, Priority, queue
from routing.standing import refresh
from routing.store.lock import serialise
from routing.store.once import insert_once
from routing.store.tables import CaseRow, DutyCallRow
from routing.workflow import ENDED

CALL_LIFE = timedelta(hours=12)


class Called(StrEnum):
    """Who is called, in this order."""

    STAFF = "staff"
    RESERVE = "reserve"
    LEADER = "leader"


STAGES = tuple(Called)


def begin(session: Session, office: Office, case: CaseRow, now: datetime) -> None:
    """Call the person on duty for a matter that is, or is proposed, Ⅰ or Ⅱ; once a level. Nothing where nobody is on duty.

    A graver level begins anew and ends what ran for the lighter one.
    """
    level = min(case.level, case.proposed_level)
    if level > Level.II or not duty.watches(session, now):
        return
    fresh = insert_once(
        session,
        DutyCallRow,
        [DutyCallRow.case_id, DutyCallRow.level],
        case_id=case.id,
        level=level,
        version=case.version,
        called_at=now,
        stage=0,
        next_at=now + office.duty.reserve,
    )
    row = session.scalar(
        select(DutyCallRow).where(DutyCallRow.case_id == case.id, DutyCallRow.level == level)
    )
    assert row is not None
    if not fresh:
        if row.version == case.version:
            return
        # It was lighter in between, by the word of a person, and is grave again.
        row.version, row.called_at, row.stage, row.next_at = case.version, now, 0, now + office.duty.reserve
    session.execute(
        update(DutyCallRow)
        .where(DutyCallRow.case_id == case.id, DutyCallRow.level != level)
        .values(next_at=None)
    )
    if not _call(session, office, case, level, Called.STAFF, now):
        row.next_at = now


def tick(session: Session, office: Office, ledger: Ledger, now: datetime) -> int:
    """Go on with the calls that are due; gives how many were looked at. A call whose matter moved ends without a word."""
    due = select(DutyCallRow).where(DutyCallRow.next_at <= now).order_by(DutyCallRow.next_at)
    if session.scalar(due.limit(1)) is None:
        return 0
    serialise(session, "intake")  # it begins calls, and writes the record between
    rows = session.scalars(due.with_for_update(skip_locked=True)).all()
    for row in rows:
        case = session.get_one(CaseRow, row.case_id)
        if case.version != row.version or case.state in ENDED:
            row.next_at = None
        else:
            _go_on(session, office, ledger, row, case, now)
    return len(rows)


def _go_on(
    session: Session, office: Office, ledger: Ledger, row: DutyCallRow, case: CaseRow, now: datetime
) -> None:
    """Call the next stage that reaches somebody."""
    after: Mapping[Called, timedelta] = {
        Called.RESERVE: office.duty.reserve,
        Called.LEADER: office.duty.leader,
    }
    waited = int((now - row.called_at).total_seconds() // 60)
    while row.next_at is not None and row.next_at <= now:
        row.stage += 1
        called = STAGES[row.stage]
        reached = _call(session, office, case, row.level, called, now, waited=waited)
        if called is Called.LEADER and not reached:
            reached = _queue(session, office.duty_chat, case, row.level, called, now, waited=waited)
        ledger.write(
            session,
            at=now,
            actor="系统",
            action="call",
            case_id=case.id,
            called=called.value,
            level=int(row.level),
            minutes=waited,
            reached=bool(reached),
        )
        following = STAGES[row.stage + 1] if row.stage + 1 < len(STAGES) else None
        if following is None:
            row.next_at = None
        elif reached:
            row.next_at = max(now + timedelta(minutes=1), row.called_at + after[following])
        # Else nobody was there to be called: the next at once.
    refresh(session, case.id, now)  # it says who is called next


def _call(
    session: Session,
    office: Office,
    case: CaseRow,
    level: Level,
    called: Called,
    now: datetime,
    *,
    waited: int = 0,
) -> bool:
    """Queue a private message to each of a stage; False where that reaches nobody."""
    people = [
        one
        for watch in duty.watches(session, now)
        for one in {
            Called.STAFF: watch.staff,
            Called.RESERVE: watch.reserve,
            Called.LEADER: (watch.leader,) if watch.leader else (),
        }[called]
    ]
    chats = dict.fromkeys(chat for one in people for chat in one.chats)
    for chat in chats:
        _queue(session, chat, case, level, called, now, waited=waited)
    return bool(chats)


def _queue(
    session: Session, chat: str, case: CaseRow, level: Level, called: Called, now: datetime, *, waited: int
) -> bool:
    facts: dict[str, Any] = {
        "template": "called",
        "called": called.value,
        "level": int(level),
        "minutes": waited,
    }
    queue(
        session,
        key=f"call:{case.id}:{case.version}:{int(level)}:{called.value}:{chat}",
        chat=chat,
        kind=MessageKind.TEXT,
        priority=Priority.URGENT,
        payload=facts,
        case_id=case.id,
        now=now,
        valid_for=CALL_LIFE,
    )
    return True

"""The handover of duty (交接班): what is open and what falls due next, signed by who goes and who comes.

The list is kept as it was when it was made. Each signature is a ledger line; one that is missing after a while is told to
the leader on duty, once. What was open stands in the list, so nothing is handed over by word of mouth alone (不漏报).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from routing import duty, people
from routing.duty import OnDuty, Watch
from routing.errors import UserError
from routing.ledger import Ledger
from routing.office import Level, Office, Step
from routing.outbox import MessageKind, Priority, queue
from routing.store.tables import AssignmentRow, CaseRow, DeadlineRow, HandoverRow
from routing.workflow import ENDED, Actor, State

WITHOUT_ROSTER = timedelta(hours=24)
"""How far the tally looks back where no shift says when the turn began."""
LATELY = timedelta(hours=2)
"""A shift that ended this lately may still be handed over."""
NOTE_MAX = 300


@dataclass(frozen=True, slots=True)
class Matter:
    """An open matter as it stood: `step` and `due_at` (aware UTC) of its next limit, None where none runs."""

    number: str
    title: str
    level: Level
    state: State
    step: Step | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Handover:
    """A handover for showing; instants aware UTC, people by name and id. `tally`: what happened since `since`."""

    id: int
    shift: str
    since: datetime
    at: datetime
    outgoing_id: int
    outgoing: str
    incoming_id: int
    incoming: str
    matters: tuple[Matter, ...]
    tally: dict[str, int]
    note: str
    outgoing_signed_at: datetime | None
    incoming_signed_at: datetime | None

    @property
    def is_signed(self) -> bool:
        """Tell whether both have signed."""
        return self.outgoing_signed_at is not None and self.incoming_signed_at is not None


def successor(session: Session, outgoing_id: int, now: datetime) -> int | None:
    """Give who comes next by the roster: on duty now beside him or after him; None where the roster does not say."""
    running = [one for watch in duty.watches(session, now) for one in watch.staff]
    after = [one for watch in _coming(session, now) for one in watch.staff]
    mine = any(one.person_id == outgoing_id for one in running)
    found = [*after, *running] if mine else [*running, *after]
    return next((one.person_id for one in found if one.person_id != outgoing_id), None)


def rostered(session: Session, now: datetime) -> list[OnDuty]:
    """List who stands on the roster now or next, the reserve too: each of them may come on duty."""
    watches = [*duty.watches(session, now), *_coming(session, now)]
    return [one for watch in watches for one in (*watch.staff, *watch.reserve)]


def _coming(session: Session, now: datetime) -> list[Watch]:
    return [duty.watch_of(session, shift, shift.starts_at) for shift in duty.coming(session, now)]


def begin(
    session: Session,
    office: Office,
    ledger: Ledger,
    *,
    outgoing: Actor,
    incoming_id: int,
    note: str,
    now: datetime,
) -> int:
    """Write a handover down and give its id. An unsigned one of the same person is replaced.

    Raises UserError where he would hand over to himself, or the note is too long.
    """
    if incoming_id == outgoing.person_id:
        raise UserError("不能交给自己，请写接班人的姓名，如 /handover 李明。")
    if len(note) > NOTE_MAX:
        raise UserError(f"备注 {len(note)} 字，超过 {NOTE_MAX} 字上限，请精简后重发。")
    unsigned = HandoverRow.outgoing_id == outgoing.person_id, HandoverRow.next_at.is_not(None)
    session.execute(update(HandoverRow).where(*unsigned).values(next_at=None))
    shift, since = _turn(session, outgoing.person_id, now)
    matters = _open(session)
    row = HandoverRow(
        shift=shift,
        since=since,
        at=now,
        outgoing_id=outgoing.person_id,
        incoming_id=incoming_id,
        matters=matters,
        tally=_tally(session, since, now),
        note=note,
        next_at=now + office.duty.sign,
    )
    session.add(row)
    session.flush()
    ledger.write(
        session,
        at=now,
        actor=outgoing.name,
        action="handover",
        handover=row.id,
        person=outgoing.person_id,
        incoming=people.name_of(session, incoming_id),
        matters=[matter["number"] for matter in matters],
    )
    return row.id


def sign(session: Session, ledger: Ledger, handover_id: int, actor: Actor, now: datetime) -> Handover:
    """Sign as who goes or who comes. Raises UserError for anybody else, a second time, and where it was replaced."""
    row = session.get(HandoverRow, handover_id, with_for_update=True)
    if row is None:
        raise UserError("没有这份交接单，请重新发送 /handover。")
    newest = session.scalar(
        select(func.max(HandoverRow.id)).where(HandoverRow.outgoing_id == row.outgoing_id)
    )
    if newest != row.id:
        raise UserError("已有更新的交接单，请在最新的一份上签名。")
    if actor.person_id == row.outgoing_id and row.outgoing_signed_at is None:
        row.outgoing_signed_at, side = now, "outgoing"
    elif actor.person_id == row.incoming_id and row.incoming_signed_at is None:
        row.incoming_signed_at, side = now, "incoming"
    elif actor.person_id in {row.outgoing_id, row.incoming_id}:
        raise UserError("您已经签过名了。")
    else:
        raise UserError("这份交接单由交班人和接班人签名。")
    session.flush()
    signed = _view(session, row)
    if signed.is_signed:
        row.next_at = None
    ledger.write(
        session,
        at=now,
        actor=actor.name,
        action="handover_sign",
        handover=row.id,
        person=actor.person_id,
        side=side,
    )
    return signed


def handover(session: Session, handover_id: int) -> Handover | None:
    """Read one for showing; None for an id that is none."""
    row = session.get(HandoverRow, handover_id)
    return None if row is None else _view(session, row)


def tick(session: Session, office: Office, ledger: Ledger, now: datetime) -> int:
    """Tell the leader on duty, once, of each handover that is not signed in time; else the duty group."""
    rows = session.scalars(
        select(HandoverRow).where(HandoverRow.next_at <= now).with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.next_at = None
        unsigned = [
            people.name_of(session, person)
            for person, at in (
                (row.outgoing_id, row.outgoing_signed_at),
                (row.incoming_id, row.incoming_signed_at),
            )
            if at is None
        ]
        for chat in duty.leader_chats(session, now) or [office.duty_chat]:
            queue(
                session,
                key=f"handover-unsigned:{row.id}:{chat}",
                chat=chat,
                kind=MessageKind.TEXT,
                priority=Priority.DEADLINE,
                payload={"template": "handover_unsigned", "names": unsigned, "at": row.at.isoformat()},
                now=now,
                valid_for=timedelta(hours=12),
            )
        ledger.write(
            session, at=now, actor="系统", action="handover_unsigned", handover=row.id, unsigned=unsigned
        )
    return len(rows)


def _turn(session: Session, person_id: int, now: datetime) -> tuple[str, datetime]:
    """Give the name and beginning of the shift that somebody hands over."""
    for shift in reversed(duty.shifts(session, now - LATELY, now)):
        watch = duty.watch_of(session, shift, min(now, shift.ends_at - timedelta(seconds=1)))
        if any(one.person_id == person_id for one in watch.staff):
            return shift.name, shift.starts_at
    return "", now - WITHOUT_ROSTER


def _open(session: Session) -> list[dict[str, Any]]:
    is_open = CaseRow.state.not_in(list(ENDED))
    running = session.scalars(
        select(DeadlineRow)
        .join(CaseRow, CaseRow.id == DeadlineRow.case_id)
        .where(is_open, DeadlineRow.ended_at.is_(None))
        .order_by(DeadlineRow.due_at.desc())
    )
    following = {row.case_id: row for row in running}  # the earliest is written last and stays
    found = []
    for case in session.scalars(select(CaseRow).where(is_open).order_by(CaseRow.level, CaseRow.opened_at)):
        limit = following.get(case.id)
        found.append(
            {
                "number": case.number,
                "title": case.title,
                "level": int(case.level),
                "state": case.state.value,
                "step": limit.step.value if limit else None,
                "due_at": limit.due_at.isoformat() if limit else None,
            }
        )
    return found


def _tally(session: Session, since: datetime, now: datetime) -> dict[str, Any]:
    def count(*where: Any) -> int:
        return session.scalar(select(func.count()).where(*where)) or 0

    return {
        "opened": count(CaseRow.opened_at >= since, CaseRow.imported_at.is_(None)),
        "dispatched": count(
            AssignmentRow.dispatched_at >= since,
            AssignmentRow.case_id.not_in(
                select(CaseRow.id).where(CaseRow.imported_at > AssignmentRow.dispatched_at)
            ),
        ),
        "closed": count(
            CaseRow.closed_at >= since,
            or_(CaseRow.imported_at.is_(None), CaseRow.closed_at > CaseRow.imported_at),
        ),
        "overdue": count(
            DeadlineRow.ended_at.is_(None), DeadlineRow.paused_at.is_(None), DeadlineRow.due_at <= now
        ),
    }


def _view(session: Session, row: HandoverRow) -> Handover:
    return Handover(
        row.id,
        row.shift,
        row.since,
        row.at,
        row.outgoing_id,
        people.name_of(session, row.outgoing_id),
        row.incoming_id,
        people.name_of(session, row.incoming_id),
        tuple(
            Matter(
                str(one["number"]),
                str(one["title"]),
                Level(int(one["level"])),
                State(one["state"]),
                Step(one["step"]) if one["step"] else None,
                datetime.fromisoformat(one["due_at"]) if one["due_at"] else None,
            )
            for one in row.matters
        ),
        {str(key): int(value) for key, value in row.tally.items()},
        row.note,
        row.outgoing_signed_at,
        row.incoming_signed_at,
    )

"""What is remembered of the sources between two rounds, and when the operator hears that one has died.

A fault is told once, with its cure, and once more when it is over. A passing network fault is told only after
three rounds in a row: one lost packet is no news.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from routing.items import Fault, Harvest, SourceState
from routing.ledger import Ledger
from routing.office import Office
from routing.outbox import MessageKind, Priority, queue
from routing.store.tables import SourceRow

PASSING = frozenset({Fault.NETWORK, Fault.TIMEOUT, Fault.STATUS})
TELL_PASSING_AFTER = 3


_REMEMBERED = tuple(field.name for field in fields(SourceState) if field.name != "source_id")
_columns = tuple(getattr(SourceRow, name) for name in _REMEMBERED)
_kept_by_touch = (
    "etag",
    "last_modified",
    "validator_url",
    "next_poll_at",
    "last_ok_at",
    "failures",
    "mirror",
)


def states(session: Session, source_ids: Sequence[str]) -> Mapping[str, SourceState]:
    """Give what is remembered of each source; one that is not known yet gets the empty state."""
    found = {source_id: SourceState(source_id) for source_id in source_ids}
    rows = session.execute(select(SourceRow.id, *_columns).where(SourceRow.id.in_(list(source_ids))))
    for source_id, *values in rows:
        found[source_id] = _state(source_id, values)
    return found


def schedule(session: Session, source_ids: Sequence[str]) -> Mapping[str, datetime | None]:
    """Give when each source that has a state is due; None: at once."""
    wanted = set(source_ids)
    rows = session.execute(select(SourceRow.id, SourceRow.next_poll_at)).all()
    return {source_id: at for source_id, at in rows if source_id in wanted}


def touch(session: Session, states: Sequence[SourceState], now: datetime) -> None:
    """Note that sources in health answered as before: many in one statement, sorted so that two machines never wait
    for each other in a circle.
    """
    table = SourceRow.__table__
    assert isinstance(table, Table)
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _kept_by_touch} | {
        "last_polled_at": now
    }
    rows = [
        {"key": state.source_id} | {f"new_{name}": getattr(state, name) for name in _kept_by_touch}
        for state in sorted(states, key=lambda state: state.source_id)
    ]
    if rows:
        session.connection().execute(update(table).where(table.c.id == bindparam("key")).values(values), rows)


def save_state(session: Session, harvest: Harvest) -> SourceRow:
    """Save the state that a harvest brought, in the transaction of its items."""
    row = session.get(SourceRow, harvest.source_id)
    if row is None:
        row = SourceRow(id=harvest.source_id)
        session.add(row)
    new = harvest.state
    row.etag, row.last_modified, row.cursor, row.body_hash = (
        new.etag,
        new.last_modified,
        new.cursor,
        new.body_hash,
    )
    row.failures, row.next_poll_at, row.last_ok_at = new.failures, new.next_poll_at, new.last_ok_at
    row.baseline_done = new.baseline_done
    row.validator_url, row.raw_hashes, row.memory = new.validator_url, new.raw_hashes or None, new.memory
    row.ttl_s, row.mirror, row.changed_at = new.ttl_s, new.mirror, new.changed_at
    session.flush()
    return row


def note_problem(
    session: Session, office: Office, ledger: Ledger, row: SourceRow, harvest: Harvest, now: datetime
) -> None:
    """Mark the source and tell the operator, once a fault and once when it is over."""
    problem = harvest.problem
    if problem is None:
        if row.fault_told_at is not None:
            _tell(session, office, row, "source_ok", now)
            ledger.write(session, at=now, actor="系统", action="source_ok", source=row.id)
        row.fault = row.fault_detail = row.fault_since = row.fault_told_at = None
        return
    row.fault, row.fault_detail = problem.fault.value, f"{problem.detail}。{problem.cure}"
    row.fault_since = row.fault_since or now
    if row.fault_told_at is None and (problem.fault not in PASSING or row.failures >= TELL_PASSING_AFTER):
        row.fault_told_at = now
        _tell(session, office, row, "source_fault", now)
        ledger.write(session, at=now, actor="系统", action="source_fault", source=row.id, fault=row.fault)


def _tell(session: Session, office: Office, row: SourceRow, template: str, now: datetime) -> None:
    queue(
        session,
        key=f"{template}:{row.id}:{now.isoformat()}",
        chat=office.operator_chat,
        kind=MessageKind.TEXT,
        priority=Priority.ALERT,
        payload={
            "template": template,
            "source": row.id,
            "detail": row.fault_detail or "",
            "since": row.fault_since.isoformat() if row.fault_since else "",
        },
        now=now,
        valid_for=timedelta(days=2),
    )


def _state(source_id: str, values: Sequence[Any]) -> SourceState:
    kept = dict(zip(_REMEMBERED, values, strict=True))
    return SourceState(source_id, **(kept | {"raw_hashes": kept["raw_hashes"] or b""}))

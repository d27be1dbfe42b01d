"""The sources as an operator asks after them: how each one is, and a page accepted as it looks now.

Only reads, but for `approve`. What is told in chat of a source that fell ill is the business of its health, not of this.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.errors import UserError
from routing.items import Ailment
from routing.ledger import Ledger
from routing.store.tables import AilmentRow, SourceRow


@dataclass(frozen=True, slots=True)
class Ill:
    """One ailment of a source that is not over: since when (aware UTC), what was seen, and the cure (Chinese)."""

    ailment: Ailment
    since: datetime
    detail: str
    cure: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of one source; instants are aware UTC, None where there was none yet.

    `fault` is why the last rounds failed, detail and cure in one (Chinese), None where the last one did not.
    `expected_per_h`: items an hour as learned, None while too little is known.
    """

    source_id: str
    failures: int
    fault: str | None
    polled_at: datetime | None
    ok_at: datetime | None
    changed_at: datetime | None
    new_at: datetime | None
    next_poll_at: datetime | None
    expected_per_h: float | None
    ills: tuple[Ill, ...] = ()


def known(session: Session, source_ids: Sequence[str]) -> Mapping[str, Known]:
    """Give what is known of each source; one that was never read, and of which nothing is amiss, is left out."""
    wanted = list(source_ids)
    ills: defaultdict[str, list[Ill]] = defaultdict(list)
    rows = select(AilmentRow).where(AilmentRow.source_id.in_(wanted))
    for row in session.scalars(rows.order_by(AilmentRow.since, AilmentRow.ailment)):
        ills[row.source_id].append(Ill(row.ailment, row.since, row.detail, row.cure))
    sources = session.scalars(select(SourceRow).where(SourceRow.id.in_(wanted)))
    # What was pushed and never believed has an ailment and nothing else.
    bare = {name: Known(name, *_UNREAD, tuple(found)) for name, found in ills.items()}
    return bare | {row.id: _known(row, ills[row.id]) for row in sources}


_UNREAD = (0, None, None, None, None, None, None, None)


def _known(row: SourceRow, ills: Sequence[Ill]) -> Known:
    return Known(
        source_id=row.id,
        failures=row.failures,
        fault=row.fault_detail if row.fault else None,
        polled_at=row.last_polled_at,
        ok_at=row.last_ok_at,
        changed_at=row.changed_at,
        new_at=row.last_new_at,
        next_poll_at=row.next_poll_at,
        expected_per_h=row.expected_per_h,
        ills=tuple(ills),
    )


class Approval(StrEnum):
    """What became of the wish to accept a page."""

    ASKED = "asked"
    WAITING = "waiting"  # asked for before, and not read since
    NOTHING = "nothing"  # it looks as it was accepted


def approve(session: Session, ledger: Ledger, source_id: str, by: str, now: datetime) -> Approval:
    """Accept the changed page as the next reading finds it, with a line in the ledger. Safe to call twice.

    A page that is as it was accepted is left alone: what comes next to it would be taken as right without a look.
    Raises UserError where the page was never read: its first reading is taken as right without being asked.
    """
    row = session.get(SourceRow, source_id, with_for_update=True)
    if row is None or row.memory is None:
        raise UserError(f"来源 {source_id} 还没有读过，第一次读到的样子就算认可，不必确认。")
    if row.approve_asked_at is not None:
        return Approval.WAITING
    if session.get(AilmentRow, (source_id, Ailment.TAMPERED)) is None:
        return Approval.NOTHING
    row.approve_asked_at = now  # not in the memory: a round that is under way saves its own over it
    ledger.write(session, at=now, actor=by, action="page_approved", source=source_id)
    return Approval.ASKED

"""The texts of matters that a new one may belong to, read once and only where a text has to be compared."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from routing.grouping import Trace, origin_of
from routing.normal import normal
from routing.store.tables import CaseItemRow, ItemRow

WINDOW = timedelta(hours=72)
WINDOW_ITEMS = 2_000
_KEPT_LETTERS = 4_000

# Every harvest with news is held against the same texts. Long ones are not kept: 2,000 of them would be 160 MB.
_kept = lru_cache(maxsize=2 * WINDOW_ITEMS)(normal)

_FIELDS = (
    ItemRow.id,
    ItemRow.source_id,
    ItemRow.external_id,
    ItemRow.parent_id,
    ItemRow.fingerprint,
    ItemRow.title,
    ItemRow.text,
    ItemRow.places,
    ItemRow.numbers,
    ItemRow.topic,
    ItemRow.published_at,
    ItemRow.first_seen_at,
)


class Recent:
    """What was placed in the last 72 h, for the length of one transaction."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now
        self._window: list[Trace] | None = None
        self._parents: list[Trace] = []
        self._placed: list[Trace] = []

    def to_compare(self, new: Trace) -> Sequence[Trace]:
        """Give what `new` is to be held against: for a comment the texts that it may answer, else the window."""
        if new.parent_id:
            return [*self._parents, *self._placed]
        if self._window is None:
            rows = self._session.execute(_window(self._now).order_by(ItemRow.id))
            self._window = [_trace(row) for row in rows]
        return [*self._window, *self._placed]

    def add(self, trace: Trace) -> None:
        """Add a text that was placed in this transaction."""
        self._placed.append(trace)

    def look_for_parents(self, source_id: str, parent_ids: Collection[str]) -> None:
        """Read the texts of matters that comments answer: of the own source and its origin however old they are, of
        siblings no further back than the window goes.
        """
        wanted = sorted(parent_ids)
        if not wanted:
            return
        # A source at a time: SQLite reads the whole table for pairs of values.
        near = [
            trace
            for source in sorted({source_id, origin_of(source_id)})
            for trace in self._read(
                _placed().where(ItemRow.source_id == source, ItemRow.external_id.in_(wanted))
            )
        ]
        found = {trace.external_id for trace in near}
        rest = [parent for parent in wanted if parent not in found]
        far = self._read(_window(self._now).where(ItemRow.external_id.in_(rest))) if rest else []
        self._parents = [*near, *far]

    def _read(self, query: Select[*tuple[Any, ...]]) -> list[Trace]:
        return [_trace(row) for row in self._session.execute(query)]


def trace_of(row: ItemRow, case_id: int | None) -> Trace:
    """Reduce a stored text to what can be compared."""
    return _reduced(row, case_id)


def _placed() -> Select[*tuple[Any, ...]]:
    return select(*_FIELDS, CaseItemRow.case_id).join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)


def _window(now: datetime) -> Select[*tuple[Any, ...]]:
    # The newest of matters first, then their texts: by the texts' time all that became nothing would be read too.
    newest = (
        select(CaseItemRow.item_id, CaseItemRow.case_id)
        .order_by(CaseItemRow.item_id.desc())
        .limit(WINDOW_ITEMS)
        .subquery()
    )
    return (
        select(*_FIELDS, newest.c.case_id)
        .join(newest, newest.c.item_id == ItemRow.id)
        .where(ItemRow.first_seen_at > now - WINDOW)
    )


def _trace(row: Row[Any]) -> Trace:
    return _reduced(row, row.case_id)


def _reduced(row: Any, case_id: int | None) -> Trace:
    return Trace(
        item_id=row.id,
        case_id=case_id,
        source_id=row.source_id,
        external_id=row.external_id,
        parent_id=row.parent_id,
        fingerprint=row.fingerprint,
        normal_title=_normal(row.title),
        normal_text=_normal(row.text),
        places=frozenset(row.places),
        numbers=frozenset(row.numbers),
        topic=row.topic,
        at=row.published_at or row.first_seen_at,
    )


def _normal(text: str) -> str:
    return _kept(text) if len(text) <= _KEPT_LETTERS else normal(text)

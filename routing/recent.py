"""The texts of matters that a new one may belong to, kept in memory from one transaction to the next.

What is in memory is checked against the store before it is used: a transaction that was rolled back, another machine,
a person who split or merged have changed it since. Texts are read once.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Row, Select, case, event, func, or_, select
from sqlalchemy.orm import Session

from routing.affinity import AWAKE
from routing.grouping import Trace, Window, is_derived, origin_of
from routing.items import LEGACY
from routing.normal import normal
from routing.store.tables import CaseItemRow, ItemRow, SourceRow
from routing.telling import Land

WINDOW = AWAKE
WINDOW_ITEMS = 5_000
_KEPT_LETTERS = 4_000
_PORTION = 500

_kept = lru_cache(maxsize=WINDOW_ITEMS)(normal)

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
_at = case(
    (ItemRow.source_id == LEGACY, ItemRow.first_seen_at),
    else_=func.coalesce(ItemRow.published_at, ItemRow.first_seen_at),
)
"""What was taken over from an older ledger is as new as its import: from then on it may get news."""
_nowhere = Land()
_JOINTS = "-_."
_joint = re.compile(f"[{re.escape(_JOINTS)}]")


class Recent:
    """What was placed in the last 7 days, for the length of one transaction."""

    def __init__(self, session: Session, now: datetime, land: Land = _nowhere) -> None:
        self._session = session
        self._now = now
        self._land = land
        self._window: Window | None = None
        self._parents: list[Trace] = []
        self._placed: list[Trace] = []

    def to_compare(self, new: Trace) -> Sequence[Trace] | Window:
        """Give what `new` is to be held against: for a comment the texts that it may answer, else the window."""
        if new.parent_id:
            return [*self._parents, *self._placed]
        if self._window is None:
            self._window = _window_of(self._session, self._land)
            _refresh(self._window, self._session, self._now)
            for trace in self._placed:
                self._window.add(trace)
        return self._window

    def add(self, trace: Trace) -> None:
        """Add a text that was placed in this transaction; one that became no matter counts by its words alone."""
        self._placed.append(trace)
        if self._window is not None:
            self._window.add(trace)

    def look_for_parents(self, source_id: str, parent_ids: Collection[str]) -> None:
        """Read the texts of matters that comments answer: of the own source, its origin and its siblings however old they
        are, of any other source no further back than the window goes, for ids of strangers may be alike.
        """
        wanted = sorted(parent_ids)
        if not wanted:
            return
        own = {source_id, origin_of(source_id)}
        near = self._named(own, wanted)
        if rest := _without(wanted, near):
            near += self._named(self._siblings(source_id) - own, rest)
        rest = _without(rest, near)
        far = self._read(_within(self._now).where(ItemRow.external_id.in_(rest))) if rest else []
        self._parents = [*near, *far]

    def _named(self, sources: Collection[str], ids: Sequence[str]) -> list[Trace]:
        # A source at a time: SQLite reads the whole table for pairs of values.
        return [
            trace
            for source in sorted(sources)
            for trace in self._read(
                _placed().where(ItemRow.source_id == source, ItemRow.external_id.in_(ids))
            )
        ]

    def _siblings(self, source_id: str) -> set[str]:
        """Name the sources that one is a part of by its name, or that are a part of it: `forum` and `forum-c`."""
        if is_derived(source_id):
            return set()
        shorter = [source_id[: cut.start()] for cut in _joint.finditer(source_id)]
        longer = (SourceRow.id.startswith(f"{source_id}{sign}", autoescape=True) for sign in _JOINTS)
        return set(self._session.scalars(select(SourceRow.id).where(or_(SourceRow.id.in_(shorter), *longer))))

    def _read(self, query: Select[*tuple[Any, ...]]) -> list[Trace]:
        return [_trace(row) for row in self._session.execute(query)]


def _without(ids: Sequence[str], found: Sequence[Trace]) -> list[str]:
    known = {trace.external_id for trace in found}
    return [id_ for id_ in ids if id_ not in known]


# --- the window of a store ------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Kept:
    """A window over a store. `is_sure`: the transaction that used it last was committed, so all in it is true."""

    land: Land
    window: Window
    is_sure: bool = False


_windows: WeakKeyDictionary[Engine, _Kept] = WeakKeyDictionary()


def _window_of(session: Session, land: Land) -> Window:
    """Give the window over a store; another gazetteer makes another one, and so does a transaction that was rolled back:
    the ids of its texts go to others.
    """
    engine = session.get_bind().engine
    kept = _windows.get(engine)
    if kept is None or kept.land is not land or not kept.is_sure:
        kept = _windows[engine] = _Kept(land, Window(land))
    kept.is_sure = False
    using = kept

    def committed(_: Session) -> None:
        using.is_sure = True

    event.listen(session, "after_commit", committed, once=True)
    return kept.window


def _refresh(window: Window, session: Session, now: datetime) -> None:
    """Bring the window to what the store says now: moved texts moved, unknown ones read, all others left alone."""
    window.forget(now)
    placed = {row.item_id: row.case_id for row in session.execute(_pairs(now))}
    first = min(placed, default=0) if len(placed) == WINDOW_ITEMS else 0
    for item in [item for item in window.items() if item >= first]:
        window.move(item, placed.get(item))
    missing = sorted(item for item in placed if window.case_of(item) is None)
    for trace in sorted(_texts(session, missing), key=lambda trace: (trace.at, trace.item_id)):
        window.add(trace)


def _texts(session: Session, items: Sequence[int]) -> Iterable[Trace]:
    for first in range(0, len(items), _PORTION):
        some = items[first : first + _PORTION]
        yield from map(_trace, session.execute(_placed().where(ItemRow.id.in_(some))))


def trace_of(row: ItemRow, case_id: int | None) -> Trace:
    """Reduce a stored text to what can be compared."""
    return _reduced(row, case_id)


def trace_from(item_id: int, values: Mapping[str, Any]) -> Trace:
    """Reduce a text that was just stored to what can be compared: `values` by the names of its columns."""
    return _reduced(_Values({**values, "id": item_id}), None)


class _Values:
    """A row by its names, without the mapper."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__.update(values)


def _placed() -> Select[*tuple[Any, ...]]:
    return select(*_FIELDS, CaseItemRow.case_id).join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)


def _newest() -> Any:
    # The newest of matters first, then their texts: by the texts' time all that became nothing would be read too.
    return (
        select(CaseItemRow.item_id, CaseItemRow.case_id)
        .where(CaseItemRow.past.is_(False))
        .order_by(CaseItemRow.item_id.desc())
        .limit(WINDOW_ITEMS)
        .subquery()
    )


def _pairs(now: datetime) -> Select[tuple[int, int]]:
    newest = _newest()
    return (
        select(newest.c.item_id, newest.c.case_id)
        .join(ItemRow, ItemRow.id == newest.c.item_id)
        .where(_at > now - WINDOW)
    )


def _within(now: datetime) -> Select[*tuple[Any, ...]]:
    newest = _newest()
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
        at=row.first_seen_at if row.source_id == LEGACY else row.published_at or row.first_seen_at,
    )


def _normal(text: str) -> str:
    return _kept(text) if len(text) <= _KEPT_LETTERS else normal(text)

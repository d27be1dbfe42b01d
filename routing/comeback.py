"""A headline that comes back to a hot list (热榜) after weeks: a text of its own, not the one of then.

Hot lists name an entry by its headline, so the second event of the same words would bear the id of the first, and
be taken for known without a word. Within the cool-down it is the same; nothing here looks at days of the calendar.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.items import Harvest, Kind
from routing.store.tables import ItemRow

COOL_DOWN = timedelta(days=30)
"""项目默认. An entry that never leaves its list counts anew after each, which a headline of that age bears."""
_IDS_AT_ONCE = 1_000


def told_apart(session: Session, harvests: Sequence[Harvest], now: datetime) -> list[Harvest]:
    """Give the harvests with entries of hot lists that are back under ids of their own; safe to call twice."""
    return [_told_apart(session, harvest, now) for harvest in harvests]


def _told_apart(session: Session, harvest: Harvest, now: datetime) -> Harvest:
    ids = sorted(item.external_id for item in harvest.items if item.kind is Kind.HOTLIST)
    seen = _seen(session, harvest.source_id, ids)
    names = {
        external_id: [f"{external_id}~{turn}" for turn in range(1, (now - at) // COOL_DOWN + 1)]
        for external_id, at in seen.items()
        if now - at >= COOL_DOWN
    }
    if not names:
        return harvest
    again = _seen(session, harvest.source_id, [name for turns in names.values() for name in turns])
    told = {
        external_id: next(
            (name for name in turns if name in again and now - again[name] < COOL_DOWN), turns[-1]
        )
        for external_id, turns in names.items()
    }
    items = (
        replace(item, external_id=told.get(item.external_id, item.external_id)) for item in harvest.items
    )
    part = harvest.part
    return replace(
        harvest,
        items=tuple(items),
        part=None if part is None else frozenset(told.get(one, one) for one in part),
    )


def _seen(session: Session, source_id: str, ids: Sequence[str]) -> dict[str, datetime]:
    """Tell when those of the entries that are stored were first seen."""
    seen: dict[str, datetime] = {}
    for start in range(0, len(ids), _IDS_AT_ONCE):
        stored = select(ItemRow.external_id, ItemRow.first_seen_at).where(
            ItemRow.source_id == source_id, ItemRow.external_id.in_(ids[start : start + _IDS_AT_ONCE])
        )
        seen |= {row.external_id: row.first_seen_at for row in session.execute(stored)}
    return seen

"""How far a matter has spread in 24 hours, and the level that this speaks for.

Counts of a text only ever show their sum. So that growth can be told from size, the sums of a matter are kept once an
hour for three days: the spread of 24 hours is what they have grown by since. An answer is held, a day after, against
the day before it.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from routing.items import Counts
from routing.levels import Spoken, by_counts, by_press, by_sites, gravest
from routing.office import Office
from routing.store.once import insert_once
from routing.store.tables import CaseItemRow, ItemRow, SpreadRow

WINDOW = timedelta(hours=24)
KEPT = timedelta(hours=73)


def spread(session: Session, office: Office, case_id: int, now: datetime) -> Spoken:
    """Read the level off the spread: the counts of 24 h, the media, the number of sites; the gravest, with its figure."""
    rows = session.execute(
        select(ItemRow.source_id, ItemRow.stood)
        .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
        .where(CaseItemRow.case_id == case_id, ItemRow.stood.is_not(None))
        .distinct()
    )
    places = {(source_id, stood) for source_id, stood in rows if stood is not None}
    counts = grown_by(session, case_id, now)
    return gravest(
        [by_press({stood for _, stood in places}), by_counts(office.marks, counts), by_sites(places)]
    )


def grown_by(session: Session, case_id: int, now: datetime) -> Counts:
    """Give what the counts of a matter have grown by in 24 h.

    Where nothing was noted so long ago, texts that were first seen since count whole and older ones not at all: how
    they stood before nobody knows.
    """
    before = session.scalar(
        select(SpreadRow)
        .where(SpreadRow.case_id == case_id, SpreadRow.at <= now - WINDOW)
        .order_by(SpreadRow.at.desc())
        .limit(1)
    )
    if before is None:
        return _sums(session, CaseItemRow.case_id == case_id, ItemRow.first_seen_at > now - WINDOW)
    sums = _sums(session, CaseItemRow.case_id == case_id)
    return Counts(
        views=max(0, (sums.views or 0) - before.views),
        reposts=max(0, (sums.reposts or 0) - before.reposts),
        comments=max(0, (sums.comments or 0) - before.comments),
    )


def note(session: Session, case_id: int, now: datetime) -> None:
    """Keep the sums of a matter as they stand, once an hour; what is older than three days is let go."""
    at = now.replace(minute=0, second=0, microsecond=0)
    if session.get(SpreadRow, (case_id, at)) is not None:
        return
    session.flush()
    sums = _sums(session, CaseItemRow.case_id == case_id)
    insert_once(
        session,
        SpreadRow,
        [SpreadRow.case_id, SpreadRow.at],
        case_id=case_id,
        at=at,
        views=sums.views or 0,
        reposts=sums.reposts or 0,
        comments=sums.comments or 0,
    )
    session.execute(delete(SpreadRow).where(SpreadRow.case_id == case_id, SpreadRow.at < now - KEPT))


def _sums(session: Session, *where: ColumnElement[bool]) -> Counts:
    views, reposts, comments = session.execute(
        select(func.sum(ItemRow.views), func.sum(ItemRow.reposts), func.sum(ItemRow.comments))
        .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
        .where(*where)
    ).one()
    return Counts(views=_whole(views), reposts=_whole(reposts), comments=_whole(comments))


def _whole(value: object) -> int | None:
    return None if value is None else int(str(value))  # PostgreSQL sums big integers as decimals

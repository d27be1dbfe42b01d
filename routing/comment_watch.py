"""Comment feeds that entries name: watched for a day whenever their number of comments rises.

Most are never asked for. A count that is seen for the first time is only remembered; where a feed shows no count, its
comments are watched for a day if the entry is a matter's. A feed under watch is a source of its own, with a name
derived from its origin's, so that its comments find the text that they answer.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from routing.grouping import DERIVED
from routing.items import CommentFeed, CommentWatch
from routing.store.tables import AilmentRow, CaseItemRow, CommentWatchRow, ItemRow, SourceRow

WATCHED_FOR = timedelta(hours=24)
FORGOTTEN_AFTER = timedelta(days=30)
AT_MOST = 50
"""So many feeds of one origin are watched at once, those that rose last."""
ORIGIN_LETTERS = 53
"""A longer name of an origin leaves no room for the derived one: its comment feeds are not watched."""

_seen_again_after = timedelta(days=1)  # that an entry still stands there is no news every minute


def name_of(origin_id: str, url: str) -> str:
    """Give the source id of a comment feed, at most 64 letters."""
    return f"{origin_id}{DERIVED}{blake2b(url.encode(), digest_size=5).hexdigest()}"


def note(session: Session, origin_id: str, feeds: Sequence[CommentFeed], now: datetime) -> None:
    """Remember what a round of `origin_id` showed of comment feeds, after its items were placed."""
    if not feeds or len(origin_id) > ORIGIN_LETTERS:
        return
    shown = {name_of(origin_id, feed.url): feed for feed in feeds}
    rows = {
        row.source_id: row
        for row in session.scalars(
            select(CommentWatchRow).where(CommentWatchRow.source_id.in_(sorted(shown)))
        )
    }
    uncounted = {feed.parent_id for feed in shown.values() if feed.count is None}
    first_seen = _in_matters(session, origin_id, uncounted)
    for name, feed in sorted(shown.items()):
        row = rows.get(name)
        if row is None:
            row = CommentWatchRow(source_id=name, origin_id=origin_id, parent_id=feed.parent_id, url=feed.url)
            row.count, row.seen_at = feed.count, now
            session.add(row)
        _look(row, feed, first_seen, now)
    _forget(session, origin_id, now)
    session.flush()


def active(session: Session, now: datetime) -> list[CommentWatch]:
    """List what is to be polled now, by origin, of each those that rose last."""
    rows = session.scalars(
        select(CommentWatchRow)
        .where(CommentWatchRow.until > now)
        .order_by(CommentWatchRow.origin_id, CommentWatchRow.until.desc(), CommentWatchRow.source_id)
    )
    watches: dict[str, list[CommentWatch]] = {}
    for row in rows:
        assert row.until is not None
        of_origin = watches.setdefault(row.origin_id, [])
        if len(of_origin) < AT_MOST:
            of_origin.append(CommentWatch(row.source_id, row.origin_id, row.parent_id, row.url, row.until))
    return [watch for of_origin in watches.values() for watch in of_origin]


def _look(row: CommentWatchRow, feed: CommentFeed, first_seen: Mapping[str, datetime], now: datetime) -> None:
    if feed.count is None:
        until = first_seen[feed.parent_id] + WATCHED_FOR if feed.parent_id in first_seen else None
        if until is not None and until > now and (row.until is None or row.until < until):
            row.until = until
    else:
        if row.count is not None and feed.count > row.count:
            row.until = now + WATCHED_FOR
        row.count = feed.count
    row.parent_id = feed.parent_id
    if row.seen_at < now - _seen_again_after:
        row.seen_at = now


def _in_matters(session: Session, origin_id: str, parent_ids: set[str]) -> Mapping[str, datetime]:
    """Give when each of these texts was first seen, of those that are a matter's."""
    if not parent_ids:
        return {}
    rows = session.execute(
        select(ItemRow.external_id, ItemRow.first_seen_at)
        .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
        .where(ItemRow.source_id == origin_id, ItemRow.external_id.in_(sorted(parent_ids)))
    )
    return {row.external_id: row.first_seen_at for row in rows}


def _forget(session: Session, origin_id: str, now: datetime) -> None:
    """Let go of feeds whose entry has long left the document, and of what was remembered of them as sources."""
    old = list(
        session.scalars(
            select(CommentWatchRow.source_id).where(
                CommentWatchRow.origin_id == origin_id, CommentWatchRow.seen_at < now - FORGOTTEN_AFTER
            )
        )
    )
    if old:
        for column in (CommentWatchRow.source_id, AilmentRow.source_id, SourceRow.id):
            session.execute(delete(column.class_).where(column.in_(old)))

"""Lets go of what is kept no longer (`routing.retention`), some rows at a time. Never a row of a matter's file.

Candidates are found by reading, without a lock; each portion is then looked at again and deleted in a transaction of its
own, short enough for a press to wait. Killed between two portions nothing is half done; called again it goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from routing import gone
from routing.items import LEGACY
from routing.retention import Cut
from routing.store.lock import serialise
from routing.store.tables import (
    Base,
    CaseItemRow,
    InboxRow,
    InviteRow,
    InviteState,
    ItemRow,
    JoinTryRow,
    OutboxRow,
    Outcome,
    ProposalRow,
    PushRow,
    Sending,
    SourceRow,
    VerdictRow,
)

AT_ONCE = 200
SHOWN = 300
"""So many of its newest texts are spared of each source: it may still show them, and change the ids of all at once."""
KEPT_MESSAGES = ("head:", "invite:")
"""How the keys of messages begin that are asked for as long as there is a record: 存证, and cards of people who wait."""

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one table that may go: their key, which of them are over, and since when they are there."""

    name: str
    table: type[Base]
    key: tuple[InstrumentedAttribute[Any], ...]
    at: InstrumentedAttribute[Any]
    is_over: Callable[[Cut], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Due:
    """What of one part is over now: how many rows, and the oldest of them (aware UTC, None where there is none)."""

    part: Part
    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """Keys of rows to let go of; `last`: where to read on, None at the end."""

    keys: tuple[Key, ...]
    last: Key | None


def _texts(cut: Cut) -> ColumnElement[bool]:
    return and_(
        ItemRow.first_seen_at < cut.texts,
        ItemRow.outcome != Outcome.CASE,
        ItemRow.source_id != LEGACY,
        # Each by itself, so that a planner may join instead of looking each text up.
        ~exists().where(CaseItemRow.item_id == ItemRow.id),
        ~exists().where(ProposalRow.item_id == ItemRow.id),
        ~exists().where(VerdictRow.item_id == ItemRow.id),
    )


def _messages(cut: Cut) -> ColumnElement[bool]:
    return and_(
        OutboxRow.created_at < cut.logs,
        OutboxRow.case_id.is_(None),
        OutboxRow.state.in_([Sending.SENT, Sending.SKIPPED]),
        OutboxRow.noted,
        *(not_(OutboxRow.dedupe_key.startswith(prefix)) for prefix in KEPT_MESSAGES),
        # The newest stays: SQLite gives the highest number again once it is free, and buttons carry it.
        OutboxRow.id < select(func.max(aliased(OutboxRow).id)).scalar_subquery(),
    )


def _updates(cut: Cut) -> ColumnElement[bool]:
    other = aliased(InboxRow)
    newest = select(func.max(other.update_id)).where(other.platform == InboxRow.platform).scalar_subquery()
    return and_(InboxRow.done_at < cut.logs, InboxRow.update_id < newest)


def _invites(cut: Cut) -> ColumnElement[bool]:
    unused = [InviteState.OPEN, InviteState.REFUSED, InviteState.REVOKED]
    return and_(
        InviteRow.state.in_(unused),
        InviteRow.expires_at < cut.logs,
        # As with messages: the cards about who used one stay, and by its number it is known that they were sent.
        InviteRow.id < select(func.max(aliased(InviteRow).id)).scalar_subquery(),
    )


def _locks(cut: Cut) -> ColumnElement[bool]:
    return JoinTryRow.locked_until < cut.logs


def _pushes(cut: Cut) -> ColumnElement[bool]:
    return PushRow.at < cut.logs


TEXTS = Part("没有成为事项的信息", ItemRow, (ItemRow.id,), ItemRow.first_seen_at, _texts)
PARTS: tuple[Part, ...] = (
    TEXTS,
    Part("与事项无关的已发消息", OutboxRow, (OutboxRow.id,), OutboxRow.created_at, _messages),
    Part("处理过的群内操作", InboxRow, (InboxRow.platform, InboxRow.update_id), InboxRow.done_at, _updates),
    Part("没有用成的邀请码", InviteRow, (InviteRow.id,), InviteRow.created_at, _invites),
    Part(
        "试错邀请码的记录",
        JoinTryRow,
        (JoinTryRow.platform, JoinTryRow.user_ref),
        JoinTryRow.locked_until,
        _locks,
    ),
    Part("停用推送来源的签名", PushRow, (PushRow.source_id, PushRow.signature), PushRow.at, _pushes),
)


def due(session: Session, cut: Cut) -> list[Due]:
    """Count what is over, in the order of PARTS. Reads only."""
    return [_due_texts(session, cut), *(_due(session, part, cut) for part in PARTS if part is not TEXTS)]


def windows(session: Session) -> Mapping[str, int]:
    """Give of each source that is remembered the number of the oldest text that is spared; 0: all of its texts are.

    A source that is forgotten (a comment feed that nobody watches any more) begins anew if it ever comes back.
    """
    known = dict.fromkeys(session.scalars(select(SourceRow.id)), 0)
    first = _firsts()
    rows = session.execute(select(first.c.source_id, first.c.id))
    return known | {source_id: item_id for source_id, item_id in rows if source_id in known}


def _firsts() -> Subquery:
    """Give the number of the oldest text that is spared of each source that has so many."""
    place = func.row_number().over(partition_by=ItemRow.source_id, order_by=ItemRow.id.desc())
    placed = select(ItemRow.source_id, ItemRow.id, place.label("place")).subquery()
    return select(placed.c.source_id, placed.c.id).where(placed.c.place == SHOWN).subquery()


def find(session: Session, part: Part, cut: Cut, spared: Mapping[str, int], after: Key | None) -> Found:
    """Read the keys of the next rows that are over, behind `after`. `spared`: as `windows` gives them."""
    key = tuple_(*part.key)
    query: Select[Any] = select(*part.key).where(part.is_over(cut)).order_by(*part.key).limit(AT_ONCE)
    if part is TEXTS:
        query = query.add_columns(ItemRow.source_id)
    if after is not None:
        query = query.where(key > tuple_(*after))
    rows = [tuple(row) for row in session.execute(query)]
    last = rows[-1][: len(part.key)] if len(rows) == AT_ONCE else None
    if part is TEXTS:
        rows = [(item_id,) for item_id, source_id in rows if item_id < spared.get(source_id, item_id + 1)]
    return Found(tuple(rows), last)


def let_go(session: Session, part: Part, keys: Sequence[Key], cut: Cut) -> int:
    """Delete those of the rows that are still over; gives how many. Safe to call twice."""
    if part is TEXTS:
        return _let_texts_go(session, [item_id for (item_id,) in keys], cut)
    gone_now = 0
    for some in _by_first(keys):
        columns = [column.in_({key[place] for key in some}) for place, column in enumerate(part.key)]
        result = session.execute(
            delete(part.table).where(*columns, part.is_over(cut)).returning(*part.key),
            execution_options={"synchronize_session": False},
        )
        gone_now += len(result.all())
    return gone_now


def _let_texts_go(session: Session, ids: Sequence[int], cut: Cut) -> int:
    named = select(ItemRow.source_id).where(ItemRow.id.in_(ids)).distinct()
    # As intake does: on PostgreSQL nobody revises or places a text of these sources meanwhile.
    serialise(session, *(f"source:{source_id}" for source_id in session.scalars(named)))
    rows = session.execute(
        select(ItemRow.id, ItemRow.source_id, ItemRow.external_id, ItemRow.content_hash, ItemRow.outcome)
        .where(ItemRow.id.in_(ids), _texts(cut))
        .with_for_update()
    ).all()
    gone.remember(
        session,
        [(row.source_id, row.external_id, row.content_hash, row.outcome is Outcome.BASELINE) for row in rows],
    )
    session.execute(
        delete(ItemRow).where(ItemRow.id.in_([row.id for row in rows])),
        execution_options={"synchronize_session": False},
    )
    return len(rows)


def _by_first(keys: Sequence[Key]) -> list[list[Key]]:
    """Put keys of several columns together by all but the last, so that each statement names one value of those."""
    found: dict[Key, list[Key]] = {}
    for key in keys:
        found.setdefault(key[:-1], []).append(key)
    return list(found.values())


def _due(session: Session, part: Part, cut: Cut) -> Due:
    count, oldest = session.execute(select(func.count(), func.min(part.at)).where(part.is_over(cut))).one()
    return Due(part, count, oldest)


def _due_texts(session: Session, cut: Cut) -> Due:
    first = _firsts()
    is_forgotten = ~exists().where(SourceRow.id == ItemRow.source_id)
    count, oldest = session.execute(
        select(func.count(), func.min(ItemRow.first_seen_at))
        .select_from(ItemRow)
        .outerjoin(first, first.c.source_id == ItemRow.source_id)
        .where(_texts(cut), or_(is_forgotten, ItemRow.id < first.c.id))
    ).one()
    return Due(TEXTS, count, oldest)

"""Incoming updates as rows: stored raw under their id before the platform hears that we have them.

What an update does, and the mark that it was done, are one transaction of the handler's; so a crash at any point
means that it is done again from the start, or was done.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.store.once import insert_once
from routing.store.tables import InboxRow


def store(session: Session, platform: str, updates: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Keep updates (each with its `update_id`); those that are known already change nothing. Gives the new ones."""
    return sum(
        insert_once(
            session,
            InboxRow,
            [InboxRow.platform, InboxRow.update_id],
            platform=platform,
            update_id=int(update["update_id"]),
            raw=dict(update),
            received_at=now,
        )
        for update in updates
    )


def waiting(
    session: Session, platform: str, limit: int = 50
) -> list[tuple[int, Mapping[str, Any], datetime]]:
    """List what was stored and not yet done, in order: (update id, raw update, received at)."""
    rows = session.scalars(
        select(InboxRow)
        .where(InboxRow.platform == platform, InboxRow.done_at.is_(None))
        .order_by(InboxRow.update_id)
        .limit(limit)
    )
    return [(row.update_id, row.raw, row.received_at) for row in rows]


def is_first(session: Session, platform: str, update_id: int, brought: str) -> bool:
    """Note which message or press an update brought; False where another update has brought the same.

    Kept as a digest: who wrote where is nobody's record.
    """
    mark = hashlib.sha256(brought.encode()).hexdigest()
    known = select(InboxRow.update_id).where(InboxRow.platform == platform, InboxRow.mark == mark)
    if session.scalar(known) is not None:
        return False
    session.get_one(InboxRow, (platform, update_id)).mark = mark
    return True


def finish(
    session: Session, platform: str, update_id: int, now: datetime, problem: str | None = None
) -> bool:
    """Mark an update as done, in the transaction of its effect; False if it was done before.

    What it said is let go with it: names of senders and texts that were refused are nobody's record. Only an update
    that could not be handled keeps its raw form for a day, for the operator (`auditor`).
    """
    row = session.get(InboxRow, (platform, update_id), with_for_update=True)
    if row is None or row.done_at is not None:
        return False
    row.done_at, row.problem = now, problem
    if problem is None:
        row.raw = {}
    return True

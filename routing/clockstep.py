"""What to put right after the wall clock was set back: waits that now reach too far into the future.

A machine that starts with a clock hours ahead and is then corrected would otherwise sit still for those hours.
Deadlines are not touched: they are promises to people and stand as they were written.
"""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from routing.store.tables import OutboxRow, Sending, SourceRow


def put_right(session: Session, now: datetime) -> None:
    """Make due at once what waits for a try or a round. Safe to call at any time: at worst one try comes early."""
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.state == Sending.PENDING, OutboxRow.next_attempt_at > now)
        .values(next_attempt_at=now)
    )
    session.execute(update(SourceRow).where(SourceRow.next_poll_at > now).values(next_poll_at=now))

"""What to put right after the wall clock was set back: waits that reach too far, and a past that is yet to come.

A machine that starts with a clock hours ahead and is then corrected would otherwise sit still for those hours.
Deadlines are not touched: they are promises to people and stand as they were written.
"""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from routing.store.tables import OutboxRow, Sending, SourceRow


def put_right(session: Session, now: datetime) -> None:
    """Make due at once what waits for a try, a round or a look; a silence counts from now.

    Safe to call at any time: at worst one try comes early.
    """
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.state == Sending.PENDING, OutboxRow.next_attempt_at > now)
        .values(next_attempt_at=now)
    )
    for column in (
        SourceRow.next_poll_at,
        SourceRow.look_at,
        SourceRow.last_new_at,
        SourceRow.last_polled_at,
    ):
        session.execute(update(SourceRow).where(column > now).values({column: now}))

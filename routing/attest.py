"""The head of the ledger (存证), put down once a day and told to the leaders, so that a cut or forged tail is found."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import outbox, people
from routing.heads import SHORT, TEMPLATE, Head
from routing.ledger import Ledger
from routing.office import Office
from routing.outbox import MessageKind, Priority
from routing.store.tables import LedgerHeadRow, LedgerRow


def post_daily(session: Session, office: Office, ledger: Ledger, now: datetime) -> int:
    """Put the newest line down once its hour of the day has come, and queue it; gives the number of messages.

    Safe to call at any time. A service that slept over the hour does it late, once, for the last day that was due.
    Nothing is posted for a day at whose hour the ledger had no line. Where no leader is registered the duty group
    keeps it.
    """
    due = _last_due(office, now)
    day = due.date().isoformat()
    if session.get(LedgerHeadRow, day) is not None:
        return 0
    first_at = session.scalar(select(LedgerRow.at).where(LedgerRow.seq == 1))
    newest = session.scalar(select(LedgerRow).order_by(LedgerRow.seq.desc()).limit(1))
    if newest is None or first_at is None or first_at > due:
        return 0
    head = Head(newest.seq, newest.hash, "")
    session.add(LedgerHeadRow(day=day, seq=head.seq, hash=head.seal, at=now))
    chats = people.chats_named(session, office, office.record.head_to) or [office.duty_chat]
    ledger.write(session, at=now, actor="系统", action="head", day=day, code=head.code, to=chats)
    for chat in chats:
        outbox.queue(
            session,
            key=f"{TEMPLATE}:{day}:{chat}",
            chat=chat,
            kind=MessageKind.TEXT,
            priority=Priority.DIGEST,
            payload={
                "template": TEMPLATE,
                "day": day,
                "seq": head.seq,
                "seal": head.seal[:SHORT],
                "at": now.isoformat(),
            },
            now=now,
        )
    return len(chats)


def _last_due(office: Office, now: datetime) -> datetime:
    """Give the last instant at which a head was due, in the office's zone."""
    local = now.astimezone(office.zone)
    at = office.record.head_at
    today = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return today if today <= local else today - timedelta(days=1)

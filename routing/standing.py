"""The cards of a case that stand in chats, brought up to date; an edit makes no sound."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.outbox import queue_edit
from routing.store.tables import MessageRefRow


def refresh(session: Session, case_id: int, now: datetime) -> None:
    """Queue an update of every card of a case that has not said its last word."""
    cards = session.execute(
        select(MessageRefRow.chat, MessageRefRow.card, MessageRefRow.draft_version)
        .where(MessageRefRow.case_id == case_id, MessageRefRow.final.is_(False))
        .distinct()
    ).all()
    for chat, card, draft_version in cards:
        queue_edit(session, case_id=case_id, card=card, chat=chat, draft_version=draft_version, now=now)

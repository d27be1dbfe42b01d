"""Chats as the configuration names them, and what became of them: moved to another id, or closed to the bot.

Everything inside uses the name of the configuration; only the sender and the reader of updates translate.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import literal, select, update
from sqlalchemy.orm import Session

from routing.store.tables import AskRow, ChatRow, MessageRefRow, OutboxRow


def address(session: Session, ref: str) -> str:
    """Give the id under which a chat can be reached now."""
    row = session.get(ChatRow, ref)
    return row.moved_to if row is not None and row.moved_to else ref


def name_of(session: Session, chat: str, named: Collection[str] = ()) -> str:
    """Give the configuration's name of a chat that an update came from.

    `named`: the chats of the configuration. It may name a group that moved by its old id or, edited since, by the new one.
    """
    if chat in named:
        return chat
    row = session.get(ChatRow, chat)
    if row is not None and row.moved_to and row.moved_to in named:
        return row.moved_to
    return session.scalar(select(ChatRow.ref).where(ChatRow.moved_to == chat)) or chat


def follow_names(session: Session, named: Collection[str]) -> None:
    """Let rows of a group that moved bear the id by which the configuration names it now. Safe to call twice."""
    for row in session.scalars(select(ChatRow).where(ChatRow.moved_to.is_not(None))).all():
        new = row.moved_to or ""
        if (row.ref in named) == (new in named):
            continue
        before, after = (row.ref, new) if new in named else (new, row.ref)
        for table in (MessageRefRow, OutboxRow, AskRow):
            session.execute(update(table).where(table.chat == before).values(chat=after))


def moved(session: Session, old: str, new: str) -> None:
    """Remember a new id (a group became a supergroup). Safe to call twice.

    A supergroup counts its messages anew: an old number would name another message there, and an edit meant for one
    card would overwrite another. So the old numbers are put out of use, and each card is posted anew when it changes.
    """
    ref = name_of(session, old)
    row = session.get(ChatRow, ref)
    if new not in {ref, row.moved_to if row else None}:
        for table in (MessageRefRow, OutboxRow):
            numbered = table.chat == ref, table.message.is_not(None)
            session.execute(update(table).where(*numbered).values(message=literal("moved:") + table.message))
    if row is None:
        row = ChatRow(ref=ref)
        session.add(row)
    row.moved_to = new
    session.flush()


def closed(session: Session, ref: str, problem: str, now: datetime) -> bool:
    """Note that a chat takes nothing from us; True the first time, so that it is told once."""
    row = session.get(ChatRow, ref)
    if row is None:
        row = ChatRow(ref=ref)
        session.add(row)
    first = row.closed_at is None
    row.closed_at, row.problem = row.closed_at or now, problem
    session.flush()
    return first


def opened(session: Session, ref: str) -> None:
    """Note that a chat took a message again."""
    row = session.get(ChatRow, ref)
    if row is not None and row.closed_at is not None:
        row.closed_at = row.problem = None

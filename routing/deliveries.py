"""What became of each message of a case, as lines of the ledger: delivered, to whom, or finally not.

Apart from sending: the sender must not wait for the chain, which a batch of texts may hold. A message is noted within
seconds of its end, and after a crash at the next start; its line carries the instant of the delivery itself.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import heads
from routing.ledger import Entry, Ledger
from routing.outbox import MessageKind
from routing.store.tables import AccountRow, OutboxRow, PersonRow, Sending

BATCH = 50
"""So many lines hold the writer for some 10 ms; at 25 messages a second, the platform's limit, two seconds fill it."""
ACTIONS = {
    Sending.SENT: "delivered",
    Sending.DEAD: "undelivered",
    Sending.EXPIRED: "undelivered",
    Sending.SKIPPED: None,  # there was nothing left to say
}


def note(session: Session, ledger: Ledger, now: datetime) -> int:
    """Note the messages that have come to an end since the last look, at most BATCH; gives the number of lines.

    Each once. An update of a card that stands already is no delivery: the move that it shows is a line itself.
    """
    ended = session.scalars(
        select(OutboxRow)
        .where(OutboxRow.noted.is_(False), OutboxRow.state.in_(list(ACTIONS)))
        .order_by(OutboxRow.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    readers = _readers(session, ended)
    lines = [_entry(row, readers.get(row.chat), now) for row in ended if _is_told(row)]
    ledger.write_all(session, lines)
    for row in ended:
        row.noted = True
    session.flush()
    return len(lines)


def _is_told(row: OutboxRow) -> bool:
    of_a_case = row.case_id is not None and row.kind != MessageKind.EDIT
    return ACTIONS[row.state] is not None and (of_a_case or row.payload.get("template") == heads.TEMPLATE)


def _entry(row: OutboxRow, reader: PersonRow | None, now: datetime) -> Entry:
    action = ACTIONS[row.state]
    assert action is not None
    data: dict[str, Any] = {"chat": row.chat, "what": _what(row), "outbox": row.id, "tries": row.attempts}
    if reader is not None:
        data |= {"reader": reader.name, "person": reader.id}
    if row.payload.get("draft_version"):  # a draft was shown to him
        data["draft"] = row.payload["draft_version"]
    if row.sent_at is not None:
        data |= {"sent_at": row.sent_at.isoformat(), "message": row.message}
    if row.uncertain:
        data["perhaps_twice"] = True
    if row.state is not Sending.SENT:
        data["why"] = row.last_error or row.state.value
    return Entry(now, "系统", action, row.case_id, data)


def _what(row: OutboxRow) -> str:
    """Name a message: the card, the template of a sentence, or what kind it is of."""
    return str(row.payload.get("card") or row.payload.get("template") or row.kind)


def _readers(session: Session, rows: Sequence[OutboxRow]) -> dict[str, PersonRow]:
    """Give the people whose private chats these are."""
    chats = {row.chat for row in rows}
    found = session.execute(
        select(AccountRow.chat_ref, PersonRow)
        .join(PersonRow, PersonRow.id == AccountRow.person_id)
        .where(AccountRow.chat_ref.in_(chats))
    )
    return {row.chat_ref: row.PersonRow for row in found}

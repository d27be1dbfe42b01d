"""The cards that should stand against those that do: what is missing is queued again.

A move queues its cards once. A card that died (the bot was kicked or blocked, a person never pressed Start) or expired,
and a person who came after the move, are found here, by looking at what stands and not at what happened. Sends nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import announce
from routing.announce import CardDue
from routing.office import Office
from routing.outbox import QUIET_UNTIL, SILENT, MessageKind
from routing.store.tables import (
    CaseRow,
    ChatRow,
    InviteRow,
    InviteState,
    MessageRefRow,
    OutboxRow,
    Sending,
)
from routing.workflow import ENDED

_UNDER_WAY = (Sending.PENDING, Sending.SENDING)
PAUSE_FIRST = timedelta(minutes=1)
PAUSE_LAST = timedelta(hours=1)
"""A card that the platform refuses for its own sake dies each time: it is tried ever more rarely."""


def missing_cards(session: Session, office: Office, now: datetime) -> int:
    """Queue each card that an open case or a used invitation needs and that neither stands nor waits; gives how many.

    Leaves out chats that are closed: they are looked at again once they take a message or somebody speaks there. Safe
    to call at any time; a second call at once queues nothing.
    """
    closed = set(session.scalars(select(ChatRow.ref).where(ChatRow.closed_at.is_not(None))))
    due = [*_of_cases(session, office, now), *_of_invites(session)]
    return sum(_again(session, card, now) for card in due if card.chat not in closed)


def _of_cases(session: Session, office: Office, now: datetime) -> Iterator[CardDue]:
    is_open = CaseRow.state.not_in(list(ENDED))
    standing = {
        (ref.case_id, ref.chat, ref.card, ref.draft_version)
        for ref in session.scalars(
            select(MessageRefRow)
            .join(CaseRow, CaseRow.id == MessageRefRow.case_id)
            .where(is_open, MessageRefRow.final.is_(False))
        )
    }
    for case in session.scalars(select(CaseRow).where(is_open).order_by(CaseRow.id)).all():
        due = announce.cards_due(session, office, case, now)
        if case.state in announce.REVIEW_CARDS and not any(c.payload["draft_version"] for c in due):
            announce.nobody(session, office, case, now)  # the last one who could decide has left since
        for card in due:
            if (case.id, card.chat, card.payload["card"], card.payload["draft_version"]) not in standing:
                yield announce.without_noise(office, case, card, now)


def _of_invites(session: Session) -> Iterator[CardDue]:
    for invite_id in session.scalars(
        select(InviteRow.id).where(InviteRow.state == InviteState.CLAIMED).order_by(InviteRow.id)
    ).all():
        for card in announce.invite_cards(session, invite_id):
            if all(row.state is not Sending.SENT for row in _tried(session, card)):
                yield card


def _again(session: Session, card: CardDue, now: datetime) -> bool:
    tried = _tried(session, card)
    if any(row.state in _UNDER_WAY for row in tried):
        return False
    if tried:
        pause = min(PAUSE_FIRST * 2 ** min(len(tried) - 1, 10), PAUSE_LAST)
        if now < max(row.created_at for row in tried) + pause:
            return False
    # The first key again where it was never used: by it a press on a card is known to be of somebody who was asked.
    return announce.post(session, card, now) or announce.post(
        session, replace(card, key=f"{card.key}:{now.isoformat()}"), now
    )


def _tried(session: Session, card: CardDue) -> list[OutboxRow]:
    """Give every row of this very card in this chat, whatever became of it."""
    rows = session.scalars(
        select(OutboxRow).where(
            OutboxRow.case_id == card.case_id
            if card.case_id is not None
            else OutboxRow.dedupe_key.startswith(card.key, autoescape=True),
            OutboxRow.kind == MessageKind.CARD.value,
            OutboxRow.chat == card.chat,
        )
    )
    return [row for row in rows if _what(row.payload) == _what(card.payload)]


def _what(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a card is, whenever and however loud it was to come."""
    return {key: value for key, value in payload.items() if key not in {QUIET_UNTIL, SILENT}}

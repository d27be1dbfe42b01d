"""Outgoing messages as rows: queued in the transaction that makes them necessary, claimed, sent, recorded.

The sender lives elsewhere; this is its door. A row that was claimed and not recorded may have arrived: it comes back
marked uncertain. Nothing is ever discarded: what cannot be sent is told to the operator.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import Select, and_, or_, select, update
from sqlalchemy.orm import Session

from routing.store.once import insert_once
from routing.store.tables import MessageRefRow, OutboxRow, Sending

LEASE = timedelta(minutes=2)
SILENT = "silent"
"""Under this key of its payload a message says that it makes no sound."""
SETTLES = "settles"
"""Under this key of its payload an update names what stood on the card for a moment only, and ends with it."""
QUIET_UNTIL = "quiet_until"
"""Under this key of its payload a message says until when quiet hours (免打扰) held it back, for whoever asks why."""


class MessageKind(StrEnum):
    """What a row becomes in a chat."""

    CARD = "card"  # a new card of a case
    EDIT = "edit"  # the card that stands there, brought up to date; may be repeated freely
    TEXT = "text"  # a sentence, perhaps in reply to a card
    ASK = "ask"  # a request for a typed answer
    DIGEST = "digest"  # text with a picture


class Priority(IntEnum):
    """Who goes first when a chat may take only one message a second. From UPDATE on a message makes no sound."""

    URGENT = 0  # a new Ⅰ/Ⅱ matter
    PERSON = 1  # approval cards, and answers to somebody who waits
    DEADLINE = 2
    ALERT = 3
    UPDATE = 4
    DIGEST = 5


@dataclass(frozen=True, slots=True)
class Message:
    """A claimed row as a value. `uncertain`: an earlier try may have arrived."""

    id: int
    chat: str
    kind: MessageKind
    priority: Priority
    case_id: int | None
    payload: Mapping[str, Any]
    attempts: int
    uncertain: bool
    created_at: datetime


def queue(
    session: Session,
    *,
    key: str,
    chat: str,
    kind: MessageKind,
    priority: Priority,
    now: datetime,
    payload: Mapping[str, Any] | None = None,
    case_id: int | None = None,
    valid_for: timedelta | None = None,
    not_before: datetime | None = None,
) -> bool:
    """Queue a message once: a second call with the same key, from any process, changes nothing and answers False.

    `not_before` holds it back until then (None: it may go now); its validity counts from `now` all the same.
    """
    session.flush()  # the case that the message speaks of may be new
    return insert_once(
        session,
        OutboxRow,
        [OutboxRow.dedupe_key],
        dedupe_key=key,
        chat=chat,
        kind=kind.value,
        priority=int(priority),
        case_id=case_id,
        payload=dict(payload or {}),
        state=Sending.PENDING,
        created_at=now,
        next_attempt_at=not_before or now,
        valid_until=None if valid_for is None else now + valid_for,
    )


def hasten(session: Session, key: str, priority: Priority, now: datetime) -> None:
    """Let a message that still waits go now and before less pressing ones; nothing where it went or was never queued."""
    session.execute(
        update(OutboxRow)
        .where(
            OutboxRow.dedupe_key == key,
            OutboxRow.state == Sending.PENDING,
            or_(
                OutboxRow.priority > int(priority),
                # Held back from the start; what waits after a failed try waits for the platform.
                and_(
                    OutboxRow.priority == int(priority),
                    OutboxRow.attempts == 0,
                    OutboxRow.next_attempt_at > now,
                ),
            ),
        )
        .values(priority=int(priority), next_attempt_at=now)
    )


def is_out(session: Session, chat: str, case_id: int, now: datetime) -> bool:
    """Tell whether a card of a case stands in a chat, or is on its way there and waits for nothing."""
    stands = select(MessageRefRow.id).where(
        MessageRefRow.case_id == case_id, MessageRefRow.chat == chat, MessageRefRow.final.is_(False)
    )
    under_way = select(OutboxRow.id).where(
        OutboxRow.case_id == case_id,
        OutboxRow.chat == chat,
        OutboxRow.kind == MessageKind.CARD.value,
        OutboxRow.state.in_([Sending.PENDING, Sending.SENDING]),
        OutboxRow.next_attempt_at <= now,
    )
    return any(session.scalar(query.limit(1)) is not None for query in (stands, under_way))


def queue_edit(
    session: Session, *, case_id: int, card: str, chat: str, draft_version: int, now: datetime
) -> None:
    """Queue an update of a standing card. The newest state wins: a waiting update of the same card is enough."""
    waiting = session.scalars(
        select(OutboxRow).where(
            OutboxRow.case_id == case_id,
            OutboxRow.chat == chat,
            OutboxRow.kind.in_([MessageKind.EDIT.value, MessageKind.CARD.value]),
            OutboxRow.state == Sending.PENDING,
        )
    )
    wanted = {"card": card, "draft_version": draft_version}
    if any(
        {"card": r.payload.get("card"), "draft_version": r.payload.get("draft_version")} == wanted
        for r in waiting
    ):
        return
    queue(
        session,
        key=f"edit:{uuid.uuid4()}",
        chat=chat,
        kind=MessageKind.EDIT,
        priority=Priority.UPDATE,
        payload=wanted,
        case_id=case_id,
        now=now,
    )


def due(session: Session, now: datetime, *, limit: int = 50, shut: Collection[str] = ()) -> list[Message]:
    """List what may be sent now, most pressing first; chats in `shut` are left for later. Claims nothing."""
    rows = session.scalars(
        select(OutboxRow)
        .where(
            OutboxRow.state == Sending.PENDING,
            OutboxRow.next_attempt_at <= now,
            OutboxRow.chat.not_in(list(shut)),
        )
        .order_by(OutboxRow.priority, OutboxRow.id)
        .limit(limit)
    )
    return [_message(row) for row in rows]


def claim(session: Session, message_id: int, now: datetime) -> Message | None:
    """Take one row for sending, or None if somebody else has it, it was sent, or it is past its validity."""
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == message_id, OutboxRow.state == Sending.PENDING, OutboxRow.valid_until < now)
        .values(state=Sending.EXPIRED)
    )
    claimed = session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == message_id, OutboxRow.state == Sending.PENDING)
        .values(state=Sending.SENDING, attempts=OutboxRow.attempts + 1, lease_until=now + LEASE)
        .returning(OutboxRow.id)
    ).scalar_one_or_none()
    return None if claimed is None else _message(session.get_one(OutboxRow, claimed))


def record_sent(session: Session, message: Message, *, chat: str, sent_as: str | None, now: datetime) -> None:
    """Record the arrival. A card is remembered under its message id, so that it can be edited and pressed."""
    row = session.get_one(OutboxRow, message.id)
    row.state, row.sent_at, row.message, row.lease_until, row.last_error = (
        Sending.SENT,
        now,
        sent_as,
        None,
        None,
    )
    if sent_as is not None and message.case_id is not None and "card" in message.payload:
        remember_card(
            session,
            chat=chat,
            message=sent_as,
            case_id=message.case_id,
            card=str(message.payload["card"]),
            draft_version=int(message.payload.get("draft_version", 0)),
            now=now,
        )


def remember_card(
    session: Session, *, chat: str, message: str, case_id: int, card: str, draft_version: int, now: datetime
) -> None:
    """Note that a card stands in a chat. Safe to call twice."""
    insert_once(
        session,
        MessageRefRow,
        [MessageRefRow.chat, MessageRefRow.message],
        chat=chat,
        message=message,
        case_id=case_id,
        card=card,
        draft_version=draft_version,
        at=now,
    )


@dataclass(frozen=True, slots=True)
class StandingCard:
    """Which card of which case a message is."""

    case_id: int
    card: str


def card_at(session: Session, chat: str, message: str) -> StandingCard | None:
    """Say which card a message is; None for any other message."""
    row = session.scalar(
        select(MessageRefRow).where(MessageRefRow.chat == chat, MessageRefRow.message == message)
    )
    return None if row is None else StandingCard(row.case_id, row.card)


ANSWER = "answer:"
"""Begins the keys of what answers somebody who acted in a chat."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message of ours in a chat: the case that it speaks of, if any, and whether it is a sentence to somebody who acted.

    `ask`: the question that it asks again, if any.
    """

    case_id: int | None
    is_answer: bool
    ask: int | None


def spoken_at(session: Session, chat: str, message: str) -> Spoken | None:
    """Say what a message of ours speaks of; None for one whose sending was cut off before we learnt its number."""
    row = session.execute(
        select(OutboxRow.case_id, OutboxRow.dedupe_key, OutboxRow.payload).where(
            OutboxRow.chat == chat, OutboxRow.message == message
        )
    ).first()
    if row is None:
        return None
    is_answer = row.dedupe_key.startswith(ANSWER) and row.payload.get("template") == "said"
    return Spoken(row.case_id, is_answer, row.payload.get("ask"))


def text_at(session: Session, row_id: int, chat: str) -> Mapping[str, Any] | None:
    """Give what a text of ours in this chat was asked to say; None for any other row."""
    row = session.get(OutboxRow, row_id)
    return None if row is None or row.chat != chat or row.kind != MessageKind.TEXT else row.payload


def was_queued(session: Session, key: str) -> bool:
    """Tell whether a message with this key was ever queued."""
    return session.scalar(select(OutboxRow.id).where(OutboxRow.dedupe_key == key)) is not None


def newest_card(session: Session, chat: str, case_id: int | None) -> str | None:
    """Give the newest card of a case in a chat, for a sentence to answer."""
    if case_id is None:
        return None
    return session.scalar(
        select(MessageRefRow.message)
        .where(MessageRefRow.case_id == case_id, MessageRefRow.chat == chat)
        .order_by(MessageRefRow.id.desc())
    )


def standing(session: Session, message: Message) -> tuple[str, ...]:
    """List the messages that an update is for, newest first: copies of one card that have not said their last word."""
    rows = session.scalars(
        _same_card(message).where(MessageRefRow.final.is_(False)).order_by(MessageRefRow.id.desc())
    )
    return tuple(row.message for row in rows)


def finish_card(session: Session, message: Message) -> None:
    """Note that a card has said its last word: it is edited no more."""
    for row in session.scalars(_same_card(message)):
        row.final = True


def forget_cards(session: Session, message: Message, gone: Collection[str]) -> bool:
    """Forget messages that were deleted from the chat; False where they were forgotten before."""
    rows = session.scalars(_same_card(message).where(MessageRefRow.message.in_(list(gone)))).all()
    for row in rows:
        session.delete(row)
    return bool(rows)


def replace_card(session: Session, message: Message, gone: Collection[str], now: datetime) -> None:
    """Forget messages that were deleted from the chat and queue a new card in their place."""
    if forget_cards(session, message, gone):
        queue(
            session,
            key=f"again:{message.id}",
            chat=message.chat,
            kind=MessageKind.CARD,
            priority=Priority(message.priority),
            payload={key: value for key, value in message.payload.items() if key != SETTLES},
            case_id=message.case_id,
            now=now,
        )


def _same_card(message: Message) -> Select[MessageRefRow]:
    return select(MessageRefRow).where(
        MessageRefRow.case_id == message.case_id,
        MessageRefRow.card == message.payload["card"],
        MessageRefRow.chat == message.chat,
        MessageRefRow.draft_version == message.payload["draft_version"],
    )


def record_skipped(session: Session, message: Message, why: str) -> None:
    """Record that there was nothing to send any more (an update of a card that says so already)."""
    row = session.get_one(OutboxRow, message.id)
    row.state, row.last_error, row.lease_until = Sending.SKIPPED, why, None


def record_retry(
    session: Session, message: Message, *, error: str, at: datetime, uncertain: bool, counts: bool = True
) -> None:
    """Put a row back for `at`. `counts=False`: the platform asked us to wait, which is no failed try."""
    row = session.get_one(OutboxRow, message.id)
    row.state, row.next_attempt_at, row.lease_until, row.last_error = Sending.PENDING, at, None, error
    row.uncertain = row.uncertain or uncertain
    if not counts:
        row.attempts -= 1


def record_dead(session: Session, message: Message, error: str) -> None:
    """Record that no further try can help."""
    row = session.get_one(OutboxRow, message.id)
    row.state, row.last_error, row.lease_until = Sending.DEAD, error, None


def withdraw(session: Session, chat: str, why: str, now: datetime) -> None:
    """Send nothing more of what waits for a chat, and bring the drafts that stand there up to date a last time."""
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.chat == chat, OutboxRow.state == Sending.PENDING)
        .values(state=Sending.SKIPPED, last_error=why)
    )
    renew_cards(session, chat, now)


def renew_cards(session: Session, chat: str, now: datetime) -> None:
    """Bring the cards that stand in a private chat up to date: of somebody whose rights ended, a last time."""
    shown = select(MessageRefRow.case_id, MessageRefRow.card, MessageRefRow.draft_version)
    for case_id, card, draft_version in session.execute(
        shown.where(MessageRefRow.chat == chat, MessageRefRow.final.is_(False)).distinct()
    ).all():
        queue_edit(session, case_id=case_id, card=card, chat=chat, draft_version=draft_version, now=now)


def recover(session: Session, now: datetime, *, at_start: bool) -> int:
    """Take back rows whose sender died: at start all that were being sent, later those past their lease."""
    held = OutboxRow.state == Sending.SENDING
    if not at_start:
        held = and_(held, or_(OutboxRow.lease_until.is_(None), OutboxRow.lease_until < now))
    found = session.execute(
        update(OutboxRow)
        .where(held)
        .values(state=Sending.PENDING, uncertain=True, next_attempt_at=now, lease_until=None)
        .returning(OutboxRow.id)
    ).all()
    return len(found)


def _message(row: OutboxRow) -> Message:
    return Message(
        id=row.id,
        chat=row.chat,
        kind=MessageKind(row.kind),
        priority=Priority(row.priority),
        case_id=row.case_id,
        payload=row.payload,
        attempts=row.attempts,
        uncertain=row.uncertain,
        created_at=row.created_at,
    )

"""Texts that people were asked for: a row each, so that an answer counts after any restart."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from routing.outbox import MessageKind, Priority, queue
from routing.store.tables import AskRow
from routing.workflow import CaseFacts, Command, Where

ASK_LIFE = timedelta(hours=2)


def ask(
    session: Session,
    *,
    case: CaseFacts,
    person_id: int,
    chat: str,
    command: Command,
    place: Where,
    draft_version: int,
    now: datetime,
    arg: str = "",
) -> int:
    """Queue a question to one person in private; an older open question on the same case and act is replaced."""
    for older in session.scalars(
        _open(person_id).where(AskRow.case_id == case.id, AskRow.verb == command.value)
    ):
        older.answered_at = now
    row = AskRow(
        chat=chat,
        person_id=person_id,
        case_id=case.id,
        case_version=case.version,
        draft_version=draft_version,
        verb=command.value,
        place=place.value,
        arg=arg,
        asked_at=now,
    )
    session.add(row)
    session.flush()
    queue(
        session,
        key=f"ask:{row.id}",
        chat=chat,
        kind=MessageKind.ASK,
        priority=Priority.PERSON,
        payload={"ask": row.id},
        case_id=case.id,
        now=now,
        valid_for=ASK_LIFE,
    )
    return row.id


@dataclass(frozen=True, slots=True)
class Question:
    """A question as a value: the command that waits for a text, where and on what it was pressed, what the button carried."""

    id: int
    case_id: int
    case_version: int
    draft_version: int
    command: Command
    place: Where
    is_answered: bool
    arg: str = ""


def question(session: Session, ask_id: int) -> Question | None:
    """Read one question."""
    row = session.get(AskRow, ask_id)
    return None if row is None else _question(row)


def put_to(session: Session, ask_id: int, chat: str, person_id: int) -> Question | None:
    """Read one question, if it was put to this person in this chat."""
    row = session.get(AskRow, ask_id)
    return None if row is None or (row.chat, row.person_id) != (chat, person_id) else _question(row)


def close(session: Session, ask_id: int, now: datetime) -> None:
    """Note that a question was answered. Safe to call twice."""
    row = session.get_one(AskRow, ask_id)
    row.answered_at = row.answered_at or now


def sent_as(session: Session, ask_id: int, message: str | None) -> None:
    """Note under which message a question stands in the chat, so that a reply to it is known."""
    session.get_one(AskRow, ask_id).message = message


def answered_by(
    session: Session, chat: str, message: str | None, person_id: int, now: datetime
) -> Question | None:
    """Find the question that a text answers: the one replied to, or the only open and young one of that person here.

    After `ASK_LIFE` a text that replies to nothing is about something else, and the question wants a reply.
    """
    if message is not None:
        row = session.scalar(
            select(AskRow).where(
                AskRow.chat == chat, AskRow.message == message, AskRow.person_id == person_id
            )
        )
        return None if row is None else _question(row)
    young = waiting(session, chat, person_id, now)
    return young[0] if len(young) == 1 else None


def waiting(session: Session, chat: str, person_id: int, now: datetime) -> list[Question]:
    """Give the open questions of a person in a chat that are young enough for a text that replies to nothing, oldest first."""
    young = _open(person_id).where(AskRow.chat == chat, AskRow.asked_at > now - ASK_LIFE)
    return [_question(row) for row in session.scalars(young.order_by(AskRow.id))]


@dataclass(frozen=True, slots=True)
class Asked:
    """Of whom and about what a question was asked, and in which chat."""

    person_id: int
    case_id: int
    command: Command
    chat: str


def asked_at(session: Session, chat: str, message: str) -> Asked | None:
    """Say whose question a message is; None for any other message."""
    return _asked(session.scalar(select(AskRow).where(AskRow.chat == chat, AskRow.message == message)))


def open_elsewhere(session: Session, chat: str, message: str, person_id: int) -> Asked | None:
    """Give the open question of a person that has this number in another chat; None where there is none."""
    found = _open(person_id).where(AskRow.message == message, AskRow.chat != chat)
    return _asked(session.scalar(found.order_by(AskRow.id.desc()).limit(1)))


def _asked(row: AskRow | None) -> Asked | None:
    return None if row is None else Asked(row.person_id, row.case_id, Command(row.verb), row.chat)


def _question(row: AskRow) -> Question:
    return Question(
        id=row.id,
        case_id=row.case_id,
        case_version=row.case_version,
        draft_version=row.draft_version,
        command=Command(row.verb),
        place=Where(row.place),
        is_answered=row.answered_at is not None,
        arg=row.arg,
    )


def _open(person_id: int) -> Select[AskRow]:
    return select(AskRow).where(AskRow.person_id == person_id, AskRow.answered_at.is_(None))

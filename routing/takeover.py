"""An edited office meets what the database holds: what clashes with it, and what must follow it.

Rows stay what they are: a limit that runs keeps the end that it was given, whatever the tables of limits say now. Only
what could not go on by the new office is put right: limits that were tentative, reports that are asked for no more,
messages and cards for a group that another has taken the place of.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from routing import chats, deadlines, outbox, reconcile
from routing.ledger import Ledger
from routing.office import Office
from routing.outbox import MessageKind, Priority
from routing.procedure import ASKED_IN, WITH_CHANNEL
from routing.standing import refresh
from routing.store.tables import CaseRow, MessageRefRow, OutboxRow, PaperRow, Sending
from routing.workflow import State

KEY = "configuration:"
"""Begins the keys of what the operator is told of an edit."""
REFUSED = "refused"
"""In the payload of such a message: the edit it speaks of is not in force."""

STARTED = "启动时已读取全部配置，此前没有生效的改动现已生效。"

_HAS = WITH_CHANNEL | {State.TO_ORDER, State.ANSWERED, State.CALLING_BACK}
"""Where a matter is with a channel, or goes to the one that was named as soon as a leader agrees."""


def in_hand(session: Session, channels: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Give the numbers of the matters that each of these channels has in hand or is asked about, oldest first.

    A channel that has none is not named. What was only proposed to it is not in its hand: a person chooses another.
    """
    if not channels:
        return {}
    found: dict[str, list[str]] = {}
    leads = select(CaseRow.id, CaseRow.number, CaseRow.channel).where(
        CaseRow.channel.in_(channels), CaseRow.state.in_(_HAS)
    )
    asked = (
        select(CaseRow.id, CaseRow.number, PaperRow.channel)
        .join(PaperRow, PaperRow.case_id == CaseRow.id)
        .where(
            PaperRow.channel.in_(channels),
            PaperRow.done_at.is_(None),
            or_(
                *(and_(PaperRow.kind == kind, CaseRow.state.in_(states)) for kind, states in ASKED_IN.items())
            ),
        )
    )
    rows = {(row[0], row[1], row[2]) for query in (leads, asked) for row in session.execute(query)}
    for _, number, channel in sorted(rows):
        found.setdefault(channel, []).append(number)
    return found


def start(session: Session, office: Office, ledger: Ledger, now: datetime) -> None:
    """Let rows follow what a start of the service brings: a newer calendar, an office that was edited meanwhile.

    Says that an edit which was refused is in force now: a start reads the files as they are. Safe to call twice.
    """
    chats.follow_names(session, office.chats())
    deadlines.recount(session, office, ledger, now)
    deadlines.excuse_reports(session, office, now)
    if refused_at(session) is not None:
        tell(session, office, f"start:{now.isoformat()}", STARTED, now)


def follow(session: Session, before: Office, after: Office, ledger: Ledger, now: datetime) -> None:
    """Let rows follow an edited office, in the transaction that puts it in force. Safe to call twice.

    1. Tentative limits are counted anew by the calendar as it is now, with a ledger line each.
    2. Clocks of reports (首报、续报) end where the office asks for none any more: nobody could meet them.
    3. What waits for a group goes to the one that has taken its place, and the cards that stand in the old one say
       that they count no more. Open matters get theirs in the new one at once. A group that moved and is named by its new
       id is the same group: its cards stay.
    """
    chats.follow_names(session, after.chats())
    deadlines.recount(session, after, ledger, now)
    deadlines.excuse_reports(session, after, now)
    moved = {
        old: new
        for old, new in _moved(before, after).items()
        if chats.address(session, old) != chats.address(session, new)
    }
    if not moved:
        return
    waiting = select(OutboxRow).where(
        OutboxRow.state == Sending.PENDING,
        OutboxRow.kind.in_([MessageKind.TEXT.value, MessageKind.DIGEST.value]),
        OutboxRow.chat.in_(moved),
    )
    for row in session.scalars(waiting.order_by(OutboxRow.id)):
        if "reply_to" not in row.payload and not row.dedupe_key.startswith(outbox.ANSWER):
            row.chat = moved[row.chat]
    session.flush()
    standing = select(MessageRefRow.case_id).where(
        MessageRefRow.chat.in_(moved), MessageRefRow.final.is_(False)
    )
    for case_id in session.scalars(standing.distinct().order_by(MessageRefRow.case_id)).all():
        refresh(session, case_id, now)
    reconcile.missing_cards(session, after, now)


def _moved(before: Office, after: Office) -> Mapping[str, str]:
    """Give each group that another has taken the place of, with that other."""
    pairs = [
        (before.duty_chat, after.duty_chat),
        (before.operator_chat, after.operator_chat),
        (before.supervision.chat, after.supervision.chat),
        *((c.chat, after.channels[key].chat) for key, c in before.channels.items() if key in after.channels),
    ]
    return {old: new for old, new in reversed(pairs) if old and new and old != new}


def tell(
    session: Session, office: Office, edit: str, text: str, now: datetime, *, refused: bool = False
) -> bool:
    """Tell the operator what became of an edit; False where somebody else, who reads the same files, has just told it.

    Files that are put back, or linked in turns, bear an old edit's name when they are in force again: that is news.
    """
    name, newest = f"{KEY}{edit}{':refused' if refused else ''}", _newest(session)
    if newest is not None and newest.dedupe_key.partition("@")[0] == name:
        return False
    return outbox.queue(
        session,
        key=f"{name}@{newest.id if newest is not None else 0}",
        chat=office.operator_chat,
        kind=MessageKind.TEXT,
        priority=Priority.ALERT,
        payload={"template": "trouble" if refused else "said", "text": text, REFUSED: refused},
        now=now,
    )


def refused_at(session: Session) -> datetime | None:
    """Give when the newest edit was refused; None where it was taken over, or none is known of."""
    row = _newest(session)
    return row.created_at if row is not None and row.payload.get(REFUSED) else None


def _newest(session: Session) -> OutboxRow | None:
    """Give what was told last of an edit; two who tell at once have it in their key, so that one of them does."""
    return session.scalar(
        select(OutboxRow)
        .where(OutboxRow.dedupe_key.startswith(KEY, autoescape=True))
        .order_by(OutboxRow.id.desc())
        .limit(1)
    )

"""After a gap in the watch: what was read late comes as one summary with a sound, its lesser cards without.

A source is silent for hours because it, the network or we were down; then all of it comes at once. Nothing is left
out: every text is taken in, every matter opened and every limit started as always, and Ⅰ and Ⅱ are announced as
always. All sources that come back within a few minutes share one summary, whose figures are read when it is sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from routing.grouping import is_derived
from routing.items import Harvest
from routing.office import Level, Office
from routing.outbox import MessageKind, Priority, queue
from routing.store.lock import serialise
from routing.store.tables import CaseItemRow, CaseRow, ItemRow, OutboxRow, Sending, SourceRow

TEMPLATE = "catch_up"
SHORTEST_GAP = timedelta(minutes=30)
GATHER = timedelta(minutes=2)
"""How long the first source that comes back waits for the others."""
SUMMARY_LIFE = timedelta(hours=24)
SOURCES_KEPT = 10


@dataclass(frozen=True, slots=True)
class Gap:
    """For how long a source was not read: from its last good answer (aware UTC) until now."""

    source_id: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """One matter of a summary."""

    number: str
    title: str
    level: Level


@dataclass(frozen=True, slots=True)
class Summary:
    """One catch-up as it is told: the widest gap, how many sources and texts, the new matters, oldest text first.

    `sources` holds the first ten ids only.
    """

    since: datetime
    until: datetime
    sources: tuple[str, ...]
    source_count: int
    read: int
    matters: tuple[CaughtUp, ...]


def gap_before(row: SourceRow | None, harvest: Harvest, now: datetime) -> Gap | None:
    """Tell whether a source that was watched before was out of sight; `row` as it was before this harvest.

    None for one that is pushed to us or watched for a while only: that nothing came from it is no gap of ours.
    """
    if row is None or not row.baseline_done or row.last_ok_at is None:
        return None
    if harvest.push is not None or is_derived(harvest.source_id):
        return None
    allowed = max(2 * timedelta(seconds=harvest.interval_s), SHORTEST_GAP)
    return Gap(row.id, row.last_ok_at, now) if now - row.last_ok_at > allowed else None


def summary_at(session: Session, office: Office, now: datetime) -> datetime:
    """Give when the summary of what is caught up now goes out: that of one which still gathers, or of a new one."""
    waiting = _waiting(session, office, now)
    return now + GATHER if waiting is None else waiting.next_attempt_at


def tell(session: Session, office: Office, gap: Gap, read: int, cases: Sequence[int], now: datetime) -> None:
    """Add what one source caught up to the summary that gathers, or begin one; nothing read is nothing to tell.

    With a sound only where a matter was opened: the rest is good to know and no alarm.
    """
    if not read:
        return
    serialise(session, "intake")  # two machines add to one row
    told = {
        "template": TEMPLATE,
        "since": gap.since.isoformat(),
        "until": gap.until.isoformat(),
        "sources": [gap.source_id],
        "source_count": 1,
        "read": read,
        "cases": list(cases),
    }
    priority = Priority.ALERT if cases else Priority.UPDATE
    waiting = _waiting(session, office, now)
    if waiting is None:
        queue(
            session,
            key=f"{TEMPLATE}:{now.isoformat()}",
            chat=office.duty_chat,
            kind=MessageKind.TEXT,
            priority=priority,
            payload=told,
            now=now,
            valid_for=SUMMARY_LIFE,
            not_before=now + GATHER,
        )
        return
    waiting.payload = _together(waiting.payload, told)
    waiting.priority = min(waiting.priority, int(priority))


def _waiting(session: Session, office: Office, now: datetime) -> OutboxRow | None:
    # Locked: the sender must not claim it between our look and our addition.
    return session.scalar(
        select(OutboxRow)
        .where(
            OutboxRow.state == Sending.PENDING,
            OutboxRow.next_attempt_at > now,
            OutboxRow.attempts == 0,
            OutboxRow.chat == office.duty_chat,
            OutboxRow.kind == MessageKind.TEXT.value,
            OutboxRow.dedupe_key.startswith(f"{TEMPLATE}:", autoescape=True),
        )
        .order_by(OutboxRow.id)
        .limit(1)
        .with_for_update()
    )


def _together(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    known = {*one["sources"]} & {*other["sources"]}
    return {
        "template": TEMPLATE,
        "since": min(one["since"], other["since"]),
        "until": max(one["until"], other["until"]),
        "sources": list(dict.fromkeys([*one["sources"], *other["sources"]]))[:SOURCES_KEPT],
        "source_count": one["source_count"] + (0 if known else other["source_count"]),
        "read": one["read"] + other["read"],
        "cases": [*one["cases"], *other["cases"]],
    }


def summary(session: Session, facts: Mapping[str, Any]) -> Summary:
    """Read a summary as things stand now; `facts` are the payload of its row."""
    age = func.min(func.coalesce(ItemRow.published_at, ItemRow.first_seen_at))
    rows = session.execute(
        select(CaseRow.number, CaseRow.title, CaseRow.level)
        .join(CaseItemRow, CaseItemRow.case_id == CaseRow.id)
        .join(ItemRow, ItemRow.id == CaseItemRow.item_id)
        .where(CaseRow.id.in_(facts["cases"]))
        .group_by(CaseRow.id, CaseRow.number, CaseRow.title, CaseRow.level)
        .order_by(age, CaseRow.id)
    )
    return Summary(
        since=datetime.fromisoformat(str(facts["since"])),
        until=datetime.fromisoformat(str(facts["until"])),
        sources=tuple(facts["sources"]),
        source_count=int(facts["source_count"]),
        read=int(facts["read"]),
        matters=tuple(CaughtUp(*row) for row in rows),
    )

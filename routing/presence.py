"""When each part of the service was last seen at work, and what fell due while the desk was away.

A part notes each minute that it is here; what it notes is committed, so the note is itself the proof that the database
takes writes. Where the last note of the desk is old, it was away (stopped, asleep, hung), whatever the reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from routing import auditor
from routing.checkup import DAY, SERVICE, Look, Verdict, overdue_steps
from routing.ledger import Ledger
from routing.office import Level, Office, Step
from routing.outbox import SILENT, MessageKind, Priority, queue
from routing.quiet import is_silent
from routing.store.once import insert_once
from routing.store.tables import CaseRow, DeadlineRow, OutboxRow, PresenceRow, Sending, SourceRow

DESK = "desk"
"""The part that sends; there is one of a database."""
TEMPLATE = "away"
AWAY_AFTER = timedelta(minutes=5)
"""Project default. What is away for less makes no reminder late, and a restart for an update is no news."""
FORGOTTEN_AFTER = timedelta(days=30)
LIMITS_KEPT = 200
"""So many limits are named in the payload of a message; all are counted."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a part says of itself: what keeps it from working (Chinese, empty: nothing), and what became of its heartbeats."""

    trouble: str = ""
    pinged_at: datetime | None = None
    lost_pings: int = 0
    ping_problem: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the service as it was last seen (aware UTC)."""

    name: str
    began_at: datetime
    seen_at: datetime
    note: Note


@dataclass(frozen=True, slots=True)
class Passed:
    """One limit that ran out while the desk was away."""

    number: str
    title: str
    level: Level
    step: Step
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Absence:
    """An absence as it is told. `passed`: the first of `limits` limits; `steps`: how many of each kind were due meanwhile,
    in Chinese; the others are counts.
    """

    since: datetime
    until: datetime
    passed: tuple[Passed, ...]
    limits: int
    steps: Mapping[str, int]
    waiting: int
    expired: int
    sources: int


def last_seen(session: Session, name: str) -> datetime | None:
    """Tell when a part last said that it was at work; None where it never did."""
    return session.scalar(select(PresenceRow.seen_at).where(PresenceRow.name == name))


def parts(session: Session, since: datetime) -> list[Part]:
    """Give the parts that were seen since then, by name."""
    rows = session.scalars(select(PresenceRow).where(PresenceRow.seen_at >= since).order_by(PresenceRow.name))
    return [
        Part(r.name, r.began_at, r.seen_at, Note(r.trouble, r.pinged_at, r.lost_pings, r.ping_problem))
        for r in rows
    ]


def note(session: Session, name: str, began_at: datetime, said: Note, now: datetime) -> None:
    """Note that a part is at work now; whoever has not been seen for a month is forgotten. Safe to call twice."""
    values = {
        "began_at": began_at,
        "trouble": said.trouble,
        "pinged_at": said.pinged_at,
        "lost_pings": said.lost_pings,
        "ping_problem": said.ping_problem,
    }
    if not insert_once(session, PresenceRow, [PresenceRow.name], name=name, seen_at=now, **values):
        session.execute(update(PresenceRow).where(PresenceRow.name == name).values(seen_at=now, **values))
    session.execute(delete(PresenceRow).where(PresenceRow.seen_at < now - FORGOTTEN_AFTER))


def come_back(session: Session, office: Office, ledger: Ledger, since: datetime, now: datetime) -> bool:
    """Tell of an absence that ends now: the operator everything at once, the duty group where limits passed.

    False, and nothing is told, where it was short. Told once: the caller notes in the same transaction that the desk is
    here. What went past its validity meanwhile is told to its chats here, so that no second message tells of it.
    """
    if now - since <= AWAY_AFTER:
        return False
    limits = _passed(session, since, now)
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.state == Sending.PENDING, OutboxRow.valid_until < now)
        .values(state=Sending.EXPIRED)
    )
    facts: dict[str, Any] = {
        "since": since.isoformat(),
        "until": now.isoformat(),
        "limits": [[row.case_id, row.step.value, row.due_at.isoformat()] for row, _ in limits[:LIMITS_KEPT]],
        "passed": len(limits),
        "steps": overdue_steps(session, now),
        "waiting": _count(session, OutboxRow.state.in_([Sending.PENDING, Sending.SENDING])),
        "expired": auditor.tell_expired(session, now),
        # One that was due long before is watched no more: its row stays as it was when it was taken out of the files.
        "sources": _count(session, SourceRow.next_poll_at.between(since - AWAY_AFTER, now)),
    }
    ledger.write(
        session,
        at=now,
        actor="系统",
        action=TEMPLATE,
        away_at=facts["since"],
        back_at=facts["until"],
        limits=len(limits),
    )
    _queue(session, office.operator_chat, Priority.ALERT, facts, now)
    if limits and office.duty_chat != office.operator_chat:
        gravest = Level(min(level for _, level in limits))
        silent = {SILENT: True} if is_silent(office, gravest, now) else {}
        told = {key: facts[key] for key in ("since", "until", "limits", "passed")}
        _queue(session, office.duty_chat, Priority.DEADLINE, {**told, "duty": True, **silent}, now)
    return True


def absence(session: Session, facts: Mapping[str, Any]) -> Absence:
    """Read an absence as things stand now; `facts` are the payload of its message."""
    cases = {
        row.id: row
        for row in session.scalars(select(CaseRow).where(CaseRow.id.in_([c for c, *_ in facts["limits"]])))
    }
    return Absence(
        since=datetime.fromisoformat(str(facts["since"])),
        until=datetime.fromisoformat(str(facts["until"])),
        passed=tuple(
            Passed(
                cases[case].number,
                cases[case].title,
                Level(cases[case].level),
                Step(step),
                datetime.fromisoformat(due),
            )
            for case, step, due in facts["limits"]
            if case in cases
        ),
        limits=int(facts.get("passed", len(facts["limits"]))),
        steps=facts.get("steps", {}),
        waiting=int(facts.get("waiting", 0)),
        expired=int(facts.get("expired", 0)),
        sources=int(facts.get("sources", 0)),
    )


def looks(session: Session, now: datetime, zone: tzinfo, *, has_address: bool) -> list[Look]:
    """Say how the service sees itself and what became of its heartbeats, for `yuqing doctor`. Reads only."""
    found = [_look(part, now, zone, has_address=has_address) for part in parts(session, now - DAY)]
    if found:
        return found
    return [Look("心跳", Verdict.MIND, "近一天没有服务运行的记录", SERVICE)]


def _look(part: Part, now: datetime, zone: tzinfo, *, has_address: bool) -> Look:
    said, name = part.note, "" if part.name == DESK else f"{part.name}："
    at = f"{part.seen_at.astimezone(zone):%m-%d %H:%M}"
    if now - part.seen_at > AWAY_AFTER:
        # A half that reads may have been moved to another machine; of the desk there is one.
        verdict = Verdict.BAD if part.name == DESK else Verdict.MIND
        return Look("心跳", verdict, f"{name}{at} 以后没有运行记录", SERVICE)
    if said.trouble:
        return Look(
            "心跳",
            Verdict.BAD,
            f"{name}{said.trouble}",
            "原因见日志，办法见 docs/operating.md 的 Watching the watchman",
        )
    if not has_address:
        value = f"{name}{at} 运行正常；没有设置 YUQING_HEARTBEAT_URL，服务停了外面没有人知道"
        return Look("心跳", Verdict.MIND, value, "见 docs/operating.md 的 Watching the watchman")
    last = f"，上次送到 {said.pinged_at.astimezone(zone):%m-%d %H:%M}" if said.pinged_at else ""
    if said.lost_pings:
        value = f"{name}连续 {said.lost_pings} 次没有送到（{said.ping_problem}）{last}"
        return Look("心跳", Verdict.MIND, value, "检查 YUQING_HEARTBEAT_URL、网络和对方服务")
    if said.pinged_at is None or now - said.pinged_at > AWAY_AFTER:
        value = f"{name}近五分钟没有发出{last}"
        return Look("心跳", Verdict.MIND, value, "刚启动的请稍等；刚设好地址的要重启服务")
    return Look("心跳", Verdict.WELL, f"{name}{at} 时运行正常{last}")


def _passed(session: Session, since: datetime, now: datetime) -> Sequence[tuple[DeadlineRow, int]]:
    """Give the limits that ran out meanwhile with the level of each, the earliest first; one that stood still did not."""
    passed = (
        select(DeadlineRow, CaseRow.level)
        .join(CaseRow, CaseRow.id == DeadlineRow.case_id)
        .where(
            DeadlineRow.due_at > since,
            DeadlineRow.due_at <= now,
            DeadlineRow.ended_at.is_(None),
            DeadlineRow.paused_at.is_(None),
        )
        .order_by(DeadlineRow.due_at, DeadlineRow.id)
    )
    return [(row, level) for row, level in session.execute(passed)]


def _queue(session: Session, chat: str, priority: Priority, facts: Mapping[str, Any], now: datetime) -> None:
    queue(
        session,
        key=f"{TEMPLATE}:{now.isoformat()}:{chat}",
        chat=chat,
        kind=MessageKind.TEXT,
        priority=priority,
        payload={"template": TEMPLATE, **facts},
        now=now,
    )


def _count(session: Session, condition: Any) -> int:
    return session.scalar(select(func.count()).where(condition)) or 0

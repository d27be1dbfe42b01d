"""A second look, apart from the machinery: rows that should have moved and did not. What it finds goes to the operator.

Every alarm is queued once an hour and kind. The queries use indexes, so that nobody is tempted to switch it off.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, String, cast, func, or_, select, update
from sqlalchemy.orm import Session

from routing import reconcile
from routing.office import Office
from routing.outbox import MessageKind, Priority, queue
from routing.store.tables import CaseRow, DeadlineRow, InboxRow, OutboxRow, Sending, SupervisionRow

STUCK_AFTER = timedelta(minutes=5)
RAW_LIFE = timedelta(hours=24)


def audit(session: Session, office: Office, now: datetime, leapt: timedelta = timedelta()) -> list[str]:
    """Look once. Gives what was found (Chinese) and queues it for the operator.

    `leapt`: by so much the clock leapt in the last `STUCK_AFTER`. What waited before is not late by that.
    """
    expired = tell_expired(session, now)
    found = [*_findings(session, now - leapt), *_missing(session, office, now)]
    if expired:
        found.append(("expired", f"{expired} 条消息过期，已在各群补报。"))
    _forget_raw(session, now)
    for kind, text in found:
        queue(
            session,
            key=f"audit:{kind}:{now:%Y-%m-%dT%H}",
            chat=office.operator_chat,
            kind=MessageKind.TEXT,
            priority=Priority.ALERT,
            payload={"template": "trouble", "text": text},
            now=now,
        )
    return [text for _, text in found]


def tell_operator(session: Session, office: Office, text: str, now: datetime) -> None:
    """Queue one line to the operator's chat; the same line at the same instant once."""
    queue(
        session,
        key=f"operator:{now.isoformat()}:{hashlib.sha256(text.encode()).hexdigest()[:16]}",
        chat=office.operator_chat,
        kind=MessageKind.TEXT,
        priority=Priority.ALERT,
        payload={"template": "trouble", "text": text},
        now=now,
    )


def _findings(session: Session, now: datetime) -> list[tuple[str, str]]:
    old = now - STUCK_AFTER
    checks: Sequence[tuple[str, str, Select[int]]] = (
        (
            "pending",
            "条消息积压超过 5 分钟未发出，请检查网络和机器人",
            select(func.count())
            .select_from(OutboxRow)
            # By the time of queuing: a row that is taken, cut off and taken again is never long in one state.
            .where(
                OutboxRow.state.in_([Sending.PENDING, Sending.SENDING]),
                OutboxRow.created_at < old,
                # What quiet hours hold back is not stuck: it has not been tried, and may not go yet.
                or_(OutboxRow.attempts > 0, OutboxRow.next_attempt_at < old),
            ),
        ),
        (
            "dead",
            "条消息在近一小时内确定发不出，见 yuqing why",
            select(func.count())
            .select_from(OutboxRow)
            .where(OutboxRow.state == Sending.DEAD, OutboxRow.next_attempt_at > now - timedelta(hours=1)),
        ),
        (
            "inbox",
            "条群内操作处理失败，请查日志",
            select(func.count())
            .select_from(InboxRow)
            .where(InboxRow.problem.is_not(None), InboxRow.done_at > now - timedelta(hours=1)),
        ),
        (
            "deadline",
            "个时限到点未提醒，请检查服务",
            select(func.count())
            .select_from(DeadlineRow)
            .where(DeadlineRow.next_at < old, DeadlineRow.ended_at.is_(None)),
        ),
        (
            "supervision",
            "件督办到点未发出，请检查服务",
            select(func.count()).select_from(SupervisionRow).where(SupervisionRow.next_at < old),
        ),
    )
    found = []
    for kind, text, query in checks:
        count = session.scalar(query) or 0
        if count:
            found.append((kind, f"{count} {text}。"))
    return found


def _forget_raw(session: Session, now: datetime) -> None:
    """Let go of what failed updates said: it is kept a day for the operator, and is nobody's record."""
    session.execute(
        update(InboxRow)
        .where(
            InboxRow.problem.is_not(None),
            InboxRow.done_at < now - RAW_LIFE,
            cast(InboxRow.raw, String) != "{}",
        )
        .values(raw={})
        .execution_options(synchronize_session=False)
    )


def _missing(session: Session, office: Office, now: datetime) -> list[tuple[str, str]]:
    count = reconcile.missing_cards(session, office, now)
    return [("card", f"{count} 张卡片此前未送达，已补发。")] if count else []


def tell_expired(session: Session, now: datetime) -> int:
    """Turn messages past their validity into one line a chat: delayed news is said, not sent as if it were new.

    Gives how many there were.
    """
    rows = session.scalars(select(OutboxRow).where(OutboxRow.state == Sending.EXPIRED).limit(500)).all()
    missed: dict[str, list[OutboxRow]] = {}
    for row in rows:
        missed.setdefault(row.chat, []).append(row)
        row.state = Sending.SKIPPED
        row.last_error = "过期，已并入补报"
    for chat, theirs in missed.items():
        ids = {row.case_id for row in theirs if row.case_id is not None}
        numbers = session.scalars(
            select(CaseRow.number).where(CaseRow.id.in_(ids)).order_by(CaseRow.number)
        ).all()
        text = f"断线期间有 {len(theirs)} 条消息未能及时送达" + (
            f"，涉及 {'、'.join(numbers[:20])}" if numbers else ""
        )
        queue(
            session,
            key=f"missed:{chat}:{now.isoformat()}",
            chat=chat,
            kind=MessageKind.TEXT,
            priority=Priority.DEADLINE,
            payload={"template": "trouble", "text": f"{text}。请用 /open 查看当前情况。"},
            now=now,
        )
    return len(rows)

"""What the composition root decides by itself: when the weekly digest is queued, and what a step of the clock puts right."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from builders import Desk
from sqlalchemy import select

from bot.app import queue_weekly
from routing import outbox
from routing.clockstep import put_right
from routing.outbox import MessageKind, Priority
from routing.store.tables import OutboxRow, SourceRow

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(desk: Desk, *moment: int) -> None:
    desk.clock.now = datetime(*moment, tzinfo=SHANGHAI)  # type: ignore[arg-type]


def digests(desk: Desk) -> list[str]:
    rows = desk.all(OutboxRow)
    return [
        row.payload["span"]
        for row in rows
        if row.kind == MessageKind.DIGEST.value and row.chat == desk.office.duty_chat
    ]


def tick(desk: Desk) -> int:
    return desk.run(lambda s: queue_weekly(s, desk.office, desk.clock()))


def test_the_week_is_sent_on_monday_morning_and_once(desk: Desk) -> None:
    at(desk, 2026, 11, 18, 9)
    desk.open()
    at(desk, 2026, 11, 23, 8, 29)
    assert tick(desk) == 0
    at(desk, 2026, 11, 23, 8, 31)
    assert tick(desk) > 0
    assert tick(desk) == 0
    assert digests(desk) == ["2026-W47"]


def test_a_service_that_slept_over_the_hour_sends_the_digest_late(desk: Desk) -> None:
    at(desk, 2026, 11, 18, 9)
    desk.open()
    at(desk, 2026, 12, 2, 12)
    tick(desk)
    assert digests(desk) == ["2026-W47", "2026-W48"]


def test_there_is_no_digest_of_a_week_before_the_first_item(desk: Desk) -> None:
    at(desk, 2026, 11, 23, 12)
    assert tick(desk) == 0
    desk.open()
    assert tick(desk) == 0


def test_after_a_step_of_the_clock_nothing_waits_for_the_old_time(desk: Desk) -> None:
    now = desk.clock()

    def ahead(session: object) -> None:
        outbox.queue(
            session,  # type: ignore[arg-type]
            key="a",
            chat="a",
            kind=MessageKind.TEXT,
            priority=Priority.PERSON,
            payload={"template": "said", "text": "一"},
            now=now + timedelta(hours=8),
        )
        session.add(SourceRow(id="s", next_poll_at=now + timedelta(hours=8)))  # type: ignore[attr-defined]

    desk.run(ahead)
    desk.run(lambda s: put_right(s, now))
    assert desk.run(lambda s: [message.chat for message in outbox.due(s, now)]) == ["a"]
    assert desk.run(lambda s: s.scalar(select(SourceRow.next_poll_at))) == now

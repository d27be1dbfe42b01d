"""What is a service that works, in a table: each organ that is still for too long is named, the root and not its fruits."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import MINUTE, START

from bot.pulse import Signs, TickSign, is_proven, troubles

NOW = START + timedelta(hours=8)
TICK = TickSign("deadlines", timedelta(seconds=5), NOW, NOW)
HOURLY = TickSign("checkpoint", timedelta(hours=1), None, None)
WELL = Signs(START, NOW, NOW, True, NOW, NOW, None, (TICK,))
OLD = NOW - 6 * MINUTE
LONG_UNREAD = NOW - 11 * MINUTE


def ticking(tick: TickSign, **changes: Any) -> tuple[TickSign, ...]:
    return (replace(tick, **changes),)


@pytest.mark.parametrize(
    ("changes", "said", "restart"),
    [
        ({"answered_at": OLD, "written_at": OLD}, "写数据库的线程 6 分钟没有应答", True),
        ({"written_at": OLD}, "数据库 6 分钟写不进去", False),
        ({"unread_since": LONG_UNREAD}, "来源到点而 11 分钟没有动静", True),
        ({"sender_at": OLD}, "发件停了 6 分钟", True),
        ({"heard_at": OLD}, "聊天平台 6 分钟没有应答（平台或网络的问题）", False),
        ({"heard_at": None}, "聊天平台 480 分钟没有应答", False),
        ({"ticks": ticking(TICK, ended_at=OLD, well_at=OLD)}, "定时任务 deadlines 6 分钟没有做完", True),
        ({"ticks": ticking(TICK, well_at=OLD)}, "定时任务 deadlines 连续出错 6 分钟", False),
        ({"ticks": ticking(HOURLY)}, "定时任务 checkpoint 480 分钟没有做完", True),
    ],
)
def test_each_organ_that_is_still_is_named_and_whether_a_restart_may_help(changes, said, restart):
    [found] = troubles(replace(WELL, **changes), NOW)
    assert found.text.startswith(said)
    assert found.restart == restart


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"written_at": NOW - 2 * MINUTE, "answered_at": NOW - 2 * MINUTE},
        {"unread_since": OLD},
        {"heard_at": NOW - 2 * MINUTE, "sender_at": NOW - 2 * MINUTE},
        {"chats": False, "heard_at": None, "sender_at": None},
        {
            "began_at": NOW - MINUTE,
            "written_at": None,
            "heard_at": None,
            "sender_at": None,
            "ticks": ticking(HOURLY),
        },
        {"heard_at": NOW + timedelta(hours=2)},  # the clock was set back
        {"ticks": ticking(HOURLY, ended_at=NOW - timedelta(hours=2), well_at=NOW - timedelta(hours=2))},
    ],
    ids=[
        "well",
        "a long write",
        "a long round",
        "a slow platform",
        "no chat",
        "just begun",
        "clock",
        "seldom",
    ],
)
def test_what_may_last_is_no_trouble(changes):
    assert troubles(replace(WELL, **changes), NOW) == ()


def test_what_stands_still_with_the_database_is_not_named_beside_it():
    still = replace(WELL, written_at=OLD, unread_since=LONG_UNREAD, ticks=ticking(TICK, well_at=OLD))
    assert [found.text[:3] for found in troubles(still, NOW)] == ["数据库"]


@pytest.mark.parametrize(
    ("changes", "proven"),
    [
        ({}, True),
        ({"written_at": None}, False),
        ({"heard_at": None}, False),
        ({"sender_at": None}, False),
        ({"chats": False, "heard_at": None, "sender_at": None}, True),
    ],
)
def test_nothing_is_claimed_before_each_has_shown_itself(changes, proven):
    assert is_proven(replace(WELL, **changes)) == proven

"""The ticks: one that fails does not stop the next, and none is thrown away for being late."""

import asyncio
import logging
from datetime import timedelta

import pytest
from builders import FakeClock

from bot import jobs
from bot.jobs import ClockWatch, Tick, TickWatch, schedule, watch_clock


async def until(condition: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        await condition.wait()


async def test_a_tick_that_raises_is_called_again_and_its_trace_is_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    third = asyncio.Event()
    calls = 0

    async def fail() -> None:
        nonlocal calls
        calls += 1
        if calls >= 3:
            third.set()
        raise RuntimeError("broken on purpose")

    scheduler = schedule([Tick("broken", 0.01, fail)])
    try:
        await until(third)
    finally:
        scheduler.shutdown(wait=False)
    failures = [r for r in caplog.records if r.message == "tick failed"]
    assert len(failures) >= 2
    assert failures[0].__dict__["tick"] == "broken"
    assert failures[0].exc_info is not None


async def test_a_tick_that_raises_does_not_stop_another() -> None:
    second = asyncio.Event()

    async def fail() -> None:
        raise RuntimeError("broken on purpose")

    calls = 0

    async def work() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            second.set()

    scheduler = schedule([Tick("broken", 0.01, fail), Tick("sound", 0.02, work)])
    try:
        await until(second)
    finally:
        scheduler.shutdown(wait=False)


async def test_no_tick_is_thrown_away_for_being_late_and_missed_ones_are_one() -> None:
    async def work() -> None:
        """Nothing to do."""

    scheduler = schedule([Tick("poll", 60, work, at_once=30), Tick("deadlines", 5, work)])
    try:
        jobs = {job.id: job for job in scheduler.get_jobs()}
        assert set(jobs) == {"poll", "deadlines"}
        for job in jobs.values():
            assert job.misfire_grace_time is None
            assert job.coalesce is True
        assert (jobs["poll"].max_instances, jobs["deadlines"].max_instances) == (30, 1)
        assert jobs["deadlines"].trigger.interval.total_seconds() == 5
    finally:
        scheduler.shutdown(wait=False)


async def test_a_tick_that_hangs_is_not_started_over_itself() -> None:
    started = 0
    others = asyncio.Event()

    async def hang() -> None:
        nonlocal started
        started += 1
        await asyncio.Event().wait()

    calls = 0

    async def work() -> None:
        nonlocal calls
        calls += 1
        if calls == 5:
            others.set()

    scheduler = schedule([Tick("hanging", 0.01, hang), Tick("sound", 0.02, work)])
    try:
        await until(others)
    finally:
        scheduler.shutdown(wait=False)
    assert started == 1


async def test_the_end_of_the_house_is_no_failure_of_a_tick(caplog: pytest.LogCaptureFixture) -> None:
    begun = asyncio.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    with caplog.at_level(logging.WARNING):
        scheduler = schedule([Tick("hanging", 0.01, hang)])
        await until(begun)
        scheduler.shutdown(wait=False)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


# --- the clock ----------------------------------------------------------------------------------------------------


def test_a_clock_that_runs_as_it_should_is_no_step() -> None:
    wall, steady = FakeClock(), [0.0]
    watch = ClockWatch(wall, lambda: steady[0])
    for _ in range(3):
        wall.advance(seconds=5)
        steady[0] += 5
        assert watch.stepped_back_s() == 0


def test_a_clock_set_forward_is_no_step_back() -> None:
    wall, steady = FakeClock(), [0.0]
    watch = ClockWatch(wall, lambda: steady[0])
    wall.advance(hours=8)
    steady[0] += 5
    assert watch.stepped_back_s() == 0


def test_a_clock_set_back_is_seen_once() -> None:
    wall, steady = FakeClock(), [0.0]
    watch = ClockWatch(wall, lambda: steady[0])
    wall.advance(hours=-8)
    steady[0] += 5
    assert watch.stepped_back_s() == pytest.approx(8 * 3600 + 5)
    wall.advance(seconds=5)
    steady[0] += 5
    assert watch.stepped_back_s() == 0


def test_a_leap_forward_counts_for_as_long_as_it_is_asked_about() -> None:
    wall, steady = FakeClock(), [0.0]
    watch = ClockWatch(wall, lambda: steady[0])
    wall.advance(hours=8)
    steady[0] += 5
    leaps = []
    for _ in range(7):
        leaps.append(round(watch.leapt(timedelta(minutes=5)) / timedelta(hours=1), 2))
        wall.advance(seconds=60)
        steady[0] += 60
    assert leaps == [8, 8, 8, 8, 8, 8, 0]  # five minutes


async def test_after_a_step_back_every_tick_runs_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LOOK_S", 0.01)
    ran, told = asyncio.Event(), []

    async def tick() -> None:
        ran.set()

    async def on_step(back_s: float) -> None:
        told.append(back_s)

    wall, steady = FakeClock(), [0.0]
    scheduler = schedule([Tick("hourly", 3600, tick)])
    watching = asyncio.create_task(watch_clock(scheduler, ClockWatch(wall, lambda: steady[0]), on_step))
    try:
        wall.advance(hours=-8)
        async with asyncio.timeout(10):
            await ran.wait()
        assert told
        assert told[0] > 3600
    finally:
        watching.cancel()
        scheduler.shutdown(wait=False)


async def test_it_is_known_when_a_tick_came_back_and_when_it_did_so_without_an_error(
    clock: FakeClock,
) -> None:
    both = asyncio.Barrier(3)

    async def work() -> None:
        await both.wait()

    async def fail() -> None:
        await both.wait()
        raise RuntimeError("broken on purpose")

    async def hang() -> None:
        await asyncio.Event().wait()

    ticks = [Tick("sound", 0.01, work), Tick("broken", 0.01, fail), Tick("hung", 0.01, hang)]
    watch = TickWatch([*ticks, Tick("rounds", 1.0, work, 600)], clock)
    scheduler = schedule(ticks, watch.note)
    try:
        async with asyncio.timeout(10):
            for _ in range(2):  # at the second turn the first is noted
                await both.wait()
    finally:
        scheduler.shutdown(wait=False)
    now = clock()
    assert [(sign.name, sign.ended_at, sign.well_at) for sign in watch.signs()] == [
        ("sound", now, now),
        ("broken", now, None),
        ("hung", None, None),
    ]

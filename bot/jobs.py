"""The ticks. APScheduler holds no truth: each tick calls one function with `now`, and the rows say what is due.

Misfire grace is off and missed ticks are folded into one: a machine that slept looks once, at once.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.pulse import TickSign
from routing.clock import Clock

log = logging.getLogger(__name__)

LOOK_S = 5.0
STEP_S = 60.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A function to call every `every_s` seconds; `at_once` of them may overlap."""

    name: str
    every_s: float
    call: Callable[[], Awaitable[object]]
    at_once: int = 1


def schedule(ticks: list[Tick], on_end: Callable[[Tick, bool], None] | None = None) -> AsyncIOScheduler:
    """Start the ticks on the running loop. The caller shuts the scheduler down.

    `on_end` is called as each one has come back, and told whether it did without an error.
    """
    scheduler = AsyncIOScheduler(
        timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    )
    for tick in ticks:
        scheduler.add_job(
            _guarded(tick, on_end), "interval", seconds=tick.every_s, id=tick.name, max_instances=tick.at_once
        )
    scheduler.start()
    # A round that takes longer than its interval is no news, and APScheduler warns each time.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    return scheduler


def _guarded(tick: Tick, on_end: Callable[[Tick, bool], None] | None) -> Callable[[], Awaitable[None]]:
    async def call() -> None:
        is_well = False
        try:
            await tick.call()
            is_well = True
        except asyncio.CancelledError:  # the house closes; the scheduler would report it as an error
            return
        except Exception:  # one of the three doors where everything is caught: the next tick tries again
            log.exception("tick failed", extra={"tick": tick.name})
        if on_end is not None:
            on_end(tick, is_well)

    return call


class TickWatch:
    """Remembers when each tick last came back, and when it last did so without an error."""

    def __init__(self, ticks: list[Tick], clock: Clock) -> None:
        # Rounds of sources overlap, and how they go on is seen at the sources themselves.
        self._ticks = [tick for tick in ticks if tick.at_once == 1]
        self._clock = clock
        self._ended: dict[str, datetime] = {}
        self._well: dict[str, datetime] = {}

    def note(self, tick: Tick, is_well: bool) -> None:
        """Note that a tick has come back."""
        now = self._ended[tick.name] = self._clock()
        if is_well:
            self._well[tick.name] = now

    def signs(self) -> list[TickSign]:
        """Give the signs of all ticks that do not overlap."""
        return [
            TickSign(
                tick.name,
                timedelta(seconds=tick.every_s),
                self._ended.get(tick.name),
                self._well.get(tick.name),
            )
            for tick in self._ticks
        ]


class ClockWatch:
    """Notices that the wall clock was set: back, and APScheduler would wait until it has caught up with itself; or forward."""

    def __init__(self, wall: Clock, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._since = (wall(), steady())
        self._leaps: list[tuple[float, float]] = []

    def stepped_back_s(self) -> float:
        """Give by how many seconds the clock was set back since the last look; 0 while it runs as it should."""
        return max(0.0, -self._stepped_s())

    def leapt(self, within: timedelta) -> timedelta:
        """Give by how much the clock leapt in that time: it was set forward, or the machine slept. Nothing grew old by it."""
        step, now_s = self._stepped_s(), self._since[1]
        self._leaps = [
            (at_s, leap)
            for at_s, leap in [*self._leaps, (now_s, step)]
            if leap > 0 and now_s - at_s <= within.total_seconds()
        ]
        return timedelta(seconds=sum(leap for _, leap in self._leaps))

    def _stepped_s(self) -> float:
        wall, steady = self._wall(), self._steady()
        step = (wall - self._since[0]).total_seconds() - (steady - self._since[1])
        self._since = (wall, steady)
        return step if abs(step) > STEP_S else 0.0


async def watch_clock(
    scheduler: AsyncIOScheduler, watch: ClockWatch, on_step: Callable[[float], Awaitable[object]]
) -> None:
    """Look every few seconds until cancelled; after a step run every tick at once and call `on_step`."""
    while True:
        await asyncio.sleep(LOOK_S)
        back_s = watch.stepped_back_s()
        if back_s:
            log.warning("the clock was set back", extra={"by_s": round(back_s)})
            for job in scheduler.get_jobs():
                job.modify(next_run_time=datetime.now(UTC))
            try:
                await on_step(back_s)
            except Exception:  # the watch must outlive a bad moment of the store
                log.exception("after a step of the clock")

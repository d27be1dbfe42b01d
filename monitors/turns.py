"""Whose turn it is, and for how long: so many requests together, so many to one host, a pause between two, and an end.

Who waits for a host holds no place that another host could use, and at most one turn at a time, so that two redirects
that cross never wait for each other.
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Any, Self


class Places:
    """So many places, first come first served. As a semaphore, but who need not wait starts no coroutine for it."""

    __slots__ = ("_free", "_waiting")

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[asyncio.Future[None]] | None = None  # most places are never waited for

    @property
    def is_free(self) -> bool:
        """Tell whether there is a place for whoever comes now."""
        return self._free > 0

    def take_now(self) -> bool:
        """Take a place where one is free; nobody waits then."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def wait(self) -> None:
        """Wait until somebody hands his place on."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting = self._waiting or deque()
        self._waiting.append(waiter)
        try:
            await waiter
        except BaseException:
            if not waiter.cancelled():
                self.give_back()  # it was handed on just before we were called off
            raise

    def give_back(self) -> None:
        """Hand a place on to who waits longest."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():  # else who waited was called off
                waiter.set_result(None)
                return
        self._free += 1


class Turn:
    """A place at one host. `users` hold or want one; `spacing_s` is the longest pause that anybody asked for here.

    `is_shared`: somebody else is at this host or waits for it, or was and did since it was last left alone.
    """

    __slots__ = ("free_at", "host", "is_shared", "pause", "places", "spacing_s", "users")

    def __init__(self, host: str, places: int) -> None:
        self.host = host
        self.places = Places(places)
        self.spacing_s: float = 0
        self.free_at: float = 0
        self.users = 0
        self.is_shared = False
        self.pause: asyncio.Lock | None = None


class Turns:
    """Give out turns, first come first served at each host. Times are those of the running loop."""

    def __init__(self, at_once: int, per_host: int) -> None:
        self._all = Places(at_once)
        self._per_host = per_host
        self._hosts: dict[str, Turn] = {}

    async def take(self, host: str, spacing_s: float | None) -> Turn:
        """Wait for a place at the host, then for one among all.

        `spacing_s` None: the pause is not waited for, as this follows from a request that has had its turn.
        """
        turn = self._hosts.get(host)
        if turn is None:
            turn = self._hosts[host] = Turn(host, self._per_host)
        if turn.users:
            turn.is_shared = True
        turn.users += 1
        try:
            if not turn.places.take_now():
                await turn.places.wait()
            try:
                if spacing_s is not None and (spacing_s or turn.spacing_s):
                    await _wait_for_pause(turn, spacing_s)
                if not self._all.take_now():
                    await self._all.wait()
            except BaseException:
                turn.places.give_back()
                raise
        except BaseException:
            self._leave(turn)
            raise
        return turn

    def give_back(self, turn: Turn) -> None:
        """End a turn."""
        self._all.give_back()
        turn.places.give_back()
        self._leave(turn)

    def _leave(self, turn: Turn) -> None:
        turn.users -= 1
        if turn.users:
            return
        turn.is_shared = False
        # A host with a pause is remembered; any other only while it is in use, for redirects can name ever new ones.
        if not turn.spacing_s:
            del self._hosts[turn.host]


async def _wait_for_pause(turn: Turn, spacing_s: float) -> None:
    turn.spacing_s = max(turn.spacing_s, spacing_s)
    loop = asyncio.get_running_loop()
    turn.pause = turn.pause or asyncio.Lock()
    async with turn.pause:
        await asyncio.sleep(max(0.0, turn.free_at - loop.time()))
        turn.free_at = loop.time() + turn.spacing_s


class Limit:
    """The end of what a `with` block waits for, as `asyncio.timeout` sets it. Raises TimeoutError when it is over.

    Made by `Deadlines.start` in the task that enters it, at once and without waiting in between.
    """

    __slots__ = ("_among", "_cancelling", "_task", "is_over", "timer")

    def __init__(self, task: "asyncio.Task[Any]", among: dict["Limit", float]) -> None:
        self._task = task
        self._cancelling = task.cancelling()
        self._among = among
        self.timer: asyncio.TimerHandle | None = None
        self.is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._among.pop(self, None)
        if self.timer is not None:
            self.timer.cancel()
        # Somebody else may have called the task off too: then it is his cancellation that goes on.
        if self.is_over and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def end(self) -> None:
        """End the block, wherever it waits."""
        self.is_over = True
        self._task.cancel()


class Deadlines:
    """End what lasts too long. All of them are looked at together, four times a second: a timer each costs more.

    So what is given 5 s or more may last a quarter of a second longer; what is given less is ended to the point.
    """

    _exact_below_s = 5.0
    _look_each_s = 0.25

    def __init__(self) -> None:
        self._ends: dict[Limit, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self, left_s: float, now: float) -> Limit:
        """Give what the running task is to enter at once. `now`: the time of the loop."""
        task = asyncio.current_task()
        assert task is not None
        limit = Limit(task, self._ends)
        if left_s < self._exact_below_s:
            limit.timer = asyncio.get_running_loop().call_at(now + left_s, limit.end)
            return limit
        self._ends[limit] = now + left_s
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._look_each_s, self._look)
        return limit

    def close(self) -> None:
        """Look no more. Safe to call twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for limit in [limit for limit, end in self._ends.items() if end <= now]:
            del self._ends[limit]
            limit.end()
        self._timer = loop.call_later(self._look_each_s, self._look) if self._ends else None

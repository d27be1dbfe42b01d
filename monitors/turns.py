"""Whose turn it is: so many requests together, so many to one host, and a pause between two to the same host.

Who waits for a host holds no place that another host could use, and at most one turn at a time, so that two redirects
that cross never wait for each other.
"""

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class Turn:
    """A place at one host. `users` hold or want one; `spacing_s` is the longest pause that anybody asked for here."""

    host: str
    places: asyncio.Semaphore
    spacing_s: float = 0
    free_at: float = 0
    users: int = 0
    pause: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_shared(self) -> bool:
        """Tell whether somebody else is at this host, or waits for it."""
        return self.users > 1


class Turns:
    """Give out turns, first come first served at each host. Times are those of the running loop."""

    def __init__(self, at_once: int, per_host: int) -> None:
        self._all = asyncio.Semaphore(at_once)
        self._per_host = per_host
        self._hosts: dict[str, Turn] = {}

    async def take(self, host: str, spacing_s: float | None) -> Turn:
        """Wait for a place at the host, then for one among all.

        `spacing_s` None: the pause is not waited for, as this follows from a request that has had its turn.
        """
        turn = self._hosts.get(host)
        if turn is None:
            turn = self._hosts[host] = Turn(host, asyncio.Semaphore(self._per_host))
        turn.users += 1
        try:
            await turn.places.acquire()
            try:
                if spacing_s is not None and (spacing_s or turn.spacing_s):
                    await _wait_for_pause(turn, spacing_s)
                await self._all.acquire()
            except BaseException:
                turn.places.release()
                raise
        except BaseException:
            self._leave(turn)
            raise
        return turn

    def give_back(self, turn: Turn) -> None:
        """End a turn."""
        self._all.release()
        turn.places.release()
        self._leave(turn)

    def _leave(self, turn: Turn) -> None:
        turn.users -= 1
        # A host with a pause is remembered; any other only while it is in use, for redirects can name ever new ones.
        if not turn.users and not turn.spacing_s:
            del self._hosts[turn.host]


async def _wait_for_pause(turn: Turn, spacing_s: float) -> None:
    turn.spacing_s = max(turn.spacing_s, spacing_s)
    loop = asyncio.get_running_loop()
    async with turn.pause:
        await asyncio.sleep(max(0.0, turn.free_at - loop.time()))
        turn.free_at = loop.time() + turn.spacing_s

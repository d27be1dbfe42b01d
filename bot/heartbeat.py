"""Tells the outside that the service works: the operator's address by HTTP, and systemd. It is silent where it does not.

Each minute a note is committed that the desk is here (`routing/presence.py`), then the signs of life are judged
(`bot/pulse.py`), and only if all is well the address is asked, once. Whoever listens there raises the alarm when nothing
comes: no message of ours can say that we are dead. A ping that is lost is counted and told by `yuqing doctor`, for the
listener tells it anyway.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import aiohttp
from yarl import URL

from bot import systemd
from bot.pulse import Signs, Trouble, is_proven, troubles
from routing import presence
from routing.clock import Clock
from routing.errors import StoreDown
from routing.ledger import Ledger
from routing.office import Office
from routing.presence import AWAY_AFTER, DESK, Note
from routing.unit import Unit, Units

log = logging.getLogger(__name__)

BEAT_S = 60.0
PING_S = 10.0
WRITE_S = 20.0
"""For so long a note is waited for; where it comes later, the writer has shown nothing meanwhile."""
WATCHDOG_PART = 3
"""So many times systemd is told within the time that it allows: one may come late."""


class Answering(Units, Protocol):
    """A store that counts the units of work that its writer came back from, kept or refused."""

    answers: int


@dataclass(slots=True)
class StoreSigns:
    """When the writer was last seen to have come back from a unit of work, whosever, and when a note was last kept."""

    answered_at: datetime
    written_at: datetime | None = None


class Heartbeat:
    """Beats until cancelled. `signs` gives those of the organs; those of the store are added here."""

    def __init__(
        self,
        store: Answering,
        ledger: Ledger,
        office: Callable[[], Office],
        signs: Callable[[], Signs],
        clock: Clock,
        *,
        name: str = DESK,
        url: str = "",
        on_change: Callable[[], None] = lambda: None,
        ping: Callable[[str], Awaitable[str]] | None = None,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._office = office
        self._signs = signs
        self._clock = clock
        self._name = name
        self._url = url
        self._on_change = on_change
        self._ping = ping or ask
        self._began_at = clock()
        self._of_store = StoreSigns(self._began_at)
        self._answers = self._answers_before = store.answers
        self._tried_at: datetime | None = None
        self._note = Note()
        self._told: tuple[str, ...] = ()

    async def run(self) -> None:
        """Say that the service is ready, then beat each minute and feed the watchdog until cancelled."""
        systemd.notify("READY=1", "STATUS=已启动")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._beat_on())
                group.create_task(self._feed_on())
        finally:
            systemd.notify("STOPPING=1")

    async def _beat_on(self) -> None:
        while True:
            try:
                await self.beat()
            except Exception:  # the heart must outlive a bug of its own; what does not beat is heard outside
                log.exception("heartbeat failed")
            await asyncio.sleep(BEAT_S)

    async def _feed_on(self) -> None:
        wanted_s = systemd.watchdog_s()
        while wanted_s is not None:
            self.feed()
            await asyncio.sleep(wanted_s / WATCHDOG_PART)

    def feed(self) -> bool:
        """Tell systemd's watchdog that we work; False, and it is not told, where a restart may help."""
        if any(trouble.restart for trouble in self.judge()):
            return False
        systemd.notify("WATCHDOG=1")
        return True

    def judge(self) -> tuple[Trouble, ...]:
        """Give what does not work now."""
        return troubles(self._whole(), self._clock())

    async def beat(self) -> bool:
        """Note that we are here, judge, and ping if all is well; tells whether the ping was taken."""
        await self._write()
        found = self.judge()
        self._tell(found)
        self._note = replace(self._note, trouble="；".join(trouble.text for trouble in found))
        if found or not self._url or not is_proven(self._whole()):
            return False
        problem = await self._ping(self._url)
        if problem:
            if problem != self._note.ping_problem:  # each minute it is no news
                log.warning("heartbeat was not taken", extra={"error": problem})
            self._note = replace(self._note, lost_pings=self._note.lost_pings + 1, ping_problem=problem)
            return False
        self._note = replace(self._note, pinged_at=self._clock(), lost_pings=0, ping_problem="")
        return True

    def _whole(self) -> Signs:
        if self._answers != self._store.answers:
            self._answers, self._of_store.answered_at = self._store.answers, self._clock()
        store = self._of_store
        return replace(self._signs(), answered_at=store.answered_at, written_at=store.written_at)

    async def _write(self) -> None:
        now, before, said = self._clock(), self._tried_at, self._note
        was_here = before is not None and now - before <= AWAY_AFTER

        def work(session: Unit) -> bool:
            seen_at = None if was_here or self._name != DESK else presence.last_seen(session, self._name)
            told = seen_at is not None and presence.come_back(
                session, self._office(), self._ledger, seen_at, now
            )
            presence.note(session, self._name, self._began_at, said, now)
            return told

        answered, self._answers_before = self._answers_before, self._store.answers
        try:
            async with asyncio.timeout(WRITE_S):
                told = await self._store.write(work)
        except (TimeoutError, StoreDown) as error:
            # A database that is away is no absence: we were there and tried. It is told where it fails
            # (`bot/storewatch.py`). Of an absence before the first note nobody was told yet.
            if before is not None and (isinstance(error, StoreDown) or answered != self._store.answers):
                self._tried_at = now
            return
        self._tried_at = now
        self._of_store.written_at = self._clock()
        if told:
            self._on_change()

    def _tell(self, found: tuple[Trouble, ...]) -> None:
        """Say a change in the log and to systemd, once each."""
        texts = tuple(trouble.text for trouble in found)
        systemd.notify(f"STATUS={'；'.join(texts) or '正常'}")
        kinds = tuple(re.sub(r"\d+", "", text) for text in texts)  # the minutes are no news
        if kinds == self._told:
            return
        self._told = kinds
        if texts:
            log.error(
                "the service does not work as it should, no heartbeat is sent",
                extra={"why": "；".join(texts)},
            )
        else:
            log.info("the service works again")


async def ask(url: str) -> str:
    """Ask an address once; gives what went wrong (Chinese), empty where it was taken. Never names the address.

    It is the operator's own, so a private one is as good as any. Redirects are not followed: they are no answer.
    """
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PING_S), trust_env=True) as session,
            session.get(URL(url, encoded=True), allow_redirects=False) as answer,
        ):
            return "" if answer.ok and answer.status < 300 else f"对方回答 {answer.status}"
    except TimeoutError:
        return f"{PING_S:.0f} 秒没有回答"
    except (aiohttp.ClientError, OSError, ValueError) as error:  # their words may hold the address
        return f"连接不上（{type(error).__name__}）"

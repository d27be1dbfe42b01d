"""The monitors' door into the core: each call is one unit of work, and harvests that wait share one."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot.config import Configuration
from routing import comment_watch, intake, pushes, sources
from routing.clock import Clock
from routing.errors import StoreDown
from routing.items import CommentWatch, Harvest, Item, SourceState, Symptom
from routing.judging import Judge, subject_of
from routing.ledger import Ledger
from routing.office import Office
from routing.opinions import Opinions
from routing.store.engine import Store
from routing.store.holds import Holds

AT_ONCE, ITEMS_AT_ONCE = 50, 200
"""So many harvests, and about so many texts, go into one transaction: a press waits for no more."""

LEFT_UNSCORED = timedelta(minutes=10)
"""What was handed over unscored so long ago was left by a service that ended meanwhile."""
UNSCORED_DAYS, UNSCORED_AT_ONCE = timedelta(days=7), 200

Lines = Sequence[str]


@dataclass(frozen=True, slots=True)
class Terms:
    """By what texts are judged: the office, and its rules and models. One of the two never changes without the other."""

    office: Office
    judge: Judge

    @classmethod
    def of(cls, configuration: Configuration, opinions: Opinions | None = None) -> "Terms":
        """Give the terms of a configuration; `opinions` None: the models of the starter set."""
        return cls(configuration.office, Judge(configuration.rules, opinions))


class StoreDoor:
    """The core behind a store. `terms` are asked for once a transaction, so that they may change between two."""

    def __init__(
        self,
        store: Store,
        terms: Callable[[], Terms],
        ledger: Ledger,
        clock: Clock,
        on_change: Callable[[], None],
    ) -> None:
        self._store = store
        self._holds = Holds(store)
        self._terms = terms
        self._ledger = ledger
        self._clock = clock
        self._on_change = on_change
        self._waiting: deque[_Waiting] = deque()
        self._taking: asyncio.Task[None] | None = None

    async def take(self, source_ids: Sequence[str]) -> frozenset[str]:
        """Hold those of the sources that no other machine has in hand; gives what is held."""
        if not self._holds.is_shared:
            return frozenset(source_ids)
        return await asyncio.to_thread(self._holds.take, source_ids)

    async def give_back(self, source_ids: Sequence[str]) -> None:
        """Let other machines have these sources."""
        if self._holds.is_shared:
            await asyncio.to_thread(self._holds.give_back, source_ids)

    def close(self) -> None:
        """Let go of everything held. Safe to call twice."""
        self._holds.close()

    async def states(self, source_ids: Sequence[str]) -> Mapping[str, SourceState]:
        """Give what is remembered of the sources."""
        return await self._store.read(lambda s: sources.states(s, source_ids))

    async def schedule(self, source_ids: Sequence[str]) -> Mapping[str, datetime | None]:
        """Give when each source is due."""
        return await self._store.read(lambda s: sources.schedule(s, source_ids))

    async def touch(self, states: Sequence[SourceState]) -> None:
        """Note that these sources answered as before."""
        now = self._clock()
        await self._store.write(lambda s: sources.touch(s, self._terms().office, self._ledger, states, now))

    async def known(self, source_id: str, external_ids: Sequence[str]) -> frozenset[str]:
        """Tell which of these items are stored."""
        return await self._store.read(lambda s: intake.known(s, source_id, external_ids))

    async def pushed(self, source_id: str, signature: str) -> bool:
        """Tell whether a pushed body was taken before."""
        return await self._store.read(lambda s: pushes.was_taken(s, source_id, signature))

    async def refused(self, source_id: str, times: int, why: Symptom) -> None:
        """Note pushes that were not believed; the operators may hear of it."""
        now = self._clock()
        if await self._store.write(
            lambda s: pushes.refuse(s, self._terms().office, self._ledger, source_id, times, why, now)
        ):
            self._on_change()

    async def watches(self) -> Sequence[CommentWatch]:
        """Give the comment feeds that are under watch now."""
        now = self._clock()
        return await self._store.read(lambda s: comment_watch.active(s, now))

    async def accept(self, harvest: Harvest) -> Lines:
        """Take in one harvest; returns once it is committed.

        What comes while a transaction is under way waits, and goes into the next one together. Where such a batch
        fails, each of its harvests is tried alone: one that hits a bug must not cost the others.
        """
        return await self._committed(harvest, self._waiting.append)

    async def accept_urgent(self, harvest: Harvest, waiting: Collection[str]) -> Lines:
        """Take in at once those of the texts `waiting` for a score that are urgent whatever it will be, before all that
        waits for a transaction. The rest of the harvest, and what it says of its source, is left for `accept`.
        """
        part = await asyncio.to_thread(
            self._urgent, self._terms(), harvest, frozenset(waiting), self._clock()
        )
        if not part:
            return ()
        return await self._committed(replace(harvest, part=part), self._waiting.appendleft)

    async def unscored(self) -> Sequence[Item]:
        """Give texts of matters that were handed over unscored and left so."""
        now = self._clock()
        since, until = now - UNSCORED_DAYS, now - LEFT_UNSCORED
        return await self._store.read(lambda s: intake.unscored(s, since, until, UNSCORED_AT_ONCE))

    def _urgent(
        self, terms: Terms, harvest: Harvest, waiting: Collection[str], now: datetime
    ) -> frozenset[str]:
        hour = now.astimezone(terms.office.zone).hour
        return frozenset(
            item.external_id
            for item in harvest.items
            if item.external_id in waiting and terms.judge.is_urgent(subject_of(item, harvest.tags, hour))
        )

    async def _committed(self, harvest: Harvest, put: Callable[["_Waiting"], None]) -> Lines:
        waiting = _Waiting(harvest, asyncio.get_running_loop().create_future())
        put(waiting)
        if self._taking is None:
            self._taking = asyncio.create_task(self._take())
        return await waiting.lines

    async def _take(self) -> None:
        try:
            while batch := _next_batch(self._waiting):
                try:
                    for one, lines in zip(batch, await self._commit(batch), strict=True):
                        one.tell(lines)
                except StoreDown as error:
                    for one in batch:
                        one.fail(error)
                except Exception as error:
                    await self._one_by_one(batch, error)
        finally:
            self._taking = None

    async def _one_by_one(self, batch: Sequence["_Waiting"], error: Exception) -> None:
        if len(batch) == 1:
            batch[0].fail(error)
            return
        for one in batch:
            try:
                [lines] = await self._commit([one])
                one.tell(lines)
            except Exception as own:
                one.fail(own)

    async def _commit(self, batch: Sequence["_Waiting"]) -> Sequence[Lines]:
        now, harvests = self._clock(), [one.harvest for one in batch]

        def work(session: Session) -> Sequence[Lines]:
            terms = self._terms()
            return intake.accept_all(session, terms.office, terms.judge, self._ledger, harvests, now)

        lines = await self._store.write(work)
        self._on_change()
        return lines


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A harvest on its way in, and whoever waits for what became of it."""

    harvest: Harvest
    lines: asyncio.Future[Lines]

    def tell(self, lines: Lines) -> None:
        if not self.lines.done():  # nobody may wait any more
            self.lines.set_result(lines)

    def fail(self, error: Exception) -> None:
        if not self.lines.done():
            self.lines.set_exception(error)


def _next_batch(waiting: deque[_Waiting]) -> list[_Waiting]:
    """Take from the front what goes into one transaction; of one source no more than one harvest."""
    batch: list[_Waiting] = []
    names: set[str] = set()
    items = 0
    while waiting and len(batch) < AT_ONCE and waiting[0].harvest.source_id not in names:
        items += len(waiting[0].harvest.items)
        if batch and items > ITEMS_AT_ONCE:
            break
        one = waiting.popleft()
        names.add(one.harvest.source_id)
        batch.append(one)
    return batch

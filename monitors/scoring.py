"""Scores on their way into a harvest, and what does not wait for them.

A score takes 0.3 to 20 ms, and a burst of thousands of comments stands before everybody's. What is urgent by its words
alone is handed over at once, unscored; the whole harvest follows with the scores. A service that is killed in between
has kept the old state of the source, so the same answer is read again; what is not shown any more is found by `Leftovers`.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from monitors.round import Working, described
from monitors.sources import Source
from routing.clock import Clock
from routing.items import Harvest, Item, SourceState
from routing.traces import origin_of


class Accepting(Protocol):
    """The core as it takes texts in."""

    async def accept(self, harvest: Harvest) -> Sequence[str]:
        """Commit items and state in one transaction; a line (Chinese) for each item that was not known."""

    async def accept_urgent(self, harvest: Harvest, waiting: Collection[str]) -> Sequence[str]:
        """Commit those of the items `waiting` (external ids) that no score could make less urgent, and no state."""


class Leaving(Accepting, Protocol):
    """The core as it knows what was left without a score."""

    async def unscored(self) -> Sequence[Item]:
        """Give texts of matters that were handed over unscored some time ago."""


async def scored(harvest: Harvest, worker: Working, door: Accepting) -> tuple[Harvest, Sequence[str]]:
    """Give the harvest with its scores, and a line for each text that was handed over ahead of them."""
    waiting = [item.external_id for item in worker.unscored(harvest.items)]
    scoring = asyncio.create_task(worker.score(harvest.items))
    try:
        lines = await door.accept_urgent(harvest, waiting) if waiting else ()
        return replace(harvest, items=await scoring), lines
    finally:
        scoring.cancel()


class Leftovers:
    """Scores what a service that ended had handed over without. Each text is tried once: some have no Chinese in them."""

    def __init__(self, sources: Iterable[Source], worker: Working, door: Leaving, clock: Clock) -> None:
        self._sources = {source.id: source for source in sources}
        self._worker = worker
        self._door = door
        self._clock = clock
        self._tried: set[tuple[str, str]] = set()

    def watch(self, sources: Iterable[Source]) -> None:
        """Score the texts of these sources from now on. Safe to call twice."""
        self._sources = {source.id: source for source in sources}

    async def score(self) -> int:
        """Score what there is and write it in; gives how many texts. Safe to call twice."""
        sources = self._sources
        found = [item for item in await self._door.unscored() if _name(item) not in self._tried]
        self._tried.update(map(_name, found))
        by_source: dict[str, list[Item]] = {}
        for item in await self._worker.score(found):
            if item.sentiment is not None and origin_of(item.source_id) in sources:
                by_source.setdefault(item.source_id, []).append(item)
        for source_id, items in by_source.items():
            await self._door.accept(self._part(source_id, sources[origin_of(source_id)], items))
        return sum(map(len, by_source.values()))

    def _part(self, source_id: str, source: Source, items: Sequence[Item]) -> Harvest:
        part = Harvest(source_id, self._clock(), SourceState(source_id), tuple(items))
        ids = frozenset(item.external_id for item in items)
        return replace(described(part, source), part=ids)


def _name(item: Item) -> tuple[str, str]:
    return item.source_id, item.external_id

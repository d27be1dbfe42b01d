"""One round: due sources are fetched, parsed, masked, scored and handed over, some at once.

One bad source never ends the round, and no source is polled twice at the same time. What to do with an item, and
whether it is known, is decided behind the door; the new state of a source travels with its items, so that both are
committed together.
"""

import asyncio
import hashlib
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from monitors.fetch import Failed, Fetched
from monitors.parsed import Parsed
from monitors.sources import Source
from routing.clock import Clock
from routing.errors import StoreDown, UserError
from routing.items import Fault, Harvest, Item, SourceProblem, SourceState

log = logging.getLogger(__name__)

back_off_cap_s = 3600.0
retry_after_cap_s = 24 * 3600.0


class Door(Protocol):
    """The core as the monitors see it."""

    async def states(self, source_ids: Sequence[str]) -> Mapping[str, SourceState]:
        """Give the stored state of each source that has one."""

    async def accept(self, harvest: Harvest) -> Sequence[str]:
        """Commit items and state in one transaction; a line (Chinese) for each item that was not known."""


class Fetching(Protocol):
    """Something that asks a source once."""

    async def fetch(
        self, source: Source, state: SourceState | None = None, *, cursor: str | None = None
    ) -> Fetched | Failed:
        """Give the answer or the fault."""


class Working(Protocol):
    """Something that parses and scores off the event loop."""

    async def parse(self, source: Source, fetched: Fetched, now: datetime) -> Parsed:
        """Read a body; items come back masked."""

    async def score(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Give the items with their sentiment."""


class Outcome(StrEnum):
    """How a poll went, as it is shown."""

    READ = "已读取"
    UNCHANGED = "无变化"
    FAILED = "失败"


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What one poll of one source brought. `new`: items the core did not know; `outcomes`: a line for each."""

    source_id: str
    name: str
    status: Outcome
    entries: int
    new: int
    elapsed_s: float
    problem: SourceProblem | None = None
    outcomes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Poller:
    """Polls the given sources through one fetcher and one worker; at most `at_once` of them together."""

    def __init__(
        self,
        sources: Sequence[Source],
        fetcher: Fetching,
        worker: Working,
        door: Door,
        clock: Clock,
        *,
        at_once: int = 8,
    ) -> None:
        self._sources = {source.id: source for source in sources}
        self._fetcher = fetcher
        self._worker = worker
        self._door = door
        self._clock = clock
        self._slots = asyncio.Semaphore(at_once)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        # A state that could not be committed cannot hold its back-off either; without this the next tick would try
        # the same source again at once.
        self._not_before: dict[str, datetime] = {}

    async def poll_due(
        self, on_done: Callable[[SourceReport], None] | None = None
    ) -> tuple[SourceReport, ...]:
        """Poll what is due now; a source still being polled is left out. `on_done` is called as each is done."""
        now = self._clock()
        states = await self._door.states(list(self._sources))
        due = [
            (source, states.get(source.id) or SourceState(source.id))
            for source in self._sources.values()
            if not self._turns[source.id].locked() and self._is_due(source.id, states.get(source.id), now)
        ]
        return tuple(await asyncio.gather(*(self._poll(source, state, on_done) for source, state in due)))

    async def poll_one(self, source_id: str) -> SourceReport:
        """Poll one source now, due or not; waits while it is being polled. Raises UserError for an unknown id."""
        source = self._sources.get(source_id)
        if source is None:
            raise UserError(f"没有编号为 {source_id} 的来源；现有：{'、'.join(self._sources) or '无'}")
        return await self._poll(source, None, None)

    def _is_due(self, source_id: str, state: SourceState | None, now: datetime) -> bool:
        if source_id in self._not_before and now < self._not_before[source_id]:
            return False
        return state is None or state.next_poll_at is None or state.next_poll_at <= now

    async def _poll(
        self, source: Source, state: SourceState | None, on_done: Callable[[SourceReport], None] | None
    ) -> SourceReport:
        waited = self._turns[source.id].locked()
        async with self._turns[source.id], self._slots:
            if state is None or waited:  # what was read before somebody else's poll is out of date
                state = (await self._door.states([source.id])).get(source.id) or SourceState(source.id)
            started = time.monotonic()
            harvest, status, outcomes = await self._round(source, state)
            report = SourceReport(
                source_id=source.id,
                name=source.name,
                status=status,
                entries=len(harvest.items),
                new=len(outcomes),
                elapsed_s=round(time.monotonic() - started, 3),
                problem=harvest.problem,
                outcomes=tuple(outcomes),
                notes=harvest.notes,
            )
        if on_done is not None:
            on_done(report)
        return report

    async def _round(self, source: Source, state: SourceState) -> tuple[Harvest, Outcome, Sequence[str]]:
        now = self._clock()
        harvest: Harvest | None = None
        try:
            harvest, status = await self._harvest(source, state, now)
            harvest = replace(harvest, tags=source.tags)
            outcomes = await self._door.accept(harvest)
        except StoreDown as error:
            return self._put_off(source, state, now, error)
        except (
            Exception
        ) as error:  # the one broad door of the monitors: a bug here must not stop the other sources
            log.exception("poll of source %s failed", source.id)
            return await self._salvage(source, state, now, harvest, error)
        self._not_before.pop(source.id, None)
        return harvest, status, outcomes

    def _put_off(
        self, source: Source, state: SourceState, now: datetime, error: StoreDown
    ) -> tuple[Harvest, Outcome, Sequence[str]]:
        """Give the round up without a word to the core: the database is away, and the source is not to blame."""
        log.warning("poll of source %s was not kept: %s", source.id, error)
        problem = SourceProblem(Fault.NETWORK, "数据库暂时不可用，本轮没有保存", "数据库恢复后会自动重读")
        self._not_before[source.id] = now + timedelta(seconds=source.interval_s)
        return _failure(source, state, now, problem, None), Outcome.FAILED, ()

    async def _salvage(
        self, source: Source, state: SourceState, now: datetime, harvest: Harvest | None, error: Exception
    ) -> tuple[Harvest, Outcome, Sequence[str]]:
        """Save what can be saved of a round that hit a bug, and tell the core of the bug.

        1. Each item is handed over alone, the old state with it: validators and cursor stay, so that the items that
           fail are fetched again. The problem goes with each, for a harvest without one would give the all-clear.
        2. Then the problem with the state of a failure. Did some items get in, the source is asked again at its own
           pace, and what was its baseline is done: one bad item must not silence it.
        """
        detail = f"程序内部出错（{type(error).__name__}）"
        problem = SourceProblem(Fault.UNREADABLE, detail, "请看日志，并把日志交给维护人员")
        failure = replace(_failure(source, state, now, problem, None), tags=source.tags)
        lines: list[str] = []
        lost: list[str] = []
        try:
            for item in sorted(harvest.items if harvest else (), key=_order_of_appearance):
                try:
                    lines += await self._door.accept(replace(failure, state=state, items=(item,)))
                except StoreDown:
                    raise
                except Exception:
                    lost.append(item.external_id)
            if harvest is not None and len(lost) < len(harvest.items):
                kept = harvest.state
                pace = replace(
                    failure.state, next_poll_at=kept.next_poll_at, baseline_done=kept.baseline_done
                )
                failure = replace(failure, state=pace)
            if lost:
                log.warning("%d items of source %s were not taken in: %s", len(lost), source.id, lost[:20])
            await self._door.accept(failure)
        except Exception as second:
            log.warning("the failure of source %s was not kept: %s", source.id, type(second).__name__)
            self._not_before[source.id] = failure.state.next_poll_at or now
        else:
            self._not_before.pop(source.id, None)
        notes = (f"有 {len(lost)} 条未能收下",) if lost else ()
        shown = replace(failure, items=harvest.items if harvest else (), notes=notes)
        return shown, Outcome.FAILED, lines

    async def _harvest(self, source: Source, state: SourceState, now: datetime) -> tuple[Harvest, Outcome]:
        fetched = await self._fetcher.fetch(source, state, cursor=state.cursor)
        if isinstance(fetched, Failed):
            return _failure(source, state, now, fetched.problem, fetched.retry_after_s), Outcome.FAILED
        if fetched.not_modified:
            return Harvest(source.id, now, _success(source, state, now)), Outcome.UNCHANGED
        body_hash = hashlib.sha256(fetched.body).hexdigest()
        if body_hash == state.body_hash:
            return Harvest(source.id, now, _success(source, state, now, fetched)), Outcome.UNCHANGED
        pages = await self._pages(source, state, fetched, now)
        if pages.problem is not None and not pages.items:
            return _failure(source, state, now, pages.problem, None), Outcome.FAILED
        items = await self._worker.score(pages.items)
        if pages.problem is not None:
            # Some pages were read: their items are kept, and the validators forgotten, so that the rest comes again.
            failed = _failure(source, state, now, pages.problem, None)
            return replace(failed, items=items, notes=pages.notes), Outcome.FAILED
        done = replace(_success(source, state, now, fetched), body_hash=body_hash, cursor=pages.cursor)
        if pages.more and not state.baseline_done:
            # What stands on the pages to come is as old as what was read: first sight ends with the stream.
            done = replace(done, baseline_done=False)
        if pages.cursor != state.cursor:
            # The validators are those of another page: asked with them, the next one could answer 304 unread.
            done = replace(done, etag=None, last_modified=None, body_hash=None)
        return Harvest(source.id, now, done, items, notes=pages.notes), Outcome.READ

    async def _pages(self, source: Source, state: SourceState, first: Fetched, now: datetime) -> Parsed:
        """Read the first page and those that its cursor leads to, no further than the source's limit."""
        page = await self._worker.parse(source, first, now)
        items = {item.external_id: item for item in page.items}
        notes = [*page.notes]
        asked = {state.cursor}
        while page.problem is None and page.items and page.cursor is not None and page.cursor not in asked:
            # A stream at its end repeats its cursor, a broken one runs in a circle: both have been asked for.
            if len(asked) == source.max_pages:
                notes.append(f"读满 {source.max_pages} 页仍有更多，下一轮接着读")
                if not state.baseline_done:
                    notes.append("首次接入的存量尚未读完，读完之前不告警")
                page = replace(page, more=True)
                break
            asked.add(page.cursor)
            fetched = await self._fetcher.fetch(source, None, cursor=page.cursor)
            if isinstance(fetched, Failed):
                page = replace(page, problem=fetched.problem)
                break
            page = await self._worker.parse(source, fetched, now)
            items = {item.external_id: item for item in page.items} | items
            notes += page.notes
        return replace(page, items=tuple(items.values()), notes=tuple(dict.fromkeys(notes)))


async def probe(source: Source, fetcher: Fetching, worker: Working, clock: Clock) -> Parsed:
    """Read the first page of a source and keep nothing; a fault is in the answer's `problem`."""
    fetched = await fetcher.fetch(source)
    if isinstance(fetched, Failed):
        return Parsed((), fetched.problem)
    return await worker.parse(source, fetched, clock())


def _order_of_appearance(item: Item) -> tuple[bool, str]:
    # A comment goes where the text went that it answers; the oldest text opens the matter.
    return (item.parent_id is not None, item.published_at.isoformat() if item.published_at else "")


def _success(
    source: Source, state: SourceState, now: datetime, fetched: Fetched | None = None
) -> SourceState:
    return replace(
        state,
        etag=fetched.etag if fetched else state.etag,
        last_modified=fetched.last_modified if fetched else state.last_modified,
        failures=0,
        next_poll_at=now + timedelta(seconds=source.interval_s),
        last_ok_at=now,
        baseline_done=True,
    )


def _failure(
    source: Source, state: SourceState, now: datetime, problem: SourceProblem, retry_after_s: float | None
) -> Harvest:
    failures = state.failures + 1
    wait_s = max(back_off_s(source.interval_s, failures), min(retry_after_s or 0, retry_after_cap_s))
    failed = replace(state, failures=failures, next_poll_at=now + timedelta(seconds=wait_s))
    return Harvest(source.id, now, failed, problem=problem)


def back_off_s(interval_s: float, failures: int) -> float:
    """Give the wait after so many failures in a row: doubled six times at most, an hour at most, never for ever."""
    return min(interval_s * 2.0 ** min(failures, 6), max(back_off_cap_s, interval_s))

"""Which sources are due, and each of them asked once: some at once, none twice at the same time.

One bad source never ends a round. What one round of one source does is in `monitors.round`; what becomes of an item is
decided behind the door. The new state of a source travels with its items, so that both are committed together; what
answered as before travels in a batch with others.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from yarl import URL

from monitors.fetch import Failed, Fetched
from monitors.parsed import Parsed
from monitors.round import Fetching, Quiet, Round, Working, failure, look, play, seen_on_the_way, with_place
from monitors.scoring import Accepting, scored
from monitors.sources import Source
from monitors.turns import Places
from routing.clock import Clock
from routing.errors import StoreDown, UserError
from routing.items import CommentWatch, Fault, Harvest, Item, Kind, SourceProblem, SourceState

log = logging.getLogger(__name__)

touch_at_once = 500
touch_after_s = 0.5
"""States that only say "as before" wait so long for others, so that one commit keeps many.

500 of them take some 6 ms (PostgreSQL: 9), and a press waits for no more; the fewer commits, the less do the writer and the
event loop take the interpreter from each other.
"""
look_for_watches = timedelta(seconds=10)


class Door(Accepting, Protocol):
    """The core as the monitors see it."""

    async def schedule(self, source_ids: Sequence[str]) -> Mapping[str, datetime | None]:
        """Give when each source that has a state is due."""

    async def take(self, source_ids: Sequence[str]) -> frozenset[str]:
        """Hold those of the sources that no other machine has in hand; gives what is held."""

    async def give_back(self, source_ids: Sequence[str]) -> None:
        """Let other machines have these sources."""

    async def states(self, source_ids: Sequence[str]) -> Mapping[str, SourceState]:
        """Give the stored state of each source that has one."""

    async def touch(self, states: Sequence[SourceState]) -> None:
        """Commit the states of sources that answered as before, in one transaction."""

    async def known(self, source_id: str, external_ids: Sequence[str]) -> frozenset[str]:
        """Tell which of these external ids the core has."""

    async def watches(self) -> Sequence[CommentWatch]:
        """Give the comment feeds that are to be polled for now."""


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
    """Polls the given sources through one fetcher and one worker; at most `at_once` of them together.

    That many may wait for their turn at a busy host; how many ask at the same time is the fetcher's to say. Inboxes are
    not polled: what is pushed comes by another door.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        fetcher: Fetching,
        worker: Working,
        door: Door,
        clock: Clock,
        *,
        at_once: int = 512,
    ) -> None:
        self._sources = _polled(sources)
        self._hurried: set[str] = set()
        self._fetcher = fetcher
        self._worker = worker
        self._door = door
        self._clock = clock
        self._slots = Places(at_once)
        self._turns: dict[str, Places] = {}
        # When each source is due, as far as we know; the store has the last word. It also holds the back-off of a
        # source whose state could not be committed: without it the next tick would try again at once.
        self._due: dict[str, datetime | None] | None = None
        self._watches: dict[str, CommentWatch] = {}
        self._looked_at: datetime | None = None
        self._went_on_at = clock()
        self._touched = _Batch(door)

    def watch(self, sources: Sequence[Source]) -> None:
        """Poll these sources from now on. Safe to call while rounds are under way, and twice.

        A round that was begun ends by the definition it began with; the next one is by the new. One that is new is due by
        what the core remembers of it, at once where that is nothing. One that is read otherwise than before is asked
        once whatever its plan: the pace and the back-off were those of another definition. What is not there any more
        is asked no more, nor are the comment feeds that its entries named.
        """
        wanted = _polled(sources)
        for name, watch in self._watches.items():
            if watch.origin_id in wanted and name not in wanted:
                wanted[name] = _derived(wanted[watch.origin_id], watch)
        for name in self._sources.keys() & wanted.keys():
            old, new = self._sources[name], wanted[name]
            if old != new and _asked(old) != _asked(new):
                self._hurried.add(name)
                self._plan(name, None)
        for name in self._sources.keys() - wanted.keys():
            self._hurried.discard(name)
            if self._due is not None:
                self._due.pop(name, None)
        self._sources = wanted

    async def poll_due(
        self, on_done: Callable[[SourceReport], None] | None = None
    ) -> tuple[SourceReport, ...]:
        """Poll what is due now; a source still being polled is left out. `on_done` is called as each is done."""
        now = self._clock()
        await self._look_for_watches(now)
        due = await self._take_due(now)
        reports = await asyncio.gather(*(self._poll_held(source, state, on_done) for source, state in due))
        await self._touched.flush()
        return tuple(reports)

    async def _take_due(self, now: datetime) -> Sequence[tuple[Source, SourceState]]:
        """Take in hand what is due and no other machine is at; what was remembered is read only then."""
        names = await self._find_due(now)
        held = await self._door.take(names) if names else frozenset()
        states = await self._door.states(sorted(held)) if held else {}
        due, done = [], []
        for name in names:
            state = states.get(name) or SourceState(name)
            if name not in held:
                self._went_on_at = now
                continue  # another machine is at it
            if name not in self._sources:
                done.append(name)  # not watched any more, since a moment ago
            elif name in self._hurried and self._is_free(name):
                self._hurried.discard(name)
                due.append((self._sources[name], state))
            elif state.next_poll_at is not None and state.next_poll_at > now:
                self._plan(name, state.next_poll_at)  # another machine has polled it
                done.append(name)
            elif self._is_free(name):
                due.append((self._sources[name], state))
        if done:
            await self._door.give_back(done)
        return due

    async def _poll_held(
        self, source: Source, state: SourceState, on_done: Callable[[SourceReport], None] | None
    ) -> SourceReport:
        try:
            return await self._poll(source, state, on_done)
        finally:
            if not self._touched.waits(source.id):  # else it is given back when that is committed
                await self._door.give_back([source.id])

    async def poll_one(self, source_id: str) -> SourceReport:
        """Poll one source now, due or not; waits while it is being polled. Raises UserError for an unknown id."""
        source = self._sources.get(source_id)
        if source is None:
            raise UserError(f"没有编号为 {source_id} 的来源；现有：{'、'.join(self._sources) or '无'}")
        report = await self._poll(source, None, None)
        await self._touched.flush()
        return report

    async def poll_watched(
        self, on_done: Callable[[SourceReport], None] | None = None
    ) -> tuple[SourceReport, ...]:
        """Poll each comment feed under watch now, due or not; reports by name, each with its origin's in it."""
        self._looked_at = None
        await self._look_for_watches(self._clock())
        names = sorted(self._watches.keys() & self._sources.keys())
        reports = [await self._poll(self._sources[name], None, on_done) for name in names]
        await self._touched.flush()
        return tuple(reports)

    def forget_schedule(self) -> None:
        """Read anew from the store when each source is due: after the clock was set back, nothing known here holds."""
        self._due = None
        self._looked_at = None
        self._went_on_at = self._clock()

    def waits_since(self, now: datetime) -> datetime | None:
        """Tell since when (aware UTC) sources are due and none was heard of; None where none is due or one may be waiting.

        A source that is being read is due until its round is over, so a round that hangs is seen here too; one that goes
        from page to page does not. The longest pause that a host is given between two requests is no standstill.
        """
        due = self._due or {}
        first = min((due.get(name) or self._went_on_at for name in self._sources), default=None)
        if first is None:
            return None
        pause = timedelta(seconds=max(source.spacing_s for source in self._sources.values()))
        since = max(first, self._went_on_at) + pause
        return since if since <= now else None

    async def fetch(
        self, source: Source, state: SourceState | None = None, *, cursor: str | None = None
    ) -> Fetched | Failed:
        """Ask a source once, for its round, and remember that something was heard."""
        heard = await self._fetcher.fetch(source, state, cursor=cursor)
        self._went_on_at = self._clock()
        return heard

    def _plan(self, name: str, at: datetime | None) -> None:
        self._went_on_at = self._clock()
        if self._due is not None:
            self._due[name] = None if name in self._hurried else at

    async def _find_due(self, now: datetime) -> list[str]:
        if self._due is None:
            self._due = dict(await self._door.schedule(list(self._sources)))
        due = self._due
        return [
            name
            for name in self._sources
            if ((at := due.get(name)) is None or at <= now) and self._is_free(name)
        ]

    async def _look_for_watches(self, now: datetime) -> None:
        if self._looked_at is not None and abs(now - self._looked_at) < look_for_watches:
            return
        self._looked_at = now
        found = {watch.source_id: watch for watch in await self._door.watches()}
        for name in self._watches.keys() - found.keys():
            self._sources.pop(name, None)
        for name, watch in found.items():
            origin = self._sources.get(watch.origin_id)
            if origin is not None and (name not in self._sources or watch != self._watches.get(name)):
                self._sources[name] = _derived(origin, watch)
        self._watches = found

    async def _poll(
        self, source: Source, state: SourceState | None, on_done: Callable[[SourceReport], None] | None
    ) -> SourceReport:
        turn = self._turn(source.id)
        if not turn.take_now():
            await turn.wait()
            state = None  # what was read before somebody else's poll is out of date
        try:
            if not self._slots.take_now():
                await self._slots.wait()
            try:
                report = await self._report(source, state)
            finally:
                self._slots.give_back()
        finally:
            turn.give_back()
        if on_done is not None:
            on_done(report)
        return report

    def _is_free(self, name: str) -> bool:
        turn = self._turns.get(name)
        return turn is None or turn.is_free

    def _turn(self, name: str) -> Places:
        turn = self._turns.get(name)
        if turn is None:
            turn = self._turns[name] = Places(1)
        return turn

    async def _report(self, source: Source, state: SourceState | None) -> SourceReport:
        if state is None:
            state = (await self._door.states([source.id])).get(source.id) or SourceState(source.id)
        started = time.monotonic()
        ended = await self._round(source, state)
        if isinstance(ended, SourceState):
            self._plan(source.id, ended.next_poll_at)
            elapsed_s = round(time.monotonic() - started, 3)
            return SourceReport(source.id, source.name, Outcome.UNCHANGED, 0, 0, elapsed_s)
        harvest, status, outcomes = ended
        self._plan(source.id, await self._planned(harvest))
        return SourceReport(
            source_id=source.id,
            name=source.name,
            status=status,
            entries=harvest.entries or len(harvest.items),
            new=len(outcomes),
            elapsed_s=round(time.monotonic() - started, 3),
            problem=harvest.problem,
            outcomes=tuple(outcomes),
            notes=_told(harvest),
        )

    async def _planned(self, harvest: Harvest) -> datetime | None:
        """Give when a source is due; after a failure the core may know better: is it our network, the wait is short."""
        wanted = harvest.state.next_poll_at
        if harvest.problem is None or wanted is None:
            return wanted
        try:
            kept = (await self._door.states([harvest.source_id])).get(harvest.source_id)
        except StoreDown:
            return wanted
        if kept is None or kept.next_poll_at is None or kept.next_poll_at <= harvest.at:
            return wanted  # it was not kept, and a hot loop helps nobody
        return min(wanted, kept.next_poll_at)

    async def _round(
        self, source: Source, state: SourceState
    ) -> SourceState | tuple[Harvest, Outcome, Sequence[str]]:
        """Ask, read, and hand over. Gives the new state alone where there is nothing to say but that it answered."""
        now = self._clock()
        harvest: Harvest | None = None
        try:
            played = await play(source, state, self, self._worker, self._door.known, now)
            if isinstance(played, Quiet):
                if self._touched.add(played.state):
                    await self._touched.flush()
                return played.state
            harvest = _answered(source, played)
            harvest, ahead = await scored(harvest, self._worker, self._door)
            outcomes = [*ahead, *await self._door.accept(harvest)]
        except StoreDown as error:
            return self._put_off(source, state, now, error)
        except (
            Exception
        ) as error:  # the one broad door of the monitors: a bug here must not stop the other sources
            log.exception("poll of source %s failed", source.id)
            return await self._salvage(source, state, now, harvest, error)
        if harvest.problem is not None:
            return harvest, Outcome.FAILED, outcomes
        return harvest, Outcome.READ if played.read else Outcome.UNCHANGED, outcomes

    def _put_off(
        self, source: Source, state: SourceState, now: datetime, error: StoreDown
    ) -> tuple[Harvest, Outcome, Sequence[str]]:
        """Give the round up without a word to the core: the database is away, and the source is not to blame."""
        log.warning("poll of source %s was not kept: %s", source.id, error)
        problem = SourceProblem(Fault.NETWORK, "数据库暂时不可用，本轮没有保存", "数据库恢复后会自动重读")
        failed = failure(source, state, now, problem, None)
        later = replace(failed.state, next_poll_at=now + timedelta(seconds=source.interval_s))
        return replace(failed, state=later), Outcome.FAILED, ()

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
        failed = failure(source, state, now, problem, None)
        lines: list[str] = []
        lost: list[str] = []
        try:
            for item in sorted(harvest.items if harvest else (), key=_order_of_appearance):
                try:
                    lines += await self._door.accept(replace(failed, state=state, items=(item,)))
                except StoreDown:
                    raise
                except Exception:
                    lost.append(item.external_id)
            if harvest is not None and len(lost) < len(harvest.items):
                kept = harvest.state
                pace = replace(failed.state, next_poll_at=kept.next_poll_at, baseline_done=kept.baseline_done)
                failed = replace(failed, state=pace)
            if lost:
                log.warning("%d items of source %s were not taken in: %s", len(lost), source.id, lost[:20])
            await self._door.accept(failed)
        except Exception as second:
            log.warning("the failure of source %s was not kept: %s", source.id, type(second).__name__)
        notes = (f"有 {len(lost)} 条未能收下",) if lost else ()
        shown = replace(failed, items=harvest.items if harvest else (), notes=notes)
        return shown, Outcome.FAILED, lines


class _Batch:
    """States to commit together: when there are enough of them, when the first has waited long enough, or when asked.

    Their sources are given back after that, for only then can another machine see that they were polled.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self._states: list[SourceState] = []
        self._names: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._running: set[asyncio.Task[None]] = set()

    def add(self, state: SourceState) -> bool:
        """Take one state in; tells whether that filled the batch, and it is to be committed."""
        self._states.append(state)
        self._names.add(state.source_id)
        if len(self._states) >= touch_at_once:
            return True
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(touch_after_s, self._on_time)
        return False

    def waits(self, name: str) -> bool:
        """Tell whether the state of this source is still to be committed."""
        return name in self._names

    def _on_time(self) -> None:
        task = asyncio.get_running_loop().create_task(self.flush())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def flush(self) -> None:
        """Commit what waits. A store that is away loses nothing but the note that a source was well."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        states, self._states = self._states, []
        if not states:
            return
        try:
            await self._door.touch(states)
        except StoreDown as error:
            log.warning("%d unchanged sources were not noted: %s", len(states), error)
        except Exception:  # the round of the other sources goes on
            log.exception("%d unchanged sources were not noted", len(states))
        finally:
            names = [state.source_id for state in states]
            self._names.difference_update(names)
            await self._door.give_back(names)


@dataclass(frozen=True, slots=True)
class Probe:
    """What one look at a source showed; nothing of it was kept. `newest`: aware UTC, None where no date is given."""

    source: Source
    elapsed_s: float
    parsed: Parsed
    status: int | None = None

    @property
    def newest(self) -> datetime | None:
        """Give the date of the newest entry that has one."""
        return max((item.published_at for item in self.parsed.items if item.published_at), default=None)


async def probe(source: Source, fetcher: Fetching, worker: Working, clock: Clock) -> Probe:
    """Read the first page of a source and keep nothing; a fault is in the answer's `problem`."""
    started = time.monotonic()
    if source.kind == "inbox":
        return Probe(source, 0.0, Parsed())
    fetched = await look(source, SourceState(source.id), fetcher)
    if isinstance(fetched, Failed):
        return Probe(source, time.monotonic() - started, Parsed(problem=fetched.problem))
    now = clock()
    parsed = with_place(await worker.parse(source, fetched, now), fetched)
    parsed = replace(parsed, symptoms=(*parsed.symptoms, *seen_on_the_way(source, fetched, now)))
    return Probe(source, time.monotonic() - started, parsed, fetched.status)


def _told(harvest: Harvest) -> tuple[str, ...]:
    """Give what is to be said of a round, each thing once, with its cure where there is one."""
    if not harvest.notes and not harvest.symptoms:
        return ()
    known = {symptom.detail for symptom in harvest.symptoms}
    notes = [note for note in harvest.notes if note not in known]
    return tuple(dict.fromkeys([*notes, *(f"{s.detail}。{s.cure}" for s in harvest.symptoms)]))


def _polled(sources: Sequence[Source]) -> dict[str, Source]:
    return {source.id: source for source in sources if source.kind != "inbox"}


def _asked(source: Source) -> Source:
    """Give a source without what does not matter to how it is asked and read: a new name is no reason to ask it at once."""
    return replace(source, name="", tags=(), silent_h=None, frozen_h=0, overdue_d=0, window_h=0)


def _derived(origin: Source, watch: CommentWatch) -> Source:
    # Its address was written by whoever wrote the entry: what the operator allows the origin goes to no other host.
    at_home = URL(watch.url).origin() == URL(origin.url).origin()
    return replace(
        origin,
        allow_hosts=origin.allow_hosts if at_home else (),
        headers=origin.headers if at_home else (),
        id=watch.source_id,
        name=f"{origin.name} 评论",
        kind="feed",
        url=watch.url,
        mirrors=(),
        form=(),
        json_body=None,
        mapping=None,
        item_kind=Kind.COMMENT,
        comment_feeds=False,
        answers=watch.parent_id,
        window_h=24,
        frozen_h=0,
        silent_h=0,
        overdue_d=0,
    )


def _answered(source: Source, played: Round) -> Harvest:
    """Give the harvest; comments from a feed of their own are told whom they answer."""
    if source.answers is None:
        return played.harvest
    items = tuple(replace(item, parent_id=item.parent_id or source.answers) for item in played.harvest.items)
    return replace(played.harvest, items=items)


def _order_of_appearance(item: Item) -> tuple[bool, datetime]:
    # A comment goes where the text went that it answers; the oldest text opens the matter.
    return (item.parent_id is not None, item.published_at or datetime.min.replace(tzinfo=UTC))

"""Parsing and scoring in child processes, so that neither can hold up, or take down, the service or each other.

Three kinds of places to work at, each place with one task at a time:
- *reading*: every document gets a short trial here. Nearly all are done within milliseconds. There are two places, for
  while one child reads, the answer of the other is fetched.
- *apart*: a document that was too slow there, or died, is read again in a child of its own, at a lower priority and
  with the whole limit, while the others go on. Large documents and sources that were slow the last time go there
  at once. What cannot be read here either is taken apart, once, to save its healthy entries (`monitors/salvage.py`).
- *scoring*: sentiment, in batches; slow by nature, and nobody's document waits for it.
Text is masked in the child, before anything returns, and hostile texts meet our own expressions under its limits too.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from monitors.children import Child, ChildLost, Limits, Nursery
from monitors.comments import parse_comments, parse_records
from monitors.cuts import cut_item
from monitors.feeds import parse_feed
from monitors.masking import mask, mask_item
from monitors.pages import read_page
from monitors.parsed import Parsed, unread
from monitors.salvage import max_parts, salvage
from monitors.sentiment import Scorer, SnowNlpScorer
from monitors.sources import Source
from routing.items import Fault, Item, Sentiment, SourceProblem

if TYPE_CHECKING:  # the children read what came; to fetch, and what that imports, is not theirs
    from monitors.fetch import Fetched

log = logging.getLogger(__name__)

mib = 1024**2
reading = Limits(memory=400 * mib)
"""A child is born with 50 MiB, so it stays below 512. The largest healthy document needs 120."""
reading_apart = Limits(memory=400 * mib, nice=10)
salvaging = Limits(memory=200 * mib, nice=10)
scoring = Limits(memory=2048 * mib)
"""The scores' table is mapped, not loaded; where it cannot be kept on disk it is made in memory, which takes 450 MiB."""
worn_mib = 200.0
"""A child for documents that ever held more is replaced: freed memory is not always given back."""

readers = 2
"""Places for documents. Two cores are what a small machine has, and more than one document a moment is rare."""
parse_limit_s = 4.0
"""Processor time of one document, read apart. On the clock all of its tries end within 2.5 times that."""
trial_s = 0.3
"""Processor time of the first try, in which others may wait behind it."""
slow_s = 0.1
"""Processor time from which on a source is slow; a feed of 100 KB takes 0.015."""
large = 1024 * 1024
"""Bytes from which on a document is read apart without a trial."""
score_limit_s = 30.0
"""For one batch; the first one of a machine writes the table of the scores as well (about six seconds)."""
most_dead_parts = 8
batch = 16
remembered = 20_000

_cure = "请联系来源；该来源的其他内容不受影响"
_cure_outside = "来源没有问题，下一轮自动重读；若反复出现，请检查本机内存（free -h）和系统日志"
_preload = ("monitors.worker",)


class Worker:
    """Parse and score in children. `close` ends them; a later call would start others."""

    def __init__(
        self, scorer: Callable[[], Scorer] | None = SnowNlpScorer, *, parse_limit_s: float = parse_limit_s
    ) -> None:
        """`scorer` None: items go without a sentiment."""
        self._nursery = Nursery(_preload)
        self._reading = _Places(self._nursery, reading, readers)
        self._scoring = _Places(self._nursery, scoring, 1)
        self._apart = asyncio.Lock()
        self._slow: set[str] = set()
        self._scorer = scorer
        self._limit_s = parse_limit_s
        self._known: OrderedDict[str, Sentiment | None] = OrderedDict()

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that are at work for it now."""
        return self._nursery.pids

    @property
    def peak_mib(self) -> float:
        """The most memory that one of its children ever held, as far as it is known (resident)."""
        return max(self._nursery.peak_mib, self._reading.peak_mib, self._scoring.peak_mib)

    async def parse(
        self,
        source: Source,
        fetched: "Fetched",
        now: datetime,
        *,
        known: bytes = b"",
        memory: str | None = None,
        cursor: str | None = None,
    ) -> Parsed:
        """Read the body by the kind of the source; items come back masked. Every failure is a problem.

        `known`: digests of raw entries that need not be read again; `memory`: what the reader kept from the last
        round; `cursor`: where in a stream this page stands. Where the document was not read as a whole, the first
        two come back as they were. May be called by many at once; they take turns.
        """
        task = (source, fetched.body, fetched.content_type, now, known, memory, cursor)
        if source.id not in self._slow and len(fetched.body) < large:
            trial = min(trial_s, self._limit_s)
            parsed: Parsed
            try:
                parsed, took_s = await self._reading.call(_parse, *task, cpu_s=trial, wall_s=self._limit_s)
                if took_s > slow_s:
                    self._slow.add(source.id)
                return parsed
            except ChildLost as lost:
                log.info("source %s is read apart: %s", source.id, lost)
                self._slow.add(source.id)
                if not (lost.slow or lost.outside):  # it would come to the same end again
                    async with self._apart:
                        return await self._salvage(task, lost)
        async with self._apart:
            return await self._parse_apart(task)

    def unscored(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Give those of the items whose score is not at hand: `score` has to wait for these."""
        if self._scorer is None:
            return ()
        return tuple(item for item in items if item.content_hash() not in self._known)

    async def score(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Give the items with their sentiment, in the same order; what was scored before costs nothing."""
        scorer = self._scorer
        if scorer is None:
            return tuple(items)
        texts = {item.content_hash(): _text(item) for item in items}
        # Taken now: while we wait, another round may make the memory forget it.
        found = {name: self._known[name] for name in texts if name in self._known}
        waiting = [(name, text) for name, text in texts.items() if name not in found]
        for start in range(0, len(waiting), batch):
            found |= await self._learn(scorer, waiting[start : start + batch])
        scored = tuple(replace(item, sentiment=found[item.content_hash()]) for item in items)
        while len(self._known) > remembered:
            self._known.popitem(last=False)
        return scored

    async def close(self) -> None:
        """End the children. Safe to call twice."""
        await self._nursery.close()

    async def _parse_apart(self, task: tuple[Any, ...]) -> Parsed:
        source: Source = task[0]
        parsed: Parsed
        try:
            parsed, took_s = await self._alone(
                reading_apart, _parse, *task, cpu_s=self._limit_s, wall_s=1.5 * self._limit_s
            )
        except ChildLost as lost:
            self._slow.add(source.id)
            return await self._salvage(task, lost)
        if took_s < slow_s:
            self._slow.discard(source.id)
        return parsed

    async def _salvage(self, task: tuple[Any, ...], reason: ChildLost) -> Parsed:
        """Save what can be saved within the limit, on the clock; a part that kills its child is left out."""
        source, _, _, _, known, memory, _ = task
        log.warning("source %s: %s", source.id, reason)
        cure = _cure_outside if reason.outside else _cure
        clock = asyncio.get_running_loop().time
        until = clock() + self._limit_s
        dead: list[int] = []
        reached = 0

        def tell(step: int) -> None:
            nonlocal reached
            reached = step

        while (left := until - clock()) > 0 and reached <= max_parts and len(dead) <= most_dead_parts:
            try:
                saved, _ = await self._alone(
                    salvaging,
                    _salvage,
                    task,
                    frozenset(dead),
                    reached,
                    self._limit_s,
                    left,
                    cpu_s=self._limit_s,
                    wall_s=left,
                    told=tell,
                )
            except ChildLost as lost:
                log.info("source %s, part %d: %s", source.id, reached, lost)
                dead.append(reached)
                reached += 1
                continue
            if saved is None:
                break
            parsed: Parsed
            parsed, skipped = saved
            detail = f"内容无法整体解析（{reason}），已救回 {len(parsed.items)} 条，略过 {skipped} 条"
            problem = SourceProblem(Fault.UNREADABLE, detail, cure)
            return replace(parsed, problem=problem, raw_hashes=known, memory=memory)
        lost_all = unread(Fault.UNREADABLE, f"内容无法解析（{reason}）", cure)
        return replace(lost_all, raw_hashes=known, memory=memory)

    async def _alone(
        self, limits: Limits, function: Callable[..., Any], *task: Any, **bounds: Any
    ) -> tuple[Any, float]:
        child = await self._nursery.child(limits)
        try:
            return await child.call(function, *task, **bounds), child.took_s
        finally:
            child.end()

    async def _learn(
        self, scorer: Callable[[], Scorer], texts: Sequence[tuple[str, str]]
    ) -> dict[str, Sentiment | None]:
        task = (scorer, [text for _, text in texts])
        try:
            scores, _ = await self._scoring.call(_score, *task, cpu_s=score_limit_s, wall_s=score_limit_s)
        except ChildLost as error:
            if len(texts) > 1:  # one text is to blame: the others must not go unscored with it
                return {
                    name: score for one in texts for name, score in (await self._learn(scorer, [one])).items()
                }
            log.warning("a text could not be scored: %s", error)
            return {name: None for name, _ in texts}  # not remembered: it may have been the machine
        learnt = {name: score for (name, _), score in zip(texts, scores, strict=True)}
        self._known |= learnt
        return learnt


def _text(item: Item) -> str:
    return f"{item.title}\n{item.text}" if item.title else item.text


class _Places:
    """Where children sit that do one task after another, and other ones when they are lost or worn."""

    def __init__(self, nursery: Nursery, limits: Limits, places: int) -> None:
        self._nursery = nursery
        self._limits = limits
        self._turn = asyncio.Semaphore(places)
        self._idle: list[Child] = []
        self._peak_mib = 0.0

    @property
    def peak_mib(self) -> float:
        return max([self._peak_mib, *(child.peak_mib for child in self._idle)])

    async def call(
        self, function: Callable[..., Any], *task: Any, cpu_s: float, wall_s: float
    ) -> tuple[Any, float]:
        """Give the answer and the processor time that it took. Raises ChildLost when there is none."""
        async with self._turn:
            child = await self._child()
            try:
                return await child.call(function, *task, cpu_s=cpu_s, wall_s=wall_s), child.took_s
            finally:
                self._peak_mib = max(self._peak_mib, child.peak_mib)
                if self._limits is not scoring and child.peak_mib > worn_mib:
                    child.end()
                if not child.over:
                    self._idle.append(child)

    async def _child(self) -> Child:
        while self._idle:
            child = self._idle.pop()  # the one that was at work last: it is still warm
            if not child.over:
                return child
        return await self._nursery.child(self._limits)


# --- in the child ---

_scorers: dict[Callable[[], Scorer], Scorer] = {}


def _parse(
    source: Source,
    body: bytes,
    content_type: str,
    now: datetime,
    known: bytes,
    memory: str | None,
    cursor: str | None,
) -> Parsed:
    match source.kind:
        case "feed":
            parsed = parse_feed(body, content_type, source, now, known=known, memory=memory)
        case "comments":
            parsed = parse_comments(body, content_type, source, now, cursor=cursor)
        case "file" | "inbox":
            parsed = parse_records(body, content_type, source, now)
        case "page" | "column":
            parsed = read_page(body, content_type, source, now, memory=memory)
    return replace(
        parsed,
        items=tuple(mask_item(cut_item(item, source.title_cut, source.text_cut)) for item in parsed.items),
        # What is told of a document may quote it.
        problem=parsed.problem and replace(parsed.problem, detail=mask(parsed.problem.detail).text),
        notes=tuple(mask(note).text for note in parsed.notes),
        symptoms=tuple(replace(each, detail=mask(each.detail).text) for each in parsed.symptoms),
    )


def _salvage(
    task: tuple[Any, ...], dead: frozenset[int], reached: int, limit_s: float, left_s: float
) -> Generator[tuple[int, float], None, tuple[Parsed, int] | None]:
    source, body, content_type, now, known, memory, cursor = task

    def parse(part: bytes) -> Parsed:
        return _parse(source, part, content_type, now, known, memory, cursor)

    return salvage(
        parse,
        source,
        body,
        content_type,
        dead,
        reached,
        part_cpu_s=limit_s / 8,
        whole_cpu_s=limit_s,
        probe_s=left_s / 2,
    )


def _score(scorer: Callable[[], Scorer], texts: Sequence[str]) -> list[Sentiment | None]:
    if scorer not in _scorers:
        _scorers[scorer] = scorer()
    return [_scorers[scorer].score(text) for text in texts]

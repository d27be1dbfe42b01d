"""A replay as it is run: the store read portion by portion, the texts judged in two processes of their own.

Reads only. Nothing here runs on the loop that it is called from for longer than a moment.
"""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from routing import history, office_opinions
from routing.clock import Span
from routing.errors import UserError, system_words
from routing.history import Extent, Portion
from routing.judging import Judge
from routing.lessons import Lessons
from routing.office import Office
from routing.replay import Now, Report, Tally, days_of, judge_some
from routing.rules import load_rules
from routing.unit import Units

PROCESSES = 2
AHEAD = 2 * PROCESSES
SMALL = 2_000
"""So few texts are judged sooner than a process starts."""
_LOST = "试算用的进程被系统中止（多半是内存不够），什么都没有改动。请缩短天数再试。"


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule file as it was read, and the folder of the office's own models. Its faults show when it is replayed."""

    text: str
    file: str
    models: Path | None = None


class Replayed(NamedTuple):
    """What a replay found, and what the corrections of the same days teach."""

    report: Report
    lessons: Lessons


async def replay(
    store: Units,
    office: Office,
    draft: Draft,
    tags: Mapping[str, Sequence[str]],
    days: int,
    now: datetime,
    *,
    examples: int,
    nice: int = 0,
    done: Callable[[int, int], None] = lambda _done, _of: None,
) -> Replayed | None:
    """Try a draft on the last days; None where nothing is stored of them. `tags`: of each source, by its id.

    `nice`: how far the two processes stand back behind others. `done` hears how many texts of how many are through.
    Raises ConfigError with every problem of the draft, before anything is read; UserError where a process was lost.
    """
    channels = tuple(office.channels)
    rules = load_rules(draft.text, draft.file, channels)
    since = now - timedelta(days=days)
    extent = await store.read(lambda s: history.extent(s, since))
    if extent is None:
        return None
    said = await store.read(lambda s: history.said_since(s, since))
    tally = Tally(office, said, examples)
    through = 0

    async def count(judges: _Judges, portion: Portion, judged: Future[list[Now]]) -> None:
        nonlocal through
        nows = await judges.result(judged)
        await asyncio.to_thread(
            tally.add, portion.pasts, nows, stock=portion.stock, untagged=portion.untagged
        )
        through += len(portion.pasts) + portion.stock
        done(through, extent.items)

    with _Judges(draft, channels, extent.items, nice) as judges:
        waiting: deque[tuple[Portion, Future[list[Now]]]] = deque()
        async for portion in _portions(store, office, tags, since, extent):
            waiting.append((portion, judges.begin(portion)))
            if len(waiting) > AHEAD:
                await count(judges, *waiting.popleft())
        for portion, judged in waiting:
            await count(judges, portion, judged)
    judge = Judge(rules, office_opinions.opinions(draft.models) if draft.models else None)
    report = tally.report(
        days=days_of(since, extent.first_at, now),
        explain=lambda subject: "；".join(str(reason) for reason in judge.judge(subject).reasons),
    )
    span = Span(f"{days}d", since, now)
    lessons = await store.read(lambda s: history.learn(s, span, rules.place_names()))
    return Replayed(report, lessons)


async def _portions(
    store: Units, office: Office, tags: Mapping[str, Sequence[str]], since: datetime, extent: Extent
) -> AsyncIterator[Portion]:
    """Give the history in order, each portion from a transaction of its own: none stays open for long."""
    after_id = extent.first_id - 1
    while True:
        read = partial(
            history.portion,
            since=since,
            after_id=after_id,
            until_id=extent.last_id,
            tags=tags,
            zone=office.zone,
        )
        portion = await store.read(read)
        if not portion.last_id:
            return
        yield portion
        after_id = portion.last_id


def draft_of(path: Path, models: Path | None = None) -> Draft:
    """Read a rule file. Raises UserError that names the path and the cure."""
    try:
        return Draft(path.read_text(encoding="utf-8-sig"), str(path), models)
    except FileNotFoundError as error:
        raise UserError(f"没有文件 {path}，请检查路径。") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} 不是 UTF-8 文本，请另存为 UTF-8。") from error
    except OSError as error:
        raise UserError(f"读不出 {path}（{system_words(error)}），请检查路径和权限。") from error


class _Judges:
    """Two processes that judge, or a thread where there is little to do. Ends them with the block."""

    def __init__(self, draft: Draft, channels: tuple[str, ...], items: int, nice: int) -> None:
        self._task = (draft.text, draft.file, channels, draft.models)
        # Spawned, for this process has threads; a child compiles the rules itself and knows no chat and no store.
        self._pool: Executor = (
            ThreadPoolExecutor(1)
            if items <= SMALL
            else ProcessPoolExecutor(PROCESSES, get_context("spawn"), os.nice, (nice,))
        )

    def __enter__(self) -> "_Judges":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def begin(self, portion: Portion) -> Future[list[Now]]:
        """Begin to judge a portion."""
        try:
            return self._pool.submit(judge_some, *self._task, [past.subject for past in portion.pasts])
        except BrokenProcessPool as error:
            raise UserError(_LOST) from error

    async def result(self, judged: Future[list[Now]]) -> list[Now]:
        """Wait for what was begun. Raises UserError where a process was lost."""
        try:
            return await asyncio.wrap_future(judged)
        except BrokenProcessPool as error:
            raise UserError(_LOST) from error

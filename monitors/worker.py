"""One child process that parses and scores, so that neither can hold up, or take down, the service.

The child is started on first use, by spawn (nothing of the parent's threads is copied), with a limit on its memory.
A task past its time, or a child that died, is replaced by a new child; the document at fault is reported as
unreadable and the others are unharmed. One task at a time; text is masked in the child, before anything returns.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import resource
import signal
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from monitors.comments import parse_comments
from monitors.feeds import parse_feed
from monitors.fetch import Fetched
from monitors.masking import mask_item
from monitors.parsed import Parsed, unread
from monitors.sentiment import Scorer, SnowNlpScorer
from monitors.sources import Source
from routing.items import Fault, Item, Sentiment

log = logging.getLogger(__name__)
Result = TypeVar("Result")

memory_limit = 2 * 1024**3
"""Bytes of address space for the child; snownlp alone needs 0.45 GiB."""
parse_limit_s = 15.0
score_limit_s = 30.0
"""For one batch; the first one of a child loads snownlp as well (2.5 s, 8 s with a cold disk)."""
start_limit_s = 30.0
batch = 16
remembered = 20_000


class ChildLost(Exception):
    """The child was killed for taking too long, or died; whatever it was doing is to blame."""


class Worker:
    """Parse and score in the child. `close` ends it; a later call would start another one."""

    def __init__(
        self, scorer: Callable[[], Scorer] = SnowNlpScorer, *, parse_limit_s: float = parse_limit_s
    ) -> None:
        self._child = _Child(scorer)
        self._parse_limit_s = parse_limit_s
        self._known: OrderedDict[str, Sentiment | None] = OrderedDict()

    async def parse(self, source: Source, fetched: Fetched, now: datetime) -> Parsed:
        """Read the body by the kind of the source; items come back masked. Every failure is a problem."""
        try:
            task = (source, fetched.body, fetched.content_type, now)
            return await self._child.call(_parse, task, limit_s=self._parse_limit_s)
        except ChildLost as error:
            log.warning("source %s: %s", source.id, error)
            return unread(
                Fault.UNREADABLE, f"内容无法解析（{error}）", "请联系来源；该来源的其他内容不受影响"
            )

    async def score(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Give the items with their sentiment, in the same order; what was scored before costs nothing."""
        unknown = {
            item.content_hash(): _text(item) for item in items if item.content_hash() not in self._known
        }
        waiting = list(unknown.items())
        for start in range(0, len(waiting), batch):
            await self._learn(waiting[start : start + batch])
        scored = tuple(replace(item, sentiment=self._known.get(item.content_hash())) for item in items)
        while len(self._known) > remembered:
            self._known.popitem(last=False)
        return scored

    async def close(self) -> None:
        """End the child. Safe to call twice."""
        await self._child.stop()

    async def _learn(self, texts: Sequence[tuple[str, str]]) -> None:
        try:
            found = await self._child.call(_score, ([text for _, text in texts],), limit_s=score_limit_s)
        except ChildLost as error:
            if len(texts) > 1:  # one text is to blame: the others must not go unscored with it
                for one in texts:
                    await self._learn([one])
                return
            log.warning("a text could not be scored: %s", error)
            found = [None]
        for (name, _), sentiment in zip(texts, found, strict=True):
            self._known[name] = sentiment


def _text(item: Item) -> str:
    return f"{item.title}\n{item.text}" if item.title else item.text


# --- the parent's end ---


class _Child:
    def __init__(self, scorer: Callable[[], Scorer]) -> None:
        self._scorer = scorer
        self._turn = asyncio.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._line: Connection[Any, Any] | None = None

    async def call(self, function: Callable[..., Result], task: tuple[Any, ...], *, limit_s: float) -> Result:
        """Run `function` in the child. Raises ChildLost, with the reason in Chinese, when there is no answer."""
        async with self._turn:
            running = asyncio.ensure_future(asyncio.to_thread(self._run, function, task, limit_s))
            try:
                done, answer = await asyncio.shield(running)
            except asyncio.CancelledError:
                # An answer that nobody waits for would be taken for the next one's: the child has to go, and the
                # thread that reads from it must have ended before its line is closed.
                while not running.done():
                    self._signal()
                    await asyncio.wait([running], timeout=0.05)
                self._clear()
                raise
            if not done:
                self._clear()
                raise ChildLost(answer)
            result: Result = answer
            return result

    async def stop(self) -> None:
        async with self._turn:
            self._clear()

    def _run(self, function: Callable[..., Any], task: tuple[Any, ...], limit_s: float) -> tuple[bool, Any]:
        try:
            line = self._line or self._start()
            line.send((function, task))
            if not line.poll(limit_s):
                return False, f"{limit_s:g} 秒内没有完成"
            return line.recv()  # type: ignore[no-any-return]
        except (EOFError, OSError):
            return False, "解析进程异常退出"

    def _start(self) -> "Connection[Any, Any]":
        context = multiprocessing.get_context("spawn")
        line, theirs = context.Pipe()
        self._line = line
        process = context.Process(
            target=_serve, args=(theirs, self._scorer), name="yuqing-worker", daemon=True
        )
        process.start()
        self._process = process
        theirs.close()
        if not line.poll(start_limit_s):
            raise EOFError
        line.recv()
        return line

    def _signal(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _clear(self) -> None:
        self._signal()
        if self._process is not None:
            self._process.join()
            self._process.close()
        if self._line is not None:
            self._line.close()
        self._process = self._line = None


# --- the child's end ---

_scorers: list[Scorer] = []


def _serve(line: "Connection[Any, Any]", scorer: Callable[[], Scorer]) -> None:
    """Answer one task after another until the parent is gone; there is nobody left then to be told of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    resource.setrlimit(resource.RLIMIT_AS, (memory_limit, memory_limit))
    _scorers.append(scorer())
    with contextlib.suppress(EOFError, OSError):  # only the line raises these: a task's own are caught below
        line.send(True)
        while True:
            line.send(_answer(*line.recv()))


def _answer(function: Callable[..., Any], task: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, function(*task)
    except MemoryError:
        return False, "超出内存限额"
    except Exception as error:  # a bug in parsing is one document's problem, and seen in the log
        log.exception("task failed in the worker")
        return False, f"程序内部出错：{type(error).__name__}"


def _parse(source: Source, body: bytes, content_type: str, now: datetime) -> Parsed:
    parse = parse_comments if source.kind == "comments" else parse_feed
    parsed = parse(body, content_type, source, now)
    return replace(parsed, items=tuple(map(mask_item, parsed.items)))


def _score(texts: Sequence[str]) -> list[Sentiment | None]:
    return [_scorers[0].score(text) for text in texts]

"""One round of one source: asked, parsed, paged on, and looked at for what ails it. Keeps nothing.

What the source remembers comes in, what it will have to remember goes out with the items; the caller commits both
together. A fault of the source is part of the answer; only bugs and cancellation leave as exceptions.
"""

import asyncio
import functools
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from yarl import URL

from monitors.fetch import Failed, Fetched
from monitors.files import read_files
from monitors.pace import retry_s, wait_s
from monitors.parsed import Parsed
from monitors.sources import Source
from routing.items import Ailment, Harvest, Item, SourceProblem, SourceState, Symptom

drift_allowed = timedelta(minutes=5)
most_top, most_gaps = 50, 5
_no_window = timedelta(0)
_too_many = "若经常如此，请调大 max_pages 或调小 interval_s"
_stock_left = "读完会另行告知；若几小时后仍未读完，请调大 max_pages，或核对 [source.mapping] 的 cursor"
_circle_cure = (
    "请核对 [source.mapping] 的 {key}：send 是不是对方认的参数，next 是不是指向下一页；都对则告知来源方"
)


class Fetching(Protocol):
    """Something that asks a source once."""

    async def fetch(
        self, source: Source, state: SourceState | None = None, *, cursor: str | None = None
    ) -> Fetched | Failed:
        """Give the answer or the fault."""


class Working(Protocol):
    """Something that parses and scores off the event loop."""

    async def parse(
        self,
        source: Source,
        fetched: Fetched,
        now: datetime,
        *,
        known: bytes = b"",
        memory: str | None = None,
        cursor: str | None = None,
    ) -> Parsed:
        """Read a body; items come back masked. `known`: raw entries that need no second reading."""

    def unscored(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Give those of the items whose score is not at hand."""

    async def score(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Give the items with their sentiment."""


Known = Callable[[str, Sequence[str]], Awaitable[frozenset[str]]]
"""Which of these external ids of a source the core has."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a round brought. `read`: the answer was not as before."""

    harvest: Harvest
    read: bool = False


@dataclass(frozen=True, slots=True)
class Quiet:
    """An answer as before, from a source in health, and nothing to say of it: as most rounds end."""

    state: SourceState


async def play(
    source: Source, state: SourceState, fetcher: Fetching, worker: Working, known: Known, now: datetime
) -> Round | Quiet:
    """Ask the source once and read what it answers."""
    state = _as_configured(source, state)
    fetched = await look(source, state, fetcher)
    if isinstance(fetched, Failed):
        return Round(failure(source, state, now, fetched.problem, fetched.retry_after_s))
    symptoms = seen_on_the_way(source, fetched, now)
    is_file = source.kind == "file"
    body_hash = (
        "" if fetched.not_modified else hashlib.sha256(fetched.body).hexdigest()[:48] + _reading(source)
    )
    as_before = body_hash == state.body_hash
    if fetched.not_modified or (as_before and not _is_read_each_time(source)):
        symptoms += _frozen(source, state, now)
        kept = _success(source, state, fetched, now, changed=False)
        if is_file:
            kept = _read_on(kept, state, fetched, now)
        if not symptoms and not state.failures and state.baseline_done and kept.memory == state.memory:
            return Quiet(kept)
        return Round(_harvest(source, kept, now, symptoms=symptoms, looked=False))
    still = as_before and source.kind == "comments"  # a list that is read though its first page is as before
    symptoms += _frozen(source, state, now) if still else ()
    pages = await _pages(source, state, fetched, worker, fetcher, known, now)
    parsed = with_place(pages.parsed, fetched)
    if parsed.problem is not None and not parsed.items:
        # An address that answers with a web page is well for the fetcher: the next one is tried first, then.
        return Round(failure(source, replace(state, mirror=fetched.mirror + 1), now, parsed.problem, None))
    if parsed.problem is not None:
        # Some of it was read: those items are kept, and the validators forgotten, so that the rest comes again, soon.
        # Of a file the piece is behind us: read again it would stand before all that comes after it.
        failed = failure(source, state, now, parsed.problem, None)
        kept = replace(
            failed.state,
            memory=fetched.memory if is_file else pages.memory or state.memory,
            etag=None,
            last_modified=None,
            body_hash=None,
            baseline_done=state.baseline_done or not (is_file and _holds_more(fetched)),
            last_ok_at=now,
            next_poll_at=now + timedelta(seconds=source.interval_s),
        )
        found = replace(failed, state=kept, items=parsed.items, notes=parsed.notes, entries=parsed.entries)
        return Round(found)
    done = replace(
        _success(source, state, fetched, now, changed=not still, ttl_s=parsed.ttl_s),
        body_hash=body_hash,
        raw_hashes=parsed.raw_hashes,
        cursor=pages.cursor,
        memory=pages.memory or parsed.memory or fetched.memory or state.memory,
    )
    if pages.unfinished and not state.baseline_done:
        # What is still to come is as old as what was read: first sight ends with the stream.
        done = replace(done, baseline_done=False)
        parsed = replace(parsed, symptoms=tuple(map(_of_stock, parsed.symptoms)))
    spoilt = any(symptom.ailment in {Ailment.CHARSET, Ailment.SKIPPED} for symptom in parsed.symptoms)
    if spoilt or pages.unfinished or pages.cursor != state.cursor:
        # The rest must come though nothing changes, and what could not be read may be read the next time. The
        # validators may be those of another page, too.
        done = replace(done, etag=None, last_modified=None, body_hash=None)
    if is_file:
        done = _read_on(done, state, fetched, now)
    harvest = _harvest(
        source, done, now, symptoms=(*symptoms, *parsed.symptoms), items=parsed.items, notes=parsed.notes
    )
    return Round(replace(harvest, entries=parsed.entries, comment_feeds=parsed.comment_feeds), read=True)


async def look(source: Source, state: SourceState, fetcher: Fetching) -> Fetched | Failed:
    """Ask a source of any kind for what it has now."""
    if source.kind == "file":
        return await asyncio.to_thread(read_files, source, state.memory)
    known = replace(state, etag=None, last_modified=None) if _is_read_each_time(source) else state
    return await fetcher.fetch(source, known, cursor=state.cursor if _forward(source) else None)


def _reading(source: Source) -> str:
    """Name what shapes the reading of a source: where that was corrected, what was known is read once more."""
    shapes = (source.kind, source.url, source.mapping, source.encoding, source.title_cut, source.text_cut)
    return _named(*shapes, source.zone.key)


@functools.lru_cache(maxsize=16_384)
def _named(*shapes: Any) -> str:
    return hashlib.sha256(repr(shapes).encode()).hexdigest()[:16]


def _as_configured(source: Source, state: SourceState) -> SourceState:
    if state.body_hash is None or state.body_hash.endswith(_reading(source)):
        return state
    return replace(state, etag=None, last_modified=None, body_hash=None, raw_hashes=b"")


def _is_read_each_time(source: Source) -> bool:
    """Tell whether an answer as before is read all the same.

    A watched page may have been approved since; an answer that says of when it is grows old by staying as it was; of a
    file only what is new comes at all; below the first page of a list by heat may stand what is new.
    """
    says_when = source.mapping is not None and source.mapping.fresh is not None
    return says_when or _by_heat(source) or source.kind in {"page", "column", "file"}


# --- paging ---


@dataclass(frozen=True, slots=True)
class _Pages:
    """All that was read, as one; `unfinished`: there is more to read, and the next round goes on without being asked.

    `cursor` is where a stream goes on, `memory` what is remembered of a list (see `_List`).
    """

    parsed: Parsed
    cursor: str | None = None
    unfinished: bool = False
    memory: str | None = None


@dataclass(frozen=True, slots=True)
class _Gap:
    """Pages of a list that were left unread: from `at` down to where one of the entries of `floor` stands."""

    at: str
    floor: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _List:
    """What is remembered of a list that starts with the newest: its first page in the last round, and what was left."""

    top: tuple[str, ...] = ()
    gaps: tuple[_Gap, ...] = ()

    def as_json(self) -> str:
        return json.dumps({"top": self.top, "gaps": [[gap.at, gap.floor] for gap in self.gaps]})

    @classmethod
    def of(cls, memory: str | None) -> "_List":
        raw = json.loads(memory or "{}")
        gaps = tuple(_Gap(at, tuple(floor)) for at, floor in raw.get("gaps", ()))
        return cls(tuple(raw.get("top", ())), gaps)


def _forward(source: Source) -> bool:
    """Tell whether a stream starts with its oldest entry, and is read on from where it was left."""
    return source.mapping is not None and source.mapping.cursor is not None


def _by_heat(source: Source) -> bool:
    """Tell whether a list has its entries in another order than that of time."""
    paging = source.mapping.page if source.mapping is not None else None
    return paging is not None and not paging.newest_first


async def _pages(
    source: Source,
    state: SourceState,
    first: Fetched,
    worker: Working,
    fetcher: Fetching,
    known: Known,
    now: datetime,
) -> _Pages:
    """Read the first page, and those that its cursor leads to, no further than the source's limit a round."""
    asked = state.cursor if _forward(source) else None
    raw = state.raw_hashes if source.mapping is None else b""
    page = await worker.parse(source, first, now, known=raw, memory=state.memory, cursor=asked)
    reader = _Reader(source, worker, fetcher, known, now, page)
    if _forward(source):
        return await reader.go_on(asked, state)
    if _by_heat(source):
        return await reader.go_through()
    if source.mapping is not None and source.mapping.page is not None:
        return await reader.go_down(state)
    return _Pages(page, unfinished=page.more)


class _Reader:
    """Reads the further pages of one list in one round, and gathers what they hold."""

    def __init__(
        self, source: Source, worker: Working, fetcher: Fetching, known: Known, now: datetime, first: Parsed
    ) -> None:
        self._source = source
        self._worker = worker
        self._fetcher = fetcher
        self._known = known
        self._now = now
        self._page = first
        self._at: str | None = None
        self._items = {item.external_id: item for item in first.items}
        self._notes = [*first.notes]
        self._symptoms = [*first.symptoms]
        self._entries = first.entries
        self._read = 1

    async def go_on(self, asked: str | None, state: SourceState) -> _Pages:
        """Read a stream from where it was left to its end.

        A page that repeats the one before it, and a whole round of pages with nothing new, end it too, with a word: a
        server that moves its cursor and not its entries would else be at its first sight for ever, and never alarm. The
        cursor is kept all the same, so what stands behind comes in the next round.
        """
        seen = {asked}
        while self._page.problem is None and self._page.entries and self._page.cursor is not None:
            # A stream at its end repeats its cursor, a broken one runs in a circle: both have been asked for.
            if self._page.cursor in seen:
                if self._page.cursor != (self._at or asked):
                    self._tell_circle("cursor")
                break
            if self._read == self._source.max_pages:
                if not await self._has_news():
                    self._tell_circle("cursor")
                    break
                limit = f"读满 {self._source.max_pages} 页仍有更多，下一轮接着读"
                cure = _too_many if state.baseline_done else _stock_left
                self._symptoms.append(Symptom(Ailment.PAGES, limit, cure))
                return _Pages(self._all(), self._page.cursor, unfinished=True)
            seen.add(self._page.cursor)
            before = self._names()
            await self._next(self._page.cursor)
            if len(before) > 1 and self._page.problem is None and self._names() == before:
                self._tell_circle("cursor")
                break
        return _Pages(self._all(), self._page.cursor)

    def _names(self) -> frozenset[str]:
        return frozenset(item.external_id for item in self._page.items)

    async def _has_news(self) -> bool:
        """Tell whether the round brought an entry that the core does not know; where it brought none, some may come."""
        names = self._items.keys()
        return not names or not names <= await self._known(self._source.id, sorted(names))

    def _tell_circle(self, key: str) -> None:
        detail = f"翻页在绕圈：第 {self._read} 页又回到已读过的内容"
        self._symptoms.append(Symptom(Ailment.PAGES, detail, _circle_cure.format(key=key)))

    async def go_through(self) -> _Pages:
        """Read a list that is not by time to its end or to the limit of pages, each round anew.

        No entry says how far was read, so nothing is left over for later; what stands below the limit is not seen.
        """
        seen: set[str] = set()
        while self._page.problem is None and self._page.entries and self._read < self._source.max_pages:
            cursor = self._page.cursor
            if cursor is None:
                break
            if cursor in seen:
                self._tell_circle("page")
                break
            seen.add(cursor)
            await self._next(cursor)
        return _Pages(self._all())

    async def go_down(self, state: SourceState) -> _Pages:
        """Read a list from its newest entry down to the first one that is known; then what earlier rounds left.

        First sight needs one page: what stands below is older. What the limit of pages or a fault leaves unread is
        kept as a gap, read in the next rounds, and said: an entry that was pushed down faster than we read must not
        go unseen.
        """
        past = _List.of(state.memory)
        top = tuple(item.external_id for item in self._page.items)[:most_top]
        gaps: list[_Gap] = []
        if state.baseline_done:
            left = await self._walk()
            gaps += [_Gap(left, past.top)] if left is not None else []
            for gap in past.gaps:
                if self._page.problem is None and self._read < max(self._source.max_pages, 2):
                    await self._next(gap.at)
                    below = await self._walk(frozenset(gap.floor))
                    gaps += [_Gap(below, gap.floor)] if below is not None else []
                else:
                    gaps.append(gap)
        if gaps and self._page.problem is None:
            detail = f"一轮读满 {self._source.max_pages} 页，还没有接上已读过的条目，下一轮接着往下读"
            self._symptoms.append(Symptom(Ailment.PAGES, detail, _too_many))
        memory = _List(top or past.top, tuple(gaps[:most_gaps])).as_json()
        return _Pages(self._all(), unfinished=bool(gaps) and state.baseline_done, memory=memory)

    async def _walk(self, floor: frozenset[str] = frozenset()) -> str | None:
        """Read on until a page ends with a known entry, or, with a floor, until it holds one of those entries.

        Gives the cursor of the first page that was left unread, None where the walk came to its end. Below a gap
        known entries are no end: a list by page numbers has moved on, and they stand above what is missing.
        """
        seen: set[str] = set()
        idle = 0
        while self._page.problem is None:
            cursor = self._page.cursor
            if cursor is None or not self._page.entries:
                return None
            if cursor in seen:
                self._tell_circle("page")
                return None
            ids = [item.external_id for item in self._page.items]
            have = await self._known(self._source.id, ids) if ids else frozenset()
            # The last entry decides: one that is pinned to the top is known and says nothing of those below.
            if floor & set(ids) or (not floor and ids and ids[-1] in have):
                return None
            idle = idle + 1 if ids and have.issuperset(ids) else 0
            if idle > self._source.max_pages:  # what it is to reach was taken down
                return None
            if self._read >= self._source.max_pages:
                return cursor
            seen.add(cursor)
            await self._next(cursor)
        return self._at

    async def _next(self, cursor: str) -> None:
        self._at = cursor
        fetched = await self._fetcher.fetch(self._source, None, cursor=cursor)
        self._read += 1
        if isinstance(fetched, Failed):
            self._page = replace(self._page, problem=fetched.problem)
            return
        self._page = await self._worker.parse(self._source, fetched, self._now, cursor=cursor)
        # What was read first stays: in a stream that is the older look, in a list the newer page.
        self._items = {item.external_id: item for item in self._page.items} | self._items
        self._notes += self._page.notes
        self._symptoms += self._page.symptoms
        self._entries += self._page.entries

    def _all(self) -> Parsed:
        distinct = {symptom.ailment: symptom for symptom in self._symptoms}
        return replace(
            self._page,
            items=tuple(self._items.values()),
            notes=tuple(dict.fromkeys(self._notes)),
            symptoms=tuple(distinct.values()),
            entries=self._entries,
        )


# --- what ails a source ---


def _of_stock(symptom: Symptom) -> Symptom:
    if symptom.ailment is not Ailment.PAGES:
        return symptom
    return replace(symptom, detail=f"{symptom.detail}；首次接入的存量尚未读完，读完之前不告警")


def with_place(parsed: Parsed, fetched: Fetched) -> Parsed:
    """Say of entries of files that could not be read in which files they stand; their numbers count from what is new."""
    if not fetched.place:
        return parsed
    symptoms = (
        replace(each, detail=f"{fetched.place}新写的部分：{each.detail}")
        if each.ailment is Ailment.SKIPPED
        else each
        for each in parsed.symptoms
    )
    problem = parsed.problem and replace(
        parsed.problem, detail=f"{fetched.place}新写的部分：{parsed.problem.detail}"
    )
    return replace(parsed, symptoms=tuple(symptoms), problem=problem)


def seen_on_the_way(source: Source, fetched: Fetched, now: datetime) -> tuple[Symptom, ...]:
    """Name what an answer shows besides its body: another clock, another address, files that could not be read."""
    found = [*fetched.symptoms]
    if fetched.server_at is not None and abs(fetched.server_at - now) > drift_allowed:
        minutes = round((fetched.server_at - now).total_seconds() / 60)
        detail = f"来源服务器的时钟比本机{'快' if minutes > 0 else '慢'} {abs(minutes)} 分钟"
        found.append(Symptom(Ailment.DRIFT, detail, "请核对本机时间；本机无误则告知来源方"))
    if fetched.moved_to is not None:
        detail = f"来源一直跳转到 {URL(fetched.moved_to).with_query(None)}"  # a query may hold a key
        found.append(
            Symptom(Ailment.MOVED, detail, "请核对后把 url 改成新地址", mark=_mark(fetched.moved_to))
        )
    return tuple(found)


def _frozen(source: Source, state: SourceState, now: datetime) -> tuple[Symptom, ...]:
    if not source.frozen_h or state.changed_at is None:
        return ()
    still = now - state.changed_at
    if still < timedelta(hours=source.frozen_h):
        return ()
    hours = still.total_seconds() / 3600
    detail = f"连续 {hours:.0f} 小时答复“成功”而内容一字未变，可能是缓存"
    return (Symptom(Ailment.FROZEN, detail, "请在浏览器核对原站是否有更新；若是中转站，请换一个或自建"),)


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


# --- states ---


def _harvest(
    source: Source,
    state: SourceState,
    now: datetime,
    *,
    symptoms: tuple[Symptom, ...] = (),
    items: tuple[Item, ...] = (),
    notes: tuple[str, ...] = (),
    looked: bool = True,
) -> Harvest:
    return Harvest(
        source.id, now, state, items, notes=notes, symptoms=symptoms, looked=looked, **_described(source)
    )


def described(harvest: Harvest, source: Source) -> Harvest:
    """Give the harvest with what the core must know of its source."""
    return replace(harvest, **_described(source))


def _described(source: Source) -> dict[str, Any]:
    window = timedelta(hours=source.window_h) if source.window_h else _no_window
    return {"tags": source.tags, "window": window, "interval_s": source.max_interval_s}


def _success(
    source: Source,
    state: SourceState,
    fetched: Fetched,
    now: datetime,
    *,
    changed: bool,
    ttl_s: float | None = None,
) -> SourceState:
    ttl_s = ttl_s if changed else state.ttl_s
    said = [seconds for seconds in (ttl_s, fetched.fresh_s) if seconds is not None]
    fresh_s = max(said) if said else None
    # A 304 may leave its validators out: then the ones that were sent still hold (RFC 9110 section 15.4.5).
    again = fetched.not_modified
    return SourceState(  # each field by its name: `replace` takes twice as long
        source_id=state.source_id,
        etag=fetched.etag or (state.etag if again else None),
        last_modified=fetched.last_modified or (state.last_modified if again else None),
        cursor=state.cursor,
        body_hash=state.body_hash,
        failures=0,
        next_poll_at=now + timedelta(seconds=wait_s(source, state.expected_per_h, fresh_s)),
        last_ok_at=now,
        baseline_done=True,
        validator_url=fetched.final_url,
        raw_hashes=state.raw_hashes,
        memory=fetched.memory or state.memory,
        ttl_s=ttl_s,
        mirror=fetched.mirror,
        changed_at=now if changed or state.changed_at is None else state.changed_at,
        expected_per_h=state.expected_per_h,
        approve_asked_at=state.approve_asked_at,
    )


def failure(
    source: Source, state: SourceState, now: datetime, problem: SourceProblem, retry_after_s: float | None
) -> Harvest:
    """Give the harvest of a round that failed: the old state, but for the count and the next time."""
    failures = state.failures + 1
    wait = retry_s(source.interval_s, failures, retry_after_s)
    failed = replace(state, failures=failures, next_poll_at=now + timedelta(seconds=wait))
    return described(Harvest(source.id, now, failed, problem=problem), source)


def _read_on(done: SourceState, state: SourceState, fetched: Fetched, now: datetime) -> SourceState:
    """Give the state after a round of a file. Where it holds more, that is read at once, and first sight goes on."""
    done = replace(done, memory=fetched.memory)
    if not _holds_more(fetched):
        return done
    return replace(done, next_poll_at=now, baseline_done=state.baseline_done)


def _holds_more(fetched: Fetched) -> bool:
    """Tell whether a file holds more than was read of it in this round."""
    return bool(json.loads(fetched.memory or "{}").get("more"))

"""The monitors at work in a test: a real server whose pages the test sets, the real fetcher and worker, a clock, a door.

The door keeps what it is given as the store would. Nothing here asserts.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from monitors.fetch import Fetcher
from monitors.poll import Poller
from monitors.sources import Source
from monitors.worker import Worker
from routing.errors import StoreDown
from routing.items import Band, CommentWatch, Harvest, Kind, Sentiment, SourceState

START = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Go on."""
        self.now += timedelta(seconds=seconds)


class Core:
    """A door that keeps what it is given, as the store would, and knows what it has seen."""

    def __init__(self) -> None:
        self.kept: dict[str, SourceState] = {}
        self.harvests: list[Harvest] = []
        self.items: dict[tuple[str, str], str] = {}
        self.touched: list[list[str]] = []
        self.watched: list[CommentWatch] = []
        self.broken = False
        self.away = False
        self.poison = ""
        self.elsewhere: frozenset[str] = frozenset()
        self.given_back: list[str] = []

    async def schedule(self, source_ids: Sequence[str]) -> Mapping[str, datetime | None]:
        return {name: self.kept[name].next_poll_at for name in source_ids if name in self.kept}

    async def take(self, source_ids: Sequence[str]) -> frozenset[str]:
        return frozenset(source_ids) - self.elsewhere

    async def give_back(self, source_ids: Sequence[str]) -> None:
        self.given_back += source_ids

    async def states(self, source_ids: Sequence[str]) -> Mapping[str, SourceState]:
        return {name: self.kept[name] for name in source_ids if name in self.kept}

    async def touch(self, states: Sequence[SourceState]) -> None:
        if self.away:
            raise StoreDown("数据库暂时不可用（OperationalError）")
        self.touched.append([state.source_id for state in states])
        self.kept |= {state.source_id: state for state in states}

    async def known(self, source_id: str, external_ids: Sequence[str]) -> frozenset[str]:
        return frozenset(name for name in external_ids if (source_id, name) in self.items)

    async def watches(self) -> Sequence[CommentWatch]:
        return self.watched

    async def accept(self, harvest: Harvest) -> Sequence[str]:
        if self.broken:
            raise OSError("disk full")
        if self.away:
            raise StoreDown("数据库暂时不可用（OperationalError）")
        if self.poison and any(self.poison in item.title for item in harvest.items):
            raise OverflowError("int too large")
        self.harvests.append(harvest)
        self.kept[harvest.source_id] = harvest.state
        fresh = [item for item in harvest.items if (item.source_id, item.external_id) not in self.items]
        self.items |= {(item.source_id, item.external_id): item.text for item in fresh}
        return [f"新：{item.title or item.text}" for item in fresh]

    async def accept_urgent(self, harvest: Harvest, waiting: Collection[str]) -> Sequence[str]:
        return ()


class Neutral:
    """A scorer that finds every text unclear."""

    name, version = "neutral", "1"

    def score(self, text: str) -> Sentiment | None:
        return Sentiment(raw=0.5, value=0.5, band=Band.UNCLEAR, scorer=self.name, version=self.version)


class Site:
    """A real server whose pages a test sets and whose clock is the test's; keeps what it was asked."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.pages: dict[str, web.Response | str | bytes] = {}
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.hold: asyncio.Event | None = None
        self.arrived = asyncio.Event()
        self.base = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(str(request.rel_url))
        self.headers.append(request.headers)
        self.arrived.set()
        if self.hold is not None:
            await self.hold.wait()
        page = self.pages.get(str(request.rel_url))
        date = {"Date": format_datetime(self.clock(), usegmt=True)}
        if isinstance(page, web.Response):
            return web.Response(status=page.status, headers=date | dict(page.headers), body=page.body)
        if page is None:
            return web.Response(status=404, headers=date)
        return web.Response(body=page.encode() if isinstance(page, str) else page, headers=date)


@dataclass
class Watch:
    """Everything of one test."""

    site: Site
    fetcher: Fetcher
    worker: Worker
    core: Core = field(default_factory=Core)
    clock: Clock = field(default_factory=Clock)

    def source(self, name: str = "a", **more: Any) -> Source:
        """Give a source of the site, a feed unless it is said otherwise."""
        plain = Source(
            id=name,
            name=name,
            kind="feed",
            url=f"http://{self.site.base}/{name}",
            site="x",
            item_kind=Kind.POST,
            allow_hosts=(self.site.base,),
        )
        return replace(plain, **more)

    def poller(self, *sources: Source) -> Poller:
        """Give a poller of these sources."""
        return Poller(sources, self.fetcher, self.worker, self.core, self.clock)


@asynccontextmanager
async def on_watch() -> AsyncIterator[Watch]:
    """Start the server and the worker; end both with the block."""
    clock = Clock()
    site = Site(clock)
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", site.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.base = f"127.0.0.1:{runner.addresses[0][1]}"
    worker = Worker(Neutral)
    async with Fetcher(clock) as fetcher:
        try:
            yield Watch(site, fetcher, worker, clock=clock)
        finally:
            await worker.close()
            await runner.cleanup()


def feed(*titles: str, more: str = "") -> str:
    """Give a feed with one entry a title."""
    entries = "".join(f"<item><guid>{title}</guid><title>{title}</title>{more}</item>" for title in titles)
    return f"<rss><channel>{entries}</channel></rss>"


def page(*ids: int, after: object = None) -> str:
    """Give one page of a list as JSON, with where the next one is."""
    return json.dumps({"list": [{"id": n, "text": f"停水{n}"} for n in ids], "next": after})

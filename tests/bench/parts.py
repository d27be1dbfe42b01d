"""What the benches share: a server of feeds that change on demand, and our monitors over a store as the service runs them.

Nothing here asserts or prints. Everything stays on loopback. Texts are invented, and the same at every run.
"""

import asyncio
import multiprocessing
import os
import random
import re
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib.resources import files
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiohttp import web

WORDS = tuple(
    re.findall(
        r"\S+",
        "县城 道路 今天 群众 反映 学校 门口 停车 困难 希望 有关 部门 尽快 处理 供水 小区 物业 电梯 维修 公交 线路 调整 "
        "夜间 施工 噪音 扰民 路灯 不亮 垃圾 清运 及时 工作 人员 现场 查看 情况 说明 感谢 关注 天气 转凉 注意 保暖 农产品 "
        "丰收 销售 渠道 拓宽 图书馆 开放 时间 延长 居民 表示 满意 幼儿园 招生 报名 材料 社保 办理 窗口 排队 较长",
    )
)
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Shape:
    """A kind of feed: `entries` in the document, of which `fresh` are new each round, with `letters` of text each.

    `is_html`: the text is a page of paragraphs, with a link and a picture, as in feeds with whole articles.
    """

    entries: int
    fresh: int
    letters: int
    is_html: bool = False


SHAPES = {
    "unchanged": Shape(30, 0, 800, is_html=True),
    "2 new of 30": Shape(30, 2, 800, is_html=True),
    "20 new of 20": Shape(20, 20, 140),
}


def text(seed: str, letters: int) -> str:
    """Give Chinese running text of about so many letters, the same for the same seed."""
    chance = random.Random(seed)
    words = []
    length = 0
    while length < letters:
        word = chance.choice(WORDS)
        words.append(word + ("。" if chance.random() < 0.12 else ""))
        length += len(words[-1])
    return "".join(words)


def _body(name: str, shape: Shape) -> str:
    said = text(name, shape.letters)
    if not shape.is_html:
        return said
    parts = "".join(f"<p>{said[at : at + 160]}</p>\n" for at in range(0, len(said), 160))
    link = f'<p>原文：<a href="/news/{name}.html" target="_blank">点击查看</a></p>'
    picture = f'<p style="text-align:center"><img src="/upload/{name}.jpg" width="600" alt="配图"/></p>'
    return f"<![CDATA[{picture}\n{parts}{link}]]>"


def document(feed: int, shape: Shape, turn: int) -> bytes:
    """Give the feed as it stands after so many rounds."""
    first = turn * shape.fresh
    rows = []
    for number in range(first, first + shape.entries):
        name = f"{feed}-{number}"
        day = format_datetime(EPOCH + timedelta(minutes=number))
        rows.append(
            f"<item><guid>{name}</guid><title>{text(name, 18)}{number}</title>"
            f"<link>http://feeds.example/{feed}/{number}</link><pubDate>{day}</pubDate>"
            f"<description>{_body(name + 'x', shape)}</description></item>"
        )
    return (
        "<?xml version='1.0' encoding='utf-8'?><rss version='2.0'><channel>"
        f"<title>源{feed}</title><link>http://feeds.example/{feed}</link>{''.join(reversed(rows))}</channel></rss>"
    ).encode()


class _Feeds:
    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.turn = 0
        self._made: dict[int, tuple[int, bytes]] = {}

    def prepare(self, count: int) -> None:
        """Write the documents of this turn before anybody asks: the server must not cost what it measures."""
        for feed in range(count):
            self._made[feed] = (self.turn, document(feed, self.shape, self.turn))

    async def answer(self, request: web.Request) -> web.Response:
        feed = int(request.match_info["feed"])
        turn, body = self._made.get(feed) or (self.turn, document(feed, self.shape, self.turn))
        tag = f'"{feed}-{turn if self.shape.fresh else 0}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(body=body, headers={"ETag": tag, "Content-Type": "application/rss+xml"})


def _serve(line: "Connection[Any, Any]", shape: Shape, count: int, hosts: int) -> None:
    async def work() -> None:
        feeds = _Feeds(shape)
        feeds.prepare(count)
        app = web.Application()
        app.router.add_get("/{feed}", feeds.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        port = 0
        for host in range(1, hosts + 1):
            await web.TCPSite(runner, f"127.0.0.{host}", port).start()
            port = runner.addresses[0][1]
        line.send(port)
        loop = asyncio.get_running_loop()
        while (turn := await loop.run_in_executor(None, line.recv)) is not None:
            feeds.turn = turn
            if shape.fresh:  # else nobody gets a document that changed
                feeds.prepare(count)
            line.send(True)
        await runner.cleanup()

    asyncio.run(work())


class FeedServer:
    """The server in a process of its own. `go_to(turn)` lets every feed move on. `bases`: one for each of its hosts."""

    def __init__(self, line: "Connection[Any, Any]", port: int, hosts: int) -> None:
        self._line = line
        self.bases = [f"http://127.0.0.{host}:{port}" for host in range(1, hosts + 1)]
        self.base = self.bases[0]

    def go_to(self, turn: int) -> None:
        """Change every feed to what it holds at that turn; returns once all are written."""
        self._line.send(turn)
        self._line.recv()


@contextmanager
def feed_server(shape: Shape, count: int, hosts: int = 1) -> Iterator[FeedServer]:
    """Serve so many feeds of a shape until the block ends, at so many addresses of the loopback (Linux answers at all)."""
    context = multiprocessing.get_context("spawn")
    line, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, shape, count, hosts), daemon=True)
    process.start()
    try:
        yield FeedServer(line, line.recv(), hosts)
    finally:
        line.send(None)
        process.join(5)
        process.kill()
        process.join()


@asynccontextmanager
async def monitors(
    sources: list[Any], folder: Path, clock: Any, url: str | None = None
) -> AsyncIterator[Any]:
    """Give a poller over a store with the rules of the template, as the service composes it, but without sentiment."""
    from bot.app import closing
    from bot.config import Configuration
    from bot.door import StoreDoor, Terms
    from bot.loop import settle
    from bot.office_file import load_office
    from monitors.fetch import Fetcher
    from monitors.poll import Poller
    from monitors.worker import Worker
    from routing.ledger import Ledger
    from routing.rules import load_rules
    from routing.store.engine import Store
    from routing.store.migrate import migrate

    templates = files("bot.templates")
    office = load_office((templates / "office.toml").read_text(encoding="utf-8"), "office.toml")
    rules = load_rules(
        (templates / "rules.toml").read_text(encoding="utf-8"), "rules.toml", tuple(office.channels)
    )
    store = Store(url or f"sqlite:///{folder / 'bench.db'}")
    migrate(store)
    terms = Terms.of(Configuration(office, tuple(sources), rules))
    door = StoreDoor(store, lambda: terms, Ledger(), clock, lambda: None)
    settle()  # as the service does when it starts
    try:
        async with Fetcher(clock) as fetcher, closing(Worker(None)) as worker:
            yield Poller(sources, fetcher, worker, door, clock)
    finally:
        store.close()


def source(number: int, base: str, **more: Any) -> Any:
    """Give one source of the feed server; asked each second at the earliest."""
    from monitors.sources import Source
    from routing.items import Kind

    return Source(
        id=f"s{number}",
        name=f"源{number}",
        kind="feed",
        url=f"{base}/{number}",
        site="feeds.example",
        item_kind=Kind.ARTICLE,
        interval_s=1,
        max_interval_s=1,
        allow_hosts=(base.removeprefix("http://"),),
        **more,
    )


class Clock:
    """The real time, moved on by hand so that everything is due again."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def cpu_s() -> float:
    """Give the processor seconds of this process and of its living children and theirs."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + sum(_cpu_s(pid) for pid in descendants())


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descendants(pid: int | None = None) -> list[int]:
    """Give the living processes below one, this one unless another is named."""
    found = []
    for task in Path(f"/proc/{pid or os.getpid()}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def rss_mib(pid: int | str = "self") -> float:
    """Give the resident memory of a process in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("no VmRSS")

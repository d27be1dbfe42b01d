"""Two services that only monitor, on one PostgreSQL: each source is read by one at a time, and no text is taken twice."""

import asyncio
import os
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from forked import Forked
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session
from test_whole_kill import Service
from watching import feed
from whole import Stage, actions, database, on_stage

from routing.store.tables import CaseItemRow, ItemRow, SourceRow

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("YUQING_TEST_DATABASE_URL" not in os.environ, reason="no YUQING_TEST_DATABASE_URL"),
]

NAMES = tuple(f"f{number:02d}" for number in range(20))
SLOW = NAMES[0]
ROUNDS = 3
MATTER = "桂汀苑停水第三天没人管"


@dataclass
class Monitor(Service):
    """A service that only monitors, whom the feeds know by its contact address."""

    name: str = ""

    async def start(self) -> None:
        mine = self.folder / self.name
        shutil.copytree(self.stage.settings.config, mine)
        sources = mine / "sources.toml"
        written = sources.read_text(encoding="utf-8").replace("duty@", f"{self.name}@")
        sources.write_text(written, encoding="utf-8")
        words, environment = ("run", "--only", "monitors"), self.environment() | {"YUQING_CONFIG": str(mine)}
        self.process = Forked(words, self.folder, environment, self.folder / f"{self.name}.log")


class Readers:
    """The feeds' side: what they show, who asks, and how many ask one feed at once."""

    def __init__(self) -> None:
        self.titles: dict[str, list[str]] = {name: [f"{name} 旧闻"] for name in NAMES}
        self.asked: Counter[tuple[str, str]] = Counter()
        self.now: dict[str, list[str]] = {name: [] for name in NAMES}
        self.most: Counter[str] = Counter()
        self.open = asyncio.Event()
        self.open.set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        found = re.search(r"(\w+)@", request.headers["User-Agent"])
        assert found is not None
        self.asked[found[1], name] += 1
        self.now[name].append(found[1])
        self.most[name] = max(self.most[name], len(self.now[name]))
        try:
            if name == SLOW:
                await self.open.wait()
            return web.Response(text=feed(*self.titles[name]), content_type="application/rss+xml")
        finally:
            self.now[name].remove(found[1])

    def asked_by(self, who: str) -> int:
        return sum(times for (reader, _), times in self.asked.items() if reader == who)


def _is_stored(titles: int, session: Session) -> bool:
    return session.scalar(select(func.count(ItemRow.id))) == titles


async def _publish(stage: Stage, readers: Readers, round_: int) -> None:
    """Show one new text in each feed, of the matter in some, and wait until all are stored."""
    for number, name in enumerate(NAMES):
        words = MATTER if number % 7 == 3 else "读书会开始报名"
        readers.titles[name].append(f"{words} {name} {round_}")
    await stage.until(lambda s: _is_stored((round_ + 2) * len(NAMES), s))


async def test_two_monitors_share_the_sources_and_a_killed_one_leaves_none_behind(tmp_path: Path) -> None:
    readers = Readers()
    with database("postgresql", tmp_path) as url:
        async with on_stage(tmp_path, url=url, with_app=False, feeds=NAMES) as stage:
            stage.feeds.answers = dict.fromkeys(NAMES, readers.answer)
            first, second = (Monitor(stage, tmp_path, name=name) for name in ("first", "second"))
            try:
                await first.start()
                await second.start()
                await stage.until(
                    lambda s: s.scalar(select(func.count()).where(SourceRow.baseline_done)) == len(NAMES)
                )
                for round_ in range(ROUNDS):
                    await _publish(stage, readers, round_)
                assert min(readers.asked_by("first"), readers.asked_by("second")) > 0

                readers.open.clear()  # one of them is in the midst of a source, and the other goes on
                await stage.until(lambda _: readers.now[SLOW])
                holder, other = (first, second) if readers.now[SLOW] == ["first"] else (second, first)
                seen = readers.asked_by(other.name)
                await stage.until(lambda _: readers.asked_by(other.name) > seen + len(NAMES))
                assert readers.most == dict.fromkeys(NAMES, 1)

                await holder.kill()  # and what it had in hand is the other's now
                readers.open.set()
                await _publish(stage, readers, ROUNDS)
                await _judge(stage, tmp_path)
            finally:
                await first.end()
                await second.end()


async def _judge(stage: Stage, folder: Path) -> None:
    read = stage.store.read
    assert set(await read(lambda s: s.scalars(select(ItemRow.revision)).all())) == {1}
    assert (await read(actions)).count("open") == 1
    told = sum(MATTER in name for name in await read(lambda s: s.scalars(select(ItemRow.title)).all()))
    assert await read(lambda s: s.scalar(select(func.count()).select_from(CaseItemRow))) == told
    locked = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert await read(lambda s: s.scalar(text(locked))) == 0
    for name in ("first", "second"):
        log = (folder / f"{name}.log").read_text(encoding="utf-8")
        assert "Traceback" not in log, log
        assert "tried again" not in log, log

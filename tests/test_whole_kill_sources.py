"""The real service killed in the midst of what the monitors bring: a push, a file that grows, a page that was changed.

A moment is a condition that can be seen from outside: half a body is on its way, a transaction of that source is open,
so many rows are there. What is stored and what people were told is judged at the end.
"""

import asyncio
import contextlib
import json
import random
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psycopg
import pytest
from aiohttp import web
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from test_whole_kill import RESENT, Service
from whole import ON_BOTH, Answer, Feeds, Json, actions, database, on_stage

from bot.app import ledger_of
from bot.demo.office import DUTY, OPERATOR
from monitors.inbox import push_key, sign
from routing.store.tables import CaseItemRow, ItemRow, PushRow, SourceRow

pytestmark = pytest.mark.slow

SECRET = "a-secret-of-the-test"
WATER = "桂汀苑停水第三天，一张通知都没有，四百多户人家要求给个说法，尽快恢复供水。"
PAGE = "<html><title>云汀县政府</title><body><p>欢迎访问云汀县人民政府门户网站</p></body></html>"
TAMPERED = PAGE.replace("欢迎访问", '澳门赌场 <a href="http://casino.example/">点击进入</a> 欢迎访问')

Moment = Callable[[], Awaitable[None]]


# -- the service, and the moments at which it dies -----------------------------------------------------------------


@dataclass
class Pushed(Service):
    """The service with a door for pushes."""

    port: int = 0

    def environment(self) -> dict[str, str]:
        pushes = {"YUQING_INGEST_LISTEN": f"127.0.0.1:{self.port}", "YUQING_INGEST_KEY": SECRET}
        return super().environment() | pushes

    async def push(self, body: bytes, stamp: int, *, halt: asyncio.Event | None = None) -> Json:
        """Push once; gives the answer. With `halt` only half of the body leaves, and then the event is set."""
        headers = {
            "Content-Type": "application/x-ndjson",
            "X-Yuqing-Timestamp": str(stamp),
            "X-Yuqing-Signature": sign(push_key(SECRET, "pushed"), stamp, "pushed", body),
        }
        url = f"http://127.0.0.1:{self.port}/ingest/pushed"
        data = body if halt is None else _half(body, halt)
        async with (
            aiohttp.ClientSession(trust_env=False) as client,
            client.post(url, data=data, headers=headers) as answer,
        ):
            told: Json = await answer.json()
            assert answer.status == 202, told
            return told

    async def push_until_taken(self, body: bytes, stamp: int) -> Json:
        """Do as a pushing system must: again after every answer but 202, and after none."""
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                    return await self.push(body, stamp)
                await asyncio.sleep(0.05)

    async def told(self, chat: int, *words: str) -> list[str]:
        """Give the messages that arrived in a group with all these words, as they were sent."""
        await self.stage.quiet()
        calls = await self.stage.client.record("sendMessage")
        texts = [str(call["params"]["text"]) for call in calls if int(call["params"]["chat_id"]) == chat]
        return [text for text in texts if all(word in text for word in words)]

    async def count(self, *conditions: object) -> int:
        """Count the stored items."""
        found: int = await self.stage.store.read(
            lambda s: s.scalar(select(func.count()).select_from(ItemRow).where(*conditions)) or 0  # type: ignore[arg-type]
        )
        return found


async def _half(body: bytes, halt: asyncio.Event) -> AsyncIterator[bytes]:
    yield body[: len(body) // 2]
    halt.set()
    await asyncio.Event().wait()


@asynccontextmanager
async def running_service(
    folder: Path,
    url: str,
    more: Callable[[Feeds], str],
    world: Answer | None = None,
    *,
    feeds: Sequence[str] = (),
    ready: int = 0,
) -> AsyncIterator[Pushed]:
    """Run the service until it has looked at as many sources as are polled."""
    async with on_stage(folder, url=url, with_app=False, feeds=feeds, more=more, world=world) as stage:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        service = Pushed(stage, folder, port=port)
        await service.start()
        try:
            await stage.until(lambda s: _seen(s) >= ready)
            yield service
            await stage.quiet()
            assert (await stage.store.read(ledger_of(stage.settings).verify)).broken is None
            assert "Traceback" not in (folder / "service.log").read_text(encoding="utf-8")
        except BaseException:
            print((folder / "service.log").read_text(encoding="utf-8")[-6000:])
            raise
        finally:
            await service.end()


def _seen(session: Session) -> int:
    return session.scalar(select(func.count()).where(SourceRow.baseline_done)) or 0


_HELD = (
    "SELECT granted FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
    " AND (classid::bigint << 32) | objid::bigint = hashtextextended(%s, 0)"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


async def _is_taken_in(url: str, source: str) -> None:
    """Wait until a transaction is open that takes in this source (on SQLite: any that writes)."""
    async with asyncio.timeout(20):
        if url.startswith("sqlite"):
            while not (_is_locked(url) and await _still_locked(url)):  # noqa: ASYNC110 - gives no event
                await asyncio.sleep(0.001)
            return
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as eye:
            while not await (await eye.execute(_HELD, [f"source:{source}"])).fetchall():  # noqa: ASYNC110
                await asyncio.sleep(0.001)


async def _is_waiting(url: str, source: str) -> None:
    """Wait until somebody waits for a turn that we hold. On SQLite nobody outside can see that."""
    if url.startswith("sqlite"):
        return
    async with (
        asyncio.timeout(20),
        await psycopg.AsyncConnection.connect(url, autocommit=True) as eye,
    ):
        while (False,) not in await (await eye.execute(_HELD, [f"source:{source}"])).fetchall():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def _still_locked(url: str) -> bool:
    await asyncio.sleep(0.02)  # a tick that writes is over by then
    return _is_locked(url)


def _is_locked(url: str) -> bool:
    with contextlib.closing(_opened(url)) as eye:
        try:
            eye.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        eye.execute("ROLLBACK")
        return False


def _opened(url: str) -> sqlite3.Connection:
    return sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)


@contextmanager
def _nothing_is_taken_in(url: str, source: str) -> Iterator[None]:
    """Let no transaction take in this source while the block runs."""
    if url.startswith("sqlite"):
        with contextlib.closing(_opened(url)) as hand:
            hand.execute("PRAGMA busy_timeout = 5000")
            hand.execute("BEGIN IMMEDIATE")
            yield
    else:
        with psycopg.connect(url) as hand:
            hand.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"source:{source}"])
            yield
            hand.rollback()


async def _judge_items(service: Pushed, source: str, expected: Sequence[str]) -> None:
    """Every record is stored once, as its first version, and the one matter was opened once and has all its texts."""
    read = service.stage.store.read
    rows = await read(
        lambda s: s.execute(
            select(ItemRow.external_id, ItemRow.revision).where(ItemRow.source_id == source)
        ).all()
    )
    assert Counter(row.external_id for row in rows) == Counter(expected)
    assert {row.revision for row in rows} == {1}
    assert (await read(actions)).count("open") == 1
    placed = await read(lambda s: s.scalar(select(func.count()).select_from(CaseItemRow)))
    assert placed == sum(is_of_matter(name) for name in expected)
    cards = await service.told(DUTY, "桂汀苑停水")
    assert cards
    assert sum(RESENT not in text for text in cards) <= 1, cards


# -- records -------------------------------------------------------------------------------------------------------


def is_of_matter(name: str) -> bool:
    """Tell which records are about the one matter: every fortieth."""
    return int(name.removeprefix("r")) % 40 == 7


def _record(number: int) -> Json:
    name = f"r{number}"
    text = WATER if is_of_matter(name) else f"第{number}届邻里读书会报名开始了，欢迎大家带着孩子来参加。"
    return {"id": name, "text": text}


def _lines(records: Sequence[Json]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


# -- a push --------------------------------------------------------------------------------------------------------


def _inbox(_: Feeds) -> str:
    return (
        '[[source]]\nid = "pushed"\nname = "云汀推送"\nkind = "inbox"\nitem_kind = "post"\ntags = ["本县"]\n'
    )


@ON_BOTH
async def test_killed_in_the_midst_of_pushes_each_record_is_stored_once(kind: str, tmp_path: Path) -> None:
    records = [_record(number) for number in range(300)]
    first, second, third = (_lines(records[at : at + 100]) for at in (0, 100, 200))
    stamp = int(time.time())
    with database(kind, tmp_path) as url:
        async with running_service(tmp_path, url, _inbox) as service:

            async def kill_during(push: Awaitable[Json], moment: Awaitable[object]) -> None:
                under_way = asyncio.ensure_future(push)
                await moment
                await service.kill_and_start()
                await asyncio.gather(under_way, return_exceptions=True)

            await service.push_until_taken(_lines(records[:1]), stamp)  # the door is open, the worker there
            halt = asyncio.Event()
            await kill_during(service.push(first, stamp, halt=halt), halt.wait())
            assert (await service.push_until_taken(first, stamp))["new"] == 99

            await kill_during(service.push(second, stamp), _is_taken_in(url, "pushed"))
            told = await service.push_until_taken(second, stamp)
            assert told in ({"accepted": 100, "new": 100}, {"accepted": 0, "repeated": True})

            taken = service.stage.until(lambda s: s.scalar(select(func.count(PushRow.signature))) == 4)
            await kill_during(service.push(third, stamp), taken)
            assert await service.push_until_taken(third, stamp) == {"accepted": 0, "repeated": True}

            for body in (first, second, third):  # and signed anew
                assert await service.push_until_taken(body, stamp + 1) == {"accepted": 100, "new": 0}
            await _judge_items(service, "pushed", [record["id"] for record in records])
            assert await service.told(OPERATOR) == []


# -- a file that another program appends to ------------------------------------------------------------------------


@ON_BOTH
async def test_killed_while_a_file_grows_no_line_is_lost_and_none_doubled(kind: str, tmp_path: Path) -> None:
    chance = random.Random(20261121)
    path = tmp_path / "crawled.jsonl"
    records = [_record(number) for number in range(360)]
    path.write_bytes(_lines(records[:1]))

    def crawled(_: Feeds) -> str:
        return (
            f'[[source]]\nid = "crawled"\nname = "云汀爬取"\nkind = "file"\npath = "{path}"\n'
            'item_kind = "post"\ntags = ["本县"]\ninterval_s = 1\nmax_bytes = 16384\n'
            '[source.mapping]\nid = "id"\ntext = "text"\n'
        )

    with database(kind, tmp_path) as url:
        async with running_service(tmp_path, url, crawled, ready=1) as service:

            async def some_are_stored() -> None:
                wanted = await service.count() + chance.randrange(1, 100)
                await service.stage.until(lambda s: (s.scalar(select(func.count(ItemRow.id))) or 0) >= wanted)

            async def a_round_is_open() -> None:
                await _is_taken_in(url, "crawled")

            rest = _lines(records[1:])
            moments: list[Moment] = [a_round_is_open, some_are_stored, a_round_is_open]
            with path.open("ab", buffering=0) as file:
                cuts = sorted(chance.sample(range(len(rest) // 4, len(rest) - 100), len(moments) - 1))
                for moment, (start, end) in zip(
                    moments, zip([0, *cuts], [*cuts, len(rest) - 60], strict=True), strict=True
                ):
                    file.write(rest[start:end])  # as good as never at the end of a line
                    await moment()
                    await service.kill_and_start()
                whole = len(records) - 1
                await service.stage.until(lambda s: s.scalar(select(func.count(ItemRow.id))) == whole)
                assert not await service.count(ItemRow.external_id == records[-1]["id"])
                file.write(rest[-60:])
            await service.stage.until(lambda s: s.scalar(select(func.count(ItemRow.id))) == len(records))
            assert service.kills == len(moments)
            await _judge_items(service, "crawled", [record["id"] for record in records])
            assert await service.told(OPERATOR) == []


# -- a page that must not change -----------------------------------------------------------------------------------


class Portal:
    """The watched page."""

    def __init__(self) -> None:
        self.page = PAGE
        self._asked = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()

    def hold(self) -> None:
        """Give nobody an answer until `let_go`."""
        self._open.clear()

    def let_go(self) -> None:
        self._open.set()

    async def answer(self, _: web.Request) -> web.StreamResponse:
        self._asked.set()
        await self._open.wait()
        return web.Response(text=self.page, content_type="text/html")

    async def next_question(self) -> None:
        self._asked.clear()
        await asyncio.wait_for(self._asked.wait(), 20)

    def sources_toml(self, feeds: Feeds) -> str:
        host = feeds.base_url.removeprefix("http://")
        return (
            '[[source]]\nid = "portal"\nname = "县政府首页"\nkind = "page"\n'
            f'url = "{feeds.base_url}/world/page"\ntags = ["本县"]\ninterval_s = 1\nallow_hosts = ["{host}"]\n'
        )


@ON_BOTH
async def test_killed_while_a_page_is_found_changed_the_alarm_is_told_once(kind: str, tmp_path: Path) -> None:
    portal = Portal()
    with database(kind, tmp_path) as url:
        async with running_service(tmp_path, url, portal.sources_toml, portal.answer, ready=1) as service:
            stage = service.stage

            portal.page = TAMPERED
            portal.hold()
            await portal.next_question()
            with _nothing_is_taken_in(url, "portal"):
                portal.let_go()
                await _is_waiting(url, "portal")
                await service.kill()  # killed when it knows, and could not write it down
            assert await service.told(OPERATOR) == []

            await stage.client.faults({"kind": "timeout_after", "method": "sendMessage", "chat": OPERATOR})
            await service.start()
            await stage.said(OPERATOR, "县政府首页", "casino.example")
            await service.kill_and_start()  # killed before it heard that the message had arrived
            await stage.said(OPERATOR, RESENT, "县政府首页", "casino.example")
            await _is_asked_twice(portal)
            for chat in (DUTY, OPERATOR):
                texts = await service.told(chat, "县政府首页")
                assert texts
                assert sum(RESENT not in text for text in texts) <= 1, texts
                assert all("casino.example" in text for text in texts)

            portal.page = PAGE
            for chat in (DUTY, OPERATOR):
                await stage.said(chat, "县政府首页", "消除")
                assert len(await service.told(chat, "消除")) == 1


async def _is_asked_twice(portal: Portal) -> None:
    await portal.next_question()  # the round before it is over then
    await portal.next_question()

"""The heartbeat as the outside hears it: over real HTTP and a real datagram socket, from a store whose writer may hang."""

import asyncio
import socket
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from builders import HOUR, MINUTE, Desk

from bot import heartbeat, systemd
from bot.heartbeat import Heartbeat
from bot.pulse import Signs
from routing import presence
from routing.errors import StoreDown
from routing.presence import DESK
from routing.store import engine
from routing.store.tables import OutboxRow, PresenceRow

SECRET = "/ping/5b0e-secret"


@pytest.fixture
def backend() -> str:
    """What is stored is tried on both databases elsewhere."""
    return "sqlite"


class Listener:
    """Whoever raises the alarm when nothing comes."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.status = 200
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.heard.append(f"{request.method} {request.path_qs}")
        headers = {"Location": "/elsewhere"} if self.status == 302 else {}
        return web.Response(status=self.status, headers=headers)


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", listener.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    listener.url = f"http://{host}:{port}{SECRET}?msg=OK&ping="
    try:
        yield listener
    finally:
        await runner.cleanup()


class Heart:
    """A heartbeat on a desk; all organs but the store are as `signs` says, and well unless a test changes them."""

    def __init__(self, desk: Desk, url: str = "") -> None:
        self.desk = desk
        self.changes: dict[str, Any] = {}
        self.beat = Heartbeat(desk.store, desk.ledger, lambda: desk.office, self.signs, desk.clock, url=url)

    def signs(self) -> Signs:
        now = self.desk.clock()
        return replace(Signs(now, heard_at=now, sender_at=now), **self.changes)

    def row(self) -> PresenceRow:
        [row] = self.desk.all(PresenceRow)
        return row

    def absences(self) -> int:
        mine = OutboxRow.dedupe_key.startswith("away:"), OutboxRow.chat == "operator"
        return len(self.desk.all(OutboxRow, *mine))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


async def test_the_address_is_asked_as_it_was_given_while_all_works_and_not_otherwise(desk):
    async with listening() as listener:
        heart = Heart(desk, listener.url)
        assert await heart.beat.beat()
        assert listener.heard == [f"GET {SECRET}?msg=OK&ping="]
        desk.clock.advance(MINUTE)
        heart.changes = {"heard_at": desk.clock() - 6 * MINUTE}
        assert not await heart.beat.beat()
        desk.clock.advance(MINUTE)
        assert not await heart.beat.beat()
        assert len(listener.heard) == 1
        assert heart.row().trouble.startswith("聊天平台 6 分钟没有应答")
        heart.changes = {}
        assert await heart.beat.beat()
        assert await heart.beat.beat()
        assert (heart.row().trouble, heart.row().pinged_at) == ("", desk.clock())


async def test_nothing_is_sent_before_the_platform_was_heard(desk):
    async with listening() as listener:
        heart = Heart(desk, listener.url)
        heart.changes = {"heard_at": None}
        assert not await heart.beat.beat()
        assert listener.heard == []


@pytest.mark.parametrize("status", [302, 404, 503])
async def test_a_ping_that_is_refused_is_counted_and_says_why_without_the_address(desk, status, caplog):
    async with listening() as listener:
        heart = Heart(desk, listener.url)
        listener.status = status
        with caplog.at_level("INFO"):
            for _ in range(3):
                assert not await heart.beat.beat()
        assert (heart.row().lost_pings, heart.row().ping_problem) == (2, f"对方回答 {status}")
        assert len(listener.heard) == 3  # one each, and no redirect is followed
        assert caplog.text.count("heartbeat was not taken") == 1
        assert "secret" not in caplog.text


async def test_nobody_there_is_a_reason_without_the_address():
    async with listening() as listener:
        url = listener.url
    said = await heartbeat.ask(url)
    assert said.startswith("连接不上")
    assert "127.0.0.1" not in said


async def test_a_writer_that_hangs_stops_both_and_the_watchdog_may_restart(desk, monkeypatch):
    monkeypatch.setattr(heartbeat, "WRITE_S", 0.05)
    hangs, goes_on = threading.Event(), threading.Event()
    async with listening() as listener:
        heart = Heart(desk, listener.url)
        assert await heart.beat.beat()

        def hang(session: object) -> None:
            hangs.set()
            goes_on.wait(60)

        hanging = asyncio.create_task(desk.store.write(hang, urgent=True))
        try:
            assert await asyncio.to_thread(hangs.wait, 10)
            desk.clock.advance(2 * MINUTE)
            assert heart.beat.feed()  # a write may take a while
            desk.clock.advance(2 * MINUTE)
            assert not await heart.beat.beat()
            assert not heart.beat.feed()
        finally:
            goes_on.set()
            await hanging
        monkeypatch.undo()
        assert await heart.beat.beat()
        assert heart.beat.feed()


async def test_a_database_that_another_process_locks_stops_the_heartbeat_but_a_restart_would_not_help(
    desk, monkeypatch
):
    async with listening() as listener:
        heart = Heart(desk, listener.url)
        assert await heart.beat.beat()
        monkeypatch.setattr(heartbeat, "WRITE_S", 0.02)
        monkeypatch.setattr(
            engine, "BUSY_TIMEOUT_MS", 20
        )  # three times: the note gives up before the writer does
        desk.store.engine.dispose()  # connections are made anew, and wait no longer than that
        with closing(sqlite3.connect(desk.store.url.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for _ in range(4):
                desk.clock.advance(2 * MINUTE)
                await heart.beat.beat()
                with pytest.raises(StoreDown):  # whoever else writes is refused meanwhile
                    await desk.store.write(lambda session: session.connection())
            assert heart.beat.feed()
            assert [trouble.restart for trouble in heart.beat.judge()] == [False]
        assert len(listener.heard) == 2  # 2 minutes later it is not yet known to be more than a slow disk
        monkeypatch.undo()
        desk.clock.advance(MINUTE)
        assert await heart.beat.beat()
        assert heart.absences() == 0  # it was there all the time


async def test_a_machine_that_slept_and_a_start_after_hours_are_absences_each_told_once(desk):
    heart = Heart(desk)
    await heart.beat.beat()
    desk.clock.advance(3 * HOUR)
    await heart.beat.beat()
    desk.clock.advance(MINUTE)
    await heart.beat.beat()
    assert heart.absences() == 1
    desk.clock.advance(HOUR)
    started = Heart(desk)
    await started.beat.beat()
    await started.beat.beat()
    assert heart.absences() == 2


async def test_a_polling_half_notes_itself_and_tells_nobody_of_its_absences(desk):
    for _ in range(2):
        beat = Heartbeat(
            desk.store,
            desk.ledger,
            lambda: desk.office,
            lambda: Signs(desk.clock(), chats=False),
            desk.clock,
            name="monitors@a",
        )
        await beat.beat()
        desk.clock.advance(HOUR)
    assert [row.name for row in desk.all(PresenceRow)] == ["monitors@a"]
    assert desk.all(OutboxRow) == []
    assert desk.run(lambda s: presence.last_seen(s, DESK)) is None


# --- systemd ---


@pytest.fixture(params=["a path", "the abstract namespace"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """A socket such as systemd hands to a service of Type=notify."""
    name = f"{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        is_path = request.param == "a path"
        door.bind(name if is_path else f"\0{name}")
        door.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", name if is_path else f"@{name}")
        monkeypatch.setenv("WATCHDOG_USEC", "150000")
        yield door


async def test_systemd_hears_that_we_are_ready_and_alive_and_that_we_stop(desk, manager):
    running = asyncio.create_task(Heart(desk).beat.run())
    heard: list[str] = []
    while heard.count("WATCHDOG=1") < 2 or "STATUS=正常" not in heard:
        heard += (await asyncio.to_thread(manager.recv, 4096)).decode().splitlines()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    while "STOPPING=1" not in heard:
        heard += (await asyncio.to_thread(manager.recv, 4096)).decode().splitlines()
    assert heard[0] == "READY=1"


@pytest.mark.parametrize(
    ("wanted", "process", "seconds"),
    [("", "", None), ("0", "", None), ("x", "", None), ("90000000", "", 90.0), ("90000000", "1", None)],
    ids=["none", "off", "noise", "wanted", "of another process"],
)
def test_the_watchdog_is_fed_only_where_systemd_wants_it_of_us(monkeypatch, wanted, process, seconds):
    monkeypatch.setenv("WATCHDOG_USEC", wanted)
    monkeypatch.setenv("WATCHDOG_PID", process)
    assert systemd.watchdog_s() == seconds


@pytest.mark.parametrize("address", ["", "vsock:2:1", "/nowhere/notify"])
def test_where_nobody_listens_nothing_happens(monkeypatch, address):
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not systemd.notify("READY=1")

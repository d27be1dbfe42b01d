"""The real service as a process, watched from outside: systemd's socket, a heartbeat, a stop of the process, an absence."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from test_bot_heartbeat import listening
from test_whole_kill import Service, running
from whole import DUTY, OPERATOR, WATER, database, number_of, on_stage

from bot import heartbeat
from routing.clock import utc_now
from routing.presence import DESK
from routing.store.tables import DeadlineRow, PresenceRow

pytestmark = pytest.mark.slow
WATCHDOG_S = 1.2


class Manager:
    """What systemd does for a service of Type=notify with WatchdogSec, as far as its socket goes."""

    def __init__(self, door: socket.socket) -> None:
        self._door = door
        self.heard: list[str] = []

    async def hears(self, line: str) -> None:
        """Wait for a line that comes from now on."""
        while True:
            said = (await asyncio.to_thread(self._door.recv, 4096)).decode().splitlines()
            self.heard += said
            if line in said:
                return

    def drop(self) -> None:
        """Throw away what came until now."""
        self._door.setblocking(False)
        try:
            while True:
                self._door.recv(4096)
        except BlockingIOError:
            self._door.settimeout(20)

    async def hears_nothing(self, seconds: float) -> bool:
        """Tell whether nothing comes for so long."""
        self._door.settimeout(seconds)
        try:
            await asyncio.to_thread(self._door.recv, 4096)
        except TimeoutError:
            return True
        finally:
            self._door.settimeout(20)
        return False


@asynccontextmanager
async def managed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Service, Manager]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(str(folder / "notify"))
        door.settimeout(20)
        plain = Service.environment
        more = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": str(int(WATCHDOG_S * 1_000_000))}
        monkeypatch.setattr(Service, "environment", lambda self: plain(self) | more)
        with database("sqlite", folder) as url:
            async with running(folder, url) as service:
                yield service, Manager(door)


async def test_systemd_hears_the_service_until_it_hangs_and_its_people_hear_of_it_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with managed(tmp_path, monkeypatch) as (service, manager):
        stage = service.stage
        await manager.hears("WATCHDOG=1")
        assert manager.heard[0] == "READY=1"
        stage.feeds.publish(WATER)
        number = number_of(await stage.card(DUTY, WATER.title, button="转办 信访"))
        await stage.quiet()

        assert service.process is not None
        os.kill(service.process.pid, signal.SIGSTOP)
        manager.drop()
        assert await manager.hears_nothing(2 * WATCHDOG_S)
        service.process.send_signal(
            signal.SIGABRT
        )  # so systemd does here (WatchdogSignal), and starts it again
        service.process.send_signal(signal.SIGCONT)
        assert await asyncio.wait_for(service.process.wait(), 20) == -signal.SIGABRT
        assert "Thread 0x" in (tmp_path / "service.log").read_text(encoding="utf-8")  # where it hung
        now, away = utc_now(), timedelta(hours=3)
        await stage.store.write(lambda s: s.execute(update(PresenceRow).values(seen_at=now - away)))
        passed = update(DeadlineRow).values(due_at=now - away / 2, next_at=now - away / 2)
        await stage.store.write(lambda s: s.execute(passed))
        await service.start()

        await manager.hears("READY=1")
        said = await stage.said(OPERATOR, "服务中断", "（3 小时", number)
        assert "到点待办：时限 2" in said["text"]
        told = await stage.said(DUTY, "服务中断", number, WATER.title)
        assert "提醒随后补发" in told["text"]
        await stage.said(DUTY, "超期：转办", number)
        await stage.quiet()
        texts = [str(call["params"].get("text")) for call in await stage.client.record("sendMessage")]
        assert sum("服务中断" in text for text in texts) == 2
        os.kill(service.process.pid, signal.SIGTERM)
        await manager.hears("STOPPING=1")
        assert await asyncio.wait_for(service.process.wait(), 20) == 0


async def test_the_address_is_asked_by_the_whole_service_once_all_of_it_has_shown_that_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_S", 0.1)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with (
        listening() as listener,
        on_stage(tmp_path, monitors=True, heartbeat_url=listener.url) as stage,
    ):
        assert listener.heard == []  # the platform has not answered the first question yet
        await stage.client.send(1001, 1001, "/open")  # now it does
        await stage.card(1001, "当前没有未办结事项")
        await stage.until(lambda s: s.get(PresenceRow, DESK).pinged_at)
        assert listener.heard

"""The demo's stage: sandbox, sample sources and the real service in one process, on loopback, in one folder.

Everything that must outlive a kill is in the folder: the database, the sandbox's journal, when the story began and on
which ports. Started again, the same story goes on.
"""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.app import App
from bot.config import load_folder
from bot.demo import office
from bot.demo.county import load_texts
from bot.demo.sources import SampleSources, source_urls
from bot.sandbox.server import Sandbox
from bot.sandbox.world import SANDBOX_TOKEN
from bot.settings import Settings
from bot.telegram.adapter import TelegramChat
from routing.clock import utc_now
from routing.errors import UserError
from routing.store.engine import Store
from routing.store.migrate import migrate
from routing.store.tables import SourceRow

PAGE_PORT, SOURCES_PORT = 8740, 8741
LEAD_S = 15.0
"""The first round of polling must be over before the story begins: what it finds is stock and alerts nobody."""

HINT = (
    "先看“值班群”：新帖发布几秒后出现卡片，点“转办”；再切到“联络员”签收、回复卡片拟稿；"
    "回到“值班员”初审和保密审查；最后由“领导”审批。"
)


@dataclass(frozen=True, slots=True)
class Props:
    """What a stage needs to be set up again as it was: epoch seconds, ports, pace."""

    started_at: float
    page_port: int
    sources_port: int
    pace: float


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage with the story running. `address` is the page's; `task` ends with the service."""

    address: str
    sandbox: Sandbox
    sources: SampleSources
    settings: Settings
    store: Store
    task: asyncio.Task[None]

    async def first_round(self) -> None:
        """Wait until every source was read once: what stood there before is stock and alerts nobody."""
        wanted = len(source_urls(""))
        while await self.store.read(_read_once) < wanted:  # noqa: ASYNC110 - rows give no event
            await asyncio.sleep(0.05)


def _read_once(session: Session) -> int:
    return session.scalar(select(func.count()).where(SourceRow.baseline_done)) or 0


@asynccontextmanager
async def set_up(
    folder: Path, *, pace: float = 1.0, page_port: int | None = None, lead_s: float = LEAD_S
) -> AsyncIterator[Stage]:
    """Set the stage up in a folder, new or as it was left, and run the service on it."""
    props = _props(folder, pace, page_port, lead_s)
    sources = SampleSources(
        load_texts(), port=props.sources_port, started_at=props.started_at, pace=props.pace
    )
    sandbox = Sandbox(
        office.cast(),
        port=props.page_port,
        journal=folder / "sandbox.jsonl",
        title="舆情值班台（演示）",
        hint=HINT,
    )
    task: asyncio.Task[None] | None = None
    try:
        await _open(sources, sandbox, props)
        settings = _settings(folder, sandbox)
        office.write_config(settings.config, source_urls(sources.base_url))
        office.write_roster(settings.config, utc_now())
        _seat(settings)
        app = App(settings, load_folder(settings.config), TelegramChat(SANDBOX_TOKEN, sandbox.base_url))
        ready = asyncio.Event()
        task = asyncio.create_task(app.run(ready=ready))
        await _first(ready, task)
        yield Stage(f"{sandbox.base_url}/", sandbox, sources, settings, app.store, task)
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await sandbox.stop()
        await sources.stop()


async def _open(sources: SampleSources, sandbox: Sandbox, props: Props) -> None:
    try:
        await sources.start()
        await sandbox.start()
    except OSError as error:
        raise UserError(
            f"端口 {props.page_port} 或 {props.sources_port} 被占用：演示可能已在运行；"
            "否则用 --dir 换一个数据文件夹，或用 --fresh 从头来。"
        ) from error


async def _first(ready: asyncio.Event, task: asyncio.Task[None]) -> None:
    """Wait until the service is up, or let the error out that kept it from coming up."""
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        task.result()


def _props(folder: Path, pace: float, page_port: int | None, lead_s: float) -> Props:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "demo.json"
    if path.exists():
        return Props(**json.loads(path.read_text(encoding="utf-8")))
    props = Props(
        time.time() + lead_s,
        _free(PAGE_PORT if page_port is None else page_port),
        _free(SOURCES_PORT if page_port is None else 0),
        pace,
    )
    path.write_text(json.dumps(asdict(props)), encoding="utf-8")
    return props


def _free(wanted: int) -> int:
    """Give the port that was wanted if it is free, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise AssertionError("unreachable: port 0 is always free")


def _settings(folder: Path, sandbox: Sandbox) -> Settings:
    return Settings(
        config=folder / "config",
        database_url=f"sqlite:///{folder / 'yuqing.db'}",
        telegram_token=SANDBOX_TOKEN,
        telegram_api=sandbox.base_url,
        admins=(str(office.ADMIN),),
    )


def _seat(settings: Settings) -> None:
    store = Store(settings.database_url)
    try:
        migrate(store)
        store.run(lambda session: office.seat(session, utc_now()))
    finally:
        store.close()

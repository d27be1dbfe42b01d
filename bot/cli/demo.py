"""demo: the whole desk on this machine, without a token and without the network."""

import asyncio
import contextlib
import logging
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from bot import loop
from bot.cli.common import BadUsage, console, out
from bot.demo.stage import Stage, set_up
from bot.demo.story import FIRST_TEXT, Story, StoryBroken
from bot.logs import set_up as set_up_logs
from bot.sandbox.client import SandboxClient
from bot.sandbox.world import SANDBOX_TOKEN

FOLDER, PACE = Path("demo-data"), 0.35


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    auto: Annotated[bool, typer.Option("--auto", help="自动演一遍，打印全过程；每步成立才退出 0")] = False,
    folder: Annotated[Path, typer.Option("--dir", help="数据放在哪里；再次启动接着演")] = FOLDER,
    fresh: Annotated[bool, typer.Option("--fresh", help="丢掉上次的演示数据，从头开始")] = False,
    pace: Annotated[
        float, typer.Option(help="发帖速度：0.35 约一分钟一件，1 约三倍", min=0.1, max=100)
    ] = PACE,
    port: Annotated[int | None, typer.Option(help="网页端口", min=0, max=65_535)] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="显示日志")] = False,
) -> None:
    """演示：沙盒聊天 + 示例县 + 示例来源，打开打印出的网址即可操作。"""
    set_up_logs([SANDBOX_TOKEN], level=logging.INFO if verbose else logging.WARNING)
    if auto:
        if (folder, pace, port) != (FOLDER, PACE, None):
            raise BadUsage(
                "--auto 用临时文件夹和空闲端口，演完即删；--dir、--pace、--port 不能和它一起写。要留下数据，请去掉 --auto。"
            )
        raise typer.Exit(loop.run(_auto()))
    if fresh and folder.exists():
        _clear(folder)
    loop.run(_show(folder, pace, port, goes_on=(folder / "demo.json").exists()))


async def _show(folder: Path, pace: float, port: int | None, *, goes_on: bool) -> None:
    async with set_up(folder, pace=pace, page_port=port) as stage:
        opening = None if goes_on else asyncio.create_task(_open(stage))
        out.print(f"\n  舆情值班台演示已启动，请在浏览器打开：  {stage.address}\n", markup=False)
        news = "  接着上次往下演。" if goes_on else "  约 20 秒后值班群出现第一张卡片。"
        console.print(f"{news}Ctrl-C 停止；再次启动接着演，--fresh 从头来。", markup=False)
        stop = asyncio.Event()
        running = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            running.add_signal_handler(name, stop.set)
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({stopped, stage.task}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if opening is not None:
            opening.cancel()
        if stage.task.done():
            stage.task.result()
    console.print("已停止，数据都在。", markup=False)


async def _open(stage: Stage) -> None:
    """Bring the first matter of the story forward: whoever opens the page waits for no slow beginning."""
    await stage.first_round()
    stage.sources.publish_now(FIRST_TEXT)


async def _auto() -> int:
    folder = Path(tempfile.mkdtemp(prefix="yuqing-demo-"))
    try:
        async with (
            set_up(folder, page_port=0, lead_s=3600) as stage,
            SandboxClient(stage.sandbox.base_url) as client,
        ):
            out.print("yuqing demo --auto：沙盒、示例来源、真实服务都在本机。", markup=False)
            story = asyncio.create_task(Story(stage, client, _tell).play())
            await asyncio.wait({story, stage.task}, return_when=asyncio.FIRST_COMPLETED)
            if not story.done():
                story.cancel()
                stage.task.result()
            story.result()
    except StoryBroken as error:
        console.print(f"✘ {error}", markup=False)
        return 1
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
    return 0


def _tell(line: str) -> None:
    out.print(line, markup=False)


def _clear(folder: Path) -> None:
    """Remove only what the demo wrote."""
    for name in (
        "demo.json",
        "sandbox.jsonl",
        "yuqing.db",
        "yuqing.db-wal",
        "yuqing.db-shm",
        "yuqing.db.lock",
    ):
        (folder / name).unlink(missing_ok=True)
    for name in ("config", "sandbox.jsonl.files"):
        shutil.rmtree(folder / name, ignore_errors=True)

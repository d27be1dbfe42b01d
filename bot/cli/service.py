"""init, check, run, poll: from an empty folder to a running desk."""

import asyncio
import contextlib
import faulthandler
import io
import logging
import signal
from collections.abc import Collection, Sequence
from dataclasses import asdict
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError
from yarl import URL

from bot import loop
from bot.app import App, Part, poll_once
from bot.checks import Finding, SourceFinding, leftovers, probe_chats, probe_sources
from bot.cli.common import (
    BadUsage,
    StaysDown,
    configured,
    console,
    database_name,
    from_store,
    out,
    print_json,
    progress_bar,
)
from bot.config import CALENDAR, Configuration
from bot.reload import Watcher
from bot.settings import Settings, folder_setting, read_environment
from bot.telegram.adapter import TelegramChat
from monitors.poll import SourceReport
from monitors.sources import Source, beijing
from routing.checkup import left_over
from routing.clock import utc_now
from routing.errors import ConfigError, NewerSchema, Problem, UserError, YuqingError, system_words

FILES = ("office.toml", "sources.toml", "rules.toml", "roster.toml")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init")(init)
    app.command("check")(check)
    app.command("run")(run)
    app.command("poll")(poll)


def init(
    folder: Annotated[Path, typer.Argument(metavar="文件夹", help="写到哪个文件夹")] = Path("config"),
) -> None:
    """写出带注释的示例配置；已有的文件不覆盖。"""
    texts = _templates(utc_now().astimezone(beijing).year)
    taken = [name for name in texts if (folder / name).exists()]
    if taken:
        raise UserError(
            f"{folder} 里已有 {'、'.join(taken)}，没有写任何文件。请换一个文件夹，或先移走旧文件。"
        )
    try:
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"写不进 {folder}（{system_words(error)}），请检查路径和权限。") from error
    written = "、".join(str(folder / name) for name in texts)
    out.print(f"已写出 {written}。\n下一步：{_next_steps(folder)}", markup=False)


def _templates(year: int) -> dict[str, str]:
    """Give what is written, by file; the calendar is that of the year, for one of another would not count."""
    templates = files("bot.templates")
    texts = {name: templates.joinpath(name).read_text(encoding="utf-8") for name in FILES}
    calendar = templates.joinpath("calendar.toml").read_text(encoding="utf-8")
    return {**texts, f"{CALENDAR}/{year}.toml": calendar.replace("2026", str(year))}


def _next_steps(folder: Path) -> str:
    lines = [] if folder == Path("config") else [f"YUQING_CONFIG={folder}"]
    lines.append("YUQING_TELEGRAM_TOKEN=令牌")
    return f"按注释改好这些文件；在工作目录的 .env 里写 {'、'.join(lines)}；然后运行 yuqing check。"


def check(
    live: Annotated[bool, typer.Option("--live", help="同时读一遍每个来源，探一遍令牌和群")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="显示日志")] = False,
) -> None:
    """检查整套配置，一次报出全部问题。"""
    try:
        settings, configuration = configured(level=_level(verbose))
    except ConfigError as error:
        if not as_json:
            raise
        print_json(_for_machines(error.problems, (), ()))
        raise typer.Exit(2) from error
    warnings = leftovers(settings, configuration)
    findings: list[Finding] = []
    if live:
        findings = loop.run(_probe(settings, configuration.sources, configuration.office.chats()))
    bad = sum(not finding.ok for finding in findings)
    if as_json:
        print_json(_for_machines((), warnings, findings))
    else:
        _print_findings(findings)
        _print_summary(settings, configuration, warnings, live, bad)
    if bad:
        raise typer.Exit(1)


def _for_machines(
    problems: Sequence[Problem], warnings: Sequence[Problem], findings: Sequence[Finding]
) -> dict[str, list[dict[str, object]]]:
    return {
        "problems": [asdict(problem) for problem in problems],
        "warnings": [asdict(warning) for warning in warnings],
        "findings": [finding.as_dict() for finding in findings],
    }


def _print_summary(
    settings: Settings, configuration: Configuration, warnings: Sequence[Problem], live: bool, bad: int
) -> None:
    office = configuration.office
    head = f"配置没有错误，有 {len(warnings)} 处提醒" if warnings else "配置没有问题"
    sources = len(configuration.sources)
    days = f"，工作日调整 {len(office.overrides)} 天" if office.overrides else ""
    console.print(
        f"{head}：{office.name}，{len(office.channels)} 个渠道，{sources} 个来源{days}。",
        markup=False,
        soft_wrap=True,
    )
    for warning in warnings:
        console.print(f"  提醒：{warning}", markup=False, soft_wrap=True)
    if bad:
        console.print(f"实测有 {bad} 项不通，见上表。", style="bold red", markup=False)
    elif not live and not settings.telegram_token:
        console.print("还没有设置 YUQING_TELEGRAM_TOKEN，yuqing run 之前要写进 .env。", markup=False)


def _level(verbose: bool) -> int:
    """One-shot commands answer on the screen: log lines only for what went wrong, unless asked for."""
    return logging.DEBUG if verbose else logging.WARNING


async def _probe(settings: Settings, sources: Sequence[Source], chats: Collection[str]) -> list[Finding]:
    findings: list[Finding] = []
    with progress_bar() as progress:
        task = progress.add_task("读取来源", total=len(sources))
        findings += await probe_sources(sources, lambda _: progress.advance(task))
    if not settings.telegram_token:
        findings.append(
            Finding("令牌", False, "没有设置 YUQING_TELEGRAM_TOKEN", "向 @BotFather 申请后写入 .env")
        )
        return findings
    chat = TelegramChat(settings.telegram_token, settings.telegram_api, proxy=settings.telegram_proxy or None)
    try:
        findings += await probe_chats(chat, sorted(chats))
    finally:
        await chat.stop()
    return findings


def _print_findings(findings: list[Finding]) -> None:
    if not findings:
        return
    sources = [finding for finding in findings if isinstance(finding, SourceFinding)]
    if sources:
        _print_sources(sources)
    table = Table("项目", "结果")
    table.add_column("说明", overflow="fold")
    table.add_column("怎么办", overflow="fold")
    for finding in findings:
        if not isinstance(finding, SourceFinding):
            verdict = "正常" if finding.ok else "有问题"
            table.add_row(Text(finding.subject), verdict, Text(finding.detail), Text(finding.cure))
    if table.row_count:
        out.print(table)


def _print_sources(findings: Sequence[SourceFinding]) -> None:
    """Print a table that fits a narrow terminal, and below it what is to be said of each source."""
    table = Table("来源", "结果", "状态码", "条数", "最新一条", "编码", "用时")
    for finding in findings:
        table.add_row(
            Text(finding.subject.removeprefix("来源 ")),
            finding.verdict,
            str(finding.status or "—"),
            str(finding.entries),
            finding.newest,
            finding.charset,
            f"{finding.elapsed_s:.1f} 秒",
        )
    out.print(table)
    for finding in findings:
        told = f"{finding.detail}。{finding.cure}" if finding.cure else finding.detail
        for line in (told, *(f"提示：{hint}" for hint in finding.hints)):
            out.print(f"{finding.subject}：{line}", markup=False, emoji=False, soft_wrap=True)


def run(
    only: Annotated[str, typer.Option(metavar="<哪一半>", help="只跑一半：monitors 或 bot")] = "",
    verbose: Annotated[bool, typer.Option("--verbose", help="更多日志")] = False,
) -> None:
    """启动服务；启动时自动升级数据库。Ctrl-C 停止。"""
    if only not in {"", "monitors", "bot"}:
        raise BadUsage(f"--only 只能是 monitors 或 bot，不能是 {only}。")
    try:
        _serve("monitors" if only == "monitors" else "bot" if only == "bot" else None, verbose)
    except (ConfigError, NewerSchema) as error:
        raise StaysDown from error


def _serve(part: Part | None, verbose: bool) -> None:
    watcher = Watcher(folder_setting(read_environment()))  # before it is read: an edit from now on is seen
    settings, configuration = configured(level=logging.DEBUG if verbose else logging.INFO)
    if not settings.telegram_token and part != "monitors":
        problem = Problem(
            "环境变量",
            None,
            "YUQING_TELEGRAM_TOKEN",
            "",
            "没有设置",
            "向 @BotFather 申请令牌写入 .env；先看效果可运行 yuqing demo",
        )
        raise ConfigError([problem])
    chat = TelegramChat(
        settings.telegram_token or "0:none", settings.telegram_api, proxy=settings.telegram_proxy or None
    )
    console.print(greeting(settings, configuration, part), markup=False, emoji=False, soft_wrap=True)
    app = App(settings, configuration, chat, watcher=watcher)
    with contextlib.suppress(io.UnsupportedOperation):  # where standard error is no file
        faulthandler.enable()  # systemd's watchdog ends us by SIGABRT: where each thread stood goes into the log
    loop.settle()
    loop.run(until_stopped(app, part))
    console.print(farewell(settings, part), markup=False, emoji=False, soft_wrap=True)


def farewell(settings: Settings, part: Part | None) -> str:
    """Say in one line that the service stopped as asked, and what waits for its next start."""
    if part == "monitors":
        return "yuqing 已正常停止。没有读完的来源，下次启动后重读。"
    try:
        messages, updates = from_store(settings, left_over)
    except (YuqingError, SQLAlchemyError):
        return "yuqing 已正常停止。数据库现在读不了，待办情况请用 yuqing doctor 查看。"
    if not messages and not updates:
        return "yuqing 已正常停止，没有做到一半的事。"
    waiting = (("待发消息", messages), ("待处理的群内操作", updates))
    told = "、".join(f"{name} {count} 条" for name, count in waiting if count)
    return f"yuqing 已正常停止。{told}在库里，下次启动后接着办。"


def greeting(settings: Settings, configuration: Configuration, part: Part | None) -> str:
    """Say in one line what starts: for a log, too, so nothing of it is a secret."""
    parts = {None: "监看和机器人", "monitors": "只跑监看，不发消息", "bot": "只跑机器人，不读来源"}
    sources = len(configuration.sources)
    pushed = sum(source.kind == "inbox" for source in configuration.sources)
    told = [parts[part], f"{sources} 个来源" + (f"（其中 {pushed} 个等推送）" if pushed else "")]
    told.append(f"数据库 {database_name(settings.database_url)}")
    if part != "bot":
        listen = settings.ingest_listen
        told.append(f"在 {listen} 接收推送" if listen else "不接收推送")
    if part != "monitors":
        told.append(f"聊天平台 {URL(settings.telegram_api).host or '未知'}")
    return f"yuqing 启动：{'；'.join(told)}。Ctrl-C 停止。"


async def until_stopped(app: App, part: Part | None = None, ready: asyncio.Event | None = None) -> None:
    """Run an app until it ends, or until Ctrl-C or a polite kill asks it to."""
    task = asyncio.create_task(app.run(part, ready))
    running = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        running.add_signal_handler(name, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def poll(
    source: Annotated[str, typer.Argument(metavar="来源", help="来源编号；不写则全部")] = "",
    once: Annotated[bool, typer.Option("--once", help="读一轮就结束")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="显示日志")] = False,
) -> None:
    """读一轮来源，打印来了什么、成了什么。"""
    if not once:
        raise BadUsage("请写 yuqing poll --once；长期运行用 yuqing run。")
    settings, configuration = configured(level=_level(verbose))
    ids = [s.id for s in configuration.sources]
    if source and source not in ids:
        raise BadUsage(f"没有编号为 {source} 的来源；现有：{'、'.join(ids)}。")
    pushed = [s.id for s in configuration.sources if s.kind == "inbox"]
    if source in pushed:
        raise BadUsage(f"{source} 由对方推送，不用读取；推送办法见 docs/push.md。")
    with progress_bar() as progress:
        total = 1 if source else len(ids) - len(pushed)
        bar, numbers = progress.add_task("读取来源", total=total), count(1)

        def done(_: SourceReport) -> None:
            number = next(numbers)  # comment feeds are found on the way
            progress.update(bar, completed=number, total=max(total, number))

        reports = loop.run(poll_once(settings, configuration, source or None, done))
    if as_json:
        print_json([_as_dict(report) for report in reports])
    else:
        for report in reports:
            _print_report(report)
    if any(report.problem for report in reports):
        raise typer.Exit(1)


def _print_report(report: SourceReport) -> None:
    head = f"{report.name}（{report.source_id}）：{report.status.value}"
    out.print(f"{head}，{report.entries} 条，新 {report.new}，{report.elapsed_s:.1f} 秒", markup=False)
    if report.problem:
        out.print(f"  {report.problem.detail}。{report.problem.cure}", markup=False)
    for line in (*report.notes, *report.outcomes):
        out.print(f"  {line}", markup=False)


def _as_dict(report: SourceReport) -> dict[str, object]:
    return {
        "source": report.source_id,
        "status": report.status.name.lower(),
        "entries": report.entries,
        "new": report.new,
        "elapsed_s": round(report.elapsed_s, 3),
        "problem": None if report.problem is None else report.problem.detail,
        "cure": None if report.problem is None else report.problem.cure,
        "outcomes": list(report.outcomes),
    }

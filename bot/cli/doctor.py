"""doctor: is everything well? One line a thing, from rows, files and clocks; asks no network and changes nothing."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Annotated

import typer
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bot.app import ledger_of
from bot.checks import leftovers
from bot.cli import backups
from bot.cli.common import (
    console,
    database_cure,
    database_file,
    database_name,
    folded,
    out,
    print_json,
    progress_bar,
    settings_now,
)
from bot.config import Configuration, load_folder
from bot.redact import Redact, redactor
from bot.settings import Settings
from monitors.sources import beijing
from routing import checkup, presence
from routing.checkup import Look, Verdict
from routing.clock import utc_now
from routing.errors import ConfigError
from routing.store.compact import MIB, pages
from routing.store.engine import Store
from routing.store.lease import Holder, holder
from routing.store.migrate import standing
from routing.worktime import is_workday

NAMES = {Verdict.WELL: "正常", Verdict.MIND: "注意", Verdict.BAD: "故障"}
STYLES = {Verdict.WELL: "", Verdict.MIND: "yellow", Verdict.BAD: "bold red"}
SCARCE, SHORT = 512 * MIB, 2048 * MIB
"""Free room on a disk below which nothing may be written soon, and below which somebody should look."""
LONG_LOG = 256 * MIB
MUCH_FREE = 256 * MIB
QUICK = 2048 * MIB
"""A larger database is read through only with --full: a minute a gigabyte on a slow disk."""
NEXT_YEAR_FROM = 12
VERDICT, FRAMES = 4, 10
"""The width of a verdict, and of the lines and margins of a table with three columns."""

Part = Callable[[], Sequence[Look]]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    full: Annotated[
        bool, typer.Option("--full", help="大的数据库也逐页检查，台账从头核验；要几分钟")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """体检：配置、数据库、台账、磁盘、时钟、服务、心跳、备份、来源、会话、发件、时限、值班。只读，不联网；有故障则退出码 1。"""
    settings = settings_now()
    now, redact = utc_now(), redactor(settings.secrets())
    configuration, looks = _configuration(settings)
    zone = configuration.office.zone if configuration else beijing
    if configuration is not None:
        looks += _calendar(configuration, now.astimezone(zone).date())
    looks += _disks(settings)
    with progress_bar() as progress:
        task = progress.add_task("体检", total=None)
        for look in _database(settings, configuration, now, zone, full, redact):
            looks.append(look)
            progress.advance(task)
    if all(look.what != backups.WHAT for look in looks):  # when it is needed most
        looks += _guarded(
            backups.WHAT,
            lambda: backups.look(
                None, settings.backup_dir, database_file(settings.database_url), now, zone, full=full
            ),
            redact,
        )
    _print(looks, as_json)
    if any(look.verdict is Verdict.BAD for look in looks):
        raise typer.Exit(1)


def _configuration(settings: Settings) -> tuple[Configuration | None, list[Look]]:
    try:
        configuration = load_folder(settings.config)
    except ConfigError as error:
        value = f"{len(error.problems)} 处错误，第一处：{error.problems[0]}"
        return None, [Look("配置", Verdict.BAD, value, "用 yuqing check 看全部，改好再查")]
    reminders = [reminder.where for reminder in leftovers(settings, configuration)]
    reminders += [] if settings.telegram_token else ["YUQING_TELEGRAM_TOKEN"]
    if reminders:
        value = f"{len(reminders)} 处提醒：{'、'.join(reminders[:4])}{' 等' if len(reminders) > 4 else ''}"
        return configuration, [Look("配置", Verdict.MIND, value, "用 yuqing check 看全部")]
    return configuration, [Look("配置", Verdict.WELL, configuration.office.name)]


def _calendar(configuration: Configuration, today: date) -> list[Look]:
    years = [today.year] + ([today.year + 1] if today.month >= NEXT_YEAR_FROM else [])
    unknown = [year for year in years if is_workday(date(year, 1, 1), configuration.office.overrides)[1]]
    if unknown:
        value = f"不知道 {unknown[0]} 年放假安排，只按周末算，时限标为暂定"
        return [Look("日历", Verdict.MIND, value, "升级 chinesecalendar，或写配置文件夹里的 calendar")]
    return [Look("日历", Verdict.WELL, f"{years[-1]} 年放假安排已知")]


def _disks(settings: Settings) -> Iterator[Look]:
    """Look at the disk below each folder that is written to, each disk once."""
    file = database_file(settings.database_url)
    folders = [file.parent] if file is not None else []
    folders += [settings.config, Path("/var/log")]
    seen: set[int] = set()
    for folder in folders:
        if folder.is_dir() and (device := folder.stat().st_dev) not in seen:
            seen.add(device)
            yield disk_look(folder.resolve(), shutil.disk_usage(folder).free)


def disk_look(folder: Path, free: int) -> Look:
    """Judge the room that is left on the disk below a folder. Pure."""
    verdict = Verdict.BAD if free < SCARCE else Verdict.MIND if free < SHORT else Verdict.WELL
    cure = "" if verdict is Verdict.WELL else "腾出空间；旧记录可用 yuqing purge 清理"
    return Look("磁盘", verdict, f"{folder} 还剩 {free / MIB / 1024:.1f} GB", cure)


def _database(
    settings: Settings,
    configuration: Configuration | None,
    now: datetime,
    zone: tzinfo,
    full: bool,
    redact: Redact,
) -> Iterator[Look]:
    name = database_name(settings.database_url)
    file = database_file(settings.database_url)
    if file is not None and not file.is_file():
        cure = "第一次用请运行 yuqing run，会自动建好；否则检查 YUQING_DATABASE_URL 和工作目录"
        yield Look("数据库", Verdict.BAD, f"没有 {name}", cure)
        return
    store = Store(settings.database_url)
    try:
        looks = list(_guarded("数据库", lambda: _schema(store, name), redact))
        yield from looks
        if looks[0].verdict is Verdict.BAD:
            return
        yield from _guarded("完整性", lambda: [_whole(store, full=full)], redact)
        yield from _guarded("服务", lambda: [service_look(holder(store), zone)], redact)
        if looks[0].verdict is Verdict.WELL:
            for what, work in _rows(settings, configuration, now, zone, full):
                yield from _guarded(what, lambda: store.peek(work), redact)  # noqa: B023 - called at once
    finally:
        store.close()


def _rows(
    settings: Settings, configuration: Configuration | None, now: datetime, zone: tzinfo, full: bool
) -> Iterator[tuple[str, Callable[[Session], list[Look]]]]:
    ledger = ledger_of(settings)
    yield "配置", lambda s: checkup.in_force(s, zone)
    has_address = bool(settings.heartbeat_url)
    yield "心跳", lambda s: presence.looks(s, now, zone, has_address=has_address)
    live = database_file(settings.database_url)
    yield backups.WHAT, lambda s: backups.look(s, settings.backup_dir, live, now, zone, full=full)
    yield "台账", lambda s: checkup.record(s, ledger, whole=full)
    yield "时钟", lambda s: checkup.clock(s, now, zone)
    yield "发件", lambda s: checkup.outgoing(s, now, zone)
    yield "群内操作", lambda s: checkup.incoming(s, now)
    yield "时限", lambda s: checkup.limits(s, now, zone)
    if configuration is not None:
        office = configuration.office
        watched = [source.id for source in configuration.sources]
        pushed = {source.id for source in configuration.sources if source.kind == "inbox"}
        yield "来源", lambda s: checkup.sources(s, watched, pushed, now, zone)
        yield "渠道", lambda s: checkup.homeless(s, office)
        yield "会话", lambda s: checkup.chats(s, office)
        yield "人员", lambda s: checkup.staff(s, office)
        yield "值班", lambda s: checkup.duty_now(s, office, now)


def _guarded(what: str, work: Part, redact: Redact) -> Sequence[Look]:
    """Look at one thing; what fails at that is itself a line, and the other things are looked at all the same."""
    try:
        return work()
    except Exception as error:  # a look that breaks must not hide the others
        # Of a database the first line of its own words; of anything else the kind alone: a text may hold an address.
        said = str(error.orig).strip().partition("\n")[0] if isinstance(error, DBAPIError) else ""
        cause = error.__cause__
        if isinstance(cause, DBAPIError):
            said = str(cause.orig).strip().partition("\n")[0]
        told = redact(f"没查成：{said or type(error).__name__}")
        return [Look(what, Verdict.BAD, told, database_cure(said))]


def _schema(store: Store, name: str) -> list[Look]:
    found, newest = store.peek(standing)
    if not found:
        return [Look("数据库", Verdict.BAD, f"{name} 是空的", "运行 yuqing run，会自动建表")]
    if found > newest:
        return [
            Look(
                "数据库",
                Verdict.BAD,
                f"{name} 已由更新的版本改过（{found}）",
                f"本版本只到 {newest}，请装回那个版本",
            )
        ]
    if found < newest:
        value = f"{name} 还是旧结构（{found}，本版本 {newest}），其余各项没有查"
        cure = "先停服务并备份，再用本版本启动 yuqing run，会自动升级"
        return [Look("数据库", Verdict.BAD, value, cure)]
    return [Look("数据库", Verdict.WELL, f"{name}，结构 {found}")]


def _whole(store: Store, *, full: bool) -> Look:
    if not store.is_sqlite:
        size = store.peek(lambda s: s.scalar(select(func.pg_database_size(func.current_database())))) or 0
        return Look("完整性", Verdict.WELL, f"{size // MIB} MB，由 PostgreSQL 保证")
    held = pages(store)
    value = f"{held.size // MIB} MB，空页 {held.free // MIB} MB，预写日志 {held.log // MIB} MB"
    if held.size > QUICK and not full:
        return Look("完整性", Verdict.WELL, f"{value}；文件大，没有逐页查，可加 --full")
    said = store.peek(lambda s: s.connection().exec_driver_sql("PRAGMA quick_check(1)").scalar_one())
    if said != "ok":
        cure = "立即停服务，另存一份数据库文件，用最近的备份恢复"
        return Look("完整性", Verdict.BAD, f"数据库文件有损坏：{said}", cure)
    if held.log > LONG_LOG:
        return Look("完整性", Verdict.MIND, value, "预写日志过大：看是否有程序长时间开着数据库，重启服务")
    if held.free > MUCH_FREE and held.free * 2 > held.size:
        return Look(
            "完整性", Verdict.MIND, value, "空出的地方会再用；急用磁盘时停服务后 yuqing purge --compact"
        )
    return Look("完整性", Verdict.WELL, value)


def service_look(held: Holder | None, zone: tzinfo) -> Look:
    """Tell whether the service runs, by who holds the database. Pure."""
    if held is None:
        return Look("服务", Verdict.BAD, "没有在运行", "运行 yuqing run，或看系统服务的状态和日志")
    since = f"，自 {held.since.astimezone(zone):%m-%d %H:%M}" if held.since else ""
    where = f"，进程 {held.pid}" if held.pid else f"，来自 {held.address}" if held.address else ""
    return Look("服务", Verdict.WELL, f"在运行{since}{where}")


def _print(looks: Sequence[Look], as_json: bool) -> None:
    bad, mind = (sum(look.verdict is verdict for look in looks) for verdict in (Verdict.BAD, Verdict.MIND))
    if as_json:
        lines = [
            {"what": one.what, "verdict": one.verdict.value, "value": one.value, "cure": one.cure}
            for one in looks
        ]
        print_json({"ok": not bad, "looks": lines})
        return
    table = Table("项目", "结论", "现状 → 怎么办")
    room = out.width - FRAMES - VERDICT - max((cell_len(one.what) for one in looks), default=0)
    for one in looks:
        verdict = Text(NAMES[one.verdict], style=STYLES[one.verdict])
        told = [*folded(one.value, room), *(folded(f"→ {one.cure}", room) if one.cure else [])]
        table.add_row(Text(one.what), verdict, Text("\n".join(told)))
    out.print(table)
    told = [f"{bad} 处故障"] * bool(bad) + [f"{mind} 处注意"] * bool(mind)
    console.print(f"{'，'.join(told)}。" if told else "都正常。", markup=False)

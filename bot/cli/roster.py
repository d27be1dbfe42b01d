"""roster: who is on duty, and what is wrong with the roster before somebody is missing."""

from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from bot.cli.common import BadUsage, configured, console, from_store, out, print_json
from bot.rosters import day_of, fault_line, stretch, unknown_line, unreachable_line
from routing import duty
from routing.clock import utc_now
from routing.duty import Unknown
from routing.office import Office
from routing.roster import Shift
from routing.roster_watch import Report, report

roster_app = typer.Typer(
    help="值班表：检查空档、重班和联系不上的人，查看排班。", no_args_is_help=True, rich_markup_mode=None
)
NONE = (
    "没有值班表：在配置文件夹的 roster.toml 里写 [[duty]]（yuqing init 写出的那份里有样例，去掉 # 再改），"
    "或放一份 roster.xlsx。"
)

Days = Annotated[int, typer.Option(help="从现在起看几天", min=1, max=366)]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(roster_app, name="roster")


@roster_app.command("check")
def check(days: Days = 7, as_json: Json = False) -> None:
    """检查值班表：没登记的姓名、空档、缺带班领导、一人两岗、节假日人手、联系不上的人。有问题则退出码 1。"""
    settings, configuration = configured()
    office, planned, now = configuration.office, configuration.roster, utc_now()
    if not planned:
        raise BadUsage(NONE)

    def work(session: Session) -> tuple[list[Unknown], Report]:
        found, unknown = duty.resolve(session, [shift for shift in planned if shift.ends_at > now])
        return unknown, report(session, office, found, now, now + timedelta(days=days))

    unknown, found = from_store(settings, work)
    lines = [unknown_line(one) for one in unknown]
    if not unknown:  # with a name missing, every shift of his would look like a gap
        lines += [fault_line(fault, office) for fault in found.faults]
        lines += [unreachable_line(name, how) for name, how in found.unreachable]
    well = not unknown and found.is_well
    if as_json:
        print_json({"ok": well, "shifts": found.shifts, "people": found.people, "problems": lines})
    else:
        for line in lines:
            out.print(line, markup=False)
        console.print(f"未来 {days} 天 {found.shifts} 班，{found.people} 人，{_verdict(lines)}", markup=False)
    if not well:
        raise typer.Exit(1)


def _verdict(lines: list[str]) -> str:
    return f"{len(lines)} 处要看。" if lines else "没有问题。"


@roster_app.command("show")
def show(days: Days = 7, as_json: Json = False) -> None:
    """列出排班，已批准的顶岗写在括号里。"""
    settings, configuration = configured()
    office, now = configuration.office, utc_now()

    def work(session: Session) -> list[dict[str, object]]:
        found, unknown = duty.resolve(session, configuration.roster)
        if unknown:
            raise BadUsage(unknown_line(unknown[0]) + "。用 yuqing roster check 查看全部。")
        end = now + timedelta(days=days)
        return [_row(session, shift) for shift in found if shift.starts_at < end and shift.ends_at > now]

    rows = from_store(settings, work)
    if as_json:
        print_json(rows)
    elif not rows:
        console.print(NONE, markup=False)
    else:
        out.print(_table(rows, office))


def _row(session: Session, shift: Shift[int]) -> dict[str, object]:
    watch = duty.watch_of(session, shift, shift.starts_at)
    return {
        "shift": shift.name,
        "starts_at": shift.starts_at,
        "ends_at": shift.ends_at,
        "leader": _named(watch.leader) if watch.leader else "",
        "staff": [_named(one) for one in watch.staff],
        "reserve": [_named(one) for one in watch.reserve],
    }


def _named(one: duty.OnDuty) -> str:
    return f"{one.name}（顶岗：{one.stands_for}）" if one.stands_for else one.name


def _table(rows: list[dict[str, object]], office: Office) -> Table:
    table = Table()
    for head in ("日期", "班次", "起止", "值班领导", "值班员", "备用人员"):
        table.add_column(head, overflow="fold")
    for row in rows:
        starts_at, ends_at = row["starts_at"], row["ends_at"]
        assert isinstance(starts_at, datetime)
        assert isinstance(ends_at, datetime)
        table.add_row(
            day_of(starts_at.astimezone(office.zone).date()),
            str(row["shift"]),
            stretch(starts_at, ends_at, office),
            str(row["leader"]),
            _listed(row["staff"]),
            _listed(row["reserve"]),
        )
    return table


def _listed(names: object) -> str:
    return "、".join(names) if isinstance(names, list) else ""

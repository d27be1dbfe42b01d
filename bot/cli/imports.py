"""import ledger: matters from an older ledger (旧台账) of the office, all of them or none."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from sqlalchemy.orm import Session

from bot import sheets
from bot.app import ledger_of
from bot.cli.common import (
    BadUsage,
    check_free,
    configuration_if_any,
    configured,
    console,
    from_store,
    in_store,
    opened,
    out,
    print_json,
    read_bytes,
    settings_now,
)
from bot.config import Configuration
from bot.names import level_tag
from bot.old_form import left_xlsx, template_xlsx
from bot.scoring import models_folder
from bot.secrecy import has_mark
from bot.settings import Settings
from monitors.counts import parse_count
from monitors.dates import read_date
from monitors.masking import mask
from monitors.persons import names_person
from routing import legacy, office_opinions, people
from routing.clock import utc_now
from routing.errors import ConfigError, Problem, UserError
from routing.grid import Sheet
from routing.judging import Judge
from routing.ledger import who
from routing.legacy import Origin, Prepared, Taken
from routing.legacy_form import Field, field_named, is_personal, plain
from routing.legacy_known import Fate, Sorted, sort
from routing.legacy_rows import Means
from routing.legacy_sheets import Reading, first_mark, grouped, read_sheets
from routing.legacy_words import channel_of, folded
from routing.office import Office
from routing.reasons import is_telling
from routing.workflow import ENDED, STATE_NAMES, Actor

import_app = typer.Typer(help="导入旧台账。", no_args_is_help=True, rich_markup_mode=None)
ROWS_NAMED = 12
_FATES = {Fate.NEW: "导入", Fate.SAME: "以前导入过", Fate.CHANGED: "有变化，未动", Fate.HERE: "本台已有"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(import_app, name="import")


@import_app.command("ledger")
def ledger(
    file: Annotated[
        Path | None, typer.Argument(metavar="文件", help="旧台账，XLSX 或 CSV", show_default=False)
    ] = None,
    reason: Annotated[str, typer.Option(help="导入理由，记入台账")] = "",
    by: Annotated[str, typer.Option(metavar="<姓名>", help="谁在导入：已登记的政府办或值班员的姓名")] = "",
    mapped: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="<旧列名=字段>", help="旧列名=字段，如 事由=标题；可写多次", show_default=False
        ),
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            metavar="<旧类别=渠道>", help="旧类别=渠道，如 民生类=信访；可写多次", show_default=False
        ),
    ] = None,
    sheet: Annotated[str, typer.Option(help="只读这个工作表")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只看会怎样，什么都不存")] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="有问题的行另存到旁边的“…未导入.xlsx”，其余照常导入")
    ] = False,
    skip_hidden: Annotated[bool, typer.Option("--skip-hidden", help="不读隐藏的行")] = False,
    rows: Annotated[int, typer.Option(help="--dry-run 列出前几行", min=0, max=5_000)] = 20,
    template: Annotated[
        Path | None, typer.Option(help="不导入，写一份空白表（带下拉和填写说明）", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="要写的文件已存在时覆盖")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """导入旧台账：已结的直接入库可查，在办的接着办。有一行不对就一行都不存，并列出全部问题。

    同一份表导两次不会重复；个人信息的列不导入，文字里的电话、证件号先隐去再存。
    """
    if template is not None:
        _write_template(template, force=force)
        return
    if file is None:
        raise BadUsage("请写要导入的文件，如 yuqing import ledger 台账.xlsx；空白表用 --template 台账.xlsx。")
    if not dry_run:
        _check_said(reason, by)
    settings, configuration = configured()
    office, now = configuration.office, utc_now()
    means = _means(configuration, now, _headings(mapped or ()), _renamed(channel or (), office))
    content = read_bytes(file)
    whole = sheets.read(file.name, content)
    if marked := first_mark(whole, means):  # also in a sheet that is not asked for
        _stop(settings, by, marked, now)
    found = _chosen(whole, sheet)
    left_to = file.with_name(f"{file.stem}.未导入.xlsx")
    if skip_bad and not dry_run:
        check_free(left_to, force)
    if by.strip():  # before anything is written, and where one only tries
        from_store(settings, lambda s: _actor(s, by, now))
    reading = _read(file.name, found, means, skip_hidden=skip_hidden)
    fates = from_store(settings, lambda s: sort(s, reading.matters))
    well = not reading.problems or (skip_bad and bool(reading.matters))
    if as_json and (dry_run or not well):
        print_json(_as_json(reading, fates))
    elif not as_json:
        _tell(reading, fates, office, rows if dry_run else 0)
    if not well:
        count = len(reading.bad) or len(reading.problems)
        rest = f"，或加 --skip-bad 先导入其余 {len(reading.matters)} 行" if reading.matters else ""
        console.print(
            f"{count} 行有问题，什么都没有存。请改好后重新导入{rest}。",
            markup=False,
            soft_wrap=True,
        )
        raise typer.Exit(1)
    if dry_run:
        console.print("以上是试运行，什么都没有存。", markup=False)
        return
    _save_left(found, reading, left_to)
    prepared = _prepared(settings, configuration, fates, now)
    origin = Origin(
        mask(file.name).text, hashlib.sha256(content).hexdigest(), mask(reason.strip()).text, len(reading.bad)
    )
    taken = in_store(
        settings,
        lambda s: legacy.take_over(
            s, office, ledger_of(settings), reading.matters, prepared, _actor(s, by, now), origin, now
        ),
    )
    if as_json:
        print_json(
            _as_json(reading, fates) | {"batch": taken.batch, "numbers": taken.numbers, "late": taken.late}
        )
    _close(taken, reading, left_to)


def _check_said(reason: str, by: str) -> None:
    if not is_telling(reason):
        raise BadUsage("请用 --reason 写明导入理由（至少 4 个字），会记入台账。先看看会怎样用 --dry-run。")
    if not by.strip():
        raise BadUsage("请用 --by 写明是谁在导入（已登记的政府办或值班员），会记入台账。")


def _write_template(file: Path, *, force: bool) -> None:
    check_free(file, force)
    configuration = configuration_if_any(settings_now())
    with opened(file) as handle:
        handle.write(template_xlsx(configuration.office if configuration else None))
    console.print(f"空白表已存为 {file}。填好后用 yuqing import ledger {file} --dry-run 检查。", markup=False)


def _actor(session: Session, name: str, now: datetime) -> Actor:
    try:
        actor = people.actor_by_id(session, people.named(session, name.strip()), at=now)
    except UserError as error:
        raise UserError(f"{error}没有导入。登记用 yuqing people invite。") from error
    if actor is None or not actor.roles & legacy.MAY_TAKE_OVER:
        raise UserError(f"{name} 不是政府办或值班员，不能导入台账。")
    return actor


def _means(
    configuration: Configuration,
    now: datetime,
    headings: Mapping[str, Field],
    renamed: Mapping[str, str],
) -> Means:
    office = configuration.office

    def masked(text: str) -> tuple[str, tuple[str, ...]]:
        done = mask(text)
        return done.text, done.kinds

    return Means(
        now=now,
        channels=office.channels,
        zone=office.zone,
        read_date=lambda text, latest: read_date(text, office.zone, latest),
        count=parse_count,
        mask=masked,
        is_marked=has_mark,
        names_person=names_person,
        headings=headings,
        renamed=renamed,
    )


def _headings(told: Sequence[str]) -> dict[str, Field]:
    found = {}
    for one in told:
        old, mark, name = one.partition("=")
        field = field_named(name)
        if not mark or not plain(old) or field is None:
            fields = "、".join(Field)
            raise BadUsage(f"--map “{one}”不对：写成 旧列名=字段，如 事由=标题。可用的字段：{fields}。")
        if is_personal(old, names_person):
            raise BadUsage(f"“{old}”是个人信息，按“对事不对人”不能导入，请去掉这个 --map。")
        found[plain(old)] = field
    return found


def _renamed(told: Sequence[str], office: Office) -> dict[str, str]:
    found = {}
    for one in told:
        old, mark, name = one.partition("=")
        key = channel_of(name, office.channels, {})
        if not mark or not folded(old) or key is None:
            names = "、".join(channel.name for channel in office.channels.values())
            raise BadUsage(f"--channel “{one}”不对：写成 旧类别=渠道，如 民生类=信访。本台的渠道：{names}。")
        found[folded(old)] = key
    return found


def _chosen(found: Sequence[Sheet], name: str) -> Sequence[Sheet]:
    if not name:
        return found
    chosen = [sheet for sheet in found if sheet.name == name]
    if not chosen:
        raise UserError(f"没有工作表“{name}”；文件里有：{'、'.join(sheet.name for sheet in found)}。")
    return chosen


def _read(file: str, found: Sequence[Sheet], means: Means, *, skip_hidden: bool) -> Reading:
    with _progress() as progress:
        task = progress.add_task("读取", total=sum(len(sheet.rows) for sheet in found))
        return read_sheets(file, found, means, skip_hidden=skip_hidden, on_row=lambda: progress.advance(task))


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    )


def _stop(settings: Settings, by: str, where: str, now: datetime) -> None:
    """Keep nothing of a file that bears a secrecy mark but that it was there (保守国家秘密法 第二十九条)."""

    def note(session: Session) -> None:
        try:
            actor = people.actor_by_id(session, people.named(session, by.strip())) if by.strip() else None
        except UserError:
            actor = None
        told = who(actor) if actor else {}
        name = actor.name if actor else "命令行"
        ledger_of(settings).write(session, at=now, actor=name, action="secrecy_mark", what="import", **told)

    in_store(settings, note)
    raise UserError(
        f"⛔ {where}带密级标识，整个文件没有导入，内容未保存。请立即移走这份文件并报告保密机构，涉密内容一律线下办理。"
    )


def _prepared(
    settings: Settings, configuration: Configuration, fates: Sequence[Sorted], now: datetime
) -> list[Prepared]:
    judge = Judge(configuration.rules, office_opinions.opinions(models_folder(settings)))
    new = [
        replace(one.matter, sheet=mask(one.matter.sheet).text) for one in fates if one.fate is Fate.NEW
    ]  # here, for only what is stored is masked: what is told names the sheet of the office's own file
    with _progress() as progress:
        tracked = progress.track(new, description="研判")
        return [legacy.prepare(matter, configuration.office, judge, now) for matter in tracked]


def _save_left(found: Sequence[Sheet], reading: Reading, file: Path) -> None:
    if not reading.bad:
        return
    with opened(file) as handle:
        handle.write(left_xlsx(found, reading.heads, _reasons(reading)))


def _reasons(reading: Reading) -> dict[tuple[str, int], list[str]]:
    reasons: dict[tuple[str, int], list[str]] = {key: [] for key in reading.bad}
    for problem in reading.problems:
        sheet = problem.file.rpartition("［")[2].removesuffix("］") if problem.file.endswith("］") else ""
        if (key := (sheet, problem.line or 0)) in reasons:
            reasons[key].append(f"{problem.where}：{problem.reason}。{problem.cure}")
    return reasons


# --- telling ---------------------------------------------------------------------------------------------------------


def _tell(reading: Reading, fates: Sequence[Sorted], office: Office, rows: int) -> None:
    for problem in ConfigError(reading.problems).problems:
        out.print(str(problem), markup=False)
    for text in reading.dropped:
        console.print(text, markup=False, soft_wrap=True)
    for text, places in grouped(reading.remarks):
        named = "、".join(places[:ROWS_NAMED]) + (f" 等 {len(places)} 行" if len(places) > ROWS_NAMED else "")
        console.print(
            f"{text}：第 {named} 行" if len(places) <= ROWS_NAMED else f"{text}：第 {named}",
            markup=False,
            soft_wrap=True,
        )
    for one in fates:
        if one.fate is Fate.CHANGED:
            row = f"{one.matter.sheet}!{one.matter.row}" if one.matter.sheet else str(one.matter.row)
            told = "；".join(one.changes)
            console.print(
                f"第 {row} 行与以前导入的 {one.number} 不同，没有改动，请在本台办理：{told}",
                markup=False,
                soft_wrap=True,
            )
    if rows and fates:
        out.print(_table(fates[:rows], office))
    console.print(_counts(reading, fates), markup=False, soft_wrap=True)


def _table(fates: Sequence[Sorted], office: Office) -> Table:
    table = Table()
    for head in ("行", "旧编号", "标题", "等级", "归口", "状态", "立项", "结果"):
        table.add_column(head, overflow="fold")
    for one in fates:
        matter = one.matter
        channel = office.channels.get(matter.channel)
        table.add_row(
            f"{matter.sheet}!{matter.row}" if matter.sheet else str(matter.row),
            matter.number,
            matter.title,
            level_tag(matter.level),
            channel.name if channel else "（按规则建议）",
            STATE_NAMES[matter.state],
            f"{matter.opened_at.astimezone(office.zone):%Y-%m-%d %H:%M}",
            f"{_FATES[one.fate]} {one.number}".strip(),
        )
    return table


def _counts(reading: Reading, fates: Sequence[Sorted]) -> str:
    counted = Counter(one.fate for one in fates)
    new = [one.matter for one in fates if one.fate is Fate.NEW]
    is_open = sum(matter.state not in ENDED for matter in new)
    parts = [f"读到 {reading.rows} 行：可导入 {len(new)} 行（在办 {is_open}，已结 {len(new) - is_open}）"]
    parts += [f"{_FATES[fate]} {counted[fate]} 行" for fate in Fate if fate is not Fate.NEW and counted[fate]]
    if reading.bad:
        parts.append(f"有问题 {len(reading.bad)} 行")
    return "，".join(parts) + "。"


def _close(taken: Taken, reading: Reading, left_to: Path) -> None:
    if taken.numbers:
        late = f"，其中 {taken.late} 件导入时已超期" if taken.late else ""
        console.print(
            f"已导入 {len(taken.numbers)} 件：在办 {taken.open} 件{late}，已结 {len(taken.numbers) - taken.open} 件。"
            "汇总由运行中的服务发到值班群。",
            markup=False,
            soft_wrap=True,
        )
    else:
        console.print("没有新的事项，台账里记了一笔。", markup=False)
    if reading.bad:
        console.print(
            f"{len(reading.bad)} 行没有导入，原样存在 {left_to}，最后一列是原因。",
            markup=False,
            soft_wrap=True,
        )


def _as_json(reading: Reading, fates: Sequence[Sorted]) -> dict[str, object]:
    counted = Counter(one.fate for one in fates)
    return {
        "rows": reading.rows,
        **{fate.value: counted[fate] for fate in Fate},
        "bad": len(reading.bad),
        "problems": [_problem(problem) for problem in ConfigError(reading.problems).problems],
        "remarks": [{"text": text, "rows": places} for text, places in grouped(reading.remarks)],
        "dropped": reading.dropped,
        "changed_rows": [
            {
                "row": one.matter.row,
                "sheet": one.matter.sheet,
                "number": one.number,
                "changes": list(one.changes),
            }
            for one in fates
            if one.fate is Fate.CHANGED
        ],
    }


def _problem(problem: Problem) -> dict[str, object]:
    return {
        "file": problem.file,
        "row": problem.line,
        "column": problem.where,
        "value": problem.value,
        "reason": problem.reason,
        "cure": problem.cure,
    }

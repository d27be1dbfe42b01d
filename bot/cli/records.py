"""digest, audit verify: the numbers of a week, and whether the record holds."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from bot.app import digest_chats, ledger_of, queue_digest
from bot.charts import digest_chart
from bot.cli.common import (
    BadUsage,
    check_ending,
    check_free,
    configured,
    console,
    from_store,
    in_store,
    out,
    print_json,
    save,
    settings_now,
)
from bot.digest_files import digest_docx, digest_xlsx
from bot.lists import digest_card
from bot.words import words
from routing import history
from routing.clock import Span, day_named, utc_now, week_named, week_of
from routing.digest import Digest, week_numbers
from routing.digest_form import title_of
from routing.errors import UserError
from routing.heads import Head, read_code
from routing.office import Office
from routing.why import Words

audit_app = typer.Typer(help="台账核验。", no_args_is_help=True, rich_markup_mode=None)
_FILES: Mapping[str, Callable[[Digest, Words], bytes]] = {
    ".png": lambda numbers, _: digest_chart(numbers),
    ".docx": digest_docx,
    ".xlsx": digest_xlsx,
}
"""How a digest is saved, by the ending of the file."""
Force = Annotated[bool, typer.Option("--force", help="--out 的文件已存在时覆盖")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("digest")(digest)
    app.add_typer(audit_app, name="audit")


def digest(
    week: Annotated[str, typer.Option(metavar="<周>", help="哪一周，如 2026-W47；不写为本周")] = "",
    day: Annotated[str, typer.Option(metavar="<日期>", help="哪一天，如 2026-11-21")] = "",
    send: Annotated[bool, typer.Option("--send", help="排入发送，由运行中的服务发出")] = False,
    file: Annotated[
        Path | None, typer.Option("--out", help="图表存为 PNG，周报存为 DOCX 或 XLSX，看后缀")
    ] = None,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """一周（或一天）的数字：打印，存图或存成文件，或发出。"""
    if file is not None:
        check_ending(file, *_FILES)
    settings, configuration = configured()
    office = configuration.office
    span = _span(office, week, day)
    if file is not None:
        check_free(file, force)
    numbers, lessons = from_store(
        settings, lambda s: (week_numbers(s, office, span, utc_now()), history.learn(s, span))
    )
    if file is not None:
        save(file, _FILES[file.suffix.lower()](numbers, words(configuration)))
    if as_json:
        print_json({**asdict(numbers), "lessons": asdict(lessons)})
    else:
        for block in digest_card(numbers, office, lessons).blocks:
            out.print(f"{block.label}：{block.text}" if block.label else block.text, markup=False)
    if file is not None:
        what = "图表" if file.suffix.lower() == ".png" else title_of(numbers)
        console.print(f"{what}已存为 {file}。", markup=False)
    if send:
        sent = in_store(settings, lambda s: _send(s, office, span))
        console.print(f"已排入发送：{sent} 个会话。服务运行时即发出。", markup=False)


def _send(session: Session, office: Office, span: Span) -> int:
    now = utc_now()
    return sum(
        queue_digest(session, span, chat, now, key=f"by-hand:{now.isoformat()}")
        for chat in digest_chats(session, office)
    )


def _span(office: Office, week: str, day: str) -> Span:
    if week and day:
        raise BadUsage("--week 和 --day 只写一个。")
    try:
        if day:
            return day_named(day, office.zone)
        return week_named(week, office.zone) if week else week_of(utc_now(), office.zone)
    except ValueError as error:
        raise BadUsage(
            f"“{day or week}”不是有效的日期；写成 --week 2026-W47 或 --day 2026-11-21。"
        ) from error


@audit_app.command("verify")
def verify(
    head: Annotated[
        list[str] | None,
        typer.Option(
            metavar="<校验码>",
            help="存证消息里的校验码，如 1234:0f3a9c22e1b7d640；可写多个",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """从头核验台账，并与存证对照；有一行不符就指出是哪一行，退出码 1。"""
    posted = [_head(code) for code in head or ()]
    settings = settings_now()
    result = from_store(settings, lambda s: ledger_of(settings).verify(s, posted))
    if as_json:
        broken = result.broken and {"seq": result.broken.seq, "reason": result.broken.reason}
        print_json({"lines": result.lines, "head": result.head, "heads": result.heads, "broken": broken})
    elif result.broken is None and not result.lines:
        out.print("台账还没有记录。", markup=False)
    elif result.broken is None:
        compared = f"与 {result.heads} 处存证一致。" if result.heads else ""
        now = Head(result.lines, result.head, "").code
        out.print(f"台账 {result.lines} 行，全部相符。{compared}末行校验码 {now}", markup=False)
    else:
        out.print(
            f"台账第 {result.broken.seq} 行不符：{result.broken.reason}。其前 {result.lines} 行相符。",
            markup=False,
        )
    if result.broken is not None:
        raise typer.Exit(1)


def _head(code: str) -> Head:
    try:
        return read_code(code)
    except UserError as error:
        raise BadUsage(str(error)) from error

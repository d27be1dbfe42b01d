"""digest, audit verify, export ledger: what the office takes out of the desk."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from bot.app import digest_chats, ledger_of, queue_digest
from bot.charts import digest_chart
from bot.cli.common import (
    BadUsage,
    check_free,
    configured,
    console,
    in_store,
    opened,
    out,
    print_json,
    settings_now,
)
from bot.dossier import dossier_xlsx
from bot.forms import ledger_xlsx
from bot.lists import digest_card
from bot.names import HOUSE_SOURCES
from bot.words import words
from routing import history
from routing.clock import Span, day_named, utc_now, week_named, week_of
from routing.digest import week_numbers
from routing.dossier import Dossier, Scope, dossier
from routing.errors import UserError
from routing.export import LedgerLine, ledger_rows
from routing.heads import Head, read_code
from routing.office import Office
from routing.reasons import REASON_MIN
from routing.views import find_case

audit_app = typer.Typer(help="台账核验。", no_args_is_help=True, rich_markup_mode=None)
export_app = typer.Typer(help="导出表格。", no_args_is_help=True, rich_markup_mode=None)
Force = Annotated[bool, typer.Option("--force", help="--out 的文件已存在时覆盖")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("digest")(digest)
    app.add_typer(audit_app, name="audit")
    app.add_typer(export_app, name="export")


def digest(
    week: Annotated[str, typer.Option(help="哪一周，如 2026-W47；不写为本周")] = "",
    day: Annotated[str, typer.Option(help="哪一天，如 2026-11-21")] = "",
    send: Annotated[bool, typer.Option("--send", help="排入发送，由运行中的服务发出")] = False,
    file: Annotated[Path | None, typer.Option("--out", help="图表存为 PNG")] = None,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """一周（或一天）的数字：打印，存图，或发出。"""
    settings, configuration = configured()
    office = configuration.office
    span = _span(office, week, day)
    if file is not None:
        check_free(file, force)
    numbers, lessons = in_store(
        settings, lambda s: (week_numbers(s, office, span, utc_now()), history.learn(s, span))
    )
    if file is not None:
        _write(file, digest_chart(numbers))
    if as_json:
        print_json({**asdict(numbers), "lessons": asdict(lessons)})
    else:
        for block in digest_card(numbers, office, lessons).blocks:
            out.print(f"{block.label}：{block.text}" if block.label else block.text, markup=False)
    if file is not None:
        console.print(f"图表已存为 {file}。", markup=False)
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
        typer.Option(help="存证消息里的校验码，如 1234:0f3a9c22e1b7d640；可写多个", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """从头核验台账，并与存证对照；有一行不符就指出是哪一行，退出码 1。"""
    posted = [_head(code) for code in head or ()]
    settings = settings_now()
    result = in_store(settings, lambda s: ledger_of(settings).verify(s, posted))
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


@export_app.command("ledger")
def ledger(
    file: Annotated[Path, typer.Option("--out", help="存为 XLSX")],
    reason: Annotated[str, typer.Option(help="导出理由，记入台账")],
    week: Annotated[str, typer.Option(help="哪一周，如 2026-W47；不写为本周")] = "",
    full: Annotated[bool, typer.Option("--full", help="含 Ⅰ、Ⅱ 级事项的链接和摘要")] = False,
    force: Force = False,
) -> None:
    """导出网络舆情处置台账（XLSX）。默认不含 Ⅰ、Ⅱ 级事项的链接和摘要。"""
    if len(reason.strip()) < REASON_MIN:
        raise BadUsage("请写明导出理由（至少 4 个字），会记入台账。")
    settings, configuration = configured()
    span = _span(configuration.office, week, "")
    check_free(file, force)

    platforms = {source.id: source.name for source in configuration.sources} | HOUSE_SOURCES

    def work(session: Session) -> list[LedgerLine]:
        rows = ledger_rows(session, configuration.office, span, full=full, platforms=platforms)
        ledger_of(settings).write(
            session,
            at=utc_now(),
            actor="命令行",
            action="export",
            what="ledger",
            span=span.name,
            reason=reason,
            full=full,
        )
        return rows

    with opened(file) as handle:  # first: an export that cannot be saved is none, and leaves no line
        rows = in_store(settings, work)
        handle.write(ledger_xlsx(rows))
    console.print(f"已导出 {len(rows)} 行到 {file}。", markup=False)


@export_app.command("case")
def case(
    key: Annotated[str, typer.Argument(help="事项编号，如 YQ-2026-0001 或 1")],
    file: Annotated[Path, typer.Option("--out", help="存为 XLSX")],
    reason: Annotated[str, typer.Option(help="导出理由，记入台账")],
    full: Annotated[bool, typer.Option("--full", help="Ⅰ、Ⅱ 级事项也含链接、来文和答复稿全文")] = False,
    secrecy: Annotated[bool, typer.Option("--secrecy", help="含保密审查的依据和理由")] = False,
    force: Force = False,
) -> None:
    """导出一个事项的全部案卷（XLSX）：来文、经过、答复稿与审签、转办、时限、消息、台账行。"""
    if len(reason.strip()) < REASON_MIN:
        raise BadUsage("请写明导出理由（至少 4 个字），会记入台账。")
    settings, configuration = configured()
    check_free(file, force)

    case_id = in_store(settings, lambda s: _case_named(s, key))

    def work(session: Session) -> Dossier:
        ledger_of(settings).write(
            session,
            at=utc_now(),
            actor="命令行",
            action="export",
            case_id=case_id,
            what="case",
            reason=reason,
            full=full,
            secrecy=secrecy,
        )
        return dossier(session, case_id, Scope(full=full, secrecy=secrecy))

    with opened(file) as handle:  # first: an export that cannot be saved is none, and leaves no line
        found = in_store(settings, work)
        handle.write(dossier_xlsx(found, configuration.office, words(configuration)))
    console.print(f"已导出 {found.number} 的案卷到 {file}。", markup=False)


def _case_named(session: Session, key: str) -> int:
    case_id = find_case(session, key)
    if case_id is None:
        raise UserError(f"没有事项“{key}”，什么都没有导出；请写编号，如 YQ-2026-0001 或 1。")
    return case_id


def _write(file: Path, content: bytes) -> None:
    with opened(file) as handle:
        handle.write(content)

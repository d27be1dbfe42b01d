"""export: what the office takes out of the desk as files, each with a reason and a line of the record.

The file is read, made and written under another name first, then the record gets its line, then the file its name: what
cannot be saved leaves no line, and no file leaves without one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy.orm import Session

from bot.app import ledger_of
from bot.cli.common import BadUsage, check_ending, check_free, configured, console, from_store, in_store, save
from bot.config import Configuration
from bot.dossier import dossier_xlsx
from bot.forms import ledger_xlsx
from bot.names import HOUSE_SOURCES
from bot.paper import FORMS, LOGS
from bot.settings import Settings
from bot.steps import REPORTS
from bot.words import words
from monitors.masking import mask
from routing import papers
from routing.briefs import bulletin_form, special_form
from routing.clock import Span, day_named, utc_now, week_named, week_of
from routing.dossier import Scope, dossier
from routing.duty_log import duty_log
from routing.errors import UserError
from routing.export import ledger_rows
from routing.forms import Facts, Form, dispatch_form, review_forms
from routing.ledger import Entry
from routing.reasons import is_telling
from routing.views import case_view, find_case

export_app = typer.Typer(help="导出表格。", no_args_is_help=True, rich_markup_mode=None)
Force = Annotated[bool, typer.Option("--force", help="--out 的文件已存在时覆盖")]
Reason = Annotated[str, typer.Option(help="导出理由，记入台账")]
Full = Annotated[bool, typer.Option("--full", help="含 Ⅰ、Ⅱ 级事项的链接和文字")]
Out = Annotated[Path, typer.Option("--out", help="存为 DOCX 或 XLSX，看后缀")]
Keys = Annotated[list[str], typer.Argument(metavar="编号", help="事项编号，如 YQ-2026-0001 或 1；可写多个")]
T = TypeVar("T")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(export_app, name="export")


@dataclass(frozen=True, slots=True)
class _Errand:
    """One export that may go on: where to, why, and with which configuration."""

    what: str
    file: Path
    reason: str
    settings: Settings
    configuration: Configuration

    def read(self, work: Callable[[Session], T]) -> T:
        return from_store(self.settings, work)

    def finish(self, content: bytes, lines: Sequence[tuple[int | None, dict[str, Any]]]) -> None:
        """Save the file and write a line of the record for each of `lines`: a matter or None, and what else to tell."""
        now = utc_now()
        entries = [
            Entry(now, "命令行", "export", case_id, {"what": self.what, "reason": self.reason, **told})
            for case_id, told in lines
        ]
        ledger = ledger_of(self.settings)
        save(
            self.file,
            content,
            first=lambda: in_store(self.settings, lambda s: ledger.write_all(s, entries)),
        )


def _errand(what: str, file: Path, reason: str, *endings: str, force: bool) -> _Errand:
    if not is_telling(reason):
        raise BadUsage("请写明导出理由（至少 4 个字），会记入台账。")
    check_ending(file, *endings)
    settings, configuration = configured()
    check_free(file, force)
    return _Errand(what, file, mask(reason.strip()).text, settings, configuration)


@export_app.command("ledger")
def ledger(
    file: Annotated[Path, typer.Option("--out", help="存为 XLSX")],
    reason: Reason,
    week: Annotated[str, typer.Option(metavar="<周>", help="哪一周，如 2026-W47；不写为本周")] = "",
    full: Annotated[bool, typer.Option("--full", help="含 Ⅰ、Ⅱ 级事项的链接和摘要")] = False,
    force: Force = False,
) -> None:
    """导出网络舆情处置台账（XLSX）。默认不含 Ⅰ、Ⅱ 级事项的链接和摘要。"""
    errand = _errand("ledger", file, reason, ".xlsx", force=force)
    configuration = errand.configuration
    span = _week(configuration, week)
    platforms = {source.id: source.name for source in configuration.sources} | HOUSE_SOURCES
    rows = errand.read(lambda s: ledger_rows(s, configuration.office, span, full=full, platforms=platforms))
    errand.finish(ledger_xlsx(rows), [(None, {"span": span.name, "full": full})])
    console.print(f"已导出 {len(rows)} 行到 {file}。", markup=False)


@export_app.command("case")
def case(
    key: Annotated[str, typer.Argument(metavar="编号", help="事项编号，如 YQ-2026-0001 或 1")],
    file: Annotated[Path, typer.Option("--out", help="存为 XLSX")],
    reason: Reason,
    full: Annotated[bool, typer.Option("--full", help="Ⅰ、Ⅱ 级事项也含链接、来文和答复稿全文")] = False,
    secrecy: Annotated[bool, typer.Option("--secrecy", help="含保密审查的依据和理由")] = False,
    force: Force = False,
) -> None:
    """导出一个事项的全部案卷（XLSX）：来文、经过、答复稿与审签、转办、时限、消息、台账行。"""
    errand = _errand("case", file, reason, ".xlsx", force=force)
    configuration = errand.configuration
    case_id = errand.read(lambda s: _case_named(s, key))
    found = errand.read(lambda s: dossier(s, case_id, Scope(full=full, secrecy=secrecy)))
    content = dossier_xlsx(found, configuration.office, words(configuration))
    errand.finish(content, [(case_id, {"full": full, "secrecy": secrecy})])
    console.print(f"已导出 {found.number} 的案卷到 {file}。", markup=False)


@export_app.command("log")
def log(
    file: Out,
    reason: Reason,
    day: Annotated[str, typer.Option(metavar="<日期>", help="哪一天，如 2026-11-21；不写为今天")] = "",
    full: Full = False,
    force: Force = False,
) -> None:
    """导出一天的值班日志（DOCX），XLSX 另附当日的网络舆情日志。"""
    errand = _errand("log", file, reason, *LOGS, force=force)
    configuration = errand.configuration
    span = _day(configuration, day)
    found = errand.read(lambda s: duty_log(s, configuration.office, span, words(configuration), full=full))
    content = LOGS[file.suffix.lower()](found, configuration.office, utc_now())
    errand.finish(content, [(None, {"span": span.name, "full": full})])
    console.print(f"已导出 {span.name} 的值班日志到 {file}：{len(found.lines)} 条记录。", markup=False)


@export_app.command("dispatch")
def dispatch(
    keys: Annotated[
        list[str],
        typer.Argument(metavar="编号", help="事项编号，如 1；或转办单文号，如 舆转〔2026〕1号；可写多个"),
    ],
    file: Out,
    reason: Reason,
    full: Full = False,
    force: Force = False,
) -> None:
    """导出舆情转办单（DOCX 或 XLSX），每个事项最新的一张，或文号指明的一张。"""
    errand = _errand("dispatch", file, reason, *FORMS, force=force)
    _export_forms(errand, keys, Scope(full=full), lambda facts, key: [dispatch_form(facts, key)])


@export_app.command("brief")
def brief(
    keys: Keys,
    file: Out,
    reason: Reason,
    report: Annotated[
        str, typer.Option(metavar="<种类>", help="导出舆情快报：首报、续报或终报中最新的一次；不写为舆情专报")
    ] = "",
    full: Full = False,
    force: Force = False,
) -> None:
    """导出舆情专报，或已登记报告的舆情快报（DOCX 或 XLSX）。"""
    kinds = {name: kind for kind, name in REPORTS.items()}
    if report and report not in kinds:
        raise BadUsage(f"“{report}”不是报告类型；--report 写 {'、'.join(kinds)} 之一，不写为舆情专报。")
    errand = _errand("brief", file, reason, *FORMS, force=force)

    def fill(facts: Facts, key: str) -> Sequence[Form]:
        return [bulletin_form(facts, kinds[report]) if report else special_form(facts)]

    _export_forms(errand, keys, Scope(full=full), fill)


@export_app.command("review")
def review(
    keys: Keys,
    file: Out,
    reason: Reason,
    full: Full = False,
    secrecy: Annotated[bool, typer.Option("--secrecy", help="含保密审查的依据和理由")] = False,
    force: Force = False,
) -> None:
    """导出最新一稿的保密审查表和信息发布审签表（DOCX 或 XLSX）；DOCX 附答复稿全文。"""
    errand = _errand("review", file, reason, *FORMS, force=force)
    _export_forms(errand, keys, Scope(full=full, secrecy=secrecy), lambda facts, key: review_forms(facts))


def _export_forms(
    errand: _Errand, keys: Sequence[str], scope: Scope, fill: Callable[[Facts, str], Sequence[Form]]
) -> None:
    """Fill in the forms of every matter that is named, each once; one that cannot be filled in, and nothing is exported."""

    def work(session: Session) -> dict[tuple[int, tuple[str, ...]], Sequence[Form]]:
        found = {}
        for key in keys:
            case_id = papers.case_of_slip(session, key.strip()) or _case_named(
                session, key, slips=errand.what == "dispatch"
            )
            forms = fill(_facts(session, errand.configuration, case_id, scope), key.strip())
            found[case_id, tuple(form.text("编号") for form in forms)] = forms
        return found

    found = errand.read(work)
    forms = [form for made in found.values() for form in made]
    content = FORMS[errand.file.suffix.lower()](forms, errand.configuration.office, utc_now())
    told = {"full": scope.full, "secrecy": scope.secrecy}
    errand.finish(
        content,
        [(case_id, {**told, "forms": [form.title for form in made]}) for (case_id, _), made in found.items()],
    )
    titles = "、".join(dict.fromkeys(form.title for form in forms))
    cut = "Ⅰ、Ⅱ级事项的链接和文字未导出，需要时加 --full。" if any(form.is_cut for form in forms) else ""
    console.print(f"已导出 {len(found)} 份{titles}到 {errand.file}。{cut}", markup=False, soft_wrap=True)


def _facts(session: Session, configuration: Configuration, case_id: int, scope: Scope) -> Facts:
    view = case_view(session, case_id)
    assert view is not None  # it was found in this unit of work
    file = dossier(session, case_id, scope)
    return Facts(file, view, configuration.office, words(configuration), utc_now(), full=scope.full)


def _case_named(session: Session, key: str, *, slips: bool = False) -> int:
    case_id = find_case(session, key)
    if case_id is None:
        other = "；转办单也可写文号，如 舆转〔2026〕1号" if slips else ""
        raise UserError(f"没有事项“{key}”，什么都没有导出；请写编号，如 YQ-2026-0001 或 1{other}。")
    return case_id


def _week(configuration: Configuration, week: str) -> Span:
    zone = configuration.office.zone
    try:
        return week_named(week, zone) if week else week_of(utc_now(), zone)
    except ValueError as error:
        raise BadUsage(f"“{week}”不是有效的日期；写成 --week 2026-W47。") from error


def _day(configuration: Configuration, day: str) -> Span:
    zone = configuration.office.zone
    try:
        span = day_named(day or utc_now().astimezone(zone).date().isoformat(), zone)
    except ValueError as error:
        raise BadUsage(f"“{day}”不是有效的日期；写成 --day 2026-11-21。") from error
    if span.start > utc_now():
        raise BadUsage(f"{day} 还没有到，没有值班日志。")
    return span

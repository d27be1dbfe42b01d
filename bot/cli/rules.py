"""rules replay: a draft rule set tried on what is stored, before it goes to work."""

import asyncio
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from bot.cli.common import configured, console, looked_at, out, print_json
from bot.config import Configuration
from bot.replayed import (
    CHANGE_NAMES,
    HOW_COUNTED,
    clipped,
    lessons_lines,
    place,
    summary,
)
from bot.replaying import Draft, Replayed, draft_of, replay
from bot.scoring import models_folder
from routing.clock import utc_now
from routing.errors import UserError
from routing.office import Office
from routing.replay import Report
from routing.store.engine import Store

HITS_SHOWN = 20
RULES = "rules.toml"


def register(rules_app: typer.Typer) -> None:
    """Add the commands."""
    rules_app.command("replay")(try_again)


def try_again(
    days: Annotated[int, typer.Option(min=1, max=365, help="最近几天")],
    rules: Annotated[Path | None, typer.Option(help="规则草稿；不写则用配置里的 rules.toml")] = None,
    examples: Annotated[int, typer.Option(min=0, max=50, help="每类变化列出几条")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """用规则草稿重判库里最近几天的信息：会多报、少报、改派什么，每天多少提醒。只读，不改动任何东西。"""
    settings, configuration = configured()
    draft = draft_of(rules or settings.config / RULES, models_folder(settings))
    with looked_at(settings) as store:
        replayed = asyncio.run(_replay(store, configuration, draft, days, examples, utc_now()))
    if replayed is None:
        raise UserError(f"库里没有最近 {days} 天的信息，试算不了。请把 --days 写大些，或先让服务读取来源。")
    if as_json:
        print_json(_as_dict(replayed))
    else:
        _show(replayed, configuration.office, draft)


async def _replay(
    store: Store, configuration: Configuration, draft: Draft, days: int, examples: int, now: datetime
) -> Replayed | None:
    tags = {source.id: source.tags for source in configuration.sources}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("试算", total=None)
        return await replay(
            store,
            configuration.office,
            draft,
            tags,
            days,
            now,
            examples=examples,
            done=lambda through, of: progress.update(task, completed=through, total=of),
        )


def _as_dict(replayed: Replayed) -> dict[str, Any]:
    return {**asdict(replayed.report), "lessons": asdict(replayed.lessons)}


def _show(replayed: Replayed, office: Office, draft: Draft) -> None:
    report = replayed.report
    out.print(f"试算 {draft.file}", markup=False)
    for line in summary(report, office):
        out.print(line, markup=False)
    out.print(HOW_COUNTED, markup=False)
    versions = "、".join(f"{name or '未记'} {count} 条" for name, count in report.versions)
    out.print(f"当时的规则版本：{versions}", markup=False)
    out.print()
    out.print(_hits(report))
    if len(report.hits) > HITS_SHOWN:
        out.print(f"还有 {len(report.hits) - HITS_SHOWN} 条规则命中较少，全部见 --json。", markup=False)
    if report.examples:
        out.print(_examples(report, office))
    for label, text in lessons_lines(replayed.lessons, office):
        out.print(f"{label}：{text}", markup=False)


def _hits(report: Report) -> Table:
    table = Table("规则", "名称", title="命中（条）")
    for head in ("当时", "现在"):
        table.add_column(head, justify="right")
    for hit in report.hits[:HITS_SHOWN]:
        table.add_row(Text(hit.id), Text(hit.name), str(hit.then), str(hit.now))
    return table


def _examples(report: Report, office: Office) -> Table:
    table = Table(title="例子")
    for head in ("变化", "标题", "当时 → 现在", "现在的依据"):
        table.add_column(head, overflow="fold")
    for one in report.examples:
        moved = f"{place(one.then, office)} → {place(one.now, office)}"
        table.add_row(CHANGE_NAMES[one.change], Text(clipped(one.title)), moved, Text(one.why))
    return table

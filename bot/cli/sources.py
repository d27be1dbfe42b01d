"""sources: how each one is; lists of feeds in and out; an inbox's key; a page accepted as it looks now."""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text
from yarl import URL

from bot.app import ledger_of
from bot.cli.common import (
    BadUsage,
    check_free,
    configuration_if_any,
    console,
    from_store,
    in_store,
    opened,
    out,
    print_json,
    read_bytes,
    read_text,
    settings_now,
    toml_text,
)
from bot.names import AILMENT_NAMES
from bot.settings import NEW_INGEST_KEY, Settings
from monitors.inbox import push_key
from monitors.opml import feeds_among, read_opml, write_opml
from monitors.source_values import web_address
from monitors.sources import Source, beijing
from monitors.sources_file import load_sources
from routing import source_list, takeover
from routing.checkup import LATE, SERVICE
from routing.clock import utc_now
from routing.errors import UserError
from routing.source_list import Approval, Known
from routing.toml_lines import Refused

sources_app = typer.Typer(
    help="来源：不带子命令时列出现状；还有导入导出、推送密钥、认可网页。", rich_markup_mode=None
)
OPERATOR = "命令行"
INTERVAL_S = 60
"""The default, written out where it can be seen and changed."""
KIND_NAMES: Mapping[str, str] = {
    "feed": "订阅源",
    "comments": "接口",
    "file": "文件",
    "inbox": "推送",
    "page": "防篡改",
    "column": "栏目",
}

APPROVAL_WORDS: Mapping[Approval, str] = {
    Approval.ASKED: "已认可 {name}，下一次读到的样子作为依据，已记入台账。",
    Approval.WAITING: "{name} 已经认可过，正等下一次读取，读到的样子作为依据；不必重复，没有再记台账。",
    Approval.NOTHING: "{name} 没有要认可的变化：上次读到的样子与依据相同。什么都没有做。",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(sources_app, name="sources")


@sources_app.callback(invoke_without_command=True)
def show(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False
) -> None:
    """各来源的现状；或用下面的子命令导入、导出、取密钥、认可网页。"""
    if context.invoked_subcommand is not None:
        return
    settings = settings_now()
    sources = _configured(settings)
    known, refused_at = from_store(
        settings, lambda s: (source_list.known(s, [one.id for one in sources]), takeover.refused_at(s))
    )
    now = utc_now()
    if as_json:
        print_json([_as_dict(source, known.get(source.id), now) for source in sources])
        return
    configuration = configuration_if_any(settings)
    zone = configuration.office.zone if configuration else beijing
    out.print(_table(sources, known, zone, now))
    for source in sources:
        for line in _cures(known.get(source.id)):
            out.print(f"{source.id}：{line}", markup=False, emoji=False)
    late = sum(_is_late(one, now) for one in known.values())
    if late:
        console.print(
            f"注意：{late} 个来源到点没有读。{SERVICE}；详见 yuqing doctor。", markup=False, soft_wrap=True
        )
    if refused_at is not None:
        console.print(
            f"注意：{_moment(refused_at, zone)} 的配置改动没有生效，服务仍按原来的来源运行；上表按文件显示。",
            markup=False,
            soft_wrap=True,
        )


def _configured(settings: Settings) -> tuple[Source, ...]:
    """Read `sources.toml` alone: another file may be wrong meanwhile."""
    path = settings.config / "sources.toml"
    if not path.exists():
        raise UserError(f"没有文件 {path}。请运行 yuqing init，或检查 YUQING_CONFIG。")
    return load_sources(read_text(path), str(path))


def _table(sources: Sequence[Source], known: Mapping[str, Known], zone: tzinfo, now: datetime) -> Table:
    table = Table()
    for head in ("编号", "名称", "种类", "状态", "上次读到", "上次有新", "预期", "下次读取"):
        table.add_column(head, overflow="fold")
    for source in sources:
        found = known.get(source.id)
        times = (found.ok_at, found.new_at, found.next_poll_at) if found else (None,) * 3
        ok_at, new_at, next_at = (_moment(at, zone) for at in times)
        rate = _rate(found.expected_per_h if found else None)
        kind = KIND_NAMES[source.kind]
        # A pushed source is never due: the time of its next poll would be made up.
        table.add_row(
            source.id,
            Text(source.name),
            kind,
            Text(_status(source, found, now)),
            ok_at,
            new_at,
            rate,
            "—" if source.kind == "inbox" else next_at,
        )
    return table


def _status(source: Source, found: Known | None, now: datetime) -> str:
    if found is None:
        return "等待推送" if source.kind == "inbox" else "未读过"
    if _is_late(found, now):  # whatever was found at the last reading is old
        return "到点没有读"
    if found.failures:
        return f"失败 {found.failures} 次"
    if found.ills:
        return "、".join(AILMENT_NAMES[ill.ailment] for ill in found.ills)
    return "无变化" if _is_unchanged(found) else "正常"


def _is_late(found: Known, now: datetime) -> bool:
    return found.next_poll_at is not None and found.next_poll_at < now - LATE


def _is_unchanged(found: Known) -> bool:
    return found.ok_at is not None and found.changed_at is not None and found.changed_at < found.ok_at


def _cures(found: Known | None) -> Iterable[str]:
    if found is None:
        return
    if found.failures and found.fault:
        yield found.fault
    for ill in found.ills:
        yield f"{ill.detail}。{ill.cure}"


def _moment(at: datetime | None, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%m-%d %H:%M}" if at else "—"


def _rate(per_h: float | None) -> str:
    if per_h is None:
        return "—"
    return f"{per_h:.1f} 条/时" if per_h >= 1 else f"{per_h * 24:.1f} 条/天"


def _as_dict(source: Source, found: Known | None, now: datetime) -> dict[str, object]:
    head = {
        "source": source.id,
        "name": source.name,
        "kind": source.kind,
        "status": _status(source, found, now),
    }
    if found is None:
        return {**head, "read": False}
    ills = [
        {"ailment": i.ailment.value, "since": i.since, "detail": i.detail, "cure": i.cure} for i in found.ills
    ]
    return {
        **head,
        "read": found.polled_at is not None,
        "failures": found.failures,
        "fault": found.fault,
        "last_ok_at": found.ok_at,
        "last_new_at": found.new_at,
        "changed_at": found.changed_at,
        "next_poll_at": found.next_poll_at,
        "expected_per_h": found.expected_per_h,
        "ailments": ills,
    }


# --- lists of feeds ---


@sources_app.command("import")
def import_list(
    file: Annotated[Path, typer.Argument(metavar="文件", help="阅读器导出的 OPML 文件")],
    into: Annotated[Path | None, typer.Option("--out", help="写到这个新文件；不写则打印")] = None,
) -> None:
    """把 OPML 里的订阅源变成可以贴进 sources.toml 的内容；已在监看的跳过。"""
    settings = settings_now()
    watched = _configured(settings)
    text, added, left_out = _blocks(read_opml(read_bytes(file)), watched)
    for line in left_out:
        console.print(f"跳过 {line}", markup=False, emoji=False, soft_wrap=True)
    if not added:
        raise UserError("没有可以新增的来源，什么都没有写。")
    if into is None:
        sys.stdout.write(text)
        console.print(f"共 {added} 个来源。核对后贴到 sources.toml 末尾，再运行 yuqing check。", markup=False)
        return
    if into.exists():
        raise UserError(f"{into} 已存在，没有覆盖，什么都没有写。请换一个文件名。")
    with opened(into) as handle:
        handle.write(text.encode())
    console.print(
        f"已把 {added} 个来源写到 {into}。核对后贴到 sources.toml 末尾，再运行 yuqing check。",
        markup=False,
        soft_wrap=True,
    )


def _blocks(feeds: Sequence[tuple[str, str]], watched: Sequence[Source]) -> tuple[str, int, list[str]]:
    """Write a block for each feed that is not watched; and a line for each that is left out, with the reason."""
    taken = {source.id for source in watched}
    seen = {_same(address): source.id for source in watched for address in source.addresses() if address}
    blocks, left_out = [], []
    for name, address in feeds:
        try:
            web_address(address)
        except Refused as refused:
            left_out.append(f"{name or '（无名）'}：{refused.reason}")
            continue
        if _same(address) in seen:
            left_out.append(f"{address}：已在监看（{seen[_same(address)]}）")
            continue
        source_id = _new_id(address, taken)
        taken.add(source_id)
        seen[_same(address)] = source_id
        lines = (
            "[[source]]",
            f"id = {toml_text(source_id)}",
            f"name = {toml_text(name or str(URL(address).host)[:60])}",
            'kind = "feed"',
            f"url = {toml_text(address)}",
            f"interval_s = {INTERVAL_S}",
        )
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks), len(blocks), left_out


def _same(address: str) -> str:
    """Give what two spellings of one address share: the scheme, the mark of a place in the page and a last / do not count."""
    url = URL(address).with_fragment(None)
    return str(url).partition("://")[2].rstrip("/")


def _new_id(address: str, taken: Iterable[str]) -> str:
    url = URL(address)
    host = (url.raw_host or "").removeprefix("www.")
    path = re.sub(r"\.(?:xml|rss|atom|php|aspx?|jsp|json)$", "", url.raw_path, flags=re.IGNORECASE)
    slug = re.sub(r"[^a-z0-9]+", "-", f"{host} {path} {url.raw_query_string}".lower()).strip("-")[:48]
    stem = slug.strip("-") or "source"
    known, number = set(taken), 2
    found = stem
    while found in known:
        found, number = f"{stem}-{number}", number + 1
    return found


@sources_app.command("export")
def export_list(
    file: Annotated[Path, typer.Option("--out", help="存为 OPML")],
    force: Annotated[bool, typer.Option("--force", help="--out 的文件已存在时覆盖")] = False,
) -> None:
    """把订阅源写成 OPML，给别的阅读器用。"""
    sources = _configured(settings_now())
    feeds = feeds_among(sources)
    if not feeds:
        raise UserError('没有 kind = "feed" 的来源，OPML 里写不出别的种类，什么都没有写。')
    check_free(file, force)
    with opened(file) as handle:
        handle.write(write_opml(feeds))
    rest = len(sources) - len(feeds)
    beside = f"；另有 {rest} 个不是订阅源，OPML 写不下" if rest else ""
    console.print(f"已把 {len(feeds)} 个订阅源写到 {file}{beside}。", markup=False, soft_wrap=True)


# --- inboxes and watched pages ---


@sources_app.command("key")
def key(source_id: Annotated[str, typer.Argument(metavar="来源", help="来源编号，kind 为 inbox")]) -> None:
    """打印一个推送来源的密钥，交给推送方；只对这一个来源有效。"""
    settings = settings_now()
    source = _named(_configured(settings), source_id, "inbox", "没有推送密钥")
    if not settings.ingest_key:
        raise UserError(f"没有设置 YUQING_INGEST_KEY，算不出密钥。请{NEW_INGEST_KEY}。")
    sys.stdout.write(push_key(settings.ingest_key, source.id) + "\n")
    console.print("请只交给推送方，勿发到聊天里。", markup=False)


@sources_app.command("approve")
def approve(source_id: Annotated[str, typer.Argument(metavar="来源", help="来源编号，kind 为 page")]) -> None:
    """认可一个变了的网页：下一次读到的内容作为今后比对的依据。"""
    settings = settings_now()
    source = _named(_configured(settings), source_id, "page", "没有要认可的网页")
    outcome = in_store(
        settings,
        lambda session: source_list.approve(session, ledger_of(settings), source.id, OPERATOR, utc_now()),
    )
    out.print(APPROVAL_WORDS[outcome].format(name=source.name), markup=False, emoji=False)


def _named(sources: Sequence[Source], source_id: str, kind: str, lack: str) -> Source:
    found = next((source for source in sources if source.id == source_id), None)
    fit = "、".join(source.id for source in sources if source.kind == kind) or "无"
    if found is None:
        raise BadUsage(f"没有编号为 {source_id} 的来源；kind 为 {kind} 的有：{fit}。")
    if found.kind != kind:
        raise BadUsage(f"来源 {source_id} 的 kind 是 {found.kind}，{lack}；kind 为 {kind} 的有：{fit}。")
    return found

"""purge: lets go of what is kept no longer (保存期). Shows it only, unless told to do it."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID
from rich.table import Table

from bot.app import ledger_of
from bot.cli.common import (
    BadUsage,
    check_file,
    check_filled,
    check_schema,
    configured,
    console,
    out,
    print_json,
    progress_bar,
)
from bot.settings import Settings
from monitors.masking import mask
from routing import purge as purging
from routing.clock import utc_now
from routing.errors import UserError
from routing.ledger import Ledger
from routing.office import Office
from routing.purge import TEXTS, Due
from routing.reasons import is_telling
from routing.retention import Cut, cut_at
from routing.store.compact import MIB, compact
from routing.store.engine import Store
from routing.store.lease import Lease, LeaseHeld
from routing.store.migrate import migrate, migrate_alone

BREATH_S = 0.02
BREATH_SHARE = 3
"""After each portion the database is left to others for so many times as long as it took: a press finds it free."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("purge")(purge)


def purge(
    yes: Annotated[bool, typer.Option("--yes", help="真的删除；不写则只列出会删什么")] = False,
    reason: Annotated[str, typer.Option(help="清理理由，记入台账；--yes 时必填")] = "",
    compacts: Annotated[
        bool, typer.Option("--compact", help="删完后压缩 SQLite 文件，把空间还给磁盘；先停服务")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """清理过了保存期的记录（office.toml 的 [retention]）。不写 --yes 只列出，什么都不删。"""
    if compacts and not yes:
        raise BadUsage("--compact 要和 --yes 一起用；不写 --yes 时什么都不改。")
    if yes and not is_telling(reason):
        raise BadUsage("请用 --reason 写明清理理由（至少 4 个字），会记入台账。什么都没有删。")
    settings, configuration = configured()
    office = configuration.office
    cut = cut_at(office.retention, utc_now())
    with _opened(settings, alone=compacts, changes=yes) as store:
        due = store.peek(lambda s: purging.due(s, cut))
        gone: dict[str, int] = {}
        if yes and any(one.count for one in due):
            gone = _let_go(store, ledger_of(settings), cut, due, mask(reason.strip()).text)
        if as_json:
            print_json({"done": yes, "due": [_as_dict(one, cut) for one in due], "gone": gone})
        else:
            _print(due, cut, office, gone if yes else None)
        if compacts:
            after = compact(store)
            console.print(f"已压缩，数据库文件现为 {after.size // MIB} MB。", markup=False)


@contextmanager
def _opened(settings: Settings, *, alone: bool, changes: bool) -> Iterator[Store]:
    """Open the store; `alone`: and hold it, so that no service works on it meanwhile.

    `changes` False leaves an older schema as it is. Raises UserError where there is nothing that could be looked at.
    """
    check_file(settings)
    store = Store(settings.database_url)
    lease = None
    try:
        if alone:
            lease = _held(store)
        check_filled(store, settings)
        if alone:
            migrate(store)
        elif changes:
            migrate_alone(store)
        else:
            check_schema(store, settings)
        yield store
    finally:
        store.close()
        if lease is not None:
            lease.close()


def _held(store: Store) -> Lease:
    if not store.is_sqlite:
        raise BadUsage("--compact 只用于 SQLite；PostgreSQL 会自己回收空间（autovacuum）。什么都没有删。")
    # The copy is written beside the database, where its room is looked for, and not on a small /tmp.
    os.environ.setdefault("SQLITE_TMPDIR", str(Path(store.url.database or "").resolve().parent))
    try:
        return Lease(store)
    except LeaseHeld as error:
        raise UserError(
            "服务正在用这个数据库，压缩会让它停住。请先停服务再用 --compact，或去掉 --compact。什么都没有删。"
        ) from error


def _let_go(store: Store, ledger: Ledger, cut: Cut, due: Sequence[Due], reason: str) -> dict[str, int]:
    """Delete portion by portion, with a line in the ledger before the first and after the last."""
    told = {one.part.name: one.count for one in due if one.count}
    _note(store, ledger, "purge_begin", cut, told, reason)
    gone: dict[str, int] = {}
    with progress_bar() as progress:
        for one in due:
            if one.count:
                task = progress.add_task(one.part.name, total=one.count)
                gone[one.part.name] = _let_part_go(store, one, cut, progress, task)
    _note(store, ledger, "purge", cut, gone, reason)
    return gone


def _let_part_go(store: Store, due: Due, cut: Cut, progress: Progress, task: TaskID) -> int:
    part = due.part
    spared = store.peek(purging.windows) if part is TEXTS else {}
    after, total = None, 0
    while True:
        found = store.peek(lambda s: purging.find(s, part, cut, spared, after))  # noqa: B023 - called at once
        if found.keys:
            began = time.monotonic()
            number = store.run(lambda s: purging.let_go(s, part, found.keys, cut))  # noqa: B023 - likewise
            time.sleep(max(BREATH_S, BREATH_SHARE * (time.monotonic() - began)))
            total += number
            progress.advance(task, number)
        if found.last is None:
            return total
        after = found.last


def _note(store: Store, ledger: Ledger, action: str, cut: Cut, counts: dict[str, int], reason: str) -> None:
    store.run(
        lambda s: ledger.write(
            s,
            at=utc_now(),
            actor="命令行",
            action=action,
            reason=reason,
            counts=counts,
            texts_before=cut.texts.isoformat(),
            logs_before=cut.logs.isoformat(),
        )
    )


def _before(one: Due, cut: Cut) -> str:
    return (cut.texts if one.part is TEXTS else cut.logs).isoformat()


def _as_dict(one: Due, cut: Cut) -> dict[str, object]:
    return {"what": one.part.name, "count": one.count, "oldest": one.oldest, "before": _before(one, cut)}


def _print(due: Sequence[Due], cut: Cut, office: Office, gone: dict[str, int] | None) -> None:
    table = Table("内容", "保存", "到期", "最早的一条")
    if gone is not None:
        table.add_column("已删")
    for one in due:
        days = office.retention.texts if one.part is TEXTS else office.retention.logs
        oldest = f"{one.oldest.astimezone(office.zone):%Y-%m-%d}" if one.oldest else "—"
        row = [one.part.name, f"{days} 天", str(one.count), oldest]
        table.add_row(*row, *([] if gone is None else [str(gone.get(one.part.name, 0))]))
    out.print(table)
    total = sum(one.count for one in due)
    if gone is not None:
        console.print(f"已清理 {sum(gone.values())} 条，记入台账。" if gone else "没有到期的，什么都没有删。")
    elif total:
        console.print(
            f"共 {total} 条到期，什么都没有删。要删请运行 yuqing purge --yes --reason 理由；先备份更稳妥。",
            markup=False,
        )
    else:
        console.print("没有到期的，不用清理。", markup=False)

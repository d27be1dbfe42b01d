"""The line of `yuqing doctor` on backups: when the newest was made, and whether it could be restored. Reads only."""

from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.checkup import Look, Verdict
from routing.errors import system_words
from routing.store import backups
from routing.store.backups import Copy, Held, Unreadable
from routing.store.compact import MIB
from routing.store.migrate import newest_schema
from routing.store.tables import LedgerRow

WHAT = "备份"
OLD_AFTER = timedelta(hours=26)
"""Project default: one a day, and two hours for one that takes long or starts late."""
SHRUNK = 2
QUICK = 1024 * MIB
"""A larger copy is read through only with --full."""
HOW = "见 docs/operating.md 的 Backup"


def look(
    session: Session | None, folder: str, live: Path | None, now: datetime, zone: tzinfo, *, full: bool
) -> list[Look]:
    """Look at the newest copy in the folder, and compare it with the live database; None: that cannot be read.

    `live`: the file of that, which is no copy of itself; None where it is none.
    """
    if not folder:
        return [
            Look(WHAT, Verdict.MIND, "没有设置 YUQING_BACKUP_DIR，不知道有没有备份", f"{HOW}；设好后再查")
        ]
    try:
        found = [copy for copy in backups.copies(Path(folder)) if not _is_same(copy.path, live)]
        has_others = not found and any(Path(folder).iterdir())
    except OSError as error:
        return [
            Look(
                WHAT,
                Verdict.BAD,
                f"{folder} 打不开（{system_words(error)}）",
                "检查 YUQING_BACKUP_DIR 和权限",
            )
        ]
    if not found:
        others = "，只有别的文件" if has_others else ""
        value = f"{folder} 里没有备份（只认 {backups.PATTERN}）{others}"
        return [Look(WHAT, Verdict.BAD, value, f"{HOW}，做一份再查")]
    newest, is_whole = found[0], full or found[0].size <= QUICK
    try:
        held = backups.read(newest.path, whole=is_whole)
    except (Unreadable, OSError) as error:
        why = system_words(error) if isinstance(error, OSError) else error
        return [Look(WHAT, Verdict.BAD, f"{_name(newest, now, zone)} 不能用：{why}", f"重做一份；{HOW}")]
    fault = held and _fault(session, held)
    if fault:
        return [Look(WHAT, Verdict.BAD, f"{_name(newest, now, zone)}：{fault}", "弄清原因，重做一份")]
    compared = "与现库相符" if session is not None else "现库读不了，没有比对"
    return [
        _judged(
            found, held, now, zone, compared if is_whole else f"{compared}；文件大，没有通读，可加 --full"
        )
    ]


def _is_same(path: Path, live: Path | None) -> bool:
    return live is not None and live.exists() and path.samefile(live)


def _fault(session: Session | None, held: Held) -> str:
    """Say why a copy is none of this database, or of no use to this version; empty where it is well."""
    newest = newest_schema()
    if not held.schema or held.schema > newest:
        return f"结构 {held.schema or '不明'}，本版本只到 {newest}，恢复后打不开"
    if session is None:
        return ""
    seal = session.scalar(select(LedgerRow.hash).where(LedgerRow.seq == held.seq)) if held.seq else ""
    if held.seq and seal != held.seal:
        return f"台账第 {held.seq} 行与现库不符：不是这个库的备份，或两者之一被改过、恢复过"
    if not held.seq and session.scalar(select(LedgerRow.seq).limit(1)):
        return "里面没有台账，现库有"
    return ""


def _judged(found: list[Copy], held: Held | None, now: datetime, zone: tzinfo, compared: str) -> Look:
    newest, before = found[0], found[1] if len(found) > 1 else None
    name = _name(newest, now, zone)
    if now - newest.made_at > OLD_AFTER:
        return Look(
            WHAT,
            Verdict.BAD,
            f"{name}，超过 {_hours(OLD_AFTER)} 小时没有新的",
            "看做备份的定时任务和它的日志",
        )
    if held is None:
        return Look(WHAT, Verdict.MIND, f"{name}，不是 SQLite 文件或 pg_dump 的 custom 格式，没有读里面", HOW)
    held_told = f"{name}，结构 {held.schema}，台账到第 {held.seq} 行，{compared}"
    if before is not None and newest.size * SHRUNK < before.size:
        value = f"{held_told}；比上一份（{_size(before)}）小一半以上"
        return Look(WHAT, Verdict.MIND, value, "刚清理压缩过就不要紧；否则先不要删旧备份，查明原因")
    return Look(WHAT, Verdict.WELL, held_told)


def _name(copy: Copy, now: datetime, zone: tzinfo) -> str:
    made = f"{copy.made_at.astimezone(zone):%m-%d %H:%M}"
    return f"{copy.path.name}（{_size(copy)}，{made}，{_hours(now - copy.made_at)} 小时前）"


def _size(copy: Copy) -> str:
    return f"{copy.size / MIB:.1f} MB"


def _hours(span: timedelta) -> int:
    return max(0, int(span.total_seconds() // 3600))

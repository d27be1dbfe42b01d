"""Gives the space of deleted rows back to the disk. SQLite only: a file never shrinks by itself, it is filled again.

https://sqlite.org/lang_vacuum.html: the whole database is written anew, once beside it and once through its log.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from routing.errors import UserError
from routing.store.engine import Store

MIB = 1024 * 1024
SPARE = 64 * MIB


@dataclass(frozen=True, slots=True)
class Pages:
    """A SQLite file in bytes: all of it, how much of that is free within, and its write-ahead log."""

    size: int
    free: int
    log: int


def pages(store: Store) -> Pages:
    """Measure a SQLite file. Reads only."""
    path = Path(store.url.database or "")
    log = path.with_name(f"{path.name}-wal")
    page, count, free = store.peek(_counted)
    return Pages(page * count, page * free, log.stat().st_size if log.exists() else 0)


def compact(store: Store) -> Pages:
    """Write the database anew without its free pages; gives how it is then. Nobody else may work on it: hold the lease.

    Raises UserError, and nothing was done, where the disk has not twice the room. Killed meanwhile the old file stands.
    """
    before, folder = pages(store), Path(store.url.database or "").resolve().parent
    needed = 2 * (before.size - before.free) + SPARE
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"磁盘空间不够，没有压缩：{folder} 还剩 {free // MIB} MB，压缩要先另写一份，约需 {needed // MIB} MB。"
            "请腾出空间再试；不压缩也不要紧，空出的地方会被新内容用掉。"
        )
    connection = store.engine.raw_connection()
    try:
        connection.cursor().execute("VACUUM")
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
    return pages(store)


def _counted(session: Session) -> list[int]:
    run = session.connection().exec_driver_sql
    return [run(f"PRAGMA {name}").scalar_one() for name in ("page_size", "page_count", "freelist_count")]

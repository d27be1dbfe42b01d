"""What lies in the folder of the backups: which copies there are, and what one of them holds. Reads only.

A SQLite file is read as it lies there, page by page; a dump of PostgreSQL (custom format) by `pg_restore`, to its end: the
table of contents of a dump that was cut off is whole (it is written first), and so `--list` finds nothing amiss.
"""

import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

PATTERN = "*.db、*.dump、*.sql，可再带 .gz、.gpg 等"
"""How copies are named, as people read it: nothing else in the folder is one, nor what is still being written."""
SQLITE, DUMP = b"SQLite format 3\0", b"PGDMP"
FOREIGN = "里面的台账不是 yuqing 的写法"
_NAMED = re.compile(r"[^.].*\.(db|dump|sql)(\.(gz|bz2|xz|zst|zip|7z|gpg|asc|age|enc))*")
_COPY = re.compile(r'COPY (?:"?\w+"?\.)?"?(alembic_version|ledger)"? \((.*)\) FROM stdin;')


class Unreadable(Exception):
    """A copy cannot be read; says why (Chinese)."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One file of the folder: its size in bytes, and when it was last written (aware UTC)."""

    path: Path
    size: int
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """What a copy holds: its schema, and the number and seal of the newest line of its ledger (0 and empty for none)."""

    schema: str
    seq: int
    seal: str


def copies(folder: Path) -> list[Copy]:
    """List the finished copies in a folder, the newest first. Raises OSError where it cannot be read."""
    found = []
    for path in folder.iterdir():
        if path.is_file() and _NAMED.fullmatch(path.name):
            stat = path.stat()
            found.append(Copy(path, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC)))
    return sorted(found, key=lambda one: (one.made_at, one.path.name), reverse=True)


def read(path: Path, *, whole: bool) -> Held | None:
    """Read a copy; None for a file of another kind (packed, enciphered). Raises Unreadable, OSError.

    `whole`: every page or block of it. Else only what is needed: a fault further on is not seen.
    """
    with path.open("rb") as file:
        head = file.read(len(SQLITE))
    if head.startswith(SQLITE):
        return _read_sqlite(path, whole=whole)
    if head.startswith(DUMP):
        return _read_dump(path, whole=whole)
    if not head.strip(b"\0"):
        raise Unreadable("是空的")
    return None


def _read_sqlite(path: Path, *, whole: bool) -> Held:
    # immutable: nothing is written beside it, not even a lock; it is nobody's live database.
    address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as door:
            said = door.execute("PRAGMA quick_check(1)").fetchone()[0] if whole else "ok"
            if said != "ok":
                raise Unreadable(f"文件有损坏：{said}")
            schema = door.execute("SELECT version_num FROM alembic_version").fetchone()
            line = door.execute("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
    except sqlite3.Error as error:
        raise Unreadable(f"文件残缺，或不是值班台的库（SQLite：{error}）") from error
    return _held(schema[0] if schema else "", *(line or (0, "")))


def _held(schema: object, seq: object, seal: object) -> Held:
    """Take what a file says for what it should be. Raises Unreadable: SQLite keeps any value in any column."""
    if isinstance(schema, str) and isinstance(seq, int) and isinstance(seal, str):
        return Held(schema, seq, seal)
    raise Unreadable(FOREIGN)


def _read_dump(path: Path, *, whole: bool) -> Held:
    program = shutil.which("pg_restore")
    if program is None:
        raise Unreadable("本机没有 pg_restore，读不了（Debian 装 postgresql-client）")
    wanted = [] if whole else ["--data-only", "--table=alembic_version", "--table=ledger"]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(  # noqa: S603 - a program of the system, and a path that the operator named
            [program, *wanted, "--file=-", str(path)], stdout=subprocess.PIPE, stderr=said
        ) as process:
            assert process.stdout is not None
            held = _held_in(line.decode(errors="replace") for line in process.stdout)
        said.seek(0)
        words = said.read(2000).decode(errors="replace").strip().partition("\n")[0]
    if process.returncode:
        raise Unreadable(words or f"pg_restore 退出码 {process.returncode}")
    return held


def _held_in(lines: Iterator[str]) -> Held:
    schema, newest = "", (0, "")
    for line in lines:
        found = _COPY.match(line)
        if found is None:
            continue
        names = [name.strip('" ') for name in found[2].split(",")]
        for row in lines:
            if row.startswith("\\."):
                break
            values = dict(zip(names, row.rstrip("\n").split("\t"), strict=False))
            if found[1] == "ledger":
                newest = max(newest, (_number(values.get("seq", "")), values.get("hash", "")))
            else:
                schema = values.get("version_num", "")
    return Held(schema, *newest)


def _number(text: str) -> int:
    if not text.isdecimal():
        raise Unreadable(FOREIGN)
    return int(text)

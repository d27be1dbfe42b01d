"""One service a database: the second one that starts is refused, and a dead one holds nothing.

SQLite: a lock on a file beside the database, let go by the kernel when the process ends. PostgreSQL: a session
advisory lock on a connection of its own, let go by the server when the connection ends.
"""

import contextlib
import fcntl
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from routing.errors import UserError, YuqingError, system_words
from routing.store.engine import Store

LEASE_KEY = 0x79755101
TRIES, PAUSE_S = 10, 0.02
"""Whoever only looks whether the file is locked (`holder`) must not keep a service from starting."""

HELD = "已有一个 yuqing 在用这个数据库，本次没有启动。yuqing doctor 的“服务”一行说是哪个；要换成这一个，先停掉它。"


class LeaseHeld(YuqingError):
    """Another service works on this database."""


class Lease:
    """Hold the database for one service until closed."""

    def __init__(self, store: Store) -> None:
        """Take the lease. Raises LeaseHeld where another process has it, UserError where its file cannot be written."""
        self._file: IO[bytes] | None = None
        self._connection: Connection | None = None
        self._store = store
        if store.is_sqlite:
            self._lock_file(Path(f"{store.url.database}.lock"))
        else:
            self._lock_server(store)

    def renew(self) -> bool:
        """Tell whether the lease still stands, taking it again after the server was away; False: another has it.

        A lock of PostgreSQL ends with its connection; a file lock with the process, so there it always stands.
        """
        if self._connection is None:
            return True
        try:
            self._connection.execute(text("SELECT 1"))
            self._connection.commit()
        except DBAPIError:
            self._connection.close()
            try:
                self._lock_server(self._store)
            except LeaseHeld:
                return False
            except DBAPIError:
                return True  # the server is still away: nobody can hold it, look again later
        return True

    def close(self) -> None:
        """Let go. Safe to call twice."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _lock_file(self, path: Path) -> None:
        try:
            handle = path.open("ab")
        except OSError as error:
            raise UserError(
                f"数据库所在的文件夹用不了（{path}：{system_words(error)}）。"
                "请检查 YUQING_DATABASE_URL，和文件夹的属主和权限。"
            ) from error
        for left in range(TRIES, 0, -1):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if left == 1:
                    handle.close()
                    raise LeaseHeld(f"{HELD}锁文件 {path} 不要删。") from error
                time.sleep(PAUSE_S)
            else:
                break
        self._file = handle
        with contextlib.suppress(
            OSError
        ):  # only to be told by `holder`: a full disk keeps nobody from starting
            os.ftruncate(handle.fileno(), 0)
            os.write(handle.fileno(), str(os.getpid()).encode())

    def _lock_server(self, store: Store) -> None:
        # Closing the connection must end the session, so it is detached from the pool.
        connection = store.engine.connect()
        connection.detach()
        taken = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LEASE_KEY}).scalar_one()
        connection.commit()
        if not taken:
            connection.close()
            raise LeaseHeld(HELD)
        self._connection = connection


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a database: since when (aware UTC), its process id where it is of this machine, its address where not."""

    since: datetime | None
    pid: int | None
    address: str = ""


def holder(store: Store) -> Holder | None:
    """Tell who holds a database; None where nobody does. Takes nothing for longer than a moment."""
    if store.is_sqlite:
        return _holder_of_file(Path(f"{store.url.database}.lock"))
    return store.peek(_holder_on_server)


def _holder_of_file(path: Path) -> Holder | None:
    if not path.exists():
        return None
    with path.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            written = handle.read(20).decode(errors="replace")
            at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            return Holder(at, int(written)) if written.isdecimal() else Holder(None, None)
    return None


def _holder_on_server(session: Session) -> Holder | None:
    # A key of 64 bits is shown in two halves: https://www.postgresql.org/docs/current/view-pg-locks.html
    row = session.execute(
        text(
            "SELECT a.backend_start, host(a.client_addr) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = 0 AND l.objid = :key"
            " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ),
        {"key": LEASE_KEY},
    ).first()
    return None if row is None else Holder(row[0], None, row[1] or "")

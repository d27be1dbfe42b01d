"""One service a database: the second one that starts is refused, and a dead one holds nothing.

SQLite: a lock on a file beside the database, let go by the kernel when the process ends. PostgreSQL: a session
advisory lock on a connection of its own, let go by the server when the connection ends.
"""

import fcntl
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from routing.errors import YuqingError
from routing.store.engine import Store

LEASE_KEY = 0x79755101


class LeaseHeld(YuqingError):
    """Another service works on this database."""


class Lease:
    """Hold the database for one service until closed."""

    def __init__(self, store: Store) -> None:
        """Take the lease. Raises LeaseHeld where another process has it."""
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
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("ab")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.close()
            raise LeaseHeld(f"已有一个 yuqing 在用这个数据库（{path}）") from error
        self._file = handle

    def _lock_server(self, store: Store) -> None:
        # Closing the connection must end the session, so it is detached from the pool.
        connection = store.engine.connect()
        connection.detach()
        taken = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LEASE_KEY}).scalar_one()
        connection.commit()
        if not taken:
            connection.close()
            raise LeaseHeld("已有一个 yuqing 在用这个数据库")
        self._connection = connection

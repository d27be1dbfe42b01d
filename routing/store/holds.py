"""What this process has in hand, so that no other process on the same database takes it up meanwhile.

PostgreSQL: session advisory locks on a connection of its own, let go by the server when the connection ends. SQLite:
one process works on one file, and has everything.
"""

import threading
from collections.abc import Sequence

from sqlalchemy import Connection, Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from routing.errors import StoreDown
from routing.store.engine import Store

# A machine that lost its power says no goodbye: the server looks for it, and lets its holds go within a minute.
_keepalive = (
    "SET tcp_keepalives_idle = 30",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
)
_names = bindparam("names", type_=ARRAY(Text))
_take = text(
    "SELECT name FROM unnest(:names) AS name WHERE pg_try_advisory_lock(hashtextextended(name, 1))"
).bindparams(_names)
_give_back = text(
    "SELECT pg_advisory_unlock(hashtextextended(name, 1)) FROM unnest(:names) AS name"
).bindparams(_names)


class Holds:
    """Things by name, held until they are given back or the process ends. Safe to use from several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: Connection | None = None
        self._held: set[str] = set()
        self._turn = threading.Lock()

    @property
    def is_shared(self) -> bool:
        """Tell whether other processes may work on the database."""
        return not self._store.is_sqlite

    def take(self, names: Sequence[str]) -> frozenset[str]:
        """Hold what nobody else holds; gives what is held now. Never waits. Raises StoreDown."""
        if not self.is_shared:
            return frozenset(names)
        with self._turn:
            wanted = sorted(set(names) - self._held)
            try:
                found = self._connected().execute(_take, {"names": wanted}).scalars().all() if wanted else []
            except DBAPIError as error:
                self._drop()
                raise StoreDown(f"数据库暂时不可用（{type(error.orig).__name__}）") from error
            self._held.update(found)
            return frozenset(names) & self._held

    def give_back(self, names: Sequence[str]) -> None:
        """Let go. Safe to call twice; a server that is away has let go already."""
        with self._turn:
            ours = sorted(self._held & set(names))
            if not ours or self._connection is None:
                return
            try:
                self._connection.execute(_give_back, {"names": ours})
                self._held -= set(ours)
            except DBAPIError:
                self._drop()

    def close(self) -> None:
        """Let everything go. Safe to call twice."""
        with self._turn:
            self._drop()

    def _connected(self) -> Connection:
        if self._connection is None:
            connection = self._store.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()  # held for as long as the process lives: it must not take a place of the pool
            self._connection = connection
            for setting in _keepalive:
                connection.execute(text(setting))
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._held.clear()
        if connection is not None:
            connection.invalidate()
            connection.close()

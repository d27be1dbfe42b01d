"""The database behind one writer thread and a few readers. Sync SQLAlchemy inside, awaitable outside.

One writer: on SQLite a second one only waits for the lock (measured: a button press then takes up to 5 s), and a
queue with two priorities lets a press overtake a batch of items. The same code serves PostgreSQL.
"""

import asyncio
import itertools
import json
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from routing.errors import StoreDown

T = TypeVar("T")
log = logging.getLogger(__name__)

BUSY_TIMEOUT_MS = 30_000
CONNECT_S = 10
"""How long a server may take to answer at all, where the address gives no `connect_timeout`; the driver waits 130 s."""
TRIES = 3
WAL_TRIES = 100


class Store:
    """One database. Units of work are functions of a Session; they never commit themselves.

    Raises StoreDown where the database cannot be reached or cannot write; then nothing was done. A unit of work may
    run twice: where the connection broke or a lock was lost, the whole unit is tried again on a
    fresh transaction, up to three times.
    """

    def __init__(self, url: str, *, readers: int = 2) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _engine(url, write=True)
        self._read_engine = _engine(url, write=False) if self.is_sqlite else self.engine
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="store-reader")
        self._queue: queue.PriorityQueue[tuple[int, int, Callable[[], None] | None]] = queue.PriorityQueue()
        self._order = itertools.count()
        self.was_down = False
        """Something failed with StoreDown; whoever has seen to that sets it back."""
        self.answers = 0
        """How many units of work the writer thread has come back from, kept or refused: it stands still where that hangs."""
        self._writer = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._writer.start()

    def run(self, work: Callable[[Session], T]) -> T:
        """Do one unit of work now, in this thread, in one transaction. For commands that end afterwards."""
        return _attempt(self.engine, work)

    def peek(self, work: Callable[[Session], T]) -> T:
        """Do one read now, in this thread; what it changes is rolled back. Keeps no writer waiting."""
        return _attempt(self._read_engine, work, keep=False)

    async def write(self, work: Callable[[Session], T], *, urgent: bool = False) -> T:
        """Do one unit of work on the writer thread; `urgent` (a press) goes before waiting batches."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(_attempt(self.engine, work))
            except BaseException as error:
                self.was_down = self.was_down or isinstance(error, StoreDown)
                future.set_exception(error)
            finally:
                self.answers += 1

        self._queue.put((0 if urgent else 1, next(self._order), job))
        return await asyncio.wrap_future(future)

    async def read(self, work: Callable[[Session], T]) -> T:
        """Do one read in a reader thread. What it changes is rolled back."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._readers, lambda: _attempt(self._read_engine, work, keep=False)
        )

    async def checkpoint(self) -> None:
        """Empty SQLite's write-ahead log into the database, so that what was deleted is gone from the disk too."""
        if self.is_sqlite:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._readers, self._empty_log)

    def _empty_log(self) -> None:
        connection = self._read_engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()

    def close(self) -> None:
        """Finish what is queued, then let the connections go. Safe to call twice."""
        if self._writer.is_alive():
            self._queue.put((2, next(self._order), None))
            self._writer.join()
        self._readers.shutdown()
        self.engine.dispose()
        self._read_engine.dispose()

    def _serve(self) -> None:
        while True:
            _, _, job = self._queue.get()
            if job is None:
                return
            job()


def _attempt(engine: Engine, work: Callable[[Session], T], *, keep: bool = True) -> T:
    for attempt in itertools.count(1):
        try:
            with Session(engine, expire_on_commit=False) as session:
                result = work(session)
                if keep:
                    session.commit()
                return result
        except DBAPIError as error:
            if attempt == TRIES or not _worth_another_try(error):
                if isinstance(error, (OperationalError, InterfaceError)):
                    raise StoreDown(f"数据库暂时不可用（{type(error.orig).__name__}）") from error
                raise
            log.warning(
                "unit of work tried again", extra={"attempt": attempt, "error": type(error.orig).__name__}
            )
    raise AssertionError("unreachable")


def _worth_another_try(error: DBAPIError) -> bool:
    # A broken connection, a lock that was lost, a serialisation failure or a deadlock (PostgreSQL 40001, 40P01).
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return bool(state in {"40001", "40P01"} or state.startswith(("08", "57P")))
    return isinstance(error, OperationalError) and "locked" in str(error.orig)


def _engine(url: str, *, write: bool) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        # Parameters stay out of error texts, and so out of the log: they are drafts and reasons.
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            connect_args={} if "connect_timeout" in parsed.query else {"connect_timeout": CONNECT_S},
            pool_pre_ping=True,
            hide_parameters=True,
        )
    engine = create_engine(
        url, connect_args={"check_same_thread": False}, hide_parameters=True, json_serializer=_as_json
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate if write else _begin)
    return engine


class Written(list[Any]):
    """A list that knows how it is written: of parts that come again and again, whose JSON is kept."""

    def __init__(self, parts: Sequence[tuple[Any, str]]) -> None:
        super().__init__([value for value, _ in parts])
        self.json = f"[{', '.join([written for _, written in parts])}]"


def _as_json(value: Any) -> str:
    if not value and value == []:  # as most of a text's lists are
        return "[]"
    return value.json if isinstance(value, Written) else json.dumps(value)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN is ours to write, see _begin
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    _enter_wal(connection)
    for pragma in (
        # FULL, not NORMAL: an update that we confirmed to the platform must survive a power cut.
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",  # what an update said is let go with it, in the file too
    ):
        connection.execute(f"PRAGMA {pragma}")


def _enter_wal(connection: sqlite3.Connection) -> None:
    # Two processes that open a new database at once both switch it, and for this one lock SQLite may not wait.
    for _ in range(WAL_TRIES):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            time.sleep(0.02)
        else:
            return
    connection.execute("PRAGMA journal_mode = WAL")


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot wait for the lock in SQLite; it fails at once.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")

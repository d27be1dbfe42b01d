"""What every test shares: a store on each database, a clock, an office, its rules, a desk with people; and haste.

PostgreSQL takes part where YUQING_TEST_DATABASE_URL names a server (a role that may create databases). Each test
worker makes databases of its own there and drops them at its end.
"""

import contextlib
import gc
import importlib
import os
import shutil
import sys
import uuid
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from builders import GUARDED, Desk, FakeClock, make_office, make_rules
from hypothesis import HealthCheck, settings
from psycopg import sql
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Dialect, Engine, event, make_url

from bot.loop import new_event_loop
from routing.office import Office
from routing.rules import Rules
from routing.store.engine import Store
from routing.store.migrate import migrate
from routing.store.tables import Base

SERVER = os.environ.get("YUQING_TEST_DATABASE_URL", "")
_LONGEST = (
    "test_whole_kill",
    "test_whole_many",
    "test_whole_full",
    "test_whole_night",
    "test_monitors_segmenter",
)
_TABLES = [table.name for table in Base.metadata.sorted_tables]


# --- haste ---

# How long an example takes on a machine that does other things too says nothing; pytest's own limit ends what hangs.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


# A commit waits for the disk, 2 to 5 ms each, tens of thousands of times; where memory can be a folder it does not.
_MEMORY = Path("/dev/shm")
if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 2 * 1024**3:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let each worker import another part of the tests first: what one has compiled the others find on the disk.

    All collect in the same order, so in a fresh tree each would compile all of it. What cannot be imported is said when
    it is collected.
    """
    worker = getattr(session.config, "workerinput", None)
    if worker is None or sys.dont_write_bytecode or session.config.args != session.config.getini("testpaths"):
        return
    number, workers = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
    for path in sorted(Path(__file__).parent.glob("test_*.py"))[number::workers]:
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(path.stem)


@pytest.hookimpl(trylast=True)  # after the order was shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest begin: one of a minute that begins last is a minute in which the other workers wait."""
    items.sort(key=lambda item: not item.path.stem.startswith(_LONGEST))


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    """Let tests run on the loop that the service runs on."""
    return {"loop": new_event_loop}


# What is imported and collected is no garbage: to look for some there was a quarter of the time until the first test.
gc.disable()


def pytest_collection_finish() -> None:
    """Keep what was imported and collected out of the search for garbage, which was a seventh of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


_dialects: dict[str, Dialect] = {}
_compiled: dict[str, dict[object, object]] = {}


@event.listens_for(Engine, "engine_connect")
def _compile_each_statement_once(connection: Connection) -> None:
    """Let the engines of one worker share what they compiled.

    Each test opens a store of its own, and its engine would compile all statements anew: a quarter of the time. What is
    compiled is kept by dialect; the first of a kind has looked at its server when it comes here.
    """
    engine, kind = connection.engine, f"{connection.dialect.name}+{connection.dialect.driver}"
    engine.dialect = connection.dialect = _dialects.setdefault(kind, connection.dialect)
    connection.execution_options(compiled_cache=_compiled.setdefault(kind, {}))


# --- databases ---


@pytest.fixture(scope="session")
def new_database() -> Iterator[Callable[[], str]]:
    """Give a maker of empty PostgreSQL databases; all are dropped when the worker ends."""
    if not SERVER:
        pytest.skip("没有 PostgreSQL / skipped: set YUQING_TEST_DATABASE_URL")
    made: list[str] = []
    with psycopg.connect(_libpq(SERVER), autocommit=True) as server:

        def make() -> str:
            name = f"yuqing_test_{os.getpid()}_{uuid.uuid4().hex[:8]}"
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            made.append(name)
            # A test's database need not survive a power cut, and two cores wait for the disk no longer.
            server.execute(
                sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name))
            )
            return make_url(SERVER).set(database=name).render_as_string(hide_password=False)

        try:
            yield make
        finally:
            for name in made:
                server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


class Kept(psycopg.Connection[Any]):
    """A connection that is not closed but handed to the next test.

    Each test opens a store of its own. A new connection is a new process of the server, which looks up all tables and
    plans all statements anew: 15 ms, thousands of times. What a connection held is let go when it is closed, as if it
    had ended; one that was broken, or left in the midst of something, does end.
    """

    idle: ClassVar[list["Kept"]] = []
    database: ClassVar[str] = ""
    """Only connections to this one are kept: the worker's own, which all its tests share."""

    def close(self) -> None:
        if self in Kept.idle:
            return
        if self.info.dbname != Kept.database or self.closed or not self._is_let_go():
            super().close()
            return
        Kept.idle.append(self)

    def _is_let_go(self) -> bool:
        if self.info.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.INTRANS):
            return False
        try:
            self.rollback()
            self.autocommit = True
            self.execute("RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all()", prepare=False)
            self.autocommit = False
        except psycopg.Error:
            return False
        return True


@event.listens_for(Engine, "do_connect")
def _take_a_kept_one(dialect: Dialect, _record: Any, _words: Any, named: dict[str, Any]) -> Kept | None:
    if dialect.driver != "psycopg" or named.get("dbname") != Kept.database:
        return None
    while Kept.idle:
        connection = Kept.idle.pop()
        try:
            connection.execute("SELECT 1")
            connection.rollback()
        except psycopg.Error:  # the server ended it
            super(Kept, connection).close()
            continue
        return connection
    return Kept.connect(**named)


@pytest.fixture(scope="session")
def migrated_postgresql(new_database: Callable[[], str]) -> Iterator[str]:
    url = new_database()
    _migrate(url)
    Kept.database = make_url(url).database or ""
    yield url
    Kept.database = ""
    while Kept.idle:
        Kept.idle.pop().close()


@pytest.fixture(scope="session")
def wipe(migrated_postgresql: str) -> Iterator[Callable[[], None]]:
    """Give what empties the worker's database.

    TRUNCATE of all tables takes 60 ms and more, for it makes new files; a function of the server plans its statements
    once, and finds a handful of rows in 2 ms. A test that failed may have left a transaction open, whose locks would
    hold us up.
    """
    with psycopg.connect(_libpq(migrated_postgresql), autocommit=True) as server:
        steps = [f'DELETE FROM "{name}"' for name in reversed(_TABLES)]
        is_superuser = server.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        if is_superuser == (True,):
            server.execute("SET session_replication_role = replica")  # no trigger and no foreign key is asked
        else:
            off, on = (
                [f"ALTER TABLE {name} {word} TRIGGER USER" for name in GUARDED]
                for word in ("DISABLE", "ENABLE")
            )
            steps = [*off, *steps, *on]
        server.execute(
            f"CREATE FUNCTION pg_temp.wipe() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {'; '.join(steps)}; END $$"
        )

        def wipe() -> None:
            mine = [connection.info.backend_pid for connection in (server, *Kept.idle)]
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> ALL(%s)",
                [mine],
            )
            server.execute("SELECT pg_temp.wipe()")

        yield wipe


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "yuqing.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """The database that this run of the test is on."""
    return str(request.param)


@pytest.fixture
def store_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a migrated database without a row, for tests that open it themselves."""
    if backend == "sqlite":
        path = tmp_path / "yuqing.db"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        return f"sqlite:///{path}"
    request.getfixturevalue("wipe")()
    url: str = request.getfixturevalue("migrated_postgresql")
    return url


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without a table."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    make: Callable[[], str] = request.getfixturevalue("new_database")
    return make()


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A migrated store without a row; the test runs once on each database."""
    store = Store(store_url)
    yield store
    store.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.fixture(scope="session")
def rules() -> Rules:
    return make_rules()


@pytest.fixture
def empty_desk(store: Store, office: Office, rules: Rules, clock: FakeClock) -> Desk:
    """A desk where nobody works yet."""
    return Desk(store, office, rules, clock)


@pytest.fixture
def desk(empty_desk: Desk) -> Desk:
    """A desk with everybody of `builders.STAFF`."""
    empty_desk.hire()
    return empty_desk


def _migrate(url: str) -> None:
    store = Store(url)
    migrate(store)
    store.close()


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

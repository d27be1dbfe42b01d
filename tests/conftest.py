"""What every test shares: a store on each database, a clock, an office, its rules, a desk with people; and haste.

PostgreSQL takes part where YUQING_TEST_DATABASE_URL names a server (a role that may create databases). Each test
worker makes databases of its own there and drops them at its end.
"""

import gc
import os
import shutil
import uuid
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from builders import GUARDED, Desk, FakeClock, make_office, make_rules
from hypothesis import HealthCheck, settings
from psycopg import sql
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


@pytest.hookimpl(trylast=True)  # after the order was shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest begin: one of a minute that begins last is a minute in which the other workers wait."""
    items.sort(key=lambda item: not item.path.stem.startswith(_LONGEST))


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    """Let tests run on the loop that the service runs on."""
    return {"loop": new_event_loop}


def pytest_collection_finish() -> None:
    """Keep what was imported and collected out of the search for garbage, which was a seventh of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


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


@pytest.fixture(scope="session")
def migrated_postgresql(new_database: Callable[[], str]) -> str:
    url = new_database()
    _migrate(url)
    return url


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
    url: str = request.getfixturevalue("migrated_postgresql")
    _wipe(url)
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


def _wipe(url: str) -> None:
    # One round trip. Deleting a handful of rows costs 5 ms, TRUNCATE of all tables 60 and more: it makes new files.
    # A test that failed may have left a transaction open, which would hold its locks against us.
    deletes = "; ".join(f'DELETE FROM "{name}"' for name in reversed(_TABLES))
    guarded = [f"ALTER TABLE {name} {{}} TRIGGER USER" for name in GUARDED]
    off, on = ("; ".join(guarded).replace("{}", word) for word in ("DISABLE", "ENABLE"))
    with psycopg.connect(_libpq(url)) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = current_database() AND pid <> pg_backend_pid(); {off}; {deletes}; {on}"
        )


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

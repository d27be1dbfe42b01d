"""Which command may change the shape of a database that is older than the program; every other one leaves it as it is.

A look changes nothing, for a service of the older version may be at work on it. Who writes brings it up first, unless such a
service runs.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import typer
from alembic import command
from old_ledgers import row, saved, workbook
from test_bot_cli import Terminal, empty, yuqing

from bot.cli.main import app
from bot.sandbox.world import SANDBOX_TOKEN
from routing.store.engine import Store
from routing.store.lease import Lease
from routing.store.migrate import config_for, newest_schema

__all__ = ["empty", "yuqing"]

OLDER = "0020"
WHY = ("--reason", "督查组要求提供")
LOOK, WRITE, SERVE, NEVER = "looks", "writes", "serves", "never opens it"
COMMANDS: list[tuple[str, str, tuple[str, ...]]] = [
    ("init", NEVER, ()),
    ("check", NEVER, ()),
    ("run", SERVE, ()),
    ("poll", WRITE, ("--once", "page")),
    ("why", LOOK, ("1",)),
    ("judge", NEVER, ()),
    ("digest", LOOK, ()),
    ("purge", LOOK, ()),
    ("purge", WRITE, ("--yes", *WHY)),
    ("doctor", LOOK, ()),
    ("demo", SERVE, ()),
    ("rules test", NEVER, ()),
    ("rules replay", LOOK, ("--days", "7")),
    ("sentiment score", NEVER, ()),
    ("sentiment eval", NEVER, ()),
    ("sentiment train", LOOK, ()),
    ("sentiment back", NEVER, ()),
    ("models show", NEVER, ()),
    ("models train", LOOK, ()),
    ("models back", NEVER, ()),
    ("people invite", WRITE, ("张三", "--role", "duty")),
    ("people link", WRITE, ("1",)),
    ("people list", LOOK, ()),
    ("people revoke", WRITE, ("1",)),
    ("roster check", LOOK, ()),
    ("roster show", LOOK, ()),
    ("audit verify", LOOK, ()),
    ("export ledger", LOOK, ("--out", "a.xlsx", *WHY)),
    ("export case", LOOK, ("1", "--out", "a.xlsx", *WHY)),
    ("export log", LOOK, ("--out", "a.docx", *WHY)),
    ("export dispatch", LOOK, ("1", "--out", "a.docx", *WHY)),
    ("export brief", LOOK, ("1", "--out", "a.docx", *WHY)),
    ("export review", LOOK, ("1", "--out", "a.docx", *WHY)),
    ("import ledger", LOOK, ("old.xlsx", "--by", "张三", *WHY)),
    ("import ledger", LOOK, ("old.xlsx", "--dry-run")),
    ("sources", LOOK, ()),
    ("sources import", NEVER, ()),
    ("sources export", NEVER, ()),
    ("sources key", NEVER, ()),
    ("sources approve", WRITE, ("page",)),
]
"""Every command, what it does to a database, and words with which it gets as far as that."""

PAGE = """contact = "mailto:duty@office.example"
[[source]]
id = "page"
name = "门户首页"
kind = "page"
url = "http://127.0.0.1:9/"
"""
ROSTER = '[[duty]]\ndate = 2026-11-17\nshift = "全天"\nleader = "林涛"\nstaff = ["周敏"]\n'


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("older") / "yuqing.db"
    store = Store(f"sqlite:///{path}")
    with store.engine.begin() as connection:
        command.upgrade(config_for(connection), OLDER)
    store.close()
    return path


@pytest.fixture
def desk(yuqing: Terminal, older: Path) -> Terminal:
    shutil.copy(older, "yuqing.db")
    Path("old.xlsx").write_bytes(saved(workbook(row())))
    Path("config/sources.toml").write_text(PAGE, encoding="utf-8")
    Path("config/roster.toml").write_text(ROSTER, encoding="utf-8")
    return yuqing


@pytest.fixture
def served(desk: Terminal) -> Iterator[Terminal]:
    store = Store("sqlite:///yuqing.db")
    lease = Lease(store)
    yield desk
    lease.close()
    store.close()


def shape() -> tuple[str, set[str]]:
    with closing(sqlite3.connect("yuqing.db")) as database:
        [number] = database.execute("SELECT version_num FROM alembic_version").fetchone()
        return number, {sql for (sql,) in database.execute("SELECT sql FROM sqlite_master")}


def said_by(what: str) -> list[object]:
    return [
        pytest.param((*name.split(), *words), id=" ".join([name, *words][:2]))
        for name, does, words in COMMANDS
        if does == what
    ]


def leaves(group: typer.core.TyperGroup, before: tuple[str, ...] = ()) -> Iterator[str]:
    for name, one in group.commands.items():
        path = (*before, name)
        if isinstance(one, typer.core.TyperGroup):
            yield from leaves(one, path)
        if not isinstance(one, typer.core.TyperGroup) or one.invoke_without_command:
            yield " ".join(path)


def test_the_table_knows_every_command():
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    assert {name for name, _, _ in COMMANDS} == set(leaves(group))


@pytest.mark.parametrize("words", said_by(LOOK))
def test_a_look_leaves_an_older_or_a_newer_database_as_it_is_and_says_what_to_do(desk, words):
    before = shape()
    answer = desk(*words)
    assert answer.code == 1
    assert f"还是旧结构（{OLDER}，本版本 {newest_schema()}）" in answer.out + answer.err
    assert "yuqing run" in answer.out + answer.err
    assert shape() == before
    desk.database(lambda s: s.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    answer = desk(*words)
    assert answer.code == 1
    assert "已由更新的版本改过（9999" in answer.out + answer.err
    assert "装回那个版本" in answer.out + answer.err
    assert shape() == ("9999", before[1])


@pytest.mark.parametrize("words", said_by(WRITE))
def test_who_writes_changes_no_tables_under_a_service_and_brings_them_up_where_none_runs(served, words):
    before = shape()
    answer = served(*words)
    assert (answer.code, answer.out) == (1, "")
    assert f"还是旧结构（{OLDER}，本版本 {newest_schema()}），旧版本的服务正在用它" in answer.err
    assert shape() == before
    shutil.copy("yuqing.db", "other.db")  # which nobody holds
    served.set(DATABASE_URL="sqlite:///other.db")
    served(*words)
    Path("other.db").replace("yuqing.db")
    assert shape()[0] == newest_schema()


def test_a_second_service_is_refused_before_it_changes_the_tables_of_the_first(served):
    before = shape()
    served.set(TELEGRAM_TOKEN=SANDBOX_TOKEN, TELEGRAM_API="http://127.0.0.1:9")
    Path("config/roster.toml").unlink()
    answer = served("run", "--only", "bot")
    assert answer.code == 1
    assert "已有一个 yuqing 在用这个数据库" in answer.err
    assert shape() == before


def test_a_service_that_finds_a_newer_database_ends_so_that_systemd_does_not_start_it_again(desk):
    desk.database(lambda s: s.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    desk.set(TELEGRAM_TOKEN=SANDBOX_TOKEN, TELEGRAM_API="http://127.0.0.1:9")
    Path("config/roster.toml").unlink()
    answer = desk("run", "--only", "bot")
    assert answer.code == 78
    assert "数据库已由更新的版本改过（9999" in answer.err


def test_a_service_whose_folder_of_the_database_is_not_there_says_so_and_makes_none(desk):
    desk.set(
        TELEGRAM_TOKEN=SANDBOX_TOKEN, TELEGRAM_API="http://127.0.0.1:9", DATABASE_URL="sqlite:///no/yuqing.db"
    )
    Path("config/roster.toml").unlink()
    answer = desk("run", "--only", "bot")
    assert answer.code == 1
    assert "请检查 YUQING_DATABASE_URL" in answer.err
    assert not Path("no").exists()

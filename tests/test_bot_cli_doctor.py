"""`yuqing doctor` as an operator meets it: every trouble is a line with a cure, none of them hides the others."""

import os
import resource
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text, update
from test_bot_cli import Terminal, empty, founded, yuqing

from bot.cli.common import folded
from bot.cli.doctor import MIB, NAMES, disk_look
from bot.config import load_folder
from routing import takeover
from routing.checkup import Verdict
from routing.clock import utc_now
from routing.store.engine import Store
from routing.store.lease import Lease
from routing.store.tables import OutboxRow, SourceRow

__all__ = ["empty", "founded", "yuqing"]

FILE = Path("yuqing.db")


def looks(yuqing: Terminal, *words: str) -> dict[str, dict[str, str]]:
    """Give the gravest line of each thing that was looked at."""
    answer = yuqing("doctor", "--json", *words)
    found: dict[str, dict[str, str]] = {}
    for look in answer.json["looks"]:
        found.setdefault(look["what"], look)
    assert answer.json["ok"] == (answer.code == 0)
    assert all(look["cure"] for look in answer.json["looks"] if look["verdict"] == "bad")
    return found


@pytest.fixture
def made(founded: Terminal) -> Terminal:
    """A desk with a database."""
    return founded


def test_where_there_is_no_database_yet_none_is_made(yuqing):
    found = looks(yuqing)
    assert found["数据库"]["verdict"] == "bad"
    assert "yuqing run" in found["数据库"]["cure"]
    assert not FILE.exists()


def test_the_table_says_what_is_wrong_and_what_to_do(made):
    answer = made("doctor")
    assert answer.code == 1
    assert "服务" in answer.out
    assert "没有在运行" in answer.out
    assert "处故障" in answer.err
    assert "怎么办" in answer.out


def test_a_running_service_is_seen_with_its_process_and_the_desk_is_well(made):
    ready = update(SourceRow).values(next_poll_at=utc_now())
    made.database(
        lambda s: s.add_all(
            SourceRow(id=name, failures=0, baseline_done=True)
            for name in ("county-news", "county-board", "forum-comments")
        )
    )
    made.database(lambda s: s.execute(ready))
    store = Store("sqlite:///yuqing.db")
    lease = Lease(store)
    try:
        answer = made("doctor")
        found = looks(made)
    finally:
        lease.close()
        store.close()
    assert f"进程 {os.getpid()}" in found["服务"]["value"]
    assert {look["verdict"] for look in found.values()} == {"well", "mind"}
    assert answer.code == 0
    assert "处注意" in answer.err


def test_nothing_is_changed_by_looking(made):
    made("doctor")
    with sqlite3.connect(FILE) as database:
        before = list(database.iterdump())
    assert made("doctor", "--full").code == 1
    with sqlite3.connect(FILE) as database:
        assert list(database.iterdump()) == before


def test_a_file_that_is_no_database_is_one_line_and_the_rest_is_still_told(yuqing):
    FILE.write_bytes(b"this is a letter, and no database at all" * 100)
    found = looks(yuqing)
    assert found["数据库"]["verdict"] == "bad"
    assert "not a database" in found["数据库"]["value"]
    assert {"配置", "日历", "磁盘"} <= set(found)


def test_on_a_full_disk_the_cure_is_room_and_no_other(made):
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most[1]))  # no file may grow
    try:
        found, answer = looks(made), made("sources")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert found["数据库"]["verdict"] == "bad"
    assert "磁盘满" in found["数据库"]["cure"]
    assert "磁盘满" in answer.err
    assert "是否在运行" not in answer.err


def test_a_damaged_page_is_found(made):
    made.database(
        lambda s: s.execute(
            text(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                " INSERT INTO gone (mark, content, stock) SELECT randomblob(16), randomblob(8), 0 FROM n"
            )
        )
    )
    with sqlite3.connect(FILE) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'gone'").fetchone()[0]
    with FILE.open("r+b") as file:
        file.seek((root - 1) * 4096 + 4)
        file.write(b"\xff" * 200)
    found = looks(made)
    assert found["完整性"]["verdict"] == "bad"
    assert "备份" in found["完整性"]["cure"]


def test_one_look_that_breaks_hides_no_other(made):
    made.database(lambda s: s.execute(text("DROP TABLE inbox")))
    found = looks(made)
    assert found["群内操作"]["verdict"] == "bad"
    assert "no such table" in found["群内操作"]["value"]
    assert found["时限"]["verdict"] == "well"


@pytest.mark.parametrize(
    ("number", "verdict"), [("0001", "bad"), ("9999", "bad"), (None, "bad")], ids=["older", "newer", "empty"]
)
def test_a_schema_of_another_version_is_told_and_left_as_it_is(made, number, verdict):
    statement = (
        "DROP TABLE alembic_version"
        if number is None
        else f"UPDATE alembic_version SET version_num = '{number}'"
    )
    made.database(lambda s: s.execute(text(statement)))
    found = looks(made)
    assert found["数据库"]["verdict"] == verdict
    assert "发件" not in found
    with sqlite3.connect(FILE) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    assert ("alembic_version" in tables) == (number is not None)


def test_a_configuration_that_cannot_be_read_is_one_line(made):
    (made.folder / "config" / "office.toml").write_text("name = ", encoding="utf-8")
    found = looks(made)
    assert found["配置"]["verdict"] == "bad"
    assert "yuqing check" in found["配置"]["cure"]
    assert found["发件"]["verdict"] == "well"
    assert "来源" not in found


def test_what_hangs_is_told_by_its_own_line(made):
    old = utc_now().replace(year=2025)
    row = {"chat": "1", "kind": "text", "priority": 3, "payload": {}, "state": "pending", "attempts": 1}
    made.database(lambda s: s.add(OutboxRow(dedupe_key="k", created_at=old, next_attempt_at=old, **row)))
    assert looks(made)["发件"]["verdict"] == "bad"


def test_a_server_that_is_away_is_told_without_its_password(yuqing):
    yuqing.set(DATABASE_URL="postgresql://desk:pass-word-of-desk@127.0.0.1:1/yuqing")
    answer = yuqing("doctor")
    assert answer.code == 1
    assert "PostgreSQL 127.0.0.1:1/yuqing" in answer.out or "没查成" in answer.out
    assert "pass-word-of-desk" not in f"{answer.out}{answer.err}"


def test_on_postgresql_the_same_things_are_looked_at(yuqing, migrated_postgresql):
    yuqing.set(DATABASE_URL=migrated_postgresql)
    found = looks(yuqing, "--full")
    assert found["数据库"]["verdict"] == "well"
    assert found["服务"]["verdict"] == "bad"
    assert {"完整性", "台账", "时钟", "发件", "群内操作", "时限", "来源", "会话", "人员", "值班"} <= set(
        found
    )


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(100 * MIB, Verdict.BAD), (1024 * MIB, Verdict.MIND), (50 * 1024 * MIB, Verdict.WELL)],
)
def test_room_on_the_disk_is_judged_before_it_is_gone(free, verdict):
    look = disk_look(Path("/srv"), free)
    assert look.verdict is verdict
    assert "/srv" in look.value
    assert bool(look.cure) == (verdict is not Verdict.WELL)


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("没有故障", ["没有故障"]),
        ("16 处提醒：duty_chat 等", ["16 处提", "醒：", "duty_chat", "等"]),
        ("现在没有问题。", ["现在没有", "问题。"]),
        ("一二三四五。六", ["一二三四", "五。六"]),
        ("一二三四。五", ["一二三", "四。五"]),
        ("/opt/yuqing/desk", ["/opt/yuqi", "ng/desk"]),
        ("一duty_of、二", ["一", "duty_of、", "二"]),
        ("", [""]),
    ],
)
def test_chinese_is_broken_anywhere_and_words_and_signs_stay_together(said, lines):
    assert folded(said, 9) == lines


def test_every_verdict_has_its_word():
    assert set(NAMES) == set(Verdict)


def test_an_edit_that_the_service_refused_is_told_where_the_files_are_shown(made):
    office = load_folder(Path("config")).office
    assert "没有生效" not in made("doctor").out + made("sources").err
    made.database(lambda s: takeover.tell(s, office, "1", "配置改动有 1 处问题", utc_now(), refused=True))
    told = [look for look in made("doctor", "--json").json["looks"] if look["what"] == "配置"][-1]
    assert "没有生效，服务仍按原配置运行" in told["value"]
    assert "没有生效" in made("sources").err
    made.database(lambda s: takeover.tell(s, office, "2", "配置已更新", utc_now()))
    assert "没有生效" not in made("doctor").out + made("sources").err

"""`yuqing purge` as an operator meets it: what it shows, what it asks for, what it refuses."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from builders import item
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session
from test_bot_cli import Terminal, empty, founded, yuqing

from routing.clock import utc_now
from routing.items import Kind
from routing.store.engine import Store
from routing.store.lease import Lease
from routing.store.tables import ItemRow, LedgerRow, Outcome

__all__ = ["empty", "founded", "yuqing"]

OLD = 500
YES = ("purge", "--yes", "--reason", "保存期已满，按规定清理")


def fill(session: Session) -> None:
    """Write texts of long ago of a source that nobody remembers, so that none of them is spared."""
    row = {
        "source_id": "forum",
        "title": "菊花开了",
        "text": item().text * 20,
        "kind": Kind.POST,
        "first_seen_at": utc_now() - timedelta(days=200),
        "content_hash": "00" * 16,
        "fingerprint": "",
        "places": [],
        "numbers": [],
        "outcome": Outcome.NONE,
        "reasons": [],
        "masked": [],
    }
    session.execute(insert(ItemRow), [row | {"external_id": str(n), "url": ""} for n in range(OLD)])


def left(yuqing: Terminal) -> int:
    return yuqing.database(lambda s: s.scalar(select(func.count()).select_from(ItemRow)))


def lines(yuqing: Terminal) -> list[str]:
    return yuqing.database(lambda s: list(s.scalars(select(LedgerRow.action))))


@pytest.fixture
def full(founded: Terminal) -> Terminal:
    """A desk with five hundred texts whose time is over."""
    founded.database(fill)
    return founded


def test_without_yes_it_shows_what_would_go_and_does_nothing(full):
    answer = full("purge")
    assert answer.code == 0
    row = next(line for line in answer.out.splitlines() if "没有成为事项的信息" in line)
    assert "184 天" in row
    assert str(OLD) in row
    assert f"共 {OLD} 条到期，什么都没有删" in answer.err
    assert left(full) == OLD
    assert lines(full) == []


@pytest.mark.parametrize("words", [("purge",), YES])
def test_where_there_is_no_database_none_is_made(yuqing, words):
    answer = yuqing(*words)
    assert (answer.code, answer.out) == (1, "")
    assert "请检查 YUQING_DATABASE_URL 和工作目录" in answer.err
    assert not Path("yuqing.db").exists()


@pytest.mark.parametrize(
    ("number", "told"), [("0001", "还是旧结构（0001"), ("9999", "已由更新的版本改过（9999")]
)
def test_looking_changes_no_schema_of_another_version(full, number, told):
    full.database(lambda s: s.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": number}))
    answer = full("purge")
    assert (answer.code, answer.out) == (1, "")
    assert told in answer.err
    assert full.database(lambda s: s.scalar(text("SELECT version_num FROM alembic_version"))) == number


@pytest.mark.parametrize("words", [("purge",), ("people", "list"), ("audit", "verify")])
def test_a_file_that_is_no_database_is_one_sentence_with_a_cure(yuqing, words):
    Path("yuqing.db").write_text("not a database at all, only words " * 40)
    answer = yuqing(*words)
    assert (answer.code, answer.out) == (1, "")
    assert len(answer.err.splitlines()) == 1
    assert "yuqing doctor" in answer.err


def test_with_yes_and_a_reason_it_lets_go_and_the_record_says_so(full):
    answer = full(*YES)
    assert answer.code == 0
    assert f"已清理 {OLD} 条，记入台账" in answer.err
    assert left(full) == 0
    assert lines(full) == ["purge_begin", "purge"]
    assert full("audit", "verify").code == 0
    again = full(*YES)
    assert again.code == 0
    assert "没有到期的，什么都没有删" in again.err
    assert lines(full) == ["purge_begin", "purge"]


def test_a_private_datum_in_the_reason_is_masked_in_the_record(full):
    assert full("purge", "--yes", "--reason", "王科长 13800000017 来电要求清理").code == 0
    written = full.database(lambda s: list(s.scalars(select(LedgerRow.data))))
    assert len(written) == 2
    assert not any("13800000017" in data for data in written)


def test_for_machines_it_says_the_same(full):
    shown = full("purge", "--json").json
    assert not shown["done"]
    assert shown["due"][0]["count"] == OLD
    done = full(*YES, "--json").json
    assert done["done"]
    assert done["gone"] == {"没有成为事项的信息": OLD}
    assert full("purge", "--json").json["due"][0]["oldest"] is None


@pytest.mark.parametrize(
    "words",
    [("purge", "--yes"), ("purge", "--yes", "--reason", " 旧 "), ("purge", "--compact")],
    ids=["no reason", "no real reason", "compact alone"],
)
def test_what_is_asked_for_is_said_and_nothing_goes(full, words):
    answer = full(*words)
    assert answer.code == 2
    assert "什么都" in answer.err
    assert left(full) == OLD


def test_days_of_the_office_count_and_fewer_than_the_law_wants_are_refused(full):
    office = full.folder / "config" / "office.toml"
    text = office.read_text(encoding="utf-8")
    office.write_text(text.replace("texts_days = 184", "texts_days = 365"), encoding="utf-8")
    assert "没有到期的" in full("purge").err
    office.write_text(text.replace("logs_days = 184", "logs_days = 90"), encoding="utf-8")
    answer = full(*YES)
    assert answer.code == 2
    assert "logs_days" in answer.err
    assert "184" in answer.err
    assert left(full) == OLD


def test_the_file_shrinks_with_compact_and_not_without(full):
    file = full.folder / "yuqing.db"
    before = file.stat().st_size
    assert full(*YES).code == 0
    assert file.stat().st_size >= before
    answer = full(*YES, "--compact")
    assert answer.code == 0
    assert "已压缩" in answer.err
    assert file.stat().st_size < before - 500_000
    assert full("audit", "verify").code == 0


def test_compact_is_refused_while_a_service_works_on_the_database(full):
    store = Store("sqlite:///yuqing.db")
    lease = Lease(store)
    try:
        answer = full(*YES, "--compact")
    finally:
        lease.close()
        store.close()
    assert answer.code == 1
    assert "先停服务" in answer.err
    assert left(full) == OLD


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_compact_is_refused_where_the_disk_has_no_room_and_says_how_much_it_needs(full, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - 10**6, 10**6))
    answer = full(*YES, "--compact")
    assert answer.code == 1
    assert "磁盘空间不够，没有压缩" in answer.err
    assert str(Path.cwd().resolve()) in answer.err
    assert left(full) == 0


def test_on_postgresql_compact_is_not_needed_and_said_so(yuqing, new_database):
    yuqing.set(DATABASE_URL=new_database())
    answer = yuqing(*YES, "--compact")
    assert answer.code == 2
    assert "autovacuum" in answer.err

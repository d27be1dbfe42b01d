"""`yuqing sources`: the state of every source, lists of feeds in and out, keys of inboxes, pages that are approved."""

import hashlib
import hmac
import json
import re
import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sqlalchemy import update
from test_bot_cli import Terminal, empty, founded, yuqing

from bot.office_file import load_office
from monitors.sources_file import load_sources
from routing import pushes
from routing.clock import utc_now
from routing.items import Ailment, Symptom
from routing.ledger import Ledger
from routing.sources import states
from routing.store.tables import AilmentRow, LedgerRow, SourceRow

__all__ = ["empty", "founded", "yuqing"]

WATCHED = """\
contact = "mailto:duty@county.example"

[[source]]
id = "news"
name = "县新闻网"
kind = "feed"
url = "https://news.example/rss.xml"
mirrors = ["https://mirror.example/rss.xml"]

[[source]]
id = "replies"
name = "跟帖"
kind = "comments"
url = "https://bbs.example/api"
[source.mapping]
items = "data"
id = "id"
text = "text"

[[source]]
id = "hotline"
name = "热线推送"
kind = "inbox"
[source.mapping]
id = "id"
text = "text"

[[source]]
id = "home"
name = "门户首页"
kind = "page"
url = "https://www.county.example/"
"""
KEY = "a-master-key-for-pushes-0123456789"
LIST = """<?xml version="1.0"?><opml version="2.0"><head><ownerName>张三</ownerName></head><body>
<outline text="县新闻网（旧）" xmlUrl="http://news.example/rss.xml/#top"/>
<outline text="镜像" xmlUrl="https://mirror.example/rss.xml"/>
<outline text="论坛 &quot;热议&quot;" xmlUrl="https://www.bbs.example/rss.php?fid=23"/>
<outline text="" xmlUrl="https://bbs.example/rss.php?fid=23"/>
<outline text="中文域名" xmlUrl="https://新闻.example/订阅.xml"/>
<outline text="要登录" xmlUrl="https://me:pass-word@bbs.example/rss"/>
<outline text="本机文件" xmlUrl="file:///etc/passwd"/>
</body></opml>"""


@pytest.fixture
def desk(founded: Terminal) -> Terminal:
    """A terminal whose configuration watches four sources, none of them read yet."""
    (founded.folder / "config" / "sources.toml").write_text(WATCHED, encoding="utf-8")
    return founded


def remember(desk: Terminal, *rows: SourceRow | AilmentRow) -> None:
    desk.database(lambda session: session.add_all(rows))


def row_of(desk: Terminal, source_id: str) -> dict[str, object]:
    (found,) = [row for row in desk("sources", "--json").json if row["source"] == source_id]
    return dict(found)


# --- the state of every source ----------------------------------------------------------------------------------


def test_sources_that_were_never_read_say_so(desk: Terminal) -> None:
    answer = desk("sources")
    assert (answer.code, answer.err) == (0, "")
    for word in ("news", "县新闻网", "订阅源", "接口", "推送", "防篡改", "未读过", "等待推送"):
        assert word in answer.out
    assert [row["read"] for row in desk("sources", "--json").json] == [False] * 4


def test_a_source_is_shown_with_what_it_does_and_when(desk: Terminal) -> None:
    at = datetime.fromisoformat("2036-11-20T02:05:00+00:00")
    row = SourceRow(
        id="news",
        failures=0,
        last_ok_at=at,
        changed_at=at,
        last_new_at=at - timedelta(hours=1),
        next_poll_at=at + timedelta(minutes=2),
        expected_per_h=2.25,
    )
    remember(desk, row)
    (line,) = [line for line in desk("sources").out.splitlines() if "news" in line]
    for word in ("正常", "11-20 10:05", "11-20 09:05", "11-20 10:07", "2.2 条/时"):
        assert word in line
    assert row_of(desk, "news")["expected_per_h"] == 2.25


def test_a_source_that_nobody_reads_any_more_is_not_called_well(desk: Terminal) -> None:
    at = utc_now()
    remember(desk, SourceRow(id="news", last_ok_at=at, next_poll_at=at - timedelta(minutes=2)))
    assert row_of(desk, "news")["status"] == "正常"
    desk.database(lambda s: s.execute(update(SourceRow).values(next_poll_at=at - timedelta(hours=2))))
    assert row_of(desk, "news")["status"] == "到点没有读"
    answer = desk("sources")
    assert "到点没有读" in answer.out
    assert "1 个来源到点没有读" in answer.err
    assert "服务是否在运行" in answer.err


@pytest.mark.parametrize(
    ("changed", "told"), [(timedelta(0), "正常"), (timedelta(hours=-3), "无变化"), (None, "正常")]
)
def test_an_answer_that_stays_the_same_is_told_from_a_new_one(
    desk: Terminal, changed: timedelta | None, told: str
) -> None:
    at = utc_now()
    remember(desk, SourceRow(id="news", last_ok_at=at, changed_at=None if changed is None else at + changed))
    assert row_of(desk, "news")["status"] == told


def test_a_failing_source_shows_how_often_why_and_the_cure(desk: Terminal) -> None:
    row = SourceRow(
        id="news", failures=4, fault="status", fault_detail="来源返回 404。地址已失效，请找新的订阅地址"
    )
    remember(desk, row)
    answer = desk("sources")
    assert "失败 4 次" in answer.out
    assert "news：来源返回 404。地址已失效，请找新的订阅地址" in answer.out
    assert row_of(desk, "news")["failures"] == 4


@pytest.mark.parametrize("ailment", list(Ailment), ids=str)
def test_every_ailment_has_its_word_and_shows_its_cure(desk: Terminal, ailment: Ailment) -> None:
    ill = AilmentRow(source_id="news", ailment=ailment, detail="看到的情况", cure="怎么办", since=utc_now())
    remember(desk, SourceRow(id="news", last_ok_at=utc_now()), ill)
    answer = desk("sources")
    assert "news：看到的情况。怎么办" in answer.out
    told = str(row_of(desk, "news")["status"])
    assert told not in {"正常", "无变化"}
    assert told in answer.out
    assert row_of(desk, "news")["ailments"] == [
        {"ailment": ailment.value, "since": ill_since(desk), "detail": "看到的情况", "cure": "怎么办"}
    ]


def test_a_source_whose_pushes_are_refused_says_so_before_any_was_taken(desk: Terminal) -> None:
    old_key = Symptom(Ailment.REFUSED, "签名不对", "请核对密钥")
    office = load_office((desk.folder / "config" / "office.toml").read_text(encoding="utf-8"), "office.toml")
    desk.database(lambda s: pushes.refuse(s, office, Ledger(), "hotline", 2, old_key, utc_now()))
    assert (row_of(desk, "hotline")["status"], row_of(desk, "hotline")["read"]) == ("推送被拒", False)
    assert re.search(
        r"hotline：连续 2 次推送没有收下，最近一次在 .*，原因：签名不对。请核对密钥", desk("sources").out
    )
    found = [look for look in desk("doctor", "--json").json["looks"] if "hotline" in look["value"]]
    assert [(look["what"], look["verdict"], look["cure"]) for look in found] == [
        ("来源", "mind", "请核对密钥")
    ]


def ill_since(desk: Terminal) -> str:
    return str(desk.database(lambda session: session.query(AilmentRow).one().since))


def test_a_quiet_source_is_expected_by_the_day(desk: Terminal) -> None:
    remember(desk, SourceRow(id="news", expected_per_h=0.125))
    assert "3.0 条/天" in desk("sources").out


def test_a_wrong_file_of_sources_is_told_and_another_wrong_file_does_not_matter(desk: Terminal) -> None:
    config = desk.folder / "config"
    (config / "rules.toml").write_text("nonsense", encoding="utf-8")
    assert desk("sources").code == 0
    (config / "sources.toml").write_text(WATCHED.replace('kind = "page"', 'kind = "pages"'), encoding="utf-8")
    answer = desk("sources")
    assert answer.code == 2
    assert "sources.toml:31" in answer.err


def test_without_a_configuration_the_cure_is_named(empty: Terminal) -> None:
    answer = empty("sources")
    assert answer.code == 1
    assert "yuqing init" in answer.err


# --- lists of feeds ---------------------------------------------------------------------------------------------


@pytest.fixture
def opml(desk: Terminal) -> Path:
    path = desk.folder / "list.opml"
    path.write_text(LIST, encoding="utf-8")
    return path


def test_a_list_becomes_blocks_that_can_be_pasted(desk: Terminal, opml: Path) -> None:
    answer = desk("sources", "import", str(opml))
    assert answer.code == 0
    sources = load_sources(f"{WATCHED}\n{answer.out}")
    added = sources[4:]
    assert [(s.id, s.name, s.url, s.interval_s) for s in added] == [
        ("bbs-example-rss-fid-23", '论坛 "热议"', "https://www.bbs.example/rss.php?fid=23", 60),
        ("bbs-example-rss-fid-23-2", "bbs.example", "https://bbs.example/rss.php?fid=23", 60),
        (added[2].id, "中文域名", "https://新闻.example/订阅.xml", 60),
    ]
    assert added[2].id.startswith("xn-")
    assert "张三" not in answer.out


def test_what_is_watched_already_or_cannot_be_watched_is_left_out_and_named(
    desk: Terminal, opml: Path
) -> None:
    told = desk("sources", "import", str(opml)).err.splitlines()
    assert [line for line in told if line.startswith("跳过")] == [
        "跳过 http://news.example/rss.xml/#top：已在监看（news）",
        "跳过 https://mirror.example/rss.xml：已在监看（news）",
        "跳过 要登录：网址里不能带账号密码",
        "跳过 本机文件：不是 http 或 https 网址",
    ]
    assert "pass-word" not in "".join(told)


def test_an_import_goes_to_a_new_file_and_never_over_an_old_one(desk: Terminal, opml: Path) -> None:
    into = desk.folder / "new.toml"
    answer = desk("sources", "import", str(opml), "--out", str(into))
    assert (answer.code, answer.out) == (0, "")
    written = into.read_text(encoding="utf-8")
    assert len(tomllib.loads(written)["source"]) == 3
    again = desk("sources", "import", str(opml), "--out", str(into))
    assert again.code == 1
    assert "没有覆盖" in again.err
    assert "--force" not in again.err
    assert into.read_text(encoding="utf-8") == written


def test_a_list_of_nothing_new_writes_nothing(desk: Terminal) -> None:
    (desk.folder / "old.opml").write_text(
        '<opml><body><outline text="a" xmlUrl="https://news.example/rss.xml"/></body></opml>',
        encoding="utf-8",
    )
    answer = desk("sources", "import", "old.opml", "--out", "new.toml")
    assert (answer.code, answer.out) == (1, "")
    assert not (desk.folder / "new.toml").exists()


@pytest.mark.parametrize(
    ("name", "word"), [("none.opml", "没有文件"), ("config", "读不出"), (".env.txt", "不是 OPML")]
)
def test_a_list_that_cannot_be_read_is_one_sentence(desk: Terminal, name: str, word: str) -> None:
    (desk.folder / ".env.txt").write_bytes(b"\x89PNG\r\n")
    answer = desk("sources", "import", name)
    assert (answer.code, answer.out) == (1, "")
    assert word in answer.err


def test_a_folder_that_is_not_there_is_told(desk: Terminal, opml: Path) -> None:
    answer = desk("sources", "import", str(opml), "--out", "nowhere/new.toml")
    assert answer.code == 1
    assert "没有这个文件夹" in answer.err


def test_the_feeds_are_exported_and_what_cannot_be_is_counted(desk: Terminal) -> None:
    answer = desk("sources", "export", "--out", "feeds.opml")
    assert answer.code == 0
    assert "1 个订阅源" in answer.err
    assert "3 个不是订阅源" in answer.err
    root = ElementTree.parse(desk.folder / "feeds.opml").getroot()
    assert [o.get("xmlUrl") for o in root.iter("outline")] == ["https://news.example/rss.xml"]
    assert desk("sources", "export", "--out", "feeds.opml").code == 1
    assert desk("sources", "export", "--out", "feeds.opml", "--force").code == 0


def test_an_export_without_feeds_writes_nothing(desk: Terminal) -> None:
    head, _, rest = WATCHED.partition("[[source]]")
    without = head + rest[rest.index("[[source]]") :]
    (desk.folder / "config" / "sources.toml").write_text(without, encoding="utf-8")
    answer = desk("sources", "export", "--out", "feeds.opml")
    assert answer.code == 1
    assert not (desk.folder / "feeds.opml").exists()


# --- inboxes ----------------------------------------------------------------------------------------------------


def test_the_key_of_an_inbox_is_its_own_and_comes_alone_on_standard_output(desk: Terminal) -> None:
    desk.set(INGEST_KEY=KEY)
    answer = desk("sources", "key", "hotline")
    wanted = hmac.new(KEY.encode(), b"hotline", hashlib.sha256).hexdigest()
    assert (answer.code, answer.out) == (0, f"{wanted}\n")
    assert KEY not in answer.err


def test_without_a_master_key_there_is_none_and_the_cure_is_named(desk: Terminal) -> None:
    answer = desk("sources", "key", "hotline")
    assert (answer.code, answer.out) == (1, "")
    assert "YUQING_INGEST_KEY" in answer.err
    assert "openssl rand -hex 32" in answer.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("key", "news"), "kind 是 feed"),
        (("key", "nosuch"), "没有编号为 nosuch"),
        (("approve", "hotline"), "kind 是 inbox"),
        (("approve", "nosuch"), "home"),
        (("approve",), "缺少"),
    ],
)
def test_a_source_of_another_kind_is_refused_with_the_ones_that_fit(
    desk: Terminal, words: tuple[str, ...], told: str
) -> None:
    desk.set(INGEST_KEY=KEY)
    answer = desk("sources", *words)
    assert (answer.code, answer.out) == (2, "")
    assert told in answer.err


# --- pages ------------------------------------------------------------------------------------------------------


def memory_of(desk: Terminal) -> object:
    return json.loads(desk.database(lambda session: states(session, ["home"])["home"].memory))


def ledger_of(desk: Terminal) -> list[tuple[str, str]]:
    return desk.database(
        lambda session: [(row.actor, row.action) for row in session.query(LedgerRow).order_by(LedgerRow.seq)]
    )


def test_a_page_is_approved_once_and_leaves_one_line(desk: Terminal) -> None:
    ill = AilmentRow(source_id="home", ailment=Ailment.TAMPERED, detail="变了", cure="核实", since=utc_now())
    remember(desk, SourceRow(id="home", memory='{"text": "旧样", "links": ["a"]}'), ill)
    first, second = desk("sources", "approve", "home"), desk("sources", "approve", "home")
    assert (first.code, second.code) == (0, 0)
    assert "已认可 门户首页" in first.out
    assert "门户首页 已经认可过，正等下一次读取" in second.out
    assert memory_of(desk) == {"text": "旧样", "links": ["a"], "approve": True}
    assert ledger_of(desk) == [("命令行", "page_approved")]


def test_a_page_that_did_not_change_is_told_so_and_not_approved(desk: Terminal) -> None:
    remember(desk, SourceRow(id="home", memory='{"text": "旧样", "links": ["a"]}'))
    answer = desk("sources", "approve", "home")
    assert answer.code == 0
    assert "门户首页 没有要认可的变化" in answer.out
    assert memory_of(desk) == {"text": "旧样", "links": ["a"]}
    assert ledger_of(desk) == []


def test_a_page_that_was_never_read_needs_no_approval(desk: Terminal) -> None:
    answer = desk("sources", "approve", "home")
    assert answer.code == 1
    assert "还没有读过" in answer.err
    assert ledger_of(desk) == []

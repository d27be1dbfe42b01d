from zoneinfo import ZoneInfo

import pytest

from monitors.persons import names_person
from monitors.sources_file import load_sources
from routing.errors import ConfigError, Problem
from routing.items import Kind

GOOD = """
contact = "duty@county.example"

[[source]]
id = "forum"
name = "县论坛"
kind = "feed"
url = "https://bbs.example/rss"
tags = ["论坛"]

[[source]]
id = "replies"
name = "论坛跟帖"
kind = "comments"
url = "http://127.0.0.1:8123/replies?type=1"
zone = "UTC"
interval_s = 1
allow_hosts = ["127.0.0.1:8123"]
[source.mapping]
items = "data.replies"
id = "rpid_str"
text = "content.message"
parent = "parent_str"
time = "ctime"
url = "https://bbs.example/t/{oid}#reply{rpid_str}"
likes = "like || like_count"
cursor = { send = "next", next = "data.cursor.next" }
ok = { path = "code", equals = 0 }
"""


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        load_sources(text, "sources.toml")
    return caught.value.problems


def test_a_good_file_becomes_frozen_sources_with_their_defaults() -> None:
    forum, replies = load_sources(GOOD)
    assert (forum.id, forum.kind, forum.item_kind, forum.site) == (
        "forum",
        "feed",
        Kind.ARTICLE,
        "bbs.example",
    )
    assert forum.zone == ZoneInfo("Asia/Shanghai")
    assert forum.allow_hosts == ()
    assert forum.user_agent == "yuqing/0.1 (+duty@county.example)"
    assert (replies.item_kind, replies.interval_s, replies.zone) == (Kind.COMMENT, 1, ZoneInfo("UTC"))
    assert replies.mapping is not None
    assert replies.mapping.cursor is not None
    assert (replies.mapping.cursor.send, replies.mapping.cursor.next) == ("next", "data.cursor.next")
    assert replies.mapping.ok is not None
    assert replies.mapping.ok.equals == (0,)


@pytest.mark.parametrize(
    "path",
    [
        "member.uname",
        "user.screen_name",
        "nickname",
        "nickName",
        "author",
        "author.name",
        "creator_hash",
        "ip_location",
        "reply_control.location || ip_label",
        "content.members[0].mid",
        "[text, user_id] | [1]",
        "{t: text, u: uname}.u",
        "*.name",
        "values(@)",
        "to_string(@)",
        '"留言人"',
        '"user-name"',
        "sec_uid",
    ],
)
def test_a_mapping_that_reaches_for_a_person_is_refused_by_name(path: str) -> None:
    (problem,) = problems_of(GOOD.replace('"content.message"', f"'{path}'"))
    assert "个人信息" in problem.reason
    assert problem.line == 22
    assert problem.where == "source[第2个].mapping.text"


def test_an_author_key_and_an_author_in_the_link_are_refused_too() -> None:
    (key,) = problems_of(GOOD.replace('likes = "like || like_count"', 'author = "x"'))
    assert key.reason == "不采集作者或个人信息"
    (link,) = problems_of(GOOD.replace("{oid}", "{member.mid}"))
    assert "个人信息" in link.reason


def test_harmless_field_names_are_let_through() -> None:
    for name in (
        "text",
        "content",
        "message",
        "id",
        "rpid_str",
        "ctime",
        "like_count",
        "forum",
        "url",
        "source",
        "shipment",
    ):
        assert not names_person(name), name


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ("interval_s = 1\n", "interval_s = 0\n", 17, "超出允许范围"),
        ('id = "replies"', 'id = "forum"', 12, "重复，第 5 行"),
        ('"https://bbs.example/rss"', '"ftp://bbs.example/rss"', 8, "http"),
        ('"https://bbs.example/rss"', '"https://me:pw@bbs.example/rss"', 8, "账号密码"),
        ('"https://bbs.example/rss"', '"https://bbs.example:99999/rss"', 8, "有效"),
        ('zone = "UTC"', 'zone = "Asia/Beijing"', 16, "时区"),
        ('zone = "UTC"', 'zone = "../etc"', 16, "时区"),
        ('["127.0.0.1:8123"]', '["127.0.0.1"]', 18, "主机:端口"),
        ('items = "data.replies"', 'items = "data..replies"', 20, "JMESPath"),
        ('kind = "feed"', 'kind = "rss"', 7, "允许的值"),
        ('kind = "feed"', 'kind = "comments"', 4, "缺少 [source.mapping]"),
        ('kind = "comments"', 'kind = "feed"', 19, "不用 [source.mapping]"),
        ('tags = ["论坛"]', "tag = 1", 9, "不认识的键"),
        ('name = "县论坛"\n', "", 4, "缺少"),
        ('contact = "duty@county.example"', 'contact = "值班室"', 2, "写法不对"),
    ],
)
def test_each_fault_has_its_line_and_a_chinese_reason(old: str, new: str, line: int, word: str) -> None:
    assert old in GOOD
    problems = problems_of(GOOD.replace(old, new))
    assert [(p.line, word in p.reason) for p in problems] == [(line, True)]
    assert all(p.cure for p in problems)


def test_all_problems_come_at_once_repeated_ids_included() -> None:
    text = GOOD.replace('id = "replies"', 'id = "forum"').replace("interval_s = 1", "interval_s = -1")
    text = text.replace('tags = ["论坛"]', "tagz = []")
    assert [p.line for p in problems_of(text)] == [9, 12, 17]


def test_a_file_without_sources_says_so() -> None:
    nothing, contact = problems_of("")
    assert "没有写任何来源" in nothing.reason
    assert "联系方式" in contact.reason

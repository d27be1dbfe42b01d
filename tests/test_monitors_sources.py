"""What `sources.toml` may say: every key, every rule with a bad file of its own, and no way to a person."""

import re
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel

from monitors import mapping_file, sources_file
from monitors.persons import names_person
from monitors.presets import PRESETS
from monitors.sources import Cursor, Freshness, Mapped, Paging, Source, Success
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
        "order.lxr",
        "xm",
        "sjhm",
        "complainant",
        "contact_name",
        "contact",
        "from_name",
        "to_uid",
        "client_ip",
        '"来电人"',
        '"投诉者"',
        '"联系方式"',
        '"网友"',
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
        "complaint_content",
        "report_time",
        "reply_to",
        "guid",
        "来电时间",
        "投诉内容",
        "网友评论",
        "信访件编号",
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


# --- every kind and every key -----------------------------------------------------------------------------------

KINDS = {
    "feed": """\
kind = "feed"
url = "https://rsshub.example/people/1"
mirrors = ["http://127.0.0.1:1200/people/1", "https://rsshub.mirror.example/people/1"]
site = "人民网"
item_kind = "post"
interval_s = 120
max_interval_s = 1800
timeout_s = 30
connect_s = 5
read_s = 20
spacing_s = 2.5
max_bytes = 1048576
window_h = 12
frozen_h = 48
silent_h = 0
proxy = "http://127.0.0.1:3128"
headers = { Referer = "https://bbs.example/" }
encoding = "GBK"
comment_feeds = false
""",
    "comments": """\
kind = "comments"
url = "https://weibo.example/comments/hotflow?id=1"
max_pages = 3
form = { state = 2, open = true, fid = "539" }
[source.mapping]
items = "data.data"
id = ["idstr", "id"]
text = "text"
title = "mblog.title"
parent = ["rootidstr", "rootid"]
no_parent = ["", "0", "-1"]
time = ["created_at", "ctime"]
relative_times = true
url = "link || target"
likes = ["like", "like_count", "comment_like_count"]
replies = "total_number"
reposts = "shares"
views = "views"
rank = true
text_cut = '^回复.{1,20}[:：]'
title_cut = '^[^:：]{1,30} [:：] '
page = { kind = "cursor", send = "max_id", next = "data.max_id", also = { t = "data.max_id_type" }, end = "end", stop = ["0", 0] }
ok = { path = "ok", equals = 1 }
fresh = { path = "updatedTime", max_age_s = 7200 }
""",
    "file": """\
kind = "file"
path = "/srv/crawler/weibo/csv/*_comments_*.csv"
interval_s = 30
[source.mapping]
id = "comment_id"
text = "content"
""",
    "inbox": """\
kind = "inbox"
site = "12345"
[source.mapping]
id = "id"
text = "text"
items = "list"
""",
    "page": """\
kind = "page"
url = "https://www.county.example/"
""",
    "column": """\
kind = "column"
url = "https://www.county.example/news/"
overdue_d = 14
""",
}


def document(kind: str, *changes: tuple[str, str]) -> str:
    """A good file with one source of the kind, changed; the head of the source is line 2."""
    text = f'contact = "mailto:duty@county.example"\n[[source]]\nid = "it"\nname = "来源"\n{KINDS[kind]}'
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    return text


def test_a_feed_takes_every_limit_of_its_own() -> None:
    (feed,) = load_sources(document("feed"))
    assert feed == Source(
        id="it",
        name="来源",
        kind="feed",
        url="https://rsshub.example/people/1",
        site="人民网",
        item_kind=Kind.POST,
        interval_s=120,
        max_interval_s=1800,
        timeout_s=30,
        connect_s=5,
        read_s=20,
        spacing_s=2.5,
        max_bytes=1048576,
        window_h=12,
        frozen_h=48,
        silent_h=0,
        proxy="http://127.0.0.1:3128",
        headers=(("Referer", "https://bbs.example/"),),
        encoding="gbk",
        comment_feeds=False,
        mirrors=("http://127.0.0.1:1200/people/1", "https://rsshub.mirror.example/people/1"),
        user_agent="yuqing/0.1 (+mailto:duty@county.example)",
    )
    assert feed.addresses()[1].startswith("http://127.0.0.1:1200/")


def test_a_mapping_takes_one_path_or_a_list_of_them_and_the_words_of_the_next_page() -> None:
    (stream,) = load_sources(document("comments"))
    assert stream.form == (("state", "2"), ("open", "true"), ("fid", "539"))
    assert stream.mapping == Mapped(
        items="data.data",
        id=("idstr", "id"),
        text=("text",),
        title=("mblog.title",),
        parent=("rootidstr", "rootid"),
        no_parent=("", "0", "-1"),
        time=("created_at", "ctime"),
        relative_times=True,
        url="link || target",
        likes=("like", "like_count", "comment_like_count"),
        replies=("total_number",),
        reposts=("shares",),
        views=("views",),
        rank=True,
        text_cut="^回复.{1,20}[:：]",
        title_cut="^[^:：]{1,30} [:：] ",
        page=Paging(
            "cursor",
            "max_id",
            next="data.max_id",
            also=(("t", "data.max_id_type"),),
            end="end",
            stop=("0", 0),
        ),
        ok=Success("ok", (1,)),
        fresh=Freshness("updatedTime", 7200),
    )


def test_what_is_left_out_has_the_default_that_fits_the_kind() -> None:
    found = {kind: load_sources(document(kind))[0] for kind in KINDS}
    assert {kind: source.item_kind for kind, source in found.items()} == {
        "feed": Kind.POST,  # as its file says
        "comments": Kind.COMMENT,
        "file": Kind.POST,
        "inbox": Kind.POST,
        "page": Kind.ARTICLE,
        "column": Kind.ARTICLE,
    }
    page, file, inbox = found["page"], found["file"], found["inbox"]
    assert (page.site, file.site, inbox.site) == ("www.county.example", "来源", "12345")
    assert (page.interval_s, page.max_interval_s, page.window_h, page.frozen_h) == (60, 60, 0, 0)
    assert (page.timeout_s, page.connect_s, page.read_s, page.silent_h) == (20, 10, 15, None)
    assert (file.format, file.path, file.url) == ("csv", "/srv/crawler/weibo/csv/*_comments_*.csv", "")
    assert (inbox.mapping and inbox.mapping.items, file.mapping and file.mapping.items) == ("list", None)
    assert found["column"].overdue_d == 14


def test_without_a_wish_a_source_is_never_asked_more_seldom_and_short_limits_shorten_their_parts() -> None:
    (page,) = load_sources(document("page") + "interval_s = 300\ntimeout_s = 4\n")
    assert (page.max_interval_s, page.connect_s, page.read_s) == (300, 4, 4)


@pytest.mark.parametrize(
    ("ending", "wanted"), [("a.csv", "csv"), ("a.json", "json"), ("a.jsonl", "jsonl"), ("a.log", "jsonl")]
)
def test_the_ending_of_a_file_says_its_form(ending: str, wanted: str) -> None:
    (file,) = load_sources(document("file", ("*_comments_*.csv", ending)))
    assert file.format == wanted


def test_pages_that_are_counted_begin_at_one_and_offsets_at_nothing() -> None:
    old = KINDS["comments"].splitlines()[-3]
    starts = []
    for page in (
        'kind = "page", send = "pn"',
        'kind = "offset", send = "offset"',
        'kind = "page", send = "p", start = 0, step = 2',
    ):
        (stream,) = load_sources(document("comments", (old, f"page = {{ {page} }}")))
        assert stream.mapping is not None
        assert stream.mapping.page is not None
        starts.append((stream.mapping.page.start, stream.mapping.page.step))
    assert starts == [(1, 1), (0, 1), (0, 2)]


def test_a_body_in_json_is_kept_as_it_will_be_sent() -> None:
    (stream,) = load_sources(
        document(
            "comments",
            ('form = { state = 2, open = true, fid = "539" }', 'json = { curPage = 1, word = "供水" }'),
        )
    )
    assert (stream.form, stream.json_body) == ((), '{"curPage": 1, "word": "供水"}')


BAD: Mapping[str, tuple[str, str, str, str, str]] = {
    # rule: (kind, what stands there, what is written instead, where, a word of reason or cure)
    "an interval of nothing": ("feed", "interval_s = 120", "interval_s = 0", "interval_s", "1 到 86400 之间的数，单位为秒"),
    "a slowest interval below the fastest": (
        "feed", "max_interval_s = 1800", "max_interval_s = 60", "max_interval_s", "比 interval_s（120）还短",
    ),
    "a part of the time that outlasts the whole": ("feed", "read_s = 20", "read_s = 40", "read_s", "timeout_s（30）"),
    "a connection that outlasts the whole": ("feed", "connect_s = 5", "connect_s = 31", "connect_s", "timeout_s"),
    "a spacing below nothing": ("feed", "spacing_s = 2.5", "spacing_s = -1", "spacing_s", "3600 秒就是 1 小时"),
    "a source of 100 MiB": ("feed", "max_bytes = 1048576", "max_bytes = 104857600", "max_bytes", "100 MiB"),
    "a source of nothing": ("feed", "max_bytes = 1048576", "max_bytes = 0", "max_bytes", "52428800"),
    "bytes that are no whole number": ("feed", "max_bytes = 1048576", 'max_bytes = "5MB"', "max_bytes", "整数"),
    "an interval in quotes": ("feed", "interval_s = 120", 'interval_s = "120"', "interval_s", "写成了文字 应为数字"),
    "an interval that is a switch": ("feed", "interval_s = 120", "interval_s = true", "interval_s", "应为数字"),
    "a switch in words": ("feed", "comment_feeds = false", 'comment_feeds = "no"', "comment_feeds", "true 或 false"),
    "a kind in a list": ("page", 'kind = "page"', 'kind = ["page"]', "kind", "写成了方括号列表 请从这些里选一个"),
    "a window below nothing": ("feed", "window_h = 12", "window_h = -1", "window_h", "8784 小时就是 366 天"),
    "a mirror that is no address": (
        "feed", '"http://127.0.0.1:1200/people/1"', '"rsshub.example"', "mirrors[第1个]", "https://",
    ),
    "a mirror twice": (
        "feed", '"http://127.0.0.1:1200/people/1"', '"https://rsshub.example/people/1"', "mirrors[第1个]", "相同",
    ),
    "a proxy that is none": ("feed", '"http://127.0.0.1:3128"', '"socks5://127.0.0.1:1080"', "proxy", "http://主机:端口"),
    "a proxy without a port": ("feed", '"http://127.0.0.1:3128"', '"http://proxy.example"', "proxy", "端口"),
    "a proxy with a bad port": ("feed", '"http://127.0.0.1:3128"', '"http://proxy.example:99999"', "proxy", "有效"),
    "a proxy with a password": ("feed", '"http://127.0.0.1:3128"', '"http://u:pw@127.0.0.1:3128"', "proxy", "密码"),
    "a cookie": ("feed", 'Referer = "https://bbs.example/"', 'Cookie = "SID=secret-word"', "headers", "登录凭据"),
    "an authorization": ("feed", 'Referer = "https://bbs.example/"', 'authorization = "Bearer secret-word"', "headers", "公开"),
    "a token": ("feed", 'Referer = "https://bbs.example/"', 'X-Auth-Token = "secret-word"', "headers", "登录凭据"),
    "a false name": ("feed", 'Referer = "https://bbs.example/"', 'User-Agent = "Mozilla/5.0"', "headers", "contact"),
    "a header that is ours": ("feed", 'Referer = "https://bbs.example/"', 'Host = "bbs.example"', "headers", "本系统"),
    "a header with a line break": ("feed", 'Referer = "https://bbs.example/"', 'Referer = "a\\nb"', "headers", "英文字母"),
    "a header that is no name": ("feed", "Referer = ", '"Re ferer" = ', "headers", "写法不对"),
    "an encoding nobody knows": ("feed", '"GBK"', '"unicode_escape"', "encoding", "gb18030"),
    "a mapping for a feed": ("feed", "comment_feeds = false", 'mapping = { id = "id", text = "t" }', "mapping", "不用"),
    "an address without a host": ("feed", '"https://rsshub.example/people/1"', '"https:///x"', "url", "完整网址"),
    "a stream without an address": ("comments", 'url = "https://weibo.example/comments/hotflow?id=1"\n', "", "url", "缺少 url"),
    "a stream without a list": ("comments", 'items = "data.data"\n', "", "mapping.items", 'items = "@"'),
    "a stream without a text": ("comments", 'text = "text"\n', "", "mapping.text", "缺少"),
    "two bodies": ("comments", "max_pages = 3", "json = { a = 1 }", "json", "form"),
    "a form of lists": ("comments", "state = 2", "state = [2]", "form.state", "文字"),
    "a body that JSON cannot write": (
        "comments", 'form = { state = 2, open = true, fid = "539" }', "json = { day = 2026-11-21 }", "json", "日期",
    ),
    "no page at all": ("comments", "max_pages = 3", "max_pages = 0", "max_pages", "1 到 100 之间的数"),
    "a path that is none": ("comments", '"total_number"', '"total..number"', "mapping.replies", "JMESPath"),
    "a path that is a number": ("comments", '"total_number"', "1", "mapping.replies", "取值路径"),
    "a path of a mile": ("comments", '"total_number"', f'"{"a." * 200}b"', "mapping.replies", "太长"),
    "a function that nobody knows": ("comments", '"total_number"', '"lenght(x)"', "mapping.replies", "没有函数 lenght"),
    "no path in the list": ("comments", '["created_at", "ctime"]', "[]", "mapping.time", "太少"),
    "a wrong path in a list": ("comments", '"like_count", ', '"like[", ', "mapping.likes[第2个]", "JMESPath"),
    "an expression that does not compile": (
        "comments", "'^回复.{1,20}[:：]'", "'^回复(.{1,20}[:：]'", "mapping.text_cut", "左括号没有配对，在 ^回复(",
    ),
    "an expression that looks behind": (
        "comments", "'^[^:：]{1,30} [:：] '", "'(?<=a)b'", "mapping.title_cut", "在 (?<= 处",
    ),
    "an expression that refers back": ("comments", "'^[^:：]{1,30} [:：] '", r"'(a)\1'", "mapping.title_cut", r"\1"),
    "an expression that repeats too much": (
        "comments", "'^[^:：]{1,30} [:：] '", "'a{1,5000}'", "mapping.title_cut", "最多 1000",
    ),
    "an expression that cuts everything": ("comments", "'^回复.{1,20}[:：]'", "'.*'", "mapping.text_cut", "什么都没有"),
    "a link without its scheme": ("comments", '"link || target"', '"www.bbs.example/t/{tid}"', "mapping.url", "https://"),
    "a link with an open brace": ("comments", '"link || target"', '"https://bbs.example/t/{tid"', "mapping.url", "花括号"),
    "a link to a host from the text": ("comments", '"link || target"', '"https://{host}/t"', "mapping.url", "域名"),
    "a page of no kind": ("comments", 'kind = "cursor"', 'kind = "next"', "mapping.page.kind", "offset"),
    "a page without its parameter": ("comments", 'send = "max_id", ', "", "mapping.page.send", "缺少"),
    "a cursor that stands nowhere": ("comments", 'next = "data.max_id", ', "", "mapping.page.next", "缺少 next"),
    "a cursor that counts": ("comments", 'stop = ["0", 0]', "start = 1", "mapping.page.start", "page、offset"),
    "pages that end nowhere": ("comments", 'stop = ["0", 0]', "stop = []", "mapping.page.stop", "文字、整数"),
    "a stop of fractions": ("comments", 'stop = ["0", 0]', "stop = 1.5", "mapping.page.stop", "文字、整数"),
    "a cursor beside the pages": (
        "comments", "rank = true", 'cursor = { send = "a", next = "b" }', "mapping.page", "留一个",
    ),
    "an answer that is right by nothing": ("comments", "equals = 1", "equals = []", "mapping.ok.equals", "文字、整数"),
    "an age of nothing": ("comments", "max_age_s = 7200", "max_age_s = 0", "mapping.fresh.max_age_s", "大于 0、不大于 31622400"),
    "a misspelt field": ("comments", "reposts = ", "repost = ", "mapping.repost", "reposts"),
    "a preset nobody wrote": ("comments", "max_pages = 3", 'preset = "bilibli"', "preset", "没有这个预设"),
    "a path for a stream": ("comments", "max_pages = 3", 'path = "/a.jsonl"', "path", "file"),
    "a file without a path": ("file", 'path = "/srv/crawler/weibo/csv/*_comments_*.csv"\n', "", "path", "缺少 path"),
    "a file with an address": ("file", "interval_s = 30", 'url = "https://x.example/"', "url", "不用 url"),
    "a folder": ("file", "*_comments_*.csv", "", "path", "文件夹"),
    "an address for a path": ("file", "/srv/crawler/weibo/csv/*_comments_*.csv", "https://x.example/a.csv", "path", "本机"),
    "a home that is not looked up": ("file", "/srv/crawler", "~/crawler", "path", "完整路径"),
    "a form nobody reads": ("file", "interval_s = 30", 'format = "xlsx"', "format", "jsonl"),
    "a list inside a line": ("file", 'id = "comment_id"', 'id = "comment_id"\nitems = "data"', "mapping.items", "一行一条"),
    "a next page of a file": (
        "file", 'id = "comment_id"', 'id = "comment_id"\ncursor = { send = "a", next = "b" }', "mapping.cursor", "没有下一页",
    ),
    "a file without a mapping": (
        "file", '[source.mapping]\nid = "comment_id"\ntext = "content"\n', "", "mapping", "缺少 [source.mapping]",
    ),
    "an inbox with an address": ("inbox", 'site = "12345"', 'url = "https://x.example/"', "url", "/ingest/"),
    "an inbox that is asked": ("inbox", 'site = "12345"', "interval_s = 60", "interval_s", "不用 interval_s"),
    "a page without an address": ("page", 'url = "https://www.county.example/"\n', "", "url", "缺少 url"),
    "a page that may be silent": (
        "page", 'kind = "page"', 'kind = "page"\nsilent_h = 5', "silent_h", "不用 silent_h",
    ),
    "a page with a limit of days": ("page", 'kind = "page"', 'kind = "page"\noverdue_d = 5', "overdue_d", "column"),
    "a column without a limit": ("column", "overdue_d = 14\n", "", "overdue_d", "多少天"),
    "a column that may be silent": ("column", "overdue_d = 14", "overdue_d = 14\nsilent_h = 48", "silent_h", "写在 overdue_d"),
    "a column that may be frozen": ("column", "overdue_d = 14", "overdue_d = 14\nfrozen_h = 48", "frozen_h", "写在 overdue_d"),
    "a column with a window": ("column", "overdue_d = 14", "overdue_d = 14\nwindow_h = 24", "window_h", "另写一个来源"),
    "a column due at once": ("column", "overdue_d = 14", "overdue_d = 0", "overdue_d", "大于 0、不大于 366 的数，单位为天"),
    "an interval of a month": ("file", "interval_s = 30", "interval_s = 2592000", "interval_s", "1 到 86400"),
    "an id in large letters": ("page", 'id = "it"', 'id = "Portal"', "id", "小写英文字母、数字、- 和 _"),
    "an id of Chinese letters": ("page", 'id = "it"', 'id = "门户"', "id", "以字母或数字开头，最多 53 个"),
    "a list for a text": ("page", 'name = "来源"', 'name = ["来源"]', "name", '方括号列表 应为文字（加引号），如 name = "…"'),
    "a list for an address": (
        "page", 'url = "https://www.county.example/"', 'url = ["https://www.county.example/"]', "url", 'url = "…"',
    ),
    "a text for a list": (
        "page", 'kind = "page"', 'kind = "page"\ntags = "本县"', "tags", '写成了文字 应为方括号列表，如 tags = ["…"]',
    ),
    "a number for a text": ("page", 'name = "来源"', "name = 12345", "name", "写成了数字 应为文字"),
    "a list for a path": ("file", 'id = "comment_id"', 'id = "comment_id"\nurl = ["link"]', "mapping.url", '如 url = "…"'),
    "a list in a list": ("comments", '["created_at", "ctime"]', '[["created_at"], "ctime"]', "mapping.time[第1个]", "应为文字"),
    "a text for a table": ("page", 'kind = "page"', 'kind = "page"\nheaders = "Referer"', "headers", "应为一张表"),
    "words for a number": ("feed", "interval_s = 120", 'interval_s = "两分钟"', "interval_s", "写成了文字 应为数字"),
    "two brackets for one": (
        "file", "[source.mapping]", "[[source.mapping]]", "mapping", "写成了两层方括号 请写成 [source.mapping]（一层方括号）",
    ),
    "a kind nobody knows": ("page", 'kind = "page"', 'kind = "telegram"', "kind", "inbox"),
}  # fmt: skip


@pytest.mark.parametrize("rule", BAD)
def test_each_rule_refuses_its_bad_file_with_line_place_and_cure(rule: str) -> None:
    kind, old, new, where, word = BAD[rule]
    good, bad = document(kind), document(kind, (old, new))
    load_sources(good)
    (problem,) = problems_of(bad)
    assert problem.where == f"source[第1个].{where}"
    assert word in f"{problem.reason} {problem.cure}"
    assert problem.reason
    assert problem.cure
    assert problem.file == "sources.toml"
    assert problem.line is not None
    before, after = good.splitlines(), bad.splitlines()
    if (
        len(before) == len(after) and where != "mapping.page"
    ):  # the two that exclude each other stand on two lines
        changed = [n for n, (a, b) in enumerate(zip(before, after, strict=True), 1) if a != b]
        assert [problem.line] == changed
    assert re.search("[一-鿿]", problem.cure)
    assert "secret-word" not in str(problem)
    assert ":pw@" not in str(problem)


def test_one_bracket_for_two_is_told_with_the_right_way() -> None:
    (problem,) = problems_of(
        GOOD.partition('\n[[source]]\nid = "replies"')[0].replace("[[source]]", "[source]")
    )
    assert (problem.line, problem.where, problem.reason) == (4, "source", "写成了一层方括号")
    assert problem.cure == "请写成 [[source]]（两层方括号），每一项各写一个"


def test_a_text_for_all_sources_is_told_with_the_right_way() -> None:
    (problem,) = problems_of('contact = "a@b.cn"\nsource = "https://bbs.example/rss"\n')
    assert (problem.line, problem.reason) == (2, "类型不对，写成了文字")
    assert "[[source]]" in problem.cure


def test_no_regular_expression_is_shown_to_an_operator() -> None:
    shown = [
        str(problem)
        for bad in ("Portal", "-a", "a" * 54)
        for problem in problems_of(GOOD.replace("forum", bad))
    ]
    assert len(shown) == 3
    assert [told for told in shown if re.search(r"\^|\[a-z|\{\d", told)] == []


ODD = ("1", "true", '"x"', "[]", '[["x"], { a = 1 }]', "{ a = [1] }", "2026-11-21", "nan")


TABLES = [(kind, "") for kind in KINDS] + [(kind, "mapping") for kind in KINDS if "mapping" in KINDS[kind]]


@pytest.mark.parametrize(("kind", "table"), TABLES)
def test_no_value_of_any_shape_in_any_key_is_a_crash(kind: str, table: str) -> None:
    model = mapping_file.MappingTable if table else sources_file.Entry
    for name, field in model.model_fields.items():
        key = field.alias or name
        for odd in ODD:
            text = document(kind)
            line = re.compile(rf"^{key} = .*$|^\[source\.{key}\]$", re.MULTILINE)
            head, mark, tail = text.partition("[source.mapping]\n")
            changed = line.sub("", tail if table else head) + f"{key} = {odd}\n"
            rest = "" if key == "mapping" else mark + tail
            whole = head + mark + changed if table else changed + rest
            try:
                load_sources(whole, "sources.toml")
            except ConfigError as error:
                told = str(error)
                assert re.search(rf"\b{key}\b", told), (key, odd, told)


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    (problem,) = problems_of(GOOD.replace("https://bbs.example/rss", "https://me:pass-word@bbs.example/rss"))
    assert "账号密码" in problem.reason
    assert "pass-word" not in str(problem)
    assert "bbs.example/rss" in problem.value


@pytest.mark.parametrize(
    ("contact", "fine"),
    [
        ("mailto:duty@county.gov.cn", True),
        ("duty@county.gov.cn", True),
        ("https://www.county.gov.cn/contact", True),
        ("", False),
        ("值班室", False),
        ("0394-8260000", False),
        ("duty@county", False),
        ("https://localhost", False),
        ("mailto:a@b.cn) evil", False),
        ("a@b.cn\\r\\nX-Evil: 1", False),
    ],
)
def test_a_contact_is_a_mail_or_web_address(contact: str, fine: bool) -> None:
    text = GOOD.replace("duty@county.example", contact)
    if fine:
        assert load_sources(text)[0].user_agent == f"yuqing/0.1 (+{contact})"
    else:
        (problem,) = problems_of(text)
        assert (problem.line, problem.where) == (2, "contact")
        assert "邮箱" in f"{problem.reason} {problem.cure}"


def test_a_file_without_a_contact_is_refused_with_the_line_to_write() -> None:
    (problem,) = problems_of(GOOD.replace('contact = "duty@county.example"', ""))
    assert "联系方式" in problem.reason
    assert 'contact = "mailto:' in problem.cure


# --- no people, wherever a path stands --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('items = "data.data"', 'items = "data.users"'),
        ('"rootidstr", "rootid"', '"rootid", "reply_user_id"'),
        ('next = "data.max_id"', 'next = "data.user.id"'),
        ('"data.max_id_type"', '"data.nickname"'),
        ('end = "end"', 'end = "member"'),
        ('path = "ok"', 'path = "author"'),
        ('path = "updatedTime"', 'path = "values(@)"'),
        ('"link || target"', '"https://bbs.example/{tid}/{user.name}"'),
        ('"link || target"', '"author.url"'),
        ('"total_number"', '"max_by(list, &uid).n"'),
        ('"mblog.title"', "\"list[?creator_hash=='a'] | [0].title\""),
        ('"text"', '["text", "map(&text, list)"]'),
        ('"text"', '[\'"联系人"\', "text"]'),
        ('"text"', '"to_user"'),
    ],
)
def test_a_person_is_refused_in_every_field_that_takes_a_path(old: str, new: str) -> None:
    text = KINDS["comments"]
    place = text.index(old, text.index("[source.mapping]"))
    bad = document("comments").replace(text, text[:place] + new + text[place + len(old) :])
    (problem,) = problems_of(bad)
    assert "个人信息" in problem.reason
    assert problem.cure
    assert problem.line == bad[: bad.index(new.split("\n", maxsplit=1)[0])].count("\n") + 1


@pytest.mark.parametrize("key", ["author", "nickname", "user", "ip_location", "发布人"])
def test_a_key_for_a_person_is_refused_by_name(key: str) -> None:
    (problem,) = problems_of(document("comments", ("rank = true", f'"{key}" = "x"')))
    assert problem.reason == "不采集作者或个人信息"


# --- presets ----------------------------------------------------------------------------------------------------

SAMPLE_PRESET = {
    "kinds": ("comments", "file", "inbox"),
    "item_kind": "hotlist",
    "max_pages": 2,
    "mapping": {
        "items": "data.list",
        "id": "id",
        "text": "content",
        "likes": ["like", "likes"],
        "cursor": {"send": "since", "next": "data.next"},
        "ok": {"path": "code", "equals": [0]},
    },
}


@pytest.fixture
def sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more preset, whose parts the tests know."""
    monkeypatch.setattr(sources_file, "PRESETS", {**sources_file.PRESETS, "sample": SAMPLE_PRESET})


def preset_document(kind: str, lines: str, mapping: str = "") -> str:
    tail = f"[source.mapping]\n{mapping}" if mapping else ""
    return f'contact = "a@b.cn"\n[[source]]\nid = "it"\nname = "来源"\nkind = "{kind}"\npreset = "sample"\n{lines}\n{tail}'


@pytest.mark.usefixtures("sample")
def test_a_preset_gives_the_whole_mapping_and_defaults_of_the_source() -> None:
    (stream,) = load_sources(preset_document("comments", 'url = "https://x.example/"'))
    assert (stream.item_kind, stream.max_pages) == (Kind.HOTLIST, 2)
    assert stream.mapping == Mapped(
        items="data.list",
        id=("id",),
        text=("content",),
        likes=("like", "likes"),
        cursor=Cursor("since", "data.next"),
        ok=Success("code", (0,)),
    )


@pytest.mark.usefixtures("sample")
def test_what_the_file_says_wins_over_the_preset_key_by_key() -> None:
    lines = 'url = "https://x.example/"\nitem_kind = "post"'
    (stream,) = load_sources(preset_document("comments", lines, 'text = "message"\nlikes = "up"'))
    assert stream.item_kind == Kind.POST
    assert stream.mapping is not None
    assert (stream.mapping.text, stream.mapping.likes, stream.mapping.id) == (("message",), ("up",), ("id",))


@pytest.mark.usefixtures("sample")
def test_pages_of_ones_own_oust_the_cursor_of_the_preset() -> None:
    page = 'page = { kind = "page", send = "pn" }'
    (stream,) = load_sources(preset_document("comments", 'url = "https://x.example/"', page))
    assert stream.mapping is not None
    assert stream.mapping.cursor is None
    assert stream.mapping.page == Paging("page", "pn")


@pytest.mark.usefixtures("sample")
def test_a_file_or_an_inbox_takes_from_a_preset_what_it_can_use() -> None:
    (file,) = load_sources(preset_document("file", 'path = "/a.jsonl"'))
    (inbox,) = load_sources(preset_document("inbox", ""))
    assert file.mapping is not None
    assert (file.mapping.items, file.mapping.cursor, file.mapping.ok) == (None, None, None)
    assert inbox.mapping is not None
    assert (inbox.mapping.items, inbox.mapping.cursor) == ("data.list", None)


@pytest.mark.usefixtures("sample")
def test_a_person_over_a_preset_is_refused_with_its_line() -> None:
    (problem,) = problems_of(preset_document("comments", 'url = "https://x.example/"', 'title = "uname"'))
    assert "个人信息" in problem.reason
    assert problem.line == 9


@pytest.mark.usefixtures("sample")
def test_an_unknown_preset_is_told_the_ones_that_exist_and_nothing_else_is_wrong() -> None:
    text = preset_document("comments", 'url = "https://x.example/"').replace('"sample"', '"simple"')
    (problem,) = problems_of(text)
    assert (problem.line, problem.value) == (6, '"simple"')
    assert "sample" in problem.cure


NEEDED = {"comments": 'url = "https://x.example/"', "file": 'path = "/a.jsonl"', "inbox": ""}
FITTING = [(name, kind) for name in sorted(PRESETS) for kind in NEEDED if kind in PRESETS[name]["kinds"]]
OTHERS = [(name, kind) for name in sorted(PRESETS) for kind in NEEDED if (name, kind) not in FITTING]


@pytest.mark.parametrize(("name", "kind"), FITTING)
def test_every_preset_passes_the_same_checks_as_a_file(name: str, kind: str) -> None:
    text = preset_document(kind, NEEDED[kind]).replace('"sample"', f'"{name}"')
    (stream,) = load_sources(text)
    assert stream.mapping is not None
    assert stream.mapping.id
    assert stream.mapping.text
    assert (stream.mapping.items is not None) == (kind == "comments")


@pytest.mark.parametrize(("name", "kind"), OTHERS)
def test_a_preset_in_a_kind_that_its_shape_cannot_come_from_is_refused(name: str, kind: str) -> None:
    text = preset_document(kind, NEEDED[kind]).replace('"sample"', f'"{name}"')
    (problem,) = problems_of(text)
    assert (problem.line, problem.value) == (6, f'"{name}"')
    assert f'kind = "{kind}"' in problem.reason
    assert "、".join(PRESETS[name]["kinds"]) in problem.cure
    fitting = next(other for other in PRESETS if kind in PRESETS[other]["kinds"])
    assert fitting in problem.cure


def test_a_preset_in_a_kind_that_takes_none_is_told_so_and_no_more() -> None:
    text = preset_document("feed", NEEDED["comments"]).replace('"sample"', '"weibo"')
    (problem,) = problems_of(text)
    assert (problem.line, "不用 preset" in problem.reason) == (6, True)


def test_the_page_about_sources_says_for_which_kinds_each_preset_is() -> None:
    lists = PAGE.read_text(encoding="utf-8").partition("## Presets")[2].partition("\n## ")[0]
    told = {
        name: tuple(kinds.split(", "))
        for names, kinds in re.findall(r"^- ((?:`[\w-]+`(?:, )?)+) \(([a-z, ]+)\):", lists, re.MULTILINE)
        for name in re.findall(r"[\w-]+", names)
    }
    assert told == {name: preset["kinds"] for name, preset in PRESETS.items()}


# --- the page about sources -------------------------------------------------------------------------------------

PAGE = Path(__file__).parent.parent / "docs" / "sources.md"


def test_every_key_has_its_row_with_its_default_on_the_page_about_sources() -> None:
    tables = PAGE.read_text(encoding="utf-8").partition("## Keys of the file")[2]
    rows = re.findall(r"^\| `([\w.]+)` \| ([^|]*) \|", tables, re.MULTILINE)
    models: Mapping[str, type[BaseModel]] = {
        "": sources_file.Entry,
        "mapping.": mapping_file.MappingTable,
        "cursor.": mapping_file.CursorTable,
        "page.": mapping_file.PageTable,
        "ok.": mapping_file.SuccessTable,
        "fresh.": mapping_file.FreshTable,
    }
    keys = {
        f"{table}{field.alias or name}": field
        for table, model in models.items()
        for name, field in model.model_fields.items()
    }
    assert sorted(name for name, _ in rows) == sorted([*keys, "contact"])
    for name, default in rows:
        field = keys.get(name)
        if field is None or field.is_required():
            assert default.startswith("required"), name
        elif isinstance(field.default, bool):
            assert default == str(field.default).lower(), name
        elif (
            isinstance(field.default, int | float) and name != "overdue_d"
        ):  # the one kind that has it needs it
            assert default.partition(" ")[0] == str(field.default), name


GROUPS = {
    "all": set(KINDS),
    "all but page": set(KINDS) - {"page"},
    "all but page, column": set(KINDS) - {"page", "column"},
    "web": {"feed", "comments", "page", "column"},
    "web, file": {"feed", "comments", "page", "column", "file"},
}


def test_the_page_about_sources_says_which_kinds_take_each_key() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("## Keys of the file")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|", table, re.MULTILINE)
    told = {key: GROUPS.get(kinds, set(kinds.split(", "))) for key, kinds in rows if key != "contact"}
    assert told == {key: {kind for kind in KINDS if key in sources_file._takes[kind]} for key in told}


def test_every_preset_is_named_on_the_page_about_sources() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in PRESETS if f"`{name}`" not in text] == []

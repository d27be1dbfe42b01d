"""Lists of feeds from other readers, well-formed or not, and our own list for them; nobody's name in either."""

import time
from xml.etree import ElementTree

import listparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors import opml
from monitors.opml import read_opml, write_opml
from monitors.sources import Source
from routing.errors import UserError
from routing.items import Kind

LIST = """<?xml version="1.0" encoding="utf-8"?>
<opml version="2.0">
<head><title>我的订阅</title><ownerName>张三</ownerName><ownerEmail>zhang@mail.example</ownerEmail></head>
<body>
<outline text="县内"><outline type="rss" text="县新闻网" title="t" xmlUrl="https://news.example/rss?a=1&amp;b=2"/>
<outline text="论坛 &amp; 问政" xmlUrl="http://bbs.example/rss"></outline></outline>
<outline title="只有标题" xmlUrl=" https://blog.example/atom.xml "/>
<outline xmlUrl="https://noname.example/rss"/>
<outline type="link" text="别的列表" url="https://lists.example/x.opml"/>
</body></opml>
"""
WANTED = [
    ("县新闻网", "https://news.example/rss?a=1&b=2"),
    ("论坛 & 问政", "http://bbs.example/rss"),
    ("只有标题", "https://blog.example/atom.xml"),
    ("", "https://noname.example/rss"),
]


def feed(name: str, url: str, kind: str = "feed") -> Source:
    return Source("it", name, kind, url, "站", Kind.POST)  # type: ignore[arg-type]  # any of the kinds


@pytest.mark.parametrize(
    "content", [LIST, LIST.encode(), b"\xef\xbb\xbf" + LIST.encode()], ids=["text", "bytes", "mark"]
)
def test_every_feed_is_read_in_its_order_groups_or_not(content: str | bytes) -> None:
    assert read_opml(content) == WANTED


def test_a_list_in_gbk_is_read() -> None:
    assert read_opml(LIST.replace("utf-8", "gbk").encode("gbk")) == WANTED


def test_a_list_with_bare_ampersands_and_an_open_tag_is_read() -> None:
    broken = LIST.replace("a=1&amp;b=2", "a=1&b=2").replace("<head>", "<head><br>")
    assert read_opml(broken) == WANTED


def test_no_owner_is_read() -> None:
    assert "张三" not in str(read_opml(LIST))
    assert "zhang@" not in str(read_opml(LIST))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "不是 OPML"),
        (b"\x00\xff\xfe garbage", "不是 OPML"),
        ("<html><body>请登录</body></html>", "不是 OPML"),
        ("http://127.0.0.1:9/list.opml", "不是 OPML"),
        (LIST[:300], "不完整"),
        ("<opml><body></body></opml>", "没有订阅源"),
        ("<opml><body><outline text='a'/></outline></outline></outline></body></opml>", "OPML 文件"),
        ("<opml><body>" + "<outline text='a'>" * 60 + "</body></opml>", "层"),
        ("<opml>" + " " * opml.max_opml_bytes + "</opml>", "5 MiB"),
    ],
    ids=["empty", "bytes", "page", "address", "cut", "none", "closed too often", "deep", "large"],
)
def test_a_bad_file_is_one_clear_sentence_with_its_cure(content: str | bytes, word: str) -> None:
    with pytest.raises(UserError) as caught:
        read_opml(content)
    assert word in str(caught.value)
    assert "请" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_address_is_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    given_to: list[object] = []
    real = listparser.parse
    monkeypatch.setattr(listparser, "parse", lambda content: (given_to.append(content), real(content))[1])
    read_opml(LIST)
    assert [type(content) for content in given_to] == [bytes]


def test_a_file_of_the_greatest_size_is_read_in_seconds() -> None:
    row = "<outline text='a' xmlUrl='https://bbs.example/{}'/>"
    rows = "".join(row.format(n) for n in range(opml.max_opml_bytes // 60))
    started = time.monotonic()
    assert len(read_opml(f"<opml><body>{rows}</body></opml>")) == opml.max_opml_bytes // 60
    assert time.monotonic() - started < 30


def test_what_we_write_is_xml_of_feeds_only_and_names_nobody() -> None:
    sources = [
        feed("county", "https://news.example/rss?a=1&b=<2>"),
        feed("replies", "https://x.example/api", "comments"),
        feed("home", "https://www.example/", "page"),
    ]
    written = write_opml(sources)
    root = ElementTree.fromstring(written)
    assert (root.tag, root.get("version")) == ("opml", "2.0")
    (outline,) = root.findall("body/outline")
    assert outline.attrib == {
        "type": "rss",
        "text": "county",
        "title": "county",
        "xmlUrl": "https://news.example/rss?a=1&b=<2>",
    }
    assert [child.tag for child in root.findall("head/*")] == ["title"]


@given(
    st.lists(
        st.tuples(
            st.text(min_size=1, max_size=40),
            st.text("abcxyz0189-./?&=%<>\"'", max_size=40).map("https://news.example/".__add__),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda pair: pair[1],
    )
)
def test_a_list_that_we_wrote_is_read_back_with_every_address(pairs: list[tuple[str, str]]) -> None:
    sources = [feed(name, url) for name, url in pairs]
    ElementTree.fromstring(write_opml(sources))
    assert [url for _, url in read_opml(write_opml(sources))] == [url for _, url in pairs]

"""What is read without feedparser is read as feedparser reads it, to the letter; whatever is in doubt is left to it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import nasty
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitors import feeds
from monitors.feeds import _item, _read, repair
from monitors.plainrss import read_plain
from monitors.rawcut import find_entries
from monitors.sources import Source
from monitors.texts import decode
from routing.items import Kind

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
SOURCE = Source(
    id="forum",
    name="县论坛",
    kind="feed",
    url="https://bbs.example/rss",
    site="bbs.example",
    item_kind=Kind.POST,
)
ROOT = (
    '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom">'
)
FEED = f"{ROOT}<channel>%s</channel></rss>"
HEAD = (
    "<title>论坛</title><link>https://bbs.example/</link><description>县<b>论坛</b></description><ttl>5</ttl>"
)


def drafts(entries: list[Mapping[str, Any]]) -> list[Any]:
    return [_item(entry, number, SOURCE, NOW) for number, entry in enumerate(entries)]


def by_feedparser(text: str) -> list[Mapping[str, Any]]:
    feed = _read(text)
    assert feed is not None
    return list(feed["entries"])


texts = st.sampled_from(
    [
        "停水三天了",
        " 路灯\n不亮 ",
        "<![CDATA[<p>幸福路 &amp;nbsp; 12 号</p>&lt;b&gt;]]>",
        "&lt;p&gt;供水&lt;/p&gt; &amp;amp; 供电",
        "<![CDATA[甲]]>乙<![CDATA[&#128;]]>",
        "a &lt; b",
        "",
        "caf&#233;",
        "Ã©t&#xe9;",
        "停水&#133;了",
        "停水&#133;",
        "&#38;#60;停&#38;lt;",
        "\U0001f6b0 停水",
    ]
)
addresses = st.sampled_from(
    [
        "https://bbs.example/t/1",
        " https://bbs.example/t?a=1&amp;b=2 ",
        "/t/3",
        "https://bbs.example/t?a=1&amp;copy;=2",
        "http:///t/4",
        "t 5",
        "",
        "https://县.example/贴/1",
        "urn:x:1",
    ]
)
dates = st.sampled_from(["Sat, 21 Nov 2026 09:30:00 +0800", "2026-11-20 08:00", "昨天", ""])
elements = st.one_of(
    texts.map("<title>{}</title>".format),
    texts.map("<description>{}</description>".format),
    texts.map("<content:encoded>{}</content:encoded>".format),
    addresses.map("<link>{}</link>".format),
    addresses.map("<guid>{}</guid>".format),
    addresses.map('<guid isPermaLink="false">{}</guid>'.format),
    addresses.map('<guid isPermaLink="TRUE">{}</guid>'.format),
    dates.map("<pubDate>{}</pubDate>".format),
    st.sampled_from(
        [
            "<author>x@y.example (某)</author>",
            '<category domain="d">民生</category>',
            "<category>民生</category>",
            "<comments>https://bbs.example/t/1#c</comments>",
            "<dc:creator>某</dc:creator>",
            "<dc:date>2026-11-20</dc:date>",
            "<source url='u'>转</source>",
            "<description type='text/plain'>x</description>",
            "<title><b>x</b></title>",
        ]
    ),
)
entries = st.lists(elements, min_size=1, max_size=7).map(lambda parts: f"<item>{''.join(parts)}</item>")


@settings(max_examples=400, deadline=None)
@given(st.lists(entries, min_size=1, max_size=4), st.sampled_from(["", HEAD]))
def test_what_is_read_here_is_read_as_feedparser_reads_it(items: list[str], head: str) -> None:
    text = FEED % (head + "".join(items))
    found = read_plain(text, len(items))
    if found is not None:
        assert drafts(found) == drafts(by_feedparser(text))


def plain(inside: str, head: str = HEAD) -> str:
    return FEED % f"{head}<item>{inside}</item>"


WHOLE = (
    "<title>停水三天了</title><link>https://bbs.example/t?a=1&amp;b=2</link><guid isPermaLink='false'>t1</guid>"
    "<pubDate>Sat, 21 Nov 2026 09:30:00 +0800</pubDate><author>某</author><category>民生</category>"
    "<description><![CDATA[<p>幸福路停水</p>]]></description><content:encoded>幸福路停水，三天了</content:encoded>"
)


@pytest.mark.parametrize(
    "inside",
    [
        WHOLE,
        "<title>停水</title>",
        "<title>停水</title><guid>https://bbs.example/t/1</guid>",
        "<guid>https://bbs.example/t/1</guid><title>停水</title><link>https://bbs.example/t/2</link>",
        "<content:encoded>停水</content:encoded><description>停水三天了</description>",
        "<content:encoded>停水</content:encoded>",
        "<title/><description/><link/>",
    ],
)
def test_the_plain_form_is_read_here(inside: str) -> None:
    text = plain(inside)
    found = read_plain(text, 1)
    assert found is not None
    assert drafts(found) == drafts(by_feedparser(text))


@pytest.mark.parametrize(
    "text",
    [
        plain("<title>停水</title><title>停电</title>"),
        plain("<title>停<b>水</b></title>"),
        plain("<title type='html'>停水</title>"),
        plain("<title>停水</title><enclosure url='u'/>"),
        plain("<title>停水</title><dc:date>2026-11-20</dc:date>"),
        plain("<title>停水<!-- 三天 --></title>"),
        plain("<title>停水</title><?php 1?>"),
        plain("<title>停&#133;水</title>"),
        plain("<title>&#233;t&#233;</title>"),
        plain("<link>http:///t/4</link>"),
        plain("<link>https://bbs.example/?a&amp;copy;=2</link>"),
        plain("<Title>停水</Title>"),
        plain("<title>停水</title><svg/>"),
        plain("<title>停水").replace("</item>", ""),
        plain("<title>停水</title>").replace("<item>", "<item about='x'>"),
        plain("<title>停水</title>").replace("<channel>", "<channel xml:base='https://x.example/'>"),
        plain("<title>停水 xml:BASE\n =甲</title>"),
        plain("<title>停水</title>").replace("<rss ", "<!DOCTYPE rss><rss "),
        plain("<title>停水</title>").replace('version="2.0"', "lang='zh'"),
        plain("<x:title>停水</x:title>"),
        FEED % "" + "<item/>",
        "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>停水</title></entry></feed>",
    ],
)
def test_what_is_in_doubt_is_left_to_feedparser(text: str) -> None:
    assert read_plain(text, 1) is None


def test_a_base_that_is_no_attribute_s_name_is_a_word() -> None:
    assert read_plain(plain("<title>base 两个 = basement = 停水 base</title>"), 1) is not None


def test_a_document_with_more_or_fewer_entries_than_were_found_is_left_to_feedparser() -> None:
    assert read_plain(plain("<title>停水</title>"), 2) is None
    assert read_plain(plain(WHOLE), 0) is None


def test_nasty_documents_are_read_the_same_or_left_to_feedparser() -> None:
    compared = 0
    for row in nasty.feeds():
        if row.heavy:
            continue
        body = row.make()
        if len(body) > 20_000:
            continue
        text = decode(body, row.content_type, None).text
        spans = find_entries(text)
        text = repair(text)
        found = read_plain(text, len(spans.spans)) if spans else None
        if found is not None:
            assert drafts(found) == drafts(by_feedparser(text)), row.name
            compared += 1
    assert compared > 20


@pytest.mark.parametrize(
    "written",
    [
        "停水<![CDATA[&#xD83D;&#xDE00;]]>了",
        "停水&#xD83D;&#xDE00;了",
        "停<![CDATA[&#1;水]]>",
        "停&#xFFFE;水",
        "停\x7f水",
        "停\x01水",
        "停\ufffe水",
    ],
)
def test_what_is_put_right_for_feedparser_is_put_right_here(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = ('<?xml version="1.0" encoding="gb2312"?>' + plain(f"<title>{written}</title>")).encode()
    here = feeds.parse_feed(body, "", SOURCE, NOW)
    monkeypatch.setattr(feeds, "read_plain", lambda *_: None)
    assert here.items == feeds.parse_feed(body, "", SOURCE, NOW).items
    assert "停" in here.items[0].title

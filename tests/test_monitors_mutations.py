"""Feeds, streams and files with seeded damage: no reader raises, and what it gives can be stored.

2,000 mutations in `make test`, 100,000 in `make nightly` (YUQING_TEST_MUTATIONS). In one process and without the
worker, so that an exception is seen; the worker's own limits are tested with the nasty documents.
"""

import os
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from nasty import feeds
from nasty_json import streams
from readers import NOW, SOURCES, faults

from monitors.comments import parse_comments, parse_records
from monitors.feeds import parse_feed
from monitors.masking import mask_item
from monitors.parsed import Parsed
from monitors.sources import Source

HOW_MANY = int(os.environ.get("YUQING_TEST_MUTATIONS", "2000"))
SHARDS = 20

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:slash="http://purl.org/rss/1.0/modules/slash/" xmlns:wfw="http://wellformedweb.org/CommentAPI/"
 xmlns:media="http://search.yahoo.com/mrss/"><channel><title>县论坛</title><link>https://bbs.example/</link><ttl>5</ttl>
<lastBuildDate>Sat, 21 Nov 2026 09:00:00 +0800</lastBuildDate><generator>RSSHub</generator>
<item><title><![CDATA[停水三天了 <b>没人管</b>]]></title><guid isPermaLink="false">a1</guid><link>https://bbs.example/t/1?a=1&amp;b=2</link>
<pubDate>Sat, 21 Nov 2026 08:00:00 +0800</pubDate><description>&lt;p&gt;幸福路&lt;br&gt;电话 0411-12345678&lt;/p&gt;</description>
<slash:comments>12</slash:comments><wfw:commentRss>https://bbs.example/t/1/feed</wfw:commentRss><comments>https://bbs.example/t/1#c</comments></item>
<item><title>路灯&#x20;不亮 &amp; 没人修</title><guid>https://bbs.example/t/2</guid><dc:date>2026-11-20T08:00:00Z</dc:date>
<content:encoded><![CDATA[<div><p>文澜路路灯坏了半个月</p><script>x</script></div>]]></content:encoded>
<media:group><media:community><media:statistics views="3" favorites="4"/></media:community></media:group>
<enclosure url="https://bbs.example/a.mp3" length="1" type="audio/mpeg"/><category domain="x">民生</category></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0" xml:lang="zh">
<title type="html">县&amp;城</title><id>urn:x</id><updated>2026-11-21T00:00:00Z</updated><link rel="self" href="https://x.example/atom"/>
<entry><id>urn:1</id><title type="html">&lt;b&gt;停水&lt;/b&gt;</title><link href="/1"/>
<published>2026-11-20T10:00:00+08:00</published>
<summary type="text">没水</summary><thr:total>3</thr:total></entry>
<entry xml:base="https://x.example/b/"><id>urn:2</id><title>路灯</title><link rel="alternate" href="2.html"/>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>不亮<br/>了</p></div></content></entry></feed>"""
RDF = """<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel rdf:about="https://x.example/"><title>t</title><items><rdf:Seq><rdf:li rdf:resource="https://x.example/1"/></rdf:Seq></items></channel>
<item rdf:about="https://x.example/1"><title>停水</title><link>https://x.example/1</link><description>三天</description></item></rdf:RDF>"""
BOARD = """{"version": "https://jsonfeed.org/version/1.1", "title": "板", "next_url": "https://x.example/2", "items": [
{"id": "1", "url": "https://x.example/1", "title": "停水", "content_html": "<p>三天</p>",
"date_published": "2026-11-20T08:00:00+08:00", "tags": ["水"]},
{"id": 2, "external_url": "https://x.example/2", "content_text": "路灯不亮",
"date_modified": "Fri, 20 Nov 2026 00:00:00 GMT"}]}"""
STREAM = """{"code": 0, "data": {"cursor": {"next": "7"}, "replies": [
{"id": 104192624480, "text": "停水[大哭]", "time": 1646205507, "like": "1.2万", "parent": 0},
{"id": "2", "text": "<span>路灯</span>不亮", "time": "2026-11-20 08:00:00", "like": 3, "parent": "104192624480"}]}}"""
LINES = """{"id": "49", "time": 1646205507, "text": "停水三天了", "like": "41"}
{"id": "50", "time": "2026-11-20 08:00", "text": "路灯\\u4e0d\\u4eae", "like": ""}
"""
TABLE = 'id,text,time\r\n1,停水三天,2026-11-20 08:00\r\n2,"路灯\n""不亮""，没人管",1646205507\r\n'

_bodies = (
    *(("feed", "text/xml", text) for text in (RSS, ATOM, RDF)),
    ("feed", "application/feed+json", BOARD),
    ("comments", "application/json", STREAM),
    ("lines", "application/x-ndjson", LINES),
    ("table", "text/csv", TABLE),
)


def _bases() -> list[tuple[str, str, bytes]]:
    """Give some 40 healthy or odd documents: the reader, the content type and the bytes."""
    plain = [(source, kind, text.encode()) for source, kind, text in _bodies]
    coded = [
        (source, kind, text.encode(codec))
        for source, kind, text in _bodies[:3]
        for codec in ("gb18030", "utf-16")
    ]
    odd = [row for row in (*feeds(), *streams()) if not row.heavy and row.name in _odd]
    return [*plain, *plain, *coded, *((row.source, row.content_type, row.make()) for row in odd)]


_odd = {
    "billion laughs", "atom inside rss", "crossed tags", "capital letters", "ampersands bare", "two roots",
    "reference: pair in hexadecimal", "reference: unknown names", "reference in cdata: html names",
    "date: chinese with half day", "date: far ahead, in dublin core", "one entry in gbk", "a letter cut", "control letters",
    "cut within cdata", "markup in a title, escaped", "hidden letters in a word", "gbk labelled utf-8", "a site map",
    "comments: the same key twice", "lines: nesting of 500", "table: a line break in a field", "list: half a letter",
}  # fmt: skip

_words = [
    word.encode()
    for word in (
        "<item>", "</item>", "<entry>", "</channel>", "<title>", "</title>", "<![CDATA[", "]]>", "<!--", "-->",
        "&#xD800;",
        "&#0;", "&amp;", "&", "<", ">", '"', "'", "{", "}", "[", "]", ",", ":",
        "null", "NaN", "1e999", "\\ud83d", "\x00", "\ufeff", "\u202e",
        "encoding='punycode'", "<!DOCTYPE x [", "xmlns=''", "xmlns:a='b'", "<guid/>", "<pubDate>",
        "9" * 30, "停水", "<feed>", "\n\n", ",,,",
    )
]  # fmt: skip


def _flip(body: bytearray, dice: random.Random) -> None:
    for _ in range(dice.randint(1, 8)):
        body[dice.randrange(len(body))] ^= 1 << dice.randrange(8)


def _cut(body: bytearray, dice: random.Random) -> None:
    del body[dice.randrange(len(body)) :]


def _remove(body: bytearray, dice: random.Random) -> None:
    start = dice.randrange(len(body))
    del body[start : start + dice.randint(1, 60)]


def _double(body: bytearray, dice: random.Random) -> None:
    start = dice.randrange(len(body))
    part = body[start : start + dice.randint(1, 200)]
    body[start:start] = part * dice.randint(1, 3)


def _insert(body: bytearray, dice: random.Random) -> None:
    start = dice.randrange(len(body))
    body[start:start] = dice.choice(_words)


def _swap(body: bytearray, dice: random.Random) -> None:
    """Two pieces between brackets or quotes change places: tags, values, fields."""
    marks = [n for n, byte in enumerate(body) if byte in b"<>\"',{}"]
    if len(marks) > 4:
        one, two, three, four = sorted(dice.sample(marks, 4))
        body[one:four] = body[three:four] + body[two:three] + body[one:two]


def _recode(body: bytearray, dice: random.Random) -> None:
    codec = dice.choice(("gb18030", "utf-16", "utf-16-be", "big5", "latin-1", "utf-8-sig", "utf-7"))
    body[:] = bytes(body).decode("utf-8", "replace").encode(codec, "replace")


_damages: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _cut, _remove, _double, _insert, _insert, _swap, _recode,
)  # fmt: skip


def mutate(body: bytes, dice: random.Random) -> bytes:
    damaged = bytearray(body)
    for damage in dice.choices(_damages, k=dice.randint(1, 4)):
        if damaged:
            damage(damaged, dice)
    return bytes(damaged)


def read(source: Source, content_type: str, body: bytes) -> Parsed:
    if source.kind == "feed":
        return parse_feed(body, content_type, source, NOW)
    if source.kind == "comments":
        return parse_comments(body, content_type, source, NOW)
    return parse_records(body, content_type, source, NOW)


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.timeout(120 + HOW_MANY // 100)
def test_no_mutation_makes_a_reader_raise_or_give_what_cannot_be_stored(shard: int) -> None:
    bases = _bases()
    for seed in range(shard, HOW_MANY, SHARDS):
        dice = random.Random(seed)
        source, content_type, body = dice.choice(bases)
        damaged = mutate(body, dice)
        try:
            parsed = read(SOURCES[source], content_type, damaged)
            wrong = [fault for item in parsed.items for fault in faults(mask_item(item))]
        except Exception as error:
            raise AssertionError(f"seed {seed}, {source}: {damaged!r}") from error
        assert (seed, wrong) == (seed, [])


def test_the_bases_are_read_before_they_are_damaged() -> None:
    for source, content_type, body in _bases()[: len(_bodies)]:
        parsed = read(replace(SOURCES[source], id="base"), content_type, body)
        assert (source, parsed.problem, len(parsed.items) > 0) == (source, None, True)

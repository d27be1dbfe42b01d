"""Documents taken apart: which parts there are, what they are put together to, and what a deadly part costs."""

import json
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from itertools import count

import pytest

from monitors.comments import parse_comments
from monitors.feeds import parse_feed
from monitors.parsed import Parsed
from monitors.salvage import salvage, split
from monitors.sources import Mapped, Source
from routing.items import Item, Kind

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
FEED = Source(id="s", name="来源", kind="feed", url="https://x.example/rss", site="x", item_kind=Kind.POST)
STREAM = Source(
    id="s",
    name="来源",
    kind="comments",
    url="https://x.example/api",
    site="x",
    item_kind=Kind.COMMENT,
    mapping=Mapped(items="data.replies", id=("id",), text=("text",)),
)
LINES = Source(
    id="s",
    name="来源",
    kind="file",
    url="",
    site="x",
    item_kind=Kind.COMMENT,
    mapping=Mapped(items=None, id=("id",), text=("text",)),
)
RSS = """<?xml version="1.0" encoding="gbk"?>
<rss version="2.0" xmlns:dc="x"><channel><title>频道</title>
<item><title>一</title></item> <!-- between -->
<item><title>二</title></item>
<ITEM><title>三</title></ITEM>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>
<entry><id>1</id><title>一</title></entry><entry><id>2</id><title>二</title></entry></feed>"""
RDF = """<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel><title>t</title><items><r:Seq/></items></channel>
<item><title>一</title></item><item><title>二</title></item></r:RDF>"""
PREFIXED = """<a:feed xmlns:a="http://www.w3.org/2005/Atom">
<a:entry><a:id>1</a:id><a:title>一</a:title></a:entry><a:entry><a:id>2</a:id><a:title>二</a:title></a:entry></a:feed>"""
INSIDE = """<rss><channel><item><title>一</title><description><![CDATA[<item>]]></description></item>
<item><title>二</title></item></channel></rss>"""
REPLIES = json.dumps({"code": 0, "data": {"replies": [{"id": n, "text": f"第{n}条"} for n in range(3)]}})
BOARD = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [{"id": str(n), "title": f"{n}"} for n in range(3)],
    }
)
CSV = 'id,text\n1,一\n2,"二\n还是二 ""引"" "\n3,三\n'


@pytest.mark.parametrize(
    ("source", "text", "content_type", "parts"),
    [
        (FEED, RSS, "text/xml", 3),
        (FEED, ATOM, "text/xml", 2),
        (FEED, RDF, "text/xml", 2),
        (FEED, PREFIXED, "text/xml", 2),
        (FEED, INSIDE, "text/xml", 3),
        (FEED, BOARD, "application/feed+json", 3),
        (STREAM, REPLIES, "application/json", 3),
        (LINES, '{"id": 1}\n{"id": 2}\n', "application/x-ndjson", 2),
        (LINES, CSV, "text/csv", 3),
        (LINES, '[{"id": 1}, {"id": 2}]', "application/json", 2),
    ],
    ids=["rss", "atom", "rdf", "prefixed", "inside", "json feed", "stream", "lines", "csv", "list"],
)
def test_a_document_put_together_again_says_what_it_said(
    source: Source, text: str, content_type: str, parts: int
) -> None:
    body = text.encode("gb18030" if "gbk" in text else "utf-8")
    pieces = split(source, body, content_type)
    assert pieces is not None
    assert pieces.count == parts
    whole = pieces.body(range(parts)).decode()
    if source.kind == "feed" and text != BOARD:
        assert read(FEED, whole.encode()).items == read(FEED, body).items
        assert len(read(FEED, pieces.body([parts - 1])).items) == 1
    elif content_type in {"text/csv", "application/x-ndjson"}:
        assert whole == text
    else:
        assert json.loads(whole) == json.loads(text)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (FEED, "<rss><channel><item><title>一</title></item></channel></rss>"),
        (FEED, "<html></html>"),
        (FEED, ""),
        (STREAM, "{"),
        (STREAM, "[" * 100_000),
        (STREAM, '{"data": {"replies": {}}}'),
        (STREAM, '{"data": {"replies": [1]}}'),
        (LINES, ""),
    ],
)
def test_what_has_fewer_than_two_parts_is_not_taken_apart(source: Source, text: str) -> None:
    assert split(source, text.encode(), "application/json") is None


def test_a_list_that_the_path_makes_anew_is_not_taken_apart() -> None:
    """Emptying a projection would leave the document as it is."""
    source = Source(
        id="s",
        name="来源",
        kind="comments",
        url="",
        site="x",
        item_kind=Kind.COMMENT,
        mapping=Mapped(items="data.replies[?id]", id=("id",), text=("text",)),
    )
    assert split(source, REPLIES.encode(), "application/json") is None


def test_a_frame_that_is_to_blame_is_replaced_by_a_plain_one() -> None:
    for text, root in ((RSS, b"<rss"), (ATOM, b"<feed")):
        pieces = split(FEED, text.encode(), "text/xml", frame_is_dead=True)
        assert pieces is not None
        assert pieces.body([0]).startswith(root)
        assert len(read(FEED, pieces.body(range(pieces.count))).items) == pieces.count


@pytest.mark.parametrize(
    "text", ["<item>" * 500_000, "<item a='" * 300_000, "<" * 2_000_000, "</item>" * 400_000]
)
@pytest.mark.timeout(20)
def test_taking_apart_takes_linear_time(text: str) -> None:
    split(FEED, text.encode(), "text/xml")


class Killed(BaseException):
    """Stands for the end of the process in the middle of a step."""


def deadly(*words: str) -> Callable[[bytes], Parsed]:
    def parse(body: bytes) -> Parsed:
        if any(word.encode() in body for word in words):
            raise Killed
        return read(STREAM, body)

    return parse


def run(parse: Callable[[bytes], Parsed], probe_s: float = 60) -> tuple[list[frozenset[int]], object]:
    """Do what the worker does: call again with the number of the step that was deadly."""
    dead: frozenset[int] = frozenset()
    reached, tries = 0, []
    while len(tries) < 10:
        tries.append(dead)
        going = begin(parse, dead, reached, probe_s)
        try:
            while True:
                reached, cpu_s = next(going)
                assert cpu_s == (4 if reached > 1000 else 0.5)
        except StopIteration as stop:
            return tries, stop.value
        except Killed:
            dead |= {reached}
            reached += 1
    return tries, None


def begin(
    parse: Callable[[bytes], Parsed], dead: frozenset[int], reached: int, probe_s: float
) -> Generator[tuple[int, float], None, tuple[Parsed, int] | None]:
    body, kind = REPLIES.encode(), "application/json"
    return salvage(parse, STREAM, body, kind, dead, reached, part_cpu_s=0.5, whole_cpu_s=4, probe_s=probe_s)


def test_each_deadly_part_costs_one_try_and_the_others_are_read_together() -> None:
    marks = [json.dumps(f"第{n}条")[1:-1] for n in (0, 2)]
    tries, saved = run(deadly(*marks))
    assert tries == [frozenset(), frozenset({1}), frozenset({1, 3})]
    assert saved == (Parsed(items=(item(1),), charset="utf-8"), 2)


def test_a_part_that_raises_is_left_out_without_a_new_try() -> None:
    def parse(body: bytes) -> Parsed:
        if json.dumps("第1条").encode() in body:
            raise KeyError
        return read(STREAM, body)

    tries, saved = run(parse)
    assert len(tries) == 1
    assert saved == (Parsed(items=(item(0), item(2)), charset="utf-8"), 1)


def test_when_time_is_up_only_what_was_tried_is_read() -> None:
    calls = count()

    def parse(body: bytes) -> Parsed:
        next(calls)
        return read(STREAM, body)

    _, saved = run(parse, probe_s=0)
    assert saved == (Parsed(charset="utf-8"), 3)
    assert next(calls) == 1


def read(source: Source, body: bytes) -> Parsed:
    if source is FEED:
        return parse_feed(body, "text/xml", source, NOW)
    parsed = parse_comments(body, "application/json", source, NOW)
    return Parsed(items=parsed.items, charset=parsed.charset)


def item(number: int) -> Item:
    return read(STREAM, REPLIES.encode()).items[number]

"""What was read before is cut out of a feed, and nothing else is: with the cut or without, the new entries are the same."""

import io
import time
from datetime import UTC, datetime

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitors.feeds import parse_feed
from monitors.parsed import Parsed
from monitors.rawcut import digest, digest_size, find_entries, loose_entries, split_digests
from monitors.sources import Source
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

NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:slash="http://purl.org/rss/1.0/modules/slash/" xmlns:atom="http://www.w3.org/2005/Atom"'
    ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
)
RSS = f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" {NAMESPACES}><channel><title>论坛</title>%s</channel></rss>'
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><title>论坛</title>%s</feed>'
PREFIXED = '<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:title>论坛</a:title>%s</a:feed>'
RDF = f'<rdf:RDF {NAMESPACES} xmlns="http://purl.org/rss/1.0/"><channel rdf:about="x"><items/></channel>%s</rdf:RDF>'


def parse(text: str, known: bytes = b"") -> Parsed:
    return parse_feed(text.encode(), "", SOURCE, NOW, known)


def item(number: int, title: str = "停水三天了", more: str = "") -> str:
    return f"<item><title>{title}{number}</title><guid>g{number}</guid>{more}</item>"


def known_of(*entries: str) -> bytes:
    return b"".join(map(digest, entries))


def test_a_second_reading_gives_only_what_is_new() -> None:
    first = parse(RSS % (item(2) + item(1)))
    second = parse(RSS % (item(3) + item(2) + item(1)), first.raw_hashes)
    assert [one.external_id for one in second.items] == ["g3"]
    assert (second.entries, len(second.raw_hashes)) == (3, 3 * digest_size)
    assert second.raw_hashes == known_of(item(3), item(2), item(1))


def test_when_everything_is_known_feedparser_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    body = RSS % ("<ttl>5</ttl>" + item(2) + item(1))
    first = parse(body)
    monkeypatch.setattr(feedparser, "parse", None)
    second = parse(body, first.raw_hashes)
    assert (second.items, second.problem, second.entries, second.notes) == ((), None, 2, ())
    assert (second.raw_hashes, second.ttl_s) == (first.raw_hashes, 300)


def test_an_entry_whose_text_was_edited_is_read_again() -> None:
    first = parse(RSS % (item(2) + item(1)))
    second = parse(RSS % (item(2) + item(1, "来水了")), first.raw_hashes)
    assert [(one.external_id, one.title) for one in second.items] == [("g1", "来水了1")]


def test_a_date_that_jitters_makes_no_other_item() -> None:
    dated = [item(1, more=f"<pubDate>Fri, 20 Nov 2026 18:00:0{second} +0800</pubDate>") for second in (1, 2)]
    first = parse(RSS % dated[0])
    second = parse(RSS % dated[1], first.raw_hashes)
    before, after = first.items[0], second.items[0]
    assert (before.external_id, before.content_hash()) == (after.external_id, after.content_hash())


@pytest.mark.parametrize(
    ("document", "entry"),
    [
        (RSS, "<item><title>停水{n}</title><link>https://x.example/{n}</link></item>"),
        (ATOM, "<entry><title>停水{n}</title><id>urn:{n}</id></entry>"),
        (PREFIXED, "<a:entry><a:title>停水{n}</a:title><a:id>urn:{n}</a:id></a:entry>"),
        (
            RDF,
            '<item rdf:about="https://x.example/{n}"><title>停水{n}</title><link>https://x.example/{n}</link></item>',
        ),
        (RSS.replace("channel", "CHANNEL"), "<ITEM><title>停水{n}</title><guid>{n}</guid></ITEM >"),
        (RSS, "<item><title><![CDATA[停水{n} <b>]]></title><!-- x --><guid>{n}</guid></item>\n"),
    ],
    ids=["rss", "atom", "prefixed", "rdf", "capitals", "cdata"],
)
def test_the_cut_works_in_every_dialect(document: str, entry: str) -> None:
    entries = [entry.format(n=n) for n in range(5)]
    whole = parse(document % "".join(entries))
    assert len(whole.items) == whole.entries == 5
    cut = parse(
        document % "".join(entries), whole.raw_hashes[:digest_size] + whole.raw_hashes[3 * digest_size :]
    )
    assert cut.items == whole.items[1:3]
    assert cut.raw_hashes == whole.raw_hashes


@pytest.mark.parametrize(
    "doubtful",
    [
        "",
        "没有条目",
        "<item>",
        "<item></item",
        "</item>",
        "<item><item></item></item>",
        "<item></item><entry></entry>",
        "<item></item><a:item></a:item>",
        "<item></Item>",
        "<!-- <item></item> --><item></item>",
        "<!-- <item></item>",
        "<item><![CDATA[</item>]]></item>",
        "<item><![CDATA[x</item><item></item>",
        "<?php <item> ?><item></item>",
        "<!DOCTYPE r [<!ENTITY x 'y'>]><item></item>",
        "<item a=\"/>'></item>",
        "<item a='<'></item>",
    ],
)
def test_where_the_boundaries_are_in_doubt_nothing_is_cut(doubtful: str) -> None:
    assert find_entries(doubtful) is None


def test_other_elements_that_begin_alike_are_no_entries() -> None:
    found = find_entries("<items><item-x/><entryset/><item/><item a='1'>x</item ></items>")
    assert found is not None
    assert [found.raw(number) for number in range(2)] == ["<item/>", "<item a='1'>x</item >"]
    assert found.only({1}) == "<items><item-x/><entryset/><item a='1'>x</item ></items>"
    assert found.only({0, 1}) is found.text
    assert found.around() == "<items><item-x/><entryset/></items>"


def test_an_entry_that_cannot_be_read_is_tried_again_and_its_symptom_stays() -> None:
    body = RSS % (item(1) + "<item><guid>empty</guid></item>" + item(2))
    first = parse(body)
    assert first.raw_hashes == known_of(item(1), item(2))
    second = parse(body, first.raw_hashes)
    assert second.items == ()
    assert second.symptoms == first.symptoms != ()


# --- one id for all entries, seen through the cut ---


def test_an_id_shared_with_a_known_entry_is_not_believed() -> None:
    shared = [f"<item><title>第{n}件事</title><guid>same</guid></item>" for n in range(4)]
    whole = parse(RSS % "".join(shared))
    steps, known = [], b""
    for count in range(1, 4):
        read = parse(RSS % "".join(shared[4 - count :]), known)
        steps += read.items
        known = read.raw_hashes
    assert len({one.external_id for one in steps}) == len(steps) == 3
    assert {one.external_id for one in steps[1:]} <= {one.external_id for one in whole.items}


@pytest.mark.parametrize(
    "entry",
    [
        "<item><title>第{n}件</title><link>https://x.example/</link></item>",
        "<item><title>第{n}件</title><link> https://x.example/?utm_source=a{n} </link></item>",
        "<item><title>第{n}件</title><guid><![CDATA[a&b]]></guid></item>",
        "<item><title>第{n}件</title><guid>急&amp;停水</guid></item>",
        "<item><title>第{n}件</title><link>/</link></item>",
        '<item><title>第{n}件</title><atom:link href="https://x.example/?a=1&amp;b=2" rel="alternate"/></item>',
    ],
)
def test_the_shared_name_is_found_however_it_is_written(entry: str) -> None:
    entries = [entry.format(n=n) for n in range(3)]
    whole = parse(RSS % "".join(entries))
    assert len({one.external_id for one in whole.items}) == 3
    assert parse(RSS % "".join(entries), known_of(*entries[1:])).items == whole.items[:1]


# --- with the cut as without it ---

WORDS = st.text(alphabet="停水三天了急<>&\"' \n\u200b]x1é😀", max_size=12)


@st.composite
def entries(draw: st.DrawFn) -> str:
    def written(text: str) -> str:
        if draw(st.booleans()):
            return f"<![CDATA[{text.replace(']]>', '')}]]>".replace("<item", "")
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    fields = [f"<title>{written(draw(WORDS))}</title>", f"<description>{written(draw(WORDS))}</description>"]
    if draw(st.booleans()):
        fields.append(f"<guid>{draw(st.sampled_from(['a', 'b', 'c', 'https://x.example/1']))}</guid>")
    if draw(st.booleans()):
        fields.append(
            f"<link>{draw(st.sampled_from(['https://x.example/1', 'https://x.example/2', '/3#x']))}</link>"
        )
    if draw(st.booleans()):
        fields.append(
            f"<content:encoded>{written(draw(WORDS))}</content:encoded><dc:creator>某人</dc:creator>"
        )
    if draw(st.booleans()):
        fields.append(f"<slash:comments>{draw(st.integers(0, 9))}</slash:comments><!-- {'-' * 3}x -->")
    return f"<item>{''.join(draw(st.permutations(fields)))}</item>"


@settings(max_examples=150)
@given(st.lists(entries(), max_size=6), st.data())
def test_items_with_the_cut_are_the_items_without_it_but_for_the_known(
    raw: list[str], data: st.DataObject
) -> None:
    body = RSS % "\n".join(raw)
    known = [entry for entry in dict.fromkeys(raw) if data.draw(st.booleans())]
    whole, cut = parse(body), parse(body, known_of(*known))
    assert cut.entries == whole.entries == len(raw)
    alone = {
        one.content_hash() for one in parse(RSS % "\n".join(entry for entry in raw if entry in known)).items
    }
    expected = [one for one in whole.items if one.content_hash() not in alone]
    given_now = [one for one in cut.items if one.content_hash() not in alone]
    assert given_now == expected
    assert set(cut.items) <= set(whole.items)


BRICKS = (
    *("<item>", "</item>", "<item/>", "<a:item>", "<title>", "</title>"),
    *("<![CDATA[", "]]>", "<!--", "-->", "<?", "?>", "停水", "'", "&"),
)


@settings(max_examples=150)
@given(st.lists(st.sampled_from(BRICKS), max_size=12))
def test_whatever_stands_in_an_entry_what_is_cut_was_an_entry_to_feedparser_too(parts: list[str]) -> None:
    found = find_entries(RSS % "".join(parts))
    if found is None:
        return
    assert not any(
        inside in found.raw(n)[5:] for n in range(len(found.spans)) for inside in ("<item>", "<item/>")
    )
    read = feedparser.parse(io.BytesIO(found.text.encode()), sanitize_html=False, resolve_relative_uris=False)
    if not read.bozo:
        assert len(read.entries) == len(found.spans)


# --- bounds ---

HOSTILE = (
    *("<", "<item", "<item>", "<item ", "<item a='", "</item", "<item></item>", "<a:item>", "<aaaaaaaa:"),
    *("<!--", "<![CDATA[", "<?", "<guid "),
)


@pytest.mark.parametrize("brick", HOSTILE)
def test_a_scan_takes_linear_time(brick: str) -> None:
    def seconds(letters: int) -> float:
        text = brick * (letters // len(brick))
        start = time.process_time()
        find_entries(text)
        loose_entries(text, 1000)
        return time.process_time() - start

    # Quadratic would be 64 times; the floor keeps the noise of very short times out.
    assert seconds(800_000) <= 24 * max(seconds(100_000), 0.01)


def test_loose_entries_end_at_their_tag_or_at_the_next_one() -> None:
    assert loose_entries("<a><item>1</item>x<item>2<item>3</a>", 5) == [
        "<item>1</item>",
        "<item>2</item>",
        "<item>3</a></item>",
    ]
    assert loose_entries("<item>1</item><item>2</item>", 1) == ["<item>1</item>"]


def test_digests_that_are_no_whole_ones_are_ignored() -> None:
    assert split_digests(b"12345678" + b"abc") == {b"12345678"}
    assert split_digests(b"") == frozenset()

import json
from datetime import UTC, datetime
from typing import Any

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.feeds import max_entries, parse_feed
from monitors.parsed import Parsed
from monitors.rawcut import digest_size
from monitors.sources import Source
from routing.items import Ailment, Counts, Fault, Kind

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
SOURCE = Source(
    id="forum",
    name="县论坛",
    kind="feed",
    url="https://bbs.example/feed.json",
    site="bbs.example",
    item_kind=Kind.POST,
)
VERSION = "https://jsonfeed.org/version/1.1"


def parse(*entries: object, known: bytes = b"", **more: object) -> Parsed:
    document = {"version": VERSION, "title": "论坛", "items": list(entries), **more}
    return parse_feed(json.dumps(document).encode(), "application/json", SOURCE, NOW, known)


def entry(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": f"n{number}",
        "url": f"https://bbs.example/t/{number}",
        "title": "停水三天了",
        "content_html": "<p>急</p>",
        **more,
    }


def test_a_json_feed_gives_items_without_authors() -> None:
    written = entry(
        date_published="2026-11-20T18:00:00+08:00",
        authors=[{"name": "张三", "url": "https://bbs.example/u/1"}],
        author={"name": "张三"},
        tags=["民生"],
        _extra={"views": 120, "likes": 3, "comments": 7, "reposts": "many", "uname": "张三"},
    )
    (item,) = parse(written).items
    assert (item.external_id, item.url, item.title) == ("n1", "https://bbs.example/t/1", "停水三天了")
    assert (item.text, item.kind) == ("急", Kind.POST)
    assert item.published_at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    assert item.counts == Counts(views=120, likes=3, comments=7)
    assert "张三" not in repr(item)


def test_the_dates_of_rsshub_are_read_though_they_are_not_rfc_3339() -> None:
    (item,) = parse(entry(date_published="Fri, 20 Nov 2026 10:00:00 GMT")).items
    assert item.published_at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    (item,) = parse(entry(date_modified="2026-11-20T10:00:00Z")).items
    assert item.published_at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def test_identity_is_the_id_then_an_address_then_the_content() -> None:
    items = parse(
        entry(),
        entry(id=9007199254740993, url=None),
        {"url": "https://bbs.example/t/3?utm_source=rss#reply", "content_text": "三"},
        {"external_url": "https://news.example:443/4", "title": "四"},
        {"title": "五"},
        entry(id=6.0),
        entry(id=True, url="https://bbs.example/t/7"),
    ).items
    names = [item.external_id for item in items]
    assert names[:4] == ["n1", "9007199254740993", "https://bbs.example/t/3", "https://news.example/4"]
    assert names[4].startswith("sha256:")
    assert names[5:] == ["6", "https://bbs.example/t/7"]
    assert items[3].url == "https://news.example:443/4"
    assert items[4].url == SOURCE.url


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"content_html": "<p>一</p><p>二 &amp; 三</p>"}, "一\n二 & 三"),
        ({"content_text": "1 < 2 且 <b>原样</b> &amp;"}, "1 < 2 且 <b>原样</b> &amp;"),
        ({"content_html": "<i>x</i>", "content_text": "更长一些的正文在这里"}, "更长一些的正文在这里"),
        ({"summary": "摘要"}, "摘要"),
        ({"summary": "摘要", "content_text": "正文"}, "正文"),
        ({"content_html": ["no", "text"], "summary": "摘要"}, "摘要"),
    ],
)
def test_the_text_is_the_fullest_one_and_plain_text_stays_literal(fields: dict[str, Any], text: str) -> None:
    (item,) = parse({"id": "1", "title": "停水", **fields}).items
    assert item.text == text


def test_known_entries_are_cut_by_their_content_not_by_their_order_of_keys() -> None:
    first = parse(entry(1), entry(2))
    turned = dict(reversed(entry(1).items()))
    second = parse(entry(3), turned, entry(2), known=first.raw_hashes)
    assert [item.external_id for item in second.items] == ["n3"]
    assert (second.entries, len(second.raw_hashes)) == (3, 3 * digest_size)
    assert second.raw_hashes[digest_size:] == first.raw_hashes


def test_one_id_for_all_is_not_believed_even_where_the_others_are_known() -> None:
    shared = [entry(n, id="same", title=f"第{n}件") for n in range(3)]
    whole = parse(*shared)
    assert len({item.external_id for item in whole.items}) == 3
    assert parse(*shared, known=whole.raw_hashes[digest_size:]).items == whole.items[:1]


def test_one_bad_entry_costs_no_other_and_is_told() -> None:
    parsed = parse("text", None, {"id": "empty"}, entry(), 5)
    assert [item.external_id for item in parsed.items] == ["n1"]
    assert [symptom.ailment for symptom in parsed.symptoms] == [Ailment.SKIPPED]
    assert "4 条" in parsed.symptoms[0].detail
    assert len(parsed.raw_hashes) == digest_size


def test_a_feed_with_more_entries_than_the_limit_is_read_on_in_the_next_round() -> None:
    entries = [entry(number) for number in range(max_entries + 5)]
    first = parse(*entries)
    assert [item.external_id for item in first.items] == [f"n{n}" for n in range(max_entries)]
    assert [symptom.ailment for symptom in first.symptoms] == [Ailment.PAGES]
    second = parse(*entries, known=first.raw_hashes)
    assert [item.external_id for item in second.items] == [f"n{max_entries + n}" for n in range(5)]
    assert second.symptoms == ()


def test_a_further_page_is_noted_and_not_fetched() -> None:
    parsed = parse(entry(), next_url="https://bbs.example/feed.json?page=2")
    assert any("next_url" in note for note in parsed.notes)
    assert parsed.cursor is None


def test_feedparser_never_sees_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedparser, "parse", None)
    assert len(parse(entry()).items) == 1


def test_a_json_feed_is_known_by_its_version_or_by_its_content_type() -> None:
    body = json.dumps({"items": [entry()]}).encode()
    assert len(parse_feed(body, "application/feed+json", SOURCE, NOW).items) == 1
    refused = parse_feed(body, "application/json", SOURCE, NOW).problem
    assert refused is not None
    assert refused.fault is Fault.NOT_A_FEED
    old = json.dumps({"version": "http://jsonfeed.org/version/1", "items": []}).encode()
    assert parse_feed(b"\xef\xbb\xbf \n" + old, "text/plain", SOURCE, NOW).problem is None


@pytest.mark.parametrize(
    "body", ['{"version": "https://jsonfeed.org/version/1.1", "items": [', '{"items": ' + "[" * 100_000, "{x"]
)
def test_json_that_was_cut_is_unreadable(body: str) -> None:
    problem = parse_feed(body.encode(), "", SOURCE, NOW).problem
    assert problem is not None
    assert problem.fault is Fault.UNREADABLE


def test_gbk_json_is_read_too() -> None:
    document = json.dumps({"version": VERSION, "items": [entry()]}, ensure_ascii=False)
    (item,) = parse_feed(document.encode("gbk"), "application/json", SOURCE, NOW).items
    assert item.title == "停水三天了"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(
                ["id", "url", "external_url", "title", "content_html", "summary", "date_published", "_extra"]
            ),
            json_values,
        )
        | json_values,
        max_size=4,
    )
)
def test_no_entry_makes_it_raise(entries: list[Any]) -> None:
    parsed = parse(*entries)
    assert parsed.problem is None
    assert parsed.entries == len(entries)
    for item in parsed.items:
        (item.title + item.text + item.external_id + item.url).encode()

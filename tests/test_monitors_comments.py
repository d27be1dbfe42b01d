import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.comments import parse_comments
from monitors.parsed import Parsed
from monitors.sources import Cursor, Mapped, Source, Success
from routing.items import Fault, Kind

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
MAPPING = Mapped(
    items="data.replies",
    id=("rpid_str || rpid",),
    text=("content.message",),
    parent=("parent_str",),
    time=("ctime",),
    url="https://v.example/t/{oid}#reply{rpid_str}",
    likes=("like",),
    replies=("rcount",),
    cursor=Cursor("next", "data.cursor.next"),
    ok=Success("code", (0,)),
)
SOURCE = Source(
    id="replies",
    name="跟帖",
    kind="comments",
    url="https://api.example/reply?type=1",
    site="v.example",
    item_kind=Kind.COMMENT,
    mapping=MAPPING,
)


def reply(**more: Any) -> dict[str, Any]:
    plain = {
        "rpid_str": "104192624480",
        "oid": 2,
        "parent_str": "0",
        "ctime": 1763600000,
        "like": 1,
        "rcount": "1.2万",
        "content": {"message": "停水&lt;b&gt;三天了"},
        "member": {"uname": "张三"},
    }
    return plain | more


def parse(document: object, source: Source = SOURCE) -> Parsed:
    return parse_comments(json.dumps(document).encode(), "application/json", source, NOW)


def page(*replies: object, code: int = 0, **data: Any) -> dict[str, Any]:
    return {"code": code, "data": {"replies": list(replies), **data}}


def test_a_reply_becomes_an_item_without_its_author() -> None:
    (item,) = parse(page(reply(), cursor={"next": 7})).items
    assert (item.external_id, item.parent_id, item.text) == ("104192624480", None, "停水<b>三天了")
    assert item.url == "https://v.example/t/2#reply104192624480"
    assert item.published_at == datetime(2025, 11, 20, 0, 53, 20, tzinfo=UTC)
    assert (item.counts.likes, item.counts.comments) == (1, 12000)
    assert item.kind is Kind.COMMENT
    assert "张三" not in repr(item)


def test_large_numbers_keep_every_digit_as_ids() -> None:
    items = parse(page(reply(rpid_str=None, rpid=2**60 + 1), reply(rpid_str="x", parent_str=2**60 + 1))).items
    assert [item.external_id for item in items] == ["1152921504606846977", "x"]
    assert items[1].parent_id == "1152921504606846977"


@pytest.mark.parametrize(
    ("written", "cursor"),
    [(7, "7"), ("abc", "abc"), (0, None), ("", None), (None, None), (False, None), ({"a": 1}, None)],
)
def test_the_cursor_goes_out_as_text_and_an_end_mark_as_none(written: object, cursor: str | None) -> None:
    assert parse(page(reply(), cursor={"next": written})).cursor == cursor


@pytest.mark.parametrize("replies", [None, []])
def test_no_replies_is_no_problem(replies: object) -> None:
    assert parse({"code": 0, "data": {"replies": replies}}) == Parsed(charset="utf-8")


def test_a_refusal_of_the_interface_is_a_problem_although_the_status_was_200() -> None:
    parsed = parse(page(reply(), code=12002))
    assert parsed.problem is not None
    assert parsed.problem.fault is Fault.STATUS
    assert "code = 12002" in parsed.problem.detail
    assert parse({"code": False, "data": {"replies": []}}).problem is not None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>login</html>",
        b"[" * 100_000,
        b'{"code": 0, "data"',
        b"9" * 10_000,
        b'{"code":0,"data":{"replies":{}}}',
    ],
)
def test_what_is_no_stream_is_a_problem(body: bytes) -> None:
    parsed = parse_comments(body, "", replace(SOURCE, mapping=replace(MAPPING, ok=None)), NOW)
    if body == b"9" * 10_000 and parsed.problem is None:  # a number is JSON, yet no stream
        pytest.fail("a bare number was read as a stream")
    assert parsed.problem is not None
    assert parsed.problem.fault is Fault.UNREADABLE


def test_entries_without_id_or_text_are_skipped_with_a_note_and_objects_are_not_unfolded() -> None:
    parsed = parse(
        page(reply(content={"message": {"uname": "张三"}}), reply(rpid_str=""), "x", reply(rpid_str="ok"))
    )
    assert [item.external_id for item in parsed.items] == ["ok"]
    assert "3 条" in parsed.notes[0]


def test_a_link_with_a_missing_part_falls_back_to_the_source() -> None:
    (item,) = parse(page(reply(oid=None))).items
    assert item.url == SOURCE.url
    (item,) = parse(page(reply(oid="../a b"))).items
    assert item.url == "https://v.example/t/..%2Fa%20b#reply104192624480"


def test_gbk_bodies_are_read_too() -> None:
    body = json.dumps(page(reply(content={"message": "锦棠花园停水三天"})), ensure_ascii=False).encode(
        "gb18030"
    )
    assert parse_comments(body, "", SOURCE, NOW).items[0].text == "锦棠花园停水三天"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["message", "next", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(reply(), json_values)), max_size=3), json_values
)
def test_no_document_makes_it_raise(replies: list[Any], cursor: object) -> None:
    parsed = parse(page(*replies, cursor=cursor))
    for item in parsed.items:
        (item.text + item.external_id + item.url).encode()

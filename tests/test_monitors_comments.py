import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.comments import DEFAULT_MAPPING, max_entries, max_records, parse_comments, parse_records
from monitors.parsed import Parsed
from monitors.sources import Cursor, Freshness, Mapped, Paging, Source, Success
from routing.items import Ailment, Fault, Item, Kind, Symptom

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


def test_entries_without_id_or_text_are_skipped_and_told_and_objects_are_not_unfolded() -> None:
    parsed = parse(
        page(reply(content={"message": {"uname": "张三"}}), reply(rpid_str=""), "x", reply(rpid_str="ok"))
    )
    assert [item.external_id for item in parsed.items] == ["ok"]
    (symptom,) = parsed.symptoms
    assert symptom.ailment is Ailment.SKIPPED
    assert symptom.detail in parsed.notes
    for part in ("1 条缺少正文（第 1 条）", "1 条缺少编号（第 2 条）", "1 条不是一条记录（第 3 条）"):
        assert part in symptom.detail
    assert (parsed.problem, parsed.entries) == (None, 4)


def test_a_path_that_ends_at_a_table_is_told_with_the_fields_in_it_but_for_persons() -> None:
    replies = [reply(content={"message": f"停水{n}", "nickname": "张三"}) for n in range(3)]
    parsed = parse(page(*replies), changed(text=("content",), title=()))
    assert parsed.problem is not None
    assert parsed.problem.detail == "text 的路径 content 处是一张表，不是文字或数字"
    assert parsed.problem.cure == "请核对 [source.mapping] 的 text；那里有的字段：message"


@pytest.mark.parametrize("empty", ["", None, "  \u200b", "<img src=a.png>"])
def test_a_comment_that_is_only_a_picture_is_noted_and_no_ailment(empty: str | None) -> None:
    parsed = parse(page(reply(), reply(rpid_str="2", content={"message": empty})))
    assert (len(parsed.items), parsed.symptoms) == (1, ())
    assert "1 条没有文字" in parsed.notes[0]


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


def changed(**mapping: Any) -> Source:
    return replace(SOURCE, mapping=replace(MAPPING, **{"cursor": None, "ok": None} | mapping))


def one(symptoms: tuple[Symptom, ...], ailment: Ailment) -> Symptom:
    (symptom,) = [symptom for symptom in symptoms if symptom.ailment is ailment]
    return symptom


# --- a mapping that does not fit ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "document", "named"),
    [
        ("data.comments", page(reply()), "replies"),
        ("date.replies", page(reply()), "code、data"),
        ("data.replies", {"data": {"uname": "张三", "list": [reply()]}}, "list"),
        ("data.replies", [1], ""),
    ],
)
def test_a_list_that_is_not_where_the_mapping_says_is_a_problem_with_the_names_that_are_there(
    items: str, document: object, named: str
) -> None:
    for ok in (None, Success("code", (0,))) if isinstance(document, dict) and "code" in document else (None,):
        problem = parse(document, changed(items=items, ok=ok)).problem
        assert problem is not None
        assert problem.fault is Fault.UNREADABLE
        assert items in problem.detail
        assert named in problem.cure
        assert "uname" not in problem.cure


@pytest.mark.parametrize(
    "document",
    [
        {"code": 0, "data": None},
        {"code": 0, "message": "暂无评论"},
        {"code": 0, "data": {}},
        {"code": 0, "data": {"total": 0}},
        {"code": 0, "data": {"page": {"num": 1}, "replies": None}},
    ],
)
def test_an_answer_that_calls_itself_good_and_has_no_data_is_empty(document: object) -> None:
    parsed = parse(document, changed(ok=Success("code", (0,))))
    assert (parsed.problem, parsed.items, parsed.symptoms) == (None, (), ())


def test_a_field_that_no_entry_has_is_a_problem_that_names_what_there_is_but_no_person() -> None:
    replies = [
        reply(rpid_str=str(n), content={"msg": "停水", "nickname": "张三", "plat": 1}) for n in range(3)
    ]
    problem = parse(page(*replies), changed()).problem
    assert problem is not None
    assert "text 的路径 content.message" in problem.detail
    assert "msg、plat" in problem.cure
    assert "nick" not in problem.cure
    missing_id = parse(page(*replies), changed(id=("comment.id",), text=("content.msg",))).problem
    assert missing_id is not None
    assert "comment.id" in missing_id.detail
    assert "rpid_str" in missing_id.cure
    assert "member" not in missing_id.cure


def test_names_that_are_values_are_not_shown() -> None:
    odd = {"张三": 1, "13500000017": 2, "a b": 3, "内容": 4, "text2": 5}
    problem = parse(page(odd, odd, odd), changed()).problem
    assert problem is not None
    assert problem.cure.endswith("那里有的字段：内容、text2")


def test_one_odd_entry_alone_is_told_and_blocks_nothing() -> None:
    parsed = parse(page({"x": 1}, cursor={"next": 8}), replace(SOURCE, mapping=replace(MAPPING, time=())))
    assert (parsed.problem, parsed.cursor) == (None, "8")
    detail = one(parsed.symptoms, Ailment.SKIPPED).detail
    assert "id 的路径" in detail
    assert "text 的路径" in detail


def test_a_time_that_no_entry_has_is_told_and_costs_no_item() -> None:
    replies = [reply(rpid_str=str(n)) for n in range(3)]
    parsed = parse(page(*replies), changed(time=("created",)))
    assert (parsed.problem, len(parsed.items)) == (None, 3)
    symptom = one(parsed.symptoms, Ailment.SKIPPED)
    assert ("created" in symptom.detail, "ctime" in symptom.cure) == (True, True)
    assert (
        parse(page(*replies), changed(time=("created",), rank=True)).symptoms == ()
    )  # hot lists have no times


WRONG: dict[str, dict[str, Any]] = {
    "parent": {"parent": ("parent_id", "root")},
    "likes": {"likes": ("like_count",)},
    "replies": {"replies": ("content",)},  # an object is no number
    "reposts": {"reposts": ("shares",)},
    "views": {"views": ("play",)},
    "title": {"title": ("subject",)},
    "url": {"url": "https://v.example/t/{tid}#reply{rpid_str}"},
}


@pytest.mark.parametrize("name", WRONG)
def test_an_optional_path_that_finds_nothing_is_a_hint_that_names_it_and_no_fault(name: str) -> None:
    parsed = parse(page(*(reply(rpid_str=str(n)) for n in range(3))), changed(**WRONG[name]))
    assert (parsed.problem, len(parsed.items), parsed.symptoms, parsed.notes) == (None, 3, (), ())
    (hint,) = parsed.hints
    path = {"parent": "parent_id、root", "url": "tid"}.get(name) or WRONG[name][name][0]
    assert hint.startswith(f"{name} 的路径 {path} 在 3 条里都找不到；请核对 [source.mapping] 的 {name}")
    assert "uname" not in hint
    if name == "likes":
        assert "like" in hint.partition("那里有的字段：")[2].split("、")


def test_a_path_that_one_entry_has_or_that_is_there_and_empty_is_right() -> None:
    right = changed(likes=("like_count", "like"), views=("play",), title=("subject",))
    entries = [reply(rpid_str=str(n), subject=None) for n in range(3)]
    entries[2]["play"] = 0
    assert parse(page(*entries), right).hints == ()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_of_few_entries_nothing_is_hinted(count: int) -> None:
    entries = [reply(rpid_str=str(n)) for n in range(count)]
    assert parse(page(*entries), changed(likes=("like_count",))).hints == ()


def test_records_of_our_own_shape_may_leave_out_what_they_want() -> None:
    lines = b"".join(b'{"id": "%d", "text": "x"}\n' % n for n in range(5))
    source = replace(SOURCE, mapping=None)
    assert parse_records(lines, "application/x-ndjson", source, NOW).hints == ()
    named = replace(SOURCE, mapping=Mapped(items=None, id=("id",), text=("text",), likes=("like",)))
    (hint,) = parse_records(lines, "application/x-ndjson", named, NOW).hints
    assert "likes 的路径 like 在 5 条里都找不到" in hint


def test_one_id_for_all_is_no_id() -> None:
    replies = [reply(rpid_str="7", content={"message": f"停水第{n}天"}) for n in range(3)]
    parsed = parse(page(*replies), changed())
    assert len({item.external_id for item in parsed.items}) == 3
    assert "编号都是 7" in one(parsed.symptoms, Ailment.SKIPPED).detail
    assert parse(page(*reversed(replies)), changed()).items[::-1] == parsed.items
    assert len(parse(page(reply(), reply(), reply()), changed()).items) == 1  # copies are


def test_personal_data_in_an_answer_does_not_come_out_in_a_problem() -> None:
    problem = parse_comments("13500000017的登录页".encode(), "", SOURCE, NOW).problem
    refused = parse({"code": "请拨13500000017"}).problem
    assert "13500000017" not in f"{problem} {refused}"


def test_a_page_of_pictures_alone_is_no_wrong_mapping() -> None:
    replies = [reply(rpid_str=str(n), content={"message": ""}) for n in range(3)]
    parsed = parse(page(*replies), changed(time=("created",)))
    assert (parsed.problem, parsed.items) == (None, ())


# --- fields ------------------------------------------------------------------------------------------------------


def item_of(source: Source, **more: Any) -> Item:
    (item,) = parse(page(reply(**more)), source).items
    return item


def test_of_several_paths_the_first_that_holds_something_counts() -> None:
    source = changed(likes=("digg", "like_count", "like"), views=("play",), reposts=("share",))
    item = item_of(source, digg="", like_count=None, like="999+", play="3.5万次播放", share=0)
    assert (item.counts.likes, item.counts.views, item.counts.reposts) == (999, 35000, 0)


@pytest.mark.parametrize(
    ("fields", "parent"),
    [
        ({"parent_str": "5", "thread": 9}, "5"),
        ({"parent_str": "0", "thread": 9}, "9"),
        ({"parent_str": "", "thread": 9}, "9"),
        ({"parent_str": "-1", "thread": None}, None),
        ({"parent_str": "104192624480", "thread": 9}, "9"),
        ({"parent_str": None, "thread": "0"}, None),
    ],
)
def test_a_parent_is_the_first_that_is_one(fields: dict[str, Any], parent: str | None) -> None:
    source = changed(parent=("parent_str", "thread"), no_parent=("", "0", "-1"))
    assert item_of(source, **fields).parent_id == parent


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"ctime": 1763600000}, datetime(2025, 11, 20, 0, 53, 20, tzinfo=UTC)),
        ({"ctime": "1763600000123"}, datetime(2025, 11, 20, 0, 53, 20, tzinfo=UTC)),
        ({"ctime": 1763600000.0}, datetime(2025, 11, 20, 0, 53, 20, tzinfo=UTC)),
        ({"ctime": 0, "shown": "2026-11-20 08:00"}, datetime(2026, 11, 20, 0, 0, tzinfo=UTC)),
        ({"ctime": "昨夜", "shown": "2026-11-20 08:00"}, datetime(2026, 11, 20, 0, 0, tzinfo=UTC)),
        (
            {"ctime": "2026-11-19 08:00", "shown": "2026-11-20 08:00"},
            datetime(2026, 11, 19, 0, 0, tzinfo=UTC),
        ),
        ({"ctime": None, "shown": "3分钟前"}, None),
    ],
)
def test_the_first_time_that_can_be_believed_counts(fields: dict[str, Any], at: datetime | None) -> None:
    assert item_of(changed(time=("ctime", "shown")), **fields).published_at == at


def test_relative_times_are_believed_only_where_the_source_says_so() -> None:
    source = changed(time=("shown",), relative_times=True)
    assert item_of(source, shown="3分钟前").published_at == datetime(2026, 11, 21, 1, 57, tzinfo=UTC)


def test_what_a_platform_writes_in_front_of_the_text_is_cut_before_anything_is_kept() -> None:
    source = changed(title=("subject",), text_cut="^[^:：]{1,40} :(?: |$)", title_cut="（留言人：[^）]*）")
    item = item_of(source, content={"message": "张三 : 停水 : 三天"}, subject="停水（留言人：张三）了")
    assert (item.title, item.text) == ("停水了", "停水 : 三天")
    hollow = parse(page(reply(content={"message": "张三 : "}), reply(rpid_str="2")), source)
    assert "张三" not in repr(hollow)


def test_an_entry_with_a_title_and_no_text_is_kept() -> None:
    item = item_of(changed(title=("subject",), text=("summary",)), subject="停水第三天")
    assert (item.title, item.text) == ("停水第三天", "")


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://v.example/1", "https://v.example/1"),
        ("/t/1?a=b", "https://api.example/t/1?a=b"),
        ("//v.example/1", "https://v.example/1"),
        ("javascript:alert(1)", SOURCE.url),
        ("ftp://v.example/1", SOURCE.url),
        ("http://[", SOURCE.url),
        ({"a": 1}, SOURCE.url),
        (None, SOURCE.url),
    ],
)
def test_a_link_may_be_a_path_and_is_a_web_address_or_the_source_itself(written: object, url: str) -> None:
    assert item_of(changed(url="link"), link=written).url == url


def test_lone_surrogates_do_not_break_a_link() -> None:
    body = b'{"data":{"replies":[{"rpid_str":"1","oid":"\\ud800","content":{"message":"x"}}]}}'
    (item,) = parse_comments(body, "", changed(), NOW).items
    item.url.encode()


def test_an_endless_id_becomes_a_digest_and_stays_the_same() -> None:
    first, second = parse(
        page(reply(rpid_str="9" * 301), reply(rpid_str="9" * 302, parent_str="9" * 301))
    ).items
    assert first.external_id.startswith("sha256:")
    assert second.parent_id == first.external_id


def test_more_entries_than_are_read_are_told() -> None:
    parsed = parse(page(*(reply(rpid_str=str(n)) for n in range(1, max_entries + 3))))
    assert (len(parsed.items), parsed.entries) == (max_entries, max_entries + 2)
    symptom = one(parsed.symptoms, Ailment.PAGES)
    assert f"一次给出 {max_entries + 2} 条，只处理前 {max_entries} 条，其余 2 条没有读" in symptom.detail
    assert "每页条数" in symptom.cure


@pytest.mark.parametrize(
    ("updated", "hours"),
    [(NOW.timestamp() - 7000, None), ((NOW.timestamp() - 7300) * 1000, "2.0"), ("2026-11-20 10:00", "24.0")],
    ids=["young", "old", "text"],
)
def test_an_answer_older_than_it_may_be_is_a_frozen_one(updated: object, hours: str | None) -> None:
    source = changed(fresh=Freshness("updatedTime", 7200))
    symptoms = parse({**page(reply()), "updatedTime": updated}, source).symptoms
    assert (len(symptoms) == 0) == (hours is None)
    if hours:
        assert f"{hours} 小时" in one(symptoms, Ailment.FROZEN).detail


def test_a_freshness_that_cannot_be_read_is_told() -> None:
    symptom = one(parse(page(reply()), changed(fresh=Freshness("updatedTime", 60))).symptoms, Ailment.FROZEN)
    assert "updatedTime" in symptom.detail


# --- pages -------------------------------------------------------------------------------------------------------

NEXT = Paging("cursor", "max_id", next="data.max_id", also=(("max_id_type", "data.type"),), stop=(-1, "END"))


@pytest.mark.parametrize(
    ("data", "asked", "cursor"),
    [
        ({"max_id": 7, "type": 1}, None, "max_id=7&max_id_type=1"),
        ({"max_id": "a b&c", "type": None}, None, "max_id=a+b%26c"),
        ({"max_id": 7, "type": 1}, "max_id=6&max_id_type=1", "max_id=7&max_id_type=1"),
        ({"max_id": 7, "type": 1}, "max_id=7&max_id_type=1", None),
        ({"max_id": 0, "type": 1}, None, None),
        ({"max_id": -1}, None, None),
        ({"max_id": "end"}, None, None),
        ({"max_id": None}, None, None),
        ({}, None, None),
        ({"max_id": "https://api.example/list?max_id=8&x=1"}, None, "max_id=8"),
        ({"max_id": "https://api.example/list?x=1"}, None, None),
        ({"max_id": "9" * 600}, None, None),
    ],
)
def test_a_list_names_its_next_page_or_ends(
    data: dict[str, Any], asked: str | None, cursor: str | None
) -> None:
    body = json.dumps(page(reply(), **data)).encode()
    assert parse_comments(body, "", changed(page=NEXT), NOW, asked).cursor == cursor


@pytest.mark.parametrize(
    ("paging", "asked", "cursor"),
    [
        (Paging("page", "pn"), None, "pn=2"),
        (Paging("page", "pn"), "pn=2", "pn=3"),
        (Paging("page", "pn", start=0, step=2), None, "pn=2"),
        (Paging("page", "pn"), "pn=x", "pn=2"),
        (Paging("offset", "offset", start=0), None, "offset=2"),
        (Paging("offset", "offset", start=0), "offset=20", "offset=22"),
        (Paging("offset", "offset", start=0, step=20), "offset=20", "offset=40"),
    ],
)
def test_pages_are_counted_and_offsets_grow_by_what_was_given(
    paging: Paging, asked: str | None, cursor: str
) -> None:
    body = json.dumps(page(reply(), reply(rpid_str="2"))).encode()
    assert parse_comments(body, "", changed(page=paging), NOW, asked).cursor == cursor


@pytest.mark.parametrize(
    ("end", "ends"), [(True, True), (1, True), ("1", True), (False, False), (0, False), (None, False)]
)
def test_a_list_ends_where_it_says_so(end: object, ends: bool) -> None:
    body = json.dumps(page(reply(), is_end=end)).encode()
    source = changed(page=Paging("page", "pn", end="data.is_end"))
    assert (parse_comments(body, "", source, NOW).cursor is None) == ends


def test_a_list_ends_with_an_empty_page_and_with_a_problem() -> None:
    source = changed(page=Paging("page", "pn"))
    assert parse(page(), source).cursor is None
    assert parse(page({}, {}, {}), source).cursor is None


# --- records -----------------------------------------------------------------------------------------------------

FILE = replace(SOURCE, kind="file", mapping=None, url="")
LINES, TABLE, JSON = "application/x-ndjson", "text/csv; charset=utf-8", "application/json"


def records(text: str | bytes, kind: str, source: Source = FILE) -> Parsed:
    return parse_records(text.encode() if isinstance(text, str) else text, kind, source, NOW)


def names(parsed: Parsed) -> list[str]:
    return [item.external_id for item in parsed.items]


def test_without_a_mapping_records_have_our_own_shape() -> None:
    record = {
        "id": "17", "title": "停水", "text": "<p>三天了</p>", "url": "https://bbs.example/17", "time": "2026-11-20 08:00",
        "parent": "9", "likes": "1.2万", "comments": 3, "reposts": 4, "views": "5千万", "author": "张三",
    }  # fmt: skip
    parsed = records(json.dumps(record), LINES)
    (item,) = parsed.items
    assert (item.external_id, item.title, item.text, item.url) == (
        "17",
        "停水",
        "三天了",
        "https://bbs.example/17",
    )
    assert (item.parent_id, item.published_at) == ("9", datetime(2026, 11, 20, 0, 0, tzinfo=UTC))
    assert (item.counts.likes, item.counts.comments, item.counts.reposts, item.counts.views) == (
        12000,
        3,
        4,
        5 * 10**7,
    )
    assert "张三" not in repr(item)
    assert records(json.dumps(record), LINES, replace(FILE, mapping=DEFAULT_MAPPING)) == parsed


def test_a_bad_line_costs_itself_and_is_named() -> None:
    good = '{"id": "%d", "text": "停水\u2028了", "time": "2026-11-20"}'
    text = (
        "\ufeff"
        + "\r\n".join([good % 1, "", '{"id": "2", "te', good % 3, "[1]", "9" * 5000, "\0", good % 4])
        + "\n"
    )
    parsed = records(text, LINES)
    assert names(parsed) == ["1", "3", "4"]
    symptom = one(parsed.symptoms, Ailment.SKIPPED)
    assert "2 行不是 JSON（第 3、6 行）" in symptom.detail
    assert "1 行不是一条记录（第 5 行）" in symptom.detail
    assert parsed.entries == 6


def test_of_a_repeated_id_in_a_file_the_last_counts_and_in_an_answer_the_first() -> None:
    twice = [{"id": "1", "text": "停水"}, {"id": "2", "text": "停电"}, {"id": "1", "text": "来水了"}]
    parsed = records("\n".join(map(json.dumps, twice)), LINES)
    assert [(item.external_id, item.text) for item in parsed.items] == [("1", "来水了"), ("2", "停电")]
    stream = parse(page(reply(like=5), reply(like=4)), changed())
    assert [item.counts.likes for item in stream.items] == [5]


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_are_read_in_each_charset_and_with_each_delimiter(charset: str, delimiter: str) -> None:
    rows = [
        ["id", "text", "nickname"],
        ["1", '"停水，三天了\n""没人""管"', "张三"],
        [],
        ["2", "停电两天了", ""],
    ]
    parsed = records("\r\n".join(delimiter.join(row) for row in rows).encode(charset), TABLE)
    assert [(item.external_id, item.text) for item in parsed.items] == [
        ("1", '停水，三天了\n"没人"管'),
        ("2", "停电两天了"),
    ]
    assert "张三" not in repr(parsed)


def test_a_row_with_other_columns_than_the_header_is_skipped_for_a_name_could_stand_for_the_text() -> None:
    parsed = records("id,text,nickname\n1,停水,张三\n2,停水,了,张三\n3,张三\n4,停\0电,李四\n", TABLE)
    assert [(item.external_id, item.text) for item in parsed.items] == [("1", "停水"), ("4", "停电")]
    assert "有 4 列，表头有 3 列（第 3 行）" in one(parsed.symptoms, Ailment.SKIPPED).detail
    assert "张三" not in repr(parsed)


def test_an_id_that_a_spreadsheet_has_rounded_is_no_id() -> None:
    parsed = records("id,text\n4.9E+15,停水\n4900000000000001,停电\n", TABLE)
    assert names(parsed) == ["4900000000000001"]
    assert "表格软件" in one(parsed.symptoms, Ailment.SKIPPED).detail


def test_a_quotation_mark_that_is_never_closed_costs_no_more_than_it_swallows() -> None:
    parsed = records('id,text\n1,停水\n2,"停' + "电" * 1_100_000 + "\n3,停气\n", TABLE)
    assert names(parsed)[0] == "1"
    assert parsed.problem is None
    assert parsed.symptoms


@pytest.mark.parametrize(
    "document",
    [
        [{"id": "1", "text": "停水"}, {"id": "2", "text": "停电"}],
        {"items": [{"id": "1", "text": "停水"}, {"id": "2", "text": "停电"}], "next": None},
    ],
)
def test_json_is_a_list_or_holds_one(document: object) -> None:
    assert names(records(json.dumps(document), JSON)) == ["1", "2"]


def test_json_may_be_one_record_and_a_half_written_one_is_a_problem() -> None:
    assert names(records('{"id": "1", "text": "停水"}', JSON)) == ["1"]
    assert records("[]", JSON).problem is None
    assert records('[{"id": "1", "te', JSON).problem is not None


def test_a_pushed_body_is_read_by_its_mapping_and_its_condition() -> None:
    source = replace(FILE, mapping=replace(MAPPING, time=(), cursor=None))
    assert names(records(json.dumps(page(reply())), JSON, source)) == ["104192624480"]
    assert records(json.dumps(page(reply(), code=5)), JSON, source).problem is not None
    assert records(json.dumps({"code": 0, "data": {"list": [1]}}), JSON, source).problem is not None


def test_more_records_than_are_read_are_told() -> None:
    parsed = records('{"id":1,"text":"a","time":"2026-11-20"}\n' * (max_records + 1), LINES)
    symptom = one(parsed.symptoms, Ailment.PAGES)
    assert f"一次给出 {max_records + 1} 条，只处理前 {max_records} 条，其余 1 条没有读" in symptom.detail
    assert "分成几个文件" in symptom.cure  # a file has no pages
    assert parsed.entries == max_records + 1


@given(
    st.binary(max_size=200) | st.text(max_size=200).map(str.encode),
    st.sampled_from([LINES, TABLE, JSON, "", "x/y"]),
)
def test_no_bytes_make_records_raise(body: bytes, kind: str) -> None:
    for item in parse_records(body, kind, FILE, NOW).items:
        (item.text + item.external_id + item.url).encode()


@given(st.text(alphabet='id,text"\n\r\0;1停水', max_size=80))
def test_no_table_makes_it_raise(table: str) -> None:
    records("id,text\n" + table, TABLE)

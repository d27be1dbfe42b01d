"""Each preset on a document in the shape of its platform; texts, ids and persons are invented."""

import csv
import io
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from monitors.comments import DEFAULT_MAPPING, parse_comments, parse_records
from monitors.mapping_file import MappingTable
from monitors.masking import mask_item
from monitors.parsed import Parsed
from monitors.presets import PRESETS
from monitors.sources import Source
from monitors.sources_file import load_sources
from routing.items import Ailment, Item, Kind

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
AT = datetime(2026, 11, 20, 0, 53, 20, tzinfo=UTC)
EPOCH = int(AT.timestamp())
# Every document holds these in every place where its platform shows a person; none of them may come out.
PERSON, NUMBER, PICTURE, PLACE = "路人甲小号", "8800000000099", "https://img.example/face/99.jpg", "虚构省"
SECRETS = (PERSON, NUMBER, PICTURE, PLACE)


def source(preset: str, kind: str = "comments") -> Source:
    where = 'path = "/data/x.jsonl"' if kind == "file" else 'url = "https://api.example/list?oid=2"'
    (made,) = load_sources(
        'contact = "mailto:duty@county.example"\n'
        f'[[source]]\nid = "s"\nname = "源"\nkind = "{kind}"\n{where}\npreset = "{preset}"\n'
    )
    return made


def read(preset: str, document: object, cursor: str | None = None) -> Parsed:
    body = json.dumps(document, ensure_ascii=False).encode()
    return parse_comments(body, "application/json", source(preset), NOW, cursor)


def check(parsed: Parsed) -> tuple[Item, ...]:
    assert parsed.problem is None
    said = repr((parsed, [mask_item(item) for item in parsed.items]))
    assert [secret for secret in SECRETS if secret in said] == []
    return parsed.items


def test_every_preset_passes_the_validator_and_says_what_it_is_for() -> None:
    for name, preset in PRESETS.items():
        assert re.fullmatch(r"[a-z0-9-]+", name)
        MappingTable.model_validate(preset["mapping"])
        assert set(preset) == {"kinds", "note", "item_kind", "mapping"}
        assert Kind(preset["item_kind"])
        assert re.search("[\u4e00-\u9fff]", preset["note"])
        assert "last_modify_ts" not in str(preset)


def test_the_preset_of_our_own_shape_is_the_one_that_needs_no_mapping() -> None:
    assert MappingTable.model_validate(PRESETS["records"]["mapping"]).mapped() == DEFAULT_MAPPING


# --- Bilibili ---


def bilibili(rpid: int, text: str, parent: int = 0) -> dict[str, Any]:
    return {
        "rpid": rpid, "rpid_str": str(rpid), "oid": 2, "type": 1, "mid": int(NUMBER), "root": parent, "parent": parent,
        "root_str": str(parent), "parent_str": str(parent), "ctime": EPOCH, "like": 12, "rcount": 3, "count": 3,
        "member": {"mid": NUMBER, "uname": PERSON, "sex": "男", "avatar": PICTURE, "sign": PERSON},
        "content": {"message": text, "members": [{"uname": PERSON}], "plat": 2},
        "reply_control": {"time_desc": "1天前发布", "location": PLACE},
    }  # fmt: skip


def test_bilibili() -> None:
    replies = [
        bilibili(104192624480, "锦棠花园停水&amp;停气"),
        bilibili(2**53 + 1, "同问[大哭]", 104192624480),
    ]
    parsed = read(
        "bilibili",
        {"code": 0, "message": "0", "data": {"page": {"num": 1, "size": 20, "count": 2}, "replies": replies}},
    )
    first, second = check(parsed)
    assert (first.external_id, first.parent_id, first.text) == ("104192624480", None, "锦棠花园停水&停气")
    assert (second.external_id, second.parent_id) == ("9007199254740993", "104192624480")
    assert (first.published_at, first.counts.likes, first.counts.comments, first.kind) == (
        AT,
        12,
        3,
        Kind.COMMENT,
    )
    assert first.url == "https://www.bilibili.com/video/av2#reply104192624480"
    assert parsed.cursor == "pn=2"


def test_bilibili_without_replies_is_empty_and_closed_comments_are_a_problem() -> None:
    data = {"page": {"num": 9, "size": 20, "count": 2}, "replies": None}
    parsed = read("bilibili", {"code": 0, "data": data}, "pn=9")
    assert (parsed.problem, parsed.items, parsed.cursor) == (None, (), None)
    closed = read("bilibili", {"code": 12002, "message": "评论区已关闭", "data": None})
    assert closed.problem is not None
    assert "12002" in closed.problem.detail


# --- Weibo ---


def weibo(name: int, text: str, root: int | None = None) -> dict[str, Any]:
    return {
        "id": str(name), "mid": str(name), "rootid": str(root or name), "floor_number": 3, "bid": "",
        "created_at": "Fri Nov 20 08:53:20 +0800 2026", "source": f"来自{PLACE}", "text": text,
        "like_count": "1.2万", "total_number": 5,
        "user": {"id": int(NUMBER), "screen_name": PERSON, "profile_image_url": PICTURE, "gender": "f"},
        "comments": [{"id": "1", "text": "楼中楼", "user": {"screen_name": PERSON}}],
    }  # fmt: skip


def test_weibo() -> None:
    text = '三天没水了<span class="url-icon"><img alt="[泪]" src="//h5.example/1.png"></span>'
    page = {
        "data": [weibo(5001, text), weibo(5002, "回复一下", 5001)],
        "total_number": 40,
        "max_id": 138000,
        "max_id_type": 1,
    }
    parsed = read("weibo", {"ok": 1, "data": page})
    first, second = check(parsed)
    assert (first.external_id, first.parent_id, first.text, first.published_at) == (
        "5001",
        None,
        "三天没水了",
        AT,
    )
    assert (first.counts.likes, first.counts.comments, second.parent_id) == (12000, 5, "5001")
    assert parse_qs(parsed.cursor or "") == {"max_id": ["138000"], "max_id_type": ["1"]}
    last = read("weibo", {"ok": 1, "data": {**page, "max_id": 0}}, parsed.cursor)
    assert last.cursor is None


def test_weibo_without_comments_is_empty_and_its_login_page_is_a_problem() -> None:
    empty = read("weibo", {"ok": 0, "msg": "快来发表你的评论吧"})
    assert (empty.problem, empty.items, empty.cursor) == (None, (), None)
    assert read("weibo", {"ok": -100, "url": "https://passport.example"}).problem is not None


# --- Tieba ---


def test_tieba() -> None:
    def post(name: int, *parts: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": str(name), "floor": 2, "time": str(EPOCH), "author_id": NUMBER, "content": list(parts), "sub_post_number": "4",
            "agree": {"agree_num": "7"}, "lbs_info": {"name": PLACE},
        }  # fmt: skip

    posts = [
        post(
            101,
            {"type": "0", "text": "北门的井盖"},
            {"type": "4", "text": f"@{PERSON}", "uid": NUMBER},
            {"type": "0", "text": "还没修"},
        ),
        post(102, {"type": 2, "text": "image_emoticon25"}),
        post(103, {"type": 0, "text": "晚上差点掉下去"}),
    ]
    document = {
        "error_code": 0, "page": {"current_page": "1", "total_page": "2", "has_more": "1"}, "post_list": posts,
        "user_list": [{"id": NUMBER, "name_show": PERSON, "portrait": PICTURE}],
    }  # fmt: skip
    parsed = read("tieba", document)
    first, second = check(parsed)
    assert (first.text, second.text, first.published_at) == ("北门的井盖还没修", "晚上差点掉下去", AT)
    assert (first.counts.likes, first.counts.comments) == (7, 4)
    assert parsed.cursor == "pn=2"
    assert parsed.symptoms == ()  # a picture alone is no fault
    for end in ("0", 0, False, None):
        assert read("tieba", {**document, "page": {"has_more": end}}, "pn=2").cursor is None
    assert read("tieba", {"error_code": 110001, "error_msg": "未知错误"}).problem is not None


# --- Zhihu ---


def test_zhihu() -> None:
    def comment(name: str, root: str, reply: str = "0") -> dict[str, Any]:
        return {
            "id": name, "type": "comment", "content": "<p>物业说在修，&lt;b&gt;修了半个月</p>", "created_time": EPOCH,
            "like_count": 3, "child_comment_count": 2, "reply_comment_id": reply, "reply_root_comment_id": root,
            "author": {"id": NUMBER, "name": PERSON, "avatar_url": PICTURE, "url_token": NUMBER},
            "comment_tag": [{"type": "ip_info", "text": PLACE}], "address_text": PLACE,
        }  # fmt: skip

    paging = {
        "is_end": False,
        "next": "https://www.zhihu.com/api/v4/comment_v5/answers/1/root_comment?limit=20&offset=17_5_0&order_by=ts",
    }
    document = {
        "data": [comment("11", "11"), comment("12", "11", "11")],
        "paging": paging,
        "counts": {"total_counts": 2},
    }
    parsed = read("zhihu", document)
    first, second = check(parsed)
    assert (first.parent_id, second.parent_id, first.published_at) == (None, "11", AT)
    assert first.text == "物业说在修，<b>修了半个月"
    assert parsed.cursor == "offset=17_5_0"
    assert read("zhihu", document, "offset=17_5_0").cursor is None
    assert read("zhihu", {**document, "paging": {**paging, "is_end": True}}).cursor is None
    assert (
        read("zhihu", {"error": {"message": "系统监测到您的网络环境存在异常", "code": 40362}}).problem
        is not None
    )


# --- hot lists and RSSHub ---


def newsnow(**more: Any) -> dict[str, Any]:
    items = [
        {
            "id": f"临棠停水第{n}天",
            "title": f"临棠停水第{n}天",
            "url": f"https://s.example/weibo?q={n}",
            "extra": {"info": "123 万热度", "icon": False},
        }
        for n in range(30)
    ]
    return {
        "status": "success",
        "id": "weibo",
        "updatedTime": int(NOW.timestamp() * 1000) - 60_000,
        "items": items,
    } | more


def test_newsnow_keeps_the_order_of_the_list_and_needs_no_dates() -> None:
    parsed = read("newsnow", newsnow())
    items = check(parsed)
    assert [item.title for item in items] == [f"临棠停水第{n}天" for n in range(30)]
    assert (items[0].external_id, items[0].text, items[0].counts.views) == ("临棠停水第0天", "", 1_230_000)
    assert (items[0].kind, items[0].url, items[0].published_at) == (
        Kind.HOTLIST,
        "https://s.example/weibo?q=0",
        None,
    )
    assert (parsed.symptoms, parsed.cursor, parsed.entries) == ((), None, 30)


@pytest.mark.parametrize("status", ["success", "cache"])
def test_newsnow_that_replays_its_cache_is_told_whatever_it_calls_itself(status: str) -> None:
    old = int(NOW.timestamp() * 1000) - 3 * 3600 * 1000
    parsed = read("newsnow", newsnow(status=status, updatedTime=old))
    (symptom,) = parsed.symptoms
    assert (symptom.ailment, len(parsed.items)) == (Ailment.FROZEN, 30)
    assert "3.0 小时" in symptom.detail


def rsshub(**item: Any) -> dict[str, Any]:
    plain = {
        "id": "https://v.example/#reply1", "url": "https://v.example/#reply1", "title": f"{PERSON} : 停水三天了",
        "content_html": f"{PERSON} : 停水三天了", "date_published": "Fri, 20 Nov 2026 00:53:20 GMT",
        "authors": [{"name": PERSON, "avatar": PICTURE}], "tags": ["民生"],
    }  # fmt: skip
    return {"version": "https://jsonfeed.org/version/1.1", "title": "评论", "items": [plain | item]}


def test_rsshub_json() -> None:
    (item,) = check(read("rsshub-json", rsshub(title="停水通知", content_html="<p>今晚停水</p>", id="t1")))
    assert (item.external_id, item.title, item.text, item.published_at) == ("t1", "停水通知", "今晚停水", AT)


def test_rsshub_replies_lose_the_name_in_front() -> None:
    (item,) = check(read("rsshub-bilibili", rsshub()))
    assert (item.title, item.text, item.url) == ("", "停水三天了", "https://v.example/#reply1")
    assert check(read("rsshub-bilibili", rsshub(content_html=f"{PERSON} : "))) == ()  # a picture alone


# --- message boards ---


def test_liuyan() -> None:
    def thread(tid: int) -> dict[str, Any]:
        return {
            "tid": tid, "fid": 539, "nickName": PERSON, "subject": "北门断头路何时打通", "content": "早晚高峰堵半小时\r\n请回复",
            "dateline": EPOCH - 90_000, "threadsCheckTime": EPOCH, "ip": "10.0.0.*", "from": PLACE, "forumName": "临棠县委书记",
            "stateInfo": "待回复", "answerContent": None, "userType": 0,
        }  # fmt: skip

    parsed = read(
        "liuyan", {"result": "success", "responseData": [thread(9002), thread(9001)], "success": True}
    )
    first, _ = check(parsed)
    assert (first.external_id, first.title, first.text) == (
        "9002",
        "北门断头路何时打通",
        "早晚高峰堵半小时\n请回复",
    )
    assert (first.published_at, first.kind) == (AT, Kind.POST)
    assert first.url == "https://liuyan.people.com.cn/threads/content?tid=9002"
    assert parsed.cursor == "lastItem=9001"
    assert read("liuyan", {"result": "success", "responseData": []}, "lastItem=9001").cursor is None
    assert read("liuyan", {"result": "fail"}).problem is not None


def test_samr() -> None:
    message = {
        "zj": "a1b2",
        "lybt": "缺斤短两",
        "lynr": "菜市场的秤不准",
        "pubtime": "2026-11-20 08:53:20",
        "lyr": PERSON,
        "fzsjCn": "执法稽查局",
    }
    parsed = read("samr", {"code": 200, "data": {"total": 1, "data": [message]}}, "curPage=2")
    (item,) = check(parsed)
    assert (item.title, item.text, item.published_at) == ("缺斤短两", "菜市场的秤不准", AT)
    assert (item.url, parsed.cursor) == ("https://xgzlyhd.samr.gov.cn/gjjly/index#a1b2", "curPage=3")


# --- what MediaCrawler writes ---

COMMON = {
    "content": "停水三天了，没人管", "sub_comment_count": "3", "last_modify_ts": 1795000000000, "creator_hash": NUMBER,
    "nickname": PERSON, "ip_location": PLACE, "avatar": PICTURE,
}  # fmt: skip
CRAWLED: Mapping[str, Mapping[str, Any]] = {
    "weibo": {
        "comment_id": "5001", "create_time": EPOCH, "create_date_time": "2026-11-20 08:53:20+08:00", "note_id": "48",
        "comment_like_count": "41", "parent_comment_id": "", "gender": "f", "profile_url": PICTURE,
    },
    "bilibili": {
        "comment_id": "5001", "parent_comment_id": "0", "create_time": EPOCH, "video_id": "48", "like_count": 41,
        "sign": PERSON,
    },
    "douyin": {
        "comment_id": "5001", "create_time": EPOCH, "aweme_id": "48", "like_count": 41, "parent_comment_id": "0",
        "pictures": "",
    },
    "xhs": {
        "comment_id": "5001", "create_time": EPOCH * 1000, "note_id": "48", "like_count": "41", "parent_comment_id": 0,
        "pictures": "",
    },
    "zhihu": {
        "comment_id": "5001", "parent_comment_id": "", "publish_time": EPOCH, "like_count": 41, "dislike_count": 0,
        "content_id": "48", "content_type": "answer", "user_link": PICTURE, "user_nickname": PERSON,
    },
    "tieba": {
        "comment_id": "5001", "parent_comment_id": "", "publish_time": "2026-11-20 08:53:20", "note_id": "48",
        "note_url": "https://tieba.baidu.com/p/48", "tieba_name": "临棠吧", "user_link": PICTURE, "like_count": 41,
    },
    "kuaishou": {"comment_id": "5001", "create_time": EPOCH * 1000, "video_id": "48", "like_count": 41},
}  # fmt: skip


def as_jsonl(*rows: Mapping[str, Any]) -> tuple[bytes, str]:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode(), "application/x-ndjson"


def as_csv(*rows: Mapping[str, Any]) -> tuple[bytes, str]:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig"), "text/csv"


def as_json(*rows: Mapping[str, Any]) -> tuple[bytes, str]:
    return json.dumps(rows, ensure_ascii=False).encode(), "application/json"


@pytest.mark.parametrize("write", [as_jsonl, as_csv, as_json])
@pytest.mark.parametrize("platform", CRAWLED)
def test_what_mediacrawler_writes_is_read(platform: str, write: Any) -> None:
    row = {**COMMON, **CRAWLED[platform]}
    again = {**row, "sub_comment_count": "4"}
    other = {**row, "comment_id": "5002", "sub_comment_count": ""}
    if "parent_comment_id" in row:  # 快手 has none
        other["parent_comment_id"] = "5001"
    parsed = parse_records(*write(row, other, again), source(f"mediacrawler-{platform}", "file"), NOW)
    first, second = check(parsed)
    assert (first.external_id, first.parent_id, first.text) == ("5001", None, "停水三天了，没人管")
    assert (second.external_id, second.parent_id) == ("5002", other.get("parent_comment_id"))
    assert first.published_at == AT  # never last_modify_ts, which is the crawler's clock
    assert (first.counts.comments, first.counts.likes, second.counts.comments) == (4, 41, None)
    assert first.kind is Kind.COMMENT
    assert platform == "zhihu" or "48" in first.url
    assert parsed.symptoms == ()


def test_mediacrawler_of_older_versions_names_the_parent_wrongly_and_may_have_no_time() -> None:
    row = {**COMMON, **CRAWLED["tieba"], "publish_time": "", "parment_comment_id": "4000"}
    del row["parent_comment_id"]
    (item,) = check(parse_records(*as_jsonl(row), source("mediacrawler-tieba", "file"), NOW))
    assert (item.parent_id, item.published_at, item.date_note) == ("4000", None, "来源未给日期")

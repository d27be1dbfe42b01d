"""Mappings of known platforms, laid under what `sources.toml` says. Data only.

Each preset is written like a `[[source]]` table: defaults of the source (`item_kind`), and its `mapping`; `kinds` are
the kinds of source that its shape can come from, `note` says to a person what it reads and which address to give. No
field names a person: what a platform says of one is not read.
"""

from collections.abc import Mapping
from typing import Any

from monitors.sources import SourceKind

_answers: tuple[SourceKind, ...] = ("comments",)
_written: tuple[SourceKind, ...] = ("file", "inbox")

_bilibili = {
    "kinds": _answers,
    "note": "B站视频的评论，按时间从新到旧。地址：https://api.bilibili.com/x/v2/reply?type=1&oid=视频编号&sort=0",
    "item_kind": "comment",
    "mapping": {
        "items": "data.replies",
        "ok": {"path": "code", "equals": [0]},
        "id": ["rpid_str", "rpid"],
        "parent": ["parent_str", "parent"],
        "text": "content.message",
        "time": "ctime",
        "url": "https://www.bilibili.com/video/av{oid}#reply{rpid}",
        "likes": "like",
        "replies": ["rcount", "count"],
        "page": {"kind": "page", "send": "pn"},
    },
}
_weibo = {
    "kinds": _answers,
    "note": (
        "一条微博的评论，按热度排，不按时间，所以每轮都读满 max_pages 页。"
        "地址：https://m.weibo.cn/comments/hotflow?id=微博编号&mid=微博编号&max_id_type=0"
    ),
    "item_kind": "comment",
    "mapping": {
        # ok = 0 beside no data at all: nobody has commented yet. A login page answers with -100.
        "items": "data.data",
        "ok": {"path": "ok", "equals": [1, 0]},
        "id": ["idstr", "id"],
        "parent": ["rootidstr", "rootid"],
        "text": "text",
        "time": "created_at",
        "likes": ["like_count", "like_counts"],
        "replies": "total_number",
        "page": {
            "kind": "cursor",
            "send": "max_id",
            "next": "data.max_id",
            "also": {"max_id_type": "data.max_id_type"},
            "stop": [0],
            "newest_first": False,
        },
    },
}
_tieba = {
    "kinds": _answers,
    "note": (
        "贴吧一个帖子的回复（客户端接口 c/f/pb/page_pc 的答复）。接口要签名，本系统不签；请用已在读它的中转，"
        "并让它倒序给出（r=1）"
    ),
    "item_kind": "comment",
    "mapping": {
        "items": "post_list",
        "ok": {"path": "error_code", "equals": [0, "0"]},
        "id": "id",
        # Fragments of a text; those of type 4 are mentions of persons.
        "text": "join('', content[?type==`0` || type=='0'].text)",
        "time": "time",
        "likes": "agree.agree_num",
        "replies": "sub_post_number",
        "page": {
            "kind": "page",
            "send": "pn",
            "end": "page.has_more == `0` || page.has_more == '0' || !(page.has_more)",
        },
    },
}
_zhihu = {
    "kinds": _answers,
    "note": (
        "知乎一个回答、文章或问题的评论，按时间从新到旧。"
        "地址：https://www.zhihu.com/api/v4/comment_v5/answers/回答编号/root_comment?order_by=ts&limit=20&offset="
    ),
    "item_kind": "comment",
    "mapping": {
        "items": "data",
        "id": "id",
        "parent": ["reply_comment_id", "reply_root_comment_id"],
        "text": "content",
        "time": "created_time",
        "likes": ["like_count", "vote_count"],
        "replies": "child_comment_count",
        "page": {"kind": "cursor", "send": "offset", "next": "paging.next", "end": "paging.is_end"},
    },
}
_newsnow = {
    "kinds": _answers,
    "note": (
        "newsnow 的一个热榜，30 条，次序就是名次。地址：https://自建的中转/api/s?id=weibo&latest；"
        "它的缓存会自称成功，所以两小时没有更新就提醒"
    ),
    "item_kind": "hotlist",
    "mapping": {
        "items": "items",
        "ok": {"path": "status", "equals": ["success", "cache"]},
        "id": "id",
        "title": "title",
        "text": "extra.hover",
        "time": ["pubDate", "extra.date"],
        "url": "url",
        "views": "extra.info",
        "rank": True,
        "fresh": {"path": "updatedTime", "max_age_s": 7200},
    },
}
_rsshub = {
    "kinds": _answers,
    "note": "RSSHub 任一路由的 JSON 输出。地址：https://中转/路由?format=json；中转可写几个 mirrors",
    "item_kind": "post",
    "mapping": {
        "items": "items",
        "id": ["id", "url"],
        "title": "title",
        "text": ["content_text", "content_html"],
        "time": ["date_published", "date_modified"],
        "url": "url",
    },
}
_rsshub_replies = {
    "kinds": _answers,
    "note": "RSSHub 的 B站评论路由（/bilibili/video/reply/…?format=json）。它把昵称写在正文开头，收下之前切掉",
    "item_kind": "comment",
    "mapping": {
        "items": "items",
        "id": ["id", "url"],
        "text": ["content_text", "content_html"],
        "text_cut": "^[^\\n]{1,60}? :(?: |$)",
        "time": "date_published",
        "url": "url",
    },
}
_liuyan = {
    "kinds": _answers,
    "note": (
        "人民网领导留言板的一个版面。地址：https://liuyan.people.com.cn/threads/queryThreadsList，另写 "
        'form = { fid = "版面编号", state = "1", lastItem = "0" }'
    ),
    "item_kind": "post",
    "mapping": {
        "items": "responseData",
        "ok": {"path": "result", "equals": ["success"]},
        "id": "tid",
        "title": "subject",
        "text": "content",
        "time": ["threadsCheckTime", "dateline"],
        "url": "https://liuyan.people.com.cn/threads/content?tid={tid}",
        "page": {"kind": "cursor", "send": "lastItem", "next": "responseData[-1].tid"},
    },
}
_samr = {
    "kinds": _answers,
    "note": (
        "市场监管总局式的留言咨询（同一套程序的地方站也用）。地址：https://xgzlyhd.samr.gov.cn/gjjly/message/getMessageList，"
        '另写 json = { curPage = "1", lylx = "", fzsj = "", lynr = "", clyj = "", startTime = "", endTime = "", zj = "" }'
    ),
    "item_kind": "post",
    "mapping": {
        "items": "data.data",
        "id": "zj",
        "title": "lybt",
        "text": "lynr",
        "time": "pubtime",
        "url": "https://xgzlyhd.samr.gov.cn/gjjly/index#{zj}",
        "page": {"kind": "page", "send": "curPage"},
    },
}
_records = {
    "kinds": _written,
    "note": "本系统自己的记录格式，供能按要求写出数据的单位使用：编号 id、标题 title、正文 text、链接 url、时间 time 等",
    "item_kind": "post",
    "mapping": {
        "id": "id",
        "title": "title",
        "text": "text",
        "url": "url",
        "time": "time",
        "parent": "parent",
        "likes": "likes",
        "replies": "comments",
        "reposts": "reposts",
        "views": "views",
    },
}


def _mediacrawler(platform: str, **mapping: Any) -> dict[str, Any]:
    """Give the preset of the comments that MediaCrawler writes of one platform, jsonl, csv or json.

    `last_modify_ts` is the clock of the crawler, never the time of a comment. A comment on the post itself has no
    parent here: the post stands in another file, and where nobody reads that, its comments must find each other.
    """
    return {
        "kinds": _written,
        "note": (
            f"MediaCrawler 写出的{platform}评论文件（…_comments_日期.jsonl、csv 或 json），"
            "kind 为 file；由别的机器推来时为 inbox"
        ),
        "item_kind": "comment",
        "mapping": {
            "id": "comment_id",
            "parent": "parent_comment_id",
            "text": "content",
            "time": "create_time",
            "likes": "like_count",
            "replies": "sub_comment_count",
            **mapping,
        },
    }


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "bilibili": _bilibili,
    "weibo": _weibo,
    "tieba": _tieba,
    "zhihu": _zhihu,
    "newsnow": _newsnow,
    "rsshub-json": _rsshub,
    "rsshub-bilibili": _rsshub_replies,
    "liuyan": _liuyan,
    "samr": _samr,
    "records": _records,
    "mediacrawler-weibo": _mediacrawler(
        "微博",
        time=["create_time", "create_date_time"],
        likes=["comment_like_count", "like_count"],
        url="https://m.weibo.cn/detail/{note_id}",
    ),
    "mediacrawler-bilibili": _mediacrawler(
        "B站", url="https://www.bilibili.com/video/av{video_id}#reply{comment_id}"
    ),
    "mediacrawler-douyin": _mediacrawler("抖音", url="https://www.douyin.com/video/{aweme_id}"),
    "mediacrawler-xhs": _mediacrawler("小红书", url="https://www.xiaohongshu.com/explore/{note_id}"),
    "mediacrawler-zhihu": _mediacrawler("知乎", time="publish_time"),
    "mediacrawler-tieba": _mediacrawler(
        "贴吧",
        # Misspelt in older versions.
        parent=["parent_comment_id", "parment_comment_id"],
        time="publish_time",
        url="note_url",
    ),
    "mediacrawler-kuaishou": _mediacrawler("快手", url="https://www.kuaishou.com/short-video/{video_id}"),
}
"""By name, as `preset = "…"` gives it."""

"""Every kind of source at work in the running service, and what the operator hears of one that ails."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from sqlalchemy.orm import Session
from whole import ADMIN, DUTY, OPERATOR, Feeds, Post, Stage, on_stage

from monitors.inbox import push_key, sign
from routing.store.tables import SourceRow

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "a-secret-of-the-test"
NAMES = ("forum", "board", "third", "fourth", "fifth")


class World:
    """What stands beside the feeds: a board as JSON, a page, comments of an article, a crawler's file."""

    def __init__(self, folder: Path) -> None:
        self.board: list[dict[str, object]] = [{"tid": 1, "subject": "公告", "content": "系统维护通知"}]
        self.page = "<html><title>云汀县政府</title><body><p>欢迎访问云汀县人民政府门户网站</p></body></html>"
        self.comments: list[str] = []
        self.folder = folder

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name == "api":
            return web.json_response({"code": 0, "data": {"list": self.board, "end": True}})
        if name == "page":
            return web.Response(text=self.page, content_type="text/html")
        entries = "".join(f"<item><guid>{c}</guid><title>{c}</title></item>" for c in self.comments)
        return web.Response(body=f"<rss><channel>{entries}</channel></rss>".encode(), content_type="text/xml")

    def sources_toml(self, feeds: Feeds) -> str:
        host = feeds.base_url.removeprefix("http://")
        common = f'tags = ["本县"]\ninterval_s = 1\nallow_hosts = ["{host}"]\n'
        return f"""
[[source]]
id = "letters"
name = "云汀信箱"
kind = "comments"
url = "{feeds.base_url}/world/api"
item_kind = "post"
{common}
[source.mapping]
items = "data.list"
id = "tid"
title = "subject"
text = "content"
page = {{ kind = "page", send = "p", end = "data.end" }}
ok = {{ path = "code", equals = 0 }}

[[source]]
id = "crawled"
name = "云汀爬取"
kind = "file"
path = "{self.folder}/*.jsonl"
item_kind = "comment"
tags = ["本县"]
interval_s = 1
[source.mapping]
id = "comment_id"
text = "content"

[[source]]
id = "pushed"
name = "云汀推送"
kind = "inbox"
item_kind = "post"
tags = ["本县"]

[[source]]
id = "portal"
name = "县政府首页"
kind = "page"
url = "{feeds.base_url}/world/page"
{common}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("crawled"))
    (made.folder / "weibo.jsonl").write_text(_line("0", "早上好"), encoding="utf-8")
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, world: World) -> AsyncIterator[Stage]:
    async with on_stage(
        tmp_path_factory.mktemp("sources"),
        monitors=True,
        feeds=NAMES,
        more=world.sources_toml,
        world=world.answer,
        ingest_listen="127.0.0.1:0",
        ingest_key=SECRET,
    ) as stage:
        await stage.until(_all_seen)
        yield stage


def _all_seen(session: Session) -> bool:
    return session.query(SourceRow).filter(SourceRow.baseline_done).count() >= len(NAMES) + 3


def _line(number: str, text: str) -> str:
    return json.dumps({"comment_id": number, "content": text}, ensure_ascii=False) + "\n"


async def test_a_letter_on_a_message_board_makes_a_card(stage: Stage, world: World) -> None:
    text = "渡口街路灯坏了半个月没人管，晚上黑得没法走路，打热线也没人接。"
    world.board.insert(
        0, {"tid": 2, "subject": "渡口街路灯坏了半个月没人管", "content": text, "nickName": "张三"}
    )
    card = await stage.card(DUTY, "渡口街路灯坏了半个月没人管", "云汀信箱", button="转办")
    assert "张三" not in card["text"]


async def test_a_line_of_a_crawlers_file_makes_a_card_and_half_a_line_waits(
    stage: Stage, world: World
) -> None:
    whole = _line("7", "松涧村的自来水是黄的，娃娃喝了拉肚子，没人管，求给个说法。")
    with (world.folder / "weibo.jsonl").open("a", encoding="utf-8") as file:
        file.write(whole[:40])
        file.flush()
        reads = stage.feeds.reads["forum"]
        await stage.until(lambda _: stage.feeds.reads["forum"] > reads + 2)
        file.write(whole[40:])
    await stage.card(DUTY, "松涧村的自来水是黄的", "云汀爬取", button="转办")


async def test_a_pushed_post_makes_a_card_and_a_forged_one_does_not(stage: Stage) -> None:
    post = {
        "id": "p1",
        "title": "桂汀苑电梯停运一周没人修",
        "text": "桂汀苑3号楼电梯停运一周没人修，老人下不了楼。",
    }
    body = json.dumps([post], ensure_ascii=False).encode()
    key = push_key(SECRET, "pushed")
    url = f"http://127.0.0.1:{stage.app.ingest_port}/ingest/pushed"
    async with aiohttp.ClientSession() as session:
        for by, status in (("x" * 64, 401), (key, 202), (key, 202)):
            stamp = int(time.time())
            headers = {
                "Content-Type": "application/json",
                "X-Yuqing-Timestamp": str(stamp),
                "X-Yuqing-Signature": sign(by, stamp, "pushed", body),
            }
            async with session.post(url, data=body, headers=headers) as answer:
                assert answer.status == status, await answer.text()
    await stage.card(DUTY, "桂汀苑电梯停运一周没人修", "1 条，1 个来源（云汀推送）", button="转办")


async def test_a_page_that_was_tampered_with_is_told_at_once_and_again_when_it_is_well(
    stage: Stage, world: World
) -> None:
    before = world.page
    world.page = before.replace("欢迎访问", '澳门赌场 <a href="http://casino.example/">点击进入</a> 欢迎访问')
    for chat in (DUTY, OPERATOR):
        await stage.said(chat, "县政府首页", "casino.example")
    world.page = before
    for chat in (DUTY, OPERATOR):
        await stage.said(chat, "县政府首页", "消除")


async def test_a_source_that_turns_into_a_login_page_is_told_once_and_so_is_its_recovery(
    stage: Stage,
) -> None:
    async def login(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>请登录</title>", content_type="text/html")

    stage.feeds.answers["third"] = login
    await stage.said(OPERATOR, "third", "请登录")
    del stage.feeds.answers["third"]
    await stage.said(OPERATOR, "third", "恢复")
    await stage.quiet()
    told = [m["text"] for m in await stage.client.messages(ADMIN, OPERATOR) if "third" in m["text"]]
    assert len(told) == 2, told


async def test_comments_of_a_text_whose_count_rises_join_its_matter(stage: Stage, world: World) -> None:
    post = Post("c9", "老城菜市场污水横流没人管", "老城菜市场污水横流，苍蝇乱飞，没人管。", comments=1)
    stage.feeds.comment_feed = f"{stage.feeds.base_url}/world/comments"
    stage.feeds.publish(post)
    await stage.card(DUTY, post.title, "1 条", button="转办")
    world.comments = ["我家就住旁边，臭得开不了窗"]
    stage.feeds.publish(Post(post.id, post.title, post.text, comments=9))
    await stage.card(DUTY, post.title, "信息：2 条")


async def test_when_all_fail_at_once_it_is_our_network_and_one_message_says_so(
    stage: Stage, world: World
) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        raise web.HTTPServiceUnavailable

    for name in NAMES:
        stage.feeds.answers[name] = cut
    stage.feeds.world = cut
    await stage.said(OPERATOR, "网络")
    stage.feeds.answers.clear()
    stage.feeds.world = world.answer
    await stage.said(OPERATOR, "网络", "恢复")
    told = [m["text"] for m in await stage.client.messages(ADMIN, OPERATOR) if "fifth" in m["text"]]
    assert told == []

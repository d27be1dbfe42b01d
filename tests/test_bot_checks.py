"""What is left of the template; the probes of `check --live`, against a real feed server and the sandbox."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib.resources import files
from pathlib import Path

import pytest
from aiohttp import web

from bot.checks import Finding, leftovers, probe_chats, probe_sources
from bot.config import load_folder
from bot.sandbox.server import Sandbox
from bot.sandbox.world import SANDBOX_TOKEN, Cast, SandboxGroup, SandboxPerson
from bot.settings import Settings
from bot.telegram.adapter import TelegramChat
from monitors.sources import Source
from routing.items import Kind

FEED = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>论坛</title>
<item><guid>1</guid><title>停水</title><link>http://x/1</link><pubDate>Tue, 17 Nov 2026 02:00:00 GMT</pubDate></item>
<item><guid>2</guid><title>停电</title><link>http://x/2</link><pubDate>Tue, 17 Nov 2026 01:00:00 GMT</pubDate></item>
</channel></rss>"""
LOGIN = "<!doctype html><html><body>请登录</body></html>"


def folder_with(folder: Path, *changes: tuple[str, str]) -> Path:
    """The three files of the templates with every place of each text changed."""
    for name in ("office.toml", "sources.toml", "rules.toml"):
        text = files("bot.templates").joinpath(name).read_text(encoding="utf-8")
        for old, new in changes:
            text = text.replace(old, new)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def left_in(folder: Path, **settings: object) -> list[str]:
    whole = Settings(config=folder, **settings)  # type: ignore[arg-type]  # the two that matter here
    return [warning.where for warning in leftovers(whole, load_folder(folder))]


def test_the_untouched_template_is_named_place_by_place(tmp_path: Path) -> None:
    assert left_in(folder_with(tmp_path)) == [
        "name",
        "county",
        "duty_chat",
        "operator_chat",
        *(f"channels.{key}.chat" for key in ("network", "petition", "publicity", "security", "office")),
        "contact",
        *(f"来源 {source} 的 url" for source in ("county-news", "county-board", "forum-comments")),
        "YUQING_ADMINS",
        "YUQING_LEDGER_KEY",
    ]


MADE_OURS = (
    ("示例县", "云汀县"),
    ("-10010000000", "-10020000000"),
    ("example.gov.cn", "yunting.gov.cn"),
    ("example.com", "luntan.cn"),
)


def test_a_desk_that_was_made_ones_own_has_nothing_left(tmp_path: Path) -> None:
    assert left_in(folder_with(tmp_path, *MADE_OURS), admins=("1001",), ledger_key="a-long-key") == []


@pytest.mark.parametrize("forgotten", MADE_OURS, ids=lambda change: change[0])
def test_each_sample_that_was_forgotten_is_found_alone(tmp_path: Path, forgotten: tuple[str, str]) -> None:
    changed = [change for change in MADE_OURS if change is not forgotten]
    folder = folder_with(tmp_path, *changed)
    found = leftovers(Settings(folder, admins=("1001",), ledger_key="key"), load_folder(folder))
    assert found
    for warning in found:
        assert forgotten[0] in warning.value or warning.where == "contact"
        assert warning.reason
        assert warning.cure


RULES_OF_TAGS = """
[[ignore]]
id = "z-ignore"
name = "不看"
any = ["恭喜"]
not_tags = ["问政", "闲聊"]

[[rule]]
id = "z"
name = "论坛"
tags = ["论坛", "中央媒体", "论谈"]
channel = "petition"
[[rule.rule]]
id = "z1"
name = "里层"
tags = ["夜市"]
"""


def test_a_tag_in_the_rules_that_no_source_has_is_named_with_its_line_and_the_cure(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, *MADE_OURS, ('tags = ["本县"]', 'tags = ["本县", "论坛"]'))
    rules = folder / "rules.toml"
    first = rules.read_text(encoding="utf-8").count("\n")
    with rules.open("a", encoding="utf-8") as file:
        file.write(RULES_OF_TAGS)
    found = leftovers(Settings(folder, admins=("1001",), ledger_key="key"), load_folder(folder))
    assert [(one.file, (one.line or 0) - first, one.value) for one in found] == [
        (str(rules), 6, '"闲聊"'),
        (str(rules), 11, '"论谈"'),
        (str(rules), 16, '"夜市"'),
    ]
    assert ["不起作用" in one.reason for one in found] == [True, False, False]
    assert found[1].where.endswith(".tags")
    assert "是不是 论坛" in found[1].cure
    assert all("sources.toml" in one.cure for one in found)


INBOX = """
[[source]]
id = "hotline"
name = "热线"
kind = "inbox"
[source.mapping]
id = "id"
text = "text"
"""


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, ["YUQING_INGEST_LISTEN", "YUQING_INGEST_KEY"]),
        ({"ingest_key": "key"}, ["YUQING_INGEST_LISTEN"]),
        ({"ingest_key": "key", "ingest_listen": "127.0.0.1:8089"}, []),
    ],
    ids=["nothing", "key", "both"],
)
def test_a_source_that_waits_for_pushes_nobody_could_send_is_named(
    tmp_path: Path, settings: dict[str, str], wanted: list[str]
) -> None:
    folder = folder_with(tmp_path, *MADE_OURS)
    with (folder / "sources.toml").open("a", encoding="utf-8") as file:
        file.write(INBOX)
    assert left_in(folder, admins=("1001",), ledger_key="a-long-key", **settings) == wanted


@dataclass
class Site:
    host: str
    asked: list[str]

    def source(self, name: str) -> Source:
        return Source(
            name, name, "feed", f"http://{self.host}/{name}", "论坛", Kind.POST, allow_hosts=(self.host,)
        )


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        if request.path == "/gone":
            return web.Response(status=404)
        if request.path == "/moved":
            raise web.HTTPMovedPermanently("/late")
        if request.path == "/late":
            date = format_datetime(datetime.now(UTC) - timedelta(hours=2), usegmt=True)
            return web.Response(body=FEED.encode(), headers={"Date": date})
        if request.path == "/login":
            return web.Response(text=LOGIN, content_type="text/html")
        return web.Response(body=FEED.encode(), content_type="application/rss+xml")

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    host, port = runner.addresses[0][:2]
    yield Site(f"{host}:{port}", asked)
    await runner.cleanup()


async def test_every_source_is_read_once_and_each_gets_its_finding(site: Site) -> None:
    done: list[str] = []
    sources = [site.source(name) for name in ("good", "gone", "login")]
    good, gone, login = await probe_sources(sources, done.append)
    assert sorted(done) == ["gone", "good", "login"]
    assert sorted(site.asked) == ["/gone", "/good", "/login"]
    assert (good.ok, good.subject, good.detail) == (True, "来源 good", "2 条")
    assert (good.status, good.entries, good.newest, good.charset) == (200, 2, "2026-11-17 10:00", "utf-8")
    assert not gone.ok
    assert (gone.status, login.status) == (404, 200)
    assert "404" in gone.detail
    assert not login.ok
    assert all(finding.detail and finding.cure for finding in (gone, login))


async def test_another_clock_and_another_address_are_told_with_their_cures(site: Site) -> None:
    (finding,) = await probe_sources([site.source("moved")], lambda _: None)
    assert finding.verdict == "注意"
    assert "慢 120 分钟" in finding.detail
    assert f"跳转到 http://{site.host}/late" in finding.detail
    assert "本机时间" in finding.cure
    assert "url" in finding.cure


async def test_a_private_address_that_nobody_allowed_is_a_finding(site: Site) -> None:
    source = site.source("good")
    closed = Source(source.id, source.name, "feed", source.url, source.site, source.item_kind)
    (finding,) = await probe_sources([closed], lambda _: None)
    assert not finding.ok
    assert finding.cure
    assert site.asked == []


GROUP, FOREIGN = -1001000000001, -1001000000003


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    groups = (
        SandboxGroup(GROUP, "值班群", (1001,)),
        SandboxGroup(FOREIGN, "别人的群", (1001,), bot_is_member=False),
    )
    async with Sandbox(Cast((SandboxPerson(1001, "李雷", "值班员"),), groups)) as running:
        yield running


async def test_the_platform_knows_us_and_each_group_lets_us_in_or_not(sandbox: Sandbox) -> None:
    chat = TelegramChat(SANDBOX_TOKEN, sandbox.base_url)
    try:
        token, group, foreign = await probe_chats(chat, [str(GROUP), str(FOREIGN)])
    finally:
        await chat.stop()
    assert (token.ok, group.ok, foreign.ok) == (True, True, False)
    assert group.detail == "值班群"
    assert "office.toml" in foreign.cure


async def test_a_token_that_is_refused_is_one_finding_and_no_group_is_asked(sandbox: Sandbox) -> None:
    wrong = "987654321:" + "A" * 35
    chat = TelegramChat(wrong, sandbox.base_url)
    try:
        (finding,) = await probe_chats(chat, [str(GROUP)])
    finally:
        await chat.stop()
    assert not finding.ok
    assert wrong not in f"{finding}"
    assert wrong.partition(":")[2] not in f"{finding}"


async def test_a_platform_that_cannot_be_reached_is_a_finding() -> None:
    chat = TelegramChat(SANDBOX_TOKEN, "http://127.0.0.1:9")
    try:
        (finding,) = await probe_chats(chat, [])
    finally:
        await chat.stop()
    assert not finding.ok
    assert "YUQING_TELEGRAM_API" in finding.cure
    assert SANDBOX_TOKEN not in f"{finding}"


def test_a_finding_goes_to_machines_whole() -> None:
    assert Finding("令牌", False, "不认", "检查").as_dict() == {
        "subject": "令牌",
        "ok": False,
        "detail": "不认",
        "cure": "检查",
    }

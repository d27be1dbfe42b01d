"""The configuration folder edited under the running service: what is good takes effect whole, what is not changes nothing."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.orm import Session
from whole import (
    DUTY,
    ELSEWHERE,
    OFFICER,
    OPERATOR,
    PETITION,
    STRANGER,
    Feeds,
    Post,
    Stage,
    number_of,
    on_stage,
)

from bot import app
from bot.app import App
from bot.demo.office import CHANNELS
from bot.sandbox.world import SANDBOX_TOKEN
from bot.telegram.adapter import TelegramChat
from monitors.inbox import push_key, sign
from routing.office import Limit, Office, Step
from routing.presence import DESK
from routing.store.tables import CaseRow, DeadlineRow, LedgerRow, PresenceRow, SourceRow
from routing.worktime import due_at

pytestmark = pytest.mark.asyncio(loop_scope="module")

PUBLICITY = CHANNELS["publicity"]
STOCK = Post("s0", "渡口街井盖丢了一个月没人管", "渡口街井盖丢了一个月，打热线也没人管，求给个说法。")
POOL = Post("l4", "河东泳馆水质发绿没人管", "河东泳馆水质发绿，孩子游完起疹子，没人管，求给个说法。")
LIFT = Post("l1", "桂汀苑电梯停运一周没人修", "桂汀苑3号楼电梯停运一周没人修，老人下不了楼，求给个说法。")
LAMP = Post("l2", "松涧村路灯坏了半个月没人管", "松涧村的路灯坏了半个月，晚上黑得没法走，没人管。")
NOISE = Post(
    "l5", "柳林村工地夜里施工太吵没人管", "柳林村工地夜里施工到三点，太吵睡不着，没人管，求给个说法。"
)
WATER = Post("l3", "老城菜市场污水横流没人管", "老城菜市场污水横流，苍蝇乱飞，没人管，求给个说法。")


SECRET = "a-secret-of-the-test"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def halves(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Stage, App]]:
    """The service as two, that read one folder: the bot of the stage, and the half that polls."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "RELOAD_LOOK_S", 0.2)
        folder = tmp_path_factory.mktemp("reload")
        async with on_stage(folder, ingest_listen="127.0.0.1:0", ingest_key=SECRET) as stage:
            chat, ready = TelegramChat(SANDBOX_TOKEN, stage.settings.telegram_api), asyncio.Event()
            polling = App(stage.settings, stage.configuration, chat)
            task = asyncio.create_task(polling.run("monitors", ready))
            await ready.wait()
            await stage.until(lambda s: len(s.scalars(select(SourceRow.id)).all()) == len(stage.feeds.posts))
            yield stage, polling
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def stage(halves: tuple[Stage, App]) -> Stage:
    return halves[0]


async def until(holds: Callable[[], bool]) -> None:
    """Wait for the other half, which takes the folder over by itself."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - it gives no event
            await asyncio.sleep(0.05)


def edit(stage: Stage, *changes: tuple[str, str, str]) -> None:
    """Replace words in files of the folder, each file as editors do: written beside it, then put in its place."""
    for name, old, new in changes:
        path = stage.settings.config / name
        text = path.read_text(encoding="utf-8")
        assert old in text, (name, old)
        beside = path.with_suffix(".new")
        beside.write_text(text.replace(old, new, 1), encoding="utf-8")
        beside.replace(path)


def source_toml(feeds: Feeds, name: str, page: str, title: str) -> str:
    one = Feeds((page,))
    one._runner = feeds._runner
    return (
        one.sources_toml()
        .split("\n", 1)[1]
        .replace(f'id = "{page}"', f'id = "{name}"')
        .replace(f'name = "云汀{page}"', f'name = "{title}"')
    )


def configured(session: Session) -> list[Sequence[str]]:
    rows = session.scalars(
        select(LedgerRow.data).where(LedgerRow.action == "configure").order_by(LedgerRow.seq)
    )
    return [json.loads(data)["changes"] for data in rows]


def signs_within(session: Session, number: str, office: Office, wanted: Limit) -> bool:
    """Tell whether a matter is to be signed for within a limit, or before its answer is due."""
    rows = session.scalars(select(DeadlineRow).join(CaseRow).where(CaseRow.number == number))
    limits = {row.step: row for row in rows}
    sign, respond = limits[Step.SIGN], limits[Step.RESPOND]
    due = due_at(sign.started_at, wanted, office.hours, office.zone)
    return sign.due_at == min(due.at, respond.due_at)


async def test_a_source_is_added_changed_and_removed_while_the_others_go_on(
    halves: tuple[Stage, App],
) -> None:
    stage, polling = halves
    feeds, recorded = stage.feeds, len(await stage.store.read(configured))
    for page in ("late", "later"):
        feeds.posts[page], feeds.reads[page] = [], 0
    feeds.publish(STOCK, "late")
    sources = stage.settings.config / "sources.toml"
    before = sources.read_text(encoding="utf-8")
    first = source_toml(feeds, "late", "late", "云汀新板")
    edit(stage, ("sources.toml", before, before + first))
    told = await stage.said(OPERATOR, "配置已更新，现已生效：新增来源 云汀新板（late）")
    assert "http" not in told["text"]
    await stage.until(lambda s: s.scalar(select(SourceRow.baseline_done).where(SourceRow.id == "late")))
    feeds.publish(LIFT, "late")
    await stage.card(DUTY, LIFT.title, "云汀新板", button="转办")  # and none of what stood there at first

    edit(stage, ("sources.toml", first, source_toml(feeds, "late", "later", "云汀二板")))
    await stage.said(OPERATOR, "来源 云汀二板（late）：名称 云汀新板 → 云汀二板，地址已改")
    feeds.publish(LAMP, "later")
    await stage.card(DUTY, LAMP.title, "云汀二板", button="转办")

    edit(stage, ("sources.toml", sources.read_text(encoding="utf-8"), before))
    await stage.said(OPERATOR, "停用来源 云汀二板（late）")
    await until(lambda: all(source.id != "late" for source in polling.configuration.sources))
    reads, others = feeds.reads["later"], feeds.reads["forum"]
    await stage.until(lambda _: feeds.reads["forum"] >= others + 3)
    assert feeds.reads["later"] <= reads + 1  # a round that was under way ends
    assert await stage.store.read(lambda s: s.get(SourceRow, "late")) is not None
    lines = (await stage.store.read(configured))[recorded:]
    assert [len(told) for told in lines] == [1, 1, 1]  # of two halves, once each


async def test_a_group_and_a_limit_change_and_what_runs_keeps_its_end(stage: Stage) -> None:
    stage.feeds.publish(WATER)
    card = await stage.card(DUTY, WATER.title, button="转办")
    number = number_of(card)
    assert "已转办" in await stage.menu(OFFICER, card, "其他渠道", "转办 信访")
    await stage.card(PETITION, WATER.title, button="签收")
    edit(
        stage,
        ("office.toml", f'chat = "{PUBLICITY}"', 'chat = "spare"'),
        ("office.toml", f'chat = "{PETITION}"', f'chat = "{PUBLICITY}"'),
        ("office.toml", 'chat = "spare"', f'chat = "{PETITION}"'),
        ("office.toml", 'sign     = ["15m", "30m", "1h", "4wh"]', 'sign     = ["15m", "30m", "2h", "7h"]'),
    )
    told = await stage.said(OPERATOR, "配置已更新", "签收时限 Ⅳ级：工作时间 4 小时 → 7 小时")
    assert f"渠道 petition 群号：{PETITION} → {PUBLICITY}" in told["text"]
    await stage.said(PUBLICITY, WATER.title, "签收", reader=OFFICER)
    await stage.card(PETITION, WATER.title, "已改派其他单位", button="")
    office = stage.configuration.office
    assert await stage.store.read(lambda s: signs_within(s, number, office, Limit(240, working=True)))
    stage.feeds.publish(NOISE)
    next_card = await stage.card(DUTY, NOISE.title, button="转办")
    assert "已转办" in await stage.menu(OFFICER, next_card, "其他渠道", "转办 信访")
    await stage.card(PUBLICITY, NOISE.title, button="签收", reader=OFFICER)
    assert await stage.store.read(lambda s: signs_within(s, number_of(next_card), office, Limit(420)))


async def test_a_source_that_is_pushed_is_taken_once_it_is_named(halves: tuple[Stage, App]) -> None:
    stage, polling = halves

    async def push(secret: str = SECRET) -> int:
        body = json.dumps([{"id": "p1", "title": "公告", "text": "系统维护通知"}]).encode()
        stamp = int(time.time())
        signed = sign(push_key(secret, "pushed"), stamp, "pushed", body)
        headers = {"Content-Type": "application/json", "X-Yuqing-Timestamp": str(stamp)}
        url = f"http://127.0.0.1:{polling.ingest_port}/ingest/pushed"
        async with (
            aiohttp.ClientSession(headers={**headers, "X-Yuqing-Signature": signed}) as client,
            client.post(url, data=body) as answer,
        ):
            return answer.status

    assert await push() == 404
    named = '[[source]]\nid = "pushed"\nname = "云汀推送"\nkind = "inbox"\nitem_kind = "post"\n'
    first = (stage.settings.config / "sources.toml").read_text(encoding="utf-8")
    edit(stage, ("sources.toml", first, f"{first}\n{named}"))
    await stage.said(OPERATOR, "新增来源 云汀推送（pushed）")
    async with asyncio.timeout(20):
        while await push() != 202:  # noqa: ASYNC110 - the other half takes the folder over by itself
            await asyncio.sleep(0.05)
    assert [await push("the-secret-of-before") for _ in range(3)] == [401] * 3
    told = await stage.said(OPERATOR, "推送被拒", "连续 3 次")
    assert "yuqing sources key pushed" in told["text"]


async def test_what_is_wrong_changes_nothing_and_two_files_land_together(halves: tuple[Stage, App]) -> None:
    stage, polling = halves
    config = stage.settings.config
    before = len(await stage.store.read(configured))
    pool = '[[rule]]\nid = "pool"\nname = "泳馆"\nany = ["泳馆"]\nchannel = "sport"\n\n[[rule]]\n'
    edit(stage, ("rules.toml", "[[rule]]\n", pool))
    told = await stage.said(OPERATOR, "沿用原配置", "sport")
    assert f"{config / 'rules.toml'}:" in told["text"]
    sport = (
        f'[channels.sport]\nname = "体育"\nunit = "县体育局"\nchat = "{ELSEWHERE}"\n\n[channels.network]\n'
    )
    edit(stage, ("office.toml", "[channels.network]\n", sport))
    both = await stage.said(OPERATOR, "配置已更新", "新增渠道 sport：体育", "研判规则已更新")
    assert "取消" not in both["text"]
    await until(lambda: "sport" in polling.configuration.office.channels)
    await stage.client.group(STRANGER, "add", chat=ELSEWHERE)
    stage.feeds.publish(POOL)
    card = await stage.card(DUTY, POOL.title, "体育", "规则「泳馆」", button="其他渠道")
    assert "已转办" in await stage.menu(OFFICER, card, "其他渠道", "转办 体育")
    await stage.card(ELSEWHERE, POOL.title, button="签收")

    edit(stage, ("office.toml", sport, "[channels.network]\n"), ("rules.toml", pool, "[[rule]]\n"))
    await stage.said(OPERATOR, "沿用原配置", "channels.sport", number_of(card), "写回 office.toml")
    edit(stage, ("office.toml", "[channels.network]\n", sport), ("rules.toml", "[[rule]]\n", pool))
    await stage.said(OPERATOR, "配置已改回")
    edit(stage, ("office.toml", 'code = "ZFB"', 'code = "XZB"'))
    told = await stage.said(OPERATOR, "沿用原配置", "code = XZB", "重启")
    assert "office.toml:" in told["text"]
    edit(stage, ("office.toml", 'code = "XZB"', 'code = "ZFB"'))
    await stage.said(OPERATOR, "配置已改回")
    assert len(await stage.store.read(configured)) == before + 1


async def test_two_polling_halves_of_one_host_are_noted_apart(halves: tuple[Stage, App]) -> None:
    stage, first = halves

    async def noted(count: int) -> list[str]:
        def of_monitors(session: Session) -> Sequence[str]:
            return session.scalars(select(PresenceRow.name).where(PresenceRow.name != DESK)).all()

        await stage.until(lambda s: len(of_monitors(s)) == count)
        return sorted(await stage.store.read(of_monitors))

    [one] = await noted(1)
    for _ in range(2):  # the second one to be started takes the place of the one that ended
        chat = TelegramChat(SANDBOX_TOKEN, stage.settings.telegram_api)
        second, ready = App(stage.settings, first.configuration, chat), asyncio.Event()
        task = asyncio.create_task(second.run("monitors", ready))
        await ready.wait()
        assert await noted(2) == [one, f"{one}#2"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

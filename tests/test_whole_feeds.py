"""What the feeds bring and what the duty group sees of it: reposts, bursts, other places, personal data."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from whole import CONTACT, DUTY, OFFICER, PETITION, Post, Stage, number_of, on_disk, on_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARKING = Post(
    "p1", "老城停车费又涨价了，到底谁定的", "渡口街停车费又涨价，咪表乱收费没人管，打热线也没人接，凭什么？"
)
SMELL = Post(
    "s1",
    "造纸厂半夜偷排，河里全是死鱼",
    "松涧造纸厂半夜偷排污水，河面漂着死鱼，臭味熏得睡不着，到底谁来管？",
)
WEST = Post(
    "c1",
    "榴南村玉米青苗补偿款拖了半年不给",
    "榴南村修路占了玉米地，青苗补偿款拖了半年，村民们多次反映没人管。",
)
NAMED = Post(
    "n1",
    "水泥厂家属院欠薪没人管",
    "水泥厂家属院工程欠薪半年，工人身份证11010519491231002X，电话13800138000，求给个说法。",
)
SECRETS = ("11010519491231002X", "13800138000")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with on_stage(tmp_path_factory.mktemp("feeds"), monitors=True) as stage:
        yield stage


async def test_a_repost_joins_the_card_and_makes_no_second_one(stage: Stage) -> None:
    stage.feeds.publish(PARKING)
    card = await stage.card(DUTY, PARKING.title, "1 条，1 个来源", button="转办")
    stage.feeds.publish(replace(PARKING, id="p1-copy"), "board")
    grown = await stage.card(DUTY, PARKING.title, "2 条，2 个来源（云汀forum、云汀board）")
    assert grown["id"] == card["id"]
    await stage.nothing_else()


async def test_a_burst_is_said_aloud_and_older_buttons_are_stale(stage: Stage) -> None:
    stage.feeds.publish(SMELL)
    card = await stage.card(DUTY, SMELL.title, "Ⅳ级（建议）", button="转办")
    number = number_of(card)
    stage.feeds.publish(replace(SMELL, comments=1_500))
    aloud = await stage.said(DUTY, "🟠 24 小时评论 1500，达到Ⅱ级标准（1000），建议定为Ⅱ级 重大", number)
    assert aloud["reply_to"]["id"] == card["id"]
    sent = next(c for c in await stage.client.record("sendMessage") if "24 小时评论" in c["params"]["text"])
    assert sent["params"].get("disable_notification") in {None, False, "False", "false"}
    fresh = await stage.card(DUTY, "🟠Ⅱ级（建议）", number, "评论 1500", button="转办")
    assert fresh["id"] == card["id"]

    said = await stage.unchanged(number, stage.press(OFFICER, card, "转办"))
    assert said == f"{number} 刚有变化（待研判），请看最新卡片后再操作。"

    assert await stage.menu(OFFICER, fresh, "其他渠道", "转办 信访") == f"已转办：{number}"
    await stage.card(PETITION, number, button="签收")
    stage.feeds.publish(replace(SMELL, comments=20_000))
    await stage.said(DUTY, "🔴 24 小时评论 2.0万，达到Ⅰ级标准（1.0万），建议定为Ⅰ级 特别重大", number)
    judged = await stage.card(
        DUTY, number, "建议升为Ⅰ级"
    )  # a person has judged: now the machine only proposes
    assert judged["text"].startswith("🟠Ⅱ级")
    slip = await stage.card(PETITION, number, "建议升为Ⅰ级", button="签收")
    assert await stage.press(CONTACT, slip, "签收") == f"已签收：{number}"  # …and no button of hers is stale
    await stage.card(DUTY, number, "办理中")


async def test_the_same_words_of_another_place_make_a_card_of_their_own(stage: Stage) -> None:
    stage.feeds.publish(WEST)
    west = await stage.card(DUTY, WEST.title, button="转办")
    stage.feeds.publish(
        Post("c2", WEST.title.replace("榴南", "榴北"), WEST.text.replace("榴南", "榴北")), "board"
    )
    other = await stage.card(DUTY, "榴北村玉米青苗补偿款", "1 条，1 个来源", button="转办")
    assert number_of(other) != number_of(west)
    await stage.nothing_else()


async def test_personal_data_of_a_post_reaches_neither_card_nor_disk_nor_wire(stage: Stage) -> None:
    stage.feeds.publish(NAMED)
    card = await stage.card(DUTY, NAMED.title, button="转办")
    assert "工人身份证" in card["text"]
    await stage.quiet()
    written = on_disk(stage.settings.config.parent)
    wire = str(await stage.client.record())
    assert NAMED.title.encode() in written  # what is there would be found
    for secret in SECRETS:
        assert secret not in card["text"]
        assert secret not in wire
        assert secret.encode() not in written

"""An absent leader over HTTP on both databases: his approval waits, a substitute (顶岗) decides, until its end or before."""

from datetime import UTC, datetime
from pathlib import Path

from builders import FakeClock
from whole import (
    CONTACT,
    DUTY,
    LEADER,
    ON_BOTH,
    OTHER_CONTACT,
    PETITION,
    REVIEWER,
    SECOND_LEADER,
    SECRECY,
    Json,
    Stage,
    data_of,
    database,
    number_of,
    on_stage,
)

from routing import substitution
from routing.workflow import State

MORNING = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
"""09:00 on a Tuesday in the office."""

LATER = "泵组已更换并试压，今日恢复供水；后续每月巡检一次，给居民带来不便，深表歉意。"


@ON_BOTH
async def test_a_substitute_approves_what_waits_for_an_absent_leader_and_no_longer_than_he_may(
    kind: str, tmp_path: Path
) -> None:
    clock = FakeClock(MORNING)
    with database(kind, tmp_path) as url:
        async with on_stage(tmp_path, url=url, clock=clock) as stage:
            cards = await stage.cleared()
            number = number_of(cards[LEADER])
            await _stands_in(stage, LEADER, "蒋平", "12:00", SECOND_LEADER)
            await stage.card(LEADER, number, "顶岗期间由 蒋平 处理（至 11-17 12:00）", button="批准发布")
            theirs = await stage.card(OTHER_CONTACT, number, button="批准发布")
            await _four_eyes_hold(stage, theirs)

            assert await stage.press(OTHER_CONTACT, theirs, "批准发布") == f"已批准发布：{number}"
            for who in cards:
                await stage.card(who, number, "蒋平 已处理：批准发布", button="")
            late = await stage.unchanged(number, stage.press(LEADER, cards[LEADER], "批准发布"))
            assert late.startswith("蒋平 已于 11-17 09:00 处理")
            [line] = [one for one in await stage.ledger(number) if one["action"] == "approve"]
            assert (line["actor"], line["data"]["stands_for"]) == ("蒋平", ["林涛"])

            await _over_by_its_time(stage, clock, number)
            await _over_before_its_time(stage, number)
            await _all_seen(stage)


async def _stands_in(stage: Stage, absent: int, reserve: str, until: str, leader: int) -> Json:
    """Ask for a substitution and have it approved; gives the card of who is absent."""
    await stage.client.send(absent, absent, f"/substitute {reserve} 现在 {until} 因公出差")
    await stage.said(absent, "已报值班领导审批")
    asked = await stage.card(leader, "顶岗申请", reserve, button="批准顶岗")
    assert await stage.press(leader, asked, "批准顶岗") == "已批准。"
    await stage.said(DUTY, f"由 {reserve} 顶")
    return await stage.said(absent, "顶岗申请", reserve, "已批准")


async def _four_eyes_hold(stage: Stage, theirs: Json) -> None:
    """Who cleared the text stands in for the other leader, is sent nothing to approve and may not press."""
    number = number_of(theirs)
    await _stands_in(stage, SECOND_LEADER, "沈默", "12:00", LEADER)
    await stage.card(SECOND_LEADER, number, "顶岗期间由 沈默 处理", button="批准发布")
    cleared = await stage.card(SECRECY, number, "已处理：公开", button="")
    said = await stage.unchanged(number, stage.forge(SECRECY, cleared, data_of(theirs, "批准发布")))
    assert said == "您已做保密审查，不能再审或批准（四眼原则）。"
    assert await stage.refused(number) == ["four_eyes"]


async def _over_by_its_time(stage: Stage, clock: FakeClock, number: str) -> None:
    """A second text waits for the substitute when his time is over: his button is dead, the leader's lives."""
    theirs = await _asked_again(stage, number)
    clock.advance(hours=3)
    said = await stage.unchanged(number, stage.press(OTHER_CONTACT, theirs, "批准发布"))
    assert said == "您没有“批准发布”的权限，此操作未生效。您能做什么见 /help。"
    assert (await stage.refused(number))[-1] == "role"
    await _tick(stage)
    dead = await stage.card(OTHER_CONTACT, "顶岗已结束", button="")
    assert LATER not in dead["text"]
    await stage.card(LEADER, number, LATER, button="批准发布", but_not="顶岗期间")
    for chat in (LEADER, OTHER_CONTACT):
        await stage.said(chat, "顶岗到时结束：蒋平 不再顶 林涛 的岗")


async def _asked_again(stage: Stage, number: str) -> Json:
    """Bring another text to the leaders; gives the substitute's card."""
    slip = await stage.card(PETITION, number, "待发布", button="修改稿件")
    assert "私聊" in await stage.press(CONTACT, slip, "修改稿件")
    await stage.answer(CONTACT, "答复稿全文", LATER)
    card = await stage.card(REVIEWER, number, LATER, button="初审通过")
    assert "已初审通过" in await stage.press(REVIEWER, card, "初审通过")
    card = await stage.card(SECRECY, number, LATER, button="公开…")
    await stage.press(SECRECY, card, "公开…")
    asked = await stage.said(SECRECY, "意见：公开")
    await stage.client.send(SECRECY, SECRECY, "条例第十九条；涉及公众切身利益", reply_to=asked["id"])
    return await stage.card(OTHER_CONTACT, number, LATER, button="批准发布")


async def _tick(stage: Stage) -> None:
    """Look at substitutions now; the service does it four times a minute."""
    app = stage.app
    office = stage.configuration.office
    await app.store.write(lambda s: substitution.tick(s, office, app.ledger, stage.clock()))
    app.sender.wake()


async def _over_before_its_time(stage: Stage, number: str) -> None:
    """He came back early: ended by his button, the substitute's dies and he decides himself."""
    mine = await _stands_in(stage, LEADER, "蒋平", "18:00", SECOND_LEADER)
    theirs = await stage.card(OTHER_CONTACT, number, LATER, button="批准发布")
    refused = await stage.forge(OTHER_CONTACT, theirs, data_of(mine, "提前结束顶岗"))
    assert refused == "顶岗只能由被顶岗人、批准的领导或值班领导提前结束。"
    assert await stage.press(LEADER, mine, "提前结束顶岗") == "顶岗已结束。"
    await stage.card(LEADER, "顶岗申请", "已结束", button="")
    await stage.said(DUTY, "顶岗提前结束（林涛）：蒋平 不再顶 林涛 的岗")
    await stage.unchanged(number, stage.press(OTHER_CONTACT, theirs, "批准发布"))
    await stage.card(OTHER_CONTACT, "顶岗已结束", button="", but_not=LATER)

    await _stands_in(stage, LEADER, "蒋平", "18:00", SECOND_LEADER)
    await stage.client.send(OTHER_CONTACT, OTHER_CONTACT, "/substitute 结束 林涛")
    await stage.said(OTHER_CONTACT, "顶岗只能由被顶岗人、批准的领导或值班领导提前结束。")
    await stage.client.send(SECOND_LEADER, SECOND_LEADER, "/substitute 结束 林涛")
    await stage.said(DUTY, "顶岗提前结束（何静）")
    card = await stage.card(LEADER, number, LATER, button="批准发布", but_not="顶岗期间")
    assert await stage.press(LEADER, card, "批准发布") == f"已批准发布：{number}"
    assert (await stage.case(number)).state is State.TO_RELEASE


async def _all_seen(stage: Stage) -> None:
    """Take the rest as seen: what is said beside the way is asked for by other stories."""
    await stage.quiet()
    for call in await stage.client.record():
        for message in call["message_ids"]:
            stage.seen.add((int(call["params"]["chat_id"]), message))

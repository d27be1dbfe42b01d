"""Stories over HTTP on both databases: a limit that ends in a holiday's night, two returns, an answer
of the superior, a reopened case."""

from datetime import UTC, datetime
from pathlib import Path

from builders import FakeClock
from whole import (
    CONTACT,
    DUTY,
    LEADER,
    OFFICER,
    ON_BOTH,
    PETITION,
    REVIEWER,
    SECOND_LEADER,
    SECRECY,
    Json,
    Stage,
    labels,
    number_of,
    stage_of,
)

from bot.buttons import Wish, token_of
from bot.sandbox.client import messages_in
from routing.workflow import Command, State

EVE = datetime(2026, 9, 28, 18, 0, tzinfo=UTC)
"""02:00 on a Tuesday in the office; 48 hours later it is the night of National Day (国庆节)."""

LATER = "泵组已更换并试压，今日恢复供水；后续每月巡检一次，给居民带来不便，深表歉意。"


async def replied(stage: Stage, who: int, asked_for: str, text: str) -> None:
    """Reply to a question in private that was not answered before."""
    asked = await stage.said(who, asked_for)
    assert asked["force_reply"]
    await stage.client.send(who, who, text, reply_to=asked["id"])


async def reminders(stage: Stage, who: int) -> list[str]:
    """Everything about a limit that a person finds in private."""
    view = await stage.client.state(who)
    return [m["text"] for m in messages_in(view, who) if m["text"][:1] in "⏰⛔"]


@ON_BOTH
async def test_48_hours_end_in_the_night_of_national_day_and_who_has_the_matter_is_told(
    kind: str, tmp_path: Path
) -> None:
    clock = FakeClock(EVE)
    async with stage_of(kind, tmp_path, clock=clock) as stage:
        number = number_of(await stage.signed())
        for hours, sign, beside in (
            (25, "⏰ 提醒", "迟发"),
            (15, "⏰ 提醒", "迟发"),
            (9, "⛔ 超期", "立即办理"),
        ):
            clock.advance(hours=hours)
            for step in ("公开回应", "拟稿"):
                told = await stage.said(PETITION, sign, step, "10-01 02:00", beside, number)
                assert (
                    "10-01 02:00" in told["text"]
                )  # the limit of 48 hours does not wait for the holiday to end
        assert clock().astimezone(stage.configuration.office.zone).strftime("%m-%d %H:%M") == "10-01 03:00"
        await stage.quiet()
        for who in (OFFICER, REVIEWER, SECRECY, LEADER, SECOND_LEADER, CONTACT):
            assert await reminders(stage, who) == []
        view = await stage.client.state(OFFICER)
        assert not [m for m in messages_in(view, DUTY) if m["text"][:1] in "⏰⛔"]
        case = await stage.case(number)
        assert case.state is State.HANDLING  # the clock reminds; it decides nothing


@ON_BOTH
async def test_a_matter_that_came_back_twice_is_assigned_and_does_not_come_back_again(
    kind: str, tmp_path: Path
) -> None:
    async with stage_of(kind, tmp_path) as stage:
        slip = await stage.dispatched()
        number = number_of(slip)
        for reason in ("小区供水由水务公司负责，不归我局", "重复：水务公司负责"):
            assert await stage.press(CONTACT, slip, "退回") == "已私聊您，请在私聊里回复文字。"
            await replied(stage, CONTACT, "退回的理由", reason)
            await stage.said(CONTACT, f"已退回：{number}")
            await stage.said(DUTY, number, "退回，请重新转办", "理由已私发转办人")
            await stage.said(OFFICER, number, reason)
            card = await stage.card(DUTY, number, "退回待派", button="转办…")
            assert f"已转办：{number}" in await stage.menu(OFFICER, card, "转办…", "转办 信访")
            old, slip = slip, await stage.card(PETITION, number, button="签收")
        assert "退回" not in labels(slip)
        case = await stage.case(number)
        forged = token_of(Wish(Command.RETURN.value, case.id, case.version))
        assigned = await stage.unchanged(number, stage.forge(CONTACT, slip, forged))
        assert assigned == "本事项已两次退回、由政府办指定承办，不能再退回。"
        stale = await stage.unchanged(number, stage.press(CONTACT, old, "退回"))
        assert stale == f"{number} 刚有变化（待签收），请看最新卡片后再操作。"
        assert await stage.press(CONTACT, slip, "签收") == f"已签收：{number}"
        await stage.card(PETITION, number, "办理中", button="拟答复稿")
        assert await stage.refused(number) == ["assigned", "stale"]
        assert [line["action"] for line in await stage.ledger(number)] == [
            "open", "dispatch", "return", "dispatch", "return", "dispatch", "refused", "refused", "sign",
        ]  # fmt: skip


@ON_BOTH
async def test_a_text_that_needs_the_superior_waits_for_his_answer_and_who_asked_does_not_approve(
    kind: str, tmp_path: Path
) -> None:
    async with stage_of(kind, tmp_path) as stage:
        card = await stage.reviewed()
        number = number_of(card)
        await _says(stage, card, "需报审", "《保守国家秘密法》第二十条；是否属工作秘密不明确")
        await stage.card(DUTY, number, "报审中")
        card = await stage.card(SECRECY, number, "已报审，请填结论", button="公开…")
        await _says(stage, card, "公开…", "上级保密机构答复函；不涉密，可以公开")
        for who in (LEADER, SECOND_LEADER):
            await stage.card(who, number, button="批准发布")
        assert [line["action"] for line in await stage.ledger(number)] == [
            "open", "dispatch", "sign", "draft", "pass", "escalate", "clear",
        ]  # fmt: skip


async def _says(stage: Stage, card: Json, label: str, words: str) -> None:
    assert await stage.press(SECRECY, card, label) == "请回复文字。"
    await replied(stage, SECRECY, "保密审查意见", words)
    await stage.said(SECRECY, "已做保密审查（")


@ON_BOTH
async def test_a_closed_case_is_reopened_by_a_leader_and_answered_a_second_time(
    kind: str, tmp_path: Path
) -> None:
    async with stage_of(kind, tmp_path) as stage:
        slip = await stage.approved()
        number = number_of(slip)
        assert await stage.press(CONTACT, slip, "回应确认") == "已私聊您，请在私聊里回复文字。"
        await replied(stage, CONTACT, "发布的链接", "https://www.yunting.example/notice/1.html")
        await stage.said(CONTACT, f"已回应确认：{number}")
        await stage.said(DUTY, "已公开回应并办结", number)

        await stage.client.send(OFFICER, DUTY, f"/reopen {number} 居民再次反映")
        await stage.said(DUTY, "由领导重新办理")
        await stage.client.send(LEADER, LEADER, f"/reopen {number} 居民反映又停水")
        await stage.said(LEADER, f"已重新办理：{number}")
        for chat in (DUTY, PETITION):
            await stage.said(chat, "林涛 要求重新办理", number)
        for who in (CONTACT, LEADER):  # who wrote what is out, and who approved it
            await stage.said(who, "林涛 要求重新办理", "居民反映又停水", "原答复仍在网上")
        slip = await stage.card(PETITION, number, "办理中", button="拟答复稿")
        card = await stage.draft(slip, LATER)
        assert "第2稿" in card["text"]
        assert await stage.press(REVIEWER, card, "初审通过") == f"已初审通过：{number}"
        card = await stage.card(SECRECY, number, "第2稿", button="公开…")
        await _says(stage, card, "公开…", "《政府信息公开条例》第十九条；涉及公众切身利益")
        cards = {
            who: await stage.card(who, number, LATER, button="批准发布") for who in (LEADER, SECOND_LEADER)
        }
        assert await stage.press(SECOND_LEADER, cards[SECOND_LEADER], "批准发布") == f"已批准发布：{number}"
        slip = await stage.said(PETITION, number, "第2稿已批准", "回应确认")
        assert await stage.press(CONTACT, slip, "回应确认") == "已私聊您，请在私聊里回复文字。"
        await replied(stage, CONTACT, "发布的链接", "https://www.yunting.example/notice/2.html")
        await stage.said(CONTACT, f"已回应确认：{number}")
        await stage.said(DUTY, "已公开回应并办结", number)
        done = [line["action"] for line in await stage.ledger(number)]
        assert done.count("confirm") == 2
        assert done[-1] == "close"

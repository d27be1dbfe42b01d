"""The full procedure of a grave matter as one story, through HTTP with the real client: every step switched on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from whole import (
    CONTACT,
    DUTY,
    LEADER,
    MANY_HATS,
    NETWORK,
    NEWCOMER,
    OFFICER,
    ON_BOTH,
    OTHER_CONTACT,
    PETITION,
    REVIEWER,
    SECOND_LEADER,
    SECRECY,
    WATER,
    Json,
    Stage,
    add_person,
    database,
    labels,
    number_of,
    on_stage,
)

from routing.office import Level, Procedure, Role

SECOND, CHIEF = MANY_HATS, NEWCOMER
GRAVE = frozenset({Level.I, Level.II})
FULL = Procedure(
    consult=GRAVE, order=GRAVE, aspects=True, openness=True, second_review=True, chief=GRAVE, countersign=True
)
DOUBTFUL = (
    "桂汀苑停水系加压泵故障，抢修已完成。维修师傅电话13812345678，随时可以联系。给居民带来不便，深表歉意。"
)
LINK = "https://www.yunting.example/notice/9.html"


@pytest.mark.slow
@ON_BOTH
async def test_a_grave_matter_goes_through_every_step_that_an_office_can_ask_for(
    kind: str, tmp_path: Path
) -> None:
    with database(kind, tmp_path) as url:
        async with on_stage(tmp_path, url=url, with_app=False) as stage:
            _switch_on(stage)
            for ref, name, role in ((SECOND, "何科长", Role.SECOND), (CHIEF, "许书记", Role.CHIEF)):
                await stage.store.write(lambda s, r=ref, n=name, x=role: add_person(s, r, n, (x,)))
            await stage.start_app()
            await _play(stage)
            await _all_seen(stage)


def _switch_on(stage: Stage) -> None:
    office = stage.configuration.office
    network = replace(office.channels["network"], places=("桂汀苑",))
    channels = {**office.channels, "network": network}
    stage.configuration = replace(
        stage.configuration, office=replace(office, procedure=FULL, channels=channels)
    )


async def _all_seen(stage: Stage) -> None:
    """Take the rest as seen: what is said beside the way is asked for by other stories."""
    await stage.quiet()
    for call in await stage.client.record():
        for message in call["message_ids"]:
            stage.seen.add((int(call["params"]["chat_id"]), message))


async def _card(stage: Stage, chat: int, *words: str, **how: Any) -> Json:
    """Give a card once everything said before stands on it."""
    await stage.quiet()
    return await stage.card(chat, *words, **how)


async def _answer(stage: Stage, who: int, asked_for: str, text: str) -> None:
    """Answer the newest question, once it has come."""
    await stage.quiet()
    await stage.answer(who, asked_for, text)


async def _open(stage: Stage, who: int, card: Json, opener: str, shows: str) -> Json:
    """Open a menu on a card and give the card with it."""
    await stage.press_only(who, card, opener)
    return await _card(stage, card["chat"], number_of(card), button=shows, reader=who)


async def _play(stage: Stage) -> None:
    await stage.drop(WATER)
    card = await _card(stage, DUTY, WATER.title[:12], button="定级")
    number = number_of(card)
    assert "定为Ⅱ级" in await stage.menu(OFFICER, card, "定级", "Ⅱ级")
    await _consult(stage, number)
    await _ordered(stage, number)
    await _signed(stage, number)
    await _drafted(stage, number)
    await _reviewed(stage, number)
    await _approved(stage, number)
    await _released(stage, number)
    assert (await stage.store.read(stage.app.ledger.verify)).broken is None


async def _consult(stage: Stage, number: str) -> None:
    card = await _card(stage, DUTY, number, "Ⅱ级", button="会商…")
    assert "报批转办" not in labels(card)  # the consultation comes first
    card = await _open(stage, OFFICER, card, "会商…", "☐ 信访")
    card = await _open(stage, OFFICER, card, "☐ 信访", "☑ 信访")
    card = await _open(stage, OFFICER, card, "☐ 网信", "☑ 网信")
    assert "已发起会商" in await stage.press(OFFICER, card, "发起会商")
    for who, group, stance in ((CONTACT, PETITION, "同意"), (OTHER_CONTACT, NETWORK, "有不同意见")):
        asked = await _card(stage, group, number, "请贵单位发表意见", button="发表意见", reader=who)
        assert "私聊" in await stage.menu(who, asked, "发表意见", stance)
        await _answer(stage, who, "请回复贵单位的意见", "情况属实，建议尽快公开说明")
        await stage.said(who, "会商意见：")
    card = await _card(stage, DUTY, number, "会商中", button="会商结论")
    assert "私聊" in await stage.press(OFFICER, card, "会商结论")
    await _answer(
        stage,
        OFFICER,
        "会商结论",
        "性质：民生\n走势：上升\n风险：聚集\n等级：Ⅱ\n口径：尽快恢复\n分工：信访主办",
    )
    await stage.said(OFFICER, "会商结论：")


async def _ordered(stage: Stage, number: str) -> None:
    card = await _card(stage, DUTY, number, "待研判", button="报批转办 信访")
    assert "已报批转办" in await stage.press(OFFICER, card, "报批转办 信访")
    asked = await _card(
        stage, LEADER, number, "请批准转办", "拟交", "批准转办时限", "还剩", button="同意转办"
    )
    assert "有不同意见。情况属实，建议尽快公开说明" in asked["text"]
    assert "口径：尽快恢复" in asked["text"]
    assert "已同意转办" in await stage.press(LEADER, asked, "同意转办")


async def _signed(stage: Stage, number: str) -> None:
    slip = await _card(stage, PETITION, number, button="签收")
    assert "已签收" in await stage.press(CONTACT, slip, "签收")
    copy = await _card(stage, NETWORK, number, "抄送贵单位", button="协办签收")
    assert "已协办签收" in await stage.press(OTHER_CONTACT, copy, "协办签收")


async def _drafted(stage: Stage, number: str) -> None:
    slip = await _card(stage, PETITION, number, "办理中", button="拟答复稿")
    await stage.client.send(CONTACT, slip["chat"], DOUBTFUL, reply_to=slip["id"])
    await stage.said(PETITION, "先选公开属性")
    assert "私聊" in await stage.menu(CONTACT, slip, "拟答复稿", "主动公开")
    await _answer(stage, CONTACT, "9. 行政执法案卷", DOUBTFUL)
    await stage.said(CONTACT, "已提交答复稿", "第2句疑似个人信息（手机号）")
    card = await _card(stage, REVIEWER, number, "⚠️ 第2句疑似个人信息（手机号）", button="逐项审核")
    await stage.press(REVIEWER, card, "退改")
    await _answer(stage, REVIEWER, "退改的理由", "请删去电话")
    unit = stage.configuration.office.channels["network"].unit
    slip = await _card(stage, PETITION, number, "办理中", button="拟答复稿")
    await stage.menu(CONTACT, slip, "拟答复稿", "主动公开")
    await _answer(stage, CONTACT, "答复稿全文", f"桂汀苑停水系加压泵故障，抢修已完成。{unit}将持续发布进展。")
    await stage.said(CONTACT, "已提交答复稿")


async def _reviewed(stage: Stage, number: str) -> None:
    card = await _card(
        stage, REVIEWER, number, "第2稿", "与您看过的第1稿相比", button="逐项审核", but_not="⚠️"
    )
    card = await _open(stage, REVIEWER, card, "逐项审核", "☐ 政治")
    for aspect in ("政治", "法律", "政策", "保密", "文字", "舆情"):
        card = await _open(stage, REVIEWER, card, f"☐ {aspect}", f"☑ {aspect}")
    card = await _card(stage, REVIEWER, number, button="初审通过")
    assert "已初审通过" in await stage.press(REVIEWER, card, "初审通过")
    card = await _card(stage, SECRECY, number, button="公开…")
    await stage.press(SECRECY, card, "公开…")
    await _answer(stage, SECRECY, "意见：公开", "《政府信息公开条例》第十九条；涉及公众切身利益")
    card = await _card(stage, SECOND, number, "六个方面已核对", button="二审通过")
    assert "已二审通过" in await stage.press(SECOND, card, "二审通过")


async def _approved(stage: Stage, number: str) -> None:
    card = await _card(
        stage, LEADER, number, "六个方面已核对", "审批时限", "还剩", button="批准发布", but_not="⚠️"
    )
    assert "再次确认" in await stage.unchanged(number, stage.press(LEADER, card, "批准发布"))
    again = await _card(stage, LEADER, number, "将持续发布进展", "须再次确认", button="已看清全文")
    assert "已批准发布" in await stage.press(LEADER, again, "已看清全文")
    await _card(stage, SECOND_LEADER, number, "林涛 已处理：批准发布", button="")
    card = await _card(stage, CHIEF, number, "请审批（主要领导）", "林涛", button="批准发布", reader=CHIEF)
    await stage.press(CHIEF, card, "批准发布")
    again = await _card(stage, CHIEF, number, "须再次确认", button="已看清全文", reader=CHIEF)
    assert "已批准发布" in await stage.press(CHIEF, again, "已看清全文")


async def _released(stage: Stage, number: str) -> None:
    slip = await _card(stage, PETITION, number, "待发布", "第2稿已批准", "先不要发布", button="修改稿件")
    assert "回应确认" not in labels(slip)
    named = await _card(stage, NETWORK, number, "请确认所述无误", button="确认无误")
    assert "已确认答复稿无误" in await stage.press(OTHER_CONTACT, named, "确认无误")
    slip = await _card(stage, PETITION, number, "待发布", button="回应确认")
    await stage.press(CONTACT, slip, "回应确认")
    await _answer(stage, CONTACT, "发布的链接", LINK)
    await stage.said(DUTY, "已公开回应并办结", number)
    lines = [line["action"] for line in await stage.ledger(number)]
    wanted = [
        "convene", "opine", "opine", "conclude", "submit", "order", "sign", "sign_copy", "draft", "redo", "draft",
        "pass", "clear", "pass", "approve", "approve", "countersign", "confirm", "close",
    ]  # fmt: skip
    assert [line for line in lines if line in wanted] == wanted

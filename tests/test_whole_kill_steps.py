"""Killed and cut off in the steps beside the main road: a consultation, a leader's order, a confirmation by a named unit.

The service is a process that is really killed while a card is on its way, right after a press, and before an answer;
the network is cut after a message has arrived. What was decided counts once, every copy of a card says how it went.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from test_whole_kill import RESENT, Service, running
from whole import (
    CONTACT,
    DUTY,
    LEADER,
    NETWORK,
    OFFICER,
    ON_BOTH,
    OTHER_CONTACT,
    PETITION,
    REVIEWER,
    SECRECY,
    SEES,
    WATER,
    Json,
    Stage,
    database,
    labels,
    number_of,
)

from routing.workflow import State

pytestmark = pytest.mark.slow

STEPS = """
[procedure]
consult = ["I", "II", "III", "IV"]
order = ["I", "II", "III", "IV"]
countersign = true
"""
CONCLUSION = "性质：民生\n走势：平稳\n风险：低\n等级：Ⅳ\n口径：尽快恢复\n分工：信访主办"
LINK = "https://www.yunting.example/notice/1.html"
MOVES = [
    "open", "convene", "opine", "opine", "conclude", "submit", "order", "sign", "draft", "pass", "clear", "approve",
    "countersign", "confirm", "close",
]  # fmt: skip


@ON_BOTH
async def test_killed_in_a_consultation_an_order_and_a_confirmation_each_counts_once(
    kind: str, tmp_path: Path
) -> None:
    with database(kind, tmp_path) as url:
        async with running(tmp_path, url, STEPS) as service:
            number = await _consulted(service)
            await _ordered(service, number)
            await _reviewed(service.stage, number)
            await _confirmed(service, number)
            stage = service.stage
            assert service.kills == 3
            assert [line["action"] for line in await stage.ledger(number)] == [
                *MOVES[:13],
                "refused",
                *MOVES[13:],
            ]
            assert (await stage.case(number)).state is State.CLOSED


async def _consulted(service: Service) -> str:
    """Killed while the card of the lead is on its way, and cut off when the other is asked for its reason."""
    stage = service.stage
    stage.feeds.publish(WATER)
    card = await stage.card(DUTY, "YQ-", WATER.title[:12], button="会商…")
    number = number_of(card)
    card = await _opened(stage, OFFICER, card, "会商…", "☐ 信访")
    card = await _opened(stage, OFFICER, card, "☐ 信访", "☑ 信访")
    card = await _opened(stage, OFFICER, card, "☐ 网信", "☑ 网信")
    first = await _killed_on_its_way(
        service, lambda: stage.press_only(OFFICER, card, "发起会商"), PETITION, number, "发表意见"
    )
    opened = await _opened(stage, CONTACT, first, "发表意见", "同意")
    await stage.press_only(CONTACT, opened, "同意")
    await _replied(stage, CONTACT, number, "贵单位的意见", "情况属实，建议尽快公开说明")
    await stage.said(CONTACT, "会商意见：")
    await _all_follow(stage, PETITION, number, "同意")

    await stage.client.faults({"kind": "cut_after", "method": "sendMessage", "chat": OTHER_CONTACT})
    asked = await stage.card(NETWORK, number, button="发表意见")
    opened = await _opened(stage, OTHER_CONTACT, asked, "发表意见", "无意见")
    await stage.press_only(OTHER_CONTACT, opened, "无意见")
    await stage.card(OTHER_CONTACT, RESENT, "贵单位的意见")
    await _replied(stage, OTHER_CONTACT, number, "贵单位的意见", "无补充，配合主办单位")
    await stage.said(OTHER_CONTACT, "会商意见：")
    concluding = await stage.card(DUTY, number, "会商中", button="会商结论")
    await stage.press_only(OFFICER, concluding, "会商结论")
    await _replied(stage, OFFICER, number, "会商结论", CONCLUSION)
    await stage.said(OFFICER, "会商结论：")
    return number


async def _ordered(service: Service, number: str) -> None:
    """Killed while the order card is on its way: the copy whose number nobody learnt decides, and both say so."""
    stage = service.stage
    card = await stage.card(DUTY, number, "待研判", button="报批转办 信访")
    first = await _killed_on_its_way(
        service, lambda: stage.press_only(OFFICER, card, "报批转办 信访"), LEADER, number, "同意转办"
    )
    assert "已同意转办" in await stage.press(LEADER, first, "同意转办")
    await _all_follow(stage, LEADER, number, "林涛", "同意转办")


async def _reviewed(stage: Stage, number: str) -> None:
    slip = await stage.card(PETITION, number, button="签收")
    await stage.press(CONTACT, slip, "签收")
    slip = await stage.card(PETITION, number, "办理中", button="拟答复稿")
    unit = stage.configuration.office.channels["network"].unit
    text = f"桂汀苑停水系加压泵故障，抢修已完成。{unit}将持续发布进展。"
    card = await stage.draft(slip, text)
    await stage.press(REVIEWER, card, "初审通过")
    card = await stage.card(SECRECY, number, button="公开…")
    await stage.press(SECRECY, card, "公开…")
    await stage.answer(SECRECY, "意见：公开", "《政府信息公开条例》第十九条；涉及公众切身利益")


async def _confirmed(service: Service, number: str) -> None:
    """Killed while the card of the named unit is on its way; a second press on the other copy is refused."""
    stage = service.stage
    card = await stage.card(LEADER, number, button="批准发布")
    first = await _killed_on_its_way(
        service, lambda: stage.press_only(LEADER, card, "批准发布"), NETWORK, number, "确认无误"
    )
    second = await stage.card(NETWORK, RESENT, number, button="确认无误")
    assert "已确认答复稿无误" in await stage.press(OTHER_CONTACT, first, "确认无误")
    await _all_follow(stage, NETWORK, number, "相关单位确认")
    await stage.unchanged(number, stage.press(OTHER_CONTACT, second, "确认无误"))
    slip = await stage.card(PETITION, number, "待发布", button="回应确认")
    await stage.press_only(CONTACT, slip, "回应确认")
    await _replied(stage, CONTACT, number, "发布的链接", LINK)
    await stage.said(DUTY, "已公开回应并办结", number)


async def _killed_on_its_way(
    service: Service, act: Callable[[], Awaitable[object]], chat: int, number: str, button: str
) -> Json:
    """Do what sends a card, kill the service before it hears that it arrived, and start it: the card comes again, marked.

    Gives the first copy, of which the service knows no number.
    """
    stage = service.stage
    await stage.quiet()
    await stage.client.faults({"kind": "timeout_after", "method": "sendMessage", "chat": chat})
    await act()
    first = await stage.card(chat, number, button=button)
    assert RESENT not in first["text"]
    await service.kill_and_start()
    second = await stage.card(chat, RESENT, number, button=button)
    assert second["id"] != first["id"]
    await stage.quiet()
    return first


async def _opened(stage: Stage, who: int, card: Json, opener: str, shows: str) -> Json:
    """Open a menu on this very message and give it as it stands then."""
    await stage.press_only(who, card, opener)

    def is_open(message: Json) -> bool:
        return message["id"] == card["id"] and shows in labels(message)

    return await stage._wait(card["chat"], is_open, who, f"the menu with {shows}")


async def _replied(stage: Stage, who: int, number: str, words: str, text: str) -> None:
    asked = await stage.card(who, number, words)
    await stage.client.send(who, who, text, reply_to=asked["id"])


async def _all_follow(stage: Stage, chat: int, number: str, *words: str) -> None:
    """Every copy of the card that was sent last says how it went, and offers nothing to press."""
    await stage.quiet()
    shown = [m for m in await stage.client.messages(SEES.get(chat, chat), chat) if number in m["text"]]
    copies = [m for m in shown if m["from"].get("is_bot")][-2:]
    for copy in copies:
        assert all(word in copy["text"] for word in words), copy["text"]
        assert not labels(copy), copy["text"]

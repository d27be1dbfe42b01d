"""The main job as one story, and each of its side paths, through HTTP with the real clients."""

import asyncio
from pathlib import Path

import pytest
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
    STAFF,
    WATER,
    Stage,
    acts,
    database,
    number_of,
    on_stage,
)

from bot.sandbox.client import messages_in
from routing.ledger import entries

FIRST = "桂汀苑停水系加压泵故障，抢修已于今日完成并恢复供水，给居民带来不便，我们深表歉意。"
SECOND = "桂汀苑停水系小区加压泵故障。泵组已更换，今日恢复供水，后续每月巡检。给居民带来不便，我们深表歉意。"
LINK = "https://www.yunting.example/notice/1.html"


@pytest.mark.slow
@ON_BOTH
async def test_a_post_becomes_an_answer_and_everybody_hears_what_he_must(kind: str, tmp_path: Path) -> None:
    with database(kind, tmp_path) as url:
        async with on_stage(tmp_path, url=url, monitors=True) as stage:
            await _play(stage)


async def _play(stage: Stage) -> None:
    stage.feeds.publish(WATER)
    card = await stage.card(DUTY, WATER.title, "待研判", "建议", button="转办 信访")
    number = number_of(card)
    assert await stage.press(OFFICER, card, "转办 信访") == f"已转办：{number}"
    slip = await stage.card(PETITION, number, "周敏", "转办", button="签收")
    await stage.card(DUTY, number, "待签收", button="定级…")
    assert await stage.press(CONTACT, slip, "签收") == f"已签收：{number}"
    slip = await stage.card(PETITION, number, "办理中", button="拟答复稿")
    stale = await stage.draft(slip, FIRST)

    assert await stage.press(REVIEWER, stale, "退改") == "请回复文字。"
    await stage.answer(REVIEWER, "退改的理由", "请写明后续措施")
    await stage.said(REVIEWER, f"已初审退改：{number}")
    await stage.said(PETITION, "需要修改", number)
    assert "请写明后续措施" in (await stage.said(CONTACT, "第1稿", "初审退改", "吴桐"))["text"]
    await stage.card(REVIEWER, "第1稿", "吴桐 已处理：退回修改", button="")
    slip = await stage.card(PETITION, number, "办理中", button="拟答复稿")
    card = await stage.draft(slip, SECOND)
    assert "＋ 泵组已更换" in card["text"]
    assert "第2稿" in card["text"]

    assert await stage.press(REVIEWER, stale, "初审通过") == (
        "吴桐 已于 " + _when(await stage.toasts(REVIEWER)) + " 处理：退回修改。"
        f"{number} 的答复稿已更新为第2稿，您看到的第1稿作废，请看新稿。"
    )
    assert await stage.press(REVIEWER, card, "初审通过") == f"已初审通过：{number}"
    card = await stage.card(SECRECY, number, SECOND, "初审：吴桐", button="公开…")
    assert await stage.press(SECRECY, card, "公开…") == "请回复文字。"
    await stage.answer(SECRECY, "意见：公开", "依据：《政府信息公开条例》第十九条；理由：涉及公众切身利益")
    await stage.said(SECRECY, f"已做保密审查（公开）：{number}")

    cards = {who: await stage.card(who, number, SECOND, button="批准发布") for who in (LEADER, SECOND_LEADER)}
    for leader_card in cards.values():
        assert "公开（《政府信息公开条例》第十九条）" in leader_card["text"]
    presses = await asyncio.gather(*(stage.press_only(who, cards[who], "批准发布") for who in cards))
    toasts = [await stage.toast(who, press) for who, press in zip(cards, presses, strict=True)]
    won = toasts.index(f"已批准发布：{number}")
    winner = ("林涛", "何静")[won]
    assert toasts[1 - won].startswith(f"{winner} 已于 ")
    assert toasts[1 - won].endswith(f"处理：批准发布。{number} 现在是“待发布”，此操作已不适用。")
    slip = await stage.said(PETITION, number, "待发布", "第2稿已批准", SECOND)
    assert await stage.press(CONTACT, slip, "回应确认") == "已私聊您，请在私聊里回复文字。"
    await stage.answer(CONTACT, "发布的链接", f"已发布 {LINK}")
    await stage.said(CONTACT, f"已回应确认：{number}")
    await stage.said(DUTY, "已公开回应并办结", number)

    await stage.card(DUTY, number, "已办结", "已回应", "归口", button="", but_not="时限")
    await stage.card(PETITION, number, "已办结", SECOND, button="发现有误…")
    await stage.card(REVIEWER, number, "第2稿", "吴桐 已处理：同意", button="")
    await stage.card(SECRECY, number, "第2稿", "沈默 已处理：公开", button="")
    for who in cards:
        await stage.card(who, number, "第2稿", f"{winner} 已处理：批准发布", button="")

    await stage.quiet()
    for who in STAFF:
        view = await stage.client.state(who)
        assert not [m["text"] for c in view["chats"] for m in messages_in(view, c["id"]) if acts(m)]

    await stage.client.send(OFFICER, DUTY, "/digest")
    digest = await stage.said(DUTY, "舆情周报", "新增事项：1 件", "100%")
    picture = await stage.client.download(digest["files"][0]["url"])
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000
    await _the_record_tells_it_all(stage, number)


async def _the_record_tells_it_all(stage: Stage, number: str) -> None:
    """Every move and refusal in its order; whom each draft reached; and the chain holds."""
    assert [line["action"] for line in await stage.ledger(number)] == [
        "open", "dispatch", "sign", "draft", "redo", "draft", "refused", "pass", "clear", "approve", "refused",
        "confirm", "close",
    ]  # fmt: skip
    case = await stage.case(number)

    async def shown() -> set[tuple[str, int, str]]:
        lines = await stage.store.read(lambda s: entries(s, case.id))
        told = [line["data"] for line in lines if line["action"] == "delivered"]
        return {(t["what"], t["draft"], t["reader"]) for t in told if "draft" in t and "reader" in t}

    wanted = {
        ("review", 1, "吴桐"),
        ("review", 2, "吴桐"),
        ("secrecy", 2, "沈默"),
        ("approve", 2, "林涛"),
        ("approve", 2, "何静"),
    }
    async with asyncio.timeout(20):
        while not wanted <= await shown():  # noqa: ASYNC110 - the tick works in its own time
            await asyncio.sleep(0.05)
    assert (await stage.store.read(stage.app.ledger.verify)).broken is None


def _when(toasts: list[str]) -> str:
    said = next(t for t in reversed(toasts) if "已于" in t)
    return said.split("已于 ")[1].split(" 处理")[0]

"""Falling quiet, through the real client: a muted matter makes no card, is found, fetched, and told at the end."""

from pathlib import Path

from whole import DUTY, OFFICER, WATER, Post, number_of, on_stage

LAMPS = Post("l1", "桂汀苑门口路灯坏了半个月没人管", "桂汀苑门口路灯坏了半个月，晚上漆黑一片，到底谁来管？")


async def test_a_muted_place_is_quiet_until_somebody_asks_and_is_told_at_the_end(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        await stage.client.send(OFFICER, DUTY, "/mute 地点 桂汀苑 4h 计划停水")
        await stage.said(DUTY, "已静音第 1 号：地点 桂汀苑")
        await stage.drop(WATER)
        await stage.quiet()
        await stage.client.send(OFFICER, DUTY, "/case 1")
        page = await stage.card(DUTY, WATER.title, "静音中，至", "计划停水", button="发出卡片")
        said = await stage.press(OFFICER, page, "发出卡片")
        assert said.endswith("的卡片已发到值班群。")
        await stage.card(DUTY, WATER.title, button="纠正…", but_not="静音中")

        await stage.drop(LAMPS)
        await stage.quiet()
        await stage.client.send(OFFICER, DUTY, "/mute")
        listed = await stage.card(DUTY, "1. 地点 桂汀苑", "周敏", "已涉及 2 件")
        said = await stage.press(OFFICER, listed, "解除 1. 地点 桂汀苑")
        assert said == "已解除静音：地点 桂汀苑，未办结的随后提醒。"
        await stage.said(DUTY, "静音结束：地点 桂汀苑（计划停水）", "仍未办结 1 件", LAMPS.title)
        await stage.card(DUTY, LAMPS.title, button="纠正…")
        number = number_of(page)
        moves = [line["action"] for line in await stage.ledger(number)]
        assert [move for move in moves if move != "view"] == ["open", "hold", "release"]


async def test_a_card_is_muted_from_its_own_menu(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        card = await stage.opened()
        for opener, button in (("纠正…", "静音…"), ("静音…", "只静音本事项"), ("只静音本事项", "4小时")):
            await stage.press_only(OFFICER, card, opener)
            card = await stage.card(DUTY, WATER.title, button=button)
        await stage.press_only(OFFICER, card, "4小时")
        card = await stage.card(DUTY, WATER.title, button="已知情况，正在处置")
        said = await stage.press(OFFICER, card, "已知情况，正在处置")
        assert said.startswith("已静音第 1 号：事项 YQ-")
        await stage.card(DUTY, WATER.title, "静音中，至", "已知情况，正在处置", button="纠正…")

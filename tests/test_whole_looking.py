"""People look things up in chat: what they find, what waits for them, and lists that turn their pages in place."""

from pathlib import Path

from whole import CONTACT, DUTY, LEADER, OFFICER, PETITION, Post, labels, number_of, on_stage

LAMPS = Post("l1", "文澜路路灯坏了半个月没人管", "文澜路路灯坏了半个月，晚上漆黑一片，到底谁来管？")


async def test_matters_are_found_by_two_letters_and_only_by_who_may_see_them(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        slip = await stage.dispatched()
        water, lamps = number_of(slip), number_of(await stage.opened(LAMPS))
        await stage.client.send(OFFICER, DUTY, "/find 路灯")
        await stage.said(DUTY, "查找“路灯”", lamps)
        await stage.client.send(CONTACT, CONTACT, "/find 路灯")
        await stage.said(CONTACT, "没有找到含“路灯”的事项")
        await stage.client.send(CONTACT, PETITION, "/find 停水")
        await stage.said(PETITION, "查找“停水”", water)
        await stage.client.send(OFFICER, OFFICER, "/find 13800138000")
        await stage.said(OFFICER, "不能按电话、证件号、邮箱或账号查找")
        await stage.client.send(CONTACT, CONTACT, "/mine")
        await stage.said(CONTACT, "等您办理 1 件", water, "【待签收】")
        await stage.client.send(LEADER, LEADER, "/mine")
        await stage.said(LEADER, "现在没有等您办理的事项")
        await stage.client.send(OFFICER, DUTY, "/open 信访")
        await stage.said(DUTY, "未办结事项 1 件（信访）", water)


async def test_a_list_turns_its_pages_in_place(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        number = number_of(await stage.signed())
        await stage.client.send(OFFICER, DUTY, f"/why {number}")
        first = await stage.said(DUTY, f"{number} 的来龙去脉", "第 1/2 页", "情绪")
        assert labels(first) == "下一页 ›"
        await stage.press_only(OFFICER, first, "下一页")
        second = await stage.card(DUTY, f"{number} 的来龙去脉", "第 2/2 页", button="上一页")
        assert second["id"] == first["id"]
        assert "已送达" in second["text"]
        await stage.press_only(OFFICER, second, "上一页")
        await stage.card(DUTY, f"{number} 的来龙去脉", "第 1/2 页", button="下一页")

"""The side paths of the procedure, each in a short story of its own: dismissed, watched, returned, withheld, four eyes."""

from pathlib import Path

from whole import (
    CONTACT,
    DUTY,
    LEADER,
    MANY_HATS,
    NETWORK,
    OFFICER,
    OTHER_CONTACT,
    PETITION,
    REVIEWER,
    SECOND_LEADER,
    SECRECY,
    WATER,
    Post,
    Stage,
    add_person,
    data_of,
    number_of,
    on_stage,
)

from routing.office import Role

LAMPS = Post("l1", "文澜路路灯坏了半个月没人管", "文澜路路灯坏了半个月，晚上漆黑一片，到底谁来管？")
BASIS = "《政府信息公开条例》第十四条；涉及第三方商业秘密"


async def test_a_matter_is_dismissed_with_a_ready_reason_or_a_typed_one_and_taken_up_again(
    tmp_path: Path,
) -> None:
    async with on_stage(tmp_path) as stage:
        ready = await stage.opened(WATER)
        said = await stage.menu(OFFICER, ready, "不予受理", "与本县无关")
        assert said == f"已不予受理：{number_of(ready)}"
        closed = await stage.card(DUTY, number_of(ready), "不予受理理由：与本县无关", button="重新研判")

        typed = await stage.opened(LAMPS)
        said = await stage.menu(OFFICER, typed, "不予受理", "其他理由")
        assert said == "已私聊您，请在私聊里回复文字。"
        await stage.answer(OFFICER, "不予受理的理由", "同一事项已由市里办理")
        await stage.said(OFFICER, "已不予受理")
        await stage.card(DUTY, number_of(typed), "不予受理理由：同一事项已由市里办理")

        assert await stage.press(OFFICER, closed, "重新研判") == "已私聊您，请在私聊里回复文字。"
        await stage.answer(OFFICER, "重新办理的理由", "核实后确在本县")
        await stage.said(OFFICER, "已重新办理")
        await stage.card(DUTY, number_of(ready), "待研判", button="转办")
        moves = [
            (line["action"], line["data"].get("reason")) for line in await stage.ledger(number_of(ready))
        ]
        assert moves[1:] == [("dismiss", "与本县无关"), ("reopen", "核实后确在本县")]


async def test_a_matter_is_watched_and_resumed(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        card = await stage.opened()
        assert await stage.menu(OFFICER, card, "关注…", "按等级时限") == f"已持续关注：{number_of(card)}"
        card = await stage.card(DUTY, "持续关注", button="恢复研判")
        assert await stage.press(OFFICER, card, "恢复研判") == f"已恢复研判：{number_of(card)}"
        await stage.card(DUTY, number_of(card), "待研判", button="关注…")


async def test_a_returned_matter_goes_to_another_unit_and_its_reason_to_one_person_only(
    tmp_path: Path,
) -> None:
    async with on_stage(tmp_path) as stage:
        slip = await stage.dispatched()
        number = number_of(slip)
        assert await stage.press(CONTACT, slip, "退回") == "已私聊您，请在私聊里回复文字。"
        await stage.answer(CONTACT, "退回的理由", "供水由住建部门主管")
        await stage.said(CONTACT, f"已退回：{number}")
        told = await stage.said(DUTY, "县信访局退回，请重新转办", number)
        await stage.said(OFFICER, "县信访局 陈立 退回，理由：供水由住建部门主管")
        await stage.card(PETITION, number, "已退回，待重新转办", button="")

        card = await stage.card(DUTY, number, "退回待派", button="转办…")
        assert told["reply_to"]["id"] == card["id"]
        assert await stage.menu(OFFICER, card, "转办…", "转办 网信") == f"已转办：{number}"
        await stage.card(PETITION, number, "已改派其他单位", button="")
        await stage.card(DUTY, number, "待签收", "网信")
        slip = await stage.card(NETWORK, number, "县委网信办", button="签收")
        assert await stage.press(OTHER_CONTACT, slip, "签收") == f"已签收：{number}"
        await stage.card(NETWORK, number, "办理中", button="拟答复稿")
        await _groups_never_read(stage, "住建部门")


async def test_a_leader_returns_a_draft_and_only_its_drafter_reads_why(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        cards = await stage.cleared()
        number = number_of(cards[LEADER])
        assert await stage.press(LEADER, cards[LEADER], "退回修改") == "请回复文字。"
        await stage.answer(LEADER, "退回修改的理由", "措辞要更恳切")
        await stage.said(LEADER, f"已退回修改：{number}")
        told = await stage.said(PETITION, "需要修改", number)
        await stage.said(CONTACT, "第1稿：退回修改（林涛）", "措辞要更恳切")
        for who in cards:
            await stage.card(who, number, "林涛 已处理：退回修改", button="")
        await stage.card(PETITION, number, "办理中", button="拟答复稿")
        await stage.draft(
            told, "泵组已更换，今日恢复供水。我们诚恳致歉。"
        )  # a reply to the sentence is as good
        await _groups_never_read(stage, "恳切")


async def test_what_is_not_to_be_public_goes_back_without_a_word_of_why(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        card = await stage.reviewed()
        number = number_of(card)
        assert await stage.press(SECRECY, card, "不公开") == "请回复文字。"
        await stage.answer(SECRECY, "意见：不公开", BASIS)
        await stage.said(SECRECY, "已做保密审查（不公开）")
        await stage.card(SECRECY, number, "沈默 已处理：不公开", button="")
        await stage.said(PETITION, "需要修改", number)
        why = await stage.said(CONTACT, "第1稿：保密审查，不公开（沈默）", "请当面向保密审查员了解")
        assert "商业秘密" not in why["text"]
        await stage.card(PETITION, number, "办理中", button="拟答复稿")
        await _groups_never_read(stage, "商业秘密")


async def test_a_doubt_goes_to_the_superior_and_comes_back_cleared(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        card = await stage.reviewed()
        number = number_of(card)
        assert await stage.press(SECRECY, card, "需报审") == "请回复文字。"
        await stage.answer(SECRECY, "意见：需报审", BASIS)
        await stage.said(SECRECY, "已做保密审查（需报审）")
        await stage.card(DUTY, number, "报审中")
        card = await stage.card(SECRECY, number, "保密审查：沈默", "需报审", button="公开…")
        assert "需报审…" not in [b["text"] for row in card["buttons"] for b in row]
        assert await stage.press(SECRECY, card, "公开…") == "请回复文字。"
        await stage.answer(SECRECY, "意见：公开", "保密局复函；同意公开")
        await stage.said(SECRECY, "已做保密审查（公开）")
        await stage.card(SECRECY, number, "沈默 已处理：公开", button="")
        for who in (LEADER, SECOND_LEADER):
            await stage.card(who, number, "报审结论：沈默", button="批准发布")


async def test_a_change_of_level_makes_older_buttons_stale(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        card = await stage.opened()
        assert await stage.menu(OFFICER, card, "定级", "Ⅱ级") == f"已定为Ⅱ级：{number_of(card)}"
        await stage.card(DUTY, "🟠Ⅱ级", number_of(card), button="转办")
        said = await stage.unchanged(number_of(card), stage.press(OFFICER, card, "转办"))
        assert said == f"{number_of(card)} 刚有变化（待研判），请看最新卡片后再操作。"
        assert await stage.refused(number_of(card)) == ["stale"]


async def test_who_drafted_neither_reviews_nor_approves_and_who_reviewed_does_not_approve(
    tmp_path: Path,
) -> None:
    async with on_stage(tmp_path) as stage:
        roles = [Role.CONTACT, Role.REVIEWER, Role.SECRECY, Role.LEADER]
        await stage.app.store.write(lambda s: add_person(s, MANY_HATS, "多面手", roles, ["petition"]))
        await stage.client.send(MANY_HATS, MANY_HATS, "/help")
        page = await stage.said(MANY_HATS, "联络员、初审人、保密审查员、领导")
        own = "您是本稿拟稿人，不能审核、批准或核查自己的稿件（四眼原则）。"

        slip = await stage.signed()
        number = number_of(slip)
        review = await stage.draft(slip, "第一稿：泵组已更换，今日恢复供水。", who=MANY_HATS)
        for label in ("初审通过", "退改"):
            assert await stage.unchanged(number, stage.forge(MANY_HATS, page, data_of(review, label))) == own
        assert "已初审通过" in await stage.press(REVIEWER, review, "初审通过")
        secrecy = await stage.card(SECRECY, number, button="公开…")
        for label in ("不公开", "需报审"):
            assert await stage.unchanged(number, stage.forge(MANY_HATS, page, data_of(secrecy, label))) == own

        slip = await stage.card(PETITION, number, button="修改稿件")
        assert await stage.press(CONTACT, slip, "修改稿件") == "已私聊您，请在私聊里回复文字。"
        await stage.answer(CONTACT, "答复稿全文", "第二稿：泵组已更换，今日恢复供水，致歉。")
        await stage.said(CONTACT, f"已提交答复稿：{number}")
        await stage.card(REVIEWER, number, "第2稿", button="初审通过")
        review = await stage.card(MANY_HATS, number, "第2稿", button="初审通过")
        assert "已初审通过" in await stage.press(MANY_HATS, review, "初审通过")
        secrecy = await stage.card(MANY_HATS, number, "第2稿", button="公开…")
        assert await stage.press(MANY_HATS, secrecy, "公开…") == "请回复文字。"
        await stage.answer(MANY_HATS, "意见：公开", "条例第十九条；公众关心")
        await stage.said(MANY_HATS, "已做保密审查（公开）")
        await stage.card(SECRECY, number, "第2稿", "多面手 已处理：公开", button="")
        await stage.card(SECOND_LEADER, number, button="批准发布")
        approve = await stage.card(LEADER, number, button="批准发布")
        said = await stage.unchanged(number, stage.forge(MANY_HATS, page, data_of(approve, "批准发布")))
        assert said == "您已初审本稿，不能再审或批准（四眼原则）。"
        assert await stage.refused(number) == ["four_eyes"] * 5


async def _groups_never_read(stage: Stage, words: str) -> None:
    await stage.quiet()
    for call in await stage.client.record():
        if str(call["params"].get("chat_id", "")).startswith("-"):
            assert words not in str(call["params"].get("text"))

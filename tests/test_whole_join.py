"""Who comes in and who does not: one-time codes, strangers, foreign groups, people who left."""

from pathlib import Path

from whole import (
    ADMIN,
    CONTACT,
    DUTY,
    ELSEWHERE,
    NEWCOMER,
    OFFICER,
    ON_BOTH,
    OPERATOR,
    STRANGER,
    Stage,
    actions,
    database,
    number_of,
    on_stage,
    person_id,
)

from routing import people
from routing.clock import utc_now
from routing.office import Role

NOT_YET = "您还没有登记，此操作无效。请联系系统管理员。"
WRONG = "邀请码不对或已用过，请核对后重发，或向系统管理员重新索取。"


async def _invite(stage: Stage, name: str = "李新") -> str:
    ledger, now = stage.app.ledger, utc_now()
    return await stage.app.store.write(
        lambda s: people.invite(
            s, ledger, name=name, roles=[Role.CONTACT], channels=["petition"], by="运维", now=now
        )
    )


@ON_BOTH
async def test_a_code_opens_the_door_once_an_admin_has_confirmed_who_used_it(
    kind: str, tmp_path: Path
) -> None:
    with database(kind, tmp_path) as url:
        async with on_stage(tmp_path, url=url) as stage:
            code = await _invite(stage)
            await stage.client.send(NEWCOMER, NEWCOMER, f"/join {code}")
            await stage.said(NEWCOMER, "已收到，等系统管理员确认后生效。")
            card = await stage.card(
                ADMIN, "有人使用邀请码", "李新（联络员）", "账号显示名：新同事", button="确认"
            )

            await stage.client.send(STRANGER, STRANGER, f"/join {code}")
            await stage.said(STRANGER, WRONG)

            assert await stage.press(ADMIN, card, "确认是本人") == "已确认。"
            await stage.said(ADMIN, "已确认：李新（联络员）")
            await stage.said(NEWCOMER, "登记成功：李新（联络员）")
            assert await stage.press(ADMIN, card, "拒绝") == "这个加入申请已经处理过了。"
            await stage.client.send(NEWCOMER, NEWCOMER, "/help")
            await stage.said(NEWCOMER, "李新（联络员）", "/open")
            await stage.client.send(NEWCOMER, NEWCOMER, f"/join {code}")
            await stage.said(NEWCOMER, "您已经登记过了")
            # Who answers too late is refused, and that is a line too.
            assert await stage.app.store.read(actions) == ["invite", "join", "confirm_person", "refused"]


async def test_an_admin_refuses_and_nobody_else_can_confirm(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        code = await _invite(stage)
        await stage.client.send(NEWCOMER, NEWCOMER, f"/join {code}")
        waiting = await stage.said(NEWCOMER, "已收到")
        card = await stage.card(ADMIN, "有人使用邀请码", button="确认")
        confirm = card["buttons"][0][0]["data"]
        assert await stage.forge(NEWCOMER, waiting, confirm) == NOT_YET
        await stage.client.send(CONTACT, CONTACT, "/help")
        page = await stage.said(CONTACT, "陈立")
        assert await stage.forge(CONTACT, page, confirm) == "只有系统管理员可以确认人员。"
        assert await stage.press(ADMIN, card, "拒绝") == "已拒绝。"
        await stage.said(ADMIN, "已拒绝：李新")
        await stage.said(NEWCOMER, "管理员没有确认您的加入申请")
        await stage.client.send(NEWCOMER, NEWCOMER, f"/join {code}")
        await stage.said(NEWCOMER, WRONG)


async def test_five_wrong_codes_lock_an_account_even_for_the_right_one(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        code = await _invite(stage)
        for guess in range(5):
            await stage.client.send(NEWCOMER, NEWCOMER, f"/join guess-{guess}")
            await stage.said(NEWCOMER, WRONG)
        await stage.client.send(NEWCOMER, NEWCOMER, f"/join {code}")
        await stage.said(NEWCOMER, "错误次数过多，请一小时后再试。")
        await stage.client.send(STRANGER, STRANGER, f"/start {code}")  # locked is the account, not the code
        await stage.said(STRANGER, "已收到")
        await stage.card(ADMIN, "账号显示名：路人")


async def test_a_code_that_was_shown_in_a_group_does_nothing_there(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        code = await _invite(stage)
        await stage.client.send(NEWCOMER, OPERATOR, f"/join {code}")
        await stage.client.send(NEWCOMER, NEWCOMER, f"/join {code}")
        await stage.said(NEWCOMER, "已收到")
        await stage.card(ADMIN, "有人使用邀请码", button="确认")


async def test_a_stranger_gets_one_line_a_day_and_nothing_else(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        card = await stage.opened()
        for word in ("/start", "你好", "/help", "/join", "/open"):
            await stage.client.send(STRANGER, STRANGER, word)
        await stage.said(STRANGER, "仅供已登记人员使用", "/join 邀请码")
        await stage.client.send(STRANGER, DUTY, "这是什么？", reply_to=card["id"])
        await stage.client.send(STRANGER, DUTY, "/open")
        assert await stage.unchanged(number_of(card), stage.press(STRANGER, card, "转办")) == NOT_YET


async def test_an_unknown_group_is_told_its_number_and_left(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        await stage.client.group(STRANGER, "add", chat=ELSEWHERE)
        await stage.said(ELSEWHERE, f"本群未登记（群号 {ELSEWHERE}），机器人将退出")
        await stage.quiet()
        assert [c["params"]["chat_id"] for c in await stage.client.record("leaveChat")] == [str(ELSEWHERE)]


async def test_a_revoked_person_cannot_press_on_a_card_that_stands_open(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        card = await stage.opened()
        ledger = stage.app.ledger
        await stage.app.store.write(
            lambda s: people.revoke(s, ledger, person_id=person_id(s, OFFICER), by="运维", now=utc_now())
        )
        assert await stage.unchanged(number_of(card), stage.press(OFFICER, card, "转办")) == NOT_YET

"""What people type, over HTTP: a matter registered by hand (/new) and a promise (/promise), in private and in groups."""

from datetime import UTC, datetime
from pathlib import Path

from builders import FakeClock
from whole import (
    CONTACT,
    DUTY,
    OFFICER,
    ON_BOTH,
    OTHER_CONTACT,
    PETITION,
    REVIEWER,
    STRANGER,
    Stage,
    database,
    number_of,
    on_stage,
)

from routing import promises
from routing.workflow import State

MORNING = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
"""09:00 on a Tuesday in the office."""

LAMPS = "文澜路路灯坏了半个月没人管"
LINK = "https://bbs.example.com/t/9"
ONLY_HERE = "请在值班群或与机器人的私聊里登记。"


async def _says(stage: Stage, who: int, chat: int, typed: str, *words: str) -> str:
    """Type something and give what is said to it."""
    await stage.client.send(who, chat, typed)
    return str((await stage.said(chat, *words, reader=who))["text"])


@ON_BOTH
async def test_a_matter_is_registered_by_hand_in_private_and_in_the_duty_group_and_nowhere_else(
    kind: str, tmp_path: Path
) -> None:
    with database(kind, tmp_path) as url:
        async with on_stage(tmp_path, url=url) as stage:
            await _says(stage, CONTACT, CONTACT, "/new", "请写清什么地方、什么事")
            await _says(stage, CONTACT, CONTACT, f"/new {LAMPS} http://10.0.0.8/t/9", "公众打不开")
            await _says(stage, CONTACT, CONTACT, "/new 机密★10年\n泵房图纸", "密级标识", "内容未保存")
            told = await _says(
                stage, CONTACT, CONTACT, f"/new {LAMPS}，住户电话13812345678 {LINK}", "您是首接人"
            )
            assert "已隐去手机号" in told
            card = await stage.card(DUTY, LAMPS[:8], "陈立 登记", button="转办")
            number = number_of(card)
            assert number in told
            assert "13812345678" not in card["text"]

            again = await _says(stage, OFFICER, OFFICER, f"/new 文澜路没有灯 {LINK}", "没有重复登记")
            assert number in again
            await _says(stage, CONTACT, PETITION, f"/new {LAMPS}又坏了", ONLY_HERE)
            await _says(stage, REVIEWER, REVIEWER, f"/new {LAMPS}", "没有使用 /new 的权限")
            await _says(stage, STRANGER, STRANGER, f"/new {LAMPS}", "仅供已登记人员使用")

            await _says(stage, OFFICER, DUTY, "/new 桂汀苑北门的窨井盖不见了，天黑危险", "您是首接人")
            other = await stage.card(DUTY, "窨井盖", "周敏 登记", button="转办")
            assert number_of(other) != number

            assert "已转办" in await stage.menu(OFFICER, card, "其他渠道", "转办 信访")
            slip = await stage.card(PETITION, number, "首接：陈立", button="签收")
            assert "已签收" in await stage.press(CONTACT, slip, "签收")
            await stage.card(PETITION, number, "办理中", but_not="首接：")
            await stage.card(DUTY, number, "办理中", but_not="首接：")
            lines = [line["action"] for line in await stage.ledger(number)]
            assert lines == ["open", "register", "dispatch", "sign"]


@ON_BOTH
async def test_a_promise_is_made_called_to_mind_and_kept_by_the_unit_that_has_the_matter(
    kind: str, tmp_path: Path
) -> None:
    clock = FakeClock(MORNING)
    with database(kind, tmp_path) as url:
        async with on_stage(tmp_path, url=url, clock=clock) as stage:
            number = number_of(await stage.dispatched())
            await _says(
                stage, CONTACT, CONTACT, f"/promise {number} 11-20 换好泵组", "签收办理后才能登记承诺"
            )
            slip = await stage.card(PETITION, number, button="签收")
            assert "已签收" in await stage.press(CONTACT, slip, "签收")
            await stage.card(PETITION, number, "办理中", button="拟答复稿")

            await _says(stage, CONTACT, CONTACT, "/promise", "请写事项编号")
            await _says(stage, CONTACT, CONTACT, f"/promise {number}", "还没有登记承诺")
            await _says(stage, CONTACT, CONTACT, f"/promise {number} 下周 换好泵组", "不是日期")
            await _says(stage, CONTACT, CONTACT, f"/promise {number} 2025-11-20 换好泵组", "应在今天之后")
            await _says(stage, OTHER_CONTACT, OTHER_CONTACT, f"/promise {number} 11-20 换好", "请写事项编号")
            await _says(
                stage, REVIEWER, REVIEWER, f"/promise {number} 11-20 换好", "没有使用 /promise 的权限"
            )
            made = await _says(
                stage, CONTACT, PETITION, f"/promise {number} 11-20 换好泵组", "已登记第 1 项承诺"
            )
            assert "11-20 18:00 前 换好泵组" in made
            await _says(stage, OFFICER, DUTY, f"/promise {number} 12月1日 每月巡检一次", "已登记第 2 项承诺")

            clock.advance(days=2)
            await _remind(stage)
            await stage.said(PETITION, "承诺将到期", "换好泵组", number)
            kept = await _says(
                stage, CONTACT, CONTACT, f"/promise {number} 兑现 1 已试压，电话13812345678", "已登记兑现"
            )
            assert "换好泵组" in kept
            listed = await _says(stage, CONTACT, PETITION, f"/promise {number}", "已兑现", "（未兑现）")
            assert "13812345678" not in listed
            await _says(stage, CONTACT, CONTACT, f"/promise {number} 兑现 1", "已由 陈立 登记兑现")
            await _says(stage, CONTACT, CONTACT, f"/promise {number} 兑现 9", "没有第 9 项承诺")

            clock.advance(days=14)
            await _remind(stage)
            for chat in (PETITION, DUTY):
                await stage.said(chat, "承诺到期未兑现", "每月巡检一次", number)
            lines = [line["action"] for line in await stage.ledger(number)]
            wanted = [
                "promise", "promise", "promise_remind", "promise_kept", "promise_overdue",
            ]  # fmt: skip
            assert [line for line in lines if line.startswith("promise")] == wanted
            assert (await stage.case(number)).state is State.HANDLING
            await _all_seen(stage)


async def _remind(stage: Stage) -> None:
    """Look at promises now; the service does it once a minute."""
    app, office = stage.app, stage.configuration.office
    await app.store.write(lambda s: promises.tick(s, office, app.ledger, stage.clock()))
    app.sender.wake()


async def _all_seen(stage: Stage) -> None:
    """Take the rest as seen: days go by, and limits of the matter are told of."""
    await stage.quiet()
    for call in await stage.client.record():
        for message in call["message_ids"]:
            stage.seen.add((int(call["params"]["chat_id"]), message))

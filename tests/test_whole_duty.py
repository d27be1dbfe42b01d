"""Duty by hand over HTTP: who is called, a handover that both sign, a substitute who decides."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from whole import (
    DUTY,
    LEADER,
    OFFICER,
    ON_BOTH,
    OTHER_CONTACT,
    REVIEWER,
    SECRECY,
    Post,
    Stage,
    actions,
    database,
    number_of,
    on_stage,
)

from routing import duty
from routing.clock import utc_now
from routing.roster import Shift

DANGER = Post("d1", "桂汀苑旁边的工地塌方了", "桂汀苑旁边的工地刚刚塌方，埋了一辆车，快来人。", views=200_000)


@asynccontextmanager
async def watched(folder: Path, url: str) -> AsyncIterator[Stage]:
    """A stage whose roster has 周敏 on duty, then 蒋平."""
    now = utc_now().replace(microsecond=0)
    change = now + timedelta(hours=3)
    shifts = (
        Shift("白班", now - timedelta(hours=3), change, "林涛", ("周敏",), ("吴桐",)),
        Shift("夜班", change, change + timedelta(days=7), "何静", ("蒋平",), ("吴桐",)),
    )
    async with on_stage(folder, url=url, with_app=False) as stage:
        stage.configuration = replace(stage.configuration, roster=shifts)
        await stage.start_app()
        assert await stage.store.read(lambda s: len(duty.watches(s, utc_now()))) == 1
        yield stage


@ON_BOTH
async def test_the_person_on_duty_is_called_and_hands_over_with_both_signatures(
    kind: str, tmp_path: Path
) -> None:
    with database(kind, tmp_path) as url:
        async with watched(tmp_path, url) as stage:
            await stage.drop(DANGER)
            card = await stage.card(DUTY, DANGER.title, button="转办")
            called = await stage.said(OFFICER, "您在值班", number_of(card))
            assert "请到值班群处理" in called["text"]

            await stage.client.send(OFFICER, OFFICER, "/duty")
            page = await stage.said(OFFICER, "现在值班：白班", "下一班：夜班")
            assert "周敏" in page["text"]
            assert "林涛" in page["text"]

            await stage.client.send(OFFICER, DUTY, "/handover 请盯紧工地")
            sheet = await stage.card(DUTY, "交接班：周敏 → 蒋平", number_of(card), button="接班签名")
            assert "请盯紧工地" in sheet["text"]
            assert await stage.press(LEADER, sheet, "交班签名") == "这份交接单由交班人和接班人签名。"
            assert await stage.press(OFFICER, sheet, "交班签名") == "已签名。"
            sheet = await stage.card(DUTY, "周敏　✅", "蒋平　未签名", but_not="交班签名")
            assert await stage.press(OTHER_CONTACT, sheet, "接班签名") == "已签名。"
            await stage.said(DUTY, "交接班完成：周敏 → 蒋平")
            await stage.card(DUTY, "周敏　✅", "蒋平　✅", button="")
            found = await stage.app.store.read(actions)
            assert [a for a in found if a.startswith("handover")] == [
                "handover",
                "handover_sign",
                "handover_sign",
            ]


async def test_a_substitute_decides_in_the_place_of_the_absent_and_the_record_names_both(
    tmp_path: Path,
) -> None:
    async with watched(tmp_path, f"sqlite:///{tmp_path / 'yuqing.db'}") as stage:
        await stage.client.send(REVIEWER, REVIEWER, "/substitute 蒋平 现在 23:59 因公出差")
        await stage.said(REVIEWER, "已报值班领导审批")
        asked = await stage.card(LEADER, "顶岗申请", "吴桐", "蒋平", "因公出差", button="批准顶岗")
        assert await stage.press(LEADER, asked, "批准顶岗") == "已批准。"
        await stage.card(LEADER, "顶岗申请", "林涛 已批准", button="提前结束顶岗")
        for chat in (DUTY, OTHER_CONTACT):
            await stage.said(chat, "由 蒋平 顶 吴桐 的岗", "林涛 批准")
        await stage.card(REVIEWER, "顶岗申请", "林涛 已批准", button="提前结束顶岗")

        card = await stage.drafted()
        number = number_of(card)
        theirs = await stage.card(OTHER_CONTACT, number, button="初审通过")
        assert await stage.press(OTHER_CONTACT, theirs, "初审通过") == f"已初审通过：{number}"
        await stage.card(REVIEWER, number, "蒋平 已处理：同意", button="")
        await stage.card(SECRECY, number, button="公开…")
        lines = await stage.ledger(number)
        [passed] = [line for line in lines if line["action"] == "pass"]
        assert (passed["actor"], passed["data"]["stands_for"]) == ("蒋平", ["吴桐"])

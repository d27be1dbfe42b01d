"""After the answer, over HTTP on both databases: a re-check (复查) and a call-back (回访), found by /mine, done in private."""

from dataclasses import replace
from pathlib import Path

from whole import (
    CONTACT,
    DUTY,
    MANY_HATS,
    OFFICER,
    ON_BOTH,
    PETITION,
    REVIEWER,
    SECOND_LEADER,
    Stage,
    add_person,
    database,
    number_of,
    on_stage,
)

from routing.office import Procedure, Role
from routing.workflow import State

CALLER = MANY_HATS
LINK = "https://www.yunting.example/notice/1.html"


async def _mine(stage: Stage, who: int, *words: str) -> None:
    await stage.client.send(who, who, "/mine")
    await stage.said(who, *words)


@ON_BOTH
async def test_who_re_checks_and_who_calls_back_finds_it_by_mine_until_it_is_done(
    kind: str, tmp_path: Path
) -> None:
    with database(kind, tmp_path) as url:
        async with on_stage(tmp_path, url=url, with_app=False) as stage:
            office = replace(stage.configuration.office, procedure=Procedure(recheck=True, call_back=True))
            stage.configuration = replace(stage.configuration, office=office)
            await stage.store.write(lambda s: add_person(s, CALLER, "沈回访", (Role.CALLER,)))
            await stage.start_app()
            slip = await stage.approved()
            number = number_of(slip)
            for who in (REVIEWER, CALLER):
                await _mine(stage, who, "现在没有等您办理的事项")
            await stage.press(CONTACT, slip, "回应确认")
            asked = await stage.said(CONTACT, "发布的链接")
            await stage.client.send(CONTACT, CONTACT, LINK, reply_to=asked["id"])
            await stage.said(CONTACT, f"已回应确认：{number}")
            await stage.said(DUTY, number, "已公开回应")

            card = await stage.card(REVIEWER, "请复查", number, button="复查无误")
            await _mine(stage, REVIEWER, "等您办理 1 件", number, "【已回应】", "复查")
            for who in (CALLER, CONTACT, SECOND_LEADER):
                await _mine(stage, who, "现在没有等您办理的事项")
            assert await stage.press(REVIEWER, card, "复查无误") == f"已复查无误：{number}"
            await stage.card(REVIEWER, number, "吴桐 已处理：复查无误", button="")

            card = await stage.card(CALLER, "请回访", number, button="基本满意")
            await _mine(stage, REVIEWER, "现在没有等您办理的事项")
            await _mine(stage, OFFICER, "等您办理 1 件", number, "【待回访】")
            await _mine(stage, CALLER, "等您办理 1 件", number, "【待回访】", "回访")
            assert "未接通" in await stage.press(CALLER, card, "未接通")
            await _mine(stage, CALLER, "等您办理 1 件", number)
            card = await stage.card(CALLER, number, button="基本满意")
            assert "满意度" in await stage.press(CALLER, card, "基本满意")
            await stage.card(CALLER, number, "沈回访 已处理：回访满意", button="")
            await _mine(stage, CALLER, "现在没有等您办理的事项")
            assert (await stage.case(number)).state is State.CLOSED
            await stage.card(PETITION, number, "已办结")

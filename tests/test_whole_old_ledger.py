"""An office begins with yuqing: its older ledger comes in by command, and people in chat go on where it ends."""

from datetime import timedelta
from pathlib import Path

import pytest
from old_ledgers import HEADS, saved, workbook
from openpyxl import load_workbook
from test_bot_cli import Terminal
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
    labels,
    stage_of,
)

from routing.clock import utc_now
from routing.workflow import State


def rows() -> list[list[object]]:
    """Give two matters that are over and two that are open, one of them long over its limits."""
    yesterday = utc_now() + timedelta(hours=8) - timedelta(hours=20)
    fresh, sent, signed = (f"{yesterday + timedelta(hours=n):%Y-%m-%d %H:%M}" for n in (0, 2, 3))
    form = dict.fromkeys(HEADS)
    return [
        list((form | each).values())
        for each in (
            {"编号": "JN-2024-003", "发布时间": "2024年03月02日", "标题": "文澜路路灯半年不亮", "等级": "Ⅳ",
             "归口类别": "信访", "交办时间": "2024/3/2", "签收时间": "2024/3/3", "办结时间": "2024/3/9",
             "原帖摘要": "文澜路路灯半年不亮，联系电话13800138000"},
            {"编号": "JN-2025-018", "发布时间": 45663.354, "标题": "桂汀苑停水", "等级": "较大", "归口类别": "信访",
             "交办时间": "2025-01-06 10:00", "办结时间": "2025-01-09", "原帖摘要": "桂汀苑停水两天。"},
            {"编号": "JN-2026-101", "发布时间": fresh, "标题": "老城区垃圾没人清", "等级": "Ⅲ", "归口类别": "信访",
             "交办时间": sent, "签收时间": signed, "原帖摘要": "老城区北门垃圾堆了一周没人清。"},
            {"编号": "JN-2026-007", "发布时间": "2026-01-08 09:00", "标题": "西山村道路积水", "等级": "Ⅳ",
             "归口类别": "信访", "交办时间": "2026-01-08 10:00", "签收时间": "2026-01-08 11:00",
             "原帖摘要": "西山村口道路一下雨就积水。"},
        )
    ]  # fmt: skip


def write(file: Path) -> None:
    file.write_bytes(saved(workbook(*rows(), above=[["网络舆情处置台账"]])))


@ON_BOTH
async def test_an_older_ledger_is_taken_over_and_one_matter_carried_to_its_answer(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage_of(kind, tmp_path) as stage:
        yuqing = Terminal(tmp_path, capsys, monkeypatch)
        monkeypatch.chdir(tmp_path)
        yuqing.set(CONFIG=str(tmp_path / "config"), DATABASE_URL=stage.settings.database_url)
        write(tmp_path / "台账.xlsx")
        done = yuqing("import", "ledger", "台账.xlsx", "--by", "周敏", "--reason", "启用新系统")
        assert done.code == 0, done.out + done.err
        stage.app.sender.wake()

        summary = await stage.said(
            DUTY, "周敏 导入旧台账：在办 2 件，已结 2 件", "JN-2026-101", "导入时 1 件已有时限超期"
        )
        theirs = await stage.said(PETITION, "导入旧台账：在办 2 件", "老城区垃圾没人清")
        await stage.quiet()
        assert "JN-2024-003" not in summary["text"]

        # The officer opens one that is open; its unit gets the slip with it, once, however often it is pressed.
        opener = labels(theirs).split("、")[0]
        await stage.press_only(CONTACT, theirs, opener)
        slip = await stage.card(PETITION, "老城区垃圾没人清", "旧编号 JN-2026-101", button="拟答复稿")
        await stage.card(DUTY, "老城区垃圾没人清", "办理中", "来历")
        number = slip["text"][slip["text"].index("YQ-") :][:12]

        review = await stage.draft(slip, "垃圾已全部清运，今后每日清扫两次，感谢监督。")
        assert "已初审通过" in await stage.press(REVIEWER, review, "初审通过")
        await stage.card(REVIEWER, number, "已处理：同意", button="")
        secrecy = await stage.card(SECRECY, number, button="公开…")
        await stage.press(SECRECY, secrecy, "公开…")
        await stage.answer(SECRECY, "意见：公开", "《政府信息公开条例》第十九条；涉及公众切身利益")
        await stage.said(SECRECY, "已做保密审查（公开）")
        await stage.card(SECRECY, number, "已处理：公开", button="")
        cards = {who: await stage.card(who, number, button="批准发布") for who in (LEADER, SECOND_LEADER)}
        assert "已批准发布" in await stage.press(LEADER, cards[LEADER], "批准发布")
        for who in cards:
            await stage.card(who, number, "林涛 已处理：批准发布", button="")
        approved = await stage.said(PETITION, number, "已批准", "回应确认")
        await stage.press(CONTACT, approved, "回应确认")
        await stage.answer(CONTACT, "已公开发布的链接", "https://gov.example/answer/7")
        await stage.said(CONTACT, "已回应确认")
        await stage.said(DUTY, "已公开回应", number)
        await stage.quiet()
        assert (await stage.case(number)).state is State.CLOSED

        # One that was over long ago is found by its words and by its old number, and its file goes out.
        await stage.client.send(OFFICER, DUTY, "/find 路灯")
        await stage.said(DUTY, "查找“路灯”", "YQ-2024-0001", "旧编号 JN-2024-003")
        await stage.client.send(OFFICER, OFFICER, "/case JN-2024-003")
        shown = await stage.said(OFFICER, "YQ-2024-0001", "【已办结】", "旧台账")
        assert "13800138000" not in shown["text"]
        out = yuqing("export", "case", "JN-2024-003", "--out", "卷.xlsx", "--reason", "核查旧事项")
        assert out.code == 0, out.err
        assert "旧台账" in load_workbook("卷.xlsx").sheetnames
        assert "全部相符" in yuqing("audit", "verify").out

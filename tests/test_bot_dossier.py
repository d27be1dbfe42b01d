"""The file of a matter: every version, every hand and remark; what may not leave is left out and says so."""

import io
from typing import Any

import pytest
from builders import Desk, unguard
from openpyxl import load_workbook
from sqlalchemy import text

from bot.dossier import dossier_xlsx
from routing.dossier import REASONS_LEFT_OUT, Scope, dossier
from routing.export import LEFT_OUT
from routing.office import Level
from routing.why import PLAIN
from routing.workflow import Command

WAY = (
    (Command.DISPATCH, {}), (Command.RETURN, {"reason": "不属本单位"}), (Command.DISPATCH, {}), (Command.SIGN, {}),
    (Command.DRAFT, {"text": "第一稿：您反映的停水问题正在处理。"}), (Command.REDO, {"reason": "写明恢复时间"}),
    (Command.DRAFT, {"text": "第二稿：停水系水泵故障，今晚八点恢复。"}), (Command.PASS, {}),
    (Command.CLEAR, {"basis": "保密法第二十七条", "reason": "不涉密"}), (Command.APPROVE, {}),
    (Command.CONFIRM, {"link": "https://gov.example/a/1"}),
)  # fmt: skip


@pytest.fixture
def case_id(desk: Desk) -> int:
    case_id = desk.open()
    for command, more in WAY:
        desk.clock.advance(minutes=10)
        desk.act(case_id, command, **more)
    return case_id


def sheets(desk: Desk, case_id: int, **scope: bool) -> dict[str, list[dict[str, Any]]]:
    """Export and read back: sheet -> rows by column."""
    found = desk.run(lambda s: dossier(s, case_id, Scope(**scope)))
    book = load_workbook(io.BytesIO(dossier_xlsx(found, desk.office, PLAIN)))
    read = {}
    for sheet in book.worksheets:
        header, *rows = sheet.iter_rows(values_only=True)
        read[sheet.title] = [dict(zip(header, row, strict=True)) for row in rows]
    return read


def test_it_tells_who_did_what_when_with_which_remark(desk, case_id):
    file = sheets(desk, case_id)
    assert list(file) == [
        "事项", "来文", "经过", "答复稿", "审签", "转办", "发布", "承诺", "时限", "消息", "台账行",
    ]  # fmt: skip
    matter = {row["项目"]: row["内容"] for row in file["事项"]}
    assert (matter["编号"], matter["状态"], matter["立项"]) == ("YQ-2026-0001", "已办结", "2026-11-17 10:00")
    assert [(d["稿次"], d["拟稿人"], d["正文"][:3], d["与台账核对"]) for d in file["答复稿"]] == [
        (1, "赵联络", "第一稿", "一致"),
        (2, "赵联络", "第二稿", "一致"),
    ]
    assert [(o["稿次"], o["环节"], o["意见"], o["审签人"]) for o in file["审签"]] == [
        (1, "初审", "退回修改", "孙初审"),
        (2, "初审", "同意", "孙初审"),
        (2, "保密审查", "公开", "吴保密"),
        (2, "审批", "批准发布", "郑县长"),
    ]
    assert file["审签"][0]["理由"] == "写明恢复时间"
    assert [(s["文号"], s["退回理由"] or "") for s in file["转办"]] == [
        ("舆转〔2026〕1号", "不属本单位"),
        ("舆转〔2026〕2号", ""),
    ]
    assert [r["链接"] for r in file["发布"]] == ["https://gov.example/a/1"]
    assert {row["结果"] for row in file["时限"]} == {"按时"}
    assert file["消息"]
    assert [row["动作"] for row in file["台账行"]][:3] == ["open", "dispatch", "return"]
    assert all(len(row["校验值"]) == 64 for row in file["台账行"])


def test_grounds_of_the_secrecy_review_leave_only_where_the_exporter_says_so(desk, case_id):
    closed, opened = sheets(desk, case_id), sheets(desk, case_id, secrecy=True)
    assert "不涉密" not in str(closed)
    assert "保密法第二十七条" not in str(closed)
    assert [o["理由"] for o in closed["审签"] if o["环节"] == "保密审查"] == [REASONS_LEFT_OUT]
    assert [(o["依据"], o["理由"]) for o in opened["审签"] if o["环节"] == "保密审查"] == [
        ("保密法第二十七条", "不涉密")
    ]


def test_links_and_texts_of_a_grave_matter_leave_only_in_full(desk, case_id):
    desk.run(lambda s: s.execute(text(f"UPDATE matter SET level = {int(Level.II)}")))
    closed, opened = sheets(desk, case_id), sheets(desk, case_id, full=True)
    for word in ("http://bbs.example", "第二稿：", "https://gov.example"):
        assert word not in str(closed)
        assert word in str(opened)
    assert closed["来文"][0]["正文"] == closed["答复稿"][0]["正文"] == LEFT_OUT


def test_a_draft_whose_words_were_changed_behind_the_ledger_is_named(desk, case_id):
    desk.run(lambda s: s.execute(text("UPDATE draft SET text = '改过' WHERE version = 1")))
    assert [d["与台账核对"] for d in sheets(desk, case_id)["答复稿"]] == ["不一致：稿件被改动过", "一致"]


def test_a_draft_of_before_the_ledger_sealed_texts_says_so(desk, case_id):
    def older(session):
        unguard(session)
        session.execute(text("UPDATE ledger SET data = replace(data, 'text_sha256', 'other')"))
        found = dossier(session, case_id, Scope())
        session.rollback()
        return found

    assert [d.sealed for d in desk.run(older).drafts] == [None, None]


def test_reading_the_file_changes_nothing(desk, case_id):
    before = desk.run(desk.ledger.verify)
    sheets(desk, case_id, full=True, secrecy=True)
    assert desk.run(desk.ledger.verify) == before

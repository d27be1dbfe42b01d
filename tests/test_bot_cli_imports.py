"""import ledger, as an office meets it on its first day."""

import json
from pathlib import Path

import pytest
from old_ledgers import HEADS, row, saved, workbook
from openpyxl import load_workbook
from sqlalchemy import select
from test_bot_cli import Answer, Terminal, empty, founded, yuqing

from routing import people
from routing.clock import utc_now
from routing.office import Role
from routing.store.engine import Store
from routing.store.migrate import migrate
from routing.store.tables import CaseRow, LedgerRow, LegacyRow

__all__ = ["empty", "founded", "yuqing"]

SAID = ("--by", "李主任", "--reason", "启用新系统承接旧台账")
OPEN = {"办结时间": None, "链接": None}


@pytest.fixture
def staffed(founded: Terminal) -> Terminal:
    def work(session):
        for name, role in (("李主任", Role.OFFICE), ("陈管理", Role.ADMIN)):
            people.add(session, name=name, roles=[role], channels=[], account=None, now=utc_now())

    founded.database(work)
    return founded


def import_(yuqing: Terminal, *rows, more=SAID, name="台账.xlsx", **book) -> Answer:
    Path(name).write_bytes(saved(workbook(*rows, **book)))
    return yuqing("import", "ledger", name, *more)


def cases(yuqing: Terminal) -> list[tuple[str, str | None]]:
    found = yuqing.database(lambda s: s.execute(select(CaseRow.number, CaseRow.old_number)).all())
    return sorted((number, old) for number, old in found)


def test_a_ledger_comes_in_whole_and_the_record_holds(staffed):
    answer = import_(staffed, row(), row(编号="2", **OPEN))
    assert answer.code == 0, answer.err
    assert "已导入 2 件：在办 1 件，其中 1 件导入时已超期，已结 1 件" in answer.err
    assert cases(staffed) == [("YQ-2025-0001", "JN-2025-018"), ("YQ-2025-0002", "2")]
    assert "全部相符" in staffed("audit", "verify").out
    line = staffed.database(lambda s: s.scalars(select(LedgerRow).where(LedgerRow.action == "import")).one())
    told = json.loads(line.data)
    assert (line.actor, told["reason"], told["new"], told["file"]) == ("李主任", SAID[3], 2, "台账.xlsx")
    assert "旧台账导入" in staffed("why", "JN-2025-018").out


def test_what_the_record_keeps_for_ever_holds_no_number_of_a_person(staffed):
    said = ("--by", "李主任", "--reason", "启用新系统，有问题打13800138000")
    assert import_(staffed, row(), more=said, name="张三13900139000.xlsx").code == 0
    line = staffed.database(lambda s: s.scalars(select(LedgerRow).where(LedgerRow.action == "import")).one())
    assert "138001" not in line.data
    assert "139001" not in line.data
    assert "启用新系统" in json.loads(line.data)["reason"]


def test_the_name_of_a_sheet_is_masked_wherever_it_is_kept(staffed):
    book = workbook(row(), row(编号="2", 等级="特急"))
    book.active.title = "张三13900139000"
    Path("台账.xlsx").write_bytes(saved(book))
    answer = staffed("import", "ledger", "台账.xlsx", *SAID, "--skip-bad", "--sheet", "张三13900139000")
    assert answer.code == 0, answer.err
    lines = staffed.database(lambda s: s.scalars(select(LedgerRow.data)).all())
    [kept] = staffed.database(lambda s: s.scalars(select(LegacyRow.sheet)).all())
    assert not [line for line in lines if "139001" in line]
    assert any("张三[手机号已隐去]" in line for line in lines)
    assert kept == "张三[手机号已隐去]"
    left = load_workbook("台账.未导入.xlsx")["张三13900139000"]  # it is the office's own file
    assert (left.max_row, left.cell(2, 1).value) == (2, "2")


def test_twice_the_same_brings_nothing_and_a_changed_row_is_said(staffed):
    assert import_(staffed, row(), row(编号="2")).code == 0
    again = import_(staffed, row(), row(编号="2", 标题="西山小区停水"))
    assert again.code == 0
    assert "没有新的事项" in again.err
    assert "以前导入过 1 行，有变化，未动 1 行" in again.err
    assert "标题 由“东湖小区停水三天”变为“西山小区停水”" in again.err
    assert len(cases(staffed)) == 2


def test_one_bad_row_and_nothing_is_stored_but_every_problem_is_told(staffed):
    answer = import_(
        staffed, row(), row(编号="2", 等级="特急", 发布时间="去年"), row(编号="3", 归口类别="民生类")
    )
    assert answer.code == 1
    assert "台账.xlsx［Sheet］:3  发布时间（B 列） = 去年：日期无法识别。" in answer.out
    assert "台账.xlsx［Sheet］:3  等级（F 列） = 特急：不认识的等级。" in answer.out
    assert "--channel 民生类=渠道名" in answer.out
    assert "2 行有问题，什么都没有存" in answer.err
    assert cases(staffed) == []


def test_bad_rows_go_to_a_file_beside_and_can_be_put_right_there(staffed):
    rows = (row(), row(编号="2", 等级="特急", 原帖摘要="打13800138000"), row(编号="3"))
    answer = import_(staffed, *rows, more=(*SAID, "--skip-bad"))
    assert answer.code == 0, answer.err
    assert len(cases(staffed)) == 2
    left = Path("台账.未导入.xlsx")
    sheet = load_workbook(left).active
    heads = [cell.value for cell in sheet[1]]
    assert heads == [*HEADS, "原行号", "未导入的原因"]
    assert sheet.max_row == 2
    assert "不认识的等级" in sheet.cell(2, len(heads)).value
    book = load_workbook(left)
    book.active.cell(2, HEADS.index("等级") + 1, "Ⅳ")
    book.save(left)
    assert staffed("import", "ledger", str(left), *SAID).code == 0
    assert len(cases(staffed)) == 3
    refused = import_(staffed, *rows, more=(*SAID, "--skip-bad"))
    assert refused.code == 1
    assert "已存在" in refused.err


def test_who_may_not_import_is_told_before_a_file_is_written_and_when_he_only_tries(staffed):
    rows = (row(), row(编号="2", 等级="特急"))
    for name, told in (("李主人", "没有登记"), ("陈管理", "不能导入台账")):
        for mode in ("--skip-bad", "--dry-run"):
            refused = import_(staffed, *rows, more=("--by", name, *SAID[2:], mode))
            assert refused.code == 1
            assert told in refused.err
    assert not Path("台账.未导入.xlsx").exists()
    assert import_(staffed, *rows, more=(*SAID, "--skip-bad")).code == 0


def test_a_dry_run_shows_and_stores_nothing(staffed):
    answer = import_(
        staffed,
        [*row(), "赵某某"],
        [*row(编号="2", **OPEN), None],
        more=("--dry-run",),
        heads=[*HEADS, "发帖人"],
    )
    assert answer.code == 0
    assert "JN-2025-018" in answer.out
    assert "已办结" in answer.out
    assert "“发帖人”含个人信息" in answer.err
    assert "可导入 2 行（在办 1，已结 1）" in answer.err
    assert "赵某某" not in answer.out + answer.err
    assert cases(staffed) == []
    told = import_(staffed, row(等级="?"), more=("--dry-run", "--json"))
    assert told.code == 1
    assert [(p["row"], p["column"], p["value"]) for p in told.json["problems"]] == [(2, "等级（F 列）", "?")]


def test_a_secrecy_mark_stops_it_and_only_that_is_recorded(staffed):
    answer = import_(staffed, row(), above=[["秘密★1年"]])
    assert answer.code == 1
    assert "密级标识" in answer.err
    assert "保密机构" in answer.err
    assert "东湖" not in answer.out + answer.err
    assert cases(staffed) == []
    [line] = staffed.database(
        lambda s: s.scalars(select(LedgerRow).order_by(LedgerRow.seq.desc()).limit(1)).all()
    )
    assert (line.action, line.actor) == ("secrecy_mark", "李主任")
    assert "台账.xlsx" not in line.data


def test_a_mark_in_a_sheet_that_is_not_asked_for_stops_it_too(staffed):
    book = workbook(row())
    book.create_sheet("附件")["B2"] = "机密★5年"
    Path("台账.xlsx").write_bytes(saved(book))
    answer = staffed("import", "ledger", "台账.xlsx", *SAID, "--sheet", "Sheet")
    assert answer.code == 1
    assert "工作表“附件”第 2 行带密级标识" in answer.err
    assert cases(staffed) == []


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (("--by", "李主任"), 2, "写明导入理由"),
        (("--reason", "启用新系统"), 2, "写明是谁在导入"),
        (("--reason", "启用新系统", "--by", "李主人"), 1, "是不是 李主任"),
        (("--reason", "启用新系统", "--by", "陈管理"), 1, "不是政府办或值班员"),
        ((*SAID, "--map", "事由=什么"), 2, "可用的字段"),
        ((*SAID, "--map", "发帖人=备注"), 2, "是个人信息"),
        ((*SAID, "--channel", "民生类=没有"), 2, "本台的渠道"),
        ((*SAID, "--sheet", "2024"), 1, "没有工作表“2024”；文件里有：Sheet"),
    ],
)
def test_what_is_said_wrongly_is_answered_with_the_cure_and_nothing_is_stored(staffed, more, code, told):
    answer = import_(staffed, row(), more=more)
    assert answer.code == code
    assert told in answer.err
    assert cases(staffed) == []


def test_no_file_and_no_table_are_told(staffed):
    assert "没有文件" in staffed("import", "ledger", "没有.xlsx", *SAID).err
    Path("坏.xlsx").write_bytes(b"nothing")
    answer = staffed("import", "ledger", "坏.xlsx", *SAID)
    assert answer.code == 2
    assert "不是可读的 XLSX 表格" in answer.err
    assert staffed("import", "ledger").code == 2


def test_strange_headings_and_channels_are_named_on_the_command_line(staffed):
    heads = ["事由" if name == "标题" else name for name in HEADS]
    more = (*SAID, "--map", "事由=标题", "--channel", "民生类=信访")
    assert import_(staffed, row(归口类别="民生类", 原帖摘要=None), more=more, heads=heads).code == 0
    assert len(cases(staffed)) == 1


def test_the_empty_form_is_read_by_the_import_once_it_is_filled_in(staffed):
    assert staffed("import", "ledger", "--template", "空表.xlsx").code == 0
    assert staffed("import", "ledger", "--template", "空表.xlsx").code == 1  # it is there
    book = load_workbook("空表.xlsx")
    sheet = book["旧台账"]
    heads = [cell.value for cell in sheet[1]]
    for name, value in {
        "编号": "A-1",
        "标题": "路灯坏了",
        "发布时间": "2025-01-06",
        "状态": "已归档",
    }.items():
        sheet.cell(2, heads.index(name) + 1, value)
    offered = {rule.errorTitle: rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert offered["等级"] == '"Ⅰ,Ⅱ,Ⅲ,Ⅳ"'
    assert "信访" in offered["归口类别"]
    book.save("空表.xlsx")
    answer = staffed("import", "ledger", "空表.xlsx", *SAID)
    assert answer.code == 0, answer.err
    assert cases(staffed) == [("YQ-2025-0001", "A-1")]


def test_what_this_desk_exports_another_desk_takes_over(staffed):
    assert import_(staffed, row(), row(编号="2", **OPEN)).code == 0
    answer = staffed(
        "export", "ledger", "--out", "导出.xlsx", "--reason", "迁移到新机器", "--week", "2025-W02"
    )
    assert answer.code == 0, answer.err
    staffed.set(DATABASE_URL="sqlite:///other.db")
    migrate(Store("sqlite:///other.db"))
    staffed.database(
        lambda s: people.add(s, name="李主任", roles=[Role.OFFICE], channels=[], account=None, now=utc_now())
    )
    taken = staffed("import", "ledger", "导出.xlsx", *SAID)
    assert taken.code == 0, taken.out + taken.err
    assert cases(staffed) == [("YQ-2025-0001", "YQ-2025-0001"), ("YQ-2025-0002", "YQ-2025-0002")]
    states = staffed.database(
        lambda s: s.execute(select(CaseRow.state).order_by(CaseRow.number)).scalars().all()
    )
    assert [state.value for state in states] == ["closed", "handling"]

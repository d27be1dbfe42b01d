import io
from dataclasses import fields, replace
from datetime import datetime
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from bot.forms import LEDGER_COLUMNS, Column, ledger_xlsx, workbook
from routing.export import LedgerLine

ZONE = ZoneInfo("Asia/Shanghai")
NAMES = [
    "序号",
    "编号",
    "巡查单位",
    "发布时间",
    "发布平台",
    "标题",
    "链接",
    "等级",
    "归口类别",
    "责任单位",
    "涉及领域",
    "首接人",
    "交办时间",
    "签收时间",
    "首回时间",
    "办结时间",
    "关注量",
    "跟帖数",
    "原帖摘要",
    "办结回复摘要",
    "线上情况",
    "线下情况",
    "是否督办",
    "满意度",
    "备注",
]
LINE = LedgerLine(
    serial=1,
    number="YQ-2026-0001",
    watcher="云溪县人民政府办公室",
    published_at=datetime(2026, 11, 17, 8, 5, 59, tzinfo=ZONE),
    platform="云溪论坛",
    title="幸福路停水",
    url="http://bbs.example/t/123456789012345678901",
    level="Ⅲ",
    channel="社情民意",
    unit="县信访局",
    topic="供水",
    first_handler="王值班",
    sent_at=datetime(2026, 11, 17, 9, 30, tzinfo=ZONE),
    signed_at=None,
    answered_at=None,
    closed_at=None,
    views=12_500,
    comments=None,
    summary="停水三天",
    answer="",
    online="办理中",
    offline="",
    supervised="",
    satisfaction="",
    note="",
)


def sheet_of(*rows: LedgerLine) -> Any:
    book = load_workbook(io.BytesIO(ledger_xlsx(rows)))
    assert len(book.worksheets) == 1
    return book.active


def cell(sheet: Any, name: str, row: int = 2) -> Any:
    return sheet.cell(row, NAMES.index(name) + 1)


def test_the_columns_are_those_of_the_form_in_its_order():
    sheet = sheet_of(LINE)
    assert [c.value for c in sheet[1]] == NAMES
    assert len(LEDGER_COLUMNS) == len(fields(LedgerLine))


def test_each_value_stands_under_its_name():
    sheet = sheet_of(LINE)
    told = {name: cell(sheet, name).value for name in NAMES}
    assert (
        told | {"首接人": "王值班", "责任单位": "县信访局", "原帖摘要": "停水三天", "线上情况": "办理中"}
        == told
    )
    assert (told["编号"], told["等级"], told["归口类别"], told["标题"]) == (
        "YQ-2026-0001",
        "Ⅲ",
        "社情民意",
        "幸福路停水",
    )


def test_times_are_local_words_to_the_minute_and_missing_ones_are_empty():
    sheet = sheet_of(LINE)
    assert cell(sheet, "发布时间").value == "2026-11-17 08:05"
    assert cell(sheet, "交办时间").value == "2026-11-17 09:30"
    assert not cell(sheet, "签收时间").value


def test_counts_can_be_added_up_and_an_unknown_count_is_empty():
    sheet = sheet_of(LINE)
    assert cell(sheet, "关注量").value == 12_500
    assert not cell(sheet, "跟帖数").value


def test_a_long_number_stays_text():
    sheet = sheet_of(replace(LINE, number="123456789012345678901", title="00420"))
    for name, value in (("编号", "123456789012345678901"), ("标题", "00420")):
        assert (cell(sheet, name).value, cell(sheet, name).data_type) == (value, "s")
        assert cell(sheet, name).number_format == "@"


@pytest.mark.parametrize(
    "words", ['=HYPERLINK("http://evil.example","点这里")', "=1+1", "+86", "-1", "@SUM(A1)", "#N/A", "\t=1"]
)
def test_public_words_are_never_a_formula(words):
    content = ledger_xlsx([replace(LINE, title=words, summary=words)])
    sheet = load_workbook(io.BytesIO(content)).active
    for name in ("标题", "原帖摘要"):
        assert (cell(sheet, name).value, cell(sheet, name).data_type) == (words, "s")
        assert cell(sheet, name).number_format == "@"  # stays text when somebody edits it
    assert b"<f>" not in ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")


def test_signs_that_no_workbook_may_hold_are_left_out():
    assert cell(sheet_of(replace(LINE, summary="停\x00水\x0b了")), "原帖摘要").value == "停水了"


def test_a_text_beyond_what_a_cell_holds_does_not_break_the_file():
    assert len(cell(sheet_of(replace(LINE, note="水" * 40_000)), "备注").value) == 32_767


def test_the_header_stays_in_sight_and_long_texts_wrap():
    sheet = sheet_of(LINE)
    assert sheet.freeze_panes == "C2"
    assert sheet.title == "网络舆情处置台账"
    assert cell(sheet, "原帖摘要").alignment.wrap_text
    widths = [sheet.column_dimensions[c.column_letter].width for c in sheet[1]]
    assert widths == [column.width for column in LEDGER_COLUMNS]
    assert min(widths) >= 6


@pytest.mark.parametrize(
    ("summary", "height"),
    [("停水", None), ("停" * 23, None), ("停" * 24, 30), ("停水\n来水", 30), ("停" * 5_000, 405)],
)
def test_a_row_is_as_high_as_its_longest_cell_wants(summary, height):
    assert sheet_of(replace(LINE, watcher="县办", url="", summary=summary)).row_dimensions[2].height == height


def test_a_wide_sheet_is_printed_on_pages_side_by_side_that_each_name_the_row():
    sheet = load_workbook(io.BytesIO(ledger_xlsx([LINE]))).active
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToWidth) == ("landscape", 2)
    assert (sheet.page_setup.fitToHeight, sheet.page_setup.pageOrder) == (0, "overThenDown")
    assert (sheet.print_title_cols, sheet.print_title_rows) == ("$A:$B", "$1:$1")
    assert "&P" in sheet.oddFooter.center.text
    narrow = load_workbook(
        io.BytesIO(workbook([("表", [Column("项目", 16), Column("内容", 80)], [])]))
    ).active
    assert (narrow.page_setup.fitToWidth, narrow.print_title_cols) == (1, None)


def test_links_are_words_that_nobody_opens_by_accident():
    assert cell(sheet_of(LINE), "链接").hyperlink is None


def test_lines_keep_their_order():
    rows = [replace(LINE, serial=i, number=f"YQ-2026-{i:04d}") for i in (1, 2, 3)]
    sheet = sheet_of(*rows)
    assert [(cell(sheet, "序号", r).value, cell(sheet, "编号", r).value) for r in (2, 3, 4)] == [
        (1, "YQ-2026-0001"),
        (2, "YQ-2026-0002"),
        (3, "YQ-2026-0003"),
    ]
    assert sheet.max_row == 4


def test_without_matters_the_header_stands_alone():
    sheet = sheet_of()
    assert [c.value for c in sheet[1]] == NAMES
    assert sheet.max_row == 1

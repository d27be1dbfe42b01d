"""The forms as files: written, opened again, and every field, type and sheet read back."""

import io
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import docx as library
from builders import ZONE, make_office
from docx.oxml.ns import qn
from openpyxl import load_workbook

from bot import digest_files, paper, word
from bot.words import words
from routing.digest import ChannelLine, DayCount, Digest, Matter, Overdue, Rate, UnitLine
from routing.duty_log import DutyLog, LogLine, OnShift, WatchLine
from routing.forms import Field, Form
from routing.office import Level, Step
from routing.workflow import State

NOW = datetime(2026, 11, 17, 8, 5, tzinfo=UTC)
OFFICE = make_office()
FORM = Form(
    "舆情转办单",
    OFFICE.name,
    "YQ-2026-0001",
    (
        Field("编号", "舆转〔2026〕1号"),
        Field("等级", "Ⅲ级 较大"),
        Field("责任单位", "县住房和城乡建设局供水管理中心"),
        Field("标题", "东湖小区停水", is_long=True),
        Field("交办意见", is_long=True),
        Field("签收人"),
    ),
)


def opened(content: bytes) -> Any:
    return library.Document(io.BytesIO(content))


def cells(table: Any) -> list[list[str]]:
    """Give the words of each cell of a table, joined cells once."""
    return [
        [
            "\n".join("".join(t.text or "" for t in p.iter(qn("w:t"))) for p in tc.p_lst)
            for tc in row._tr.tc_lst
        ]
        for row in table.rows
    ]


def mm(*lengths: Any) -> list[float]:
    """Give lengths in mm; Word keeps them in twentieths of a point."""
    return [round(length.mm, 1) for length in lengths]


def lines(document: Any) -> list[str]:
    return [paragraph.text for paragraph in document.paragraphs if paragraph.text]


def test_a_form_has_every_field_in_its_order_short_ones_side_by_side():
    document = opened(paper.forms_docx([FORM], OFFICE, NOW))
    assert lines(document)[:2] == [OFFICE.name, "舆情转办单"]
    (table,) = document.tables
    assert cells(table) == [
        ["编号", "舆转〔2026〕1号", "等级", "Ⅲ级 较大"],
        ["责任单位", "县住房和城乡建设局供水管理中心"],
        ["标题", "东湖小区停水"],
        ["交办意见", ""],
        ["签收人", ""],
    ]
    assert lines(document)[2:] == ["按台账记录自动填写，空白栏由人工填写。导出时间 2026-11-17 16:05。"]


def test_an_empty_long_field_has_room_for_the_hand():
    rows = opened(paper.forms_docx([FORM], OFFICE, NOW)).tables[0].rows
    assert mm(rows[3].height, rows[2].height) == [word.ROOM_MM, word.ROW_MM]


def test_every_word_names_its_chinese_font_or_word_shows_it_in_the_latin_one():
    annexed = replace(FORM, annex=("附：答复稿（第 1 稿）", "您好。\n停水已修复。"))
    document = opened(paper.forms_docx([annexed], OFFICE, NOW))
    footer = document.sections[0].footer.paragraphs[0]._p
    runs = [*document.element.body.iter(qn("w:r")), *footer.iter(qn("w:r"))]
    fonts = [run.find(f"{qn('w:rPr')}/{qn('w:rFonts')}") for run in runs]
    assert {font.get(qn("w:eastAsia")) for font in fonts} == {"方正小标宋简体", "仿宋", "黑体", "宋体"}
    assert {font.get(qn("w:ascii")) for font in fonts} == {"Times New Roman"}
    assert lines(document)[-3:] == ["附：答复稿（第 1 稿）", "您好。", "停水已修复。"]


def test_the_sheet_is_that_of_official_papers_and_pages_are_numbered():
    section = opened(paper.forms_docx([FORM], OFFICE, NOW)).sections[0]
    assert mm(section.page_width, section.page_height) == [210, 297]
    assert mm(section.top_margin, section.bottom_margin) == [37, 35]
    assert mm(section.left_margin, section.right_margin) == [28, 26]  # leaves 156 mm for the text
    assert "PAGE" in section.footer.paragraphs[0]._p.xml


def test_a_row_longer_than_a_page_goes_on_on_the_next_and_a_short_one_of_a_log_is_not_broken():
    long = replace(FORM, fields=(Field("摘要", "停水。" * 2000, is_long=True),))
    (table,) = opened(paper.forms_docx([long], OFFICE, NOW)).tables
    assert table.rows[0]._tr.trPr.find(qn("w:cantSplit")) is None
    told = replace(LOG.lines[0], handling="退回：" + "停水。" * 400)
    (table,) = opened(paper.log_docx(replace(LOG, lines=(LOG.lines[0], told)), OFFICE, NOW)).tables
    assert [row._tr.trPr.find(qn("w:cantSplit")) is None for row in table.rows] == [True, False, True]


def test_the_last_rows_of_a_form_go_to_the_next_page_together_and_none_alone():
    def kept(*fields: Field) -> list[bool]:
        (table,) = opened(paper.forms_docx([replace(FORM, fields=fields)], OFFICE, NOW)).tables
        return [
            all(line.paragraph_format.keep_with_next for cell in row.cells for line in cell.paragraphs)
            for row in table.rows
        ]

    told = [Field(f"第{number}项", "已办结。", is_long=True) for number in range(5)]
    long = Field("摘要", "停水。" * 200, is_long=True)
    assert kept(long, *told) == [False] * 3 + [True] * 3
    assert kept(*told, long, told[0]) == [False] * 6 + [
        True
    ]  # half a page drawn along would leave half a page empty


def test_each_form_begins_on_a_page_of_its_own():
    document = opened(paper.forms_docx([FORM, FORM, FORM], OFFICE, NOW))
    heads = [p for p in document.paragraphs if p.text == OFFICE.name]
    assert [bool(p.paragraph_format.page_break_before) for p in heads] == [False, True, True]


def test_a_form_from_which_something_was_left_out_says_so_below():
    cut = replace(FORM, fields=(Field("链接", "链接和摘要按规定未导出", is_long=True),))
    note = lines(opened(paper.forms_docx([cut], OFFICE, NOW)))[-1]
    assert note.endswith("Ⅰ、Ⅱ级事项的链接和文字未导出。")
    assert "--" not in note  # a leader reads it, who types no commands


def test_signs_that_no_file_may_hold_are_left_out():
    odd = replace(FORM, fields=(Field("标题", "停\x00水\x0b\ufffe了\ud800\n第二行"),))
    (table,) = opened(paper.forms_docx([odd], OFFICE, NOW)).tables
    assert table.rows[0].cells[1].text == "停水了\n第二行"


def test_the_file_says_what_it_is_and_names_no_person():
    about = opened(paper.forms_docx([FORM], OFFICE, NOW)).core_properties
    assert (about.title, about.author, about.comments, about.language) == (
        "舆情转办单",
        "yuqing",
        "",
        "zh-CN",
    )
    assert about.created == NOW
    here = opened(paper.forms_docx([FORM], OFFICE, NOW.astimezone(OFFICE.zone))).core_properties
    assert here.created == NOW


def test_forms_in_a_workbook_are_a_line_each_on_a_sheet_a_kind():
    other = replace(FORM, title="保密审查表", fields=(Field("编号", "=1+1"), Field("信息名称", "x")))
    book = load_workbook(io.BytesIO(paper.forms_xlsx([FORM, other, FORM], OFFICE, NOW)))
    assert book.sheetnames == ["舆情转办单", "保密审查表"]
    header, *rows = book["舆情转办单"].iter_rows(values_only=True)
    assert header == ("编号", "等级", "责任单位", "标题", "交办意见", "签收人")
    assert [row[:4] for row in rows] == [tuple(field.text for field in FORM.fields[:4])] * 2
    assert (book["保密审查表"]["A2"].value, book["保密审查表"]["A2"].data_type) == ("=1+1", "s")


AT = NOW.astimezone(ZONE)
LOG = DutyLog(
    OFFICE.name,
    "2026-11-17",
    (OnShift("白班", AT, AT + timedelta(hours=10), "郑县长", ("王值班", "李值班"), ()),),
    (
        LogLine(AT, "论坛", "YQ-2026-0001 东湖小区停水", "立项", "", ""),
        LogLine(AT + timedelta(minutes=5), "值班员", "YQ-2026-0001 东湖小区停水", "转办", "县信访局", "王值班"),
    ),
    (
        WatchLine(
            1, "2026-11-17", "白班", "", AT, None, "论坛", "东湖小区停水", "http://bbs.example/1", "供水", "县信访局",
            "停水三天", 12_500, None, 7, "社情民意", "Ⅲ", "办理中", "",
        ),
    ),
)  # fmt: skip
WATCH = [
    "序号", "日期", "班次", "监测员", "发现时间", "发布时间", "发布平台", "标题", "链接", "涉及领域", "涉及单位", "原帖摘要",
    "关注量", "转发数", "评论数", "初判类别", "初判等级", "处理去向", "备注",
]  # fmt: skip


def test_the_duty_log_lies_across_the_sheet_with_its_head_on_every_page():
    document = opened(paper.log_docx(LOG, OFFICE, NOW))
    section = document.sections[0]
    assert mm(section.page_width, section.page_height) == [297, 210]
    (table,) = document.tables
    assert cells(table) == [
        ["时间", "来源", "内容", "处理", "移交", "签名"],
        ["16:05", "论坛", "YQ-2026-0001 东湖小区停水", "立项", "", ""],
        ["16:10", "值班员", "YQ-2026-0001 东湖小区停水", "转办", "县信访局", "王值班"],
    ]
    assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    assert lines(document)[1:3] == [
        "值班日志（2026-11-17）",
        "白班 11-17 16:05–11-18 02:05　值班领导 郑县长，值班员 王值班、李值班",
    ]
    assert lines(document)[-1].startswith("共 2 条记录，新增事项 1 件。")


def test_a_day_without_a_line_says_so():
    quiet = replace(LOG, lines=(), matters=(), shifts=())
    assert "当日没有记录。" in lines(opened(paper.log_docx(quiet, OFFICE, NOW)))[-1]


def test_the_workbook_of_a_day_has_both_logs_with_the_columns_of_the_forms():
    book = load_workbook(io.BytesIO(paper.log_xlsx(LOG, OFFICE, NOW)))
    assert book.sheetnames == ["值班日志", "网络舆情日志"]
    assert [c.value for c in book["值班日志"][1]] == ["时间", "来源", "内容", "处理", "移交", "签名"]
    assert book["值班日志"]["A2"].value == "2026-11-17 16:05"
    assert [c.value for c in book["网络舆情日志"][1]] == WATCH
    assert len(WATCH) == len(fields(WatchLine))
    row = dict(zip(WATCH, [c.value for c in book["网络舆情日志"][2]], strict=True))
    assert (row["标题"], row["关注量"], row["转发数"], row["初判等级"]) == ("东湖小区停水", 12_500, None, "Ⅲ")


# --- 周报、日报 ---

NO_DAY = dict.fromkeys(Level, 0)
LATE = Overdue("YQ-2026-0002", "西山小区停水", Level.III, State.TO_SIGN, (Step.SIGN,), timedelta(hours=3))
DIGEST = Digest(
    office=OFFICE.name,
    span="2026-W47",
    start=datetime(2026, 11, 16, tzinfo=ZONE),
    end=datetime(2026, 11, 23, tzinfo=ZONE),
    now=AT,
    opened=2,
    by_level=NO_DAY | {Level.III: 2},
    days=tuple(DayCount(date(2026, 11, 16 + n), NO_DAY | {Level.III: 2 * (n == 1)}) for n in range(7)),
    channels=(
        ChannelLine("petition", "社情民意", 2, 1, Rate(1, 2), Rate(0, 0), 2, (LATE,)),
        ChannelLine("office", "政府办", 0, 0, Rate(0, 0), Rate(0, 0), 0, ()),
    ),
    signed=Rate(1, 2),
    answered=Rate(0, 0),
    open_now=2,
    overdue_now=1,
    dismissed=(("与本县无关", 3),),
    items_seen=9,
    items_no_matter=4,
    items_stock=0,
    top=(Matter("YQ-2026-0001", "东湖小区停水", Level.III, State.HANDLING, 5),),
    median_sign_minutes=10,
    units=(UnitLine("社情民意", "县信访局", 1, Rate(1, 2), Rate(0, 0), 2, 1),),
)
FIELDS = [
    ("期数", "2026-W47"),
    ("统计时段", "2026-11-16 至 2026-11-22"),
    ("总数", "新增事项 2 件，采集信息 9 条"),
    ("分类数", "社情民意 2、政府办 0"),
    ("分级数", "Ⅰ级 0、Ⅱ级 0、Ⅲ级 2、Ⅳ级 0"),
    ("重点舆情", "Ⅲ级 YQ-2026-0001 东湖小区停水（办理中，5 条信息）"),
    ("处置进展", "及时签收率 1/2（50%），按时回应率 无事项，按时办结率 无事项，未办结 2 件"),
    ("超期事项", "YQ-2026-0002 西山小区停水（社情民意）：签收超期"),
    ("下期关注", ""),
]


def test_the_weekly_digest_on_paper_has_the_form_the_chart_and_the_tables():
    document = opened(digest_files.digest_docx(DIGEST, words(None)))
    assert lines(document)[:2] == [OFFICE.name, "舆情周报（2026-W47）"]
    form, channels, units = document.tables
    assert [tuple(row[:2]) for row in cells(form)] == FIELDS
    assert cells(channels)[1] == ["社情民意", "2", "1", "1/2", "无事项", "无事项", "2", "1"]
    assert cells(units)[1] == ["县信访局", "社情民意", "1", "1/2", "无事项", "2", "1"]
    (picture,) = document.inline_shapes
    assert mm(picture.width) == [156]


def test_a_week_without_matters_says_so_and_leaves_to_the_hand_only_what_is_for_the_hand():
    quiet = replace(DIGEST, top=(), channels=tuple(replace(line, overdue_now=()) for line in DIGEST.channels))
    found = {
        name: text for name, text, *_ in cells(opened(digest_files.digest_docx(quiet, words(None))).tables[0])
    }
    assert (found["重点舆情"], found["超期事项"], found["下期关注"]) == ("无", "无", "")


def test_the_digest_of_one_day_is_the_daily_one():
    day = replace(DIGEST, span="2026-11-17", days=DIGEST.days[1:2])
    assert lines(opened(digest_files.digest_docx(day, words(None))))[1] == "舆情日报（2026-11-17）"


def test_the_digest_as_a_workbook_can_be_counted_on():
    book = load_workbook(io.BytesIO(digest_files.digest_xlsx(DIGEST, words(None))))
    assert book.sheetnames == ["舆情周报", "每日", "归口渠道", "承办单位", "重点舆情", "超期事项", "不予受理"]
    assert list(book["舆情周报"].iter_rows(min_row=2, values_only=True)) == [
        (name, text or None) for name, text in FIELDS
    ]
    days = [row[0:4] + row[5:] for row in book["每日"].iter_rows(min_row=2, values_only=True)]
    assert days[1] == ("2026-11-17", 0, 0, 2, 2)
    assert sum(row[-1] for row in days) == DIGEST.opened
    assert book["超期事项"]["E2"].value == "3 小时"
    assert book["不予受理"]["B2"].value == 3

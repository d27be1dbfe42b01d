"""Older ledgers as offices have them: what is understood, what is left out, and every problem at once."""

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from old_ledgers import HEADS, headings, local, means, read, row, saved, workbook

from routing.grid import Row, Sheet, Unread
from routing.legacy_form import Field, field_named, letter
from routing.legacy_sheets import grouped, read_sheets
from routing.legacy_words import level_of, serial_day, state_of
from routing.office import Level
from routing.workflow import STATE_NAMES, State


def naive(text: str) -> datetime:
    """Give a time as a cell holds it: without a zone."""
    return local(text).replace(tzinfo=None)


def problems(*rows, **more):
    reading = read(workbook(*rows), **more)
    return [(p.line, p.where.partition("（")[0], p.reason) for p in reading.problems]


def only(*rows, **more):
    reading = read(workbook(*rows), **more)
    assert not reading.problems, reading.problems
    [matter] = reading.matters
    return matter


def test_a_row_of_the_form_is_understood_whole():
    matter = only(row())
    assert (matter.number, matter.key) == ("JN-2025-018", "jn-2025-018")
    assert (matter.title, matter.url) == ("东湖小区停水三天", "https://bbs.example.com/t/18")
    assert (matter.level, matter.channel, matter.state) == (Level.III, "petition", State.CLOSED)
    assert matter.opened_at == local("2025-01-06 08:30")
    assert matter.times[Field.CLOSED] == local("2025-01-09 00:00")
    assert matter.said["发布平台"] == "论坛"


def test_headings_stand_below_titles_in_any_order_under_other_names_on_two_lines():
    heads = ["序号", "帖文内容", "办理过程", None, "舆情标题*", "事项编号", "级别（必填）"]
    below = [None, None, "转办时间", "办结日期", None, None, None]
    book = workbook(
        below,
        [1, "路灯坏了", "2025-03-01", "2025-03-04", "文澜路路灯", "7", "四级"],
        heads=heads,
        above=[["某县网络舆情台账"], [], ["填报单位：政府办"]],
    )
    book.active.merge_cells("C4:D4")
    reading = read(book)
    assert not reading.problems
    [matter] = reading.matters
    assert (matter.row, matter.key, matter.level, matter.state) == (6, "2025:7", Level.IV, State.CLOSED)
    assert matter.opened_at == local("2025-03-01 00:00")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2025年01月06日", "2025-01-06 00:00"),
        ("2025/1/6", "2025-01-06 00:00"),
        ("2025-01-06 08:30", "2025-01-06 08:30"),
        ("２０２５-０１-０６　０８：３０", "2025-01-06 08:30"),
        (45663, "2025-01-06 00:00"),
        (45663.3541666667, "2025-01-06 08:30"),
        ("45663.3541666667", "2025-01-06 08:30"),
        (20250106, "2025-01-06 00:00"),
        (naive("2025-01-06 08:30"), "2025-01-06 08:30"),
        (date(2025, 1, 6), "2025-01-06 00:00"),
    ],
)
def test_dates_are_read_as_spreadsheets_have_them(written, meant):
    assert only(row(发布时间=written)).opened_at == local(meant)


def test_serial_numbers_of_old_macintosh_files_count_from_1904():
    assert serial_day("44201", local("2025-01-06 00:00").tzinfo, is_1904=True) == local("2025-01-06 00:00")
    assert serial_day("20251340", local("2025-01-06 00:00").tzinfo, is_1904=False) is None


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"发布时间": "去年冬天"}, ("发布时间", "日期无法识别")),
        ({"发布时间": "2027-01-06"}, ("发布时间", "日期在将来")),
        ({"发布时间": naive("1905-01-06 00:00")}, ("发布时间", "日期过早")),
        ({"发布时间": time(8, 30)}, ("发布时间", "日期只有时刻，没有年月日")),
        (
            {"发布时间": None, "交办时间": None, "签收时间": None, "办结时间": None},
            ("发布时间", "没有任何日期"),
        ),
        ({"编号": 1.23e17}, ("编号", "长编号被表格软件改成了科学计数")),
        ({"编号": "1.23E+17"}, ("编号", "长编号被表格软件改成了科学计数")),
        ({"等级": "特急"}, ("等级", "不认识的等级")),
        ({"等级": "Ⅲ、Ⅳ"}, ("等级", "不认识的等级")),
        ({"归口类别": "民生类"}, ("归口类别", "不认识的归口类别")),
        ({"归口类别": None}, ("归口类别", "已交办的要写明归口")),
        ({"标题": None, "原帖摘要": " "}, ("标题", "没有标题，也没有摘要")),
    ],
)
def test_what_cannot_be_is_told_with_row_and_column(said, problem):
    open_row = {"办结时间": None} if said == {"归口类别": None} else {}
    assert problems(row(**said, **open_row)) == [(2, *problem)]


def test_all_problems_of_all_rows_come_at_once_and_show_nothing_personal():
    reading = read(workbook(row(等级="找13800138000"), row(编号="2", 发布时间="昨", 等级="?"), row(编号="3")))
    assert [(p.line, p.where) for p in reading.problems] == [
        (2, "等级（F 列）"),
        (3, "发布时间（B 列）"),
        (3, "等级（F 列）"),
    ]
    assert "13800138000" not in str(reading.problems)
    assert all(p.cure for p in reading.problems)
    assert reading.bad == [("Sheet", 2), ("Sheet", 3)]
    assert [matter.row for matter in reading.matters] == [4]


def test_what_is_cut_of_a_cell_with_a_problem_leaves_no_part_of_a_number():
    reading = read(workbook(row(等级="很急" * 14 + "！13800138000家属")))
    assert "1380013" not in str(reading.problems)


def test_numbers_that_look_like_a_person_s_are_left_out_and_their_rows_told_apart():
    reading = read(workbook(row(编号="411602199001010010"), row(编号="411602199001010029", 标题="路灯不亮")))
    assert not reading.problems
    assert [matter.number for matter in reading.matters] == ["", ""]
    assert len({matter.key for matter in reading.matters}) == 2
    assert any("编号像个人信息" in remark.text for remark in reading.remarks)


@pytest.mark.parametrize("heading", ["网民诉求", "网友留言", "网民反映问题", "主要诉求"])
def test_what_people_ask_for_is_no_column_of_persons(heading):
    heads = [heading if name == "原帖摘要" else name for name in HEADS]
    reading = read(workbook(row(原帖摘要="停水三天，电话13800138000"), heads=heads))
    assert [matter.text for matter in reading.matters] == ["停水三天，电话[手机号已隐去]"]
    assert reading.dropped == []


def test_personal_data_in_texts_is_masked_and_columns_of_persons_are_not_read():
    book = workbook(
        [
            *row(原帖摘要="请联系张先生13800138000，身份证110101199003074477"),
            "赵某某",
            "13912345678",
            "微信abc",
            "李四",
        ],
        heads=[*HEADS, "发帖人", "联系电话", "诉求人微信", "网友昵称"],
    )
    reading = read(book)
    [matter] = reading.matters
    assert "已隐去" in matter.text
    assert matter.masked == ("手机号", "身份证号")
    stored = str(matter)
    for personal in ("13800138000", "110101199003074477", "赵某某", "13912345678", "李四", "微信abc"):
        assert personal not in stored
    [dropped] = reading.dropped
    assert dropped.startswith("工作表“Sheet”“发帖人”、“联系电话”、“诉求人微信”、“网友昵称”含个人信息")
    assert "4 个单元格" in dropped


@pytest.mark.parametrize(
    "book",
    [
        workbook(row(), above=[["秘密★1年"]]),
        workbook(row(), row(编号="2", 原帖摘要="机 密\n关于……的情况")),
        workbook([*row(), "绝密"], heads=[*HEADS, "密级"]),
    ],
)
def test_a_secrecy_mark_anywhere_ends_the_reading(book):
    reading = read(book)
    assert reading.marked
    assert (reading.matters, reading.problems, reading.remarks) == ([], [], [])


def test_a_mark_printed_above_each_page_counts_and_the_word_in_a_sentence_does_not():
    book = workbook(row(原帖摘要="网友质疑商业秘密泄露"))
    assert not read(book).marked
    book.active.oddHeader.center.text = "秘密"
    assert read(book).marked


def test_states_come_from_their_column_or_from_the_dates():
    def state(**said):
        heads = [*HEADS, "办理状态", "首回时间"]
        cells = row(**said)
        book = workbook([*cells, said.get("办理状态"), said.get("首回时间")], heads=heads)
        reading = read(book)
        return [matter.state for matter in reading.matters] or [p.reason for p in reading.problems]

    nothing = {"办结时间": None, "签收时间": None, "交办时间": None}
    assert state() == [State.CLOSED]
    assert state(办结时间=None) == [State.HANDLING]
    assert state(办结时间=None, 签收时间=None) == [State.TO_SIGN]
    assert state(**nothing) == [State.JUDGING]
    assert state(办结时间=None, 首回时间="2025-01-07") == [State.ANSWERED]
    assert state(办理状态="已归档") == [State.ARCHIVED]
    assert state(办结时间=None, 办理状态="待审核") == [State.HANDLING]
    assert state(办理状态="办理中") == ["状态还没有办结，却写了办结时间"]
    assert state(办理状态="已合并") == ["已合并的没有自己的去处"]
    assert state(办理状态="随便") == ["不认识的状态"]
    for each in State:
        if each is not State.MERGED:
            assert state_of(STATE_NAMES[each]) is not None


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Ⅰ", Level.I), ("II级", Level.II), ("三级", Level.III), ("4", Level.IV), ("橙色", Level.II),
        ("较大（Ⅲ级）", Level.III), ("🔴Ⅰ级 特别重大", Level.I), ("一般舆情", Level.IV),
        ("特急", None), ("Ⅰ/Ⅱ", None), ("不一般", None), ("", None),
    ],
)  # fmt: skip
def test_levels_are_read_in_all_their_dresses(text, level):
    assert level_of(text) is level


def test_channels_are_known_by_name_unit_key_and_by_what_the_operator_says():
    assert only(row(归口类别="petition")).channel == "petition"
    assert only(row(归口类别="社情民意承办单位")).channel == "petition"
    assert only(row(归口类别="网信办")).channel == "network"
    assert only(row(归口类别="网络舆情类")).channel == "network"
    assert only(row(归口类别="民生类"), renamed={"民生类": "petition"}).channel == "petition"


def test_strange_headings_are_named_by_the_operator_and_unknown_ones_told():
    heads = ["事由" if name == "标题" else name for name in HEADS]
    reading = read(workbook(row(原帖摘要=None), heads=heads))
    assert [p.reason for p in reading.problems] == ["没有标题，也没有摘要"]
    assert any("“事由”" in text for text in reading.dropped)
    reading = read(workbook(row(), heads=heads), headings=headings(事由="标题"))
    assert [matter.title for matter in reading.matters] == ["东湖小区停水三天"]


def test_empty_rows_repeated_headings_sums_and_joined_cells_are_no_trap():
    book = workbook(
        row(),
        [None] * 3,
        HEADS,
        row(编号="2", 归口类别="网络舆情"),
        row(编号="3", 归口类别=None, 办结时间=None),
        ["合计", "3 件"],
    )
    book.active.merge_cells("G5:G6")
    reading = read(book)
    assert not reading.problems
    assert [(m.row, m.channel) for m in reading.matters] == [(2, "petition"), (5, "network"), (6, "network")]


def test_hidden_rows_are_read_and_said_or_left_out():
    book = workbook(row(), row(编号="2"))
    book.active.row_dimensions[3].hidden = True
    reading = read(book)
    assert len(reading.matters) == 2
    assert [(remark.row, "隐藏行" in remark.text) for remark in reading.remarks if "隐藏" in remark.text] == [
        (3, True)
    ]
    assert [matter.row for matter in read(book, skip_hidden=True).matters] == [2]


def test_formulas_give_their_kept_values_or_are_told():
    book = workbook(row(标题='=A2&"停水"'))
    [problem] = read(book).problems
    assert (problem.where, problem.reason) == ("标题（D 列）", "公式还没有算出值")
    broken = Sheet("", (Row(1, HEADS), Row(2, (*row()[:-1], Unread("公式出错 #REF!")))))
    [problem] = read_sheets("台账.xlsx", [broken], means()).problems
    assert problem.reason == "公式出错 #REF!"


def test_every_sheet_with_headings_is_read_and_a_number_counts_within_its_year():
    book = workbook(row(编号="1"))
    other = book.create_sheet("2024年")
    other.append(HEADS)
    other.append(
        row(编号="1", 发布时间="2024-05-01", 交办时间="2024-05-01", 签收时间=None, 办结时间="2024-05-03")
    )
    book.create_sheet("说明").append(["填报要求：每周五前"])
    reading = read(book)
    assert [(m.sheet, m.key) for m in reading.matters] == [("Sheet", "2025:1"), ("2024年", "2024:1")]
    assert "工作表“说明”里没有找到列名，没有读" in reading.dropped


def test_the_same_row_twice_is_taken_once_and_the_same_number_with_other_words_is_a_problem():
    reading = read(workbook(row(), row(), row(标题="西山小区停水")))
    assert [matter.row for matter in reading.matters] == [2]
    assert [(remark.row, remark.text) for remark in reading.remarks] == [(3, "与第 2 行完全相同，只导入一次")]
    assert [(p.line, p.reason) for p in reading.problems] == [(4, "与第 2 行是同一编号、同一年，内容却不同")]


def test_a_row_without_a_number_is_known_again_by_what_does_not_change():
    first, later = only(row(编号=None, 办结时间=None)), only(row(编号=None))
    assert first.key == later.key
    assert first.digest != later.digest
    assert first.key != only(row(编号=None, 标题="西山小区停水")).key


def test_what_was_decided_for_a_cell_is_said():
    reading = read(workbook(row(等级=None, 链接="抖音APP", 交办时间="2025-01-08", 签收时间="2025-01-07")))
    assert {text for text, _ in grouped(reading.remarks)} == {
        "没有写等级，按Ⅳ级",
        "链接栏不是公开链接，没有导入",
        "签收时间早于交办时间，照原样导入，请核对",
    }
    assert "抖音APP" not in str(reading.matters)


def test_csv_is_read_in_both_encodings_with_line_breaks_in_cells():
    cells = row(原帖摘要='"第一行\n第二行"')
    text = ",".join(HEADS) + "\n" + ",".join(str(cell) for cell in cells) + "\n"
    for content in (
        text.encode("utf-8-sig"),
        text.encode("gb18030"),
        text.replace(",", "\t").encode("utf-16"),
    ):
        [matter] = read(content, "台账.csv").matters
        assert matter.text == "第一行\n第二行"
        assert matter.row == 2


def test_a_sheet_without_headings_is_a_problem():
    [problem] = read(workbook(heads=["甲", "乙"])).problems
    assert problem.reason == "没有找到台账的列名"


CELLS = st.one_of(
    st.none(),
    st.text(max_size=30),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=True),
    st.booleans(),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.just(Unread("公式出错")),
)


@given(st.lists(st.lists(CELLS, min_size=len(HEADS), max_size=len(HEADS)), max_size=4))
def test_no_cell_makes_the_reading_raise_and_every_row_is_a_matter_or_a_problem(rows):
    sheet = Sheet("", (Row(1, HEADS), *(Row(n, tuple(cells)) for n, cells in enumerate(rows, 2))))
    reading = read_sheets("台账.xlsx", [sheet], means())
    said = {p.line for p in reading.problems}
    told = {matter.row for matter in reading.matters} | {remark.row for remark in reading.remarks} | said
    assert not reading.problems or said
    assert reading.marked or len(told) >= (1 if reading.rows else 0)
    assert all(matter.opened_at.tzinfo and matter.title for matter in reading.matters)


@given(st.integers(0, 20_000))
def test_columns_are_named_as_spreadsheets_do(place):
    name = letter(place)
    number = 0
    for sign in name:
        number = number * 26 + ord(sign) - ord("A") + 1
    assert number == place + 1


def test_every_field_is_named_by_its_own_heading():
    assert all(field_named(field.value) is field for field in Field)
    assert saved(workbook(row()))

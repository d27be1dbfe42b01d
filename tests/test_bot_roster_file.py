"""The roster as text and as a sheet: what is taken, and what is told with row, value and cure."""

from datetime import date, datetime
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import pytest
from builders import ZONE
from openpyxl import Workbook
from test_bot_checks import folder_with

from bot.config import load_folder
from bot.roster_file import COLUMNS, Sheet, Text, load_roster
from routing.errors import ConfigError, Problem
from routing.roster import Shift

GOOD = """\
[shifts]
"早班" = "06:00-14:00"

[[duty]]
date = 2026-11-17
until = 2026-11-18
shift = "夜班"
leader = "郑县长"
staff = ["王值班"]
reserve = ["李主任"]

[[duty]]
date = 2026-11-17
shift = "早班"
staff = ["王值班", "赵联络"]
"""


def local(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=ZONE)


def read(toml: str | None = None, sheet: bytes | None = None) -> tuple[Shift[str], ...]:
    return load_roster(
        None if toml is None else Text("roster.toml", toml),
        None if sheet is None else Sheet("roster.xlsx", sheet),
        ZONE,
    )


def problems_of(toml: str | None = None, sheet: bytes | None = None) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        read(toml, sheet)
    return caught.value.problems


def sheet_of(*rows: tuple[object, ...], head: tuple[str, ...] = COLUMNS, above: int = 1) -> bytes:
    book = Workbook()
    for _ in range(above):
        book.active.append(["青禾县值班表"])
    book.active.append(list(head))
    for row in rows:
        book.active.append(list(row))
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_text_gives_shifts_by_name_in_order_of_time():
    first, second, third = read(GOOD)
    assert first == Shift("早班", local(17, 6), local(17, 14), None, ("王值班", "赵联络"), ())
    assert second == Shift("夜班", local(17, 18), local(18, 8), "郑县长", ("王值班",), ("李主任",))
    assert third == Shift("夜班", local(18, 18), local(19, 8), "郑县长", ("王值班",), ("李主任",))
    assert (first.where, second.where) == ("roster.toml:13", "roster.toml:5")


def test_a_sheet_says_the_same():
    sheet = sheet_of(
        (date(2026, 11, 17), "06:00-14:00", None, "王值班、赵联络", None),
        (None, "夜班", "郑县长", "王值班", "李主任"),
        (None, None, None, None, None),
        ("2026年11月18日", "夜班", "郑县长", "王值班", "李主任"),
    )
    first, second, third = read(sheet=sheet)
    assert first.staff == ("王值班", "赵联络")
    assert (first.starts_at, first.ends_at) == (local(17, 6), local(17, 14))
    assert second == Shift("夜班", local(17, 18), local(18, 8), "郑县长", ("王值班",), ("李主任",))
    assert third.starts_at == local(18, 18)
    assert second.where == "roster.xlsx:4"


def test_hours_named_in_the_text_count_for_the_sheet():
    sheet = sheet_of((local(17, 0).replace(tzinfo=None), "早班", "郑县长", "王值班", None))
    assert read('[shifts]\n"早班" = "06:00-14:00"\n', sheet)[0].starts_at == local(17, 6)


@pytest.mark.parametrize(
    ("old", "new", "line", "where", "word"),
    [
        ("date = 2026-11-17\nuntil", 'date = "2026-11-17"\nuntil', 5, "duty[第1个].date", "不加引号"),
        ("until = 2026-11-18", "until = 2026-11-16", 6, "duty[第1个].until", "一年以内"),
        ("until = 2026-11-18", "until = 2028-11-16", 6, "duty[第1个].until", "一年以内"),
        ('shift = "早班"', 'shift = "中班"', 13, "班次", "早班"),
        ('"06:00-14:00"', '"6 点"', 2, "shifts.早班", "08:00-18:00"),
        ('staff = ["王值班"]', "staff = []", 9, "duty[第1个].staff", ""),
        ("leader", "leeder", 8, "duty[第1个].leeder", "leader"),
    ],
)
def test_a_bad_line_of_the_text_is_told_with_the_cure(old, new, line, where, word):
    [problem] = problems_of(GOOD.replace(old, new, 1))
    assert (problem.line, problem.where) == (line, where)
    assert word in problem.cure + problem.reason


@pytest.mark.parametrize(
    ("row", "where", "word"),
    [
        (("11 月 17 日", "全天", "郑县长", "王值班", ""), "日期", "2026-11-21"),
        (("2026-13-40", "全天", "郑县长", "王值班", ""), "日期", "2026-11-21"),
        ((date(2026, 11, 17), "中班", "郑县长", "王值班", ""), "班次", "夜班"),
        ((date(2026, 11, 17), "", "郑县长", "王值班", ""), "班次", "白班"),
        ((date(2026, 11, 17), "全天", "郑县长", "", ""), "值班员", "至少写一人"),
        ((date(2026, 11, 17), "全天", "郑县长、冯县长", "王值班", ""), "值班领导", "只写一位"),
        ((date(2026, 11, 17), "全天", "郑县长", "王" * 61, ""), "姓名", "60"),
    ],
)
def test_a_bad_row_of_the_sheet_is_told_with_its_number(row, where, word):
    [problem] = problems_of(sheet=sheet_of(row))
    assert (problem.file, problem.line, problem.where) == ("roster.xlsx", 3, where)
    assert word in problem.cure


def test_all_problems_of_a_sheet_come_at_once():
    bad = (date(2026, 11, 17), "中班", "郑县长", "", "")
    assert [problem.line for problem in problems_of(sheet=sheet_of(bad, bad))] == [3, 4]


def test_a_shift_that_stands_twice_is_told_with_the_first_place():
    row = (date(2026, 11, 17), "全天", "郑县长", "王值班", "")
    [problem] = problems_of(sheet=sheet_of(row, row))
    assert problem.line == 4
    assert "第 3 行" in problem.reason


def test_a_sheet_without_its_columns_is_refused():
    [problem] = problems_of(sheet=sheet_of(head=("日子", "谁")))
    assert "日期、班次、值班领导、值班员、备用人员" in problem.cure


@pytest.mark.parametrize("content", [b"", b"no sheet", b"PK\x03\x04broken"])
def test_a_file_that_is_no_sheet_is_refused(content):
    [problem] = problems_of(sheet=content)
    assert "不是可读的 XLSX" in problem.reason


def test_duty_in_both_files_is_refused():
    sheet = sheet_of((date(2026, 11, 17), "全天", "郑县长", "王值班", ""))
    assert any("不知以哪个为准" in problem.reason for problem in problems_of(GOOD, sheet))


def test_the_template_has_no_duty_and_its_example_can_be_uncommented(tmp_path: Path):
    text = files("bot.templates").joinpath("roster.toml").read_text(encoding="utf-8")
    assert read(text) == ()
    assert len(read("\n".join(line.removeprefix("#") for line in text.splitlines() if line[:2] != "# "))) == 7


def test_a_folder_without_a_roster_is_whole_and_a_bad_one_is_told_with_the_rest(tmp_path: Path):
    folder = folder_with(tmp_path)
    assert load_folder(folder).roster == ()
    (folder / "roster.xlsx").write_bytes(sheet_of((date(2026, 11, 17), "全天", "郑县长", "王值班", "")))
    assert len(load_folder(folder).roster) == 1
    (folder / "roster.toml").write_text("nonsense", encoding="utf-8")
    (folder / "office.toml").write_text("nonsense", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_folder(folder)
    assert {Path(problem.file).name for problem in caught.value.problems} >= {"office.toml", "roster.toml"}

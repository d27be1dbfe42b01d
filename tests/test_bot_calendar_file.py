"""The office's own days: what a file of a year may say, and that deadlines follow it."""

import re
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from test_bot_checks import folder_with

from bot.calendar_file import load_calendar
from bot.config import load_folder
from routing.errors import ConfigError, Problem
from routing.office import Limit
from routing.worktime import due_at, is_workday

GOOD = """\
[[day_off]]
date = 2026-04-17
reason = "本县放假"

[[workday]]
date = 2026-05-16
reason = "集中办公"
"""


def problems_of(text: str, file: str = "2026.toml") -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        load_calendar(text, file)
    return caught.value.problems


def test_days_off_and_working_days_are_told_apart() -> None:
    assert load_calendar(GOOD, "config/calendar/2026.toml") == {"2026-04-17": False, "2026-05-16": True}


@pytest.mark.parametrize(
    ("old", "new", "line", "where", "word"),
    [
        ("2026-05-16", '"2026-05-16"', 6, "workday[第1个].date", "不加引号"),
        ("2026-05-16", "2026-05-16T08:00:00", 6, "workday[第1个].date", "不带时刻"),
        ("2026-05-16", "20260516", 6, "workday[第1个].date", "不是日期"),
        ("2026-05-16", "2027-05-16", 6, "workday[第1个].date", "移到 2027.toml"),
        ("2026-05-16", "2026-04-17", 6, "workday[第1个].date", "第 2 行已写过"),
        ('reason = "集中办公"\n', "", 5, "workday[第1个].reason", "缺少"),
        ('"集中办公"', '"忙"', 7, "workday[第1个].reason", "至少 2 个字"),
        ('"集中办公"', '["集中办公"]', 7, "workday[第1个].reason", "写成了方括号列表"),
        ("[[workday]]", "[workday]", 5, "workday", "[[workday]]（两层方括号）"),
        ("[[workday]]", "[[workdays]]", 5, "workdays", "是不是 workday"),
        ("2026-05-16", "2026-05-32", 6, "语法", "核对有没有这一天"),
    ],
)
def test_each_fault_has_its_line_its_place_and_its_cure(
    old: str, new: str, line: int, where: str, word: str
) -> None:
    assert GOOD.count(old) == 1
    (problem,) = problems_of(GOOD.replace(old, new))
    assert (problem.line, problem.where) == (line, where)
    assert word in f"{problem.reason} {problem.cure}"
    assert problem.cure


def test_all_faults_come_at_once() -> None:
    text = GOOD.replace("2026-04-17", "2025-04-17").replace('reason = "集中办公"', "")
    assert [problem.line for problem in problems_of(text)] == [2, 5]


def test_a_file_that_is_no_year_is_told_how_to_be_named() -> None:
    (problem,) = problems_of(GOOD, "calendar/local.toml")
    assert problem.value == "local.toml"
    assert "2026.toml" in problem.cure


def test_the_years_of_a_folder_come_together_and_so_do_their_faults(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    assert load_folder(folder).office.overrides == {}
    (folder / "calendar").mkdir()
    for year in ("2026", "2027"):
        (folder / "calendar" / f"{year}.toml").write_text(GOOD.replace("2026", year), encoding="utf-8")
    (folder / "calendar" / "2027.toml.bak").write_text("nonsense", encoding="utf-8")
    assert sorted(load_folder(folder).office.overrides) == [
        "2026-04-17",
        "2026-05-16",
        "2027-04-17",
        "2027-05-16",
    ]
    (folder / "calendar" / "2026.toml").write_text("nonsense", encoding="utf-8")
    (folder / "calendar" / "2027.toml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_folder(folder)
    assert [Path(p.file).name for p in caught.value.problems] == ["2026.toml", "2027.toml", "2027.toml"]


def test_a_deadline_follows_the_offices_own_days(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    (folder / "calendar").mkdir()
    (folder / "calendar" / "2026.toml").write_text(GOOD, encoding="utf-8")
    office = load_folder(folder).office
    hour = Limit(60, working=True)

    def due(*day: int) -> datetime:
        start = datetime(*day, 17, 30, tzinfo=office.zone).astimezone(UTC)  # type: ignore[misc,arg-type]
        return due_at(start, hour, office.hours, office.zone, office.overrides).at.astimezone(office.zone)

    assert due(2026, 4, 16) == datetime(2026, 4, 20, 9, 0, tzinfo=office.zone)  # Friday is off
    assert due(2026, 5, 15) == datetime(2026, 5, 16, 9, 0, tzinfo=office.zone)  # Saturday is worked
    assert is_workday(date(2026, 4, 17), office.overrides) == (False, False)


def test_what_init_writes_says_nothing_until_it_is_uncommented() -> None:
    text = files("bot.templates").joinpath("calendar.toml").read_text(encoding="utf-8")
    assert load_calendar(text, "2026.toml") == {}
    assert len(load_calendar(re.sub("^#(?=[^ ])", "", text, flags=re.MULTILINE), "2026.toml")) == 2

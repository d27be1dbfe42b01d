"""`roster.toml`, or a sheet `roster.xlsx` beside it -> the turns of duty (班次) by name. Reads no files.

The sheet has the columns 日期、班次、值班领导、值班员、备用人员 of the form 值班表; an empty 日期 is that of the row above, for
sheets join such cells. Which hours a 班次 has stands in `[shifts]`, or in the cell itself (`08:00-18:00`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot import sheets
from routing.errors import ConfigError, Problem
from routing.grid import Unread
from routing.people import NAME_MAX
from routing.roster import Shift, days
from routing.toml_lines import Locator, Refused, problems_from_pydantic, read_toml

COLUMNS = ("日期", "班次", "值班领导", "值班员", "备用人员")
DEFAULT_HOURS = {"全天": "08:00-08:00", "白班": "08:00-18:00", "夜班": "18:00-08:00"}
"""Project default, for rosters that name no hours."""
ROWS_MAX, HEAD_WITHIN = 5_000, 10
LONGEST = timedelta(days=366)

_HOURS = re.compile(r"([01]?\d|2[0-3])[:：]([0-5]\d)\s*[-—–~至]\s*([01]?\d|2[0-3])[:：]([0-5]\d)")
_DATE = re.compile(r"(20\d\d)[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_SPLIT = re.compile(r"[、，,；;/\s]+")


@dataclass(frozen=True, slots=True)
class Text:
    """What a file holds, and its name for messages."""

    file: str
    content: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """The same of an XLSX file."""

    file: str
    content: bytes


def _day(value: object) -> object:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Refused("不是日期", "写成 2026-11-21 的样子，不加引号，不带时刻")
    return value


def _hours(text: str) -> str:
    if not _HOURS.fullmatch(text):
        raise Refused("不是起止时刻", '写成 "08:00-18:00"；到次日的写 "18:00-08:00"')
    return text


Day = Annotated[date, BeforeValidator(_day)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX)]
ShiftName = Annotated[str, Field(min_length=1, max_length=24)]


class _Duty(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    date: Day
    until: Day | None = None
    shift: ShiftName
    leader: Name | None = None
    staff: tuple[Name, ...] = Field(min_length=1)
    reserve: tuple[Name, ...] = ()


class _Roster(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    shifts: dict[ShiftName, Annotated[str, AfterValidator(_hours)]] = Field(default_factory=dict)
    duty: tuple[_Duty, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of duty from either file: `place` is told in problems as (line, column or key)."""

    file: str
    line: int | None
    first: date
    last: date
    shift: str
    leader: str | None
    staff: tuple[str, ...]
    reserve: tuple[str, ...]


def load_roster(toml: Text | None, sheet: Sheet | None, zone: ZoneInfo) -> tuple[Shift[str], ...]:
    """Read the roster, in order of time. Raises ConfigError with every problem of both files."""
    problems: list[Problem] = []
    hours: Mapping[str, str] = DEFAULT_HOURS
    lines: list[_Line] = []
    if toml is not None:
        read, locator = _read(toml)
        hours = {**DEFAULT_HOURS, **read.shifts}
        lines += _lines_of_toml(read, locator, toml.file, problems)
    if sheet is not None:
        if lines and toml is not None:
            reason = f"{toml.file} 里也排了班，不知以哪个为准"
            problems.append(Problem(sheet.file, None, "文件", "", reason, "删去 [[duty]] 或移走这个文件"))
        lines += _lines_of_sheet(sheet, problems)
    shifts = tuple(_shifts(lines, hours, zone, problems))
    if problems:
        raise ConfigError(problems)
    return tuple(sorted(shifts, key=lambda shift: (shift.starts_at, shift.ends_at)))


def _read(toml: Text) -> tuple[_Roster, Locator]:
    data, locator = read_toml(toml.content, toml.file)
    try:
        return _Roster.model_validate(data), locator
    except ValidationError as error:
        raise ConfigError(problems_from_pydantic(error, locator, toml.file, model=_Roster)) from error


def _lines_of_toml(read: _Roster, locator: Locator, file: str, problems: list[Problem]) -> Iterator[_Line]:
    for index, entry in enumerate(read.duty):
        line, last = locator.line(("duty", index, "date")), entry.until or entry.date
        if not entry.date <= last <= entry.date + LONGEST:
            place = locator.line(("duty", index, "until"))
            cure = f"应在 {entry.date} 之后一年以内"
            problems.append(Problem(file, place, f"duty[第{index + 1}个].until", str(last), "日期不对", cure))
            continue
        yield _Line(file, line, entry.date, last, entry.shift, entry.leader, entry.staff, entry.reserve)


def _shifts(
    lines: Sequence[_Line], hours: Mapping[str, str], zone: ZoneInfo, problems: list[Problem]
) -> Iterator[Shift[str]]:
    first: dict[tuple[str, datetime], int | None] = {}
    for line in lines:
        written = _HOURS.fullmatch(hours.get(line.shift, line.shift))
        if written is None:
            cure = f"可用的有 {'、'.join(hours)}，或直接写起止时刻，如 08:00-18:00"
            problems.append(Problem(line.file, line.line, "班次", line.shift, "没有这个班次", cure))
            continue
        a, b, c, d = (int(part) for part in written.groups())
        for begins, ends in days(line.first, line.last, (a * 60 + b, c * 60 + d), zone):
            if (line.shift, begins) in first:
                reason = f"{begins.astimezone(zone):%Y-%m-%d} 已在第 {first[line.shift, begins]} 行排过"
                problems.append(Problem(line.file, line.line, "班次", line.shift, reason, "请只留一处"))
                break
            first[line.shift, begins] = line.line
            where = f"{line.file}:{line.line}"
            yield Shift(line.shift, begins, ends, line.leader, line.staff, line.reserve, where)


# --- the sheet -----------------------------------------------------------------------------------------------------


def _lines_of_sheet(sheet: Sheet, problems: list[Problem]) -> Iterator[_Line]:
    rows = _rows(sheet)
    head = next((number for number, row in rows if set(COLUMNS[:4]) <= {_text(cell) for cell in row}), None)
    if head is None:
        cure = f"前 {HEAD_WITHIN} 行里要有一行列名：{'、'.join(COLUMNS)}"
        problems.append(Problem(sheet.file, None, "列名", "", "没有找到", cure))
        return
    names = [_text(cell) for cell in dict(rows)[head]]
    at = {name: names.index(name) for name in COLUMNS if name in names}
    day: date | None = None
    for number, row in rows:
        cells = {name: row[place] if place < len(row) else None for name, place in at.items()}
        if number <= head or not any(_text(cell) for cell in cells.values()):
            continue
        line = _line(sheet.file, number, cells, day, problems)
        day = line.first if line else day
        if line is not None and line.staff:
            yield line


def _rows(sheet: Sheet) -> list[tuple[int, tuple[Any, ...]]]:
    [first] = sheets.read_xlsx(sheet.file, sheet.content, only_first=True)
    return [(row.number, row.cells) for row in first.rows[:ROWS_MAX]]


def _line(
    file: str, number: int, cells: Mapping[str, Any], above: date | None, problems: list[Problem]
) -> _Line | None:
    def complain(column: str, reason: str, cure: str) -> None:
        problems.append(Problem(file, number, column, _text(cells[column]), reason, cure))

    day = _date(cells["日期"]) if _text(cells["日期"]) else above
    if day is None:
        complain("日期", "不是日期", "写成 2026-11-21，或用日期格式的单元格")
        return None
    staff, reserve = _names(cells["值班员"]), _names(cells.get("备用人员"))
    leaders = _names(cells["值班领导"])
    if len(leaders) > 1:
        complain("值班领导", "写了不止一人", "每班只写一位带班领导，其余写进备用人员")
    if not staff:
        complain("值班员", "是空的", "每班至少写一人")
    if not _text(cells["班次"]):
        complain("班次", "是空的", "写班次名称，如 全天、白班、夜班")
    if long := next((name for name in (*leaders, *staff, *reserve) if len(name) > NAME_MAX), None):
        problems.append(Problem(file, number, "姓名", long[:20] + "…", "太长", f"最多 {NAME_MAX} 字"))
    leader = leaders[0] if leaders else None
    return _Line(file, number, day, day, _text(cells["班次"]) or "全天", leader, staff, reserve)


def _date(cell: object) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    match = _DATE.fullmatch(_text(cell))
    try:
        return date(*(int(part) for part in match.groups())) if match else None
    except ValueError:
        return None


def _names(cell: object) -> tuple[str, ...]:
    return tuple(name for name in _SPLIT.split(_text(cell)) if name)


def _text(cell: object) -> str:
    return "" if cell is None or isinstance(cell, Unread) else str(cell).strip()

"""`calendar/<year>.toml`: the days on which this office departs from the State Council's calendar. Reads no files.

The calendar itself is built in (`routing/worktime.py`); a file here only adds days off and working days, each with the
reason, so that whoever computes a deadline again can see why it fell where it did.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from routing.errors import ConfigError, Problem
from routing.toml_lines import Locator, Refused, dotted, problems_from_pydantic, read_toml

_works = {"day_off": False, "workday": True}


def _day(value: object) -> object:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Refused("不是日期", "写成 2026-05-06 的样子，不加引号，不带时刻")
    return value


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    date: Annotated[date, BeforeValidator(_day)]
    reason: str = Field(min_length=2, max_length=60)


class _Calendar(BaseModel):
    model_config = ConfigDict(extra="forbid")

    day_off: tuple[_Entry, ...] = ()
    workday: tuple[_Entry, ...] = ()


def load_calendar(text: str, file: str) -> Mapping[str, bool]:
    """Read one year: ISO date to whether it is worked. Raises ConfigError with every problem of the file."""
    data, locator = read_toml(text, file)
    problems = list(_misplaced(data, locator, file))
    try:
        read = _Calendar.model_validate(data)
    except ValidationError as error:
        raise ConfigError(
            [*problems, *problems_from_pydantic(error, locator, file, model=_Calendar)]
        ) from error
    if problems:
        raise ConfigError(problems)
    return {entry.date.isoformat(): works for key, works in _works.items() for entry in getattr(read, key)}


def _misplaced(data: Mapping[str, Any], locator: Locator, file: str) -> Iterator[Problem]:
    """Find days of another year, and days that are named twice: which of the two should hold?"""
    name = PurePath(file).name
    year = int(name[:4]) if re.fullmatch(r"20\d\d\.toml", name) else None
    if year is None:
        yield Problem(file, None, "文件名", name, "文件名不是年份", "请改成 2026.toml 的样子，一年一个文件")
    first: dict[date, int | None] = {}
    for path, day in sorted(_days(data), key=lambda found: locator.line(found[0]) or 0):
        line = locator.line(path)
        if year is not None and day.year != year:
            cure = f"请改正日期，或移到 {day.year}.toml"
            yield Problem(file, line, dotted(path), day.isoformat(), f"不在 {year} 年", cure)
        if day in first:
            reason = f"这一天写了两次，第 {first[day]} 行已写过"
            yield Problem(file, line, dotted(path), day.isoformat(), reason, "请只留一处")
        first.setdefault(day, line)


def _days(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], date]]:
    for key in _works:
        entries = data.get(key)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            day = entry.get("date") if isinstance(entry, dict) else None
            if isinstance(day, date) and not isinstance(day, datetime):
                yield (key, index, "date"), day

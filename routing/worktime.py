"""When a limit ends: clock minutes day and night, or working minutes by the State Council's calendar.

The working days come from the `chinesecalendar` package, a table made from the yearly notice. For a year that it
does not know yet only weekends count and the result says so (暂定); it is never guessed further.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar

from routing.office import Limit, WorkingHours


@dataclass(frozen=True, slots=True)
class Due:
    """The end of a limit, aware UTC; `tentative` where a year's calendar is not published yet."""

    at: datetime
    tentative: bool = False


def due_at(
    start: datetime,
    limit: Limit,
    hours: WorkingHours,
    zone: ZoneInfo,
    overrides: Mapping[str, bool] | None = None,
) -> Due:
    """Count `limit` from `start` (aware). Working minutes count only inside the office's hours of working days."""
    if not limit.working:
        return Due((start + timedelta(minutes=limit.minutes)).astimezone(UTC))
    left = timedelta(minutes=limit.minutes)
    tentative = False
    for opens, closes, guessed in _stretches(start.astimezone(zone), hours, zone, overrides or {}):
        tentative = tentative or guessed
        begin = max(opens, start.astimezone(zone))
        if closes - begin >= left:
            return Due((begin + left).astimezone(UTC), tentative)
        left -= closes - begin
    raise AssertionError("unreachable: working days never end")


def is_workday(day: date, overrides: Mapping[str, bool]) -> tuple[bool, bool]:
    """Tell whether `day` is a working day, and whether that is only a guess from the weekday."""
    if day.isoformat() in overrides:
        return overrides[day.isoformat()], False
    try:
        return bool(chinese_calendar.is_workday(day)), False
    except NotImplementedError:
        return day.weekday() < 5, True


def is_public_holiday(day: date, overrides: Mapping[str, bool]) -> bool:
    """Tell whether `day` is a holiday by law (法定节假日) or a day off of the office's own; an ordinary weekend is neither.

    In a year whose notice is not published yet no day is known to be one.
    """
    if day.isoformat() in overrides:
        return not overrides[day.isoformat()]
    try:
        off, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        return False
    return bool(off and name)


def _stretches(
    start: datetime, hours: WorkingHours, zone: ZoneInfo, overrides: Mapping[str, bool]
) -> Iterator[tuple[datetime, datetime, bool]]:
    day = start.date()
    while True:
        works, guessed = is_workday(day, overrides)
        if works:
            for begins, ends in hours.stretches:
                end = datetime.combine(day, ends, zone)
                if end > start:
                    yield datetime.combine(day, begins, zone), end, guessed
        day += timedelta(days=1)

"""When a limit ends: clock minutes day and night, working minutes or days by the State Council's calendar.

The working days come from the `chinesecalendar` package, a table made from the yearly notice. For a year that it
does not know yet only weekends count and the result says so (暂定); it is never guessed further.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import chinese_calendar

from routing.office import Level, Limit, Office, Step, WorkingHours


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
    """Count `limit` from `start` (aware). Working minutes count only inside the office's hours of working days.

    Of working days the first does not count, and the last ends when the office closes (民法典 第二百零一条、第二百零三条).
    """
    if limit.days:
        return _closing(start.astimezone(zone), limit.days, hours, zone, overrides or {})
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


def part_of(
    start: datetime,
    due: datetime,
    part: float,
    hours: WorkingHours,
    zone: ZoneInfo,
    overrides: Mapping[str, bool],
) -> datetime:
    """Give when `part` in [0, 1] of the office's hours between `start` and `due` (aware) has passed, aware UTC.

    Where the office is closed all the while, it is the part of the clock's time.
    """
    open_ = []
    for opens, closes, _ in _stretches(start.astimezone(zone), hours, zone, overrides):
        if opens >= due:
            break
        open_.append((max(opens, start), min(closes, due)))
    if part >= 1 or not open_:
        return start + (due - start) * part
    left = sum((closes - opens for opens, closes in open_), timedelta()) * part
    for opens, closes in open_:
        if closes - opens >= left:
            return (opens + left).astimezone(UTC)
        left -= closes - opens
    return due


def is_open(at: datetime, hours: WorkingHours, zone: ZoneInfo, overrides: Mapping[str, bool]) -> bool:
    """Tell whether `at` (aware) lies within the office's hours of a working day."""
    here = at.astimezone(zone)
    works, _ = is_workday(here.date(), overrides)
    return works and any(opens <= here.time() < closes for opens, closes in hours.stretches)


def next_opening(start: datetime, hours: WorkingHours, zone: ZoneInfo, overrides: Mapping[str, bool]) -> Due:
    """Give when the office opens on the first working day after that of `start`."""
    for day, guessed in _workdays(start.astimezone(zone).date(), overrides):
        return Due(datetime.combine(day, hours.stretches[0][0], zone).astimezone(UTC), guessed)
    raise AssertionError("unreachable: working days never end")


def opens_at(start: datetime, hours: WorkingHours, zone: ZoneInfo, overrides: Mapping[str, bool]) -> datetime:
    """Give `start` (aware) where the office is open then, else when it opens next, aware UTC."""
    opens, _, _ = next(_stretches(start.astimezone(zone), hours, zone, overrides))
    return max(opens, start).astimezone(UTC)


def stood(
    limit: Limit,
    since: datetime,
    until: datetime,
    hours: WorkingHours,
    zone: ZoneInfo,
    overrides: Mapping[str, bool],
) -> Limit:
    """Measure a pause in what its limit is counted in: by how much the limit ends later.

    Of whole days those count on which work was begun after the pause had, so that a pause within one day is none.
    """
    if not limit.working:
        return Limit(max(0, int((until - since).total_seconds() // 60)))
    end = until.astimezone(zone)
    if limit.days:
        last = end.date()
        gone = takewhile(lambda day: day[0] <= last, _workdays(since.astimezone(zone).date(), overrides))
        return Limit(working=True, days=sum(1 for _ in gone))
    length = timedelta()
    for opens, closes, _ in _stretches(since.astimezone(zone), hours, zone, overrides):
        if opens >= end:
            break
        length += min(closes, end) - max(opens, since.astimezone(zone))
    return Limit(int(length.total_seconds() // 60), working=True)


def _closing(
    start: datetime, count: int, hours: WorkingHours, zone: ZoneInfo, overrides: Mapping[str, bool]
) -> Due:
    tentative = False
    for day, guessed in _workdays(start.date(), overrides):
        tentative = tentative or guessed
        count -= 1
        if not count:
            return Due(datetime.combine(day, hours.stretches[-1][1], zone).astimezone(UTC), tentative)
    raise AssertionError("unreachable: working days never end")


def _workdays(after: date, overrides: Mapping[str, bool]) -> Iterator[tuple[date, bool]]:
    """Go through the working days after a day, each with whether it is only a guess."""
    day = after
    while True:
        day += timedelta(days=1)
        works, guessed = is_workday(day, overrides)
        if works:
            yield day, guessed


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


def counted(
    office: Office, step: Step, level: Level, risen: Mapping[Level, datetime], started: datetime
) -> tuple[Limit, datetime] | None:
    """Give the limit by which a step that began at `started` is judged, and from when it is counted.

    `risen`: since when a matter has stood at a level or a graver one without a break, where it rose to it. A rise gives what
    runs the limit of the new level from the rise on, and never more time than it had: nothing is late by a level that it
    had not when it was due. None: the office has no such limit at this level.
    """
    limits = office.limits.get(step, {})
    if level not in limits:
        return None
    since: dict[datetime, Level] = {}
    for each in Level:  # the gravest first: it alone counts of those that came together
        if each >= level and each in limits:
            since.setdefault(max(started, risen.get(each, started)), each)
    found = [(limits[each], begun) for begun, each in since.items()]
    if len(found) == 1:
        return found[0]
    return min(found, key=lambda one: due_at(one[1], one[0], office.hours, office.zone, office.overrides).at)


def return_until(
    office: Office, level: Level, risen: Mapping[Level, datetime], dispatched_at: datetime
) -> datetime | None:
    """Give until when a unit may give a matter back (退回), aware UTC; None where the office sets no such limit."""
    found = counted(office, Step.RETURN, level, risen, dispatched_at)
    return due_at(found[1], found[0], office.hours, office.zone, office.overrides).at if found else None

"""Time as a value that is passed in: the clock type, the one real clock, and week edges in a zone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Tell the time, aware, UTC. The composition root hands it down; nothing else reads the clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of time [start, end), aware UTC, with the name people give it (`2026-W47`)."""

    name: str
    start: datetime
    end: datetime


def week_of(moment: datetime, zone: ZoneInfo) -> Span:
    """Give the ISO week that holds `moment`, Monday 00:00 to Monday 00:00 of the office's zone."""
    local = moment.astimezone(zone).date()
    monday = local - timedelta(days=local.weekday())
    year, week, _ = monday.isocalendar()
    return Span(f"{year}-W{week:02d}", _midnight(monday, zone), _midnight(monday + timedelta(days=7), zone))


def week_named(name: str, zone: ZoneInfo) -> Span:
    """Give the week written as `2026-W47`. Raises ValueError for anything else."""
    year, _, week = name.partition("-W")
    return week_of(_midnight(date.fromisocalendar(int(year), int(week), 1), zone), zone)


def day_named(name: str, zone: ZoneInfo) -> Span:
    """Give the day written as `2026-11-21`, midnight to midnight of the zone. Raises ValueError otherwise."""
    day = date.fromisoformat(name)
    return Span(day.isoformat(), _midnight(day, zone), _midnight(day + timedelta(days=1), zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # Local midnight first, then UTC: adding 24 h in UTC would be wrong where the clock changes.
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)

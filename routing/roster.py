"""The roster (值班表) as values: who is on duty at an instant, what comes next, gaps, double bookings, thin holidays. Pure.

People are names in a file and person ids in the database; the arithmetic is the same for both.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import combinations
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

P = TypeVar("P", str, int)

HOLIDAY_STAFF = 2
"""Duty officers (值班员) of a shift on a public holiday, beside one leader: 靖远县值班制度; elsewhere project default."""


@dataclass(frozen=True, slots=True)
class Shift(Generic[P]):
    """One turn of duty (班次) [starts_at, ends_at), aware UTC. `leader` is the 值班领导, `reserve` the 备用人员.

    `where` is its place in the file it came from, for messages; empty for one from the database.
    """

    name: str
    starts_at: datetime
    ends_at: datetime
    leader: P | None
    staff: tuple[P, ...]
    reserve: tuple[P, ...] = ()
    where: str = field(default="", compare=False)

    def people(self) -> tuple[P, ...]:
        """Give everybody who is named in it, leader first, as often as he is named."""
        return (*(() if self.leader is None else (self.leader,)), *self.staff, *self.reserve)


class Fault(StrEnum):
    """What is wrong with a roster."""

    GAP = "gap"  # nobody is on duty
    LEADER = "leader"  # no leader
    RESERVE = "reserve"  # nobody to step in
    HOLIDAY = "holiday"  # too few on a public holiday
    DOUBLE = "double"  # one person at two posts at once


@dataclass(frozen=True, slots=True)
class Finding(Generic[P]):
    """One fault: of which stretch (aware UTC), in which shifts, and who is concerned."""

    fault: Fault
    starts_at: datetime
    ends_at: datetime
    shifts: tuple[str, ...] = ()
    who: tuple[P, ...] = ()


def at(shifts: Sequence[Shift[P]], moment: datetime) -> list[Shift[P]]:
    """Give the shifts that run at an instant, the one that began first in front."""
    running = [shift for shift in shifts if shift.starts_at <= moment < shift.ends_at]
    return sorted(running, key=lambda shift: shift.starts_at)


def following(shifts: Sequence[Shift[P]], moment: datetime) -> list[Shift[P]]:
    """Give the shifts that begin next after an instant, all that begin at the same time."""
    later = [shift for shift in shifts if shift.starts_at > moment]
    first = min((shift.starts_at for shift in later), default=None)
    return [shift for shift in later if shift.starts_at == first]


def gaps(shifts: Sequence[Shift[P]], start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Give the stretches within [start, end) in which no shift with a duty officer runs, in order."""
    covered = start
    for shift in sorted((s for s in shifts if s.staff), key=lambda s: s.starts_at):
        if shift.starts_at >= end:
            break
        if shift.starts_at > covered:
            yield covered, shift.starts_at
        covered = max(covered, shift.ends_at)
    if covered < end:
        yield covered, end


def findings(
    shifts: Sequence[Shift[P]],
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
    is_holiday: Callable[[date], bool],
) -> list[Finding[P]]:
    """List what is wrong within [start, end), in order of time; a day is that on which a shift begins in `zone`."""
    within = [shift for shift in shifts if shift.starts_at < end and shift.ends_at > start]
    found: list[Finding[P]] = [Finding(Fault.GAP, begins, ends) for begins, ends in gaps(shifts, start, end)]
    for shift in within:
        stretch = shift.starts_at, shift.ends_at, (shift.name,)
        if shift.leader is None:
            found.append(Finding(Fault.LEADER, *stretch))
        if not shift.reserve:
            found.append(Finding(Fault.RESERVE, *stretch))
        if is_holiday(shift.starts_at.astimezone(zone).date()) and len(set(shift.staff)) < HOLIDAY_STAFF:
            found.append(Finding(Fault.HOLIDAY, *stretch))
        if twice := _twice(shift):
            found.append(Finding(Fault.DOUBLE, *stretch, twice))
    for one, other in combinations(within, 2):
        begins, ends = max(one.starts_at, other.starts_at), min(one.ends_at, other.ends_at)
        both = tuple(person for person in dict.fromkeys(one.people()) if person in other.people())
        if begins < ends and both:
            found.append(Finding(Fault.DOUBLE, begins, ends, (one.name, other.name), both))
    return sorted(found, key=lambda finding: finding.starts_at)


def _twice(shift: Shift[P]) -> tuple[P, ...]:
    named = shift.people()
    return tuple(person for person in dict.fromkeys(named) if named.count(person) > 1)


def days(
    first: date,
    last: date,
    hours: tuple[int, int],
    zone: ZoneInfo,
) -> Iterator[tuple[datetime, datetime]]:
    """Give start and end (aware UTC) of a shift on each day from `first` to `last`, both included.

    `hours`: minutes of the day at which it starts and ends; one that does not end later than it starts ends the next day.
    """
    begins, ends = hours
    day = first
    while day <= last:
        until = day + timedelta(days=ends <= begins)
        yield _instant(day, begins, zone), _instant(until, ends, zone)
        day += timedelta(days=1)


def _instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=zone).astimezone(UTC)

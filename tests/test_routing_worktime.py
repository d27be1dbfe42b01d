"""Limits over nights, lunches, holidays and working weekends; and years whose calendar nobody knows yet."""

from datetime import UTC, date, datetime

import pytest
from builders import ZONE

from routing.office import Limit, WorkingHours
from routing.worktime import Due, due_at, is_open, is_workday, part_of

HOURS = WorkingHours()  # 08:30-12:00 and 14:00-18:00


def local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


def due(start: str, limit: Limit, **overrides: bool) -> Due:
    days = {key.replace("_", "-").removeprefix("d"): works for key, works in overrides.items()}
    return due_at(local(start).astimezone(UTC), limit, HOURS, ZONE, days)


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-11-17 09:00", 60, "2026-11-17 10:00"),
        ("2026-11-17 11:30", 60, "2026-11-17 14:30"),  # over lunch
        ("2026-11-17 11:30", 30, "2026-11-17 12:00"),  # ends with the morning
        ("2026-11-17 12:30", 60, "2026-11-17 15:00"),  # begun at lunch
        ("2026-11-17 07:00", 60, "2026-11-17 09:30"),  # before the office opens
        ("2026-11-17 17:00", 60, "2026-11-17 18:00"),  # ends with the day
        ("2026-11-17 17:00", 61, "2026-11-18 08:31"),
        ("2026-11-17 18:00", 60, "2026-11-18 09:30"),  # at closing time
        ("2026-11-17 23:59", 60, "2026-11-18 09:30"),
        ("2026-11-16 09:00", 900, "2026-11-18 09:00"),  # two days of seven and a half hours
        ("2026-11-20 17:30", 60, "2026-11-23 09:00"),  # a weekend
        ("2026-09-30 17:00", 120, "2026-10-08 09:30"),  # National Day: the 1st to the 7th
        ("2026-10-03 10:00", 60, "2026-10-08 09:30"),
        ("2026-10-09 17:30", 60, "2026-10-10 09:00"),  # Saturday the 10th is worked
        ("2026-10-10 17:30", 60, "2026-10-12 09:00"),  # and Sunday the 11th is not
        ("2026-09-19 10:00", 60, "2026-09-20 09:30"),  # Sunday the 20th is worked
        ("2026-02-14 17:30", 60, "2026-02-24 09:00"),  # Spring Festival: the 15th to the 23rd
    ],
)
def test_working_minutes_count_in_office_hours_of_working_days_only(start, minutes, end):
    assert due(start, Limit(minutes, working=True)) == Due(local(end).astimezone(UTC))


@pytest.mark.parametrize(
    ("at", "is_there"),
    [
        ("2026-11-17 08:29", False),
        ("2026-11-17 08:30", True),
        ("2026-11-17 12:00", False),
        ("2026-11-17 14:00", True),
        ("2026-11-17 18:00", False),
        ("2026-11-21 10:00", False),  # a Saturday
        ("2026-10-10 10:00", True),  # a Saturday that is worked
        ("2026-10-05 10:00", False),  # a Monday of National Day
    ],
)
def test_the_office_is_open_in_its_hours_of_working_days(at, is_there):
    assert is_open(local(at).astimezone(UTC), HOURS, ZONE, {}) is is_there


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-10-01 10:00", 48 * 60, "2026-10-03 10:00"),
        ("2026-11-20 23:50", 20, "2026-11-21 00:10"),
        ("2099-06-05 10:00", 24 * 60, "2099-06-06 10:00"),
    ],
)
def test_limits_by_the_clock_run_through_nights_and_holidays(start, minutes, end):
    assert due(start, Limit(minutes)) == Due(local(end).astimezone(UTC), tentative=False)


@pytest.mark.parametrize(
    ("start", "end", "part", "at"),
    [
        ("2026-11-17 09:00", "2026-11-17 11:00", 0.5, "2026-11-17 10:00"),
        ("2026-11-17 11:00", "2026-11-17 15:00", 0.5, "2026-11-17 12:00"),  # lunch is no part of it
        ("2026-11-22 08:00", "2026-11-23 14:30", 0.5, "2026-11-23 10:30"),  # found on a Sunday
        ("2026-11-22 08:00", "2026-11-23 14:30", 1.0, "2026-11-23 14:30"),
        ("2026-11-20 17:00", "2026-11-23 09:30", 0.8, "2026-11-23 09:06"),
        ("2026-11-21 10:00", "2026-11-21 20:00", 0.5, "2026-11-21 15:00"),  # closed all the while
    ],
)
def test_a_part_of_a_limit_is_a_part_of_the_hours_in_which_the_office_is_open(start, end, part, at):
    assert part_of(local(start), local(end), part, HOURS, ZONE, {}) == local(at)


def test_a_year_without_a_calendar_counts_weekends_and_says_that_it_guesses():
    answer = due("2099-06-05 17:30", Limit(60, working=True))  # a Friday
    assert answer == Due(local("2099-06-08 09:00").astimezone(UTC), tentative=True)


def test_the_office_may_know_a_day_better_than_the_calendar():
    off = due("2026-11-17 17:30", Limit(60, working=True), d2026_11_18=False)
    assert off.at == local("2026-11-19 09:00")
    on = due("2026-11-20 17:30", Limit(60, working=True), d2026_11_21=True)
    assert on.at == local("2026-11-21 09:00")
    known = due("2099-06-05 17:00", Limit(30, working=True), d2099_06_05=True)
    assert known == Due(local("2099-06-05 17:30").astimezone(UTC), tentative=False)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        *((f"2026-10-{day:02d}", False) for day in range(1, 8)),
        *((day, True) for day in ("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20")),
        *((day, False) for day in ("2026-01-01", "2026-04-06", "2026-05-01", "2026-06-19", "2026-09-25")),
    ],
)
def test_the_days_of_2026_are_those_of_the_yearly_notice(day, works):
    assert is_workday(date.fromisoformat(day), {}) == (works, False)


def test_the_end_is_given_in_utc_however_the_start_was_written():
    for zone in (UTC, ZONE):
        answer = due_at(local("2026-11-17 09:00").astimezone(zone), Limit(60, working=True), HOURS, ZONE)
        assert answer.at.tzinfo is UTC
        assert answer.at == datetime(2026, 11, 17, 2, 0, tzinfo=UTC)

"""The arithmetic of a roster: who is on duty, gaps, double bookings, holidays."""

from datetime import date, datetime, timedelta

import pytest
from builders import ZONE

from routing.roster import Fault, Finding, Shift, at, days, findings, following, gaps
from routing.worktime import is_public_holiday


def local(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=ZONE)


def shift(day: int, begins: int, length: int, *staff: str, name: str = "班", **more: object) -> Shift[str]:
    start = local(day, begins)
    values = {"leader": "郑县长", "reserve": ("备用",), **more}
    return Shift(name, start, start + timedelta(hours=length), values["leader"], staff, values["reserve"])  # type: ignore[arg-type]


DAY = shift(17, 8, 10, "甲", name="白班")
NIGHT = shift(17, 18, 14, "乙", name="夜班", leader="冯县长", reserve=("丙",))
NEXT = shift(18, 8, 10, "丁", name="白班")


def found(*shifts: Shift[str], until: int = 18, holiday: bool = False) -> list[tuple[Fault, tuple[str, ...]]]:
    answer = findings(shifts, local(17, 8), local(until, 8), ZONE, lambda day: holiday)
    return [(one.fault, one.who) for one in answer]


def test_a_shift_runs_from_its_first_instant_to_before_its_last():
    shifts = [DAY, NIGHT]
    assert at(shifts, local(17, 8)) == [DAY]
    assert at(shifts, local(17, 18)) == [NIGHT]
    assert at(shifts, local(18, 8)) == []
    assert following(shifts, local(17, 9)) == [NIGHT]
    assert following(shifts, local(17, 18)) == []


def test_shifts_that_follow_each_other_leave_no_gap_and_nobody_is_doubled():
    assert found(DAY, NIGHT) == []


def test_a_hole_in_the_middle_and_at_the_end_are_gaps():
    assert list(gaps([DAY, NEXT], local(17, 8), local(19))) == [
        (local(17, 18), local(18, 8)),
        (local(18, 18), local(19)),
    ]


def test_a_shift_without_a_duty_officer_covers_nothing():
    nobody = Shift("班", local(17, 8), local(18, 8), "郑县长", (), ("备用",))
    assert found(nobody) == [(Fault.GAP, ())]


def test_a_long_shift_hides_the_end_of_a_short_one_within_it():
    whole, part = shift(17, 8, 24, "甲"), shift(17, 10, 2, "乙")
    assert list(gaps([whole, part], local(17, 8), local(18, 8))) == []


def test_one_person_in_two_shifts_at_once_is_told_for_the_hours_that_overlap():
    other = shift(17, 16, 16, "甲", name="晚班", leader="冯县长", reserve=())
    answer = findings([DAY, other], local(17, 8), local(18, 8), ZONE, lambda day: False)
    assert Finding(Fault.DOUBLE, local(17, 16), local(17, 18), ("白班", "晚班"), ("甲",)) in answer


def test_one_person_at_two_posts_of_one_shift_is_told():
    assert found(shift(17, 8, 24, "甲", reserve=("甲",))) == [(Fault.DOUBLE, ("甲",))]


def test_a_shift_without_leader_or_reserve_is_told():
    assert found(shift(17, 8, 24, "甲", leader=None)) == [(Fault.LEADER, ())]
    assert found(shift(17, 8, 24, "甲", reserve=())) == [(Fault.RESERVE, ())]


def test_a_holiday_wants_two_duty_officers():
    assert found(shift(17, 8, 24, "甲"), holiday=True) == [(Fault.HOLIDAY, ())]
    assert found(shift(17, 8, 24, "甲", "乙"), holiday=True) == []


@pytest.mark.parametrize(
    ("day", "is_one"),
    [
        (date(2026, 10, 1), True),
        (date(2026, 11, 21), False),  # an ordinary Saturday
        (date(2026, 11, 17), False),
        (date(2026, 10, 10), False),  # a worked Saturday
        (date(2026, 11, 18), True),  # the office's own
        (date(2099, 10, 1), False),
    ],
)
def test_holidays_are_those_of_the_law_and_the_offices_own(day, is_one):
    assert is_public_holiday(day, {"2026-11-18": False}) is is_one


def test_a_shift_that_ends_no_later_than_it_starts_ends_the_next_day():
    stretches = list(days(date(2026, 11, 17), date(2026, 11, 18), (18 * 60, 8 * 60), ZONE))
    assert stretches == [(local(17, 18), local(18, 8)), (local(18, 18), local(19, 8))]
    assert list(days(date(2026, 11, 17), date(2026, 11, 17), (480, 480), ZONE)) == [
        (local(17, 8), local(18, 8))
    ]

"""A burst is many against the usual of the same hours: a floor, a distance, three sensitivities; and one line with figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.burst import BARS, Burst, Sensitivity, burst_of, floor_of

LOW, MIDDLE, HIGH = Sensitivity
QUIET = (0, 0, 1, 0, 0, 2, 0)


@pytest.mark.parametrize(
    ("count", "earlier", "is_one"),
    [
        (9, QUIET, False),
        (10, QUIET, True),
        (10, (8, 9, 10, 9, 8, 11, 9), False),
        (21, (8, 9, 10, 9, 8, 11, 9), False),
        (22, (8, 9, 10, 9, 8, 11, 9), True),
        (12, (0, 0, 1, 0, 200, 2, 0), True),
        (30, (5, 40, 3, 60, 10, 35, 20), False),
        (50, (0, 0), False),
        (50, (), False),
        (10, (0, 0, 0), True),
    ],
    ids=[
        "below the floor",
        "at the floor",
        "as usual",
        "a little more",
        "clearly more",
        "one wild day raises no bar",
        "days that differ much",
        "two days of watching",
        "none",
        "three days suffice",
    ],
)
def test_what_is_a_burst(count, earlier, is_one):
    assert (burst_of(1, count, earlier, MIDDLE) is not None) is is_one


def test_it_says_its_figures_in_one_line():
    assert str(Burst(1, 18, 7, 2.0)) == "近 1 小时 18 条，前 7 天同时段平均 2 条"
    assert str(burst_of(3, 40, QUIET, MIDDLE)) == "近 3 小时 40 条，前 7 天同时段平均 0.4 条"


def test_a_longer_window_asks_for_more():
    assert [floor_of(1, one) for one in Sensitivity] == [BARS[one].floor for one in Sensitivity]
    assert floor_of(3, MIDDLE) == 17


@given(st.integers(0, 300), st.lists(st.integers(0, 300), max_size=7))
def test_a_higher_sensitivity_hears_all_that_a_lower_one_hears(count, earlier):
    heard = [burst_of(1, count, earlier, one) is not None for one in (LOW, MIDDLE, HIGH)]
    assert heard == sorted(heard)


@given(st.integers(0, 300), st.lists(st.integers(0, 300), max_size=7))
def test_one_text_more_never_ends_a_burst(count, earlier):
    if burst_of(1, count, earlier, MIDDLE) is not None:
        assert burst_of(1, count + 1, earlier, MIDDLE) is not None

"""Which new matter waits beside the one that it is perhaps part of, and what ends that: the whole table, on values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.doubt import CERTAINTY, FURTHER, Doubtful, Other, Waiting, ending, waits
from routing.silence import Ending

NOW = datetime(2026, 11, 17, 2, 0, tzinfo=UTC)
NEW, BESIDE = Doubtful(small=True, certainty=CERTAINTY), Other(open=True, out=True, quiet=False)
WAITING = Waiting(ended=False, judged=False, small=True, further=0, asks=True, since=NOW)


def test_a_small_new_matter_waits_beside_one_whose_card_stands():
    assert waits(NEW, BESIDE, 30)


@pytest.mark.parametrize(
    "changes",
    [{"small": False}, {"by_hand": True}, {"late": True}, {"certainty": CERTAINTY - 0.01}],
    ids=lambda changes: next(iter(changes)),
)
def test_what_is_graver_registered_read_late_or_unsure_never_waits(changes: dict[str, Any]):
    assert not waits(replace(NEW, **changes), BESIDE, 30)


@pytest.mark.parametrize(
    "changes", [{"open": False}, {"out": False}, {"quiet": True}], ids=lambda changes: next(iter(changes))
)
def test_nothing_waits_beside_a_matter_that_nobody_is_asked_on(changes: dict[str, Any]):
    assert not waits(NEW, replace(BESIDE, **changes), 30)


def test_no_minutes_switch_it_off():
    assert not waits(NEW, BESIDE, 0)
    assert ending(WAITING, 0, NOW) is Ending.UNDECIDED


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"further": FURTHER - 1}, None),
        ({"further": FURTHER}, Ending.STIRRED),
        ({"small": False}, Ending.GRAVE),
        ({"asks": False}, Ending.ALONE),
        ({"judged": True, "small": False}, Ending.MOVED),
        ({"ended": True, "judged": True, "small": False, "asks": False}, Ending.CLOSED),
        ({"since": NOW - timedelta(minutes=30)}, Ending.UNDECIDED),
        ({"since": NOW - timedelta(minutes=29, seconds=59)}, None),
        ({"since": NOW + timedelta(hours=3)}, Ending.UNDECIDED),
    ],
)
def test_what_ends_the_wait(changes: dict[str, Any], why: Ending | None):
    assert ending(replace(WAITING, **changes), 30, NOW) is why


@given(
    st.builds(
        Waiting,
        ended=st.booleans(),
        judged=st.booleans(),
        small=st.booleans(),
        further=st.integers(0, 50),
        asks=st.booleans(),
        since=st.integers(-600, 600).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    ),
    st.integers(0, 120),
)
def test_nothing_waits_longer_than_its_minutes_nor_once_it_is_no_longer_small(one: Waiting, minutes: int):
    if ending(one, minutes, NOW) is None:
        assert timedelta() <= NOW - one.since < timedelta(minutes=minutes)
        assert one.small
        assert one.asks

"""How long, as people write it at three in the night."""

from datetime import UTC, datetime, timedelta

import pytest
from builders import ZONE

from bot.spans import end_of

NIGHT = datetime(2026, 11, 18, 3, 10, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("30m", NIGHT + timedelta(minutes=30)),
        ("4h", NIGHT + timedelta(hours=4)),
        ("4小时", NIGHT + timedelta(hours=4)),
        ("2D", NIGHT + timedelta(days=2)),
        ("2天", NIGHT + timedelta(days=2)),
        ("明早8点", datetime(2026, 11, 18, 8, 0, tzinfo=ZONE)),
        ("至08:30", datetime(2026, 11, 18, 8, 30, tzinfo=ZONE)),
        ("2点", datetime(2026, 11, 19, 2, 0, tzinfo=ZONE)),
    ],
)
def test_a_span_and_a_time_of_day_are_read(text, ends):
    assert end_of(text, NIGHT, ZONE) == ends


@pytest.mark.parametrize("text", ["", "四小时", "4", "h", "25点", "8:60", "1000h", "-4h", "4h停水"])
def test_anything_else_is_no_span(text):
    assert end_of(text, NIGHT, ZONE) is None


def test_the_clock_that_counts_is_the_office_s_and_the_end_is_never_now():
    at_eight = datetime(2026, 11, 18, 0, 0, tzinfo=UTC)
    assert end_of("8点", at_eight, ZONE) == at_eight + timedelta(days=1)

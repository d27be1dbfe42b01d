from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.answers import fresh_s, longest_fresh_s, read_moment, retry_after, server_at

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
DATE = "Sat, 21 Nov 2026 02:00:00 GMT"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("120", 120), ("Sat, 21 Nov 2026 02:01:00 GMT", 60), ("Sat, 21 Nov 2026 01:00:00 GMT", 0), ("soon", None),
     ("", None), (None, None), ("-5", None), ("9" * 20, 999999999), ("１２", None), ("1.5", None)],
)  # fmt: skip
def test_retry_after_is_read_in_both_forms(written: str | None, seconds: float | None) -> None:
    assert retry_after(written, NOW) == seconds


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        (DATE, NOW),
        ("Saturday, 21-Nov-26 02:00:00 GMT", NOW),
        ("Sat Nov 21 02:00:00 2026", NOW),
        ("Sat, 21 Nov 2026 10:00:00 +0800", NOW),
        ("Sat, 21 Nov 2026 02:00:00 -0000", NOW),
        ("Sat, 31 Feb 2026 02:00:00 GMT", None),
        ("Sat, 21 Nov 99999999999999999999 02:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -1400", None),
        ("Sat, 21 Nov 2026 02:00:00 +99999999", None),
        ("yesterday", None), ("0", None), ("-1", None), ("", None), ("x" * 70, None), ("，，，", None),
    ],
)  # fmt: skip
def test_a_date_is_read_or_it_is_none(written: str, moment: datetime | None) -> None:
    assert read_moment(written) == moment
    assert server_at({"Date": written}) == moment


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"Cache-Control": "max-age=600"}, 600),
        ({"Cache-Control": "public, Max-Age=600 , stale-while-revalidate=5"}, 600),
        ({"Cache-Control": 'max-age="600"'}, 600),
        ({"Cache-Control": "max-age=600", "Age": "100"}, 500),
        ({"Cache-Control": "max-age=600", "Age": "700"}, None),
        ({"Cache-Control": "max-age=600", "Age": "old"}, 600),
        ({"Cache-Control": "max-age=600", "Expires": DATE, "Date": DATE}, 600),
        ({"Cache-Control": "max-age=0"}, None),
        ({"Cache-Control": "max-age=-5"}, None),
        ({"Cache-Control": "max-age=soon"}, None),
        ({"Cache-Control": "s-maxage=600"}, None),
        ({"Cache-Control": "no-store, max-age=600"}, None),
        ({"Cache-Control": 'no-cache="x", max-age=600'}, None),
        ({"Cache-Control": "no-store", "Expires": "Sat, 21 Nov 2026 03:00:00 GMT"}, None),
        ({"Cache-Control": "max-age=" + "9" * 400}, longest_fresh_s),
        ({"Cache-Control": "," * 100_000 + "max-age=600"}, None),
        ({"Expires": "Sat, 21 Nov 2026 03:00:00 GMT"}, 3600),
        ({"Expires": "Sat, 21 Nov 2026 03:00:00 GMT", "Date": "Sat, 21 Nov 2026 02:50:00 GMT"}, 600),
        ({"Cache-Control": "public", "Expires": "Sat, 21 Nov 2026 03:00:00 GMT"}, 3600),
        ({"Expires": "Fri, 20 Nov 2026 03:00:00 GMT"}, None),
        ({"Expires": "0"}, None),
        ({"Expires": "-1"}, None),
        ({"Expires": "Sat, 21 Nov 9999 03:00:00 GMT"}, longest_fresh_s),
        ({}, None),
    ],
)  # fmt: skip
def test_freshness_is_what_the_answer_says_and_can_be_believed(
    fields: Mapping[str, str], seconds: float | None
) -> None:
    assert fresh_s(fields, NOW) == seconds


_texts = st.text(max_size=80) | st.sampled_from([DATE, "max-age=60", "0", "Sat, 21 Nov 0001 00:00:00 +2359"])


@given(control=_texts, expires=_texts, age=_texts, date=_texts)
def test_no_header_field_raises(control: str, expires: str, age: str, date: str) -> None:
    fields = {"Cache-Control": control, "Expires": expires, "Age": age, "Date": date}
    fresh = fresh_s(fields, NOW)
    assert fresh is None or 0 < fresh <= longest_fresh_s
    moment = server_at(fields)
    assert moment is None or moment.tzinfo is UTC
    wish = retry_after(age, NOW)
    assert wish is None or wish >= 0

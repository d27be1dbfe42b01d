import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.counts import most, parse_count


@pytest.mark.parametrize(
    ("written", "count"),
    [
        (12, 12), ("12", 12), ("1,234", 1234), ("1.2万", 12000), ("123 万热度", 1230000), ("3亿", 3 * 10**8),
        ("10w+", 100000), ("", None), (None, None), ("多", None), (True, None), ("-3", None), (1.5e300, None), ("0", 0),
        (-3, None), ("999+", 999), ("1.2w+", 12000), ("１２３", 123),
        ("5千万", 5 * 10**7), ("约3.5万人", 35000), ("1.2万次播放", 12000),
        ("阅读 1.3亿", 13 * 10**7), ("评论：12", 12), ("转发", None), ("12 小时前", None),
        ("-1", None), ("3千多条评论", 3000), ("万", None),
    ],
)  # fmt: skip
def test_counts_as_platforms_write_them(written: object, count: int | None) -> None:
    assert parse_count(written) == count


@pytest.mark.parametrize(
    "written", ["999999999999亿", "9" * 19, "9" * 400, "9" * 10_000 + "万", 2**63, 10**4000, str(sys.maxsize)]
)
def test_more_than_the_store_can_hold_is_the_most_it_can_hold(written: object) -> None:
    assert parse_count(written) == most == 2**63 - 1


@pytest.mark.parametrize("written", ["inf", "-inf", "nan", *map(float, ("inf", "-inf", "nan"))])
def test_what_is_no_number_is_no_count(written: object) -> None:
    assert parse_count(written) is None


@given(st.text() | st.integers() | st.floats() | st.from_regex(r"\d{1,400}(\.\d{1,6})?[千万亿kKwW]?\+?"))
def test_a_count_is_never_negative_and_always_fits(written: object) -> None:
    count = parse_count(written)
    assert count is None or 0 <= count <= most
    assert json.loads(json.dumps(count)) == count

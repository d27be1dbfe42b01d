from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.dates import read_date

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2025年01月06日", "2025-01-05 16:00:00"),
        ("2025年1月6日 8:05", "2025-01-06 00:05:00"),
        ("2025年1月6日 上午8:05:06", "2025-01-06 00:05:06"),
        ("2025年1月6日 下午3:05", "2025-01-06 07:05:00"),
        ("2025年1月6日 晚上12:05", "2025-01-06 04:05:00"),
        ("2025年1月6日 凌晨12:05", "2025-01-05 16:05:00"),
        ("2025年1月6日8时5分", "2025-01-06 00:05:00"),
        ("2025年1月6日 下午3点", "2025-01-06 07:00:00"),
        ("2025/01/06", "2025-01-05 16:00:00"),
        ("2025/1/6 08:00", "2025-01-06 00:00:00"),
        ("2025.01.06 08:00:01", "2025-01-06 00:00:01"),
        ("2025-01-06 星期一 08:00", "2025-01-06 00:00:00"),
        ("２０２５－０１－０６　０８：００", "2025-01-06 00:00:00"),
        ("2025-01-06T08:00:00Z", "2025-01-06 08:00:00"),
        ("2025-01-06T08:00:00.123+08:00", "2025-01-06 00:00:00"),
        ("2025-01-06 08:00:00 +0900", "2025-01-05 23:00:00"),
        ("1736121600", "2025-01-06 00:00:00"),
        (1736121600, "2025-01-06 00:00:00"),
        ("1736121600123", "2025-01-06 00:00:00"),
        ("Mon, 06 Jan 2025 10:00:00 CST", "2025-01-06 02:00:00"),
        ("Mon, 06 Jan 2025 10:00:00", "2025-01-06 02:00:00"),
        ("Mon, 06 Jan 2025 10:00:00 GMT", "2025-01-06 10:00:00"),
        ("Mon, 06 Jan 2025 10:00:00 +0800", "2025-01-06 02:00:00"),
        ("Monday, 6 January 2025 10:00 GMT+8", "2025-01-06 02:00:00"),
        ("06-Jan-2025 10:00:00 EST", "2025-01-06 15:00:00"),
        ("Mon Jan 06 10:00:00 +0800 2025", "2025-01-06 02:00:00"),
        ("2026-11-21 10:09:00", "2026-11-21 02:09:00"),
    ],
)
def test_dates_are_read_as_chinese_sources_mean_them(written: object, utc: str) -> None:
    assert read_date(written, ZONE, NOW).at == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("2025年01月", "无法识别"),
        ("2025", "无法识别"),
        ("昨天 08:00", "无法识别"),
        ("Mon, 06 Jan 2025 10:00:00 XYZ", "无法识别"),
        ("0000-00-00 00:00:00", "不存在"),
        ("2025-02-30", "不存在"),
        ("2025-01-06 25:00", "不存在"),
        ("2026-11-21 10:11:00", "将来"),
        ("2027-01-01", "将来"),
        ("1970-01-01 08:00", "过早"),
        ("", "未给"),
        (None, "未给"),
    ],
)
def test_what_cannot_be_believed_is_none_with_the_reason(written: object, word: str) -> None:
    dated = read_date(written, ZONE, NOW)
    assert dated.at is None
    assert word in dated.note


def test_a_date_without_a_time_is_flagged() -> None:
    assert "零点" in read_date("2025/01/06", ZONE, NOW).note
    assert read_date("2025/01/06 08:00", ZONE, NOW).note == ""


@given(st.text(alphabet="0123456789年月日时分:/-+ .TZCSMonJan上午下", max_size=40) | st.integers())
def test_no_text_makes_it_raise(written: object) -> None:
    dated = read_date(written, ZONE, NOW)
    assert dated.at is None or dated.at.tzinfo is UTC

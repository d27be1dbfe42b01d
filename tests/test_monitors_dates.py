from datetime import UTC, datetime
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.dates import max_ahead, oldest, read_date

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
        (1736121600.9, "2025-01-06 00:00:00"),
        (1.736121600123e12, "2025-01-06 00:00:00"),
        ("1736121600.5", "2025-01-06 00:00:00"),
        ("１７３６１２１６００", "2025-01-06 00:00:00"),
        ("/Date(1736121600000)/", "2025-01-06 00:00:00"),
        (r"\/Date(1736121600123+0800)\/", "2025-01-06 00:00:00"),
        ("2025-01-06T10:00:00+0800", "2025-01-06 02:00:00"),
        ("2025-01-06T10:00:00.123456789Z", "2025-01-06 10:00:00"),
        ("2025-01-06T10:00+08", "2025-01-06 02:00:00"),
        ("20250106", "2025-01-05 16:00:00"),
        ("20250106080000", "2025-01-06 00:00:00"),
        ("20250106T080000Z", "2025-01-06 08:00:00"),
        ("Mon, 06 Jan 25 10:00:00 +0800", "2025-01-06 02:00:00"),
        ("Monday, 06-Jan-25 10:00:00 GMT", "2025-01-06 10:00:00"),
        ("Mon Jan 06 2025 10:00:00 GMT+0800 (中国标准时间)", "2025-01-06 02:00:00"),
        ("January 6, 2025 10:00 AM", "2025-01-06 02:00:00"),
        ("Sept. 6, 2025", "2025-09-05 16:00:00"),
        ("2025/1/6 3:05:00 PM", "2025-01-06 07:05:00"),
        ("2025/1/6 PM 3:05", "2025-01-06 07:05:00"),
        ("2025年1月6日（星期一）下午３：０５", "2025-01-06 07:05:00"),
        ("2025-1-6 下午3点5分", "2025-01-06 07:05:00"),
        ("2025年1月6号 中午12:05", "2025-01-06 04:05:00"),
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
        ("0001-01-01 00:00:00 +0800", "不存在"),
        ("Mon, 06 Jan 75 10:00:00 GMT", "过早"),
        ("2025-01-06 10:00:00 +9999", "不存在"),
        ("3分钟前", "无法识别"),
        ("刚刚", "无法识别"),
        ("01-06 10:00", "无法识别"),
        ("周三 10:00", "无法识别"),
        ("10:00", "无法识别"),
        ("2025-W02-1", "无法识别"),
        ("民国114年1月6日", "无法识别"),
        ("06/01/2025", "无法识别"),
        ("25-01-06", "无法识别"),
        (True, "未给"),
        (float("nan"), "无法识别"),
        (float("inf"), "无法识别"),
        (-1, "无法识别"),
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


# NOW is Saturday, 21 November 2026, 10:00 in Shanghai.
@pytest.mark.parametrize(
    ("written", "local"),
    [
        ("刚刚", "2026-11-21 10:00:00"),
        ("刚刚发布", "2026-11-21 10:00:00"),
        ("30秒前", "2026-11-21 09:59:30"),
        ("3分钟前", "2026-11-21 09:57:00"),
        ("半小时前", "2026-11-21 09:30:00"),
        ("6小时前发布", "2026-11-21 04:00:00"),
        ("约 2 个小时前", "2026-11-21 08:00:00"),
        ("两天前", "2026-11-19 10:00:00"),
        ("1周前", "2026-11-14 10:00:00"),
        ("5 minutes ago", "2026-11-21 09:55:00"),
        ("an hour ago", "2026-11-21 09:00:00"),
        ("about 3 days ago", "2026-11-18 10:00:00"),
        ("今天 08:05", "2026-11-21 08:05:00"),
        ("今天08:05", "2026-11-21 08:05:00"),
        ("昨天 23:05:06", "2026-11-20 23:05:06"),
        ("昨日下午3:05", "2026-11-20 15:05:00"),
        ("前天 下午3点", "2026-11-19 15:00:00"),
        ("昨天", "2026-11-20 00:00:00"),
        ("Yesterday, 08:05", "2026-11-20 08:05:00"),
        ("01-06 10:00", "2026-01-06 10:00:00"),
        ("11-21 10:05", "2026-11-21 10:05:00"),
        ("11-21 10:15", "2025-11-21 10:15:00"),
        ("12月31日 10:00", "2025-12-31 10:00:00"),
        ("1/6", "2026-01-06 00:00:00"),
        ("2月29日 08:00", "2024-02-29 08:00:00"),
        ("周六 09:00", "2026-11-21 09:00:00"),
        ("星期六 11:00", "2026-11-14 11:00:00"),
        ("周日 10:00", "2026-11-15 10:00:00"),
        ("上周三 晚上8点", "2026-11-11 20:00:00"),
        ("本周一", "2026-11-16 00:00:00"),
        ("2025-01-06 08:00", "2025-01-06 08:00:00"),
    ],
)
def test_relative_times_count_back_from_now_where_they_are_allowed(written: str, local: str) -> None:
    dated = read_date(written, ZONE, NOW, relative=True)
    assert dated.at == datetime.fromisoformat(local).replace(tzinfo=ZONE).astimezone(UTC)
    assert bool(dated.note) is not written.startswith("2025")


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("3个月前", "无法识别"),
        ("99999天前", "过早"),
        ("今天 23:00", "将来"),
        ("本周日 10:00", "将来"),
        ("昨天 25:00", "不存在"),
        ("13-01 10:00", "不存在"),
        ("2月30日", "不存在"),
        ("10:00", "无法识别"),
        ("0月1日", "不存在"),
    ],
)
def test_relative_times_that_cannot_be_are_none_with_the_reason(written: str, word: str) -> None:
    dated = read_date(written, ZONE, NOW, relative=True)
    assert dated.at is None
    assert word in dated.note


def test_the_turn_of_the_year_is_read_in_the_zone_of_the_source() -> None:
    eve = datetime(2026, 12, 31, 16, 1, tzinfo=UTC)  # 00:01 on New Year's Day in Shanghai
    assert read_date("12-31 23:59", ZONE, eve, relative=True).at == datetime(2026, 12, 31, 15, 59, tzinfo=UTC)
    assert read_date("昨天 23:59", ZONE, eve, relative=True).at == datetime(2026, 12, 31, 15, 59, tzinfo=UTC)
    late = datetime(
        2026, 12, 31, 15, 59, tzinfo=UTC
    )  # 23:59; a clock that is a little ahead has the new year
    assert read_date("01-01 00:05", ZONE, late, relative=True).at == datetime(2026, 12, 31, 16, 5, tzinfo=UTC)


LETTERS = "0123456789年月日时分秒:/-+ .TZCSMonJan上午下昨今前天周一个小时刚"
WRITTEN = (
    st.text(alphabet=LETTERS, max_size=40)
    | st.text(max_size=40)
    | st.integers()
    | st.floats()
    | st.none()
    | st.lists(st.integers(), max_size=2)
    | st.datetimes().map(str)
)


@given(WRITTEN, st.booleans(), st.integers(1_000_000_000, 200_000_000_000))
def test_no_text_makes_it_raise_and_what_it_gives_is_utc_and_not_ahead(
    written: object, relative: bool, moment: int
) -> None:
    now = datetime.fromtimestamp(moment, UTC)
    dated = read_date(written, ZONE, now, relative)
    assert dated.note or dated.at
    if dated.at is not None:
        assert dated.at.tzinfo is UTC
        assert oldest <= dated.at <= now + max_ahead


@given(st.integers(int(oldest.timestamp()), int(NOW.timestamp())))
def test_every_instant_is_read_back_from_each_way_of_writing_it(moment: int) -> None:
    at = datetime.fromtimestamp(moment, UTC)
    local = at.astimezone(ZONE)
    for written in (
        at.isoformat(),
        local.isoformat(),
        format_datetime(local),
        f"{local:%Y-%m-%d %H:%M:%S}",
        f"{local:%Y年%m月%d日 %H:%M:%S}",
        f"{local.year}/{local.month}/{local.day} {local.hour}:{local.minute:02}:{local.second:02}",
        f"/Date({moment * 1000})/",
        moment * 1000,
    ):
        assert read_date(written, ZONE, NOW).at == at


def test_a_number_of_five_thousand_digits_is_no_date() -> None:
    assert "无法识别" in read_date(10**5000, ZONE, NOW).note

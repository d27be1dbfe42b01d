"""Dates as sources write them, read without guessing. Pure.

feedparser's own reading is not used: of `2025年01月06日` it makes the current month, and of `CST` the United States,
without an error. A missing part is never invented; only where a source is allowed relative times (`relative`) does
the moment of reading fill in what "昨天" or "01-06 10:00" leave out.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple

oldest = datetime(2000, 1, 1, tzinfo=UTC)
max_ahead = timedelta(minutes=10)


class Dated(NamedTuple):
    """An instant, aware UTC, or None where none can be believed; the note says why, or what is doubtful (Chinese)."""

    at: datetime | None
    note: str = ""


def read_date(written: object, zone: tzinfo, now: datetime, relative: bool = False) -> Dated:
    """Read a date as written: a text, or an epoch in seconds or milliseconds as a number. Never raises.

    `zone` is the source's and holds where the text names none. `relative`: "3分钟前", "昨天 08:00", "周三" and dates
    without a year may be believed; they are counted back from `now` (aware).
    """
    text = _plain(written)
    if not text:
        return Dated(None, "来源未给日期")
    ladder = _worded_ladder if text[0].isalpha() else _ladder
    for pattern, read in (*ladder, *_relative_ladder) if relative else ladder:
        found = pattern.fullmatch(text)
        if found:
            try:
                at, note = read(found.groupdict(), zone, now)
                return _believable(at.astimezone(UTC), note, text, now)
            except (ValueError, OverflowError):
                return Dated(None, f"日期不存在：{text}")
    return Dated(None, f"日期无法识别：{text}")


def _plain(written: object) -> str:
    if written is None or isinstance(written, bool):
        return ""
    try:
        text = str(written)[:400]
    except ValueError:  # a number of more than 4,300 digits
        return "…"
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(folded.split())[:80]


def _believable(at: datetime, note: str, text: str, now: datetime) -> Dated:
    if at > now + max_ahead:
        return Dated(None, f"日期在将来：{text}")
    if at < oldest:
        return Dated(None, f"日期过早：{text}")
    return Dated(at, note)


_Groups = Mapping[str, str | None]
_Read = Callable[[_Groups, tzinfo, datetime], tuple[datetime, str]]
_midnight = "来源只给日期，按当日零点"
_counted = "来源只给相对时间，按读取时刻推算"
_months = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
# RFC 822 section 5.1 names the zones of the United States; here CST is China Standard Time.
_zones = {
    "utc": 0, "gmt": 0, "ut": 0, "z": 0, "cst": 8, "bjt": 8, "hkt": 8, "jst": 9,
    "est": -5, "edt": -4, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
}  # fmt: skip
_afternoon = {"下午", "晚上", "晚", "傍晚", "pm"}


# --- complete dates ---


def _epoch(groups: _Groups, zone: tzinfo, now: datetime) -> tuple[datetime, str]:
    return datetime.fromtimestamp(int(groups["seconds"] or 0), UTC), ""


def _civil(groups: _Groups, zone: tzinfo, now: datetime) -> tuple[datetime, str]:
    month = groups["month"] or ""
    day = date(
        _year(groups["year"] or ""),
        int(month) if month.isdigit() else _months[month.lower()[:3]],
        int(groups["day"] or 0),
    )
    return _at(day, groups, _zone(groups.get("zone"), zone)), "" if groups["hour"] else _midnight


def _as_nearly_all(groups: _Groups, zone: tzinfo, now: datetime) -> tuple[datetime, str]:
    day, month, year, hour, minute, second, offset = [written or "" for written in groups.values()]
    clock = int(hour), int(minute), int(second)
    return datetime(int(year), _months[month.lower()], int(day), *clock, tzinfo=_zone(offset, zone)), ""


def _year(written: str) -> int:
    # RFC 2822 section 4.3: of two digits, 00 to 49 are this century.
    year = int(written)
    return year if len(written) == 4 else year + (2000 if year < 50 else 1900)


def _at(day: date, groups: _Groups, zone: tzinfo) -> datetime:
    hour = int(groups.get("hour") or 0)
    half = (groups.get("half") or groups.get("ampm") or "").lower()
    if half in _afternoon and hour < 12:
        hour += 12
    elif half and half not in _afternoon and half != "中午" and hour == 12:
        hour = 0
    minute, second = int(groups.get("minute") or 0), int(groups.get("second") or 0)
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone)


@lru_cache(maxsize=256)
def _zone(written: str | None, zone: tzinfo) -> tzinfo:
    if not written:
        return zone
    offset = re.fullmatch(r"(?:utc|gmt)?([+-])(\d{1,2}):?(\d{2})?", written.lower())
    if offset:
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return timezone(ahead if offset[1] == "+" else -ahead)
    return timezone(timedelta(hours=_zones[written.lower()]))


# --- dates that count from now ---


def _ago(groups: _Groups, zone: tzinfo, now: datetime) -> tuple[datetime, str]:
    written = (groups["number"] or "").lower()
    number = (
        0.5
        if written == "半"
        else 1
        if written in {"a", "an", "one", "一"}
        else 2
        if written == "两"
        else int(written)
    )
    seconds = next(seconds for unit, seconds in _units if re.match(unit, groups["unit"] or "", re.IGNORECASE))
    return now - timedelta(seconds=number * seconds), _counted


_units = (
    ("秒|s", 1),
    ("分|mi", 60),
    ("小时|钟头|h", 3600),
    ("天|日|d", 86_400),
    ("周|星期|w", 7 * 86_400),
)


def _just_now(groups: _Groups, zone: tzinfo, now: datetime) -> tuple[datetime, str]:
    return now, _counted


def _named_day(groups: _Groups, zone: tzinfo, now: datetime) -> tuple[datetime, str]:
    back = {"今": 0, "昨": 1, "前": 2, "to": 0, "ye": 1}
    name = (groups["name"] or "").lower()
    days = next(days for start, days in back.items() if name.startswith(start))
    return _counted_day(now.astimezone(zone).date() - timedelta(days=days), groups, zone)


def _weekday(groups: _Groups, zone: tzinfo, now: datetime) -> tuple[datetime, str]:
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    day = monday + timedelta(days="一二三四五六日".index((groups["weekday"] or "").replace("天", "日")))
    if groups["which"] == "上":
        day -= timedelta(days=7)
    elif not groups["which"] and _at(day, groups, zone) > now + max_ahead:
        day -= timedelta(days=7)  # a bare "周三" is the last one that has been
    return _counted_day(day, groups, zone)


def _this_year(groups: _Groups, zone: tzinfo, now: datetime) -> tuple[datetime, str]:
    month, day = int(groups["month"] or 0), int(groups["day"] or 0)
    date(2024, month, day)  # raises for what no year has
    this_year = now.astimezone(zone).year
    for year in range(this_year + 1, this_year - 9, -1):  # +1: shortly before midnight on New Year's Eve
        try:
            at = _at(date(year, month, day), groups, zone)
        except ValueError:
            if (month, day) != (2, 29):
                raise
            continue
        if at <= now + max_ahead:
            return at, "来源未写年份，按最近一次推算"
    raise ValueError("never was")


def _counted_day(day: date, groups: _Groups, zone: tzinfo) -> tuple[datetime, str]:
    return _at(day, groups, zone), _counted if groups["hour"] else f"{_counted}，按当日零点"


# --- the ladders: the first row that fits the whole text reads it ---

_clock = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?(?: ?(?P<ampm>am|pm))?"
_half = r"(?P<half>凌晨|清晨|早上|早|上午|中午|下午|傍晚|晚上|晚|am|pm)?"
_hour_words = (
    rf"{_half} ?(?P<hour>\d{{1,2}}) ?[时点](?: ?(?P<minute>\d{{1,2}}) ?分)?(?: ?(?P<second>\d{{1,2}}) ?秒)?"
)
_named_zone = "|".join(_zones)
_offset = rf"(?: ?(?P<zone>(?:utc|gmt)?[+-]\d{{1,2}}(?::?\d{{2}})?|{_named_zone}))?(?: \([^)]*\))?"
_month = r"(?P<month>" + "|".join(_months) + r")[a-z]{0,6}\.?"
_english_weekday = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? )?"
_chinese_weekday = r"(?:,? ?\(?(?:星期|周)[一二三四五六日天]\)?)?"
_ymd = r"(?P<year>\d{4}) ?[年/.-] ?(?P<month>\d{1,2}) ?[月/.-] ?(?P<day>\d{1,2}) ?[日号]?"


def _row(pattern: str, read: _Read) -> tuple[re.Pattern[str], _Read]:
    return re.compile(pattern, re.IGNORECASE | re.ASCII), read


_ladder = (
    _row(r"(?P<seconds>[1-9]\d{8,9})(?:\.\d+)?", _epoch),
    _row(r"(?P<seconds>[1-9]\d{8,9})\d{3}(?:\.\d+)?", _epoch),
    _row(r"\\?/Date\((?P<seconds>\d{1,10})\d{3}(?:[+-]\d{4})?\)\\?/", _epoch),
    _row(rf"{_ymd}{_chinese_weekday}(?:(?:[T ] ?)?{_half} ?{_clock}{_offset})?", _civil),
    _row(rf"{_ymd}{_chinese_weekday} ?{_hour_words}", _civil),
    _row(
        r"(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})"
        rf"(?:[T ]?(?P<hour>\d{{2}})(?P<minute>\d{{2}})(?P<second>\d{{2}})?(?:\.\d+)?{_offset})?",
        _civil,
    ),
    _row(
        rf"{_english_weekday}(?P<day>\d{{1,2}})[ -]{_month},?[ -](?P<year>\d{{4}}|\d{{2}})(?:,? {_clock}{_offset})?",
        _civil,
    ),
    _row(rf"{_english_weekday}{_month} (?P<day>\d{{1,2}}) {_clock}{_offset} (?P<year>\d{{4}})", _civil),
    _row(
        rf"{_english_weekday}{_month} (?P<day>\d{{1,2}}),? (?P<year>\d{{4}})(?:,? (?:at )?{_clock}{_offset})?",
        _civil,
    ),
)
_usual = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?P<day>\d\d) (?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    r"(?P<year>\d{4}) (?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d) (?P<zone>GMT|[+-]\d{4})",
    re.ASCII,
)
_worded_ladder = ((_usual, _as_nearly_all), *_ladder[6:])
"""Those that may begin with a letter: the name of a month or of a day of the week; nearly all dates of RSS fit the first."""
_clocks = (rf"(?: ?{_half} ?{_clock})?", rf" ?{_hour_words}")
_relative_ladder = (
    _row(r"(?:刚刚|刚才|just now|now)(?:发布|发表|更新)?", _just_now),
    _row(
        r"(?:大?约|about)? ?(?P<number>半|一|两|\d{1,5}) ?个?(?P<unit>秒钟?|分钟?|小时|钟头|天|日|周|星期) ?(?:之?前)"
        r"(?:发布|发表|更新)?",
        _ago,
    ),
    _row(
        r"(?:about )?(?P<number>an?|one|\d{1,5}) ?(?P<unit>s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?) ago",
        _ago,
    ),
    *(_row(rf"(?P<name>今天|今日|昨天|昨日|前天|today|yesterday),?{clock}", _named_day) for clock in _clocks),
    *(
        _row(rf"(?P<which>上|本|这)?个?(?:星期|周|礼拜)(?P<weekday>[一二三四五六日天]){clock}", _weekday)
        for clock in _clocks
    ),
    *(
        _row(rf"(?P<month>\d{{1,2}}) ?[月/-] ?(?P<day>\d{{1,2}}) ?[日号]?{clock}", _this_year)
        for clock in _clocks
    ),
)

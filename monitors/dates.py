"""Dates as sources write them, read without guessing. Pure.

feedparser's own reading is not used: of `2025年01月06日` it makes the current month, and of `CST` the United States,
without an error. A missing part is never invented.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

oldest = datetime(2000, 1, 1, tzinfo=UTC)
max_ahead = timedelta(minutes=10)


class Dated(NamedTuple):
    """An instant, aware UTC, or None where none can be believed; the note says why, or what is doubtful (Chinese)."""

    at: datetime | None
    note: str = ""


def read_date(written: object, zone: tzinfo, now: datetime) -> Dated:
    """Read a date as written; `zone` is the source's and holds where the text names none. Never raises."""
    text = " ".join(unicodedata.normalize("NFKC", str(written or "")).split())[:80]
    if not text:
        return Dated(None, "来源未给日期")
    for pattern, read in _ladder:
        found = pattern.fullmatch(text)
        if found:
            try:
                at, note = read(found.groupdict(), zone)
            except (ValueError, OverflowError):
                return Dated(None, f"日期不存在：{text}")
            return _believable(at.astimezone(UTC), note, text, now)
    return Dated(None, f"日期无法识别：{text}")


def _believable(at: datetime, note: str, text: str, now: datetime) -> Dated:
    if at > now + max_ahead:
        return Dated(None, f"日期在将来：{text}")
    if at < oldest:
        return Dated(None, f"日期过早：{text}")
    return Dated(at, note)


_Groups = Mapping[str, str | None]
_Read = Callable[[_Groups, tzinfo], tuple[datetime, str]]
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


def _epoch(groups: _Groups, zone: tzinfo) -> tuple[datetime, str]:
    return datetime.fromtimestamp(int(groups["seconds"] or 0), UTC), ""


def _civil(groups: _Groups, zone: tzinfo) -> tuple[datetime, str]:
    month = groups["month"] or ""
    hour = int(groups["hour"] or 0)
    half = (groups.get("half") or "").lower()
    if half in _afternoon and hour < 12:
        hour += 12
    elif half and half not in _afternoon and half != "中午" and hour == 12:
        hour = 0
    moment = datetime(
        int(groups["year"] or 0),
        int(month) if month.isdigit() else _months[month.lower()],
        int(groups["day"] or 0),
        hour,
        int(groups["minute"] or 0),
        int(groups["second"] or 0),
        tzinfo=_zone(groups.get("zone"), zone),
    )
    return moment, "" if groups["hour"] else "来源只给日期，按当日零点"


def _zone(written: str | None, zone: tzinfo) -> tzinfo:
    if not written:
        return zone
    offset = re.fullmatch(r"(?:utc|gmt)?([+-])(\d{1,2}):?(\d{2})?", written.lower())
    if offset:
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return timezone(ahead if offset[1] == "+" else -ahead)
    return timezone(timedelta(hours=_zones[written.lower()]))


_clock = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
_named_zone = "|".join(_zones)
_offset = rf"(?: ?(?P<zone>(?:utc|gmt)?[+-]\d{{1,2}}(?::?\d{{2}})?|{_named_zone}))?(?: \([^)]*\))?"
_month = "|".join(_months)
_weekday = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? )?"


def _row(pattern: str, read: _Read) -> tuple[re.Pattern[str], _Read]:
    return re.compile(pattern, re.IGNORECASE), read


_ladder = (
    _row(r"(?P<seconds>[1-9]\d{8,9})(?:\.\d+)?", _epoch),
    _row(r"(?P<seconds>[1-9]\d{8,9})\d{3}", _epoch),
    _row(
        r"(?P<year>\d{4}) ?[年/.-] ?(?P<month>\d{1,2}) ?[月/.-] ?(?P<day>\d{1,2}) ?日?"
        r"(?:,? ?\(?(?:星期|周)[一二三四五六日天]\)?)?"
        rf"(?:(?:[T ] ?)?(?P<half>凌晨|早上|早|上午|中午|下午|傍晚|晚上|晚|am|pm)? ?{_clock}{_offset})?",
        _civil,
    ),
    _row(
        r"(?P<year>\d{4}) ?年 ?(?P<month>\d{1,2}) ?月 ?(?P<day>\d{1,2}) ?日 ?"
        r"(?P<half>凌晨|早上|早|上午|中午|下午|傍晚|晚上|晚)? ?"
        r"(?P<hour>\d{1,2}) ?[时点](?: ?(?P<minute>\d{1,2}) ?分)?(?: ?(?P<second>\d{1,2}) ?秒)?",
        _civil,
    ),
    _row(
        rf"{_weekday}(?P<day>\d{{1,2}})[ -](?P<month>{_month})[a-z]*\.?,?[ -](?P<year>\d{{4}})"
        rf"(?:,? {_clock}{_offset})?",
        _civil,
    ),
    _row(
        rf"{_weekday}(?P<month>{_month})[a-z]* (?P<day>\d{{1,2}}) {_clock}{_offset} (?P<year>\d{{4}})",
        _civil,
    ),
)

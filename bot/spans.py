"""How long, as people write it in a chat: `4h`, `2天`, `明早8点` -> the instant when it ends. Pure."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

MORNING = "明早8点"
_span = re.compile(r"(\d{1,3})(m|h|d|分钟|分|小时|时|天|日)")
_clock = re.compile(r"(?:明早|明晨|今晚|至|到)?(\d{1,2})(?:点|[:：](\d{2}))")
_minutes = {
    "m": 1,
    "分钟": 1,
    "分": 1,
    "h": 60,
    "小时": 60,
    "时": 60,
    "d": 1440,
    "天": 1440,
    "日": 1440,
}


def end_of(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Give the instant (aware) that a text names: so long from `now`, or the next time that the clock of `zone` shows it.

    None for anything else. At three in the night 明早8点 is in five hours.
    """
    text = text.strip().lower()
    if found := _span.fullmatch(text):
        return now + timedelta(minutes=int(found[1]) * _minutes[found[2]])
    found = _clock.fullmatch(text)
    if found is None or int(found[1]) > 23 or int(found[2] or 0) > 59:
        return None
    here = now.astimezone(zone)
    then = here.replace(hour=int(found[1]), minute=int(found[2] or 0), second=0, microsecond=0)
    return (then if then > here else then + timedelta(days=1)).astimezone(now.tzinfo)

"""What a source's own past makes likely: when it brings news, and when its silence is an alarm. Pure.

For each hour of the day, working days and other days apart, it is counted in how many watched hours something new
came. A silence is as unlikely as that all its hours were empty, were they independent. A source that publishes in
bursts is silent longer than its hours say; how much longer is learned from its long silences.

Only what was watched counts, for learning and for alarm: an hour in which the source failed or we slept says nothing.
Unlikelihood is kept as -ln p throughout, so that hours add up.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from routing.items import Ailment, Symptom
from routing.worktime import is_workday

SHORTEST_SILENCE = timedelta(hours=3)
UNLIKELY = 0.001
YEARS_WITHOUT_FALSE_ALARM = 2
"""A source with many silences has an unlikely one now and then: one in so many years by chance is let be."""
MOST_CERTAIN = 0.95
"""No hour is believed to bring something more surely than this, however often it did."""
MEMORY_H = 4 * 7 * 24.0
"""Watched hours after which what was learned counts a third (1/e)."""
LONG_MEMORY_H = 4 * MEMORY_H
"""The same for long silences, which are few."""
ENOUGH_H, ENOUGH_NEWS = 11 * 24.0, 3.0
"""Fewer watched hours (what two weeks fade to), or fewer hours with news, are no past to judge by."""
RATE_AFTER_H = 24.0
FIRST_LOOK, LOOK_AGAIN = timedelta(hours=1), timedelta(days=1)

DAY = timedelta(days=1)
TOO_MUCH_LOST, LITTLE_LOST = 0.5, 0.1

NETWORK_SHARE, NETWORK_OVER, NETWORK_AT_LEAST = 0.8, 0.5, 5

_HOUR = timedelta(hours=1)
_YEAR_H = 365 * 24.0


@lru_cache(
    maxsize=1024
)  # chinesecalendar takes 18 us a day, and a look asks for the same days thousands of times
def _works(day: date) -> bool:
    return is_workday(day, {})[0]


@dataclass(frozen=True, slots=True)
class Days:
    """The office's clock and calendar: its zone, and the days that it declared working days or free ones.

    A year that the calendar does not know yet is taken by weekends only.
    """

    zone: ZoneInfo
    overrides: Mapping[str, bool] = field(default_factory=dict)

    def slot(self, moment: datetime) -> str:
        """Name the hour of the day: `w09` on a working day, `h09` on another."""
        return self._slot(moment.astimezone(self.zone))

    def hours(self, start: datetime, end: datetime) -> Iterator[tuple[str, float]]:
        """Cut [start, end) at the full hours of the local clock: slot and share of an hour, in order."""
        while start < end:
            local = start.astimezone(self.zone)
            into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
            edge = min(start + (_HOUR - into), end)
            yield self._slot(local), (edge - start) / _HOUR
            start = edge

    def _slot(self, local: datetime) -> str:
        day = local.date()
        works = self.overrides.get(day.isoformat()) if self.overrides else None
        return f"{'w' if (_works(day) if works is None else works) else 'h'}{local.hour:02d}"


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the day: so many were watched (`looked`), in so many of them something new came (`brought`).

    Both fade. `waiting`: hours watched since the newest item, not yet among `looked`.
    """

    looked: float = 0.0
    brought: float = 0.0
    waiting: float = 0.0

    def chance(self) -> float:
        """Give how likely such an hour brings something; one empty hour more is counted than was seen."""
        return min(MOST_CERTAIN, self.brought / (self.looked + 1))

    def rate(self) -> float:
        """Give how unlikely it is that such an hour is empty."""
        return -math.log1p(-self.chance())


@dataclass(frozen=True, slots=True)
class Past:
    """All that is kept of one source's past; stored as JSON beside its state.

    `items`: how many came while it was watched (fading). `ended` long silences came to an end, after another
    `foreseen` by the hours alone (both fading); `early` is what this silence had reached when it became a long one,
    None before. `watched_from`: the watch is unbroken since then and not counted yet, None while it is broken;
    `closed`: stretches before that, not counted yet either. `slot`: the hour to which this round's news is credited,
    "" where the watch was broken before it; `credited`: the last full hour since 1970 that got a credit. `lost`:
    seconds in which the source could not be read, by the hour since 1970, without faults that were told and our own.
    `told`: faults told since it last answered. `rounds`: rounds in a row that showed an ailment not told yet.
    """

    hours: Mapping[str, Hour] = field(default_factory=dict)
    items: float = 0.0
    ended: float = 0.0
    foreseen: float = 0.0
    early: float | None = None
    watched_from: datetime | None = None
    closed: tuple[tuple[datetime, datetime], ...] = ()
    slot: str = ""
    credited: int = 0
    lost: Mapping[int, float] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    rounds: Mapping[str, int] = field(default_factory=dict)

    # --- the watch ---

    def broken_off(self, last: datetime | None) -> "Past":
        """End the watch with the last good poll before it broke."""
        start = self.watched_from
        whole = ((start, last),) if start is not None and last is not None and start < last else ()
        return replace(self, watched_from=None, closed=(*self.closed, *whole), slot="")

    def watched(self, until: datetime, days: Days) -> "Past":
        """Count what was watched until a good poll, and watch on from there; credit goes to its hour.

        The first good poll after a hole gets none: what it finds may have come at any time.
        """
        start = self.watched_from
        stretches = self.closed if start is None else (*self.closed, (start, until))
        waited: dict[str, float] = {}
        for begin, end in stretches:
            for slot, share in days.hours(begin, end):
                waited[slot] = waited.get(slot, 0.0) + share
        hours = dict(self.hours)
        for slot, more in waited.items():
            hour = hours.get(slot, Hour())
            hours[slot] = replace(hour, waiting=hour.waiting + more)
        slot = "" if start is None else days.slot(until) if start < until else self.slot
        return replace(self, hours=hours, closed=(), watched_from=until, slot=slot)

    def long_silent(self) -> "Past":
        """Note that the silence is a long one from here on."""
        return self if self.early is not None else replace(self, early=self.unlikelihood())

    def brought(self, items: int, at: datetime) -> "Past":
        """Learn from new items: the silence before them is over, and its hours belong to the past."""
        waited = sum(hour.waiting for hour in self.hours.values())
        fade, slow_fade = math.exp(-waited / MEMORY_H), math.exp(-waited / LONG_MEMORY_H)
        hour_now = int(at.timestamp() // 3600)
        credit = self.slot if hour_now != self.credited else ""
        seen = {credit: Hour(), **self.hours} if credit else self.hours
        # A silence so long that it is an alarm says nothing of how fast silences end: the source may have been dead,
        # and one that was dead for a week must not be given a week the next time.
        was_long = self.early is not None and not self.is_silent()
        beyond = self.unlikelihood() - (self.early or 0.0) if was_long else 0.0
        return replace(
            self,
            hours={
                slot: Hour(hour.looked * fade + hour.waiting, hour.brought * fade + (slot == credit))
                for slot, hour in seen.items()
            },
            items=self.items * fade + (items if self.slot else 0),
            ended=self.ended * slow_fade + was_long,
            foreseen=self.foreseen * slow_fade + max(0.0, beyond),
            early=None,
            credited=hour_now if credit else self.credited,
        )

    # --- silence ---

    def unlikelihood(self) -> float:
        """Give how unlikely the present silence is by the hours alone; 0 where nothing is known."""
        return sum(hour.waiting * hour.rate() for hour in self.hours.values() if hour.waiting)

    def haste(self) -> float:
        """Give how fast long silences end, against what the hours say: 1 as fast, 0.3 for a source of bursts."""
        return min(1.0, (1 + self.ended) / (1 + self.foreseen))

    def patience(self) -> float:
        """Give how unlikely a silence must be to alarm: less than UNLIKELY, and rarer than once in two years."""
        looked = max(sum(hour.looked for hour in self.hours.values()), RATE_AFTER_H)
        silences = sum(hour.brought for hour in self.hours.values()) / looked * _YEAR_H
        return max(-math.log(UNLIKELY), math.log(max(1.0, YEARS_WITHOUT_FALSE_ALARM * silences)))

    def knows(self) -> bool:
        """Tell whether there is enough past to judge by."""
        looked = sum(hour.looked for hour in self.hours.values())
        return looked >= ENOUGH_H and sum(hour.brought for hour in self.hours.values()) >= ENOUGH_NEWS

    def is_silent(self) -> bool:
        """Tell whether so much silence is too unlikely, by what was watched of it."""
        return self.knows() and self.haste() * self.unlikelihood() >= self.patience()

    def next_look(self, now: datetime, days: Days) -> datetime:
        """Give when this silence may become an alarm if nothing comes, a day ahead at most."""
        end = now + LOOK_AGAIN
        if not self.knows():
            return end
        haste = self.haste()
        left = self.patience() - haste * self.unlikelihood()
        moment = now
        for slot, share in days.hours(now, end):
            rate = haste * self.hours.get(slot, Hour()).rate()
            if left <= share * rate and rate:
                return moment + max(left, 0.0) / rate * _HOUR + timedelta(seconds=1)
            left -= share * rate
            moment += share * _HOUR
        return end

    def per_hour(self) -> float | None:
        """Give the items that are expected an hour; None until a day was watched."""
        hours = sum(hour.looked + hour.waiting for hour in self.hours.values())
        return self.items / hours if hours >= RATE_AFTER_H else None

    # --- errors ---

    def lost_between(self, start: datetime, end: datetime) -> "Past":
        """Add a time in which the source could not be read; what is older than a day is forgotten."""
        lost = _last_day(self.lost, end)
        at, stop = max(start, end - DAY).timestamp(), end.timestamp()
        while at < stop:
            hour = int(at // 3600)
            edge = min((hour + 1) * 3600.0, stop)
            lost[hour] = lost.get(hour, 0.0) + edge - at
            at = edge
        return replace(self, lost=lost)

    def lost_share(self, now: datetime) -> float:
        """Give how much of the last 24 h the source could not be read, 0 to 1."""
        return min(1.0, sum(_last_day(self.lost, now).values()) / DAY.total_seconds())

    # --- as JSON ---

    def as_json(self) -> dict[str, Any]:
        """Give it as it is stored; figures to four digits, what is empty left out."""
        raw: dict[str, Any] = {
            "hours": {
                slot: [round(hour.looked, 4), round(hour.brought, 4), round(hour.waiting, 4)]
                for slot, hour in self.hours.items()
            },
            "items": round(self.items, 4),
            "ended": round(self.ended, 4),
            "foreseen": round(self.foreseen, 4),
            "from": self.watched_from.isoformat() if self.watched_from else None,
            "closed": [[start.isoformat(), end.isoformat()] for start, end in self.closed],
            "slot": self.slot,
            "credited": self.credited,
            "lost": {str(hour): round(seconds, 1) for hour, seconds in self.lost.items()},
            "told": list(self.told),
            "rounds": dict(self.rounds),
        }
        early = {} if self.early is None else {"early": round(self.early, 4)}
        return {key: value for key, value in raw.items() if value} | early


def past(raw: Mapping[str, Any] | None) -> Past:
    """Read it as it was stored; None is a source without a past."""
    if not raw:
        return Past()
    begun = raw.get("from")
    at = datetime.fromisoformat
    return Past(
        hours={slot: Hour(*figures) for slot, figures in raw.get("hours", {}).items()},
        items=raw.get("items", 0.0),
        ended=raw.get("ended", 0.0),
        foreseen=raw.get("foreseen", 0.0),
        early=raw.get("early"),
        watched_from=at(begun) if begun else None,
        closed=tuple((at(start), at(end)) for start, end in raw.get("closed", ())),
        slot=raw.get("slot", ""),
        credited=raw.get("credited", 0),
        lost={int(hour): seconds for hour, seconds in raw.get("lost", {}).items()},
        told=tuple(raw.get("told", ())),
        rounds=raw.get("rounds", {}),
    )


def _last_day(lost: Mapping[int, float], now: datetime) -> dict[int, float]:
    oldest = now.timestamp() // 3600 - 24
    return {hour: seconds for hour, seconds in lost.items() if hour > oldest}


# --- what is said of it ---


def too_silent(known: Past, newest: datetime, until: datetime, days: Days) -> Symptom | None:
    """Judge the silence between the newest item and the last good poll, by what was learned."""
    if until - newest < SHORTEST_SILENCE or not known.is_silent():
        return None
    detail = (
        f"已 {span_words(until - newest)}没有新内容；{usual(known, until, days)}，{_latest(newest, days)}"
    )
    return Symptom(Ailment.SILENT, detail, _silent_cure)


def too_silent_by_rule(newest: datetime, until: datetime, limit: timedelta, days: Days) -> Symptom | None:
    """Judge it by the limit that was configured."""
    if until - newest < limit:
        return None
    so_long, allowed = span_words(until - newest), span_words(limit)
    detail = f"已 {so_long}没有新内容，超过设定的 {allowed}；{_latest(newest, days)}"
    return Symptom(Ailment.SILENT, detail, _silent_cure)


_silent_cure = "请打开原网页核对；网页有更新的，多半是订阅被缓存或中转站（如 RSSHub）失效，请换地址或修好中转"


def usual(known: Past, now: datetime, days: Days) -> str:
    """Say how often something comes at this hour, or how often at all (Chinese)."""
    slots = {days.slot(now - back * _HOUR) for back in range(3)}
    chance = max(known.hours.get(slot, Hour()).chance() for slot in slots)
    kind = "工作日" if days.slot(now).startswith("w") else "休息日"
    if chance >= 0.8:
        return f"平时{kind}这个时段几乎每小时都有"
    if chance >= 0.4:
        return f"平时{kind}这个时段多数小时都有"
    looked = sum(hour.looked for hour in known.hours.values())
    brought = sum(hour.brought for hour in known.hours.values())
    return f"平时约 {span_words(timedelta(hours=looked / max(brought, 0.01)))}有一次"


def span_words(span: timedelta) -> str:
    """Give a span as people say it, `40 分钟`, `9 小时`, `12 天`."""
    hours = span / _HOUR
    if hours < 1:
        return f"{max(1, round(hours * 60))} 分钟"
    return f"{round(hours)} 小时" if hours < 47.5 else f"{round(hours / 24)} 天"


def _latest(newest: datetime, days: Days) -> str:
    return f"最近一次 {newest.astimezone(days.zone):%m-%d %H:%M}"


def failing_often(known: Past, now: datetime) -> Symptom | None:
    """Judge a source that fails and comes back, each time too soon to be told."""
    share = known.lost_share(now)
    if share <= TOO_MUCH_LOST:
        return None
    detail = f"时断时续：近 24 小时里合计约 {round(share * 24)} 小时读不到，每次都不久就恢复"
    cure = "请检查到该站的线路和代理；若对方限制访问，请调大 interval_s 或换地址"
    return Symptom(Ailment.ERRORS, detail, cure)


@dataclass(frozen=True, slots=True)
class Polls:
    """How many sources were polled of late over the network, and how many of them could not be reached."""

    polled: int
    unreachable: int
    minutes: int

    def is_our_network(self) -> bool:
        """Tell whether so many fail at once that it is us."""
        return self.polled >= NETWORK_AT_LEAST and self.unreachable > NETWORK_SHARE * self.polled

    def is_over(self) -> bool:
        """Tell whether enough of them answer again; what was not polled shows nothing."""
        return self.polled > 0 and self.unreachable < NETWORK_OVER * self.polled

    def symptom(self) -> Symptom:
        """Say it, once for all of them."""
        detail = f"近 {self.minutes} 分钟读取的 {self.polled} 个来源中有 {self.unreachable} 个连不上，恢复前不再逐个报告"
        cure = "请检查本机网络、DNS 和代理；来源多经同一个 RSSHub 的，请先看它是否在运行"
        return Symptom(Ailment.NETWORK, detail, cure)

"""What a source's past makes likely: simulated years without false alarms, dead sources found, and the small print."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing import health
from routing.health import Days, Hour, Past, Polls, past
from routing.items import Ailment

ZONE = ZoneInfo("Asia/Shanghai")
DAYS = Days(ZONE)
HOUR = timedelta(hours=1)
HALF = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)


def local(*when: int) -> datetime:
    return datetime(*when, tzinfo=ZONE).astimezone(UTC)  # type: ignore[arg-type]


NEW_YEAR = local(2025, 1, 1)
YEAR_END = local(2026, 1, 1)

EMPTY = Past()

# --- sources that publish by chance -------------------------------------------------------------------------------

Rate = Callable[[datetime], float]


def forum(at: datetime) -> float:
    """Items an hour of a busy forum: few at night, eight and more in the evening."""
    hour = at.astimezone(ZONE).hour
    return 8 * (0.15 + (math.sin((hour - 6) / 18 * math.pi) if hour >= 6 else 0))


def quiet_forum(at: datetime) -> float:
    """The same with two fifths of it, and a fifth of that around the Spring Festival."""
    festival = local(2025, 1, 28) <= at < local(2025, 2, 4)
    return forum(at) * 0.4 * (0.2 if festival else 1)


def county_news(an_hour: float) -> Rate:
    """Items an hour of a page that is filled on working days from 8 to 18 only."""

    def rate(at: datetime) -> float:
        is_open = DAYS.slot(at).startswith("w") and 8 <= at.astimezone(ZONE).hour < 18
        return an_hour if is_open else 0.0

    return rate


def day_and_night(at: datetime) -> float:
    return 0.7


def publish(rate: Rate, seed: int, start: datetime, end: datetime) -> list[datetime]:
    """Give the moments at which a source publishes, by chance at the rate of each hour."""
    chance, at, moments = random.Random(seed), start, []
    while at < end:
        left, expected = chance.random(), math.exp(-rate(at))
        while left > expected:
            moments.append(at + chance.random() * HOUR)
            left *= chance.random()
        at += HOUR
    return sorted(moment for moment in moments if moment < end)


def burst(seed: int, start: datetime, end: datetime) -> list[datetime]:
    """Give the moments of a source that publishes up to 25 items within hours, and then nothing for days."""
    chance, at, moments = random.Random(seed), start, []
    while at < end:
        at += chance.expovariate(1 / 60) * HOUR
        for _ in range(chance.randint(1, 25)):
            at += chance.expovariate(6) * HOUR
            moments.append(at)
    return [moment for moment in moments if moment < end]


@dataclass
class Watch:
    """A source that is polled every half hour and looked at when its past says so, as `routing.sources` does it."""

    known: Past = EMPTY
    alarms: list[datetime] | None = None

    def over(self, moments: Sequence[datetime], start: datetime, end: datetime) -> "Watch":
        alarms: list[datetime] = []
        coming, known, newest = iter([*moments, end + HOUR]), self.known.watched(start, DAYS), start
        following, look, is_told, at = next(coming), start + health.FIRST_LOOK, False, start
        while (at := at + HALF) <= end:
            new = 0
            while following <= at:
                new, following = new + 1, next(coming)
            if new:
                known = known.watched(at, DAYS).brought(new, at)
                newest, look, is_told = at, at + health.FIRST_LOOK, False
            if at >= look:
                known = known.watched(at, DAYS)
                if at - newest >= health.SHORTEST_SILENCE:
                    known = known.long_silent()
                if not is_told and health.too_silent(known, newest, at, DAYS):
                    alarms.append(at)
                    is_told = True
                look = known.next_look(at, DAYS)
        return Watch(known, alarms)


SOURCES: dict[str, Callable[[int, datetime, datetime], list[datetime]]] = {
    "busy forum": lambda *when: publish(forum, *when),
    "forum that sleeps at the festival": lambda *when: publish(quiet_forum, *when),
    "county news, many": lambda *when: publish(county_news(2.0), *when),
    "county news, some": lambda *when: publish(county_news(1.0), *when),
    "county news, few": lambda *when: publish(county_news(0.5), *when),
    "one post a week": lambda *when: publish(county_news(0.02), *when),
    "day and night": lambda *when: publish(day_and_night, *when),
    "bursts": burst,
}
SEEDS = {"bursts": 8, "county news, many": 6}


@pytest.mark.parametrize("name", SOURCES)
def test_a_year_of_a_living_source_holds_at_most_one_false_alarm(name, capsys):
    seeds = SEEDS.get(name, 3)
    years = [
        Watch().over(SOURCES[name](seed, NEW_YEAR, YEAR_END), NEW_YEAR, YEAR_END) for seed in range(seeds)
    ]
    alarms = sum(len(year.alarms or ()) for year in years)
    with capsys.disabled():
        print(f"\n  {name}: {alarms} false alarms in {seeds} years", end="")
    assert alarms <= seeds
    assert name == "one post a week" or all(year.known.knows() for year in years)


FRIDAY = local(2025, 6, 13, 18)
SPRING = local(2025, 3, 1)


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("busy forum", local(2025, 6, 13, 23, 59)),
        ("county news, many", local(2025, 6, 16, 18)),
        ("county news, some", local(2025, 6, 16, 18)),
        ("county news, few", local(2025, 6, 17, 18)),
    ],
)
def test_a_source_that_dies_on_friday_evening_is_found_on_monday_a_slow_one_on_tuesday(name, by):
    for seed in range(4):
        watch = Watch().over(SOURCES[name](seed, SPRING, FRIDAY), SPRING, FRIDAY + timedelta(days=5))
        found = [alarm for alarm in watch.alarms or () if alarm > FRIDAY]
        assert len(found) == 1
        assert found[0] <= by
        assert found[0] - FRIDAY >= health.SHORTEST_SILENCE


def test_the_second_death_is_found_as_fast_as_the_first():
    """A week of death must not teach the desk that weeks of silence are usual."""
    back, death = local(2025, 6, 24), local(2025, 8, 15, 18)
    moments = publish(forum, 1, SPRING, FRIDAY) + publish(forum, 2, back, death)
    watch = Watch().over(moments, SPRING, death + timedelta(days=3))
    first, second = [alarm for alarm in watch.alarms or () if alarm > FRIDAY]
    assert second - death <= (first - FRIDAY) + HOUR


def test_national_day_week_is_no_silence_and_the_same_week_at_work_would_be():
    news = county_news(1.0)
    before, after = local(2025, 9, 30, 18), local(2025, 10, 9, 8)
    assert {DAYS.slot(before + n * 24 * HOUR)[0] for n in range(1, 9)} == {"h"}
    watch = Watch().over(publish(news, 5, SPRING, after), SPRING, after)
    assert [alarm for alarm in watch.alarms or () if alarm > local(2025, 9, 1)] == []
    elsewhere = Days(ZONE, {f"2025-10-{day:02d}": True for day in range(1, 9)})
    waiting = watch.known.watched(before, elsewhere).brought(1, before).watched(after, elsewhere)
    assert health.too_silent(waiting, before, after, elsewhere)
    assert not health.too_silent(watch.known, before, after, DAYS)


def test_a_new_source_is_not_judged_in_its_first_two_weeks():
    start, death = local(2025, 6, 2, 8), local(2025, 6, 13)
    watch = Watch().over(publish(forum, 3, start, death), start, death + timedelta(days=2))
    assert watch.alarms == []
    assert not watch.known.knows()


# --- the calendar -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "slot"),
    [
        (local(2026, 9, 30, 9, 59), "w09"),
        (local(2026, 10, 1, 9), "h09"),  # National Day
        (local(2026, 10, 10, 23), "w23"),  # a Saturday worked in exchange
        (local(2026, 10, 11, 0), "h00"),
        (local(2035, 10, 1, 9), "w09"),  # a Monday of a year without a calendar yet
        (local(2035, 10, 6, 9), "h09"),
    ],
)
def test_an_hour_is_one_of_a_working_day_or_of_another(moment, slot):
    assert DAYS.slot(moment) == slot


def test_the_office_may_work_when_others_do_not():
    mine = Days(ZONE, {"2026-10-01": True})
    assert (mine.slot(local(2026, 10, 1, 9)), mine.slot(local(2026, 10, 2, 9))) == ("w09", "h09")


def test_a_stretch_is_cut_at_the_full_hours_of_the_local_clock():
    assert list(DAYS.hours(local(2026, 11, 20, 22, 45), local(2026, 11, 21, 0, 30))) == [
        ("w22", 0.25),
        ("w23", 1.0),
        ("h00", 0.5),
    ]
    half = Days(ZoneInfo("Asia/Kolkata"))
    start = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)  # 08:30 there
    assert list(half.hours(start, start + HOUR)) == [("w08", 0.5), ("w09", 0.5)]
    assert list(DAYS.hours(start, start)) == []


# --- what is counted ----------------------------------------------------------------------------------------------

TEN = local(2026, 11, 17, 10)


def figures(known: Past, slot: str) -> tuple[float, float, float]:
    hour = known.hours.get(slot, Hour())
    return hour.looked, hour.brought, hour.waiting


def test_hours_wait_until_something_comes_and_belong_to_the_past_then():
    known = Past().watched(TEN, DAYS).watched(TEN + 1.5 * HOUR, DAYS)
    assert figures(known, "w10") == (0, 0, 1.0)
    known = known.brought(4, TEN + 1.5 * HOUR)
    assert (figures(known, "w10"), figures(known, "w11")) == ((1.0, 0, 0), (0.5, 1, 0))
    assert known.items == 4


def test_an_hour_is_credited_once_however_often_it_brings():
    known = Past().watched(TEN, DAYS)
    for minutes in (10, 20, 50):
        at = TEN + timedelta(minutes=minutes)
        known = known.watched(at, DAYS).brought(1, at)
    looked, brought, waiting = figures(known, "w10")
    assert looked == pytest.approx(50 / 60, rel=0.01)
    assert (brought, waiting) == (pytest.approx(1, rel=0.01), 0)
    assert known.items == pytest.approx(3, rel=0.01)


def test_what_the_first_poll_after_a_hole_finds_teaches_nothing():
    known = Past().watched(TEN, DAYS).broken_off(TEN + HOUR)
    assert known.watched_from is None
    back = TEN + 9 * HOUR
    known = known.watched(back, DAYS).brought(30, back)
    assert (figures(known, "w10"), figures(known, "w19")) == ((1.0, 0, 0), (0, 0, 0))
    assert known.items == 0
    known = known.watched(back + HALF, DAYS).brought(1, back + HALF)
    assert figures(known, "w19")[1] == 1


def test_hours_in_which_we_slept_are_no_silence():
    start = TEN + timedelta(days=1)
    known = (
        Watch().over(publish(forum, 9, TEN - timedelta(days=60), TEN), TEN - timedelta(days=60), TEN).known
    )
    through = known.watched(start, DAYS)
    slept = known.watched(TEN + HOUR, DAYS).broken_off(TEN + HOUR).watched(start, DAYS)
    assert through.is_silent()
    assert not slept.is_silent()
    assert slept.unlikelihood() < through.unlikelihood() / 5


def test_a_clock_that_was_set_back_counts_nothing_twice():
    known = Past().watched(TEN + HOUR, DAYS).watched(TEN, DAYS).watched(TEN + HALF, DAYS)
    assert figures(known, "w10") == (0, 0, 0.5)


def test_the_rate_follows_the_source_and_is_unknown_at_first():
    known, at = Past().watched(TEN, DAYS), TEN
    for hour in range(1, 24 * 90):
        at += HOUR
        known = known.watched(at, DAYS).brought(2 if hour < 24 * 45 else 6, at)
        if hour == 20:
            assert known.per_hour() is None
        if hour == 24 * 44:
            assert known.per_hour() == pytest.approx(2, rel=0.01)
    assert known.per_hour() == pytest.approx(6 - 4 * math.exp(-45 / 28), rel=0.05)


def test_a_source_without_news_is_expected_to_bring_none():
    assert Past().watched(TEN, DAYS).watched(TEN + 25 * HOUR, DAYS).per_hour() == 0


def test_an_hour_that_never_brought_anything_adds_nothing_to_a_silence():
    assert Hour(looked=40).rate() == 0
    assert Hour(looked=10, brought=10).chance() == pytest.approx(10 / 11)
    assert Hour(looked=500, brought=500).chance() == health.MOST_CERTAIN


def test_the_next_look_is_when_the_alarm_is_due():
    start = TEN - timedelta(days=60)
    known = Watch().over(publish(county_news(1.0), 4, start, TEN), start, TEN).known
    known = known.watched(TEN, DAYS).brought(1, TEN)
    at, looks = TEN, 0
    while not known.is_silent():
        before, at = at, known.next_look(at, DAYS)
        assert before < at <= before + health.LOOK_AGAIN
        if at < before + health.LOOK_AGAIN:
            assert not known.watched(at - timedelta(minutes=5), DAYS).is_silent()
        known, looks = known.watched(at, DAYS), looks + 1
    assert looks <= 3


# --- errors -------------------------------------------------------------------------------------------------------


def test_time_that_was_lost_is_counted_for_a_day():
    known = Past().lost_between(TEN, TEN + 6 * HOUR).lost_between(TEN + 7 * HOUR, TEN + 8.5 * HOUR)
    assert known.lost_share(TEN + 9 * HOUR) == pytest.approx(7.5 / 24)
    assert known.lost_share(TEN + 30 * HOUR) == pytest.approx(1.5 / 24)
    assert known.lost_share(TEN + 34 * HOUR) == 0
    assert Past().lost_between(TEN, TEN + 100 * HOUR).lost_share(TEN + 100 * HOUR) > 23 / 24 - 0.001


def test_a_source_that_is_away_for_more_than_half_a_day_in_pieces_fails_often():
    assert health.failing_often(Past().lost_between(TEN, TEN + 12 * HOUR), TEN + 12 * HOUR) is None
    often = health.failing_often(Past().lost_between(TEN, TEN + 13 * HOUR), TEN + 13 * HOUR)
    assert often is not None
    assert often.ailment is Ailment.ERRORS
    assert "约 13 小时读不到" in often.detail


@pytest.mark.parametrize(
    ("polled", "unreachable", "is_ours", "is_over"),
    [
        (0, 0, False, False),
        (4, 4, False, False),
        (5, 5, True, False),
        (10, 8, False, False),
        (10, 9, True, False),
        (10, 5, False, False),
        (10, 4, False, True),
        (1, 0, False, True),
    ],
)
def test_nearly_all_at_once_is_our_network(polled, unreachable, is_ours, is_over):
    polls = Polls(polled, unreachable, 5)
    assert (polls.is_our_network(), polls.is_over()) == (is_ours, is_over)


# --- what is said -------------------------------------------------------------------------------------------------


def lived(hours: dict[str, Hour]) -> Past:
    return Past(hours=hours, watched_from=TEN)


def test_an_alarm_says_how_long_and_what_is_usual():
    hours = {f"w{h:02d}": Hour(20, 20 if 7 < h < 19 else 0) for h in range(24)}
    newest = local(2026, 11, 20, 8, 12)
    known = lived(hours).watched(newest, DAYS)
    known = replace(known, hours=hours).watched(newest + 9 * HOUR, DAYS)
    alarm = health.too_silent(known, newest, newest + 9 * HOUR, DAYS)
    assert alarm is not None
    assert alarm.ailment is Ailment.SILENT
    assert alarm.detail == "已 9 小时没有新内容；平时工作日这个时段几乎每小时都有，最近一次 11-20 08:12"
    assert "RSSHub" in alarm.cure


@pytest.mark.parametrize(
    ("brought", "words"),
    [
        (18.0, "平时工作日这个时段几乎每小时都有"),
        (10.0, "平时工作日这个时段多数小时都有"),
        (1.0, "平时约 20 小时有一次"),
        (0.1, "平时约 8 天有一次"),
    ],
)
def test_what_is_usual_is_said_in_hours_or_days(brought, words):
    known = lived({f"w{h:02d}": Hour(20, brought) for h in range(24)})
    assert health.usual(known, TEN, DAYS) == words


def test_a_silence_longer_than_configured_needs_no_past():
    newest = TEN - 26 * HOUR
    limit = timedelta(hours=24)
    alarm = health.too_silent_by_rule(newest, TEN, limit, DAYS)
    assert alarm is not None
    assert alarm.detail == "已 26 小时没有新内容，超过设定的 24 小时；最近一次 11-16 08:00"
    assert health.too_silent_by_rule(newest, newest + 23 * HOUR, limit, DAYS) is None


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(minutes=40), "40 分钟"),
        (timedelta(hours=3), "3 小时"),
        (timedelta(hours=47), "47 小时"),
        (timedelta(hours=48), "2 天"),
        (timedelta(days=50), "50 天"),
    ],
)
def test_spans_are_said_as_people_say_them(span, words):
    assert health.span_words(span) == words


# --- as JSON ------------------------------------------------------------------------------------------------------

amounts = st.floats(0, 1e4).map(lambda value: round(value, 4))
instants = st.integers(0, 10**8).map(lambda minutes: datetime(1970, 1, 1, tzinfo=UTC) + minutes * MINUTE)


def pasts() -> st.SearchStrategy[Past]:
    slots = st.sampled_from([f"{kind}{hour:02d}" for kind in "wh" for hour in range(24)])
    return st.builds(
        Past,
        hours=st.dictionaries(slots, st.builds(Hour, amounts, amounts, amounts)),
        items=amounts,
        ended=amounts,
        foreseen=amounts,
        early=st.none() | amounts,
        watched_from=st.none() | instants,
        closed=st.lists(st.tuples(instants, instants), max_size=3).map(tuple),
        slot=st.just("") | slots,
        credited=st.integers(0, 500_000),
        lost=st.dictionaries(st.integers(0, 500_000), st.floats(0, 3600).map(lambda v: round(v, 1))),
        told=st.lists(st.sampled_from(["passing", "not_a_feed"]), max_size=2).map(tuple),
        rounds=st.dictionaries(st.just("drift"), st.integers(1, 9)),
    )


@given(pasts())
def test_a_past_is_read_as_it_was_stored(known):
    assert past(known.as_json()) == known


def test_a_source_without_a_past_has_an_empty_one():
    assert past(None) == past({}) == Past()
    assert Past().as_json() == {}

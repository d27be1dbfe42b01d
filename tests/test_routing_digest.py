import dataclasses
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest

from routing.clock import day_named, week_named
from routing.digest import Digest, Matter, Rate, week_numbers
from routing.items import Kind
from routing.office import Body, Channel, Level, Office, Step
from routing.store.engine import Store
from routing.store.tables import (
    AssignmentRow,
    CaseItemRow,
    CaseRow,
    DeadlineRow,
    DraftRow,
    ItemRow,
    Outcome,
    PersonRow,
    ReleaseRow,
)
from routing.workflow import State

ZONE = ZoneInfo("Asia/Shanghai")
CHANNELS = {
    "net": "网络舆情",
    "letters": "社情民意",
    "press": "对外宣传",
    "safety": "安全稳定",
    "other": "其他",
}
OFFICE = Office(
    name="云溪县人民政府办公室",
    code="YXX",
    zone=ZONE,
    duty_chat="duty",
    operator_chat="operator",
    channels={key: Channel(key, name, f"{name}承办单位", f"chat-{key}") for key, name in CHANNELS.items()},
    limits={},
    marks={},
)
WEEK = week_named("2026-W47", ZONE)
PERSON = "张三丰"


def at(day: int, hour: int = 12, minute: int = 0) -> datetime:
    """Give a local moment of November 2026 as UTC; the 16th is the Monday of the week."""
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


NOW = at(23, 8, 30)
HOUR = timedelta(hours=1)


class Desk:
    """Puts rows into a store, with the least that each needs."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.serial = count(1)
        self.person = self.add(PersonRow(name=PERSON, added_at=at(1)))

    def add(self, row):
        def work(session):
            session.add(row)
            session.flush()
            return row.id

        return self.store.run(work)

    def case(self, opened=None, level=Level.IV, channel="net", state=State.HANDLING, **more):
        serial = next(self.serial)
        values = {"copies": [], "title": f"第{serial}件事", "proposed_level": level} | more
        return self.add(
            CaseRow(
                number=f"YQ-2026-{serial:04d}",
                state=state,
                level=level,
                channel=channel,
                opened_at=opened or at(17),
                **values,
            )
        )

    def limit(self, case_id, step, due, ended=None, channel="net"):
        return self.add(
            DeadlineRow(
                case_id=case_id,
                step=step,
                channel=channel,
                started_at=due - HOUR,
                due_at=due,
                ended_at=ended,
                met=None if ended is None else ended <= due,
            )
        )

    def slip(self, case_id, sent, signed=None, channel="net", unit="某单位"):
        return self.add(
            AssignmentRow(
                case_id=case_id,
                channel=channel,
                unit=unit,
                dispatched_at=sent,
                dispatched_by=self.person,
                signed_at=signed,
                signed_by=self.person if signed else None,
            )
        )

    def item(self, seen=None, outcome=Outcome.NONE, case_id=None):
        serial = next(self.serial)
        item_id = self.add(
            ItemRow(
                source_id="bbs",
                external_id=str(serial),
                url=f"http://bbs.example/{serial}",
                title="帖子",
                text="正文",
                kind=Kind.POST,
                first_seen_at=seen or at(17),
                content_hash="",
                fingerprint="",
                places=[],
                numbers=[],
                outcome=outcome,
                reasons=[],
                masked=[],
            )
        )
        if case_id is not None:
            link = CaseItemRow(item_id=item_id, case_id=case_id, why="", certainty=1.0, at=seen or at(17))
            self.store.run(lambda session: session.add(link))
        return item_id

    def released(self, case_id, when):
        draft = DraftRow(
            case_id=case_id,
            version=1,
            text="答复全文不进周报",
            text_hash="",
            openness="主动公开",
            drafter_id=self.person,
            at=when,
        )
        draft_id = self.add(draft)
        self.add(
            ReleaseRow(
                case_id=case_id,
                draft_id=draft_id,
                url="http://gov.example/1",
                confirmed_by=self.person,
                at=when,
            )
        )

    def digest(self, span=WEEK, now=NOW, office=OFFICE) -> Digest:
        return self.store.run(lambda session: week_numbers(session, office, span, now))


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def line(digest: Digest, key: str = "net"):
    return next(line for line in digest.channels if line.key == key)


def test_an_empty_store_gives_every_channel_with_zeros_and_no_rates(desk):
    digest = desk.digest()
    assert [c.name for c in digest.channels] == list(CHANNELS.values())
    assert {(c.opened, c.dispatched, c.open_now, c.overdue_now) for c in digest.channels} == {(0, 0, 0, ())}
    assert digest.by_level == dict.fromkeys(Level, 0)
    assert str(digest.signed) == str(line(digest).answered) == "无事项"
    assert digest.median_sign_minutes is None
    assert digest.is_empty


def test_matters_are_counted_by_channel_level_and_local_day(desk):
    desk.case(at(16, 0, 0), Level.I, "safety")
    desk.case(at(16, 23, 59), Level.IV)
    desk.case(at(18, 7, 0), Level.IV)  # still the 17th in UTC
    digest = desk.digest()
    assert digest.opened == 3
    assert {c.key: c.opened for c in digest.channels} == {
        "net": 2, "letters": 0, "press": 0, "safety": 1, "other": 0
    }  # fmt: skip
    assert digest.by_level == {Level.I: 1, Level.II: 0, Level.III: 0, Level.IV: 2}
    assert [(d.on.day, d.total) for d in digest.days] == [
        (16, 2), (17, 0), (18, 1), (19, 0), (20, 0), (21, 0), (22, 0)
    ]  # fmt: skip
    assert digest.days[0].by_level == {Level.I: 1, Level.II: 0, Level.III: 0, Level.IV: 1}


def test_the_edges_of_the_week_are_local_midnights_and_half_open(desk):
    desk.case(at(15, 23, 59))
    desk.case(at(16, 0, 0))
    desk.case(at(22, 23, 59))
    desk.case(at(23, 0, 0))
    assert desk.digest().opened == 2


def test_a_day_that_the_clock_makes_shorter_is_still_one_day(desk):
    berlin = ZoneInfo("Europe/Berlin")
    office = dataclasses.replace(OFFICE, zone=berlin)
    span = week_named("2026-W13", berlin)  # ends on the day that loses an hour
    desk.case(datetime(2026, 3, 29, 23, 30, tzinfo=berlin))
    digest = desk.digest(span, datetime(2026, 3, 30, 12, tzinfo=UTC), office)
    assert [d.on for d in digest.days] == [date(2026, 3, 23) + timedelta(days=i) for i in range(7)]
    assert digest.days[-1].total == 1


def test_a_single_day_can_be_asked_for(desk):
    desk.case(at(17))
    desk.case(at(18))
    digest = desk.digest(day_named("2026-11-17", ZONE))
    assert (digest.opened, len(digest.days)) == (1, 1)


@pytest.mark.parametrize(
    ("due", "ended", "expected"),
    [
        (at(17), at(17) - HOUR, Rate(1, 1)),
        (at(17), at(17), Rate(1, 1)),
        (at(17), at(17) + HOUR, Rate(0, 1)),
        (at(17), None, Rate(0, 1)),
        (at(24), None, Rate(0, 0)),  # not due yet
        (at(24), at(22), Rate(1, 1)),  # met this week, due in the next
        (at(16, 6), at(15), Rate(0, 0)),  # met last week, due in this one
        (at(15), at(17), Rate(0, 0)),  # ran out last week: counted there
        (at(22), at(24), Rate(0, 1)),  # ran out this week, met in the next
    ],
)
def test_a_limit_counts_once_where_it_was_met_or_ran_out(desk, due, ended, expected):
    desk.limit(desk.case(), Step.SIGN, due, ended)
    digest = desk.digest()
    assert (line(digest).signed, digest.signed) == (expected, expected)


def test_every_limit_is_counted_in_exactly_one_of_three_weeks(desk):
    for due, ended in [
        (at(15), at(17)),
        (at(22), at(24)),
        (at(16, 6), at(15)),
        (at(24), at(22)),
        (at(17), None),
    ]:
        desk.limit(desk.case(), Step.SIGN, due, ended)
    now = at(30, 8)
    weeks = [desk.digest(week_named(f"2026-W{n}", ZONE), now).signed for n in (46, 47, 48)]
    assert sum(rate.due for rate in weeks) == 5
    assert sum(rate.met for rate in weeks) == 2


def test_in_the_middle_of_a_week_what_is_not_yet_due_does_not_count(desk):
    desk.limit(desk.case(), Step.SIGN, at(20))
    assert desk.digest(now=at(19)).signed == Rate(0, 0)
    assert desk.digest(now=at(20)).signed == Rate(0, 0)  # the last minute still counts as in time
    assert desk.digest(now=at(20, 12, 1)).signed == Rate(0, 1)


def test_receipts_count_with_the_channel_that_had_to_sign(desk):
    case_id = desk.case(channel="letters")  # went to the press office first, which let it lie
    desk.limit(case_id, Step.SIGN, at(17), at(18), channel="press")
    desk.limit(case_id, Step.SIGN, at(18), at(18), channel="letters")
    digest = desk.digest()
    assert (line(digest, "press").signed, line(digest, "letters").signed) == (Rate(0, 1), Rate(1, 1))


def test_an_answer_counts_with_the_channel_that_answered(desk):
    case_id = desk.case(channel="letters", state=State.CLOSED)
    desk.limit(case_id, Step.RESPOND, at(19), at(18), channel="net")  # proposed for net at first
    desk.released(case_id, at(18))
    digest = desk.digest()
    assert (line(digest, "letters").answered, line(digest).answered) == (Rate(1, 1), Rate(0, 0))


def test_a_matter_dismissed_in_time_owed_no_answer_but_one_dismissed_late_did(desk):
    in_time, late = (desk.case(state=State.DISMISSED, closed_at=at(18)) for _ in range(2))
    desk.limit(in_time, Step.RESPOND, at(19), at(18))
    desk.limit(late, Step.RESPOND, at(17), at(18))
    assert desk.digest().answered == Rate(0, 1)


def test_other_limits_count_in_neither_rate(desk):
    desk.limit(desk.case(), Step.DRAFT, at(17), at(16))
    digest = desk.digest()
    assert (digest.signed, digest.answered) == (Rate(0, 0), Rate(0, 0))


def test_a_rate_is_printed_with_its_counts_and_rounded_down():
    assert str(Rate(2, 3)) == "2/3（66%）"
    assert str(Rate(199, 200)) == "199/200（99%）"
    assert str(Rate(0, 0)) == "无事项"


def test_slips_count_with_the_channel_they_went_to(desk):
    case_id = desk.case(channel="letters")
    desk.slip(case_id, at(17), channel="press")
    desk.slip(case_id, at(18), channel="letters")
    desk.slip(case_id, at(24), channel="letters")
    digest = desk.digest()
    assert (line(digest, "press").dispatched, line(digest, "letters").dispatched) == (1, 1)


def with_units() -> Office:
    net = replace(OFFICE.channels["net"], bodies=(Body("县教育局"), Body("县城管局")))
    return replace(OFFICE, channels={**OFFICE.channels, "net": net})


def told(digest: Digest) -> dict[str, tuple[int, Rate, Rate, int, int]]:
    return {
        one.name: (one.dispatched, one.signed, one.closed, one.open_now, one.overdue_now)
        for one in digest.units
    }


def test_units_of_a_channel_that_lists_several_stand_with_counts_and_rates_those_without_figures_do_not(desk):
    done = desk.case(state=State.CLOSED, closed_at=at(19))
    desk.slip(done, at(17), at(17, 13), unit="县教育局")
    desk.limit(done, Step.SIGN, at(18), at(17, 13))
    desk.limit(done, Step.CLOSE, at(20), at(19))
    late = desk.case()
    desk.slip(late, at(18), unit="县教育局")
    desk.limit(late, Step.SIGN, at(19))
    elsewhere = desk.case(channel="letters", state=State.TO_SIGN)
    desk.slip(elsewhere, at(18), channel="letters")
    digest = desk.digest(office=with_units())
    assert told(digest) == {"县教育局": (2, Rate(1, 2), Rate(1, 1), 1, 1)}
    assert desk.digest().units == ()


def test_a_limit_counts_with_the_unit_whose_slip_stood_when_it_began(desk):
    case_id = desk.case(state=State.TO_SIGN)
    desk.slip(case_id, at(17), unit="县城管局")
    desk.slip(case_id, at(18), unit="县教育局")
    desk.limit(case_id, Step.SIGN, at(17, 13))  # the first let it lie
    desk.limit(case_id, Step.SIGN, at(19), at(18, 18))
    assert told(desk.digest(office=with_units())) == {
        "县教育局": (1, Rate(1, 1), Rate(0, 0), 1, 1),
        "县城管局": (1, Rate(0, 1), Rate(0, 0), 0, 0),
    }


def test_open_matters_are_all_that_are_not_over_however_old(desk):
    desk.case(at(2), state=State.TO_SIGN)
    desk.case(state=State.CLOSED, closed_at=at(18))
    desk.case(state=State.DISMISSED, closed_at=at(18))
    digest = desk.digest()
    assert (digest.open_now, line(digest).open_now) == (1, 1)
    assert digest.opened == 2


def test_an_overdue_matter_is_one_line_with_its_late_steps(desk):
    case_id = desk.case(level=Level.III, title="桥面塌陷", state=State.TO_SIGN)
    desk.limit(case_id, Step.SIGN, NOW - 2 * HOUR)
    desk.limit(case_id, Step.RESPOND, NOW - 30 * HOUR)
    desk.limit(case_id, Step.CLOSE, NOW + HOUR)
    recent = desk.case()
    desk.limit(recent, Step.DRAFT, NOW - HOUR)
    desk.limit(recent, Step.SIGN, at(17), at(18))  # late once, over now
    digest = desk.digest()
    first, second = line(digest).overdue_now
    assert (first.number, first.title, first.level) == ("YQ-2026-0001", "桥面塌陷", Level.III)
    assert (first.steps, first.late) == ((Step.RESPOND, Step.SIGN), 30 * HOUR)
    assert (second.steps, second.late) == ((Step.DRAFT,), HOUR)
    assert digest.overdue_now == 2


def test_dismissals_are_counted_by_reason_and_free_words_stay_out(desk):
    for reason in ["与本县无关", "与本县无关", "广告或垃圾信息", f"{PERSON}说不用管", None]:
        desk.case(state=State.DISMISSED, closed_at=at(18), close_reason=reason)
    desk.case(state=State.DISMISSED, closed_at=at(24), close_reason="与本县无关")
    digest = desk.digest()
    assert dict(digest.dismissed) == {"与本县无关": 2, "其他理由": 2, "广告或垃圾信息": 1}
    assert digest.dismissed[-1] == ("广告或垃圾信息", 1)


def test_items_are_counted_by_what_became_of_them(desk):
    case_id = desk.case()
    desk.item(at(17), Outcome.CASE, case_id)
    desk.item(at(18))
    desk.item(at(18))
    desk.item(at(16), Outcome.BASELINE)
    desk.item(at(24))
    digest = desk.digest()
    assert (digest.items_seen, digest.items_no_matter, digest.items_stock) == (4, 2, 1)


def test_the_gravest_matters_come_first_then_those_with_more_items(desk):
    small, large = desk.case(), desk.case()
    grave = desk.case(level=Level.II, state=State.CLOSED, title="水质")
    for case_id, items in [(small, 1), (large, 3), (grave, 2)]:
        for _ in range(items):
            desk.item(case_id=case_id, outcome=Outcome.CASE)
    top = desk.digest().top
    assert top[0] == Matter("YQ-2026-0003", "水质", Level.II, State.CLOSED, 2)
    assert [(m.number, m.items) for m in top[1:]] == [("YQ-2026-0002", 3), ("YQ-2026-0001", 1)]


def test_an_old_matter_that_flares_up_is_among_the_gravest_and_a_dismissed_one_is_not(desk):
    old = desk.case(at(2))
    desk.item(at(3), Outcome.CASE, old)
    desk.item(at(18), Outcome.CASE, old)
    quiet = desk.case(at(2), Level.I)
    desk.item(at(3), Outcome.CASE, quiet)
    desk.case(level=Level.I, state=State.DISMISSED, closed_at=at(18))
    assert [(m.number, m.items) for m in desk.digest().top] == [("YQ-2026-0001", 1)]


def test_at_most_five_matters_are_named(desk):
    for _ in range(7):
        desk.case()
    assert len(desk.digest().top) == 5


def test_the_median_of_the_receipts_of_the_week_is_in_minutes(desk):
    for minutes in (4, 10, 50):
        desk.slip(desk.case(), at(17), at(17) + timedelta(minutes=minutes))
    desk.slip(desk.case(), at(17))
    desk.slip(desk.case(), at(14), at(15))
    assert desk.digest().median_sign_minutes == 10


def test_a_channel_that_is_no_longer_configured_keeps_its_figures(desk):
    desk.case(channel="foreign")
    digest = desk.digest()
    assert [c.key for c in digest.channels] == [*CHANNELS, "foreign"]
    assert digest.opened == sum(c.opened for c in digest.channels) == 1


def test_no_name_of_a_person_and_no_text_of_an_answer_is_in_a_digest(desk):
    case_id = desk.case(state=State.CLOSED, closed_at=at(18))
    desk.slip(case_id, at(17), at(17, 13))
    desk.limit(case_id, Step.RESPOND, at(19), at(18))
    desk.released(case_id, at(18))
    told = repr(desk.digest())
    assert PERSON not in told
    assert "答复全文" not in told

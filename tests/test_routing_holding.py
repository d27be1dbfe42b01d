"""Cards that are held back: by a mute, or beside a grave matter. A state with a reason, and an end that is told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import HOUR, MINUTE, Desk, item, views

from routing import deadlines, holding, mutes
from routing.errors import UserError
from routing.ledger import entries
from routing.office import Level, Procedure
from routing.reconcile import missing_cards
from routing.silence import Ending, MuteKind
from routing.store.tables import CaseRow, HoldRow, LedgerRow, MuteRow, OutboxRow
from routing.views import case_view
from routing.workflow import Command, State

WATER = "东湖小区今天又停水了，物业不管"
DANGER = "东湖小区旁边塌方，路断了"


def mute(desk: Desk, kind: MuteKind, matcher: str, span: timedelta = 4 * HOUR, who: str = "duty") -> Any:
    wanted = mutes.Wanted(kind, matcher, desk.clock() + span, "计划停水")
    return desk.run(
        lambda s: holding.mute(s, desk.office, desk.ledger, desk.staff[who], wanted, desk.clock())
    )


def lift(desk: Desk, mute_id: int, who: str = "duty") -> Any:
    return desk.run(lambda s: mutes.lift(s, desk.ledger, desk.staff[who], mute_id, desk.clock()))


def tick(desk: Desk) -> int:
    return desk.run(lambda s: holding.tick(s, desk.office, desk.ledger, desk.clock()))


def said(desk: Desk, chat: str = "duty-group") -> list[tuple[str, int]]:
    """What was queued to the duty group: card or template, and its priority; updates of cards left out."""
    return [
        (row.payload.get("card") or row.payload["template"], row.priority)
        for row in desk.all(OutboxRow, OutboxRow.chat == chat)
        if row.kind != "edit"
    ]


def actions(desk: Desk, case_id: int) -> list[str]:
    return [line["action"] for line in desk.run(lambda s: list(entries(s, case_id)))]


def hold_of(desk: Desk, case_id: int) -> HoldRow:
    return desk.all(HoldRow, HoldRow.case_id == case_id)[-1]


def test_a_muted_matter_that_waits_to_be_verified_waits_on(desk):
    desk.office = replace(desk.office, procedure=Procedure(verify=True))
    mute(desk, MuteKind.PLACE, "东湖小区")
    case_id = desk.open(WATER)
    tick(desk)
    assert desk.case(case_id).state is State.UNVERIFIED
    assert hold_of(desk, case_id).ended_at is None
    desk.act(case_id, Command.VERIFY)
    tick(desk)
    assert hold_of(desk, case_id).ended_at is None


@pytest.mark.parametrize(
    ("kind", "matcher"),
    [(MuteKind.PLACE, "东湖小区"), (MuteKind.SOURCE, "bbs"), (MuteKind.WORD, "断电，停水")],
)
def test_a_muted_matter_is_opened_and_recorded_and_its_card_waits(desk, kind, matcher):
    mute(desk, kind, matcher)
    case_id = desk.open(WATER)
    assert desk.case(case_id).state is State.JUDGING
    assert said(desk) == []
    assert actions(desk, case_id) == ["open", "hold"]
    view = desk.run(lambda s: case_view(s, case_id))
    assert view.held.mute.reason == "计划停水"
    assert len(view.deadlines) == 2
    assert (
        desk.run(lambda s: missing_cards(s, desk.office, desk.clock())) == 0
    )  # nobody posts it behind our back


@pytest.mark.parametrize(
    ("kind", "matcher"), [(MuteKind.PLACE, "西山小区"), (MuteKind.SOURCE, "weibo"), (MuteKind.WORD, "断电")]
)
def test_a_mute_of_something_else_takes_nothing(desk, kind, matcher):
    mute(desk, kind, matcher)
    desk.open(WATER)
    assert said(desk) == [("duty", 3)]


def test_at_the_end_what_is_still_open_is_told_once_and_the_cards_follow_without_a_sound(desk):
    mute(desk, MuteKind.SOURCE, "bbs")
    first, second = desk.open(WATER), desk.open("西山小区没水了")
    third = desk.open("请问落户要带哪些材料")
    desk.act(third, Command.DISMISS)
    assert tick(desk) == 1  # what ended meanwhile
    desk.clock.advance(4 * HOUR)
    assert tick(desk) == 3
    assert said(desk) == [("held_over", 3), ("duty", 4), ("duty", 4)]
    [summary] = [row for row in desk.all(OutboxRow) if row.payload.get("template") == "held_over"]
    assert summary.payload["cases"] == [first, second]
    assert [hold_of(desk, case_id).ending for case_id in (first, third)] == [Ending.OVER, Ending.CLOSED]
    assert tick(desk) == 0
    assert len(said(desk)) == 3


def test_a_lifted_mute_ends_at_once_and_the_record_says_by_whom(desk):
    one = mute(desk, MuteKind.PLACE, "东湖小区")
    case_id = desk.open(WATER)
    lift(desk, one.id, "leader")
    tick(desk)
    assert said(desk) == [("held_over", 3), ("duty", 4)]
    assert actions(desk, case_id) == ["open", "hold", "release"]
    lines = [(row.action, row.actor) for row in desk.all(LedgerRow)]
    assert ("mute", "王值班") in lines
    assert ("mute_lift", "郑县长") in lines
    with pytest.raises(UserError, match="已经结束"):
        lift(desk, one.id)


def test_a_matter_that_two_mutes_take_waits_for_the_second(desk):
    mute(desk, MuteKind.PLACE, "东湖小区")
    case_id = desk.open(WATER)
    mute(desk, MuteKind.SOURCE, "bbs", 6 * HOUR)
    desk.clock.advance(4 * HOUR)
    tick(desk)
    assert said(desk) == []
    desk.clock.advance(2 * HOUR)
    tick(desk)
    assert said(desk) == [("held_over", 3), ("duty", 4)]
    assert [row.ending for row in desk.all(HoldRow, HoldRow.case_id == case_id)] == [Ending.OVER] * 2


def test_a_danger_goes_out_although_muted_and_says_so(desk):
    mute(desk, MuteKind.PLACE, "东湖小区")
    case_id = desk.open(DANGER)
    assert said(desk) == [("duty", 0)]
    assert actions(desk, case_id) == ["open", "mute_passed"]
    assert desk.run(lambda s: case_view(s, case_id)).held.passed


def test_a_muted_matter_that_becomes_grave_is_heard_at_once(desk):
    mute(desk, MuteKind.PLACE, "东湖小区")
    case_id = desk.open(WATER)
    desk.accept(item(WATER, counts=views(150_000)))
    assert desk.case(case_id).level is Level.II
    assert ("duty", 0) in said(desk)
    assert hold_of(desk, case_id).ending is Ending.GRAVE


def test_a_muted_matter_that_rises_to_the_third_level_waits_on(desk):
    mute(desk, MuteKind.PLACE, "东湖小区")
    case_id = desk.open(WATER)
    desk.accept(item(WATER, counts=views(15_000)))
    assert desk.case(case_id).level is Level.III
    assert said(desk) == []
    assert hold_of(desk, case_id).ended_at is None


def test_a_matter_whose_card_stands_can_be_muted_alone(desk):
    case_id = desk.open(WATER)
    mute(desk, MuteKind.CASE, desk.case(case_id).number)
    desk.accept(item(WATER, counts=views(15_000)))
    assert said(desk) == [("duty", 3)]
    desk.clock.advance(4 * HOUR)
    tick(desk)
    assert said(desk) == [("duty", 3), ("held_over", 3)]


def test_the_first_reminder_of_a_held_matter_is_left_out_and_the_next_is_not(desk):
    mute(desk, MuteKind.PLACE, "东湖小区", 10 * HOUR)
    case_id = desk.open(WATER)  # to be dispatched within four hours
    for minutes in (125, 80):
        desk.clock.advance(minutes * MINUTE)
        desk.run(lambda s: deadlines.tick(s, desk.office, desk.ledger, desk.clock()))
    assert said(desk) == [("reminder", 2)]
    assert actions(desk, case_id).count("remind") == 2


def test_somebody_can_fetch_a_card_before_the_end(desk):
    mute(desk, MuteKind.PLACE, "东湖小区")
    case_id = desk.open(WATER)
    for _ in range(2):
        desk.run(
            lambda s: holding.show(s, desk.office, desk.ledger, desk.staff["duty"], case_id, desk.clock())
        )
    assert said(desk) == [("duty", 3)]
    assert hold_of(desk, case_id).ending is Ending.SHOWN
    desk.clock.advance(4 * HOUR)
    tick(desk)
    assert said(desk) == [("duty", 3)]


@pytest.mark.parametrize(
    ("kind", "matcher", "span", "reason", "who", "complaint"),
    [
        (MuteKind.PLACE, "东湖小区", timedelta(days=8), "停水", "duty", "最长 7 天"),
        (MuteKind.PLACE, "东湖小区", -HOUR, "停水", "duty", "已经过了"),
        (MuteKind.PLACE, "东湖小区", HOUR, " ", "duty", "理由"),
        (MuteKind.PLACE, " ", HOUR, "停水", "duty", "静音什么"),
        (MuteKind.WORD, "水", HOUR, "停水", "duty", "至少两个字"),
        (MuteKind.CASE, "YQ-2026-9999", HOUR, "停水", "duty", "没有 YQ-2026-9999"),
        (MuteKind.PLACE, "东湖小区", HOUR, "停水", "contact", "只有值班员"),
    ],
)
def test_a_mute_that_may_not_be_leaves_nothing_behind(desk, kind, matcher, span, reason, who, complaint):
    wanted = mutes.Wanted(kind, matcher, desk.clock() + span, reason)
    # Not raised through the unit of work: what is told to a person does not roll it back.
    told = desk.run(lambda s: complaint_of(desk, s, wanted, who))
    assert complaint in told
    assert desk.all(MuteRow) == []


def complaint_of(desk: Desk, session: Any, wanted: mutes.Wanted, who: str) -> str:
    try:
        holding.mute(session, desk.office, desk.ledger, desk.staff[who], wanted, desk.clock())
    except UserError as error:
        return str(error)
    return ""


def test_a_grave_matter_cannot_be_muted(desk):
    number = desk.case(desk.open(DANGER)).number
    wanted = mutes.Wanted(MuteKind.CASE, number, desk.clock() + HOUR, "已知")
    assert "不能静音" in desk.run(lambda s: complaint_of(desk, s, wanted, "leader"))
    assert desk.all(MuteRow) == []


def test_the_same_mute_twice_is_refused_while_it_holds(desk):
    mute(desk, MuteKind.PLACE, "东湖小区")
    with pytest.raises(UserError, match="已在静音"):
        mute(desk, MuteKind.PLACE, "东湖小区")
    desk.clock.advance(5 * HOUR)
    assert mute(desk, MuteKind.PLACE, "东湖小区").held == 0


# --- beside a grave matter ----------------------------------------------------------------------------------------


@pytest.fixture
def big(desk: Desk) -> int:
    """An open matter of level Ⅱ about water in one estate."""
    case_id = desk.open(WATER, counts=views(200_000))
    assert desk.case(case_id).level is Level.II
    return case_id


def held_beside(desk: Desk, big: int, number: int = 1, **changes: Any) -> list[int]:
    """Open small matters through the door that placing goes through; grouping would join such texts to the big one."""

    def work(session: Any) -> list[int]:
        found = []
        for serial in range(number):
            values = {
                "number": f"YQ-2026-8{serial:03d}",
                "state": State.JUDGING,
                "level": Level.IV,
                "proposed_level": Level.IV,
                "channel": "petition",
                "copies": [],
                "title": "东湖小区水压低",
                "place": "东湖小区",
                "topic": "供水",
                "opened_at": desk.clock(),
            }
            case = CaseRow(**(values | changes))
            session.add(case)
            session.flush()
            if not holding.opened(session, desk.office, desk.ledger, case, desk.clock()):
                found.append(0)
                continue
            found.append(case.id)
        return found

    return desk.run(work)


def test_a_small_matter_stands_on_the_card_of_the_grave_one(desk, big):
    [case_id] = held_beside(desk, big)
    view = desk.run(lambda s: case_view(s, big))
    assert view.below == ("YQ-2026-8000",)
    assert desk.run(lambda s: case_view(s, case_id)).held.under == view.number
    assert actions(desk, case_id) == ["hold"]
    assert desk.run(lambda s: missing_cards(s, desk.office, desk.clock())) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"level": Level.III, "proposed_level": Level.III},
        {"proposed_level": Level.II},
        {"must_answer": True},
        {"channel": "security"},
        {"place": "西山小区"},
        {"place": None},
        {"topic": "道路"},
        {"topic": None},
    ],
    ids=[
        "third level",
        "proposed graver",
        "must be answered",
        "danger",
        "elsewhere",
        "nowhere",
        "else",
        "unknown",
    ],
)
def test_what_is_graver_owed_or_of_something_else_is_never_held_back(desk, big, changes):
    assert held_beside(desk, big, **changes) == [0]


def test_the_subject_area_tells_where_no_topic_does(desk, big):
    desk.run(lambda s: setattr(s.get_one(CaseRow, big), "subject", "供水供电"))
    assert held_beside(desk, big, topic=None, subject="供水供电") != [0]


def test_nothing_is_held_back_beside_a_matter_that_ended_or_is_small(desk, big):
    desk.act(big, Command.DISMISS)
    assert held_beside(desk, big) == [0]


@pytest.mark.parametrize("end", ["falls", "ends"])
def test_when_the_grave_one_ends_or_falls_the_small_ones_are_told(desk, big, end):
    held_beside(desk, big, 3)
    before = len(said(desk))
    tick(desk)
    assert len(said(desk)) == before
    if end == "falls":
        desk.act(big, Command.SET_LEVEL, level=Level.III)
    else:
        desk.act(big, Command.DISMISS)
    assert tick(desk) == 3
    assert [what for what, _ in said(desk)[before:]].count("held_over") == 1
    assert [what for what, _ in said(desk)[before:]].count("duty") == 3
    assert desk.run(lambda s: case_view(s, big)).below == ()


def test_a_single_one_comes_with_its_card_alone(desk, big):
    held_beside(desk, big)
    before = len(said(desk))
    desk.act(big, Command.SET_LEVEL, level=Level.III)
    tick(desk)
    assert said(desk)[before:] == [("duty", 3)]


def test_one_that_grows_comes_out_by_itself(desk, big):
    [case_id] = held_beside(desk, big)
    desk.act(case_id, Command.SET_LEVEL, level=Level.III)
    tick(desk)
    assert hold_of(desk, case_id).ending is Ending.GRAVE
    assert said(desk)[-1] == ("duty", 3)

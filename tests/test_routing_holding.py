"""Cards that are held back: by a mute, or beside a grave matter. A state with a reason, and an end that is told."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import HOUR, MINUTE, Desk, harvest, item, views
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from routing import announce, deadlines, holding, mutes, outbox
from routing.doubt import FURTHER, Doubtful
from routing.errors import UserError
from routing.items import Kind, SourceState
from routing.ledger import entries
from routing.office import Level, Procedure
from routing.reconcile import missing_cards
from routing.registering import Heard, register
from routing.silence import Ending, MuteKind
from routing.store.tables import (
    CaseItemRow,
    CaseRow,
    HoldRow,
    LedgerRow,
    MuteRow,
    OutboxRow,
    SuggestionRow,
    VerdictKind,
    VerdictRow,
)
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
    wanted = mutes.Wanted(MuteKind.CASE, number, desk.clock() + HOUR, "已知情况")
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


# --- beside the matter that it is perhaps part of -----------------------------------------------------------------

UNSURE = "又停水了，物业根本不管事"
"""Fits any matter about water, and after two of them neither for certain."""


@pytest.fixture
def known(desk: Desk) -> int:
    """An open matter of the fourth level whose card is on its way."""
    return desk.open(WATER)


def doubted(desk: Desk, other: int, how_many: int = 1, certainty: float = 0.5, **changes: Any) -> list[int]:
    """Open small matters that are perhaps part of another, as placing does; gives those whose cards wait."""

    def work(session: Any) -> list[int]:
        found = []
        for serial in range(how_many):
            values = {
                "number": f"YQ-2026-7{serial:03d}",
                "state": State.JUDGING,
                "level": Level.IV,
                "proposed_level": Level.IV,
                "channel": "petition",
                "copies": [],
                "title": "水压低，洗澡都难",
                "opened_at": desk.clock(),
            }
            case = CaseRow(**(values | changes))
            session.add(case)
            session.flush()
            session.add(
                SuggestionRow(
                    case_id=case.id, other_id=other, why="停水", certainty=certainty, at=desk.clock()
                )
            )
            session.flush()
            new = Doubtful(holding.is_small(case), certainty)
            if holding.opened(session, desk.office, desk.ledger, case, desk.clock(), new):
                found.append(case.id)
            else:
                announce.opened(session, desk.office, case, desk.clock())
        return found

    return desk.run(work)


def cards_of(desk: Desk, case_id: int) -> int:
    return len(desk.all(OutboxRow, OutboxRow.case_id == case_id, OutboxRow.kind == "card"))


def waiting_on(desk: Desk, case_id: int) -> list[str]:
    return [one.number for one in desk.run(lambda s: case_view(s, case_id)).doubted]


def say_apart(desk: Desk, case_id: int, beside: int) -> CaseRow | None:
    actor = desk.staff["duty"]
    return desk.run(
        lambda s: holding.apart(s, desk.office, desk.ledger, actor, case_id, beside, desk.clock())
    )


def test_a_text_that_fits_a_matter_but_not_for_certain_opens_one_that_waits_on_its_card(desk):
    both = [desk.open(f"{place}今天又停水了，物业不管") for place in ("东湖小区", "西山小区")]
    before = said(desk)
    case_id = desk.open(UNSURE)
    view = desk.run(lambda s: case_view(s, case_id))
    other = view.suggestion.other
    assert other.id in both
    assert said(desk) == before
    assert view.held.beside == other.number
    assert len(view.deadlines) == 2
    assert actions(desk, case_id) == ["open", "hold"]
    assert waiting_on(desk, other.id) == [view.number]
    assert desk.run(lambda s: missing_cards(s, desk.office, desk.clock())) == 0


def test_an_office_that_wants_no_wait_gets_each_card_at_once(desk):
    desk.office = replace(desk.office, mute=replace(desk.office.mute, doubt_minutes=0))
    for place in ("东湖小区", "西山小区"):
        desk.open(f"{place}今天又停水了，物业不管")
    case_id = desk.open(UNSURE)
    assert desk.run(lambda s: case_view(s, case_id)).suggestion is not None
    assert cards_of(desk, case_id) == 1
    assert desk.all(HoldRow) == []


def test_what_a_person_registers_never_waits(desk):
    for place in ("东湖小区", "西山小区"):
        desk.open(f"{place}今天又停水了，物业不管")
    made = desk.run(
        lambda s: register(
            s, desk.office, desk.rules, desk.ledger, Heard(UNSURE), desk.staff["duty"], desk.clock()
        )
    )
    assert desk.run(lambda s: case_view(s, made.case_id)).suggestion is not None
    assert cards_of(desk, made.case_id) == 1
    assert desk.all(HoldRow) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"level": Level.III, "proposed_level": Level.III},
        {"proposed_level": Level.III},
        {"must_answer": True},
        {"channel": "security"},
        {"certainty": 0.39},
    ],
    ids=["third level", "proposed graver", "must be answered", "danger", "hardly alike"],
)
def test_what_is_graver_owed_or_hardly_alike_never_waits(desk, known, changes):
    assert doubted(desk, known, **changes) == []


def muted_alone(desk: Desk, case_id: int) -> None:
    mute(desk, MuteKind.CASE, desk.case(case_id).number)


def muted_by_its_place(desk: Desk, case_id: int) -> None:
    mute(desk, MuteKind.PLACE, "东湖小区")


def over(desk: Desk, case_id: int) -> None:
    desk.act(case_id, Command.DISMISS)


def unsent(desk: Desk, case_id: int) -> None:
    later = desk.clock() + HOUR
    desk.run(lambda s: s.execute(update(OutboxRow).values(next_attempt_at=later)))


@pytest.mark.parametrize("change", [muted_alone, muted_by_its_place, over, unsent])
def test_nothing_waits_beside_a_matter_that_is_muted_over_or_has_no_card_out(desk, known, change):
    change(desk, known)
    assert doubted(desk, known) == []


def test_nothing_waits_beside_one_that_waits_itself(desk, known):
    [first] = doubted(desk, known)
    assert doubted(desk, first, number="YQ-2026-7900") == []


def test_when_nobody_says_in_time_the_card_comes_with_its_sound_and_once(desk, known):
    before = said(desk)
    [case_id] = doubted(desk, known)
    desk.clock.advance(29 * MINUTE)
    assert tick(desk) == 0
    assert said(desk) == before
    desk.clock.advance(1 * MINUTE)
    assert [tick(desk), tick(desk)] == [1, 0]
    assert said(desk) == [*before, ("duty", 3)]
    assert hold_of(desk, case_id).ending is Ending.UNDECIDED
    assert waiting_on(desk, known) == []
    assert desk.run(lambda s: case_view(s, case_id)).suggestion is not None
    assert actions(desk, case_id) == ["hold", "release"]


def test_said_to_be_apart_it_comes_at_once_and_is_suggested_no_more(desk, known):
    before = said(desk)
    [case_id] = doubted(desk, known)
    assert say_apart(desk, case_id, known) is not None
    assert said(desk) == [*before, ("duty", 3)]
    assert hold_of(desk, case_id).ending is Ending.APART
    [verdict] = desk.all(VerdictRow)
    told = (verdict.kind, verdict.case_id, verdict.proposed, verdict.corrected)
    assert told == (VerdictKind.APART, case_id, desk.case(known).number, desk.case(case_id).number)
    assert desk.run(lambda s: case_view(s, case_id)).suggestion is None
    assert say_apart(desk, case_id, known) is None
    assert len(desk.all(VerdictRow)) == 1


def test_the_verdict_says_which_version_proposed(desk):
    for place in ("东湖小区", "西山小区"):
        desk.open(f"{place}今天又停水了，物业不管")
    case_id = desk.open(UNSURE)
    other = hold_of(desk, case_id).beside_id
    assert say_apart(desk, case_id, other) is not None
    [verdict] = desk.all(VerdictRow)
    assert verdict.rules_version == desk.rules.version
    assert verdict.item_id is not None


def test_merged_it_waits_no_more_and_never_rings(desk, known):
    before = said(desk)
    [case_id] = doubted(desk, known)
    desk.act(case_id, Command.MERGE, into=known)
    assert waiting_on(desk, known) == []  # also before the tick
    assert tick(desk) == 1
    assert hold_of(desk, case_id).ending is Ending.CLOSED
    assert said(desk) == before


@pytest.mark.parametrize("end", [over, muted_alone])
def test_once_the_other_is_over_or_held_back_it_comes_out(desk, known, end):
    [case_id] = doubted(desk, known)
    end(desk, known)
    assert tick(desk) == 1
    assert hold_of(desk, case_id).ending is Ending.ALONE
    assert cards_of(desk, case_id) == 1


def test_once_the_other_was_merged_it_waits_beside_the_one_that_took_it_in(desk, known):
    third = desk.open("解放路路灯坏了，请问谁修")
    [case_id] = doubted(desk, known)
    desk.clock.advance(20 * MINUTE)
    desk.act(known, Command.MERGE, into=third)
    assert tick(desk) == 0
    assert waiting_on(desk, third) == [desk.case(case_id).number]
    assert actions(desk, case_id) == ["hold", "hold"]
    desk.clock.advance(10 * MINUTE)  # half an hour in all
    assert tick(desk) == 1
    assert cards_of(desk, case_id) == 1


@pytest.mark.parametrize("muted", [False, True])
def test_once_texts_were_split_off_the_other_it_comes_out_with_the_split(desk, known, muted):
    desk.accept(item("东湖小区停水，老人提水爬楼摔了一跤"))
    [case_id] = doubted(desk, known, place="西山小区")
    if muted:
        mute(desk, MuteKind.PLACE, "西山小区")
    desk.act(known, Command.SPLIT, item_id=desk.all(CaseItemRow)[-1].item_id)
    first, *after = desk.all(HoldRow, HoldRow.case_id == case_id)
    assert first.ending is Ending.PARTED
    assert [row.mute_id is not None for row in after] == [True] * muted
    assert cards_of(desk, case_id) == 1 - muted
    assert waiting_on(desk, known) == []
    assert tick(desk) == 0


def test_one_that_was_merged_gets_no_card_where_its_text_is_split_off_before_the_tick(desk, known):
    desk.accept(item("东湖小区停水，老人提水爬楼摔了一跤"))
    [case_id] = doubted(desk, known)
    desk.act(case_id, Command.MERGE, into=known)
    desk.act(known, Command.SPLIT, item_id=desk.all(CaseItemRow)[-1].item_id)
    assert cards_of(desk, case_id) == 0
    assert tick(desk) == 1
    assert hold_of(desk, case_id).ending is Ending.CLOSED


@pytest.mark.parametrize("merged", ["other", "third"])
def test_a_matter_that_took_one_in_comes_out_at_once_for_the_whole_must_have_a_card(desk, known, merged):
    third = desk.open("解放路路灯坏了，请问谁修")
    [case_id] = doubted(desk, known)
    desk.act(known if merged == "other" else third, Command.MERGE, into=case_id)
    assert hold_of(desk, case_id).ending is Ending.MOVED
    assert cards_of(desk, case_id) == 1
    assert tick(desk) == 0
    assert waiting_on(desk, known) == []


@pytest.mark.parametrize(
    ("change", "ending"),
    [
        ({"must_answer": True}, Ending.GRAVE),
        ({"channel": "security"}, Ending.GRAVE),
        ({"proposed_level": Level.III}, Ending.GRAVE),
        ({"state": State.WATCHING}, Ending.MOVED),
    ],
    ids=["duty", "danger", "level", "people took it on"],
)
def test_one_that_rises_or_that_people_take_on_comes_out(desk, known, change, ending):
    [case_id] = doubted(desk, known)

    def work(session: Any) -> None:
        for name, value in change.items():
            setattr(session.get_one(CaseRow, case_id), name, value)

    desk.run(work)
    assert tick(desk) == 1
    assert hold_of(desk, case_id).ending is ending
    assert cards_of(desk, case_id) == 1


def test_one_that_many_speak_of_comes_out(desk):
    for place in ("东湖小区", "西山小区"):
        desk.open(f"{place}今天又停水了，物业不管")
    desk.know("bbs-c")
    case_id = desk.open(UNSURE, external_id="asked")
    for place in range(FURTHER):
        assert tick(desk) == 0
        desk.accept(
            item(f"我家也是 {place}", source_id="bbs-c", parent_id="asked", kind=Kind.COMMENT), source="bbs-c"
        )
    assert tick(desk) == 1
    assert hold_of(desk, case_id).ending is Ending.STIRRED


def test_somebody_can_fetch_the_card_of_one_that_waits(desk, known):
    [case_id] = doubted(desk, known)
    desk.run(lambda s: holding.show(s, desk.office, desk.ledger, desk.staff["duty"], case_id, desk.clock()))
    assert cards_of(desk, case_id) == 1
    assert waiting_on(desk, known) == []


def test_what_a_mute_takes_meanwhile_goes_on_waiting_for_its_end(desk, known):
    [case_id] = doubted(desk, known, place="西山小区")
    mute(desk, MuteKind.PLACE, "西山小区")
    desk.clock.advance(30 * MINUTE)
    tick(desk)
    assert cards_of(desk, case_id) == 0
    assert hold_of(desk, case_id).mute_id is not None


@pytest.mark.parametrize("why", ["many speak of it", "a duty", "a level", "it took one in"])
def test_what_ends_a_doubt_does_not_end_a_mute_that_began_meanwhile(desk, known, why):
    [case_id] = doubted(desk, known, place="西山小区")
    mute(desk, MuteKind.CASE, desk.case(case_id).number)

    def change(session: Any) -> None:
        case = session.get_one(CaseRow, case_id)
        case.must_answer = why == "a duty"
        if why == "a level":
            case.level = case.proposed_level = Level.III
            holding.reconsider(session, desk.office, desk.ledger, case, desk.clock())

    desk.run(change)
    if why == "many speak of it":
        for number in range(FURTHER + 1):
            other = desk.open(f"{'甲乙丙丁戊己'[number]}村的路灯坏了，请问谁修", external_id=f"lamp-{number}")
            desk.run(
                lambda s, other=other: s.execute(
                    update(CaseItemRow).where(CaseItemRow.case_id == other).values(case_id=case_id)
                )
            )
    if why == "it took one in":
        desk.act(desk.open("解放路路灯坏了，请问谁修"), Command.MERGE, into=case_id)
    tick(desk)
    assert cards_of(desk, case_id) == 0
    assert hold_of(desk, case_id).mute_id is not None


def test_who_says_apart_as_its_time_runs_out_hears_that_it_is_over(desk, known, backend):
    if backend == "sqlite":
        pytest.skip("a writer has the whole database")
    [case_id] = doubted(desk, known)
    desk.clock.advance(30 * MINUTE)
    blocked = text("SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")

    with ThreadPoolExecutor(1) as pool:

        def work(session: Session) -> Future[CaseRow | None]:
            assert holding.tick(session, desk.office, desk.ledger, desk.clock()) == 1
            session.flush()
            pressed = pool.submit(say_apart, desk, case_id, known)
            while not session.scalar(blocked):
                assert not pressed.done()
            return pressed

        assert desk.run(work).result(30) is None
    assert hold_of(desk, case_id).ending is Ending.UNDECIDED
    assert actions(desk, case_id) == ["hold", "release"]
    assert desk.all(VerdictRow) == []


def test_a_mute_comes_before_a_doubt(desk, known):
    mute(desk, MuteKind.PLACE, "西山小区")
    [case_id] = doubted(desk, known, place="西山小区")
    assert hold_of(desk, case_id).beside_id is None


def test_the_card_of_the_other_is_brought_up_to_date_without_a_sound(desk, known):
    stands_on(desk, known)
    [case_id] = doubted(desk, known)
    assert edits(desk, known) == 1
    assert said(desk) == []
    sent_all(desk)
    say_apart(desk, case_id, known)
    assert edits(desk, known) == 1


def stands_on(desk: Desk, case_id: int) -> None:
    desk.run(
        lambda s: outbox.remember_card(
            s, chat="duty-group", message="7", case_id=case_id, card="duty", draft_version=0, now=desk.clock()
        )
    )
    sent_all(desk)


def sent_all(desk: Desk) -> None:
    desk.run(lambda s: s.execute(delete(OutboxRow)))


def edits(desk: Desk, case_id: int) -> int:
    return len(desk.all(OutboxRow, OutboxRow.case_id == case_id, OutboxRow.kind == "edit"))


def test_what_is_read_after_a_gap_follows_its_summary_and_does_not_wait(desk):
    for place in ("东湖小区", "西山小区"):
        desk.open(f"{place}今天又停水了，物业不管")
    was_read = SourceState("bbs", last_ok_at=desk.clock(), baseline_done=True)
    desk.take(harvest(at=desk.clock(), state=was_read))
    now = desk.clock.advance(8 * HOUR)
    state = SourceState("bbs", last_ok_at=now, baseline_done=True)
    desk.take(harvest(item(UNSURE, published_at=now - HOUR), at=now, state=state))
    assert desk.all(SuggestionRow) != []
    assert desk.all(HoldRow) == []

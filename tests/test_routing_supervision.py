"""What is overdue goes blue, orange, red, each told once to whom it concerns, over holidays, jumps and restarts."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from builders import HOUR, MINUTE, START, ZONE, Desk

from bot import lists, pages, render
from bot.pages import Leaf
from routing import deadlines, supervision
from routing.clock import week_of
from routing.coming import ClockView, Coming, Happening, Supervised
from routing.digest import Rate, week_numbers
from routing.export import ledger_rows
from routing.ledger import entries
from routing.office import Colour, Level, Limit, Step, Supervision
from routing.store.engine import Store
from routing.store.tables import DeadlineRow, OutboxRow, SupervisionRow
from routing.views import case_view
from routing.workflow import Command, Refusal, State

DUTY, CONTACTS, LEADERS = "duty-group", "group-petition", ["private-leader", "private-second_leader"]


def tick(desk: Desk) -> None:
    desk.run(lambda s: deadlines.tick(s, desk.office, desk.ledger, desk.clock()))
    desk.run(lambda s: supervision.tick(s, desk.office, desk.ledger, desk.clock()))


def run_to(desk: Desk, end: datetime, step: timedelta = 30 * MINUTE) -> None:
    """Let the service look twice an hour until an instant, that included."""
    while desk.clock.now < end:
        desk.clock.now = min(desk.clock.now + step, end)
        tick(desk)


def told(desk: Desk) -> list[tuple[str, str]]:
    """Colours that were spoken, in order: colour and chat."""
    return [(r.payload["colour"], r.chat) for r in desk.all(OutboxRow) if r.payload.get("colour")]


def local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


def colours(desk: Desk, case_id: int) -> list[tuple[str, datetime]]:
    lines = desk.run(lambda s: entries(s, case_id))
    return [(line["data"]["colour"], line["at"]) for line in lines if line["action"] == "supervise"]


@pytest.fixture
def unsigned(desk: Desk) -> int:
    """A matter of Ⅳ that the petition channel has to sign for within two hours."""
    return desk.at(State.TO_SIGN)


def sign_due(desk: Desk, case_id: int) -> datetime:
    [row] = desk.all(DeadlineRow, DeadlineRow.case_id == case_id, DeadlineRow.step == Step.SIGN)
    return row.due_at


def test_a_small_matter_is_blue_on_the_next_working_day_then_orange_then_red(desk, unsigned):
    run_to(desk, local("2026-11-20 18:30"))
    assert colours(desk, unsigned) == [
        ("blue", local("2026-11-18 08:30")),
        ("orange", local("2026-11-19 18:00")),
        ("red", local("2026-11-20 18:00")),
    ]
    assert told(desk) == [
        ("blue", CONTACTS),
        *(("orange", chat) for chat in [CONTACTS, *LEADERS]),
        *(("red", chat) for chat in [CONTACTS, "private-chief"]),
    ]


def test_a_grave_matter_is_blue_as_its_limit_ends_and_says_so_in_one_message(desk):
    case_id = desk.open()
    desk.act(case_id, Command.SET_LEVEL, level=Level.I)
    desk.act(case_id, Command.DISPATCH)
    due = sign_due(desk, case_id)
    run_to(desk, due, MINUTE)
    [blue] = [r for r in desk.all(OutboxRow) if r.payload.get("colour") == "blue"]
    assert (blue.chat, blue.payload["template"]) == (CONTACTS, "overdue")
    assert datetime.fromisoformat(blue.payload["answer_by"]) == due + HOUR
    run_to(desk, due + 3 * HOUR)
    assert [colour for colour, _ in colours(desk, case_id)] == ["blue", "orange", "red"]


def test_whoever_acts_in_time_is_never_supervised(desk, unsigned):
    desk.clock.advance(HOUR)
    desk.act(unsigned, Command.SIGN)
    run_to(desk, desk.clock() + timedelta(hours=20))
    assert colours(desk, unsigned) == []


def test_who_signs_after_the_blue_one_hears_of_no_orange(desk, unsigned):
    run_to(desk, local("2026-11-18 09:00"))
    desk.act(unsigned, Command.SIGN)
    [row] = desk.all(SupervisionRow)
    assert (row.colour, row.ended_at, row.next_at) == (Colour.BLUE, desk.clock(), None)
    desk.office.limits.pop(Step.DRAFT)
    run_to(desk, local("2026-11-19 09:00"))
    assert [colour for colour, _ in colours(desk, unsigned)] == ["blue"]


def test_the_national_day_is_no_working_day_and_the_48_hours_run_through_it(desk):
    desk.clock.now = local("2026-09-30 23:30").astimezone(START.tzinfo)
    case_id = desk.at(State.TO_SIGN)
    run_to(desk, local("2026-10-09 19:00"), HOUR)
    [respond] = desk.all(DeadlineRow, DeadlineRow.step == Step.RESPOND)
    assert respond.due_at == local("2026-10-02 23:30")
    assert [colour for colour, _ in colours(desk, case_id)] == ["blue", "orange"]
    assert colours(desk, case_id)[0][1].astimezone(ZONE) == local("2026-10-08 08:30")
    # Blue on the 8th grants until the 9th closes: nobody was carried to the leader in the holidays.
    assert colours(desk, case_id)[1][1].astimezone(ZONE).date().isoformat() == "2026-10-09"


def test_a_machine_that_slept_for_a_month_says_blue_first_once_and_that_it_is_late(desk, unsigned):
    desk.clock.advance(30 * 24 * HOUR)
    tick(desk)
    tick(desk)
    assert told(desk) == [("blue", CONTACTS)]
    [row] = [r for r in desk.all(OutboxRow) if r.payload.get("template") == "supervised"]
    assert row.payload["late"] is True
    assert datetime.fromisoformat(row.payload["answer_by"]) > desk.clock()


def test_a_clock_that_jumps_forward_and_back_repeats_no_colour(desk, unsigned):
    run_to(desk, local("2026-11-18 09:00"))
    assert len(told(desk)) == 1
    desk.clock.advance(-24 * HOUR)
    run_to(desk, local("2026-11-18 09:30"))
    assert len(told(desk)) == 1
    run_to(desk, local("2026-11-19 18:00"))
    assert [colour for colour, _ in colours(desk, unsigned)] == ["blue", "orange"]


def test_a_restart_neither_forgets_nor_repeats_a_colour(desk, unsigned, store_url):
    run_to(desk, local("2026-11-18 09:00"))
    desk.store.close()
    desk.store = Store(store_url)
    try:
        run_to(desk, local("2026-11-19 18:00"))
        assert [colour for colour, _ in colours(desk, unsigned)] == ["blue", "orange"]
        assert len(told(desk)) == 4
    finally:
        desk.store.close()


def test_an_instructed_matter_begins_at_orange(desk, unsigned):
    assert not isinstance(desk.act(unsigned, Command.INSTRUCT, "leader"), Refusal)
    run_to(desk, local("2026-11-18 09:00"))
    assert [colour for colour, _ in colours(desk, unsigned)] == ["orange"]


def test_the_red_one_is_copied_to_the_supervisors_where_there_are_any(desk, unsigned):
    desk.office = replace(desk.office, supervision=Supervision(chat="supervisors"))
    assert "supervisors" in desk.office.chats()
    run_to(desk, local("2026-11-20 18:30"))
    assert [chat for colour, chat in told(desk) if colour == "red"] == [
        CONTACTS,
        "private-chief",
        "supervisors",
    ]


def test_five_working_days_after_the_red_one_it_stands_in_the_bulletin(desk, unsigned):
    run_to(desk, local("2026-11-27 17:50"), HOUR)
    [row] = desk.all(SupervisionRow)
    assert (row.colour, row.listed_at) == (Colour.RED, None)
    run_to(desk, local("2026-11-27 18:10"))
    [row] = desk.all(SupervisionRow)
    assert row.listed_at is not None
    assert row.next_at is None
    assert "bulletin" in [line["action"] for line in desk.run(lambda s: entries(s, unsigned))]


def test_a_case_has_one_supervision_and_the_next_limit_begins_anew(desk, unsigned):
    run_to(desk, START + 60 * HOUR)  # the public answer is overdue as well
    assert len(desk.all(SupervisionRow)) == 1
    desk.act(unsigned, Command.SIGN)
    first, second = desk.all(SupervisionRow)
    assert first.ended_at is not None
    assert (second.colour, second.ended_at) == (None, None)
    run_to(desk, desk.clock() + HOUR)
    assert colours(desk, unsigned)[-1][0] == "blue"


def test_a_longer_limit_ends_a_supervision(desk):
    case_id = desk.open()
    desk.act(case_id, Command.SET_LEVEL, level=Level.I)
    run_to(desk, START + HOUR)
    assert desk.all(SupervisionRow)[0].ended_at is None
    desk.act(case_id, Command.SET_LEVEL, level=Level.IV)
    assert desk.all(SupervisionRow)[0].ended_at == desk.clock()


def test_a_tick_that_was_rolled_back_is_done_again(desk, unsigned):
    desk.clock.advance(3 * HOUR)
    tick(desk)
    desk.clock.now = local("2026-11-18 09:00").astimezone(START.tzinfo)

    def fail(session) -> None:
        assert supervision.tick(session, desk.office, desk.ledger, desk.clock()) == 1
        raise LookupError

    with pytest.raises(LookupError):
        desk.run(fail)
    assert told(desk) == []
    tick(desk)
    assert told(desk) == [("blue", CONTACTS)]


# --- an emergency -----------------------------------------------------------------------------------------------


def with_emergency_limits(desk: Desk) -> None:
    desk.office.limits[Step.FIRST_WORD] = dict.fromkeys(Level, Limit(5 * 60))
    desk.office.limits[Step.PRESS] = dict.fromkeys(Level, Limit(24 * 60))


def running(desk: Desk, case_id: int) -> dict[Step, datetime]:
    rows = desk.all(DeadlineRow, DeadlineRow.case_id == case_id, DeadlineRow.ended_at.is_(None))
    return {row.step: row.due_at for row in rows}


def test_an_emergency_owes_a_first_word_in_5_hours_and_a_press_conference_in_24_from_when_it_was_found(desk):
    with_emergency_limits(desk)
    case_id = desk.open()
    desk.clock.advance(2 * HOUR)
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    desk.act(case_id, Command.EMERGENCY)
    now = running(desk, case_id)
    assert (now[Step.FIRST_WORD], now[Step.PRESS]) == (START + 5 * HOUR, START + 24 * HOUR)
    desk.act(case_id, Command.SPEAK)
    desk.act(case_id, Command.BRIEF)
    assert not {Step.FIRST_WORD, Step.PRESS} & set(running(desk, case_id))


def test_only_a_grave_matter_is_an_emergency_and_the_mark_can_be_taken_back(desk):
    with_emergency_limits(desk)
    case_id = desk.open()
    assert isinstance(desk.act(case_id, Command.EMERGENCY), Refusal)
    assert isinstance(desk.act(case_id, Command.SPEAK), Refusal)
    desk.act(case_id, Command.SET_LEVEL, level=Level.I)
    desk.act(case_id, Command.EMERGENCY)
    desk.act(case_id, Command.SET_LEVEL, level=Level.III)
    desk.act(case_id, Command.EMERGENCY)
    assert desk.case(case_id).emergency is False
    assert not {Step.FIRST_WORD, Step.PRESS} & set(running(desk, case_id))


def test_an_emergency_that_is_merged_goes_on_with_its_limits_in_the_other_matter(desk):
    with_emergency_limits(desk)
    case_id, other = desk.open(), desk.open("西山小区停水了")
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    desk.act(case_id, Command.EMERGENCY)
    owed = running(desk, case_id)
    desk.act(case_id, Command.MERGE, into=other)
    assert desk.case(other).emergency
    kept = running(desk, other)
    assert [kept[step] for step in (Step.FIRST_WORD, Step.PRESS)] == [
        owed[step] for step in (Step.FIRST_WORD, Step.PRESS)
    ]
    assert not isinstance(desk.act(other, Command.SPEAK), Refusal)


def test_the_answer_is_a_first_word_too(desk):
    with_emergency_limits(desk)
    case_id = desk.open()
    desk.act(case_id, Command.SET_LEVEL, level=Level.I)
    desk.act(case_id, Command.EMERGENCY)
    desk.walk(case_id, State.TO_RELEASE)
    assert Step.FIRST_WORD in running(desk, case_id)
    desk.act(case_id, Command.CONFIRM)
    assert Step.FIRST_WORD not in running(desk, case_id)


def test_a_grave_matter_is_assessed_after_it_was_closed(desk):
    desk.office.limits[Step.EFFECT] = dict.fromkeys(Level, Limit(working=True, days=5))
    case_id = desk.open()
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    desk.walk(case_id, State.CLOSED)
    assert running(desk, case_id) == {Step.EFFECT: local("2026-11-24 18:00")}
    desk.act(case_id, Command.ASSESS)
    assert running(desk, case_id) == {}


# --- what is shown ----------------------------------------------------------------------------------------------


def clock(desk: Desk, case_id: int) -> ClockView:
    view = desk.run(lambda s: case_view(s, case_id))
    assert view is not None
    return view.clock


def test_a_card_says_what_happens_next_and_to_whom(desk, unsigned):
    assert clock(desk, unsigned).coming == Coming(START + HOUR, Happening.REMIND, Step.SIGN)
    run_to(desk, START + 2 * HOUR)
    coming = clock(desk, unsigned).coming
    assert coming == Coming(local("2026-11-18 08:30"), Happening.COLOUR, Step.SIGN, Colour.BLUE)
    run_to(desk, local("2026-11-18 09:00"))
    assert clock(desk, unsigned).supervised == Supervised(Colour.BLUE, Step.SIGN, local("2026-11-19 18:00"))


def test_the_card_and_the_list_show_colour_and_plan(desk, unsigned):
    run_to(desk, local("2026-11-18 09:00"))
    view = desk.run(lambda s: case_view(s, unsigned))
    shown = [f"{b.label}：{b.text}" for b in render.duty_card(view, desk.office, {}).blocks]
    assert "督办：🔷蓝色督办（签收），11-19 18:00 前办完" in shown
    assert "自动提醒：11-18 10:00 → 承办单位（提醒公开回应）" in shown
    page = pages.open_list([view], 1, desk.office, Leaf(1, 0, desk.clock()))
    assert "🔷蓝色督办" in page.blocks[1].text


def test_the_form_and_the_digest_know_of_supervision(desk, unsigned):
    run_to(desk, local("2026-11-27 18:10"))
    week = week_of(START, ZONE)
    [line] = desk.run(lambda s: ledger_rows(s, desk.office, week, full=False))
    assert line.supervised == "是（红）"
    digest = desk.run(lambda s: week_numbers(s, desk.office, week, desk.clock()))
    [listed] = digest.bulletin
    assert (listed.number, listed.channel, listed.step) == (line.number, "社情民意", Step.SIGN)
    told = [block.text for block in lists.digest_card(digest, desk.office).blocks if block.label == "通报"]
    assert len(told) == 1
    desk.act(unsigned, Command.SIGN)
    later = desk.run(lambda s: week_numbers(s, desk.office, week, desk.clock()))
    assert later.bulletin == ()


def test_a_limit_that_was_lengthened_counts_as_on_time_and_is_shown_apart(desk):
    desk.office.limits[Step.CLOSE] = dict.fromkeys(Level, Limit(working=True, days=1))
    first = desk.at(State.HANDLING)
    desk.act(first, Command.EXTEND, days=3)
    desk.act(first, Command.GRANT)
    desk.clock.advance(40 * HOUR)
    for command in (Command.DRAFT, Command.PASS, Command.CLEAR, Command.APPROVE, Command.CONFIRM):
        desk.act(first, command)
    second = desk.at(State.HANDLING, "西山小区停水了")
    desk.act(second, Command.DISPATCH, channel="network")  # its limit of closing ended, and it is not closed
    week = week_of(START, ZONE)
    digest = desk.run(lambda s: week_numbers(s, desk.office, week, desk.clock()))
    assert (digest.closed, digest.extended) == (Rate(1, 1), 1)

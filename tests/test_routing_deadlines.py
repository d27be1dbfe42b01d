"""Limits that run: each stage told once to whose move it is, after any restart and any jump of the clock."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from builders import HOUR, MINUTE, START, Desk, join

from routing import deadlines, movers
from routing.ledger import entries
from routing.office import Level, Limit, Role, Step
from routing.store.engine import Store
from routing.store.tables import DeadlineRow, LedgerRow, OutboxRow
from routing.workflow import Command, State

ESTATES = ("翠园", "金桂", "和畅", "枫林", "银杏")


def tick(desk: Desk) -> int:
    return desk.run(lambda s: deadlines.tick(s, desk.office, desk.ledger, desk.clock()))


def heard(desk: Desk) -> list[tuple[str, str, str, bool]]:
    """Reminders in order: chat, template, step, late."""
    return [
        (row.chat, row.payload["template"], row.payload["step"], row.payload["late"])
        for row in desk.all(OutboxRow)
        if row.payload.get("template") in {"reminder", "overdue"}
    ]


def limit(desk: Desk, case_id: int, step: Step) -> DeadlineRow:
    [row] = desk.all(
        DeadlineRow, DeadlineRow.case_id == case_id, DeadlineRow.step == step, DeadlineRow.ended_at.is_(None)
    )
    return row


@pytest.fixture
def case_id(desk: Desk) -> int:
    """A matter found at START: four hours to dispatch it, two days to answer."""
    return desk.open()


def test_half_of_the_limit_four_fifths_and_its_end_are_told_once_each(desk, case_id):
    moments = {}
    for minute in range(0, 301, 4):
        desk.clock.now = START + minute * MINUTE
        before = len(heard(desk))
        tick(desk)
        if len(heard(desk)) > before:
            moments[minute] = heard(desk)[-1]
    duty = "duty-group"
    assert moments == {
        120: (duty, "reminder", "dispatch", False),
        192: (duty, "reminder", "dispatch", False),
        240: (duty, "overdue", "dispatch", False),
    }
    assert [row.action for row in desk.all(LedgerRow)] == ["open", "remind", "remind", "overdue"]


def test_who_is_to_look_again_tomorrow_hears_of_it_tomorrow_and_not_at_night(desk, case_id):
    desk.act(case_id, Command.WATCH, until=START + 24 * HOUR)
    row = limit(desk, case_id, Step.RELOOK)
    assert row.next_at == row.due_at == START + 24 * HOUR
    desk.clock.now = START + 23 * HOUR
    tick(desk)
    assert "relook" not in {step for _, _, step, _ in heard(desk)}
    desk.clock.now = START + 24 * HOUR
    tick(desk)
    assert ("duty-group", "overdue", "relook", False) in heard(desk)
    assert limit(desk, case_id, Step.RELOOK).next_at is None


def test_of_a_limit_in_working_time_nobody_is_reminded_while_the_office_is_closed(desk):
    desk.office = replace(desk.office, limits={Step.DISPATCH: {Level.IV: Limit(240, working=True)}})
    desk.clock.now = datetime(2026, 11, 22, 8, 0, tzinfo=desk.office.zone)  # a Sunday
    row = limit(desk, desk.open(), Step.DISPATCH)
    assert row.due_at == datetime(2026, 11, 23, 14, 30, tzinfo=desk.office.zone)
    told = []
    while row.next_at is not None:
        told.append(row.next_at.astimezone(desk.office.zone).strftime("%d %H:%M"))
        desk.clock.now = row.next_at
        assert tick(desk) == 1
        row = limit(desk, row.case_id, Step.DISPATCH)
    assert told == ["23 10:30", "23 11:42", "23 14:30"]
    assert [late for *_, late in heard(desk)] == [False] * 3


def test_nothing_is_due_before_its_moment(desk, case_id):
    desk.clock.advance(2 * HOUR - timedelta(seconds=1))
    assert tick(desk) == 0
    desk.clock.advance(seconds=1)
    assert tick(desk) == 1
    assert tick(desk) == 0


def test_a_clock_that_jumps_forward_tells_the_last_stage_only_and_says_that_it_is_late(desk, case_id):
    desk.clock.advance(10 * HOUR)
    assert tick(desk) == 1
    assert heard(desk) == [("duty-group", "overdue", "dispatch", True)]
    assert tick(desk) == 0


@pytest.mark.parametrize(("minutes", "late"), [(5, False), (6, True)])
def test_a_reminder_more_than_five_minutes_late_says_so(desk, case_id, minutes, late):
    desk.clock.advance(2 * HOUR + minutes * MINUTE)
    tick(desk)
    assert heard(desk) == [("duty-group", "reminder", "dispatch", late)]


def test_a_restart_neither_forgets_nor_repeats(desk, case_id, store_url):
    desk.clock.advance(2 * HOUR)
    tick(desk)
    desk.store.close()
    desk.store = Store(store_url)
    try:
        assert tick(desk) == 0
        desk.clock.advance(minutes=72)
        assert tick(desk) == 1
        assert len(heard(desk)) == 2
    finally:
        desk.store.close()


def test_a_tick_that_was_rolled_back_is_done_again(desk, case_id):
    desk.clock.advance(2 * HOUR)

    def fail(session) -> None:
        assert deadlines.tick(session, desk.office, desk.ledger, desk.clock()) == 1
        raise LookupError

    with pytest.raises(LookupError):
        desk.run(fail)
    assert heard(desk) == []
    assert tick(desk) == 1


def test_a_clock_set_back_repeats_nothing(desk, case_id):
    desk.clock.advance(2 * HOUR)
    tick(desk)
    desk.clock.advance(-HOUR)
    assert tick(desk) == 0
    desk.clock.advance(HOUR)
    assert tick(desk) == 0


@pytest.mark.parametrize(
    ("state", "step", "chats"),
    [
        (State.JUDGING, Step.DISPATCH, ["duty-group"]),
        (State.JUDGING, Step.RESPOND, ["duty-group"]),
        (State.WATCHING, Step.RELOOK, ["duty-group"]),
        (State.TO_SIGN, Step.SIGN, ["group-petition"]),
        (State.TO_SIGN, Step.RESPOND, ["group-petition"]),
        (State.RETURNED, Step.DISPATCH, ["duty-group"]),
        (State.HANDLING, Step.DRAFT, ["group-petition"]),
        (State.HANDLING, Step.CLOSE, ["group-petition"]),
        (State.IN_REVIEW, Step.REVIEW, ["private-reviewer"]),
        (State.IN_SECRECY, Step.SECRECY, ["private-secrecy"]),
        (State.TO_APPROVE, Step.APPROVE, ["private-leader", "private-second_leader"]),
        (State.TO_RELEASE, Step.RELEASE, ["group-petition"]),
    ],
)
def test_only_those_whose_move_it_is_hear_of_a_limit(desk, state, step, chats):
    case_id = desk.at(state)
    assert limit(desk, case_id, step)
    found = desk.run(lambda s: movers.recipients(s, desk.office, desk.case(case_id), step, START))
    assert found == chats


def test_an_empty_chair_falls_to_the_duty_group(empty_desk):
    empty_desk.hire("duty", "contact", "reviewer")
    case_id = empty_desk.at(State.IN_SECRECY)
    empty_desk.clock.advance(2 * HOUR)
    tick(empty_desk)
    assert heard(empty_desk) == [("duty-group", "reminder", "secrecy", False)]
    assert limit(empty_desk, case_id, Step.SECRECY).reminded == 1


@pytest.mark.parametrize(
    ("after", "met"), [(4 * HOUR, True), (4 * HOUR + timedelta(seconds=1), False), (MINUTE, True)]
)
def test_whether_a_limit_was_met_is_kept(desk, case_id, after, met):
    desk.clock.advance(after)
    desk.act(case_id, Command.DISPATCH)
    [row] = desk.all(DeadlineRow, DeadlineRow.step == Step.DISPATCH)
    assert (row.met, row.ended_at, row.next_at) == (met, START + after, None)


def test_a_limit_that_ended_is_told_no_more(desk, case_id):
    desk.act(case_id, Command.DISPATCH)
    desk.clock.advance(30 * HOUR)
    tick(desk)
    assert {step for _, _, step, _ in heard(desk)} == {"sign", "respond"}


def test_a_graver_level_shortens_what_runs_counted_from_the_rise(desk, case_id):
    desk.clock.advance(HOUR)
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    row = limit(desk, case_id, Step.DISPATCH)
    assert (row.due_at, row.reminded) == (START + 90 * MINUTE, 0)
    assert tick(desk) == 0
    desk.clock.advance(15 * MINUTE)
    tick(desk)
    assert heard(desk) == [("duty-group", "reminder", "dispatch", False)]


def test_a_lighter_level_lengthens_it_and_tells_anew(desk, case_id):
    desk.act(case_id, Command.SET_LEVEL, level=Level.I)
    desk.clock.advance(10 * MINUTE)
    tick(desk)
    desk.act(case_id, Command.SET_LEVEL, level=Level.IV)
    row = limit(desk, case_id, Step.DISPATCH)
    assert (row.due_at, row.next_at) == (START + 4 * HOUR, START + 2 * HOUR)
    desk.clock.now = START + 2 * HOUR
    tick(desk)
    assert len(heard(desk)) == 2


def test_a_level_that_changes_no_limit_repeats_no_reminder(desk, case_id):
    desk.clock.advance(2 * HOUR)
    tick(desk)
    desk.act(case_id, Command.SET_LEVEL, level=Level.IV)
    assert tick(desk) == 0
    lines = desk.run(lambda s: entries(s, case_id))
    assert [line["action"] for line in lines] == ["open", "remind", "set_level"]


def test_a_step_without_a_limit_runs_no_clock(desk):
    desk.office.limits[Step.DISPATCH].pop(Level.IV)
    case_id = desk.open()
    steps = [row.step for row in desk.all(DeadlineRow, DeadlineRow.case_id == case_id)]
    assert steps == [Step.RESPOND]


def test_a_limit_in_working_hours_stands_over_the_night(desk):
    desk.office.limits[Step.DISPATCH][Level.IV] = Limit(240, working=True)
    desk.clock.now = START + 6 * HOUR  # 16:00 in the office
    case_id = desk.open()
    assert limit(desk, case_id, Step.DISPATCH).due_at == START + timedelta(hours=24, minutes=30)


def test_a_limit_in_a_year_that_nobody_knows_yet_is_marked(desk):
    desk.office.limits[Step.DISPATCH][Level.IV] = Limit(240, working=True)
    desk.clock.now = START.replace(year=2099)
    assert limit(desk, desk.open(), Step.DISPATCH).tentative


def test_many_that_are_due_at_once_are_taken_in_portions_the_oldest_first(desk):
    for n in range(5):
        desk.clock.advance(MINUTE)
        desk.open(f"{ESTATES[n]}小区停水了，物业不管")
    desk.clock.advance(3 * HOUR)
    for left in (2, 2, 1, 0):
        done = desk.run(lambda s: deadlines.tick(s, desk.office, desk.ledger, desk.clock(), limit=2))
        assert done == left
    assert len(heard(desk)) == 5


def test_a_reminder_to_two_leaders_is_one_line_of_the_record(desk):
    case_id = desk.at(State.TO_APPROVE)
    desk.clock.advance(2 * HOUR)
    tick(desk)
    assert [chat for chat, *_ in heard(desk)] == ["private-leader", "private-second_leader"]
    lines = [line for line in desk.run(lambda s: entries(s, case_id)) if line["action"] == "remind"]
    assert len(lines) == 1
    assert lines[0]["data"]["step"] == "approve"


def test_who_came_later_is_reminded_too(desk):
    desk.at(State.TO_APPROVE)
    desk.run(lambda s: join(s, "新县长", [Role.LEADER], ref="new"))
    desk.clock.advance(2 * HOUR)
    tick(desk)
    assert "private-new" in [chat for chat, *_ in heard(desk)]

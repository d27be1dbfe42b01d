"""Limits that stand still, are lengthened, or were counted in a year that nobody knew."""

from dataclasses import replace
from datetime import datetime, timedelta

import chinese_calendar
import pytest
from builders import HOUR, MINUTE, START, ZONE, Desk

from routing import deadlines
from routing.ledger import entries
from routing.office import Level, Limit, Step
from routing.store.tables import DeadlineRow, OutboxRow, PaperRow
from routing.workflow import PAUSE_GROUNDS, Command, Refusal, State

GROUND = next(iter(PAUSE_GROUNDS))


def local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


def row(desk: Desk, case_id: int, step: Step) -> DeadlineRow:
    [found] = desk.all(DeadlineRow, DeadlineRow.case_id == case_id, DeadlineRow.step == step)
    return found


def tick(desk: Desk) -> None:
    desk.run(lambda s: deadlines.tick(s, desk.office, desk.ledger, desk.clock()))


@pytest.fixture
def handled(desk: Desk) -> int:
    """A matter that was signed for at START, a Tuesday 10:00: five working days to close it, eight hours to draft."""
    desk.office.limits[Step.CLOSE] = dict.fromkeys(Level, Limit(working=True, days=5))
    return desk.at(State.HANDLING)


def test_working_days_do_not_count_the_first_and_end_when_the_office_closes(desk, handled):
    assert row(desk, handled, Step.CLOSE).due_at == local("2026-11-24 18:00")


def test_a_pause_lengthens_the_handling_and_never_the_public_answer(desk, handled):
    respond, draft = row(desk, handled, Step.RESPOND).due_at, row(desk, handled, Step.DRAFT).due_at
    desk.clock.advance(HOUR)
    desk.act(handled, Command.PAUSE, stance=GROUND)
    desk.clock.advance(24 * HOUR)  # Wednesday
    tick(desk)
    assert [r for r in desk.all(OutboxRow) if r.payload.get("step") in {"draft", "close"}] == []
    desk.act(handled, Command.GO_ON)
    assert row(desk, handled, Step.CLOSE).due_at == local("2026-11-25 18:00")
    assert row(desk, handled, Step.DRAFT).due_at == draft + 24 * HOUR
    assert row(desk, handled, Step.RESPOND).due_at == respond


def test_no_pause_carries_a_draft_past_the_public_answer(desk, handled):
    desk.act(handled, Command.PAUSE, stance=GROUND)
    desk.clock.advance(47 * HOUR)
    desk.act(handled, Command.GO_ON)
    assert row(desk, handled, Step.DRAFT).due_at == row(desk, handled, Step.RESPOND).due_at


@pytest.mark.parametrize(
    ("more", "said"), [({"stance": "holiday"}, "依据"), ({"stance": GROUND, "reason": ""}, "理由")]
)
def test_a_pause_wants_a_ground_of_the_list_and_a_reason(desk, handled, more, said):
    refused = desk.act(handled, Command.PAUSE, **more)
    assert isinstance(refused, Refusal)
    assert said in refused.text
    assert row(desk, handled, Step.CLOSE).paused_at is None


def test_what_stands_still_is_not_paused_twice_and_what_runs_does_not_go_on(desk, handled):
    assert isinstance(desk.act(handled, Command.GO_ON), Refusal)
    desk.act(handled, Command.PAUSE, stance=GROUND)
    assert isinstance(desk.act(handled, Command.PAUSE, stance=GROUND), Refusal)


def test_what_is_late_cannot_be_paused(desk, handled):
    desk.clock.now = local("2026-11-24 18:01").astimezone(START.tzinfo)
    refused = desk.act(handled, Command.PAUSE, stance=GROUND)
    assert isinstance(refused, Refusal)
    assert "已过" in refused.text


def test_the_unit_cannot_pause_its_own_clock(desk, handled):
    assert isinstance(desk.act(handled, Command.PAUSE, "contact", stance=GROUND), Refusal)


def test_a_pause_that_everybody_forgot_ends_by_itself(desk, handled):
    desk.act(handled, Command.PAUSE, stance=GROUND)
    desk.clock.now = local("2026-11-24 17:59").astimezone(START.tzinfo)
    tick(desk)
    assert row(desk, handled, Step.CLOSE).paused_at is not None
    desk.clock.advance(MINUTE)
    tick(desk)
    close = row(desk, handled, Step.CLOSE)
    assert (close.paused_at, close.due_at) == (None, local("2026-12-01 18:00"))
    assert close.next_at is not None
    [paper] = desk.all(PaperRow, PaperRow.kind == Command.PAUSE)
    assert (paper.done_at, paper.done_by) == (desk.clock(), None)
    actions = [line["action"] for line in desk.run(lambda s: entries(s, handled))]
    assert actions.count("go_on") == 1


def test_a_draft_ends_the_pause(desk, handled):
    desk.act(handled, Command.PAUSE, stance=GROUND)
    desk.clock.advance(24 * HOUR)
    desk.act(handled, Command.DRAFT)
    close = row(desk, handled, Step.CLOSE)
    assert (close.paused_at, close.due_at) == (None, local("2026-11-25 18:00"))


def test_a_change_of_level_keeps_what_was_granted_and_what_stood_still(desk, handled):
    desk.act(handled, Command.EXTEND, days=3)
    desk.act(handled, Command.GRANT)
    assert row(desk, handled, Step.CLOSE).due_at == local("2026-11-27 18:00")
    desk.act(handled, Command.PAUSE, stance=GROUND)
    desk.clock.advance(24 * HOUR)
    desk.act(handled, Command.GO_ON)
    assert row(desk, handled, Step.CLOSE).due_at == local("2026-11-30 18:00")
    desk.act(handled, Command.SET_LEVEL, level=Level.III)
    assert row(desk, handled, Step.CLOSE).due_at == local("2026-11-30 18:00")


def test_an_extension_is_refused_once_the_limit_is_over(desk, handled):
    desk.clock.now = local("2026-11-24 18:01").astimezone(START.tzinfo)
    assert isinstance(desk.act(handled, Command.EXTEND, days=3), Refusal)


def test_of_a_longer_limit_only_what_is_yet_to_come_is_told(desk, handled):
    desk.clock.now = local("2026-11-23 12:00").astimezone(START.tzinfo)  # past four fifths
    tick(desk)
    told = len(desk.all(OutboxRow, OutboxRow.payload["step"].as_string() == "close"))
    desk.act(handled, Command.EXTEND, days=1)
    desk.act(handled, Command.GRANT)
    tick(desk)
    assert len(desk.all(OutboxRow, OutboxRow.payload["step"].as_string() == "close")) == told


# --- a year that nobody knew ------------------------------------------------------------------------------------


def in_2099(desk: Desk) -> int:
    desk.office.limits[Step.CLOSE] = dict.fromkeys(Level, Limit(working=True, days=2))
    desk.clock.now = local("2099-06-04 10:00").astimezone(START.tzinfo)  # a Thursday
    case_id = desk.at(State.HANDLING)
    close = row(desk, case_id, Step.CLOSE)
    assert (close.due_at, close.tentative) == (local("2099-06-08 18:00"), True)
    return case_id


def recount(desk: Desk) -> int:
    return desk.run(lambda s: deadlines.recount(s, desk.office, desk.ledger, desk.clock()))


def test_nothing_is_counted_anew_while_the_year_is_still_unknown(desk):
    in_2099(desk)
    assert recount(desk) == 0


def test_tentative_limits_are_counted_anew_once_the_office_knows_the_days(desk):
    case_id = in_2099(desk)
    days = {f"2099-06-{n:02d}": n not in {5, 6, 7, 8} for n in range(4, 16)}  # a long week-end
    desk.office = replace(desk.office, overrides=days)
    assert recount(desk) == 1
    close = row(desk, case_id, Step.CLOSE)
    assert (close.due_at, close.tentative) == (local("2099-06-10 18:00"), False)
    [line] = [one for one in desk.run(lambda s: entries(s, case_id)) if one["action"] == "recount"]
    assert datetime.fromisoformat(line["data"]["was_due_at"]) == local("2099-06-08 18:00")
    assert recount(desk) == 0


def test_tentative_limits_are_counted_anew_once_the_calendar_knows_the_year(desk, monkeypatch):
    case_id = in_2099(desk)
    monkeypatch.setattr(chinese_calendar, "is_workday", lambda day: day.day not in {5, 6, 7, 8})
    assert recount(desk) == 1
    assert row(desk, case_id, Step.CLOSE).due_at == local("2099-06-10 18:00")


def test_a_limit_that_comes_sooner_by_the_calendar_is_told_at_once(desk):
    case_id = in_2099(desk)
    desk.clock.advance(timedelta(days=3))
    days = {f"2099-06-{n:02d}": True for n in range(4, 16)}
    desk.office = replace(desk.office, overrides=days)
    recount(desk)
    tick(desk)
    assert row(desk, case_id, Step.CLOSE).reminded == 3

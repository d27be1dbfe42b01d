"""A grave matter calls those on duty, one after the other, until somebody moves it; each once, over any restart."""

from datetime import timedelta

import pytest
from builders import HOUR, MINUTE, START, Desk, harvest, item, views
from test_routing_duty import planned, take

from bot.sentences import sentence
from routing import calls, chats, movers
from routing.ledger import entries
from routing.office import Level, Step
from routing.store.tables import DutyCallRow, OutboxRow
from routing.workflow import Command, State

DANGER = "东湖小区旁边塌方了"
DAY = timedelta(days=1)


def called(desk: Desk) -> list[tuple[str, str]]:
    """Whom was called where, in the order of the calls."""
    rows = [row for row in desk.all(OutboxRow) if row.payload.get("template") == "called"]
    return [(row.payload["called"], row.chat) for row in rows]


def tick(desk: Desk) -> int:
    return desk.run(lambda s: calls.tick(s, desk.office, desk.ledger, desk.clock()))


@pytest.fixture
def watched(desk: Desk) -> Desk:
    take(desk, planned(0))
    return desk


def test_a_grave_matter_is_told_to_the_person_on_duty_in_private_at_once(watched):
    watched.open(DANGER)
    assert called(watched) == [("staff", "private-duty")]
    [row] = [row for row in watched.all(OutboxRow) if row.payload.get("template") == "called"]
    assert (row.next_attempt_at, row.priority) == (START, 0)
    assert sentence("called", row.payload, None, watched.office).blocks[0].text == (
        "📣 您在值班：🟠Ⅱ级事项，请到值班群处理"
    )
    assert any(row.chat == "duty-group" and row.kind == "card" for row in watched.all(OutboxRow))


def test_unanswered_it_goes_to_the_reserve_and_then_to_the_leader_each_once(watched):
    case_id = watched.open(DANGER)
    for minutes, stage in ((4, 1), (1, 2), (1, 2), (4, 3), (30, 3)):
        watched.clock.advance(minutes=minutes)
        tick(watched)
        tick(watched)
        assert len(called(watched)) == stage
    assert called(watched)[1:] == [("reserve", "private-office"), ("leader", "private-leader")]
    lines = [line["data"] for line in watched.run(lambda s: entries(s, case_id)) if line["action"] == "call"]
    assert [(line["called"], line["minutes"]) for line in lines] == [("reserve", 5), ("leader", 10)]
    last = next(row for row in watched.all(OutboxRow) if row.payload.get("called") == "leader")
    said = sentence("called", last.payload, None, watched.office).blocks[0].text
    assert said == "📣 🟠Ⅱ级事项已 10 分钟无人处理，请值班领导过问"


def test_a_service_that_slept_calls_the_reserve_first_and_the_leader_a_minute_later(watched):
    watched.open(DANGER)
    watched.clock.advance(HOUR)
    tick(watched)
    assert [who for who, _ in called(watched)] == ["staff", "reserve"]
    watched.clock.advance(MINUTE)
    tick(watched)
    assert [who for who, _ in called(watched)] == ["staff", "reserve", "leader"]


@pytest.mark.parametrize("command", [Command.DISPATCH, Command.DISMISS, Command.WATCH, Command.SET_LEVEL])
def test_any_move_ends_the_call(watched, command):
    case_id = watched.open(DANGER)
    watched.act(case_id, command)
    watched.clock.advance(HOUR)
    assert tick(watched) == 1
    assert tick(watched) == 0
    assert len(called(watched)) == 1


def test_a_further_text_is_no_move(watched):
    watched.open(DANGER)
    watched.accept(item(DANGER))
    watched.clock.advance(5 * MINUTE)
    tick(watched)
    assert len(called(watched)) == 2


def test_a_light_matter_calls_nobody(watched):
    watched.open()
    assert called(watched) == []
    assert watched.all(DutyCallRow) == []


def test_a_matter_that_grows_grave_calls_and_a_graver_level_calls_anew(watched):
    desk = watched
    desk.open()
    text = "东湖小区今天又停水了，物业不管"
    desk.take(harvest(item(text, external_id="x", counts=views(200_000))))
    assert called(desk) == [("staff", "private-duty")]
    desk.clock.advance(MINUTE)
    desk.take(harvest(item(text, external_id="y", counts=views(2_000_000))))
    assert called(desk) == [("staff", "private-duty")] * 2
    desk.clock.advance(5 * MINUTE)
    assert tick(desk) == 1  # the lighter call ended with the graver one


def test_who_cannot_be_reached_is_passed_over_and_the_duty_group_is_the_last(desk):
    take(desk, planned(0, reserve=(), leader=None))
    desk.run(lambda s: chats.closed(s, "private-duty", "屏蔽", desk.clock()))
    desk.open(DANGER)
    desk.clock.advance(5 * MINUTE)
    tick(desk)
    assert called(desk)[-1] == ("leader", "duty-group")
    desk.clock.advance(HOUR)
    assert tick(desk) == 0


def test_outside_the_roster_nobody_is_called(desk):
    take(desk, planned(3))
    desk.open(DANGER)
    assert called(desk) == []


def test_a_matter_that_comes_back_to_a_grave_level_calls_again(watched):
    case_id = watched.open()
    watched.take(harvest(item(counts=views(200_000))))
    watched.act(case_id, Command.SET_LEVEL, level=Level.IV)
    watched.clock.advance(MINUTE)
    watched.take(harvest(item(counts=views(3_000_000))))
    assert [row.stage for row in watched.all(DutyCallRow)] == [0, 0]
    assert len(called(watched)) == 2


def test_reminders_of_a_step_of_the_duty_officers_go_to_those_on_duty_alone(watched):
    case_id = watched.open()
    row = watched.case(case_id)

    def told(step: Step, at=START) -> list[str]:
        return watched.run(lambda s: movers.recipients(s, watched.office, row, step, at))

    assert told(Step.DISPATCH) == ["private-duty"]
    assert told(Step.RESPOND) == ["private-duty"]
    assert told(Step.DISPATCH, START + 2 * DAY) == ["duty-group"]
    watched.walk(case_id, State.HANDLING)
    row = watched.case(case_id)
    assert told(Step.DRAFT) == ["group-petition"]

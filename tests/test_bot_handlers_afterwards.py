"""Commands for a matter whose card is quiet: news after the answer, and the file put away."""

from collections.abc import Callable
from itertools import count

import pytest
from builders import Desk
from test_bot_handlers import gave, told

from bot.chat import Event
from bot.handlers.desk import Desk as Counter
from bot.handlers.desk import Occasion, Reaction
from bot.handlers.react import react
from routing.store.tables import PaperRow
from routing.workflow import Command, State

Happen = Callable[[Event], Reaction | None]


@pytest.fixture
def happen(desk: Desk) -> Happen:
    counter = Counter(desk.office, desk.ledger, "chat", {})
    serial = count(1)
    return lambda event: desk.run(lambda s: react(Occasion(counter, s, desk.clock(), next(serial), event)))


def test_news_after_the_answer_takes_a_closed_matter_up_again(desk, happen):
    case_id = desk.at(State.CLOSED)
    happen(gave("contact", "follow", f"{desk.case(case_id).number} 抢修已完成，补发结果"))
    assert desk.case(case_id).state is State.HANDLING
    [paper] = desk.all(PaperRow, PaperRow.kind == Command.FOLLOW.value)
    assert paper.text == "抢修已完成，补发结果"


@pytest.mark.parametrize("rest", ["", "1", "9999 没有这件"])
def test_a_follow_up_without_its_matter_or_its_reason_says_how_it_is_written(desk, happen, rest):
    case_id = desk.at(State.CLOSED)
    happen(gave("duty", "follow", rest, "duty-group"))
    assert desk.case(case_id).state is State.CLOSED
    assert "/follow 12" in told(desk, "duty-group")[-1]["text"]


def test_another_unit_s_contact_cannot_take_it_up(desk, happen):
    case_id = desk.at(State.CLOSED)
    happen(gave("other_contact", "follow", f"{desk.case(case_id).number} 有新情况"))
    assert desk.case(case_id).state is State.CLOSED
    assert "不由您所在的单位" in told(desk, "private-other_contact")[-1]["text"]


def test_the_office_puts_a_closed_file_away_and_nobody_else_does(desk, happen):
    case_id = desk.at(State.CLOSED)
    happen(gave("duty", "archive", desk.case(case_id).number, "duty-group"))
    assert desk.case(case_id).state is State.CLOSED
    happen(gave("office", "archive", desk.case(case_id).number))
    assert desk.case(case_id).state is State.ARCHIVED
    happen(gave("office", "archive", desk.case(case_id).number))
    assert "已归档" in told(desk, "private-office")[-1]["text"]


def test_what_is_still_handled_is_not_archived(desk, happen):
    case_id = desk.at(State.HANDLING)
    happen(gave("office", "archive", desk.case(case_id).number))
    assert "办理中" in told(desk, "private-office")[-1]["text"]
    assert desk.case(case_id).state is State.HANDLING

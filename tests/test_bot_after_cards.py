"""Who looks after an answer that is out: a card in private, for nobody who drafted or released it."""

from dataclasses import replace

import pytest
from builders import Desk
from test_bot_looking import shown, text_of

from bot.chat import Card
from routing import reconcile
from routing.cases import Done
from routing.office import Level, Procedure, Step
from routing.store.tables import DeadlineRow, OutboxRow
from routing.workflow import Command, Refusal, State


def asked(desk: Desk, card: str) -> list[OutboxRow]:
    return [row for row in desk.all(OutboxRow, OutboxRow.kind == "card") if row.payload["card"] == card]


def labels(card: Card) -> list[str]:
    return [button.text for row in card.buttons for button in row]


def test_a_named_person_re_checks_in_private_with_the_link_and_the_text(desk):
    case_id = desk.at(State.ANSWERED)
    [row] = asked(desk, "recheck")
    assert row.chat == "private-reviewer"
    card = shown(desk, row)
    assert "请复查" in text_of(card)
    assert "您反映的停水问题已修复" in text_of(card)
    assert labels(card) == ["复查无误", "复查有误…"]
    assert isinstance(desk.act(case_id, Command.RECHECK, "reviewer", where="private"), Done)
    after = shown(desk, row)
    assert labels(after) == []
    assert "孙初审 已处理：复查无误" in text_of(after)


def test_an_office_without_these_steps_asks_nobody(desk):
    desk.at(State.CLOSED)
    assert asked(desk, "recheck") == []


def test_the_caller_works_in_private_and_a_second_press_is_refused(desk):
    case_id = desk.at(State.CALLING_BACK)
    [row] = asked(desk, "call_back")
    assert row.chat == "private-caller"
    assert labels(shown(desk, row)) == ["满意", "基本满意", "不满意…", "未接通"]
    order = desk.order(desk.shown(case_id), Command.CONTENT, stance="good")
    assert isinstance(desk.give(case_id, order), Done)
    assert isinstance(desk.give(case_id, order), Refusal)
    assert "沈回访 已处理：回访满意" in text_of(shown(desk, row))


def test_a_try_that_reached_nobody_posts_no_second_card(desk):
    case_id = desk.at(State.CALLING_BACK)
    desk.act(case_id, Command.UNREACHED)
    [row] = asked(desk, "call_back")
    assert "未接通" in labels(shown(desk, row))


def test_what_came_back_is_asked_for_anew_with_its_new_text(desk):
    case_id = desk.at(State.ANSWERED)
    desk.act(case_id, Command.RECALL)
    for command in (Command.DRAFT, Command.PASS, Command.CLEAR, Command.APPROVE, Command.CONFIRM):
        desk.act(case_id, command)
    first, second = asked(desk, "recheck")
    assert labels(shown(desk, first)) == []
    assert labels(shown(desk, second)) == ["复查无误", "复查有误…"]


def test_a_caller_who_came_later_finds_the_card_too(desk):
    desk.at(State.CALLING_BACK)
    desk.run(lambda s: s.execute(OutboxRow.__table__.delete()))
    desk.run(lambda s: reconcile.missing_cards(s, desk.office, desk.clock()))
    assert [row.chat for row in asked(desk, "call_back")] == ["private-caller"]


@pytest.mark.parametrize(("stance", "runs"), [("first", True), ("follow", True), ("final", False)])
def test_after_the_final_report_no_further_one_is_due(desk, stance, runs):
    desk.office = replace(desk.office, procedure=Procedure(report=frozenset(Level)))
    case_id = desk.open()
    desk.act(case_id, Command.REPORT, stance=stance)
    running = [row.step for row in desk.all(DeadlineRow) if row.ended_at is None]
    assert Step.REPORT not in running
    assert (Step.PROGRESS in running) is runs

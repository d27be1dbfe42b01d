"""Questions as rows: one open question an act, found again by the message or by the person, after any restart."""

import pytest
from builders import HOUR, MINUTE, START, Desk

from routing import asks, cases
from routing.asks import ASK_LIFE
from routing.store.engine import Store
from routing.store.tables import OutboxRow
from routing.workflow import Command, Where


@pytest.fixture
def case_id(desk: Desk) -> int:
    return desk.open()


def ask(desk: Desk, case_id: int, command=Command.DISMISS, who="duty", chat="private-duty") -> int:
    person_id = desk.staff[who].person_id

    def work(session) -> int:
        facts = cases.facts(session, case_id)
        assert facts is not None
        return asks.ask(
            session,
            case=facts,
            person_id=person_id,
            chat=chat,
            command=command,
            place=Where.DUTY,
            draft_version=facts.draft_version,
            now=desk.clock(),
        )

    return desk.run(work)


def answered(desk: Desk, message: str | None = None, who="duty", chat="private-duty"):
    return desk.run(lambda s: asks.answered_by(s, chat, message, desk.staff[who].person_id, desk.clock()))


def test_a_question_is_queued_and_remembers_what_it_was_asked_for(desk, case_id):
    ask_id = ask(desk, case_id)
    [row] = desk.all(OutboxRow, OutboxRow.kind == "ask")
    assert (row.chat, row.payload, row.valid_until) == ("private-duty", {"ask": ask_id}, START + ASK_LIFE)
    question = desk.run(lambda s: asks.question(s, ask_id))
    assert (question.case_id, question.case_version, question.command) == (case_id, 1, Command.DISMISS)
    assert (question.place, question.is_answered) == (Where.DUTY, False)


def test_the_only_open_question_of_a_person_needs_no_reply(desk, case_id):
    ask_id = ask(desk, case_id)
    assert answered(desk).id == ask_id
    assert answered(desk, who="office") is None
    assert answered(desk, chat="private-office") is None


def test_of_two_open_questions_the_one_replied_to_is_meant(desk, case_id):
    first, second = ask(desk, case_id), ask(desk, case_id, Command.DISPATCH)
    for ask_id, message in ((first, "11"), (second, "12")):
        desk.run(lambda s, a=ask_id, m=message: asks.sent_as(s, a, m))
    assert answered(desk) is None  # which of the two?
    assert answered(desk, "11").id == first
    assert answered(desk, "12").id == second
    assert answered(desk, "13") is None


def test_a_text_that_replies_to_nothing_answers_a_young_question_only(desk, case_id):
    ask_id = ask(desk, case_id)
    desk.run(lambda s: asks.sent_as(s, ask_id, "11"))
    desk.clock.advance(ASK_LIFE - MINUTE)
    assert answered(desk).id == ask_id
    desk.clock.advance(MINUTE)
    assert answered(desk) is None
    assert answered(desk, "11").id == ask_id  # a reply leaves no doubt


def test_an_old_question_does_not_stand_in_the_way_of_a_young_one(desk, case_id):
    ask(desk, case_id)
    desk.clock.advance(ASK_LIFE)
    young = ask(desk, case_id, Command.SIGN)
    assert answered(desk).id == young


def test_a_reply_to_the_question_of_somebody_else_answers_nothing(desk, case_id):
    ask_id = ask(desk, case_id)
    desk.run(lambda s: asks.sent_as(s, ask_id, "11"))
    assert answered(desk, "11", who="office") is None


def test_a_second_question_for_the_same_act_replaces_the_first(desk, case_id):
    first, second = ask(desk, case_id), ask(desk, case_id)
    assert first != second
    assert answered(desk).id == second
    assert desk.run(lambda s: asks.question(s, first)).is_answered


def test_questions_to_two_people_do_not_replace_each_other(desk, case_id):
    mine = ask(desk, case_id)
    theirs = ask(desk, case_id, who="office", chat="private-office")
    assert answered(desk).id == mine
    assert answered(desk, who="office", chat="private-office").id == theirs


def test_an_answered_question_waits_no_longer_and_says_so(desk, case_id):
    ask_id = ask(desk, case_id)
    desk.run(lambda s: asks.sent_as(s, ask_id, "11"))
    for hours in (1, 2):
        desk.run(lambda s, h=hours: asks.close(s, ask_id, START + h * HOUR))
    assert answered(desk) is None
    assert answered(desk, "11").is_answered


def test_a_question_outlives_a_restart(desk, case_id, store_url):
    ask_id = ask(desk, case_id)
    desk.store.close()
    desk.store = Store(store_url)
    try:
        assert answered(desk).id == ask_id
    finally:
        desk.store.close()


def test_there_is_no_question_of_an_unknown_id(desk):
    assert desk.run(lambda s: asks.question(s, 987_654)) is None

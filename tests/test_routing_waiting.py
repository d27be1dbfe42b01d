"""What waits for one person: his moves and nobody else's, the next limits first."""

from datetime import timedelta

import pytest
from builders import HOUR, MINUTE, Desk, join

from routing import asks, cases, waiting
from routing.office import Level, Role
from routing.procedure import TABLE
from routing.workflow import ENDED, Command, State, Where


def mine(desk: Desk, who: str, page: int = 0, size: int = 8) -> list[int]:
    found, _ = desk.run(lambda s: waiting.waiting(s, desk.staff[who], desk.clock(), page=page, size=size))
    return [one.view.id for one in found]


WAITS = {
    State.JUDGING: {"duty", "office"},
    State.WATCHING: {"duty", "office"},
    State.RETURNED: {"duty", "office"},
    State.TO_SIGN: {"contact", "colleague"},
    State.HANDLING: {"contact", "colleague"},
    State.IN_REVIEW: {"reviewer"},
    State.IN_SECRECY: {"secrecy"},
    State.WITH_SUPERIOR: {"secrecy"},
    State.TO_APPROVE: {"leader", "second_leader"},
    State.TO_RELEASE: {"contact", "colleague"},
    State.UNVERIFIED: {"duty", "office"},
    State.CONSULTING: {"duty", "office", "leader", "second_leader"},
    State.TO_ORDER: {"duty", "office", "leader", "second_leader"},
    State.TRANSFERRED: {"duty", "office"},
    State.EXTENDING: {"office", "contact", "colleague"},
    State.IN_SECOND: {"second"},
    State.WITH_CHIEF: {"chief"},
    State.ANSWERED: {"office", "reviewer"},
    State.CALLING_BACK: {"office", "caller"},
    State.CLOSED: set(),
    State.ARCHIVED: set(),
    State.DISMISSED: set(),
}


@pytest.mark.parametrize("state", WAITS)
def test_a_matter_waits_for_those_whose_move_it_is(desk, state):
    case_id = desk.at(state)
    waits = {who for who in desk.staff if case_id in mine(desk, who)}
    assert waits == WAITS[state]


def test_every_state_that_is_not_over_waits_for_somebody():
    states = {state for state, _ in TABLE}
    assert [state for state in states - ENDED if not waiting.moves_due(state)] == []
    assert [state for state in ENDED if waiting.moves_due(state)] == []


def test_the_next_limit_comes_first_and_pages_follow(desk):
    first = desk.open()
    desk.clock.advance(HOUR)
    later = desk.open("西山小区停水了")
    desk.act(later, Command.SET_LEVEL, level=Level.I)
    assert mine(desk, "duty") == [later, first]
    assert (mine(desk, "duty", 0, 1), mine(desk, "duty", 1, 1), mine(desk, "duty", 2, 1)) == (
        [later],
        [first],
        [],
    )


def test_a_draft_that_was_sent_back_is_marked(desk):
    case_id = desk.at(State.IN_REVIEW)
    desk.act(case_id, Command.REDO, reason="写得不清楚")
    found, total = desk.run(lambda s: waiting.waiting(s, desk.staff["contact"], desk.clock(), page=0, size=8))
    assert (total, found[0].came_back) == (1, True)
    desk.act(case_id, Command.DRAFT)
    assert mine(desk, "contact") == []


def test_who_wrote_a_text_is_not_sent_to_review_it(desk):
    case_id = desk.at(State.HANDLING)
    both = desk.run(lambda s: join(s, "两头", [Role.REVIEWER, Role.CONTACT], ["petition"]))
    desk.act(case_id, Command.DRAFT, both)
    found, total = desk.run(lambda s: waiting.waiting(s, both, desk.clock(), page=0, size=8))
    assert (found, total) == ([], 0)
    assert mine(desk, "reviewer") == [case_id]


def test_a_text_that_was_asked_for_waits_until_it_is_given_or_the_matter_moves(desk):
    case_id = desk.at(State.TO_SIGN)

    def ask(session):
        facts = cases.facts(session, case_id)
        asks.ask(
            session,
            case=facts,
            person_id=desk.staff["contact"].person_id,
            chat="private-contact",
            command=Command.RETURN,
            place=Where.CHANNEL,
            draft_version=0,
            now=desk.clock(),
        )

    def asked(who):
        found, _ = desk.run(lambda s: waiting.waiting(s, desk.staff[who], desk.clock(), page=0, size=8))
        return [one.asked for one in found]

    desk.run(ask)
    assert (asked("contact"), asked("colleague")) == ([Command.RETURN], [None])
    desk.clock.advance(timedelta(days=1) + MINUTE)
    assert asked("contact") == [None]
    desk.run(ask)
    desk.act(case_id, Command.SIGN)
    assert asked("contact") == [None]

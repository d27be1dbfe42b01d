"""What the counter leaves in the record besides moves: who looked at what, and who was refused before he could order."""

import json
from collections.abc import Callable
from itertools import count

import pytest
from builders import Desk

from bot.buttons import INVITE, MENU, Wish, token_of
from bot.chat import ActionPressed, CommandGiven, Event, MessageRef
from bot.chat import Sender as From
from bot.handlers.desk import Desk as Counter
from bot.handlers.desk import Occasion
from bot.handlers.react import react
from routing.store.tables import LedgerRow
from routing.workflow import Command, State

Line = tuple[str, str, int | None, dict[str, object]]


@pytest.fixture
def happen(desk: Desk) -> Callable[[Event], list[Line]]:
    """Let one event happen and give the lines that it left: actor, action, case, data."""
    counter, serial = Counter(desk.office, desk.ledger, "chat", {}), count(1)

    def let(event: Event) -> list[Line]:
        before = len(desk.all(LedgerRow))
        desk.run(lambda s: react(Occasion(counter, s, desk.clock(), next(serial), event)))
        return [
            (row.actor, row.action, row.case_id, json.loads(row.data)) for row in desk.all(LedgerRow)[before:]
        ]

    return let


def gave(who: str, name: str, rest: str = "", chat: str = "") -> CommandGiven:
    where = chat or f"private-{who}"
    return CommandGiven(From(who, who, f"private-{who}"), where, not chat, name, rest, MessageRef(where, "1"))


def pressed(who: str, token: str, chat: str = "") -> ActionPressed:
    where = chat or f"private-{who}"
    sender = From(who, who, f"private-{who}")
    return ActionPressed(sender, where, not chat, token, MessageRef(where, "7"), "p")


def test_who_looks_at_a_matter_is_a_line(desk, happen):
    case_id = desk.at(State.TO_SIGN)
    leader = desk.staff["leader"].person_id
    [line] = happen(gave("leader", "case", "1"))
    told = {"person": leader, "roles": ["leader"]}
    assert line == ("郑县长", "view", case_id, told)
    [(_, _, _, data)] = happen(gave("leader", "case", "1", chat="duty-group"))
    assert data["group"] == "duty-group"
    [(actor, action, case, _)] = happen(gave("leader", "why", "1"))
    assert (actor, action, case) == ("郑县长", "view", case_id)
    assert happen(gave("leader", "open")) == []  # a list shows numbers and titles, as the group does


def test_a_matter_of_another_channel_is_not_shown_and_the_wish_is_a_line(desk, happen):
    case_id = desk.at(State.TO_SIGN)
    [(actor, action, case, data)] = happen(gave("other_contact", "case", "1"))
    assert (actor, action, case) == ("钱联络", "refused", case_id)
    assert (data["command"], data["ground"], data["roles"]) == ("case", "role", ["contact"])
    assert happen(gave("other_contact", "case", "99")) == []  # there is nothing to be refused


def test_a_command_without_the_right_to_it_is_a_line(desk, happen):
    [(actor, action, _, data)] = happen(gave("contact", "digest"))
    assert (actor, action, data["command"], data["ground"]) == ("赵联络", "refused", "digest", "role")


def test_a_press_of_somebody_whom_nobody_knows_is_a_line_under_his_account(desk, happen):
    case_id = desk.open()
    token = token_of(Wish(Command.WATCH.value, case_id, 1, 0, ""))
    assert happen(pressed("passer-by", token, "duty-group")) == [
        ("chat:passer-by", "refused", case_id, {"command": "watch", "ground": "role"})
    ]
    made_up = token_of(Wish(Command.WATCH.value, 999, 1, 0, ""))
    [(_, _, case, _)] = happen(pressed("passer-by", made_up, "duty-group"))
    assert case is None
    [(_, action, _, data)] = happen(pressed("passer-by", "nonsense", "duty-group"))
    assert (action, data["command"]) == ("refused", "press")


def test_a_menu_that_is_not_opened_is_a_line(desk, happen):
    case_id = desk.open()
    token = token_of(Wish(MENU, case_id, 1, 0, "ch"))
    [(actor, action, case, data)] = happen(pressed("contact", token, "duty-group"))
    assert (actor, action, case, data["ground"]) == ("赵联络", "refused", case_id, "role")


def test_who_may_not_confirm_people_and_tries_is_a_line(desk, happen):
    [(actor, action, _, data)] = happen(pressed("duty", token_of(Wish(INVITE, 1, 0, 0, "yes"))))
    assert (actor, action, data["command"], data["ground"]) == ("王值班", "refused", INVITE, "role")

"""A channel with several units (责任单位) at the counter: what is proposed, who is chosen, and what that teaches."""

import io
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from builders import RULES_TOML, Desk, make_rules
from openpyxl import load_workbook
from test_bot_handlers_review import happen, press, shown, switch

from bot import menus
from bot.buttons import MENU, Wish, token_of
from bot.chat import ActionPressed, Button, MessageRef
from bot.chat import Sender as From
from bot.compose import Composer
from bot.dossier import dossier_xlsx
from bot.wishes import unit_arg
from routing.dossier import Scope, dossier
from routing.office import Body, Level
from routing.outbox import MessageKind
from routing.store.tables import AssignmentRow, LedgerRow
from routing.why import PLAIN
from routing.workflow import Command, State

__all__ = ["happen"]  # a fixture
HOUSING, WATER, OWN = "县住建局", "县水务公司", "县信访局"


@pytest.fixture(autouse=True)
def several(desk: Desk) -> None:
    """Give the channel that matters of these tests are proposed to two units besides its own."""
    bodies = (Body(WATER), Body(HOUSING, ("物业",)))
    channels = dict(desk.office.channels)
    channels["petition"] = replace(channels["petition"], unit=OWN, bodies=bodies)
    desk.office = replace(desk.office, channels=channels)


def card(desk: Desk, case_id: int) -> str:
    return str(desk.run(lambda s: Composer(desk.office, {}).case_page(s, {"case": case_id}, desk.clock())))


def opened(desk: Desk, happen, case_id: int, name: str, who: str = "duty") -> Sequence[Button]:
    """Open a menu on the duty card and give its buttons."""
    now = desk.shown(case_id)
    place = list(desk.office.channels).index("petition")
    token = token_of(Wish(MENU, case_id, now.version, now.draft_version, f"{name}-{place}"))
    sender = From(who, who, f"private-{who}")
    reaction = happen(ActionPressed(sender, "duty-group", False, token, MessageRef("duty-group", "7"), "p"))
    assert reaction is not None
    assert reaction.menu is not None, reaction.toast
    return [row[0] for row in reaction.menu.buttons]


def push(desk: Desk, happen, button: Button, who: str = "duty") -> str:
    sender = From(who, who, f"private-{who}")
    reaction = happen(
        ActionPressed(sender, "duty-group", False, button.token, MessageRef("duty-group", "7"), "p")
    )
    assert reaction is not None
    return str(reaction.toast)


def slips(desk: Desk) -> list[str]:
    return [row.unit for row in desk.all(AssignmentRow)]


def of_water(desk: Desk, place: str) -> int:
    """Open a matter of another place and say which area it is of."""
    case_id = desk.open(f"{place}小区停水了")
    desk.act(case_id, Command.CLASSIFY, subject="水电气暖")
    return case_id


def test_the_unit_chosen_from_the_menu_stands_on_slip_card_record_and_export(desk, happen):
    case_id = desk.open()
    assert f"{HOUSING}（提到“物业”）" in card(desk, case_id)
    buttons = opened(desk, happen, case_id, menus.UNITS)
    assert [button.text for button in buttons] == [
        f"转办 {HOUSING}",
        f"转办 {OWN}",
        f"转办 {WATER}",
        "↩ 返回",
    ]
    push(desk, happen, buttons[2])
    assert slips(desk) == [WATER]
    assert WATER in shown(desk, "group-petition", MessageKind.CARD)
    assert f"社情民意（{WATER}）" in card(desk, case_id)
    [line] = desk.all(LedgerRow, LedgerRow.action == "dispatch")
    assert json.loads(line.data)["unit"] == WATER
    book = load_workbook(
        io.BytesIO(dossier_xlsx(desk.run(lambda s: dossier(s, case_id, Scope())), desk.office, PLAIN))
    )
    assert f"社情民意（{WATER}）" in [row[1] for row in book["事项"].iter_rows(values_only=True)]
    assert WATER in [value for row in book["转办"].iter_rows(values_only=True) for value in row]


def test_the_proposed_unit_is_one_press_away(desk, happen):
    case_id = desk.open()
    press(desk, happen, case_id, "duty", Command.DISPATCH, unit_arg("petition", HOUSING), chat="duty-group")
    assert slips(desk) == [HOUSING]


def test_choices_that_stood_teach_and_those_that_were_returned_do_not(desk, happen):
    named = "".join(f'[[place]]\nname = "{place}小区"\n\n' for place in ("南河", "湖滨", "北街", "城东"))
    desk.rules = make_rules(RULES_TOML.replace("[[ignore]]", f"{named}[[ignore]]", 1))
    for place in ("西山", "南河"):
        desk.act(of_water(desk, place), Command.DISPATCH, unit=WATER)
    desk.act(sent_on := of_water(desk, "湖滨"), Command.DISPATCH, unit=HOUSING)
    desk.act(sent_on, Command.DISPATCH, unit=WATER)
    returned = of_water(desk, "北街")
    desk.act(returned, Command.DISPATCH, unit=HOUSING)
    desk.act(returned, Command.RETURN)
    case_id = of_water(desk, "城东")
    assert f"{WATER}（以往转办：水电气暖类 3 件中 3 件）" in card(desk, case_id)
    assert HOUSING not in card(desk, case_id)


def test_a_matter_in_hand_goes_to_another_unit_of_the_channel_and_never_to_the_same(desk, happen):
    case_id = desk.open()
    desk.act(case_id, Command.DISPATCH, unit=HOUSING)
    buttons = opened(desk, happen, case_id, menus.UNITS)
    assert [button.text for button in buttons[:-1]] == [f"转办 {OWN}", f"转办 {WATER}"]
    push(desk, happen, buttons[1])
    assert slips(desk) == [HOUSING, WATER]


def test_the_office_assigns_a_unit_after_a_return_and_who_returned_it_comes_last(desk, happen):
    case_id = desk.open()
    desk.act(case_id, Command.DISPATCH, unit=HOUSING)
    desk.act(case_id, Command.RETURN)
    assert "责任单位建议" not in card(desk, case_id)
    buttons = opened(desk, happen, case_id, menus.ASSIGN_UNITS, "office")
    assert [button.text for button in buttons[:-1]] == [f"指定 {OWN}", f"指定 {WATER}", f"指定 {HOUSING}"]
    push(desk, happen, buttons[1], "office")
    assert [(row.unit, row.assigned) for row in desk.all(AssignmentRow)] == [(HOUSING, False), (WATER, True)]


def test_a_unit_that_was_submitted_for_gets_the_matter_when_the_leader_agrees(desk, happen):
    switch(desk, order=frozenset(Level))
    case_id = desk.open()
    buttons = opened(desk, happen, case_id, menus.UNITS)
    assert buttons[2].text == f"报批 {WATER}"
    push(desk, happen, buttons[2])
    assert f"社情民意（{WATER}）" in shown(desk, "private-leader", MessageKind.CARD)
    desk.act(case_id, Command.ORDER)
    assert slips(desk) == [WATER]


def test_a_button_of_a_unit_that_the_office_has_no_more_is_refused(desk, happen):
    case_id = desk.open()
    told = press(
        desk, happen, case_id, "duty", Command.DISPATCH, unit_arg("petition", "县房管局"), chat="duty-group"
    )
    assert "已失效" in told.toast
    assert desk.case(case_id).state is State.JUDGING


def test_a_button_from_before_the_channel_had_units_means_the_channel_s_own(desk, happen):
    case_id = desk.open()
    press(desk, happen, case_id, "duty", Command.DISPATCH, "petition", chat="duty-group")
    assert slips(desk) == [OWN]

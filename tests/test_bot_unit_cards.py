"""The card of a unit that is asked for something besides the lead: asked again where it must, and no stale word at the end."""

from builders import Desk
from test_bot_after_cards import labels
from test_bot_compose import compose, deliver, waiting
from test_bot_handlers_consulting import consulting
from test_bot_handlers_review import happen, press
from test_bot_looking import text_of

from bot.chat import Card
from routing import outbox
from routing.store.tables import MessageRefRow, OutboxRow
from routing.workflow import Command, State

__all__ = ["happen"]  # a fixture

NETWORK = "group-network"


def standing(desk: Desk) -> Card:
    """Send what waits, and give the card of the copied unit as it stands then."""
    cards = [
        row for row in desk.all(OutboxRow, OutboxRow.chat == NETWORK) if row.payload.get("card") == "unit"
    ]
    shown = compose(desk, cards[-1])
    assert shown is not None
    deliver(desk)
    return shown.card


def is_final(desk: Desk) -> bool:
    [ref] = desk.all(MessageRefRow, MessageRefRow.chat == NETWORK)
    return ref.final


def test_once_a_unit_has_signed_its_card_tells_no_state_that_will_pass(desk):
    case_id = desk.at(State.TO_SIGN)
    assert "【待签收】" in text_of(standing(desk))
    desk.act(case_id, Command.SIGN_COPY, "other_contact")
    last = text_of(standing(desk))
    assert "【" not in last
    assert "协办签收网络舆情承办单位 钱联络" in last
    assert is_final(desk)
    desk.act(case_id, Command.SIGN)
    assert waiting(desk, NETWORK) == []


def test_a_unit_that_has_not_signed_is_asked_again_after_a_return(desk):
    case_id = desk.at(State.TO_SIGN)
    standing(desk)
    desk.act(case_id, Command.RETURN)
    card = standing(desk)
    assert labels(card) == []
    assert "【退回待派】" in text_of(card)
    assert not is_final(desk)
    desk.act(case_id, Command.DISPATCH)
    [edit] = waiting(desk, NETWORK)
    again = compose(desk, edit)
    assert again is not None
    assert labels(again.card) == ["协办签收"]


def test_what_a_unit_is_asked_in_the_group_of_the_lead_is_remembered_as_its_own_card(desk, happen):
    """Its sending was cut off before its number was known; the first press tells which card it is."""
    case_id = consulting(desk)
    press(desk, happen, case_id, "contact", Command.OPINE, "agree", chat="group-petition")
    [ref] = desk.all(MessageRefRow)
    assert (ref.chat, ref.card) == ("group-petition", "unit")


def test_a_card_of_an_order_whose_sending_was_cut_off_is_remembered_by_a_press_on_it(desk, happen):
    case_id = desk.at(State.TO_ORDER)
    desk.act(case_id, Command.SEND_BACK)
    desk.act(case_id, Command.SUBMIT)
    for row in waiting(desk, "private-leader"):
        desk.run(lambda s, n=row.id: outbox.claim(s, n, desk.clock()))
    press(desk, happen, case_id, "leader", Command.ORDER)
    assert desk.case(case_id).state is State.TO_SIGN
    [ref] = desk.all(MessageRefRow)
    assert (ref.chat, ref.card, ref.draft_version) == ("private-leader", "order", 0)
    [last] = waiting(desk, "private-leader")
    shown = compose(desk, last)
    assert shown is not None
    assert shown.is_final
    assert labels(shown.card) == []


def test_a_forged_order_opens_no_card_before_who_was_not_asked(desk, happen):
    case_id = desk.at(State.TO_ORDER)
    for who in ("duty", "chief", "contact"):
        press(desk, happen, case_id, who, Command.ORDER)
    assert desk.case(case_id).state is State.TO_ORDER
    assert desk.all(MessageRefRow) == []

"""Button tokens: what we wrote reads back, what we never wrote is nothing, and every card's tokens fit."""

from dataclasses import replace

import pytest
from builders import START, Desk, make_office
from hypothesis import given
from hypothesis import strategies as st

from bot import lists, menus, render
from bot.buttons import INVITE, MAX_BYTES, MENU, Wish, token_of, wish_of
from bot.chat import Card
from bot.compose import Composer
from routing.choices import Page
from routing.outbox import Message, MessageKind, Priority
from routing.people import Invitation
from routing.views import CaseView, Other, case_view
from routing.workflow import Command, State

VERBS = [*Command, MENU, INVITE]
NUMBERS = st.integers(0, 2**31)
ARGUMENTS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), max_size=20)
WISHES = st.builds(Wish, st.sampled_from([str(v) for v in VERBS]), NUMBERS, NUMBERS, NUMBERS, ARGUMENTS)
FAR = 2**31 - 1
FAR_PAGE = Page(99_998, (Other(2**40, "YQ-2026-0001", "停水" * 50, START),), more=True)


@given(WISHES)
def test_a_token_reads_back_as_the_wish_it_was_written_for(wish: Wish) -> None:
    token = token_of(wish)
    assert wish_of(token) == wish
    assert len(token.encode()) <= MAX_BYTES


@given(st.text(max_size=80))
def test_any_text_that_is_not_ours_is_no_wish(text: str) -> None:
    wish = wish_of(text)
    assert wish is None or token_of(wish) == text


@given(WISHES, st.integers(0, 63), st.characters())
def test_a_token_with_one_changed_character_is_another_wish_or_none(wish: Wish, at: int, other: str) -> None:
    token = token_of(wish)
    at %= len(token)
    bent = token[:at] + other + token[at + 1 :]
    read = wish_of(bent)
    assert read is None or token_of(read) == bent


@pytest.mark.parametrize(
    "token",
    [
        "",
        ":::::",
        "1:dp:1:1:0",
        "2:dp:1:1:0:",
        "1:xx:1:1:0:",
        "1:dp:-1:1:0:",
        "1:dp:+1:1:0:",
        "1:dp:01:1:0:",
        "1:dp: 1:1:0:",
        "1:dp:1_0:1:0:",
        "1:dp:A:1:0:",
        "1:dp:١:1:0:",
        "1:dp:1:1:0:群",
        "1:dp:1:1:0:a:b",
        "1:dp:1:1:0:" + "x" * 64,
        "1:dp:" + "z" * 40 + ":1:0:",
    ],
)
def test_forged_and_broken_tokens_are_no_wish(token: str) -> None:
    assert wish_of(token) is None


def test_a_token_that_would_not_fit_is_refused_when_it_is_written() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        token_of(Wish("dispatch", 1, arg="x" * 60))
    with pytest.raises(ValueError, match="does not fit"):
        token_of(Wish("dispatch", 1, arg="信访"))


def test_every_verb_has_a_code_of_its_own() -> None:
    codes = {token_of(Wish(str(verb), 1)).split(":")[1] for verb in VERBS}
    assert len(codes) == len(VERBS)


def every_card(view: CaseView, desk: Desk) -> list[Card]:
    """Each card and menu that can be shown of a case, whatever its state."""
    office = desk.office
    cards = [
        render.duty_card(view, office, {}),
        *(render.channel_card(view, office, {}, key) for key in office.channels),
        *(
            Card(view_blocks, buttons)
            for view_blocks in [render.duty_card(view, office, {}).blocks]
            for buttons in (
                *(
                    menus.menu_buttons(view, office, menu)
                    for menu in (menus.CHANNEL, menus.LEVEL, menus.DISMISS, menus.CORRECT, menus.BACK)
                ),
                menus.text_menu(view, office, FAR_PAGE),
                menus.matter_menu(view, FAR_PAGE),
            )
        ),
    ]
    if view.draft is not None:
        cards += [render.review_card(view, office, kind) for kind in ("review", "secrecy", "approve")]
    return cards


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("state", [s for s in State if s is not State.ANSWERED])
def test_every_token_of_every_card_in_every_state_fits_and_reads_back(desk: Desk, state: State) -> None:
    longest = {"a" + "b" * 23: next(iter(make_office().channels.values()))}
    desk.office = replace(desk.office, channels={**desk.office.channels, **longest})
    case_id = desk.at(state)
    view = desk.run(lambda s: case_view(s, case_id))
    assert view is not None
    assert view.state is state
    far = replace(view, id=2**40, version=FAR, draft_version=FAR, channel=next(iter(longest)))
    tokens = [b.token for c in every_card(far, desk) for row in c.buttons for b in row]
    for token in tokens:
        wish = wish_of(token)
        assert wish is not None
        assert (wish.case_id, wish.version, wish.draft_version) == (2**40, FAR, FAR)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_card_that_cannot_be_rendered_still_has_number_title_and_buttons(desk: Desk) -> None:
    case_id = desk.open()
    composer = Composer(desk.office, None)  # type: ignore[arg-type]  # a fault: the names of the sources are gone
    message = Message(
        1,
        desk.office.duty_chat,
        MessageKind.CARD,
        Priority.ALERT,
        case_id,
        {"card": "duty"},
        1,
        False,
        desk.clock(),
    )
    shown = desk.run(lambda s: composer.case_card(s, message, desk.clock()))
    assert shown is not None
    assert not shown.is_final
    card = shown.card
    assert desk.case(case_id).number in card.blocks[0].text
    assert card.buttons


def test_the_two_answers_to_an_invitation_read_back() -> None:
    card = lists.invite_card(Invitation(FAR, "张三", (), "张三", "1"))
    wishes = [wish_of(b.token) for row in card.buttons for b in row]
    assert [w and (w.verb, w.case_id, w.arg) for w in wishes] == [(INVITE, FAR, "yes"), (INVITE, FAR, "no")]

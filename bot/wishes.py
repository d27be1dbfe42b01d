"""The buttons of a case: what is wished, bound to the versions that its card shows. Pure."""

from dataclasses import replace

from bot.buttons import CARD, MENU, Wish, token_of
from bot.chat import Button, Tone
from routing.views import CaseView
from routing.workflow import Command


def order_button(
    view: CaseView, command: Command, text: str, tone: Tone = Tone.PLAIN, arg: str = ""
) -> Button:
    """Give a button that orders something of a case, bound to the versions that are shown."""
    return Button(
        text.strip(), token_of(Wish(command.value, view.id, view.version, view.draft_version, arg)), tone
    )


CARDS = ("duty", "channel", "unit", "review", "secrecy", "second", "approve", "chief")
"""The kinds of cards that menus open on, in an order that buttons in chats rely on."""

PAGE_MARK = "-"
"""Between the name of a menu and the number of its page, or of its card."""


def menu_on(view: CaseView, name: str, card: str, text: str, tone: Tone = Tone.PLAIN) -> Button:
    """Give a button that opens a menu which several kinds of cards have; it says on which it stands."""
    return replace(menu_button(view, f"{name}{PAGE_MARK}{CARDS.index(card)}", text), tone=tone)


def menu_button(view: CaseView, name: str, text: str) -> Button:
    """Give a button that opens a menu on the card."""
    return Button(text, token_of(Wish(MENU, view.id, view.version, view.draft_version, name)))


def card_button(case_id: int, text: str = "打开卡片") -> Button:
    """Give a button that brings the card of a case to where it is pressed."""
    return Button(text, token_of(Wish(CARD, case_id)))

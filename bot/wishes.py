"""The buttons of a case: what is wished, bound to the versions that its card shows. Pure."""

from bot.buttons import MENU, Wish, token_of
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


def menu_button(view: CaseView, name: str, text: str) -> Button:
    """Give a button that opens a menu on the card."""
    return Button(text, token_of(Wish(MENU, view.id, view.version, view.draft_version, name)))

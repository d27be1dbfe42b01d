"""The buttons of a case: what is wished, bound to the versions that its card shows. Pure."""

from dataclasses import replace
from zlib import crc32

from bot.buttons import CARD, MENU, Wish, token_of
from bot.chat import Button, Tone
from routing.office import Office
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

UNIT_MARK = "."
"""Between the key of a channel and the mark of its unit."""


def mark_of(*names: str) -> str:
    """Give what stands in a button for an entry of a list of the office, or for the list: another list has another.

    A place in it would not do: the office may be edited while the button stands there. At most 8 letters.
    """
    return f"{crc32(chr(0).join(names).encode()):x}"


def unit_arg(channel: str, unit: str) -> str:
    """Write a unit of a channel into a button: by its name, so that a list in another order means no other unit."""
    return f"{channel}{UNIT_MARK}{mark_of(unit)}"


def unit_of(arg: str, office: Office) -> tuple[str, str] | None:
    """Read channel and unit of a button, the unit empty where it names none; None for a unit that the channel has not."""
    key, mark, _ = arg.partition(UNIT_MARK)
    if not mark:
        return key, ""
    units = office.channels[key].units() if key in office.channels else ()
    return next(((key, unit) for unit in units if unit_arg(key, unit) == arg), None)


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

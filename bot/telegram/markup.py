"""A card to Telegram's HTML and inline keyboard. Pure: sends nothing, knows no case.

Limits: core.telegram.org/bots/api, sendMessage and sendPhoto, counted after the entities are parsed; button data 1-64
bytes (InlineKeyboardButton); 8 buttons a row (telegram.constants; undocumented by Telegram).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import groupby
from urllib.parse import urlsplit

from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import KeyboardButtonStyle, ParseMode

from bot.chat import Block, Button, Card, Form, Tone
from bot.telegram.text import cleaned, head, units

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024

_PLAIN_LIMIT = 1000  # far below every limit: the text that goes out when the proper one was refused
_TOKEN_BYTES = 64
_BUTTONS_A_ROW = 8
_NEVER_CUT = 9
_WORTH_READING = 100  # units; a shorter remainder of a long block goes as a whole
_CUT = "…（已截断）"
_STYLES = {Tone.PLAIN: None, Tone.GOOD: KeyboardButtonStyle.SUCCESS, Tone.DANGER: KeyboardButtonStyle.DANGER}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text as Telegram takes it, and the keyboard under it; `parse_mode` None is plain text."""

    text: str
    parse_mode: str | None
    keyboard: InlineKeyboardMarkup | None


def rendered(card: Card, limit: int = TEXT_LIMIT) -> Rendered:
    """Set a card in HTML, cut to `limit`. Raises ValueError for an empty card or a button that cannot be."""
    blocks = _fitted(_present(card), limit)
    return Rendered("\n".join(_set(blocks)), ParseMode.HTML, keyboard_of(card))


def plainly(card: Card) -> Rendered:
    """Set a card so that nothing is left to refuse: a short plain text, weightiest blocks first kept, no links."""
    text = "\n".join(map(_plain, _fitted(_present(card), _PLAIN_LIMIT)))
    return Rendered(text, None, keyboard_of(card, with_links=False))


def fits(card: Card, limit: int) -> bool:
    """Whether the whole card can be said in `limit` units."""
    return _length(_present(card)) <= limit


def headline(card: Card) -> Card:
    """Give the titles of a card alone, or its first block where it has none."""
    blocks = _present(card)
    return Card(tuple(block for block in blocks if block.form is Form.TITLE) or tuple(blocks[:1]))


def keyboard_of(card: Card, *, with_links: bool = True) -> InlineKeyboardMarkup | None:
    """Set the buttons, row by row; a row of more than eight is broken. Raises ValueError, see `_button`."""
    rows = []
    for row in card.buttons:
        keys = [_button(button) for button in row if not button.url or (with_links and _is_web(button.url))]
        rows += [keys[first : first + _BUTTONS_A_ROW] for first in range(0, len(keys), _BUTTONS_A_ROW)]
    return InlineKeyboardMarkup(rows) if rows else None


def _button(button: Button) -> InlineKeyboardButton:
    """Raise ValueError here for what Telegram would refuse only when a card is due."""
    text, style = cleaned(button.text).strip(), _STYLES[button.tone]
    if not text:
        raise ValueError("a button without a text")
    if button.url:
        return InlineKeyboardButton(text, url=button.url, style=style)
    if not button.token.isascii() or not 1 <= len(button.token) <= _TOKEN_BYTES:
        raise ValueError(
            f"the token of button {text} is not 1 to {_TOKEN_BYTES} ASCII bytes: {button.token!r}"
        )
    return InlineKeyboardButton(text, callback_data=button.token, style=style)


# -- blocks --------------------------------------------------------------------------------------------------------


def _present(card: Card) -> list[Block]:
    blocks = [replace(b, text=cleaned(b.text).strip(), label=cleaned(b.label)) for b in card.blocks]
    blocks = [block for block in blocks if block.text]
    if not blocks:
        raise ValueError("a card without a text")
    return blocks


def _before(block: Block) -> str:
    """A quotation begins on its own line, for Telegram draws it as a box."""
    return f"{block.label}：" + ("\n" if block.form is Form.QUOTE else "") if block.label else ""


def _plain(block: Block) -> str:
    return _before(block) + block.text


def _set(blocks: Sequence[Block]) -> list[str]:
    """Set each block; folded neighbours stand in one quotation that opens by a touch (Bot API 7.4, expandable)."""
    parts = []
    for is_folded, run in groupby(blocks, lambda block: block.form is Form.FOLDED):
        lines = [_html(block) for block in run]
        parts += [f"<blockquote expandable>{chr(10).join(lines)}</blockquote>"] if is_folded else lines
    return parts


def _html(block: Block) -> str:
    text = escape(block.text, quote=False)
    if _is_web(block.url):
        text = f'<a href="{escape(block.url)}">{text}</a>'
    return escape(_before(block), quote=False) + _SETTERS[block.form](text)


_SETTERS: dict[Form, Callable[[str], str]] = {
    Form.TITLE: "<b>{}</b>".format,
    Form.LINE: "{}".format,
    Form.QUOTE: "<blockquote>{}</blockquote>".format,
    Form.NOTE: "<i>{}</i>".format,
    Form.FOLDED: "{}".format,
}


def _is_web(url: str) -> bool:
    """Whether Telegram can open it; anything else (javascript:, tg://, half an address) is shown as text only."""
    if not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


# -- cutting -------------------------------------------------------------------------------------------------------


def _fitted(blocks: Sequence[Block], limit: int) -> list[Block]:
    """Cut until the text fits, and say how many blocks went.

    1. The block of the lowest weight goes first, the later of two equals.
    2. A long block loses only its end when that is enough and leaves something worth reading.
    3. Weight 9 stays whole unless it alone is too long: then its longest text loses its end, titles last.
    """
    kept, gone = list(blocks), 0
    while (excess := _length([*kept, *_farewell(gone)]) - limit) > 0:
        at = _next_to_cut(kept)
        floor = _WORTH_READING if kept[at].weight < _NEVER_CUT else 1
        shorter = _without_end(kept[at], excess, floor)
        if shorter is not None:
            kept[at] = shorter
        else:
            del kept[at]
            gone += 1
    return [*kept, *_farewell(gone)]


def _farewell(gone: int) -> tuple[Block, ...]:
    return (Block(f"（篇幅所限，略去 {gone} 项）", Form.NOTE),) if gone else ()


def _next_to_cut(blocks: Sequence[Block]) -> int:
    light = [(block.weight, -at) for at, block in enumerate(blocks) if block.weight < _NEVER_CUT]
    if light:
        return -min(light)[1]
    heavy = [(block.form is Form.TITLE, -units(block.text), at) for at, block in enumerate(blocks)]
    return min(heavy)[2]


def _without_end(block: Block, excess: int, floor: int) -> Block | None:
    room = units(block.text) - excess - units(_CUT)
    if room < floor:
        return None
    kept = head(block.text.removesuffix(_CUT), room).rstrip()
    return replace(block, text=kept + _CUT) if kept else None


def _length(blocks: Sequence[Block]) -> int:
    return sum(units(_plain(block)) for block in blocks) + max(len(blocks) - 1, 0)

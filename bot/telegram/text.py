"""Telegram's way of counting and keeping text. Pure.

Lengths are UTF-16 code units, as in MessageEntity (core.telegram.org/bots/api); a Python string counts code points.
"""

import re
import unicodedata

# NUL and other controls (a line feed and a tab stay) and the marks that turn the reading direction round.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_JOINER = "\u200d"
_LONGEST_CLUSTER = 32


def cleaned(text: str) -> str:
    """Take out what no store and no reader can use; half a surrogate pair becomes U+FFFD."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _UNWANTED.sub("", whole.replace("\r\n", "\n").replace("\r", "\n"))


def units(text: str) -> int:
    """Count UTF-16 code units of a cleaned text."""
    return len(text.encode("utf-16-le")) // 2


def head(text: str, room: int) -> str:
    """Give the longest beginning of at most `room` units that splits no character as a reader sees it."""
    if units(text) <= room:
        return text
    end = len(text.encode("utf-16-le")[: max(room, 0) * 2].decode("utf-16-le", "ignore"))
    first = max(
        end - _LONGEST_CLUSTER, 0
    )  # no real character is longer; only a text made to annoy has none there
    return text[: next((cut for cut in range(end, first - 1, -1) if not _is_inside(text, cut)), end)]


def _is_inside(text: str, cut: int) -> bool:
    """Whether a mark, a joiner or a skin tone behind `cut` still belongs to the character before it."""
    if cut == 0:
        return False
    behind = text[cut]
    return (
        text[cut - 1] == _JOINER
        or behind == _JOINER
        or unicodedata.category(behind) in ("Mn", "Me", "Mc")
        or "\U0001f3fb" <= behind <= "\U0001f3ff"
    )


def shortened(text: str, room: int) -> str:
    """Give `text`, or its beginning with an ellipsis, in at most `room` units."""
    return text if units(text) <= room else head(text, room - 1) + "…"

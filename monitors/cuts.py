"""What a source writes around its texts, cut before anything is kept: a commenter's name in a title, above all. Pure.

The expressions are the operator's (`title_cut`, `text_cut`) and run in linear time on any text (RE2).
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import re2

from routing.items import Item


def cut(pattern: str | None, text: str) -> str:
    """Take out what the expression matches; None: nothing."""
    return text if pattern is None else str(_compiled(pattern).sub("", text)).strip()


def cut_item(item: Item, title: str | None, text: str | None) -> Item:
    """Cut title and text of an item, each by its own expression."""
    if title is None and text is None:
        return item
    return replace(item, title=cut(title, item.title), text=cut(text, item.text))


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    return re2.compile(pattern)

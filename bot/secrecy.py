"""Secrecy marks (密级标识) in what people send: recognised before anything is stored.

A header line that consists of a mark (绝密, 机密, 秘密, perhaps ★ and a term; 保守国家秘密法实施条例) stops the message. The
same words in running text are no mark.
"""

import re
from typing import Any

MARK = re.compile(r"\s*(绝\s*密|机\s*密|秘\s*密)\s*(★.{0,20})?\s*")

_COMMAND = re.compile(r"^/\w+\s+")
"""A command before a text: what stands behind it is the text."""


def has_mark(text: str) -> bool:
    """Tell whether the first line with anything on it is a secrecy mark and nothing else."""
    return MARK.fullmatch(_COMMAND.sub("", _first_line(text))) is not None


def without_marked_text(value: Any) -> Any:
    """Give a raw update with every marked text cut down to its mark: what stands below is never stored."""
    if isinstance(value, str):
        return _first_line(value) if has_mark(value) else value
    if isinstance(value, dict):
        return {key: without_marked_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_marked_text(inner) for inner in value]
    return value


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")

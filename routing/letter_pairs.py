"""Pairs of neighbouring letters of a text, each a whole number: 21 bits for the first letter, 21 for the second. Pure."""

import re

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
"""Pairs of letters as numbers."""

_bits = 21
_basic = 0x10000
_letter = re.compile(r"\w")
_is_letter = np.zeros(_basic, dtype=bool)
_is_letter[[ord(sign) for sign in _letter.findall("".join(map(chr, range(_basic))))]] = True


def every_pair(text: str) -> Codes:
    """Give each two neighbouring signs, letters or not, in the order of the text."""
    return _joined(_signs(text))


def letter_pairs(text: str) -> Codes:
    """Give the pairs of neighbouring letters, digits and Chinese characters, sorted, each once."""
    signs = _signs(text)
    are_letters = _is_letter.take(signs, mode="clip")
    if len(signs) and signs.max() >= _basic:
        _look_at_rare(signs, are_letters)
    codes = _joined(signs)[are_letters[:-1] & are_letters[1:]]
    codes.sort()
    is_first = np.ones(len(codes), dtype=bool)
    np.not_equal(codes[1:], codes[:-1], out=is_first[1:])
    return codes[is_first]


def signs_of(codes: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the first letters of pairs and the second ones, as code points."""
    return codes >> _bits, codes & ((1 << _bits) - 1)


def _signs(text: str) -> NDArray[np.int64]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)


def _joined(signs: NDArray[np.int64]) -> Codes:
    return signs[:-1] << _bits | signs[1:]


def _look_at_rare(signs: NDArray[np.int64], are_letters: NDArray[np.bool_]) -> None:
    """Say of the signs beyond the first plane, which are few, which are letters."""
    for at in np.flatnonzero(signs >= _basic).tolist():
        are_letters[at] = _letter.match(chr(signs[at])) is not None

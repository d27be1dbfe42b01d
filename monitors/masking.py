"""Personal data masked before a text leaves the monitors (先脱敏，后入库). Pure.

Known by shape and, where there is one, by checksum: mobile and landline numbers, resident identity numbers
(GB 11643: ISO 7064 MOD 11-2), bank cards (ISO/IEC 7812: Luhn), number plates (GA 36), e-mail addresses; in full-width
letters, spaced or hyphened too. Names and addresses are not recognised.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from routing.items import Item


@dataclass(frozen=True, slots=True)
class Masked:
    """The text with marks in place of what was found, and the kinds found, each once, sorted."""

    text: str
    kinds: tuple[str, ...]


def mask(text: str) -> Masked:
    """Replace every hit by its mark, such as `[手机号已隐去]`. A second call changes nothing."""
    folded = "".join(map(_fold, text))
    kinds = set()
    for kind, pattern, is_hit in _kinds:
        for found in reversed(list(pattern.finditer(folded))):
            if is_hit(found):
                mark = f"[{kind}已隐去]"
                start, end = found.span()
                text = text[:start] + mark + text[end:]
                folded = folded[:start] + mark + folded[end:]
                kinds.add(kind)
    return Masked(text, tuple(sorted(kinds)))


def mask_item(item: Item) -> Item:
    """Mask title and text. The address stays: it is how a person finds the public original."""
    title, text = mask(item.title), mask(item.text)
    kinds = tuple(sorted({*item.masked, *title.kinds, *text.kinds}))
    return replace(item, title=title.text, text=text.text, masked=kinds)


@lru_cache(maxsize=4096)
def _fold(letter: str) -> str:
    # One letter for one letter, so that a hit in the folded text has the same place in the original. Only what can
    # be part of a number or an address is folded: Chinese punctuation stays as it is.
    if letter in _dashes:
        return "-"
    folded = unicodedata.normalize("NFKC", letter)
    return (
        folded
        if len(folded) == 1 and folded.isascii() and (folded.isalnum() or folded in "@.+ _-")
        else letter
    )


_dashes = frozenset("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d\u30fc")
_gap = r"[ \t\-·\u200b-\u200f\u2060\ufeff]{0,2}"


def _digits(found: re.Match[str]) -> str:
    return re.sub(r"[^0-9Xx]", "", found[0]).upper()


def _before(found: re.Match[str], letters: int) -> str:
    return found.string[max(0, found.start() - letters) : found.start()]


_identity_weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_identity_cue = re.compile(r"身份证|公民身份|证件号")
_number_cue = re.compile(r"(?:订单|单号|编号|工单|流水|运单|受理|案号|文号|快递)[^0-9]{0,6}$")


def _is_identity(found: re.Match[str]) -> bool:
    digits = _digits(found)
    if len(digits) == 18:
        total = sum(weight * int(digit) for weight, digit in zip(_identity_weights, digits[:17], strict=True))
        if "10X98765432"[total % 11] == digits[17]:
            return True
    # A mistyped number, or one of the old 15 digits, has no checksum to go by: then the word beside it decides.
    return bool(_identity_cue.search(_before(found, 16)))


def _is_card(found: re.Match[str]) -> bool:
    digits = _digits(found)
    if not digits.isdigit() or not 15 <= len(digits) <= 19:
        return False
    if not digits.startswith("62") and _number_cue.search(_before(found, 16)):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _is_mobile(found: re.Match[str]) -> bool:
    groups = re.findall(r"\d+", found["number"])
    # 138-1234-5678 and 1 3 8 … are numbers; 13-14 2026-11-20 is a pair of dates that happens to have the digits.
    return len(groups) <= 4 or all(len(group) == 1 for group in groups)


def _has_digit(found: re.Match[str]) -> bool:
    return any(letter.isdigit() for letter in found[0][1:])


def _always(found: re.Match[str]) -> bool:
    return True


_day = r"(?:0[1-9]|[12]\d|3[01])"


def _spaced(pattern: str) -> str:
    return pattern.replace("~", _gap)


_kinds: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], bool]], ...] = (
    (
        "邮箱",
        re.compile(
            r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64} ?@ ?"
            r"(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9])"
        ),
        _always,
    ),
    (
        "身份证号",
        re.compile(
            _spaced(
                rf"(?<!\d)[1-9](?:~\d){{5}}~(?:1~[89]|2~0)~\d~\d~(?:0~[1-9]|1~[0-2])~"
                rf"(?:0~[1-9]|[12]~\d|3~[01])~\d~\d~\d~[\dXx](?![0-9A-Za-z])"
                rf"|(?<!\d)[1-9]\d{{7}}(?:0[1-9]|1[0-2]){_day}\d{{3}}(?!\d)"
            )
        ),
        _is_identity,
    ),
    (
        "银行卡号",
        re.compile(_spaced(r"(?<![0-9A-Za-z])(?:62|60|4\d|5[1-5]|3[4-7]|9[0-8])(?:~\d){13,17}(?!\d)")),
        _is_card,
    ),
    (
        "手机号",
        re.compile(_spaced(r"(?<!\d)(?:(?:\+|00)?86~)?(?P<number>1~[3-9](?:~\d){9})(?!\d)")),
        _is_mobile,
    ),
    (
        "电话号",
        re.compile(
            r"(?<![\d.])(?:\+?86[ -]?)?(?:[(（]0\d{2,3}[)）] ?|0(?:10|2\d|[3-9]\d{2})[ -]{0,2})"
            r"[2-9]\d{2,3}[ -]?\d{4}(?!\d)"
        ),
        _always,
    ),
    (
        "车牌号",
        re.compile(
            r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
            r"[A-HJ-NP-Za-hj-np-z][ ·.•\-]?[A-HJ-NP-Za-hj-np-z0-9]{4,5}[A-HJ-NP-Za-hj-np-z0-9挂学警港澳]"
            r"(?![A-Za-z0-9])"
        ),
        _has_digit,
    ),
)

"""Texts in one form, so that matching, fingerprints and merges compare what people read and not how it was typed.

Pure. For comparing, not for showing: traditional characters become simplified ones without regard to the word.
Does not mask (texts arrive masked), does not segment words.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from operator import add

from routing.hanzi import simplified

# Zero-width, bidi and other invisible characters, tags, variation selectors, half letters (lone surrogates): they cut a
# word in two for a machine and change nothing for a reader. Controls that are white space (tab, line ends) stay so.
_invisible = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_han = "\u2e80-\u2fff\u3001-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_space_in_chinese = re.compile(rf" (?<=[{_han}] )(?=[{_han}])")
# Characters whose form does not hang on their neighbours: nothing here combines with anything. Nearly every text is
# made of these alone and needs no pass through unicodedata; for what changes there is a table. (No sign beyond the
# basic plane changes here: an expression that holds one is searched for 25 times slower.)
_lone = (
    "\t\n\r\x20-\x7e\u00b7\u200b-\u2027\u202a-\u205e\u2060-\u2064\u2100-\u27bf\u3000-\u3029\u3030-\u303f"
    "\u3400-\u4dbf\u4e00-\u9fff\ufe0f\ufeff\uff01-\uff5e\uffe0-\uffe6\U0001f300-\U0001faff"
)
_not_lone = re.compile(f"[^{_lone}]")
_letters = re.compile(r"[^\W_]+")

_numerals = {
    "〇": 0,
    "零": 0,
    "一": 1,
    "二": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
# Units that make a number a name: 二期 is another estate than 三期. Only before these are Chinese numerals read,
# for elsewhere (一路, 一次, 两个) they are ordinary words.
_naming_units = "期|号楼|号院|栋|幢|单元|标段|号线|年级|届"
_counting_units = (
    "个百分点|万元|亿元|元|块|人|名|户|次|例|辆|台|只|头|亩|吨|公斤|斤|公里|千米|米|平方米|平米|层|楼|岁|天|小时|"
    "分钟|个月|周|年|℃|°c|度|%|路|号|点|万|亿|条|件|起|家|所|套|间|班"
)
_month, _monthday = r"(?P<month>1[0-2]|0?[1-9])", r"(?P<day>3[01]|[12]\d|0?[1-9])"
_dates = (
    re.compile(rf"(?<!\d)(?:(?:19|20)\d\d年)?{_month}月{_monthday}(?:日|号|(?!\d))"),
    re.compile(rf"(?<!\d)(?:19|20)\d\d([-/.]){_month}\1{_monthday}(?!\d)"),
)
_day = re.compile(rf"(?<![\d月]){_monthday}日(?!内)")
_hour = re.compile(
    r"(?<!\d)(?P<hour>2[0-4]|1\d|0?\d)(?:时|:(?P<minute>[0-5]\d)(?!\d))(?:(?P<minutes>[0-5]\d)分)?"
)
_digit = re.compile(r"\d")
_after_digits = re.compile(r"\d(\D)")
_between_figures, _of_hours = frozenset("-/."), frozenset("时:")
_naming = re.compile(rf"[\d〇零一二三四五六七八九十](?:{_naming_units})")
_named = re.compile(
    rf"(?P<number>(?<!\d)\d{{1,9}}|[〇零一二三四五六七八九十]{{1,3}})(?P<unit>{_naming_units})"
)
_counted = re.compile(rf"(?P<number>\d\d*(?:\.\d+)?)(?P<unit>{_counting_units})?")


_simplified = str.maketrans(dict(simplified()))


def _form(text: str) -> str:
    """Bring any text into its form, white space aside."""
    visible = _invisible.sub("", text)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return folded.translate(_simplified)


def _lone_signs() -> Iterator[str]:
    spans = re.findall("(.)(?:-(.))?", _lone, re.DOTALL)
    return (chr(code) for first, last in spans for code in range(ord(first), ord(last or first) + 1))


def _changing() -> dict[str, str]:
    return {sign: form for sign in _lone_signs() if (form := _form(sign)) != sign}


def _staying() -> str:
    """Give the other lone signs as a class of an expression: spans, for single signs would be slow to compile."""
    codes = [ord(sign) for sign in _lone_signs() if sign not in _form_of]
    firsts = [code for before, code in zip([-1, *codes], codes, strict=False) if code != before + 1]
    lasts = [code for code, after in zip(codes, [*codes[1:], -1], strict=True) if after != code + 1]
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in zip(firsts, lasts, strict=True))


_form_of = _changing()
_changes = re.compile(f"[{''.join(map(re.escape, _form_of))}]")
# Whatever may not stay as it is: where there is none of it, only white space is left to look at.
_irregular = re.compile(f"[^{_staying()}]")
# The signs of nearly every Chinese text: replaced one by one faster than by an expression.
_usual = [(sign, _form_of[sign]) for sign in "，？！：；（）"]


def normal(text: str) -> str:
    """Bring a text into the form that words are looked up in.

    NFKC, invisible characters removed, case folded, traditional characters simplified, white space between Chinese
    characters dropped and any other run of it turned into one space.
    """
    for sign, form in _usual:
        text = text.replace(sign, form)
    if _irregular.search(text):
        text = _form(text) if _not_lone.search(text) else _changes.sub(lambda found: _form_of[found[0]], text)
    spaced = " ".join(text.split())
    return _space_in_chinese.sub("", spaced) if " " in spaced else spaced


def letters(text: str) -> str:
    """Keep letters, digits and Chinese characters of the normal form: no punctuation, no emoji, no spaces."""
    return "".join(_letters.findall(normal(text) if _irregular.search(text) else text))


def fingerprint(title: str, text: str) -> str:
    """Name what the text says, whatever its punctuation: equal fingerprints are exact reposts.

    Title and body count as one text, for a repost may move the headline into the body. Empty where there is no
    letter at all: nothing then may be taken for a copy.
    """
    said = letters(f"{title}{text}")
    return hashlib.sha256(said.encode()).hexdigest()[:32] if said else ""


def bigrams(text: str) -> frozenset[str]:
    """Give the pairs of neighbouring letters of the normal form; empty below two letters."""
    said = letters(text)
    return frozenset(map(add, said, said[1:]))


def numbers(text: str) -> frozenset[str]:
    """Give the figures that tell one matter from another, each with its unit, in one spelling.

    Dates come as `11月10日` and once more as `10日` (people drop the month); clock times as `20时` or `7:30时`;
    `二期` and `2期` both as `2期`; what has no unit as the bare digits.
    """
    rest = normal(text)
    found: set[str] = set()

    def take(pattern: re.Pattern[str]) -> list[dict[str, str | None]]:
        nonlocal rest
        hits = [match.groupdict() for match in pattern.finditer(rest)]
        if hits:
            rest = pattern.sub("｜", rest)
        return hits

    # What an expression cannot do without is looked for first: all of it at once costs a tenth of one expression.
    if _digit.search(rest):
        after = set(_after_digits.findall(rest))
        full = take(_dates[0]) if "月" in after else []
        full += take(_dates[1]) if after & _between_figures else []
        for hit in full:
            day = f"{int(hit['day'] or 0)}日"
            found |= {f"{int(hit['month'] or 0)}月{day}", day}
        for hit in take(_day) if "日" in after else ():
            found.add(f"{int(hit['day'] or 0)}日")
        for hit in take(_hour) if after & _of_hours else ():
            minute = int(hit["minute"] or hit["minutes"] or 0)
            found.add(f"{int(hit['hour'] or 0)}:{minute:02d}时" if minute else f"{int(hit['hour'] or 0)}时")
    for hit in take(_named) if _naming.search(rest) else ():
        found.add(f"{_value(hit['number'] or '')}{hit['unit']}")
    for match in _counted.finditer(rest) if _digit.search(rest) else ():
        found.add(f"{match['number']}{match['unit'] or ''}")
    return frozenset(found)


@lru_cache(maxsize=10_000)
def unit(number: str) -> str:
    """Give the unit of one figure of `numbers`: `月日` of `11月10日`, empty for bare digits."""
    return re.sub(r"[\d.:]", "", number)


def _value(number: str) -> int:
    """Read digits, or a Chinese numeral below one hundred."""
    if number[0] not in _numerals and number[0] != "十":
        return int(number)
    tens, ten, ones = number.rpartition("十")
    if not ten:
        return int("".join(str(_numerals[sign]) for sign in number))
    return 10 * (_numerals.get(tens[-1:], 1)) + _numerals.get(ones[:1], 0)

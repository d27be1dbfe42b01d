"""Damaged and mixed bytes to letters: of all ways to read a stretch, the cheapest. Pure.

Knows the two codecs in which Chinese sources are written, UTF-8 and GB18030, and what goes wrong between them: a
letter cut in two, a stray byte after which every pair of GBK is read askew, a fragment of one codec inside the other.
Which of the two is the document's own is for the caller to say.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

UTF8, GB = 0, 1
codecs_of = ("utf-8", "gb18030")

_infinite = float("inf")
_switch_cost = 3.0
_skip_cost = 6.0
_cut_cost = 2.5
_min_chunk = 4096
_max_chunk = 65_536
_max_stretch = 2_000
_max_weighed = 65_536
# In neither codec are these bytes ever part of a longer letter, so a misreading ends at them at the latest.
_stretch = re.compile(rb"[\x30-\x39\x40-\xff]+")

# Pairs of GBK that mean nothing come out as letters for private use.
_private = re.compile("[\ue000-\uf8ff]")
_three_letters_of_utf8 = re.compile(rb"(?:[\xe3-\xe9][\x80-\xbf]{2}){3}")

common = frozenset(
    "".join(
        bytes((lead, trail)).decode("gb18030", "ignore")
        for lead in (0xA1, 0xA3, *range(0xB0, 0xD8))
        for trail in range(0xA1, 0xFF)
    )
)
"""Level 1 of GB 2312 (3,755 Chinese letters, 99.7 % of running text), its punctuation and full-width letters."""


def read_damaged(body: bytes, home: int) -> str:
    """Read bytes that are mostly UTF8 or mostly GB (`home`); what is neither becomes U+FFFD. Never raises.

    Takes linear time: at most 64 KiB of a document are weighed reading by reading, the rest is decoded plainly.
    """
    charset = codecs_of[home]
    left = _max_weighed
    parts = []
    for chunk in _chunks(body):
        text = _believed(chunk, charset)
        if text is None and (len(chunk) > _max_chunk or left <= 0):
            text = chunk.decode(charset, "replace")
        if text is not None:
            parts.append(text)
            continue
        end = 0
        for found in _stretch.finditer(chunk):
            stretch = found[0]
            if stretch.isascii():
                continue
            text = _believed(stretch, charset)
            if text is None:
                weigh = left > 0 and len(stretch) <= _max_stretch
                left -= len(stretch)
                text = _cheapest(stretch, home) if weigh else stretch.decode(charset, "replace")
            parts += chunk[end : found.start()].decode("ascii"), text
            end = found.end()
        parts.append(chunk[end:].decode("ascii"))
    return "".join(parts)


def common_share(text: str) -> float:
    """Tell which share of the foreign letters is common Chinese; 1.0 where there are no foreign letters."""
    foreign = [letter for letter in text if letter > "\x7f"]
    return sum(letter in common for letter in foreign) / len(foreign) if foreign else 1.0


def _chunks(body: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(body):
        end = body.find(b"<", start + _min_chunk)
        end = len(body) if end < 0 else end
        yield body[start:end]
        start = end


def _believed(piece: bytes, charset: str) -> str | None:
    """Decode plainly; None where that fails, or where the outcome shows that the bytes were read askew."""
    try:
        text = piece.decode(charset)
    except UnicodeDecodeError:
        return None
    if charset == "gb18030" and (_private.search(text) or _three_letters_of_utf8.search(piece)):
        return None
    # A lead byte that lost its trail swallows the bracket behind it, and with that the end of the CDATA.
    return text if piece.count(b"]]") == text.count("]]") else None


def _cheapest(stretch: bytes, home: int) -> str:
    """Find the cheapest chain of letters through the bytes, by dynamic programming over (place, codec)."""
    size = len(stretch)
    best = [[_infinite, _infinite] for _ in range(size + 1)]
    back: list[list[tuple[int, int, str]]] = [[(0, 0, ""), (0, 0, "")] for _ in range(size + 1)]
    best[0][home] = 0.0
    for place in range(size):
        here = best[place]
        if here[UTF8] == here[GB] == _infinite:
            continue
        for codec in (UTF8, GB):
            other = 1 - codec
            before = codec if here[codec] <= here[other] + _switch_cost else other
            so_far = here[before] + (_switch_cost if before != codec else 0.0)
            for length, letter, cost in _readings(stretch, place, codec):
                if so_far + cost < best[place + length][codec]:
                    best[place + length][codec] = so_far + cost
                    back[place + length][codec] = (place, before, letter)
    codec = home if best[size][home] <= best[size][1 - home] else 1 - home
    letters = []
    place = size
    while place:
        place, codec, letter = back[place][codec]
        letters.append(letter)
    return "".join(reversed(letters))


def _readings(stretch: bytes, place: int, codec: int) -> Iterator[tuple[int, str, float]]:
    """Give the letters that may start here: length in bytes, letter, cost."""
    first = stretch[place]
    if first < 0x80:
        yield 1, chr(first), 0.0
        return
    yield from _gb_readings(stretch, place) if codec == GB else _utf8_readings(stretch, place)
    yield 1, "\ufffd", _skip_cost


def _utf8_readings(stretch: bytes, place: int) -> Iterator[tuple[int, str, float]]:
    first = stretch[place]
    wanted = 2 if 0xC2 <= first < 0xE0 else 3 if 0xE0 <= first < 0xF0 else 4 if 0xF0 <= first < 0xF5 else 1
    most = wanted if wanted > 1 else 2
    length = 1
    while length < most and place + length < len(stretch) and 0x80 <= stretch[place + length] < 0xC0:
        length += 1
    if wanted > 1 and length == wanted:
        try:
            letter = stretch[place : place + length].decode("utf-8")
        except UnicodeDecodeError:
            return
        yield length, letter, _utf8_cost(letter)
    elif wanted > 1 or first < 0xC0:  # the head or the tail of a letter that was cut
        yield length, "\ufffd", _cut_cost


def _gb_readings(stretch: bytes, place: int) -> Iterator[tuple[int, str, float]]:
    pair = stretch[place : place + 2]
    letter, cost = _pair(pair)
    if letter:
        swallows = pair[1:] == b"]" and stretch[place + 2 : place + 3] == b"]"
        yield 2, letter, cost + (_skip_cost + 1 if swallows else 0.0)
    four = stretch[place : place + 4]
    if len(four) == 4 and 0x30 <= four[1] < 0x3A:
        letter = four.decode("gb18030", "ignore")
        if len(letter) == 1:
            yield 4, letter, 2.0


@lru_cache(maxsize=32_768)
def _pair(pair: bytes) -> tuple[str, float]:
    letter = pair.decode("gb18030", "ignore") if len(pair) == 2 else ""
    if len(letter) != 1 or letter < "\x80":
        return "", _infinite
    if letter in common:
        return letter, 0.1
    if "\ue000" <= letter <= "\uf8ff":  # for private use: hardly ever meant
        return letter, 5.5
    in_gb2312 = pair[1] >= 0xA1 and 0xA1 <= pair[0] < 0xF8
    return letter, 1.0 if in_gb2312 and pair[0] >= 0xD8 else 2.5 if pair[1] >= 0x80 else 4.0


def _utf8_cost(letter: str) -> float:
    if letter < "\u0800":
        # Two bytes that are also a pair of GBK: accents, Greek and Cyrillic are met, phonetic signs and Arabic hardly.
        return 0.2 if letter < "\u0180" or "\u0370" <= letter < "\u0530" else 4.0
    return 0.0 if letter in common or "\u4e00" <= letter <= "\u9fff" else 0.5

"""The raw entries of a feed: where they stand, their digests, and the document without some of them. Pure.

What was read before need not be read again: an entry whose letters are the same is cut out before feedparser sees the
document. A cut must never lose, merge or garble an entry, so wherever the boundaries are in doubt there are none
(`find_entries` gives None) and the whole document is read. All scans take linear time, whatever the text is.
"""

import html
import re
from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b

digest_size = 8
max_digests = 20_000
"""Digests kept a source (160 kB); of a feed with more entries the oldest ones are told of and not read."""

_plain_name = (
    r"(?:[iI][tT][eE][mM]|[eE][nN][tT][rR][yY])"  # `re` passes over other tags faster than with IGNORECASE
)
_name = rf"(?:{_plain_name}|[A-Za-z_][\w.-]{{0,40}}+:{_plain_name})"
_token = re.compile(
    rf"<(?:!(?:--|\[(?i:CDATA)\[|(?i:ENTITY))|\?|/(?P<closed>{_name})(?=[\s/>])|(?P<opened>{_name})(?=[\s/>]))"
)
_rest_of_tag = re.compile(r"[^<>]{0,4000}>")
_ends = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}
_opening = re.compile(rf"<({_name})(?=[\s>])")
_closing = re.compile(rf"</{_name}\s{{0,20}}>")


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of one document in its order: `spans` their places in `text`, `digests` their names."""

    text: str
    spans: tuple[tuple[int, int], ...]
    digests: tuple[bytes, ...]

    def raw(self, number: int) -> str:
        """Give one entry as it is written."""
        start, end = self.spans[number]
        return self.text[start:end]

    def holding(self, marks: Collection[str]) -> list[int]:
        """Give the entries in which one of the marks stands, in order; a mark without letters stands in all."""
        if not all(marks):
            return list(range(len(self.spans)))
        starts = [start for start, _ in self.spans]
        found = set()
        for mark in marks:
            at = self.text.find(mark)
            while at >= 0:  # once an entry: a mark may stand in it a million times
                next_one = bisect_right(starts, at)
                if next_one and at + len(mark) <= self.spans[next_one - 1][1]:
                    found.add(next_one - 1)
                at = self.text.find(mark, starts[next_one]) if next_one < len(starts) else -1
        return sorted(found)

    def only(self, numbers: Collection[int]) -> str:
        """Give the document with no other entries than these."""
        if len(numbers) == len(self.spans):
            return self.text
        parts, end = [], 0
        for number, (start, stop) in enumerate(self.spans):
            if number not in numbers:
                parts.append(self.text[end:start])
                end = stop
        return "".join(parts) + self.text[end:]

    def around(self) -> str:
        """Give what stands before the first entry and after the last one."""
        return self.text[: self.spans[0][0]] + self.text[self.spans[-1][1] :]


def digest(entry: str) -> bytes:
    """Name an entry by what is written in it; 8 bytes."""
    return blake2b(entry.encode("utf-8", "surrogatepass"), digest_size=digest_size).digest()


def split_digests(joined: bytes) -> frozenset[bytes]:
    """Take apart what a source remembers; a remainder that is no whole digest is nothing."""
    ends = range(digest_size, len(joined) + 1, digest_size)
    return frozenset(joined[end - digest_size : end] for end in ends)


def find_entries(text: str) -> Entries | None:
    """Find the entries of a feed; None where there are none or where one cannot be told from the next for certain.

    In doubt is: an entry in an entry; entries of two names; an entry's tag inside a comment, CDATA or an instruction
    (or one of these without an end); entities of the document's own, which may hold anything; a tag left open.
    """
    spans: list[tuple[int, int]] = []
    name, start, skip_to = "", -1, 0
    for found in _token.finditer(text):
        closed, opened = found.groups()
        at, past = found.span()
        tag = closed or opened
        if at < skip_to:
            if tag:
                return None
            continue
        if not tag:
            skip_to = _skipped(text, found)
            if skip_to < 0:
                return None
            continue
        name = name or tag
        end = past + 1 if text.startswith(">", past) else _end_of_tag(text, past)
        if tag != name or end < 0 or bool(opened) == (start >= 0):
            return None
        if closed:
            spans.append((start, end))
            start = -1
        elif text.count('"', past, end) % 2 or text.count("'", past, end) % 2:
            return None
        elif text[end - 2] == "/":
            spans.append((at, end))
        else:
            start = at
    if start >= 0 or not spans:
        return None
    return Entries(text, tuple(spans), tuple(digest(text[a:b]) for a, b in spans))


def _skipped(text: str, found: re.Match[str]) -> int:
    """Give where a comment, CDATA or an instruction is over; -1 where it never is, and for an entity."""
    end = _ends.get(found[0].upper())
    past = text.find(end, found.end()) if end else -1
    return past + len(end) if end and past >= 0 else -1


def _end_of_tag(text: str, past: int) -> int:
    rest = _rest_of_tag.match(text, past)
    return rest.end() if rest else -1


def loose_entries(text: str, most: int) -> list[str]:
    """Give what looks like entries, the last resort for a document that cannot be read as a whole.

    One reaches to its closing tag or, where that is missing, to the next one's start.
    """
    starts = [found for found, _ in zip(_opening.finditer(text), range(most + 1), strict=False)]
    entries = []
    for number, found in enumerate(starts[:most]):
        stop = starts[number + 1].start() if number + 1 < len(starts) else len(text)
        closing = _closing.search(text, found.end(), stop)
        entries.append(
            text[found.start() : closing.end()] if closing else f"{text[found.start() : stop]}</{found[1]}>"
        )
    return entries


_element = re.compile(
    r"<(?:[\w.-]{1,40}:)?(?:guid|id|link|identifier)(?:\s[^<>]{0,2000})?>\s{0,200}(?:<!\[CDATA\[)?((?:[^<\]]|\](?!\]>)){1,2000})",
    re.IGNORECASE,
)
_attribute = re.compile(
    r"\b(?:href|about)\s{0,20}=\s{0,20}(?:\"([^\"<>]{1,2000})|'([^'<>]{1,2000}))", re.IGNORECASE
)


def names_in(entry: str) -> frozenset[str]:
    """Give every word of a raw entry that feedparser could take for its id or its link, and some more."""
    written = [*_element.findall(entry), *(one or other for one, other in _attribute.findall(entry))]
    # In CDATA a reference is no reference: both readings are given.
    return frozenset(reading.strip() for word in written for reading in (word, html.unescape(word)))

"""What the office's own text models say of one text: of public concern or not, who should lead, which subject, whether
it must be answered. Pure.

An opinion is one signal among others and decides nothing: `routing.judging` weighs it against rules and places.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from routing.conditions import Subject
from routing.items import BOARDS, OFFICIAL, Kind
from routing.ngram_table import Reading, Table
from routing.ngrams import Model, clean
from routing.starter import opinions as starter

remembered = 4096
_hidden = re.compile(r"\[[^\[\]\n]{1,12}已隐去\]")
_likely = 0.2
"""A share below this is a guess among two dozen areas; project default."""
_named: Mapping[str, tuple[str, ...]] = {
    "劳动和社会保障": ("欠薪", "讨薪", "拖欠工资", "血汗钱", "工资没发", "工资不发", "不发工资"),
}
"""Words of which one names an area by itself."""
letters_read = 300
_read_again = 32
"""The models are asked about one and the same text in turn."""
_asked = (starter.PUBLIC, starter.LEAD, starter.SUBJECT, starter.ANSWER)


class Opinions:
    """Four models that read a text; safe to share between threads. Without models of the office, the starter set's.

    A text is read once for all; each is asked by itself, for most texts of most feeds are done with after the first answer.
    A repeat costs a look-up.
    """

    def __init__(self, models: Mapping[str, Model] | None = None) -> None:
        given = models or {}
        asked = [given.get(name) or starter.starter_model(name) for name in _asked]
        self._table = Table(asked)
        self.version = "-".join(model.version[:6] for model in asked)
        self._kept = lru_cache(remembered)(self._public_of)
        self._read = lru_cache(_read_again)(self._reading)

    def public(self, subject: Subject) -> float:
        """Tell how likely the text is of public concern, wherever it plays. Never raises on a text."""
        return self._kept(beginning(subject.title, subject.text), stands_in(subject))

    def lead(self, subject: Subject) -> Mapping[str, float]:
        """Give the share of each channel as the one that should lead, were it a matter."""
        return self._scores(starter.LEAD, beginning(subject.title, subject.text), stands_in(subject))

    def answer(self, subject: Subject) -> float:
        """Tell how likely the text must be answered in public, were it a matter."""
        shares = self._scores(starter.ANSWER, beginning(subject.title, subject.text), stands_in(subject))
        return shares[starter.YES]

    def area(self, subject: Subject) -> str:
        """Give the likeliest of the subject areas; where none is likely, the one that a plain word names."""
        text = beginning(subject.title, subject.text)
        shares = self._scores(starter.SUBJECT, text)
        likeliest = max(shares, key=lambda name: (shares[name], name))
        if shares[likeliest] >= _likely:
            return likeliest
        return next(
            (area for area, words in _named.items() if any(word in text for word in words)), likeliest
        )

    def _public_of(self, text: str, where: str) -> float:
        return self._scores(starter.PUBLIC, text, where)[starter.YES]

    def _scores(self, name: str, text: str, where: str = "") -> Mapping[str, float]:
        mark = (starter.source_mark(where),) if where else ()
        return self._table.scores(_asked.index(name), self._read(text), mark)

    def _reading(self, text: str) -> Reading:
        return self._table.read(clean(text))


@lru_cache(_read_again)
def beginning(title: str, text: str) -> str:
    """Give what the models read: title and beginning, for they were fitted on posts, and a text says first what it is.

    Without the marks of what was masked ([手机号已隐去]): no post is written so, and their words speak of no matter.
    """
    return _hidden.sub("", "\n".join(part for part in (title, text) if part))[:letters_read]


def stands_in(subject: Subject) -> str:
    """Name the sort of place where a text stands, as the starter set does."""
    if subject.kind is Kind.COMMENT:
        return "comments"
    if subject.kind is Kind.HOTLIST:
        return "hotlist"
    if BOARDS in subject.tags:
        return "board"
    return "official" if OFFICIAL in subject.tags else "feed"

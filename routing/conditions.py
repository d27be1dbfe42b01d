"""Conditions of a rule other than its words: each a value that says whether it holds and what people read of it. Pure."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Protocol

from routing.expressions import Expressions
from routing.items import BOARDS, Band, Counts, Kind
from routing.places import Sighting
from routing.rules_file import ConditionsEntry, hours_of
from routing.vocabulary import Spots, Vocabulary

_kind_names = {Kind.ARTICLE: "文章", Kind.POST: "帖文", Kind.COMMENT: "评论", Kind.HOTLIST: "热榜"}
_count_names = {"views": "阅读", "likes": "点赞", "reposts": "转发", "comments": "评论"}
_band_names = {Band.NEGATIVE: "消极", Band.UNCLEAR: "不明", Band.NOT_NEGATIVE: "不消极"}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: one text with what is known of it.

    `band` None: not scored (yet), every condition on sentiment then fails. `own`: the source speaks of the own
    county (本县), so that a text of it needs no place to be ours. `tags` are those of the source. `burst`: that more is said
    of this now than usual, with its figures (Chinese); empty where not.
    """

    title: str
    text: str
    kind: Kind
    tags: tuple[str, ...] = ()
    band: Band | None = None
    counts: Counts = field(default_factory=Counts)
    own: bool = False
    burst: str = ""
    hour: int | None = None


@dataclass(slots=True)
class View:
    """One subject with everything that conditions ask for, looked up once.

    `bands` gathers the bands of sentiment that were asked for while all other conditions held.
    """

    subject: Subject
    plain: str
    found: frozenset[str]
    sighting: Sighting
    vocabulary: Vocabulary
    bands: set[Band] = field(default_factory=set)
    _spots: Spots | None = None

    def is_ours(self) -> bool:
        """Say whether the text speaks of the county: by its words or by its source."""
        return self.subject.own or self.sighting.is_own()

    def is_elsewhere(self) -> bool:
        """Say whether the text speaks of a neighbour only. A letter on a board of the own county is one to us, whomever it
        mentions, unless it begins with where it plays: 白石县王村租金未付.
        """
        if self.sighting.neighbour is None or self.sighting.is_own():
            return False
        is_letter = self.subject.own and BOARDS in self.subject.tags
        return not is_letter or _opens.fullmatch(self.plain, 0, self.sighting.neighbour_at) is not None

    def why_ours(self) -> str:
        """Say by what."""
        if self.sighting.places:
            return f"地点{'、'.join(place.name for place in self.sighting.places)}"
        return "提到本县" if self.sighting.county else "来源属本县"

    def spots(self) -> Spots:
        """Give where each word stands; looked up where a rule asks for it."""
        if self._spots is None:
            self._spots = self.vocabulary.spots(self.plain)
        return self._spots

    def has_band(self, band: Band) -> bool:
        """Say whether the text was scored so, and remember that it was asked."""
        self.bands.add(band)
        return self.subject.band is band

    def scored(self, band: Band) -> "View":
        """Give the same subject as if it had been scored so; what was asked for is forgotten."""
        subject = replace(self.subject, band=band)
        return View(subject, self.plain, self.found, self.sighting, self.vocabulary, _spots=self._spots)


_opens = re.compile(
    r"(?:关于|反映|投诉|举报|咨询|请问|求助|您好|你好|领导|我们?家?住?[是在]|本人[是在]|家住在?|[^\w])*"
)
"""What may stand before the place with which a letter begins."""


class Condition(Protocol):
    """One condition of a rule: whether it holds, and what people read of it where it does (may be empty)."""

    def holds(self, view: View) -> bool:
        """Say whether it holds."""

    def note(self, view: View) -> str:
        """Say what of it counted; asked only where it holds."""


@dataclass(frozen=True, slots=True)
class _Kinds:
    kinds: frozenset[Kind]

    def holds(self, view: View) -> bool:
        return view.subject.kind in self.kinds

    def note(self, view: View) -> str:
        return f"类型{_kind_names[view.subject.kind]}"


@dataclass(frozen=True, slots=True)
class _Tags:
    tags: tuple[str, ...]

    def holds(self, view: View) -> bool:
        return any(tag in view.subject.tags for tag in self.tags)

    def note(self, view: View) -> str:
        return f"来源标签{'、'.join(tag for tag in self.tags if tag in view.subject.tags)}"


@dataclass(frozen=True, slots=True)
class _NoTags:
    tags: tuple[str, ...]

    def holds(self, view: View) -> bool:
        return not any(tag in view.subject.tags for tag in self.tags)

    def note(self, view: View) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class _InCounty:
    def holds(self, view: View) -> bool:
        return view.is_ours()

    def note(self, view: View) -> str:
        return view.why_ours()


@dataclass(frozen=True, slots=True)
class _AtPlace:
    def holds(self, view: View) -> bool:
        return bool(view.sighting.places)

    def note(self, view: View) -> str:
        return view.why_ours()


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    def holds(self, view: View) -> bool:
        return view.is_elsewhere()

    def note(self, view: View) -> str:
        return f"说的是{view.sighting.neighbour}"


@dataclass(frozen=True, slots=True)
class _Counts:
    at_least: tuple[tuple[str, int], ...]

    def holds(self, view: View) -> bool:
        counts = view.subject.counts
        return all((getattr(counts, name) or 0) >= least for name, least in self.at_least)

    def note(self, view: View) -> str:
        counts = view.subject.counts
        return "、".join(f"{_count_names[name]}{getattr(counts, name)}" for name, _ in self.at_least)


@dataclass(frozen=True, slots=True)
class _Burst:
    burst: bool

    def holds(self, view: View) -> bool:
        return bool(view.subject.burst) is self.burst

    def note(self, view: View) -> str:
        return f"正在突增（{view.subject.burst}）" if self.burst else ""


@dataclass(frozen=True, slots=True)
class _Hours:
    start: int
    end: int  # the first hour that is no longer meant

    def holds(self, view: View) -> bool:
        hour = view.subject.hour
        if hour is None:
            return False
        if self.start < self.end:
            return self.start <= hour < self.end
        return hour >= self.start or hour < self.end

    def note(self, view: View) -> str:
        return f"在{self.start}点到{self.end}点之间"


@dataclass(frozen=True, slots=True)
class _Near:
    """A word of every group, no two of them with more than so many characters between them."""

    groups: tuple[frozenset[str], ...]
    distance: int

    def holds(self, view: View) -> bool:
        spots = view.spots()
        starts, ends = [], []
        for group in self.groups:
            # By their ends; with each the earliest start from there on, for that is the best partner of what ends there.
            found = sorted((end, start) for form in group & view.found for start, end in spots[form])
            ends.append([end for end, _ in found])
            starts.append(list(accumulate((start for _, start in reversed(found)), min))[::-1])
        return any(_reached(first, ends, starts, self.distance) for some in ends for first in some)

    def note(self, view: View) -> str:
        return f"这些词相隔不超过{self.distance}字"


def _reached(
    first: int, ends: Sequence[Sequence[int]], starts: Sequence[Sequence[int]], distance: int
) -> bool:
    """Say whether, where one word ends at `first`, every group has one that ends there or later and begins in reach."""
    for some, earliest in zip(ends, starts, strict=True):
        place = bisect_left(some, first)
        if place == len(some) or earliest[place] > first + distance:
            return False
    return True


@dataclass(frozen=True, slots=True)
class _Matches:
    expressions: Expressions

    def holds(self, view: View) -> bool:
        return self.expressions.find(view.plain) is not None

    def note(self, view: View) -> str:
        return f"文字「{self.expressions.find(view.plain)}」"


@dataclass(frozen=True, slots=True)
class _Sentiment:
    band: Band

    def holds(self, view: View) -> bool:
        return view.has_band(self.band)

    def note(self, view: View) -> str:
        return f"情绪{_band_names[self.band]}"


_wheres: Mapping[str, Condition] = {"county": _InCounty(), "place": _AtPlace(), "elsewhere": _Elsewhere()}


def conditions_of(entry: ConditionsEntry, groups: Sequence[frozenset[str]]) -> Iterator[Condition]:
    """Give what is not words, the cheap ones first. Sentiment last: it is asked for only if it still decides."""
    if entry.kinds:
        yield _Kinds(frozenset(map(Kind, entry.kinds)))
    if entry.tags:
        yield _Tags(tuple(entry.tags))
    if entry.not_tags:
        yield _NoTags(tuple(entry.not_tags))
    if entry.where:
        yield _wheres[entry.where]
    if entry.hours:
        yield _Hours(*hours_of(entry.hours))
    if entry.burst is not None:
        yield _Burst(entry.burst)
    if entry.counts:
        asked = entry.counts.model_dump(exclude_none=True)
        yield _Counts(tuple((name, least) for name, least in asked.items()))
    if entry.near is not None:
        yield _Near(tuple(groups), entry.near)
    if entry.regex:
        yield _Matches(Expressions(entry.regex))
    if entry.sentiment:
        yield _Sentiment(Band(entry.sentiment))

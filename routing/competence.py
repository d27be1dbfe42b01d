"""Which unit (责任单位) of a channel should have a matter, and why: by its words, its subject area, and what was chosen before.

Pure. Proposes only: whoever dispatches chooses, and what he chose is what the next proposal learns from.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

from routing.normal import normal
from routing.office import Channel

SCOPE = 3.0
"""What `office.toml` says of a unit counts as so many earlier matters. Project default, as the other figures here."""
SMOOTH = 0.5
LEAST_TIMES = 2
"""So often a unit must have had an area, or titles like this one, before that is a reason to propose it."""
AREA = 0.6
"""How much the subject area weighs, against one word of a scope: a machine said it, and it may be wrong."""
PAIRS = 2.0
"""How much the letters of a title weigh, against one word of a scope."""
ALIKE = 0.3
"""Titles that share so much of their pairs of letters (Dice) are alike; a common word by itself does not do it."""
WORDS_TOLD = 3


@dataclass(frozen=True, slots=True)
class Earlier:
    """A matter that a unit was given and did not return: its unit, subject area and title."""

    unit: str
    subject: str | None
    title: str


@dataclass(frozen=True, slots=True)
class Competent:
    """The units of a channel, the proposed one first, and why (Chinese); `why` is empty where nothing speaks for one."""

    units: tuple[str, ...]
    why: str = ""

    @property
    def unit(self) -> str:
        """Give the one that is proposed; without a reason that is the channel's own."""
        return self.units[0]


@dataclass(frozen=True, slots=True)
class _Told:
    """What speaks for one unit: words of its scope in the text, its area, and its earlier matters that are like this one."""

    unit: str
    score: float
    words: tuple[str, ...]
    named: bool
    same_area: int
    alike: int

    def is_any(self) -> bool:
        return bool(self.words) or self.named or max(self.same_area, self.alike) >= LEAST_TIMES


def competent(
    channel: Channel, title: str, text: str, subject: str | None, earlier: Sequence[Earlier]
) -> Competent:
    """Order the units of a channel by how likely each is given a matter of this title, text and area.

    Counts of earlier matters with smoothing (naive Bayes): a scope is so many earlier matters with all of its words
    and areas. `earlier` of units that the channel has no more say nothing.
    """
    known = [one for one in earlier if one.unit in channel.units()]
    matter = _Matter.of(channel, title, text, known)
    told = [_told(channel, unit, title, matter, subject, known) for unit in channel.units()]
    spoken = sorted((one for one in told if one.is_any()), key=lambda one: -one.score)
    rest = [one for one in told if not one.is_any()]
    units = tuple(one.unit for one in (*spoken, *rest))
    return Competent(units, _why(spoken[0], subject, known) if spoken else "")


@dataclass(frozen=True, slots=True)
class _Matter:
    """What of a text can speak for a unit: words that stand in a scope, pairs of letters that earlier titles had too."""

    words: tuple[str, ...]
    pairs: frozenset[str]

    @classmethod
    def of(cls, channel: Channel, title: str, text: str, known: Sequence[Earlier]) -> "_Matter":
        plain = normal(f"{title}\n{text}")
        words = dict.fromkeys(word for body in channel.bodies for word in body.words if normal(word) in plain)
        seen = Counter(pair for one in known for pair in _pairs(one.title))
        return cls(tuple(words), frozenset(pair for pair in _pairs(title) if seen[pair] >= LEAST_TIMES))


def _told(
    channel: Channel, unit: str, title: str, matter: _Matter, subject: str | None, known: Sequence[Earlier]
) -> _Told:
    body = next((body for body in channel.bodies if body.name == unit), None)
    scope, areas = (body.words, body.subjects) if body else ((), ())
    own = [one for one in known if one.unit == unit]
    pairs = _pairs(title)
    titles = [(normal(one.title), _pairs(one.title)) for one in own]
    whole = len(own) + SCOPE

    def share(times: float, *, scoped: bool = False) -> float:
        return log((times + SCOPE * scoped + SMOOTH) / (whole + 2 * SMOOTH))

    same_area = sum(one.subject == subject for one in own) if subject else 0
    score = log(whole) / 2
    if subject:
        score += AREA * share(same_area, scoped=subject in areas)
    for word in matter.words:
        score += share(sum(normal(word) in plain for plain, _ in titles), scoped=word in scope)
    counts = Counter(pair for _, other in titles for pair in other & matter.pairs)
    if matter.pairs:
        score += PAIRS * sum(share(counts[pair]) for pair in matter.pairs) / len(matter.pairs)
    alike = sum(_are_alike(pairs, other) for _, other in titles)
    met = tuple(word for word in matter.words if word in scope)
    return _Told(unit, score, met, subject in areas, same_area, alike)


def _why(best: _Told, subject: str | None, known: Sequence[Earlier]) -> str:
    why = []
    if best.words:
        why.append("提到" + "、".join(f"“{word}”" for word in best.words[:WORDS_TOLD]))
    if best.same_area >= LEAST_TIMES:
        times = sum(one.subject == subject for one in known)
        why.append(f"以往转办：{subject}类 {times} 件中 {best.same_area} 件")
    elif best.alike >= LEAST_TIMES:
        why.append(f"以往转办：标题相近的 {best.alike} 件")
    return "；".join(why) or f"领域为{subject}"


def _are_alike(one: frozenset[str], other: frozenset[str]) -> bool:
    both = len(one & other)
    return both > 0 and 2 * both >= ALIKE * (len(one) + len(other))


def _pairs(title: str) -> frozenset[str]:
    """Give the pairs of letters that stand side by side; without signs and digits, which tell of no subject."""
    plain = normal(title)
    return frozenset(a + b for a, b in pairwise(plain) if a.isalpha() and b.isalpha())

"""A matter as grouping sees it: the union of what its texts tell, and how rare each of that is among the live matters.

Memory is bounded: of a matter of thousands of texts the first and the last few are kept to compare letters with.
"""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import add
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from routing.common_letters import Pairs, common_pairs
from routing.letter_pairs import Codes
from routing.telling import Site, Telling, weights_of

_first_kept, _last_kept = 4, 8
_figures_kept = 400
# After so many texts what was heard counts half.
_halve_at = 40_000
# Places that a quarter as many texts lead with as lead with the first one are what the matter is about.
_main_share = 0.25

# Shared by the thousands of matters of one text that have none.
_nothing: Mapping[Any, Any] = MappingProxyType({})
_none: frozenset[str] = frozenset()

_Named = TypeVar("_Named")
_Number = TypeVar("_Number", int, float)


Numbers = NDArray[np.int32]
"""Pairs of letters by the numbers that `Rarity` gives them."""


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """The pairs of letters of one text, sorted, and how long they are together, weighed by rarity when the text came."""

    item_id: int
    codes: Codes
    length: float


class Profile:
    """One live matter. Comments only keep it awake: 同问 tells nothing.

    Most matters are of one text, and there may be fifty thousand: sets are shared with what their texts told.
    """

    __slots__ = (
        "_breadth", "_chief", "_kept", "_main", "area", "case_id", "days", "denied", "families", "figures", "last", "lead",
        "leading", "named", "names", "places", "size", "spots", "stir", "theirs", "towns",
    )  # fmt: skip

    def __init__(self, case_id: int) -> None:
        self.case_id = case_id
        self.size = 0
        self.stir = 0
        self.area: Sequence[float] = ()
        self.denied: frozenset[str] = frozenset()
        self.last: datetime | None = None
        self.lead: Mapping[Site, int] = _nothing
        self.places: Mapping[Site, int] = _nothing
        self.families: Mapping[str, float] = _nothing
        self.leading: Mapping[str, int] = _nothing
        self.named: Mapping[str, frozenset[str]] = _nothing
        self.spots: Mapping[str, str] = _nothing
        self.names: frozenset[str] = frozenset()
        self.towns: frozenset[str] = frozenset()
        self.figures: frozenset[str] = frozenset()
        self.days: frozenset[str] = frozenset()
        self.theirs = False
        self._main: frozenset[Site] | None = None
        self._chief: frozenset[str] | None = None
        self._breadth = 1.0
        self._kept: list[Kept] = []

    def add(
        self, item_id: int, telling: Telling, at: datetime, length: float, names: frozenset[str] = frozenset()
    ) -> None:
        """Take in one text. `length`: of its letters, as `Rarity` has it now; `names`: all places of the gazetteer that
        it names, towns and companies too.
        """
        if not self.size:
            self.theirs = telling.theirs
        self.size += 1
        self.touch(at)
        self._main = None
        self._chief = None
        self.area = array("f", map(add, self.area, telling.area)) if self.area else telling.area
        self._breadth = norm(self.area)
        if not telling.answers:
            self.denied = _joined(self.denied, telling.denied)
        self.lead = _counted(self.lead, _once(telling.lead))
        self.places = _counted(self.places, _once(telling.places))
        self.families = _counted(self.families, telling.families)
        self.leading = _counted(self.leading, _once(telling.leading))
        if telling.named:
            self.named = _united(self.named, telling.named)
        self.names = _joined(self.names, names)
        self.towns = _joined(self.towns, telling.towns)
        self.days = _joined(self.days, telling.days)
        if len(self.figures) < _figures_kept:
            self.figures = _joined(self.figures, telling.figures)
        if telling.spots and len(self.spots) < _figures_kept:
            self.spots = {**self.spots, **telling.spots}
        self._kept.append(Kept(item_id, telling.grams.codes, length))
        if len(self._kept) > _first_kept + _last_kept:
            del self._kept[_first_kept]

    def touch(self, at: datetime) -> None:
        """Note that the matter is awake: one text or comment more."""
        self.stir += 1
        self.last = at if self.last is None else max(self.last, at)

    def texts(self) -> Sequence[Kept]:
        """Give the texts that are kept, oldest first."""
        return self._kept

    def main(self) -> frozenset[Site]:
        """Give the places that the matter is about."""
        if self._main is None:
            top = max(self.lead.values(), default=0)
            self._main = frozenset(s for s, count in self.lead.items() if count >= _main_share * top)
        return self._main

    def breadth(self) -> float:
        """Give the length of its `area`."""
        return self._breadth

    def chief(self) -> frozenset[str]:
        """Give the families that at least half of its texts are about."""
        if self._chief is None:
            top = max(self.leading.values(), default=0)
            self._chief = frozenset(family for family, count in self.leading.items() if 2 * count >= top)
        return self._chief


class Rarity:
    """How rare pairs of letters are among ordinary texts and those heard, and places and families among the live matters.

    Pairs have numbers here: those of ordinary texts their place there, others the next that is free. Not safe to share
    between threads.
    """

    _numbered_at_once = 16_384
    _fewest_numbers = 300_000

    def __init__(self) -> None:
        common = common_pairs()
        self._texts = common.texts
        self._times = common.times.astype(np.int32)
        self._numbers: dict[int, int] = {}
        self._free: list[int] = []
        self._most_numbers = self._fewest_numbers
        self._matters = 0
        self._most = math.log(10)
        # How telling is what so many matters name, as long as their number stays.
        self._told: dict[int, float] = {}
        self._places: Counter[Site] = Counter()
        self._families: Counter[str] = Counter()
        self._mains: Counter[Site] = Counter()

    def numbered(self, pairs: Pairs) -> Numbers:
        """Give the number of each pair. It stays until it is freed."""
        numbers = pairs.common.copy()
        odd = np.flatnonzero(numbers < 0)
        if len(odd):
            numbers[odd] = list(map(self._number, pairs.codes[odd].tolist()))
        return numbers

    def _number(self, code: int) -> int:
        known = self._numbers.get(code)
        if known is not None:
            return known
        if not self._free:
            more = np.zeros(self._numbered_at_once, dtype=np.int32)
            first = len(self._times)
            self._free.extend(range(first + len(more) - 1, first - 1, -1))
            self._times = np.concatenate((self._times, more))
        number = self._numbers[code] = self._free.pop()
        return number

    def is_crowded(self) -> bool:
        """Say whether so many pairs have numbers that those no longer used should be freed."""
        return len(self._numbers) > self._most_numbers

    def free(self, used: Numbers) -> None:
        """Free the numbers of pairs that nobody heard of lately, but for those in use."""
        kept = self._times > 0
        kept[used] = True
        gone = [code for code, number in self._numbers.items() if not kept[number]]
        self._free.extend(self._numbers.pop(code) for code in gone)
        self._most_numbers = max(self._fewest_numbers, 2 * len(self._numbers))

    def hear(self, letters: Numbers) -> None:
        """Count the letters of a text, whether it becomes a matter or not."""
        self._texts += 1
        self._times[letters] += 1
        if self._texts >= _halve_at:
            self._texts //= 2
            self._times //= 2

    def enter(self, profile: Profile) -> None:
        """Count a matter; before it changes, `leave` with the same values."""
        self._count(profile, 1)

    def leave(self, profile: Profile) -> None:
        """Take a matter out again."""
        self._count(profile, -1)

    def _count(self, profile: Profile, step: int) -> None:
        if not profile.size:
            return
        self._matters += step
        self._most = math.log(self._matters + 10)
        self._told.clear()
        _step(self._places, profile.places, step)
        _step(self._families, profile.families, step)
        _step(self._mains, profile.main(), step)

    def of_pairs(self, pairs: Pairs, letters: Numbers) -> NDArray[np.int64]:
        """Say how much it tells that another text shares a pair of letters, for each of a text, in thousandths."""
        heard = 1_000 * math.log(self._texts + 30) - _logs()[self._times[letters]]
        return (weights_of(pairs.codes) * np.maximum(heard, 0.0)).astype(np.int64)

    def of_place(self, site: Site) -> float:
        """Say how telling a place is, about 1 for one that a single matter names."""
        return self._among(self._places.get(site, 0))

    def of_family(self, family: str) -> float:
        """Say how telling a family is, about 1 for one that a single matter is about."""
        return self._among(self._families.get(family, 0))

    def of_families(self, worths: Mapping[str, float]) -> dict[str, float]:
        """Weigh families by how telling each is."""
        told, matters = self._told, self._families
        weighed = {}
        for family, worth in worths.items():
            number = matters.get(family, 0)
            weighed[family] = worth * (told[number] if number in told else self._among(number))
        return weighed

    def is_only(self, site: Site) -> bool:
        """Say whether one live matter at most is about this place."""
        return self._mains[site] <= 1

    def _among(self, matters: int) -> float:
        told = self._told.get(matters)
        if told is None:
            told = self._told[matters] = min(max((self._most - math.log(matters + 1)) / 3, 0.0), 1.2)
        return told


@cache
def _logs() -> NDArray[np.float64]:
    """Give how much less a pair tells that was heard 0, 1, 2, ... times, in thousandths; no text counts it twice."""
    return np.array([1_000 * math.log(times + 0.6) for times in range(_halve_at)])


def _step(counter: Counter[_Named], names: Iterable[_Named], step: int) -> None:
    for name in names:
        counter[name] += step
        if not counter[name]:
            del counter[name]


def _counted(known: Mapping[_Named, _Number], more: Mapping[_Named, _Number]) -> Mapping[_Named, _Number]:
    if not known or not more:
        return known or more or _nothing
    counted = dict(known)
    for name, number in more.items():
        counted[name] = counted[name] + number if name in counted else number
    return counted


def _once(names: Iterable[_Named]) -> Mapping[_Named, int]:
    return dict.fromkeys(names, 1) or _nothing


def _joined(known: frozenset[str], more: frozenset[str]) -> frozenset[str]:
    """Join two sets without making one where either will do."""
    return known if more <= known else more if known <= more else known | more


def _united(
    known: Mapping[str, frozenset[str]], more: Mapping[str, frozenset[str]]
) -> Mapping[str, frozenset[str]]:
    if not known:
        return more
    return {unit: known.get(unit, _none) | more.get(unit, _none) for unit in known.keys() | more.keys()}


def norm(worths: Iterable[float]) -> float:
    """Give the length of a vector, 1 for an empty one."""
    return math.sqrt(math.fsum(value * value for value in worths)) or 1.0

"""A matter as grouping sees it: the union of what its texts tell, and how rare each of that is among the live matters.

Memory is bounded: of a matter of thousands of texts the first and the last few are kept to compare letters with.
"""

import math
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from routing.telling import Site, Telling, weight_of

_first_kept, _last_kept = 4, 8
_figures_kept = 400
# Places that a quarter as many texts lead with as lead with the first one are what the matter is about.
_main_share = 0.25


@dataclass(frozen=True, slots=True)
class Kept:
    """The letters of one text, and how long they are together, weighed by rarity when the text came."""

    item_id: int
    grams: frozenset[str]
    length: float


class Profile:
    """One live matter. Comments only keep it awake: 同问 tells nothing."""

    def __init__(self, case_id: int) -> None:
        self.case_id = case_id
        self.size = 0
        self.last: datetime | None = None
        self.lead: Counter[Site] = Counter()
        self.places: Counter[Site] = Counter()
        self.names: set[str] = set()
        self.towns: set[str] = set()
        self.families: Counter[str] = Counter()
        self.leading: Counter[str] = Counter()
        self.named: dict[str, set[str]] = {}
        self.figures: set[str] = set()
        self.days: set[str] = set()
        self.spots: dict[str, str] = {}
        self.theirs = False
        self._main: frozenset[Site] | None = None
        self._first: list[Kept] = []
        self._last: deque[Kept] = deque(maxlen=_last_kept)

    def add(
        self, item_id: int, telling: Telling, at: datetime, length: float, names: Iterable[str] = ()
    ) -> None:
        """Take in one text. `length`: of its letters, as `Rarity` has it now; `names`: all places of the gazetteer that
        it names, towns and companies too.
        """
        if not self.size:
            self.theirs = telling.theirs
        self.size += 1
        self.touch(at)
        self.names.update(names)
        self.lead.update(telling.lead)
        self._main = None
        self.places.update(telling.places)
        self.towns |= telling.towns
        for family, worth in telling.families.items():
            self.families[family] += int(worth)
        self.leading.update(telling.leading)
        for unit, values in telling.named.items():
            self.named.setdefault(unit, set()).update(values)
        if len(self.figures) < _figures_kept:
            self.figures |= telling.figures
        self.days |= telling.days
        if len(self.spots) < _figures_kept:
            self.spots |= telling.spots
        kept = Kept(item_id, telling.grams, length)
        (self._first if len(self._first) < _first_kept else self._last).append(kept)

    def touch(self, at: datetime) -> None:
        """Note that the matter is awake."""
        self.last = at if self.last is None else max(self.last, at)

    def texts(self) -> Iterable["Kept"]:
        """Give the texts that are kept, oldest first."""
        return chain(self._first, self._last)

    def main(self) -> frozenset[Site]:
        """Give the places that the matter is about."""
        if self._main is None:
            top = max(self.lead.values(), default=0)
            self._main = frozenset(s for s, count in self.lead.items() if count >= _main_share * top)
        return self._main

    def chief(self) -> frozenset[str]:
        """Give the families that at least half of its texts are about."""
        top = max(self.leading.values(), default=0)
        return frozenset(family for family, count in self.leading.items() if 2 * count >= top)


class Rarity:
    """How rare pairs of letters are among the texts heard, and places and families among the live matters."""

    _halve_at = 40_000

    def __init__(self) -> None:
        self._texts = 0
        self._grams: Counter[str] = Counter()
        self._matters = 0
        self._places: Counter[Site] = Counter()
        self._families: Counter[str] = Counter()
        self._mains: Counter[Site] = Counter()

    def hear(self, telling: Telling) -> None:
        """Count the letters of a text, whether it becomes a matter or not."""
        self._texts += 1
        self._grams.update(telling.grams)
        if self._texts >= self._halve_at:
            self._texts //= 2
            self._grams = Counter({gram: count // 2 for gram, count in self._grams.items() if count > 1})

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
        for counter, names in (
            (self._places, profile.places),
            (self._families, profile.families),
            (self._mains, profile.main()),
        ):
            for name in names:
                counter[name] += step  # type: ignore[index]
                if not counter[name]:  # type: ignore[index]
                    del counter[name]  # type: ignore[arg-type]

    def of_grams(self, telling: Telling) -> dict[str, float]:
        """Say how much it tells that another text shares a pair of letters, for each of this one."""
        heard, grams = math.log(self._texts + 30), self._grams
        return {
            gram: weight_of(gram) * max(0.0, heard - math.log(grams[gram] + 0.6)) for gram in telling.grams
        }

    def of_place(self, site: Site) -> float:
        """Say how telling a place is, about 1 for one that a single matter names."""
        return self._among(self._places[site])

    def of_family(self, family: str) -> float:
        """Say how telling a family is, about 1 for one that a single matter is about."""
        return self._among(self._families[family])

    def is_only(self, site: Site) -> bool:
        """Say whether one live matter at most is about this place."""
        return self._mains[site] <= 1

    def _among(self, matters: int) -> float:
        return min(1.2, max(0.0, math.log((self._matters + 10) / (matters + 1)) / 3))


def norm(worths: Mapping[str, float]) -> float:
    """Give the length of a vector, 1 for an empty one."""
    return math.sqrt(sum(value * value for value in worths.values())) or 1.0

"""Which live matters a text could belong to: by place, town, family and rare pairs of letters. Pure, in memory.

Lists are cut at the newest entries and the rest is ranked by a cheap estimate, so that the cost does not grow with the
number of matters.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from routing.profile import Rarity
from routing.telling import Telling

_per_key = {"place": 24, "town": 16, "family": 24, "spot": 16}
_per_gram = 8
_most_grams = 400_000
# Whole numbers, so that the order in which they are added up is no matter.
_worth = {"place": 3_000, "town": 700, "spot": 1_500, "family": 2_000}
_gram_share = 8
_weighed = 4
# Whatever has less than this share of the best estimate would not win.
_least_share = 0.3
# Of a large matter only the first texts bring letters into the index.
_texts_of_letters = 12
# A pair of letters in one of twenty texts and more finds everything.
_rare = 4_500

_Key = tuple[str, str]


class Candidates:
    """An inverted index from what texts tell to matters, the newest kept."""

    def __init__(self) -> None:
        self._cases: dict[_Key, dict[int, None]] = {}
        # Tuples of words and numbers: the collector of garbage need not look at them, and there are many.
        self._keys: dict[int, tuple[_Key, ...]] = {}
        self._with_gram: dict[str, tuple[int, ...]] = {}

    def add(self, case_id: int, telling: Telling, size: int) -> None:
        """File a matter under what one of its texts tells; `size`: how many texts it has now."""
        mine = self._keys.get(case_id, ())
        keys = tuple(_keys(telling))
        for key in keys:
            _file(self._cases, key, case_id, _per_key[key[0]])
        self._keys[case_id] = mine + tuple(key for key in keys if key not in mine)
        if size <= _texts_of_letters:
            held = self._with_gram
            for gram in telling.grams:
                cases = held.get(gram, ())
                if case_id not in cases:
                    held[gram] = (*cases[1 - _per_gram :], case_id)
        if len(self._with_gram) > _most_grams:
            self._sweep()

    def remove(self, case_id: int) -> None:
        """Take a matter out; nothing happens where it is not filed. Its letters go when they are looked up next."""
        for key in self._keys.pop(case_id, ()):
            _strike(self._cases, key, case_id)

    def find(self, telling: Telling, letters: Mapping[str, int], rarity: Rarity) -> list[int]:
        """Give the few matters worth weighing, likely ones first."""
        votes: dict[int, int] = defaultdict(int)
        for key in _keys(telling):
            worth = _worth[key[0]]
            if key[0] == "family":
                worth = int(worth * rarity.of_family(key[1]))
            for case in self._cases.get(key, ()):
                votes[case] += worth
        held = self._with_gram.get
        for gram, rare in letters.items():
            if rare >= _rare and (cases := held(gram)):
                worth = rare // _gram_share
                for case in cases:
                    votes[case] += worth
        alive = self._keys
        least = max((worth for case, worth in votes.items() if case in alive), default=0) * _least_share
        likely = sorted((-worth, case) for case, worth in votes.items() if worth >= least and case in alive)
        return [case for _, case in likely[:_weighed]]

    def _sweep(self) -> None:
        """Drop the letters of matters that are gone, and where that is not enough, all: new texts bring them anew."""
        alive = {
            gram: held
            for gram, cases in self._with_gram.items()
            if (held := tuple(c for c in cases if c in self._keys))
        }
        self._with_gram = alive if len(alive) <= _most_grams // 2 else {}


def _keys(telling: Telling) -> Iterable[_Key]:
    yield from (("place", site.name) for site in telling.places)
    yield from (("town", town) for town in telling.towns)
    yield from (("spot", spot) for spot in telling.spots)
    yield from (("family", family) for family in telling.families)


def _file(index: dict[_Key, dict[int, None]], key: _Key, case_id: int, most: int) -> None:
    """Put a matter last under a key; the one that was longest under it goes when there are too many."""
    cases = index.setdefault(key, {})
    cases.pop(case_id, None)
    cases[case_id] = None
    if len(cases) > most:
        del cases[next(iter(cases))]


def _strike(index: dict[_Key, dict[int, None]], key: _Key, case_id: int) -> None:
    cases = index.get(key)
    if cases is not None:
        cases.pop(case_id, None)
        if not cases:
            del index[key]

"""How surely a text belongs to a matter: signs for and against, weighed, and the reasons in words. Pure.

The weights are log-odds, fitted as a choice: among the matters that a text could join and one of its own, which was right
on six labelled weeks, a wrong join costing 3.3 times a missed one; a few were moved by hand since. Figures:
docs/decisions/0016-grouping.md.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from operator import mul, sub

import numpy as np
from numpy.typing import NDArray

from routing.letter_pairs import Codes, every_pair
from routing.profile import Numbers, Profile, Rarity, norm
from routing.telling import PART, Site, Telling, families

AWAKE = timedelta(days=7)
"""After so long a silence a matter is not reopened by itself."""
JOIN, SUGGEST = 0.6, 0.25
"""From which certainty a text joins, and from which it is offered to people."""

# At this log-odds the certainty is `JOIN`.
_even = math.log(JOIN / (1 - JOIN))
_bias = -4.3
_weights = {
    "same place": 2.0,  # what the text is about is what the matter is about
    "same place, one business": 1.0,
    "same place, a school or hospital": 0.5,
    "rare place": 0.1,
    "place in passing": 0.5,  # one side names the other's place, but is about another
    "other place, first": -2.8,
    "other place, later": -0.2,
    "same town": 0.4,
    "other town": -1.3,
    "other spot": -1.5,  # by hand: names that no gazetteer has are often none
    "text names no place": -0.5,
    "matter names no place": -1.2,
    "families alike": 2.6,
    "thinly alike": 2.2,  # by hints alone
    "same leading family": 1.5,
    "text is about more": -1.7,
    "matter is about more": -0.6,
    "no family in common": -1.4,
    "one without family": 0.8,
    "local without place": -1.4,  # by hand: 停水 at no place is said of every place
    "local, text names no place": -0.8,  # by hand: whose water is cut, it does not say
    "subject alike": 1.5,
    "subject alike, same place": -1.5,
    "rare letters": 0.5,
    "odd letters": 0.8,  # those that ordinary texts hardly have
    "letters alike": 1.5,
    "same odd figure": 1.4,
    "same number in a name": 1.1,
    "silence": 0.4,
    "fresh": 1.7,
    "stir, same family": -0.6,
    "follows up": 0.8,
    "answers": 0.8,
}
# In thousandths; above it hardly any ordinary text has the pair.
_odd = 5_200
_fresh_hours = 3
# A name so near the beginning is where the text plays.
_at_once = 6
# What happens at a works or a market is mostly one thing at a time; on a road or in an estate anything may.
_one_business = frozenset({"企业", "市场", "景区", "园区", "公园", "河流"})
_some_businesses = frozenset({"学校", "医院"})
_wide = frozenset({"县", "镇"})
_reopened_after = timedelta(hours=48)
_shared_twice = re.compile(rb"\x01{2,}")


@dataclass(frozen=True, slots=True, eq=False)
class Affinity:
    """The weighed signs of one pair: log-odds less those of `JOIN`, and the text that is most alike: how much, and its
    pairs of letters.
    """

    odds: float
    item_id: int
    alike: float
    codes: Codes

    @property
    def certainty(self) -> float:
        """In [0, 1]; `JOIN` where the odds are 0."""
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, self.odds + _even))))


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A new text as it is held against one matter after another: what need be worked out but once.

    `letters`: its pairs of letters by number, `worth`: the rarity of each in thousandths; `length` of them all.
    `families`: worth by rarity too.
    """

    told: Telling
    letters: Numbers
    worth: NDArray[np.int64]
    length: float
    families: Mapping[str, float]
    breadth: float

    @classmethod
    def of(cls, told: Telling, rarity: Rarity) -> "Asked":
        """Weigh a text by what is rare now."""
        letters = rarity.numbered(told.grams)
        worth = rarity.of_pairs(told.grams, letters)
        length = math.sqrt(int(worth @ worth)) or 1.0
        families = rarity.of_families(told.families)
        return cls(told, letters, worth, length, families, norm(families.values()))


@dataclass(frozen=True, slots=True, eq=False)
class _Nearest:
    """The kept text of the matter that is most alike by letters: how much, what they share of odd ones, its pairs; and the
    most that any text shares of rare ones.
    """

    item_id: int
    alike: float
    odd: int
    codes: Codes
    telling: int


def weigh(asked: Asked, matters: Sequence[Profile], at: datetime, rarity: Rarity) -> list[Affinity]:
    """Weigh one text against matters that nothing forbids it to join, each for itself."""
    return [
        Affinity(_odds(_signs(asked, matter, at, rarity, near)), near.item_id, near.alike, near.codes)
        for matter, near in zip(matters, _nearest(asked, matters), strict=True)
    ]


def signs(asked: Asked, matter: Profile, at: datetime, rarity: Rarity) -> Mapping[str, float]:
    """Give the signs by name, those that speak: for the bench and for people who tune."""
    found = _signs(asked, matter, at, rarity, _nearest(asked, [matter])[0])
    return {sign: value for sign, value in found.items() if value}


def _odds(found: Mapping[str, float]) -> float:
    return round(_bias + math.fsum(_weights[sign] * value for sign, value in found.items()), 6)


def _signs(
    asked: Asked, matter: Profile, at: datetime, rarity: Rarity, nearest: _Nearest
) -> dict[str, float]:
    new = asked.told
    silent = _hours_of_silence(matter, at)
    alike = _subject_alike(new, matter)
    found = _place_signs(new, matter, rarity)
    found |= _family_signs(asked, matter, rarity)
    found |= {
        "subject alike": alike,
        "subject alike, same place": alike * found["same place"],
        "rare letters": math.log1p(nearest.telling / 1_000),
        "odd letters": math.log1p(nearest.odd / 1_000),
        "letters alike": nearest.alike,
        "same odd figure": min(2.0, len(new.figures & matter.figures)),
        "same number in a name": float(
            any(
                not values.isdisjoint(matter.named.get(unit, ()))
                for unit, values in new.named.items()
                if unit != PART
            )
        ),
        "silence": math.log1p(silent / 12),
        "fresh": 1 / (1 + silent / _fresh_hours),
        "stir, same family": math.log(matter.stir) * found["same leading family"],
        "follows up": float(new.follows),
        "answers": float(new.answers),
    }
    return found


def _place_signs(new: Telling, matter: Profile, rarity: Rarity) -> dict[str, float]:
    main = matter.main()
    both = new.lead & main
    apart = bool(new.lead and main and not both)
    passing = apart and bool(new.lead & matter.places.keys() or main & new.places)
    town = bool(new.towns & matter.towns)
    return {
        "same place": float(bool(both)),
        "same place, one business": float(any(site.sort in _one_business for site in both)),
        "same place, a school or hospital": float(any(site.sort in _some_businesses for site in both)),
        "rare place": _most(rarity.of_place(site) for site in both) if both else 0.0,
        "place in passing": float(passing),
        "other place, first": float(apart and not passing and new.titled),
        "other place, later": float(apart and not passing and not new.titled),
        "same town": float(town and not both and not apart),
        "other town": float(bool(new.towns) and bool(matter.towns) and not town),
        "other spot": float(_other_spot(new, matter)),
        "text names no place": float(not new.places and not new.towns and bool(main)),
        "matter names no place": float(bool(new.places) and not matter.places),
    }


def _other_spot(new: Telling, matter: Profile) -> bool:
    """Say whether a text without a listed place begins with an unlisted one that the matter does not name."""
    if new.places or not new.spots or not (matter.spots or matter.places):
        return False
    return new.spots.keys().isdisjoint(matter.spots) and any(
        sort not in _wide and 0 <= new.said.find(spot) < _at_once for spot, sort in new.spots.items()
    )


def _family_signs(asked: Asked, matter: Profile, rarity: Rarity) -> dict[str, float]:
    new, known = asked.told, matter.families
    shared = new.families.keys() & known.keys()
    if not shared:
        both = bool(new.families) and bool(known)
        return {
            "local without place": 0.0,
            "local, text names no place": 0.0,
            "same leading family": 0.0,
            "no family in common": min(1.0, max(new.families.values())) if both else 0.0,
            "one without family": float(not both),
        }
    theirs = rarity.of_families(known)
    alike = math.fsum(asked.families[family] * theirs[family] for family in shared)
    alike /= asked.breadth * norm(theirs.values())
    sure = min(1.0, max(new.families[f] for f in shared)) * min(1.0, max(known[f] for f in shared))
    unplaced = not (new.places or new.towns)
    nowhere = not (matter.places or matter.towns)
    chief = new.leading & known.keys()
    return {
        "local without place": float(unplaced and nowhere and shared <= families("local")),
        "local, text names no place": float(
            unplaced and not nowhere and bool(chief) and chief <= families("local")
        ),
        "families alike": alike * sure,
        "thinly alike": alike * (1 - sure),
        "same leading family": _most(
            rarity.of_family(family)
            * min(1.0, new.families[family])
            * math.sqrt(matter.leading[family] / matter.size)
            for family in new.leading & matter.leading.keys()
        ),
        "text is about more": _rest({family: asked.families[family] for family in new.leading}, known),
        "matter is about more": _rest(
            rarity.of_families({family: matter.leading[family] for family in matter.chief()}),
            new.families,
        ),
    }


def _subject_alike(new: Telling, matter: Profile) -> float:
    return math.fsum(map(mul, new.area, matter.area)) / matter.breadth()


def _nearest(asked: Asked, matters: Sequence[Profile]) -> list[_Nearest]:
    """Look through the kept texts of all matters at once: a dozen calls of numpy, however many there are."""
    kept = [text for matter in matters for text in matter.texts()]
    if not kept:
        return []
    worths = _shared(asked, np.concatenate([text.codes for text in kept]))
    ends = [0, *accumulate(len(text.codes) for text in kept)]
    sums = np.zeros((2, len(worths) + 1), dtype=np.int64)
    np.cumsum(worths, out=sums[0, 1:])
    np.cumsum(worths * worths, out=sums[1, 1:])
    telling, squares = (list(map(sub, sum_[1:], sum_)) for sum_ in sums[:, ends].tolist())
    found, start = [], 0
    for matter in matters:
        end = start + len(matter.texts())
        # That which shares most in proportion, of equals the oldest; compared as it is told, for a root may make equal.
        alike, _, best = max(
            (math.sqrt(squares[place] / (asked.length * kept[place].length)), -kept[place].item_id, place)
            for place in range(start, end)
        )
        odd = sum(worth - _odd for worth in worths[ends[best] : ends[best + 1]].tolist() if worth > _odd)
        text = kept[best]
        found.append(_Nearest(text.item_id, alike, odd, text.codes, max(telling[start:end])))
        start = end
    return found


def _shared(asked: Asked, codes: Codes) -> NDArray[np.int64]:
    """Give what each pair is worth where the text has it, else 0."""
    mine = asked.told.grams.codes
    if not len(mine):
        return np.zeros(len(codes), dtype=np.int64)
    at = mine.searchsorted(codes)
    worths: NDArray[np.int64] = asked.worth.take(at, mode="clip") * (mine.take(at, mode="clip") == codes)
    return worths


def _among(known: Codes, codes: Codes) -> NDArray[np.bool_]:
    """Say of each whether it is among those known, which are sorted."""
    if not len(known):
        return np.zeros(len(codes), dtype=bool)
    are_known: NDArray[np.bool_] = known.take(known.searchsorted(codes), mode="clip") == codes
    return are_known


def _rest(worths: Mapping[str, float], known: Mapping[str, object]) -> float:
    whole = math.fsum(worths.values())
    return math.fsum(worth for name, worth in worths.items() if name not in known) / whole if whole else 0.0


def _most(values: Iterable[float]) -> float:
    return max(values, default=0.0)


def _hours_of_silence(matter: Profile, at: datetime) -> float:
    assert matter.last is not None
    return max(0.0, (at - matter.last) / timedelta(hours=1))


# --- reasons --------------------------------------------------------------------------------------------------


def reasons(new: Telling, matter: Profile, at: datetime, found: Affinity) -> str:
    """Say in Chinese what speaks for it."""
    shared = sorted(new.leading & matter.families.keys()) or sorted(
        new.families.keys() & matter.families.keys()
    )
    places = _names(new.lead & matter.main()) or _names(new.places & matter.places.keys())
    towns = sorted(new.towns & matter.towns)
    spots = sorted(new.spots.keys() & matter.spots.keys())
    figures = sorted(new.figures & matter.figures, key=lambda figure: (-len(figure), figure))
    words = _runs(new.said, found.codes[_among(new.grams.codes, found.codes)])
    parts = [
        f"同一地点（{'、'.join(places[:2])}）" if places else "",
        f"同一乡镇（{'、'.join(towns[:2])}）" if towns and not places else "",
        f"同一处所（{'、'.join(spots[:2])}）" if spots and not places else "",
        f"同一事由（{'、'.join(shared[:2])}）" if shared else "",
        f"相同的数字（{'、'.join(figures[:2])}）" if figures else "",
        f"共有的字词（{'、'.join(words)}）" if words else "",
    ]
    silent = timedelta(hours=_hours_of_silence(matter, at))
    if silent > _reopened_after:
        parts.append(f"沉寂 {silent.days} 天后又有新情况")
    if new.answers:
        parts.append("内容是通报或答复")
    return "，".join(part for part in parts if part) or "措辞相近"


def _names(sites: Iterable[Site]) -> list[str]:
    return sorted(site.name for site in sites)


def _runs(text: str, shared: Codes) -> list[str]:
    """Give the two longest stretches of three letters and more that both texts have."""
    is_shared = _among(shared, every_pair(text)).tobytes()
    runs = {text[found.start() : found.end() + 1] for found in _shared_twice.finditer(is_shared)}
    found = sorted(runs, key=lambda run: (-len(run), run))
    return [run[:12] for run in found[:2]]

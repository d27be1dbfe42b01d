"""How surely a text belongs to a matter: signs for and against, weighed, and the reasons in words. Pure.

The weights are log-odds. They were fitted by logistic regression on the pairs of text and matter of one labelled week, once
with all families of words and three times with two in five of them taken away at random (so that the rest carries on
where a writer uses other words), and rounded by hand. docs/decisions/0016-grouping.md has the figures.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from routing.profile import Profile, Rarity, norm
from routing.telling import Site, Telling, families

AWAKE = timedelta(days=7)
"""After so long a silence a matter is not reopened by itself."""
JOIN, SUGGEST = 0.6, 0.3
"""From which certainty a text joins, and from which it is offered to people."""

# At this log-odds the certainty is `JOIN`.
_even = math.log(JOIN / (1 - JOIN))
_bias = -4.9
_weights = {
    "same place": 1.8,  # what the text is about is what the matter is about
    "rare place": 0.8,
    "only matter here": 1.6,
    "place in passing": -0.6,  # one side names the other's place, but is about another
    "other place, first": -2.2,
    "other place, later": -0.8,
    "same town": 1.3,
    "other town": -1.0,
    "text names no place": -0.7,
    "matter names no place": -1.1,
    "families alike": 3.0,
    "same leading family": 2.4,
    "text is about more": -1.2,
    "matter is about more": -0.8,
    "no family in common": -1.8,
    "an event on one side": -1.2,
    "one without family": 0.8,
    "local without place": -1.4,
    "rare letters": 0.9,
    "letters alike": 2.0,
    "letters alike, no place": 1.3,
    "same odd figure": 0.8,
    "same number in a name": 2.3,
    "silence": -0.5,
}
_reopened_after = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Affinity:
    """The weighed signs of one pair: log-odds less those of `JOIN`, and the text that is most alike: how much, in what."""

    odds: float
    item_id: int
    alike: float
    shared: frozenset[str]

    @property
    def certainty(self) -> float:
        """In [0, 1]; `JOIN` where the odds are 0."""
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, self.odds + _even))))


@dataclass(frozen=True, slots=True)
class Letters:
    """The pairs of letters of a new text, each with its rarity, and the length of them all."""

    worth: Mapping[str, float]
    length: float

    @classmethod
    def of(cls, new: Telling, rarity: Rarity) -> "Letters":
        worth = rarity.of_grams(new)
        return cls(worth, norm(worth))


@dataclass(frozen=True, slots=True)
class _Nearest:
    """The kept text of the matter that is most alike by letters, and the most that any shares of rare ones."""

    item_id: int
    telling: float
    alike: float
    shared: frozenset[str]


def weigh(new: Telling, letters: Letters, matter: Profile, at: datetime, rarity: Rarity) -> Affinity:
    """Weigh one text against one matter that nothing forbids it to join."""
    nearest = _nearest(new, letters, matter)
    found = _signs(new, matter, at, rarity, nearest)
    odds = _bias + sum(_weights[sign] * value for sign, value in found.items())
    return Affinity(round(odds, 6), nearest.item_id, nearest.alike, nearest.shared)


def signs(new: Telling, matter: Profile, at: datetime, rarity: Rarity) -> Mapping[str, float]:
    """Give the signs by name, those that speak: for the bench and for people who tune."""
    found = _signs(new, matter, at, rarity, _nearest(new, Letters.of(new, rarity), matter))
    return {sign: value for sign, value in found.items() if value}


def _signs(
    new: Telling, matter: Profile, at: datetime, rarity: Rarity, nearest: _Nearest
) -> dict[str, float]:
    placed = _place_signs(new, matter, rarity)
    topical = _family_signs(new, matter, rarity)
    together = bool(placed["same place"] or placed["same town"])
    shared = new.families.keys() & matter.families.keys()
    return {
        **placed,
        **topical,
        "local without place": float(bool(shared) and shared <= families("local") and not together),
        "rare letters": math.log1p(nearest.telling),
        "letters alike": nearest.alike,
        "letters alike, no place": nearest.alike * placed["text names no place"],
        "same odd figure": min(2.0, len(new.figures & matter.figures)),
        "same number in a name": float(
            any(not v.isdisjoint(matter.named.get(u, ())) for u, v in new.named.items())
        ),
        "silence": math.log1p(_hours_of_silence(matter, at) / 12),
    }


def _place_signs(new: Telling, matter: Profile, rarity: Rarity) -> dict[str, float]:
    main = matter.main()
    both = new.lead & main
    apart = bool(new.lead and main and not both)
    passing = bool(new.lead & matter.places.keys() or main & new.places)
    town = bool(new.towns & matter.towns)
    return {
        "same place": float(bool(both)),
        "rare place": _most(rarity.of_place(site) for site in both),
        "only matter here": float(bool(both) and all(rarity.is_only(site) for site in both)),
        "place in passing": float(apart and passing),
        "other place, first": float(apart and not passing and new.titled),
        "other place, later": float(apart and not passing and not new.titled),
        "same town": float(town and not both and not apart),
        "other town": float(bool(new.towns) and bool(matter.towns) and not town),
        "text names no place": float(not new.places and not new.towns and bool(main)),
        "matter names no place": float(bool(new.places) and not matter.places),
    }


def _family_signs(new: Telling, matter: Profile, rarity: Rarity) -> dict[str, float]:
    shared = new.families.keys() & matter.families.keys()
    mine = {family: worth * rarity.of_family(family) for family, worth in new.families.items()}
    theirs = {family: worth * rarity.of_family(family) for family, worth in matter.families.items()}
    alike = sum(mine[family] * theirs[family] for family in shared) / (norm(mine) * norm(theirs))
    chief = matter.chief()
    events = families("event")
    both = bool(new.families) and bool(matter.families)
    return {
        "families alike": alike,
        "same leading family": _most(
            rarity.of_family(family) * math.sqrt(matter.leading[family] / matter.size)
            for family in new.leading & matter.leading.keys()
        ),
        "text is about more": _rest({f: mine[f] for f in new.leading}, matter.families) if shared else 0.0,
        "matter is about more": _rest(
            {f: matter.leading[f] * rarity.of_family(f) for f in chief}, new.families
        )
        if shared
        else 0.0,
        "no family in common": float(both and not shared),
        "an event on one side": float(
            both
            and bool(
                (new.leading & events) - matter.families.keys() or (chief & events) - new.families.keys()
            )
        ),
        "one without family": float(not both),
    }


def _nearest(new: Telling, letters: Letters, matter: Profile) -> _Nearest:
    best: _Nearest | None = None
    most = 0.0
    for kept in matter.texts():
        shared = new.grams & kept.grams
        worths = [letters.worth[gram] for gram in shared]
        telling = math.fsum(worths)
        alike = math.sqrt(math.fsum(worth * worth for worth in worths) / (letters.length * kept.length))
        most = max(most, telling)
        if best is None or (alike, -kept.item_id) > (best.alike, -best.item_id):
            best = _Nearest(kept.item_id, telling, alike, shared)
    assert best is not None  # a profile has one text at least
    return replace(best, telling=most)


def _rest(worths: Mapping[str, float], known: Mapping[str, object]) -> float:
    whole = sum(worths.values())
    return sum(worth for name, worth in worths.items() if name not in known) / whole if whole else 0.0


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
    words = _runs(new.said, found.shared)
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


def _runs(text: str, shared: frozenset[str]) -> list[str]:
    """Give the two longest stretches of three letters and more that both texts have."""
    runs: list[str] = []
    run = ""
    for first, second in pairwise(text):
        if first + second in shared:
            run = run + second if run else first + second
        else:
            runs.append(run)
            run = ""
    found = sorted({run for run in (*runs, run) if len(run) > 2}, key=lambda run: (-len(run), run))
    return [run[:12] for run in found[:2]]

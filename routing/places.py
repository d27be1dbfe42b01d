"""The gazetteer: which places of the own county (本县) a text names. Names and aliases only, no coordinates.

Many names exist elsewhere too (解放路, 新华小学, 东风水库). Such a homonym counts only together with the county's
name, with a place that exists only here, or in a source of the own county that speaks of no neighbour. Pure.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ahocorasick_rs import MatchKind

from routing.normal import normal
from routing.vocabulary import automaton

_county_endings = ("自治县", "自治旗", "县", "市", "区", "旗")
# What may stand between a neighbour's name and the place that is therefore theirs: 邻县县城的解放路.
_belongs = re.compile(r"[县市区旗城的老新]{0,4}")


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the own county; `elsewhere` True: other counties have a place of this name too."""

    name: str
    aliases: tuple[str, ...] = ()
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where a text plays: own places in order of the text, whether it names the county, which neighbour."""

    places: tuple[Place, ...] = ()
    county: bool = False
    neighbour: str | None = None

    def is_own(self) -> bool:
        """Say whether the text itself names the county or a place of it."""
        return self.county or bool(self.places)


class Gazetteer:
    """The places of one county, compiled once; safe to share between threads."""

    def __init__(self, places: Sequence[Place], county: str = "", neighbours: Iterable[str] = ()) -> None:
        self.places = tuple(places)
        meaning_of: dict[str, Place | str | None] = {}
        for name in neighbours:
            meaning_of |= dict.fromkeys(_spellings(name), name)
        for place in places:
            meaning_of |= {normal(name): place for name in (place.name, *place.aliases)}
        # Last: who lists the county among its places must not make it a place that two matters share.
        meaning_of |= dict.fromkeys(_spellings(county), None)
        meaning_of.pop("", None)
        self._names = tuple(meaning_of)
        self._meanings = tuple(meaning_of.values())
        self._automaton = automaton(self._names, MatchKind.LeftmostLongest)

    def find(self, text: str, *, own: bool = False) -> tuple[Place, ...]:
        """Give the own places that the text names; `own`: it stands in a source of the own county."""
        return self.survey(text, own=own).places

    def survey(self, text: str, *, own: bool = False) -> Sighting:
        """Look where a text plays. At each spot the longest name wins, so 东风水库 is not also 水库."""
        return self.survey_plain(normal(text), own=own)

    def survey_plain(self, plain: str, *, own: bool = False) -> Sighting:
        """Do the same with a text that is in normal form already."""
        spots = self._automaton.find_matches_as_indexes(plain)
        return self._sighting(plain, spots, own) if spots else _nothing

    def _sighting(self, plain: str, spots: Sequence[tuple[int, int, int]], own: bool) -> Sighting:
        named: dict[Place, None] = {}
        county, neighbour, theirs_until = False, None, -1
        for number, start, end in spots:
            meaning = self._meanings[number]
            if meaning is None:
                county = True
            elif isinstance(meaning, str):
                neighbour = neighbour or meaning
                theirs_until = _end_of_belonging(plain, end)
            elif not meaning.elsewhere or start > theirs_until:
                named[meaning] = None
        sure = county or any(not place.elsewhere for place in named) or (own and neighbour is None)
        return Sighting(tuple(p for p in named if sure or not p.elsewhere), county, neighbour)


_nothing = Sighting()


def _spellings(county: str) -> set[str]:
    """Give a county's name with and without its ending, where two characters at least remain."""
    full = normal(county)
    short = next((full.removesuffix(end) for end in _county_endings if full.endswith(end)), full)
    return {full, short} if len(short) >= 2 else {full}


def _end_of_belonging(text: str, start: int) -> int:
    match = _belongs.match(text, start)
    return match.end() if match else start

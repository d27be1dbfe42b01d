"""The gazetteer: which places of the own county (本县) a text names. Names and aliases only, no coordinates.

Many names exist elsewhere too (解放路, 新华小学, 东风水库). Such a homonym counts only together with the county's name,
with a name that exists only here, or in a source of the own county that speaks of no neighbour. Words of every day
(大桥, 一中, 老街) count as well where no neighbour is spoken of, but prove nothing for a homonym. Pure.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from ahocorasick_rs import MatchKind

from routing.normal import normal
from routing.vocabulary import automaton

_county_endings = ("自治县", "自治旗", "县", "市", "区", "旗")
# What may stand between a neighbour's name and the place that is therefore theirs: 邻县县城的解放路.
_belongs = re.compile(r"[县市区旗城的老新]{0,4}")
# Names made of these alone are words of every day wherever they are said: 大桥, 县医院, 第一中学, 政务服务中心, 老街.
_everyday = re.compile(
    "[老新](?:城|城区|街)|城里|城区|县城|[东西南北]站|"
    "(?:县|市|区|镇|乡|村|本|第|[一二三四五六七八九十]|[东西南北中新老旧大小]|城乡|人民|中心|实验|职业|便民|政务|行政|公共|高铁|火车|汽车|客运|"
    "自来水|热力|供热|供水|供电|燃气|公交|出租|物业|环卫|石料|石子|饲料|化工|造纸|水泥|湿地|森林|体育|文化|农贸|批发|工业|产业|服务)*"
    "(?:大桥|广场|公园|水库|车站|高铁站|园区|产业园|开发区|社区|小区|家属院|医院|中医院|卫生院|妇幼|妇幼保健院|学校|小学|中学|初中|高中|职专|职校|中专|"
    "幼儿园|[一二三四五]中|公司|厂|水厂|电厂|市场|菜市场|商场|超市|大厅|服务中心|便民中心|政府|法院|派出所|图书馆|体育馆|文化馆|公厕|粮库|水司|景区)"
)


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the own county; `elsewhere` True: other counties have a place of this name too.

    `town` is the name of the street office, town or township that it lies in, where that is known; `loose` are
    those of its names that mean something elsewhere too, where the others do not. `kind` as people write it (学校, 小区,
    企业), empty where its name says enough.
    """

    name: str
    aliases: tuple[str, ...] = ()
    elsewhere: bool = False
    town: str | None = None
    loose: tuple[str, ...] = ()
    kind: str = ""


def is_everyday(name: str) -> bool:
    """Say whether a name is made of words that every county has: 县医院, 大桥, 老街."""
    return _everyday.fullmatch(normal(name)) is not None


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where a text plays: own places in order of the text, whether it names the county, which neighbour, and where in
    its normal form that stands first.
    """

    places: tuple[Place, ...] = ()
    county: bool = False
    neighbour: str | None = None
    neighbour_at: int = -1

    def is_own(self) -> bool:
        """Say whether the text itself names the county or a place of it."""
        return self.county or bool(self.places)


class Gazetteer:
    """The places of one county, compiled once; safe to share between threads.

    `spellings` gives further names of the county and of neighbours by their names. A name that two places claim
    means the first. `version` names the content.
    """

    def __init__(
        self,
        places: Sequence[Place],
        county: str = "",
        neighbours: Iterable[str] = (),
        spellings: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self.places = tuple(places)
        self.county = county
        self.neighbours = tuple(neighbours)
        self._towns = {place.name: place.town for place in places}
        # The county first: who lists it among its places must not make it a place that two matters share.
        names: dict[str, _Name] = dict.fromkeys(_spellings(county, spellings), _Name())
        for place in places:
            for name in (place.name, *place.aliases):
                names.setdefault(normal(name), _Name(place, proof=_proof(place, name)))
        for neighbour in self.neighbours:
            for name in _spellings(neighbour, spellings):
                names.setdefault(name, _Name(neighbour=neighbour))
        names.pop("", None)
        said = repr((self.places, county, sorted(names)))
        self.version = hashlib.sha256(said.encode()).hexdigest()[:12]
        self._names = tuple(names.values())
        self._automaton = automaton(tuple(names), MatchKind.LeftmostLongest)

    def town_of(self, place: str) -> str | None:
        """Give the town that a place lies in, both by name; None where it is unknown or a town itself."""
        return self._towns.get(place)

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
        named: dict[Place, _Proof] = {}
        county, neighbour, neighbour_at, theirs_until = False, None, -1, -1
        for number, start, end in spots:
            name = self._names[number]
            if name.neighbour is not None:
                if neighbour is None:
                    neighbour, neighbour_at = name.neighbour, start
                theirs_until = _end_of_belonging(plain, end)
            elif name.place is None:
                county = True
            elif name.proof is _Proof.SURE or start > theirs_until:
                named[name.place] = max(name.proof, named.get(name.place, _Proof.NONE))
        sure = county or _Proof.SURE in named.values() or (own and neighbour is None)
        needed = _Proof.NONE if sure else _Proof.SURE if neighbour else _Proof.EVERYDAY
        places = tuple(place for place in named if named[place] >= needed)
        return Sighting(places, county, neighbour, neighbour_at)


class _Proof(IntEnum):
    """How well a name proves that the own place is meant."""

    NONE = 0  # there are others of this name
    EVERYDAY = 1
    SURE = 2


@dataclass(frozen=True, slots=True)
class _Name:
    """What a name means: a place, a neighbour, or else the county."""

    place: Place | None = None
    neighbour: str | None = None
    proof: _Proof = _Proof.SURE


def _proof(place: Place, name: str) -> _Proof:
    if place.elsewhere or name in place.loose:
        return _Proof.NONE
    return _Proof.EVERYDAY if is_everyday(name) else _Proof.SURE


_nothing = Sighting()


def _spellings(county: str, others: Mapping[str, Sequence[str]]) -> list[str]:
    """Give a county's names with and without its ending, where two characters at least remain; none for none."""
    full = normal(county)
    short = next((full.removesuffix(end) for end in _county_endings if full.endswith(end)), full)
    names = [full, short] if len(short) >= 2 else [full]
    return names + [normal(name) for name in others.get(county, ())]


def _end_of_belonging(text: str, start: int) -> int:
    match = _belongs.match(text, start)
    return match.end() if match else start

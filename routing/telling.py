"""What a text tells that another text of its matter would share: families of words, places, spots, figures, letters.

Pure. Knows no dictionary and no grammar; the table of families is `families.toml`.
"""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import ahocorasick_rs
import numpy as np
from numpy.typing import NDArray

from routing.common_letters import Pairs, pairs, subject_shares
from routing.letter_pairs import Codes, letter_pairs, signs_of
from routing.normal import normal
from routing.places import Place
from routing.vocabulary import automaton

# A letter to the mayor says what it is about at its beginning; its end is thanks and addresses.
_read_letters = 600
_title_worth, _body_worth, _most_worth = 2.0, 1.0, 4.0
# A hint is worth half a word: it often stands in texts on something else.
_hint = 0.5
# Characters of grammar and of time: a pair with one of them stands in texts on anything.
_plain = frozenset(
    "的了是在不我有你这就也都和到说个一上下们为没来去看要会能好人那得着过还很吗呢吧啊被把让给从与及"
    "对又再才只但而或等什么怎谁哪里他她它自己之其以所于将请本已向经年月日时分天多少大小现今昨明后前早晚"
)
_plain_weight = 0.35
_is_plain = np.zeros(0x10000, dtype=bool)
_is_plain[[ord(sign) for sign in _plain]] = True

# Names of places that no gazetteer knows end so. Where such a name begins nobody can say without a dictionary, so the two
# characters before the ending stand for it: two spellings of one name end alike.
_endings = {
    "路": "路",
    "街": "路",
    "大街": "路",
    "大道": "路",
    "公路": "路",
    "巷": "路",
    "胡同": "路",
    "桥": "路",
    "大桥": "路",
    "隧道": "路",
    "村": "小区",
    "屯": "小区",
    "庄": "小区",
    "小区": "小区",
    "花园": "小区",
    "家园": "小区",
    "新城": "小区",
    "苑": "小区",
    "府": "小区",
    "公寓": "小区",
    "家属院": "小区",
    "安置区": "小区",
    "片区": "社区",
    "社区": "社区",
    "镇": "镇",
    "乡": "镇",
    "街道": "镇",
    "学校": "学校",
    "小学": "学校",
    "中学": "学校",
    "幼儿园": "学校",
    "医院": "医院",
    "卫生院": "医院",
    "厂": "企业",
    "矿": "企业",
    "公司": "企业",
    "市场": "市场",
    "商场": "市场",
    "超市": "市场",
    "水库": "河流",
    "河": "河流",
    "湖": "河流",
    "公园": "公园",
    "广场": "公园",
    "景区": "景区",
    "车站": "车站",
    "工业园": "园区",
    "产业园": "园区",
    "县": "县",
}
# Endings that name a kind with a gazetteer's names only: in running text 垃圾站 and 医院 stand anywhere.
_listed_endings = _endings | {
    "站": "车站",
    "院": "小区",
    "中专": "学校",
    "高中": "学校",
    "初中": "学校",
    "一中": "学校",
}
# An ending is sought only where its first letter stands: that takes half the time.
_spot = re.compile(
    f"([\u4e00-\u9fff]{{2}})(?=[{''.join(sorted({end[0] for end in _endings}))}])"
    f"({'|'.join(sorted(_endings, key=lambda end: (-len(end), end)))})(?![灯面费线])"
)
# Never in a name of two characters; those of the second line may begin one (和平路, 上塘村) but not end one.
_no_name = frozenset(
    "的了在到从把被这那条个们每全各某我你他该是有去来一两几不没哪里说借付着找贴话道叫给让取反映"
)
_no_end = frozenset("和跟与及同对向往沿上下过走修进出回于当时入知户本")
_no_spot = frozenset({"公路", "马路", "道路", "铁路", "学校", "乡镇", "农村", "小区", "政府", "工厂"})
# What a gazetteer calls its kinds, by the sorts of this module; of any other kind the name's ending speaks.
_sorts = {
    **dict.fromkeys(("路", "道路", "街", "巷", "桥", "桥梁", "隧道", "公路"), "路"),
    **dict.fromkeys(("小区", "楼盘", "村", "嘎查", "家属院", "安置区", "自然村"), "小区"),
    "社区": "社区",
    **dict.fromkeys(("街道", "镇", "乡", "苏木"), "镇"),
    **dict.fromkeys(("学校", "小学", "中学", "幼儿园", "高校"), "学校"),
    "医院": "医院",
    **dict.fromkeys(("企业", "公司", "工厂", "商户", "店铺"), "企业"),
    **dict.fromkeys(("市场", "商场", "商圈", "街区", "夜市"), "市场"),
    **dict.fromkeys(("河流", "河", "湖泊", "湖", "水库", "水体"), "河流"),
    **dict.fromkeys(("公园", "广场"), "公园"),
    "景区": "景区",
    **dict.fromkeys(("车站", "地铁站", "站点"), "车站"),
    **dict.fromkeys(("园区", "产业园", "工业园"), "园区"),
    **dict.fromkeys(("公共设施", "设施", "场馆"), "设施"),
    **dict.fromkeys(("码头", "港口"), "码头"),
}
# A gazetteer's kinds, as far as they are alike: of two roads, two estates or two schools each is another matter.
_alike = {"桥": "路", "村": "小区", "水库": "河流", "街道": "镇", "乡": "镇", "隧道": "路"}
_towns = frozenset({"街道", "镇", "乡"})
_wide = _towns | {"县", "本县", "邻县"}
_utility = re.compile("水务|自来水|公交|客运|热力|供热|供电|电力|燃气|环卫|银行|电信|移动|联通|邮政|城投")

_named = re.compile(
    r"(?P<number>\d+|[〇零一二三四五六七八九十]{1,3})(?P<unit>期|标段|号线|路公交|路车|路(?=末班|首班|早班)|号岗|岗)"
    r"|(?P<side>[东西南北])半?(?:段|头|侧|区)"
)
# Where neither is found, nothing is named: what begins with a class of signs is sought three times as fast and more.
_may_number = re.compile(r"[\d〇零一二三四五六七八九十](?:期|标段|号线|号岗|岗|路公交|路车|路[末首早]班)")
_may_side = re.compile("[东西南北]半?[段头侧区]")
PART = "段"
"""The unit of `Telling.named` for the parts of a road or a village: 东段, 西头."""
_digits = re.compile(r"\d{4,}")
_clock = re.compile("[时日点岁年%度天楼]|分钟|小时|个月|℃")
_round = re.compile(r"(?:19|20)\d\d|\d0|\d00|\d000|11|12")
_answers = re.compile("通报|情况说明|的说明|答复|辟谣|回应|处理情况|调查情况|答问|整改|致歉|恢复")
_follows = re.compile(
    "追问|再次|后续|更新|又来|还是没|上次|反映过|写过|下文|跟进|依旧|仍然|转发|扩散|【转|^转|（转"
)
_planned = re.compile("通知|公告|计划|预计|起.{0,20}[停封断]|将于|定于")
# 跟供热管道那边没关系, 今天不说车祸: what the text is not about.
_clause = "[^,。;!?:\\s]"
_denial = re.compile(
    f"[跟和与同]({_clause}{{1,18}}?)(?:没有?(?:半点|一点|任何)?(?:关系|关联)|没关|无关|不相干|不沾边|两码事|两回事|不是(?:一回事|一件事|同一|一个))"
    f"|(?:不说|不谈|不提|不聊|[说问讲]的不是)({_clause}{{1,14}})"
)
_may_deny = re.compile("关|码事|回事|不相干|不沾|不是|不[说谈提聊]")
_across = re.compile("邻县|隔壁|外县|同名")


@dataclass(frozen=True, slots=True)
class Site:
    """A place of the gazetteer: of what kind, in which town (街道, 镇 or 乡), spelt how else (in normal form)."""

    name: str
    kind: str = ""
    town: str | None = None
    aliases: tuple[str, ...] = ()

    @property
    def spellings(self) -> tuple[str, ...]:
        """All its names, the full one first."""
        return (self.name, *self.aliases)

    @property
    def sort(self) -> str:
        """Its kind, roughly: roads and bridges are one, villages and estates are one; empty where unknown."""
        return _alike.get(self.kind, self.kind) or sort_of(self.name)

    def is_kin(self, other: "Site") -> bool:
        """Say whether one name holds the other: a road and the bridge that is called after it."""
        return any(
            mine in theirs or theirs in mine
            for mine in self.spellings
            for theirs in other.spellings
            if len(mine) > 2 and len(theirs) > 2
        )

    def is_wide(self) -> bool:
        """Say whether texts on many matters name it: a town, a county, the company that brings the water."""
        return self.kind in _wide or self.sort in {"镇", "县"} or bool(_utility.search(self.name))


class Land:
    """The sites of a county, and what the county and its neighbours are called (in normal form). Compared by identity."""

    def __init__(
        self, sites: Iterable[Site] = (), county: Iterable[str] = (), neighbours: Iterable[str] = ()
    ) -> None:
        self._sites = {site.name: site for site in sites}
        self._spelt = {
            name: site for site in self._sites.values() for name in site.spellings if len(name) > 2
        }
        self.county = tuple(county)
        self.neighbours = tuple(neighbours)

    @classmethod
    def of(cls, places: Iterable[Place], county: str = "", neighbours: Iterable[str] = ()) -> "Land":
        """Make it of a gazetteer's places and the names of county and neighbours."""
        sites = [
            Site(
                place.name,
                _sorts.get(place.kind) or sort_of(normal(place.name)),
                place.town,
                tuple(map(normal, place.aliases)),
            )
            for place in places
        ]
        return cls(sites, _called(county), [name for county in neighbours for name in _called(county)])

    def site(self, name: str) -> Site:
        """Give what is known of a place; of an unknown one, no more than its name."""
        return self._sites.get(name) or Site(name)

    def spelt(self, spot: str) -> Site | None:
        """Find the site that a spot ends with: a name cut wrongly (某县医院), or a homonym that was in doubt."""
        return next((site for at in range(len(spot) - 2) if (site := self._spelt.get(spot[at:]))), None)


@dataclass(frozen=True, slots=True)
class Telling:
    """What one text tells.

    `families`: worth by family, without the weak ones; `leading`: those it is chiefly about. `places`: fine sites, no towns
    and no companies of everywhere; `lead`: those of the title, else the first of the text (`titled`: nothing was said
    before it). `named`: figures that name something, by unit, and sides (`PART`); `days`: of what is announced. `theirs`: a
    neighbour's business.
    `denied`: families that it says it has nothing to do with; `area`: how much it speaks of each subject area.
    """

    said: str
    grams: Pairs
    families: Mapping[str, float]
    leading: frozenset[str]
    places: frozenset[Site]
    lead: frozenset[Site]
    titled: bool
    towns: frozenset[str]
    spots: Mapping[str, str]
    named: Mapping[str, frozenset[str]]
    figures: frozenset[str]
    days: frozenset[str]
    answers: bool
    follows: bool
    theirs: bool
    denied: frozenset[str]
    area: Sequence[float]


@dataclass(frozen=True, slots=True)
class _Table:
    of_word: Mapping[str, tuple[str, ...]]
    of_hint: Mapping[str, tuple[str, ...]]
    marked: Mapping[str, frozenset[str]]
    finder: ahocorasick_rs.AhoCorasick


@lru_cache(maxsize=1)
def _table() -> _Table:
    text = resources.files("routing").joinpath("families.toml").read_text("utf-8")
    entries = tomllib.loads(text)["family"]
    of_word, of_hint = _families_by(entries, "words"), _families_by(entries, "hints")
    words = tuple(dict.fromkeys((*of_word, *of_hint)))
    marks = ("weak", "local", "event", "outage")
    return _Table(
        of_word=of_word,
        of_hint=of_hint,
        marked={mark: frozenset(e["name"] for e in entries if e.get(mark)) for mark in marks},
        finder=automaton(words, ahocorasick_rs.MatchKind.Standard),
    )


def _families_by(entries: Iterable[Mapping[str, Any]], key: str) -> dict[str, tuple[str, ...]]:
    """Give the families of each word, without the weak ones."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        for word in entry.get(key, ()) if not entry.get("weak") else ():
            found[word] = (*found.get(word, ()), entry["name"])
    return found


def _called(county: str) -> list[str]:
    """Give a county's name with and without its ending, where two characters at least remain; none for none."""
    full = normal(county)
    short = re.sub("(?:自治县|自治旗|[县市区旗])$", "", full)
    return [name for name in dict.fromkeys((full, short)) if len(name) > 1]


def families(mark: str) -> frozenset[str]:
    """Give the families with a mark: `weak`, `local`, `event` or `outage`."""
    return _table().marked[mark]


def sort_of(name: str) -> str:
    """Read the kind of a place off its ending; empty where that says nothing."""
    for size in (3, 2, 1):
        if len(name) > size and name[-size:] in _listed_endings:
            return _listed_endings[name[-size:]]
    return ""


_none = letter_pairs("")


@lru_cache(maxsize=20_000)
def _pairs_of(name: str) -> Codes:
    return letter_pairs(name)


def weights_of(codes: Codes) -> NDArray[np.float64]:
    """Say how much each pair of letters tells by its characters alone."""
    first, second = (_is_plain.take(signs, mode="clip") for signs in signs_of(codes))
    return np.where(first | second, _plain_weight, 1.0)


def tell(title: str, text: str, places: Collection[str], numbers: frozenset[str], land: Land) -> Telling:
    """Reduce a text, given in normal form. `places`: names of the gazetteer; `numbers`: of `normal.numbers`."""
    body = text[:_read_letters]
    said = f"{title}。{body}"
    (told_title, told_body), denied_said = _without_denials(title, body)
    in_title, in_body = _words(told_title), _words(told_body)
    denied = {family for word in _words(denied_said) for family in _table().of_word.get(word, ())}
    grams = pairs(said)
    worth, leading = _families(in_title, in_body)
    unlisted = spots(said)
    sure = [land.site(name) for name in places]
    sites = {*sure, *(site for spot in unlisted if (site := land.spelt(spot)))}
    fine = frozenset(site for site in sites if not site.is_wide())
    heading = frozenset(site for site in fine if _position(site, title) >= 0)
    return Telling(
        said=said,
        grams=grams.without(_explained(sites, in_title | in_body)),
        families=worth,
        leading=leading,
        places=fine,
        lead=heading or _first(fine, body),
        titled=bool(heading) or not title,
        towns=frozenset(
            {site.town for site in fine if site.town} | {site.name for site in sites if _is_town(site)}
        ),
        spots={
            spot: sort for spot, sort in unlisted.items() if not land.spelt(spot) and not _known(spot, sites)
        },
        named=_naming(title, body),
        figures=_odd_figures(said, numbers),
        days=_days(numbers) if _planned.search(said) else frozenset(),
        answers=bool(_answers.search(title or body[:40])),
        follows=bool(_follows.search(said)),
        theirs=_is_theirs(said, sure, land),
        denied=frozenset(denied - worth.keys()),
        area=subject_shares(grams),
    )


def _without_denials(title: str, body: str) -> tuple[tuple[str, str], str]:
    """Take out what the text says it is not about, and give that too."""
    if not (_may_deny.search(title) or _may_deny.search(body)):
        return (title, body), ""
    denied = [match[1] or match[2] for part in (title, body) for match in _denial.finditer(part)]
    return (_denial.sub("", title), _denial.sub("", body)), "。".join(denied)


def _words(text: str) -> set[str]:
    if not text:
        return set()
    return set(_table().finder.find_matches_as_strings(text, overlapping=True))


def _families(in_title: set[str], in_body: set[str]) -> tuple[dict[str, float], frozenset[str]]:
    table = _table()
    worth: dict[str, float] = {}
    for words, each in ((in_title, _title_worth), (in_body - in_title, _body_worth)):
        for word in words:
            for family in table.of_word.get(word, ()):
                worth[family] = min(worth.get(family, 0.0) + each, _most_worth)
            for family in table.of_hint.get(word, ()):
                worth[family] = min(worth.get(family, 0.0) + _hint * each, _most_worth)
    top = max(worth.values(), default=0.0)
    return worth, frozenset(family for family, value in worth.items() if 2 * value >= top)


def _explained(sites: Iterable[Site], words: Iterable[str]) -> Codes:
    """Give the pairs that stand for a place or a family already: they must not count twice. A hint tells too little."""
    known = _table().of_word
    names = [name for site in sites for name in site.spellings]
    names += [word for word in words if word in known]
    return np.concatenate([_none, *map(_pairs_of, names)])


def _position(site: Site, text: str) -> int:
    return min((at for name in site.spellings if (at := text.find(name)) >= 0), default=-1)


def _first(sites: Iterable[Site], text: str) -> frozenset[Site]:
    found = sorted((at if at >= 0 else len(text), s.name, s) for s in sites for at in (_position(s, text),))
    return frozenset(site for _, _, site in found[:1])


def _is_town(site: Site) -> bool:
    return site.kind in _towns or (not site.kind and site.sort == "镇")


def spots(text: str) -> dict[str, str]:
    """Find names of places that no gazetteer need know, each with its kind: 建设路, 东湖小区."""
    return {
        match[0]: _endings[match[2]]
        for match in _spot.finditer(text)
        if _no_name.isdisjoint(match[1])
        and match[1][1] not in _no_end
        and (match[2] == "小区" or match[0][-2:] not in _no_spot)
        and match[1] not in _no_spot
    }


def _known(spot: str, sites: Iterable[Site]) -> bool:
    return any(spot in name or name in spot for site in sites for name in site.spellings)


def _naming(title: str, body: str) -> dict[str, frozenset[str]]:
    """Give the figures that name something, unit by unit: those of the title, else the first of the text."""
    found: dict[str, frozenset[str]] = {}
    for part, most in ((title, None), (body, 1)):
        if not (_may_number.search(part) or _may_side.search(part)):
            continue
        here: dict[str, list[str]] = {}
        for match in _named.finditer(part):
            unit, name = (
                (PART, match["side"]) if match["side"] else (match["unit"][:1], _value(match["number"]))
            )
            here.setdefault(unit, []).append(name)
        for unit, values in here.items():
            found.setdefault(unit, frozenset(values[:most]))
    return found


def _value(number: str) -> str:
    if number.isdigit():
        return number.lstrip("0") or "0"
    tens, ten, ones = number.rpartition("十")
    digits = "〇一二三四五六七八九"
    read = [digits.find(sign) for sign in (ones if ten else number).replace("零", "〇")]
    if ten:
        return str(10 * (digits.find(tens) if tens else 1) + sum(read))
    return "".join(map(str, read)).lstrip("0") or "0"


def _odd_figures(text: str, numbers: Iterable[str]) -> frozenset[str]:
    """Give figures that count something odd enough to be known again: 186万, 0117, 37名. No clocks, no round ones."""
    counted = {n.removesuffix("元") for n in numbers if not _clock.search(n)} | set(_digits.findall(text))
    return frozenset(n for n in counted if sum(map(str.isdigit, n)) > 1 and not _round.fullmatch(n))


def _days(numbers: Iterable[str]) -> frozenset[str]:
    return frozenset(number for number in numbers if number.endswith("日") and "月" not in number)


def _is_theirs(text: str, sites: Iterable[Site], land: Land) -> bool:
    """Say whether a neighbour is named and nothing of the own county before it."""
    first = min((at for name in land.neighbours if (at := text.find(name)) >= 0), default=-1)
    if first < 0 or _across.search(text):
        return False
    ours = [text.find(name) for name in land.county] + [_position(site, text) for site in sites]
    return not any(0 <= at < first for at in ours)

"""Which open case a new item joins: comments, reposts, near copies, and texts on one topic at one place.

Pure: compares values, reads no table and no clock. A match is a proposal that one tap undoes, so a doubt is no match:
texts that name different places, dates or figures never meet, however alike they read. Texts on 城东 and 城西 停水
are more alike by letters (0.56) than two reports of one event (0.37 to 0.50).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from rapidfuzz import fuzz

from routing.normal import bigrams, letters, unit

# Every new item is held against the same recent texts.
_letters = lru_cache(maxsize=20_000)(letters)

# Measured on 100,000 titles: recall .986, precision .906 and better; lower marks gave .75.
_ratio_mark = 85.0
_partial_mark = 99.0
_copy_window = timedelta(hours=72)
_topic_window = timedelta(hours=24)
# Share of the shorter text's letter pairs. Chosen on a week of short posts: 22 right pairs and no wrong one above
# .15, two wrong ones at .14.
_topic_mark = 0.16
# Below this many letters everybody says the same: 停水通知, 暖气不热.
_telling_letters = 8
# Figures of these units name something (a date, a house, an estate's phase); figures of all others count something
# and may differ between two reports of one matter, but never between two copies.
_naming_units = frozenset({"月日", "日", "期", "号楼", "栋", "幢", "单元", "标段", "号线", "年级", "届"})
# Names of places that no gazetteer knows: the two characters before such an ending.
_spot = re.compile(
    r"[\u4e00-\u9fff]{2}(?:大街|大道|小区|社区|花园|片区|学校|小学|中学|医院|大桥|[路街巷村镇乡县桥])"
)


# Between the name of a source and the mark of a comment feed of it; no name in sources.toml can hold it.
DERIVED = "~"


def origin_of(source_id: str) -> str:
    """Give the source that a comment feed under watch derives from; any other source is its own origin."""
    return source_id.partition(DERIVED)[0]


def is_derived(source_id: str) -> bool:
    """Tell whether this is a comment feed that an entry of another source named."""
    return DERIVED in source_id


@dataclass(frozen=True, slots=True)
class Trace:
    """What grouping must know of one item: its links, and its text reduced to what can be compared.

    `normal_title` and `normal_text` are `normal()` of title and text, `places` names from the gazetteer without the
    county, `numbers` of `numbers()` over title and text; `at` when it was published or first seen, aware.
    """

    item_id: int
    case_id: int | None
    source_id: str
    external_id: str
    parent_id: str | None
    fingerprint: str
    normal_title: str
    normal_text: str
    places: frozenset[str]
    numbers: frozenset[str]
    topic: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Match:
    """The case to join, the item that led there, why (Chinese, for people) and how sure, in [0, 1]."""

    case_id: int
    item_id: int
    why: str
    certainty: float


@dataclass(frozen=True, slots=True)
class _Likeness:
    why: str
    certainty: float


def find_match(new: Trace, recent: Sequence[Trace]) -> Match | None:
    """Find the case that `new` belongs to among `recent` items; None: it begins a matter of its own.

    1. A comment goes where the text went that it answers. Was that in no case, or is it unknown, the comment joins
       none: 支持楼主 stands under every matter.
    2. An exact repost; 3. a near copy within 72 h; 4. the same topic at the same place within 24 h.

    The first step that finds anything decides, within a step the oldest case: the order of `recent` is no matter.
    """
    if new.parent_id:
        parent = _parent(new, recent)
        if parent is None or parent.case_id is None:
            return None
        return Match(parent.case_id, parent.item_id, "是已立事项下的评论或回复", 1.0)
    cased = [
        (trace.case_id, trace)
        for trace in recent
        if trace.case_id is not None and trace.item_id != new.item_id
    ]
    where = _places_by_case(cased)
    open_to_it = [
        (case, old) for case, old in cased if not old.parent_id and not _disjoint(new.places, where[case])
    ]
    for alike in _steps:
        found = [
            (case, trace.item_id, likeness)
            for case, trace in open_to_it
            if (likeness := alike(new, trace)) is not None
        ]
        if found:
            case, item, likeness = min(found, key=lambda match: match[:2])
            return Match(case, item, likeness.why, likeness.certainty)
    return None


# --- the steps ------------------------------------------------------------------------------------------------


def _exact_copy(new: Trace, old: Trace) -> _Likeness | None:
    if not new.fingerprint or new.fingerprint != old.fingerprint:
        return None
    if len(_letters(new.normal_title + new.normal_text)) < _telling_letters:
        return None
    return _Likeness("与已有信息文字相同", 1.0)


def _near_copy(new: Trace, old: Trace) -> _Likeness | None:
    if abs(new.at - old.at) > _copy_window or _apart(new.places, old.places) or _figures_differ(new, old):
        return None
    mine, theirs = _comparable(new, old)
    if min(len(mine), len(theirs)) < _telling_letters:
        return None
    likeness = _likeness(mine, theirs)
    return None if likeness is None or _disjoint(_spots(new), _spots(old)) else likeness


def _likeness(mine: str, theirs: str) -> _Likeness | None:
    ratio = fuzz.ratio(mine, theirs, score_cutoff=_ratio_mark)
    if ratio:
        return _Likeness(f"与已有信息文字相近（{ratio:.0f}%）", round(ratio / 100, 2))
    if max(len(mine), len(theirs)) > 2 * min(len(mine), len(theirs)):
        return None
    if fuzz.partial_ratio(mine, theirs, score_cutoff=_partial_mark):
        return _Likeness("一条的文字包含在另一条里", 0.9)
    return None


def _same_topic(new: Trace, old: Trace) -> _Likeness | None:
    if new.topic is None or new.topic != old.topic or not new.places & old.places:
        return None
    if _apart(new.places, old.places):
        return None
    if abs(new.at - old.at) > _topic_window or _figures_differ(new, old, only=_naming_units):
        return None
    shared = _overlap(
        bigrams(f"{new.normal_title}。{new.normal_text}"), bigrams(f"{old.normal_title}。{old.normal_text}")
    )
    if shared < _topic_mark:
        return None
    place = "、".join(sorted(new.places & old.places))
    return _Likeness(f"同一地点（{place}）、同一主题（{new.topic}），24 小时内", round(0.5 + shared / 2, 2))


_steps: tuple[Callable[[Trace, Trace], _Likeness | None], ...] = (_exact_copy, _near_copy, _same_topic)


def _parent(new: Trace, recent: Iterable[Trace]) -> Trace | None:
    """Find the text that a comment answers: same source first, then its sibling (`forum`, `forum-c`), then any.

    A comment of a derived source answers a text of its origin and of no other source.
    """
    answered = [
        trace
        for trace in recent
        if trace.external_id == new.parent_id
        and trace.item_id != new.item_id
        and (not is_derived(new.source_id) or origin_of(new.source_id) == origin_of(trace.source_id))
    ]
    return min(
        answered, key=lambda trace: (_kinship(new.source_id, trace.source_id), trace.item_id), default=None
    )


def _kinship(mine: str, theirs: str) -> int:
    if origin_of(mine) == origin_of(theirs):
        return 0
    return 1 if mine.startswith(theirs) or theirs.startswith(mine) else 2


# --- vetoes and comparisons -----------------------------------------------------------------------------------


def _places_by_case(cased: Iterable[tuple[int, Trace]]) -> Mapping[int, frozenset[str]]:
    """Gather what places a case is about, so that a text without a place is no bridge between two of them."""
    where: dict[int, frozenset[str]] = {}
    for case, trace in cased:
        where[case] = where.get(case, frozenset()) | trace.places
    return where


def _disjoint(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    """Say whether both name something and nothing in common: silence contradicts nobody."""
    return bool(mine) and bool(theirs) and mine.isdisjoint(theirs)


def _apart(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    """Say whether each names a place that the other does not: two notices of one water company are two matters."""
    return bool(mine - theirs) and bool(theirs - mine)


def _figures_differ(new: Trace, old: Trace, *, only: frozenset[str] | None = None) -> bool:
    """Compare figures unit by unit: 3号楼 and 5号楼 differ, though both texts say 8时."""
    mine, theirs = _by_unit(new.numbers), _by_unit(old.numbers)
    units = mine.keys() & theirs.keys()
    return any(mine[name].isdisjoint(theirs[name]) for name in (units if only is None else units & only))


def _by_unit(figures: Iterable[str]) -> dict[str, set[str]]:
    grouped: dict[str, set[str]] = {}
    for figure in figures:
        grouped.setdefault(unit(figure), set()).add(figure)
    return grouped


def _spots(trace: Trace) -> frozenset[str]:
    return frozenset(_spot.findall(f"{trace.normal_title}。{trace.normal_text}"))


def _comparable(new: Trace, old: Trace) -> tuple[str, str]:
    """Give the two strings to compare: the titles where both tell something, else the bodies (or what there is)."""
    titles = _letters(new.normal_title), _letters(old.normal_title)
    if min(map(len, titles)) >= _telling_letters:
        return titles
    return _letters(new.normal_text) or titles[0], _letters(old.normal_text) or titles[1]


def _overlap(mine: frozenset[str], theirs: frozenset[str]) -> float:
    """Give the share of the smaller set that the larger one holds; 0 where one is empty."""
    smaller = min(len(mine), len(theirs))
    return len(mine & theirs) / smaller if smaller else 0.0

"""A text that its source gives under another id: found again, so that it is neither stored nor announced twice.

Sites change the scheme of their ids (all at once, on a move) or write the headline into them (one by one, on an edit).
A doubt is no match: a text taken for an old one would be missed, one taken in twice is grouped as a copy.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein
from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from routing.items import Ailment, Item, Kind, Symptom
from routing.normal import letters, normal, numbers
from routing.store.tables import Found, ItemRow

T = TypeVar("T")

FEWEST = 4
"""So many ids, and more than half of what the source shows, make a change of the scheme."""

_kinds = frozenset({Kind.ARTICLE, Kind.POST})  # comments share a link, and a hot list's link is its headline
_ratio_mark = 85.0
_telling_letters = 8
# Two letters before the ending of a place's name: two places that end alike are still told apart.
_spot = re.compile(
    r"[\u4e00-\u9fff]{2}(?:大街|大道|街道|小区|社区|花园|片区|学校|小学|中学|医院|大桥|[路街巷村镇乡县桥])"
)
_undated_rows = 500
_link_rows = 400
_title_age = timedelta(days=7)
_a_day = timedelta(days=1)
_items = ItemRow.__table__.c
_fields = (
    _items.id,
    _items.external_id,
    _items.url,
    _items.title,
    _items.text,
    _items.published_at,
    _items.found,
)
_linked = (
    select(*_fields, _items.source_id)
    .where(_items.url.in_(bindparam("links", expanding=True)))
    # Not by source: a planner that does not know how many texts a source has would read them all.
    .limit(_link_rows)
)
_titled = select(*_fields, _items.source_id).where(
    _items.source_id.in_(bindparam("sources", expanding=True)),
    _items.published_at.between(bindparam("since"), bindparam("until")),
    _items.title.in_(bindparam("titles", expanding=True)),
)
_undated = select(*_fields, _items.source_id).where(
    _items.id.in_(
        select(_items.id)
        .where(_items.source_id == bindparam("source_id"), _items.published_at.is_(None))
        .order_by(_items.id.desc())
        .limit(_undated_rows)
        .scalar_subquery()
    ),
    _items.title.in_(bindparam("titles", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class Known:
    """A stored text, as far as it must be known to find it again."""

    id: int
    external_id: str
    url: str
    title: str
    text: str
    published_at: datetime | None
    found: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Adoption:
    """Which stored text each new id stands for, by new id; `is_scheme`: the source changed all its ids."""

    texts: Mapping[str, Known]
    is_scheme: bool

    def symptom(self) -> Symptom:
        """Tell the operator; with another count it is another change."""
        count = len(self.texts)
        return Symptom(
            Ailment.NEW_IDS,
            f"来源换了编号方式，{count} 条旧信息已按链接和标题认出，没有当作新信息",
            "无需处理；如果天天出现，请检查来源地址是否稳定",
            str(count),
        )


NOTHING = Adoption({}, is_scheme=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """What one round of a source that is not new showed.

    `items` is the whole harvest, `new` the ids in it that are not stored, `entries` how many the document held (0: not
    known). Those that were known by their bytes are not among `items` and still bear their old ids: where some were
    cut so, the source did not change all its ids.
    """

    source_id: str
    items: Sequence[Item]
    new: Collection[str]
    entries: int

    def wanted(self) -> list[Item]:
        """Give the items whose id may be a new one of an old text."""
        return [item for item in self.items if item.external_id in self.new and item.kind in _kinds]

    def may_be_scheme(self) -> bool:
        """Tell whether the source may have changed all its ids."""
        wanted = len(self.wanted())
        is_all = self.entries in {0, len(self.items)}
        return is_all and wanted >= FEWEST and 2 * wanted > len(self.items)


def find(session: Session, shown: Sequence[Shown], zone: ZoneInfo, now: datetime) -> dict[str, Adoption]:
    """Find the stored texts behind ids that are new, by source; a source with none is left out.

    Each source at most once. Days are those of `zone`.
    """
    asked = [_Asked(one) for one in shown if one.wanted()]
    if not asked:
        return {}
    linked = _by_link(session, asked)
    titled = _by_title(session, asked, zone, now)
    found = {one.shown.source_id: _adoption(one, linked, titled, zone) for one in asked}
    return {source_id: adoption for source_id, adoption in found.items() if adoption.texts}


class _Asked:
    """One source's question: what its new ids are looked for by, that is by what no two of its texts have."""

    def __init__(self, shown: Shown) -> None:
        self.shown = shown
        self.wanted = shown.wanted()
        self.may_be_scheme = shown.may_be_scheme()
        links = Counter(_canonical(item.url) for item in shown.items)
        titles = Counter(item.title for item in shown.items)
        self.by_link = [item for item in self.wanted if item.url and links[_canonical(item.url)] == 1]
        self.by_title = [item for item in self.wanted if titles[item.title] == 1 and _is_telling(item.title)]

    def dated(self, now: datetime) -> list[Item]:
        """Give what is looked for by title and day; old texts only if all ids may be new."""
        return [
            item
            for item in self.by_title
            if item.published_at is not None and (self.may_be_scheme or item.published_at > now - _title_age)
        ]

    def undated(self) -> list[str]:
        """Give the titles of what has no date, if all ids may be new."""
        titles = {item.title for item in self.by_title if item.published_at is None}
        return sorted(titles) if self.may_be_scheme else []


def _adoption(
    asked: _Asked, linked: Mapping[str, list[Known]], titled: Mapping[str, list[Known]], zone: ZoneInfo
) -> Adoption:
    source_id, count = asked.shown.source_id, len(asked.shown.items)
    pairs = _pairs(asked, linked.get(source_id, []), titled.get(source_id, []), zone)
    likely = [(item, text) for item, text in pairs if _is_like_title(item, text) or _is_alike(item, text)]
    if asked.may_be_scheme and len(likely) >= FEWEST and 2 * len(likely) > count:
        return Adoption(_one_to_one(likely), is_scheme=True)
    sure = [(item, text) for item, text in pairs if _is_sure(item, text, zone)]
    return Adoption(_one_to_one(sure), is_scheme=False) if sure else NOTHING


def rename(session: Session, adoption: Adoption, items: Sequence[Item]) -> None:
    """Store the new ids and links in place of the old ones; the old id stays with the text, for those who ask."""
    statement = (
        update(ItemRow.__table__)  # type: ignore[arg-type]
        .where(ItemRow.__table__.c.id == bindparam("row"))
        .values(external_id=bindparam("new"), url=bindparam("link"), found=bindparam("how"))
    )
    rows = []
    for item in items:
        text = adoption.texts.get(item.external_id)
        if text is not None:
            rows.append({"row": text.id, "new": item.external_id, "link": item.url, "how": _told(text)})
    session.execute(statement, rows)


def _told(text: Known) -> list[str]:
    before = [code for code in text.found or () if not code.startswith(Found.ADOPTED)]
    return [*before, f"{Found.ADOPTED}:{text.external_id}"]


def _pairs(
    asked: _Asked, linked: Sequence[Known], titled: Sequence[Known], zone: ZoneInfo
) -> list[tuple[Item, Known]]:
    """Pair by link, then by title and day; only by what one text of the harvest and one stored text have."""
    if not linked and not titled:
        return []
    present = {item.external_id for item in asked.shown.items}
    under = _unique(linked, lambda text: _canonical(text.url))
    named = _unique(titled, lambda text: (text.title, _day(text.published_at, zone)))
    pairs = []
    for item in asked.wanted:
        text = under.get(_canonical(item.url)) if item in asked.by_link else None
        if text is None and item in asked.by_title:
            text = named.get((item.title, _day(item.published_at, zone)))
        # Its old id still stands there: these are two texts.
        if text is not None and text.external_id not in present:
            pairs.append((item, text))
    return pairs


def _is_sure(item: Item, text: Known, zone: ZoneInfo) -> bool:
    """Say whether one text alone may be taken for another: only if it reads so and tells of the same.

    A link is no proof, nor is one with its day: a page of today's notices has one link and new ones daily, of one
    template.
    """
    if not _is_alike(item, text) or _is_of_template(item.title, text.title):
        return False
    if _is_of_template(item.text, text.text):
        return False
    same_day = item.published_at is not None and _day(item.published_at, zone) == _day(
        text.published_at, zone
    )
    return _canonical(item.url) == _canonical(text.url) or (same_day and bool(item.text))


def _is_alike(item: Item, text: Known) -> bool:
    mine, theirs = letters(item.text), letters(text.text)
    if not mine and not theirs:
        return _is_like_title(item, text)
    return _reads_like(mine, theirs)


def _is_like_title(item: Item, text: Known) -> bool:
    return _reads_like(letters(item.title), letters(text.title))


def _reads_like(mine: str, theirs: str) -> bool:
    return bool(mine) and fuzz.ratio(mine, theirs, score_cutoff=_ratio_mark) > 0


def _is_of_template(mine: str, theirs: str) -> bool:
    """Say whether two texts read alike and tell of two things: other figures, other places, other words in a gap.

    An edit adds and takes away; that which puts as many other letters between the same ones fills in a form. Where
    they do not read alike (a headline written anew), only places can tell them apart.
    """
    a, b = letters(mine), letters(theirs)
    here, there = _spots(mine), _spots(theirs)
    if not _reads_like(a, b):
        return bool(here) and bool(there) and here.isdisjoint(there)
    return here != there or numbers(mine) != numbers(theirs) or _fills_a_gap(a, b)


def _spots(text: str) -> frozenset[str]:
    return frozenset(_spot.findall(normal(text)))


def _fills_a_gap(mine: str, theirs: str) -> bool:
    tags = ["equal", *(step.tag for step in Levenshtein.opcodes(mine, theirs)), "equal"]
    return ("equal", "replace", "equal") in zip(tags, tags[1:], tags[2:], strict=False)


def _one_to_one(pairs: Iterable[tuple[Item, Known]]) -> dict[str, Known]:
    pairs = list(pairs)
    claims = Counter(text.id for _, text in pairs)
    return {item.external_id: text for item, text in pairs if claims[text.id] == 1}


def _unique(texts: Iterable[Known], key: Callable[[Known], T]) -> Mapping[T, Known]:
    found: defaultdict[T, list[Known]] = defaultdict(list)
    for text in texts:
        found[key(text)].append(text)
    return {name: same[0] for name, same in found.items() if len(same) == 1}


def _by_link(session: Session, asked: Sequence[_Asked]) -> Mapping[str, list[Known]]:
    """Read the stored texts under the links of each source; none where so many have one that none is telling."""
    forms = {
        one.shown.source_id: {form for item in one.by_link for form in _forms(item.url)} for one in asked
    }
    links = sorted(set().union(*forms.values()))
    if not links:
        return {}
    rows = session.execute(_linked, {"links": links}).all()
    if len(rows) < _link_rows:
        return _by_source(rows, lambda row: row.url in forms.get(row.source_id, ()))
    if len(asked) == 1:
        return {}
    found: dict[str, list[Known]] = {}
    for one in asked:  # whose link it is that so many have, is seen alone
        found |= _by_link(session, [one])
    return found


def _by_title(
    session: Session, asked: Sequence[_Asked], zone: ZoneInfo, now: datetime
) -> Mapping[str, list[Known]]:
    """Read the stored texts with the titles and of the days of each source."""
    found: dict[str, list[Known]] = {}
    dated = {one.shown.source_id: items for one in asked if (items := one.dated(now))}
    if dated:
        days = [
            item.published_at.astimezone(zone)
            for items in dated.values()
            for item in items
            if item.published_at
        ]
        rows = session.execute(
            _titled,
            {
                "sources": sorted(dated),
                "since": _midnight(min(days)),
                "until": _midnight(max(days) + _a_day),
                "titles": sorted({item.title for items in dated.values() for item in items}),
            },
        )
        titles = {source_id: {item.title for item in items} for source_id, items in dated.items()}
        found |= _by_source(rows, lambda row: row.title in titles[row.source_id])
    for one in asked:
        if undated := one.undated():
            rows = session.execute(_undated, {"source_id": one.shown.source_id, "titles": undated})
            for source_id, texts in _by_source(rows, lambda row: True).items():
                found[source_id] = found.get(source_id, []) + texts
    return found


def _by_source(rows: Iterable[Any], is_theirs: Callable[[Any], bool]) -> dict[str, list[Known]]:
    found: dict[str, list[Known]] = {}
    for row in rows:
        if is_theirs(row):
            found.setdefault(row.source_id, []).append(Known(*tuple(row)[:-1]))
    return found


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _forms(url: str) -> tuple[str, str]:
    """Give a link with either scheme: most sites changed it once."""
    rest = url.partition("://")[2]
    return f"http://{rest}", f"https://{rest}"


def _canonical(url: str) -> str:
    host, slash, path = url.partition("://")[2].partition("/")
    return f"{host.lower().removeprefix('www.')}{slash}{path}".rstrip("/")


def _day(moment: datetime | None, zone: ZoneInfo) -> date | None:
    return None if moment is None else moment.astimezone(zone).date()


def _is_telling(title: str) -> bool:
    return sum(map(str.isalnum, title)) >= _telling_letters

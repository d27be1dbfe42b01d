"""A text that its source gives under another id: found again, so that it is neither stored nor announced twice.

Sites change the scheme of their ids (all at once, on a move) or write the headline into them (one by one, on an edit).
A doubt is no match: a text taken for an old one would be missed, one taken in twice is grouped as a copy.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from rapidfuzz import fuzz
from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session

from routing.items import Ailment, Item, Kind, Symptom
from routing.normal import letters
from routing.store.tables import Found, ItemRow

T = TypeVar("T")

FEWEST = 4
"""So many ids, and more than half of what the source shows, make a change of the scheme."""

_kinds = frozenset({Kind.ARTICLE, Kind.POST})  # comments share a link, and a hot list's link is its headline
_ratio_mark = 85.0
_telling_letters = 8
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
_titled = select(*_fields).where(
    _items.source_id == bindparam("source_id"),
    _items.published_at.between(bindparam("since"), bindparam("until")),
    _items.title.in_(bindparam("titles", expanding=True)),
)
_undated = select(*_fields).where(
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


def find(
    session: Session,
    source_id: str,
    items: Sequence[Item],
    new: Collection[str],
    entries: int,
    zone: ZoneInfo,
    now: datetime,
) -> Adoption:
    """Find the stored texts behind ids that are new to a source that is not.

    `items` is the whole harvest, `new` the ids in it that are not stored, `entries` how many the document held (0: not
    known). Those that were known by their bytes are not among `items` and still bear their old ids: where some were
    cut so, the source did not change all its ids. Days are those of `zone`.
    """
    wanted = [item for item in items if item.external_id in new and item.kind in _kinds]
    if not wanted:
        return NOTHING
    is_all = entries in {0, len(items)}
    may_be_scheme = is_all and len(wanted) >= FEWEST and 2 * len(wanted) > len(items)
    present = {item.external_id for item in items}
    pairs = _pairs(session, source_id, items, wanted, present, may_be_scheme, zone, now)
    likely = [(item, text) for item, text in pairs if _is_like_title(item, text) or _is_alike(item, text)]
    if may_be_scheme and len(likely) >= FEWEST and 2 * len(likely) > len(items):
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
    session: Session,
    source_id: str,
    items: Sequence[Item],
    wanted: Sequence[Item],
    present: Collection[str],
    may_be_scheme: bool,
    zone: ZoneInfo,
    now: datetime,
) -> list[tuple[Item, Known]]:
    """Pair by link, then by title and day; only by what one text of the harvest and one stored text have."""
    links = Counter(_canonical(item.url) for item in items)
    titles = Counter(item.title for item in items)
    by_link = [item for item in wanted if item.url and links[_canonical(item.url)] == 1]
    by_title = [item for item in wanted if titles[item.title] == 1 and _is_telling(item.title)]
    linked = _unique(_by_link(session, source_id, by_link), lambda text: _canonical(text.url))
    titled = _unique(
        _by_title(session, source_id, by_title, may_be_scheme, zone, now),
        lambda text: (text.title, _day(text.published_at, zone)),
    )
    pairs = []
    for item in wanted:
        text = linked.get(_canonical(item.url)) if item in by_link else None
        if text is None and item in by_title:
            text = titled.get((item.title, _day(item.published_at, zone)))
        # Its old id still stands there: these are two texts.
        if text is not None and text.external_id not in present:
            pairs.append((item, text))
    return pairs


def _is_sure(item: Item, text: Known, zone: ZoneInfo) -> bool:
    """Say whether one text alone may be taken for another: only if it reads so.

    A link is no proof, nor is one with its day: a page of today's notices has one link and new ones daily.
    """
    if not _is_alike(item, text):
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


def _one_to_one(pairs: Iterable[tuple[Item, Known]]) -> dict[str, Known]:
    pairs = list(pairs)
    claims = Counter(text.id for _, text in pairs)
    return {item.external_id: text for item, text in pairs if claims[text.id] == 1}


def _unique(texts: Iterable[Known], key: Callable[[Known], T]) -> Mapping[T, Known]:
    found: defaultdict[T, list[Known]] = defaultdict(list)
    for text in texts:
        found[key(text)].append(text)
    return {name: same[0] for name, same in found.items() if len(same) == 1}


def _by_link(session: Session, source_id: str, items: Sequence[Item]) -> list[Known]:
    """Read the stored texts under the links of `items`; none where so many have one that none is telling."""
    links = sorted({form for item in items for form in _forms(item.url)})
    if not links:
        return []
    rows = session.execute(_linked, {"links": links}).all()
    if len(rows) == _link_rows:
        return []
    return [Known(*row[:-1]) for row in rows if row.source_id == source_id]


def _by_title(
    session: Session,
    source_id: str,
    items: Sequence[Item],
    may_be_scheme: bool,
    zone: ZoneInfo,
    now: datetime,
) -> list[Known]:
    """Read the stored texts with the titles of `items`, of their days; old ones only if all ids may be new."""
    dated = [
        item
        for item in items
        if item.published_at is not None and (may_be_scheme or item.published_at > now - _title_age)
    ]
    found: list[Row[*tuple[Any, ...]]] = []
    if dated:
        days = [item.published_at.astimezone(zone) for item in dated if item.published_at is not None]
        span = {"since": _midnight(min(days)), "until": _midnight(max(days) + _a_day)}
        found += session.execute(
            _titled, {"source_id": source_id, **span, "titles": sorted({item.title for item in dated})}
        )
    undated = sorted({item.title for item in items if item.published_at is None})
    if undated and may_be_scheme:
        found += session.execute(_undated, {"source_id": source_id, "titles": undated})
    return [Known(*row) for row in found]


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

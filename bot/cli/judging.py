"""The whole judgement replayed over a file of texts: our own intake in a throwaway store, on a clock that follows them."""

import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.labelled import NEIGHBOUR_KIND, OWN_KIND, Line, PlaceMark
from monitors.masking import mask_item
from monitors.sentiment import NgramScorer, Scorer
from monitors.texts import one_line, plain
from routing import held
from routing.intake import accept
from routing.items import OWN_TAG, Counts, Harvest, Item, Kind, SourceState
from routing.judging import NEIGHBOUR_TAG, Judge
from routing.ledger import Ledger
from routing.measures import Verdict
from routing.office import Office
from routing.opinions import Opinions
from routing.outbox import MessageKind
from routing.rules import Rules
from routing.rules_file import PlaceEntry, RulesFile
from routing.store.engine import Store
from routing.store.migrate import migrate
from routing.store.tables import CaseItemRow, CaseRow, HoldRow, ItemRow, OutboxRow

NEVER_AWAY_S = timedelta(days=3650).total_seconds()
"""The file is the watch: hours without a text in it are no gap of ours."""

ARROW = "　→　"
"""Between a text and what became of it, in the lines that the intake gives."""

_everybody = (
    "论坛",
    "吧",
    "公众号",
    "微博",
    "视频",
    "社区",
    "同城",
    "评论",
    "留言",
    "笔记",
    "直播",
    "墙",
    "圈",
)
_local_share = {"feed": 0.75, "board": 0.6}
_local_texts = 5
_kinds = {"comments": Kind.COMMENT, "hotlist": Kind.HOTLIST, "board": Kind.POST}
_by_kind = {"board": "问政", "official": "官方"}
# What media are called, from the top down: the first that fits names the tag. Whose name says no more than 网 or 观察 is
# taken for a portal of the province, for what is read in a county without being of it mostly is.
_press = tuple(
    (tag, re.compile(pattern))
    for tag, pattern in (
        ("中央媒体", "中央|央视|央广|央媒|新华|人民网|人民日报|全国|中国|国家|国闻|神州|中视|中新|环球"),
        ("省级媒体", "省|卫视|全区|区台|澎湃|头条"),
        ("媒体", "晚报|日报|早报|快报|时报|商报|晨报|都市|频道|电视|广播|融媒|媒体|周刊"),
        ("省级媒体", "新闻网|门户|在线|客户端|通讯社|观察|瞭望|要闻|网$"),
        ("媒体", "新闻"),
    )
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one line: the text as stored, its band, where it went, and the reason (Chinese)."""

    line: Line
    title: str
    text: str
    band: str | None
    verdict: Verdict
    copies: tuple[str, ...]
    subject: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """A whole file replayed; `took_s` counts what a text costs from its raw form to its card, not the preparation."""

    outcomes: tuple[Outcome, ...]
    took_s: float


def replay(
    lines: Sequence[Line],
    office: Office,
    rules: Rules,
    *,
    scorer: Callable[[], Scorer] = NgramScorer,
    opinions: Opinions | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Take the lines in one by one, in their order. `done` hears how many are through.

    `opinions`: other text models than those that are shipped.
    """
    score = scorer().score
    score("预热一次")
    outcomes = []
    with _throwaway() as store:
        desk = _Desk(store, office, rules, opinions)
        desk.know(lines)
        started = time.perf_counter()
        for number, line in enumerate(lines, 1):
            item = mask_item(_item(line))
            sentiment = score(f"{item.title}\n{item.text}" if item.title else item.text)
            outcomes.append(desk.take(line, replace(item, sentiment=sentiment)))
            done(number)
        took_s = time.perf_counter() - started
    return Replayed(tuple(outcomes), took_s)


def with_gazetteer(file: RulesFile, places: Sequence[PlaceMark]) -> RulesFile:
    """Put the county, its neighbours and its places into a rule file, in place of those that stand there."""
    return file.model_copy(
        update={
            "county": next(place.name for place in places if place.kind == OWN_KIND),
            "neighbours": [place.name for place in places if place.kind == NEIGHBOUR_KIND],
            "place": [
                PlaceEntry(
                    name=place.name,
                    aliases=list(place.aliases),
                    elsewhere=place.elsewhere,
                    town=place.town,
                    kind=place.kind or None,
                )
                for place in places
                if place.kind not in {OWN_KIND, NEIGHBOUR_KIND}
            ],
        }
    )


@contextmanager
def _throwaway() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'judge.db'}")
        try:
            migrate(store)
            yield store
        finally:
            store.close()


class _Desk:
    def __init__(self, store: Store, office: Office, rules: Rules, opinions: Opinions | None) -> None:
        self._store = store
        self._office = office
        self._rules = rules
        self._judge = Judge(rules, opinions)
        self._ledger = Ledger()
        self._told = 0
        self._held = 0
        self._local: frozenset[str] = frozenset()
        self._shown: dict[tuple[str, str], Item] = {}

    def know(self, lines: Sequence[Line]) -> None:
        """Make the sources known, for what stood there when the watch began is no news."""
        first = {line.source.id: line for line in reversed(lines)}
        self._local = _local(lines, self._rules)

        def work(session: Session) -> None:
            for line in first.values():
                at = line.published_at.astimezone(UTC) - timedelta(minutes=1)
                self._accept(session, line, at)

        self._store.run(work)

    def take(self, line: Line, item: Item) -> Outcome:
        """Take in one text at the moment of its publication, and read what it did."""
        now = line.published_at.astimezone(UTC)
        beside = self._beside(item)

        def work(session: Session) -> Outcome:
            told = self._accept(session, line, now, *beside, item)
            return self._read(session, line, item, told[0].partition(ARROW)[2] if told else "")

        return self._store.run(work)

    def _beside(self, item: Item) -> list[Item]:
        """Give what its source still shows with the same title or link: two ids in the file are two texts, not an edit."""
        keys = [(item.source_id, mark) for mark in (item.title, item.url) if mark]
        beside = {known.external_id: known for key in keys if (known := self._shown.get(key)) is not None}
        self._shown |= dict.fromkeys(keys, item)
        return list(beside.values())

    def _accept(self, session: Session, line: Line, at: datetime, *items: Item) -> list[str]:
        harvest = Harvest(
            source_id=line.source.id,
            at=at,
            state=SourceState(line.source.id, last_ok_at=at, baseline_done=True),
            items=items,
            tags=_tags_of(line, self._rules, self._local),
            interval_s=NEVER_AWAY_S,
            entries=len(items),
        )
        return accept(session, self._office, self._judge, self._ledger, harvest, at)

    def _read(self, session: Session, line: Line, item: Item, said: str) -> Outcome:
        row = session.scalars(
            select(ItemRow).where(
                ItemRow.source_id == item.source_id, ItemRow.external_id == item.external_id
            )
        ).one()
        case = self._case(session, row)
        heard = session.scalars(
            select(OutboxRow.kind).where(
                OutboxRow.id > self._told,
                OutboxRow.case_id.is_not(None),
                OutboxRow.kind.in_((MessageKind.CARD, MessageKind.TEXT)),
            )
        ).all()
        self._told = session.scalar(select(func.max(OutboxRow.id))) or 0
        verdict = Verdict(card=MessageKind.CARD in heard, alerted=bool(heard))
        newest = session.scalar(select(func.max(HoldRow.id))) or 0
        if case is not None and newest > self._held:
            beside = held.held_view(session, case.id)
            verdict = replace(verdict, beside=beside.beside or None if beside else None)
        self._held = newest
        if case is not None:
            verdict = replace(
                verdict,
                matter=case.number,
                lead=case.channel,
                level=int(case.proposed_level),
                must_answer=case.must_answer,
            )
        band = row.sentiment_band.value if row.sentiment_band else None
        copies = tuple(case.copies) if case else ()
        return Outcome(line, row.title, row.text, band, verdict, copies, row.subject, said)

    def _case(self, session: Session, row: ItemRow) -> CaseRow | None:
        return session.scalar(
            select(CaseRow)
            .join(CaseItemRow, CaseItemRow.case_id == CaseRow.id)
            .where(CaseItemRow.item_id == row.id)
        )


def _item(line: Line) -> Item:
    counts = line.counts
    return Item(
        source_id=line.source.id,
        external_id=line.id,
        url=line.url,
        title=one_line(line.title),
        text=plain(line.text),
        kind=_kinds.get(line.source.kind, Kind.ARTICLE),
        parent_id=line.parent,
        published_at=line.published_at.astimezone(UTC),
        counts=Counts(counts.views, counts.likes, counts.reposts, counts.comments),
    )


def _press_of(name: str) -> str | None:
    if any(word in name for word in _everybody):
        return None
    return next((tag for tag, pattern in _press if pattern.search(name)), None)


def _tags_of(line: Line, rules: Rules, local: Collection[str]) -> tuple[str, ...]:
    """Give the tags that an office would write in `sources.toml` for a source of this kind and name.

    `local`: sources that are known by their texts to speak of the county, whatever they are called.
    """
    source = line.source
    if source.tags is not None:
        return source.tags
    named = rules.gazetteer.survey(source.name)
    tags = [_by_kind[source.kind]] if source.kind in _by_kind else []
    press = _press_of(source.name) if source.kind == "feed" else None
    # 某县在线 is a forum of the place; 某县融媒 is a medium.
    if press is not None and not (named.county and press == "省级媒体"):
        tags.append(press)
    if named.county or source.id in local:
        tags.append(OWN_TAG)
    elif named.neighbour is not None:
        tags.append(NEIGHBOUR_TAG)
    return tuple(tags)


def _local(lines: Sequence[Line], rules: Rules) -> frozenset[str]:
    """Name the forums and boards most of whose texts speak of the county: an office knows which these are."""
    seen: Counter[str] = Counter()
    ours: Counter[str] = Counter()
    for line in lines:
        source = line.source
        if source.kind in _local_share and _press_of(source.name) is None:
            seen[source.id] += 1
            ours[source.id] += rules.gazetteer.survey(f"{line.title}。{line.text}").is_own()
    kinds = {line.source.id: line.source.kind for line in lines}
    return frozenset(
        name
        for name, count in seen.items()
        if count >= _local_texts and ours[name] >= _local_share[kinds[name]] * count
    )

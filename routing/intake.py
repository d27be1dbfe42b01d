"""The door for monitors: harvests taken in whole, some of them in one transaction.

Each new item is judged by the rules, joins the case of its matter or opens one, and leaves its reason, also where it
became nothing. The source's validators and cursor are saved in the same transaction: what was not committed is
fetched again, what was committed is not taken twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from routing import adopt, catchup, comeback, comment_watch, gone, search
from routing.gone import Gone
from routing.grouping import is_derived
from routing.items import LEGACY, Counts, Harvest, Item, Kind
from routing.judging import Judging, stood, subject_of
from routing.ledger import Ledger
from routing.normal import fingerprint, numbers
from routing.office import Level, Office
from routing.placing import Placing, reasons_of, why_none
from routing.recent import Recent, trace_from, trace_of
from routing.rules import Judgement, Subject
from routing.sources import hold, note, rows_of, save_state
from routing.store.once import insert_new, insert_once
from routing.store.tables import CaseItemRow, Found, ItemRow, Outcome, PushRow

_items = ItemRow.__table__.c  # of every harvest: columns of the table spare the mapper's share of the time
_look_up = select(
    _items.source_id,
    _items.external_id,
    _items.id,
    _items.content_hash,
    _items.views,
    _items.likes,
    _items.reposts,
    _items.comments,
    _items.scorer,
).where(
    _items.source_id.in_(bindparam("sources", expanding=True)),
    _items.external_id.in_(bindparam("ids", expanding=True)),
)

_key = (ItemRow.source_id, ItemRow.external_id)

PUSH_LIFE = timedelta(days=1)
IDS_AT_ONCE = 1_000
PROBES_AT_ONCE = 2_000
_undated = datetime.min.replace(tzinfo=UTC)
NO_NEWS = "首次接入，记为存量，不告警"


def accept(
    session: Session, office: Office, rules: Judging, ledger: Ledger, harvest: Harvest, now: datetime
) -> list[str]:
    """Take in one harvest. Gives one line an item that is new or changed: what became of it (Chinese).

    Safe to call twice with the same harvest: items are unique by source and external id, a pushed body by its
    signature.
    """
    return accept_all(session, office, rules, ledger, [harvest], now)[0]


def accept_all(
    session: Session,
    office: Office,
    rules: Judging,
    ledger: Ledger,
    harvests: Sequence[Harvest],
    now: datetime,
) -> list[list[str]]:
    """Take in harvests of different sources, each as `accept` does, in their order; the lines of each.

    Of a harvest with a `part` only those texts, and not a word of its source.

    Locks in this order, so that two machines on one database cannot wait for each other: the sources, the matters
    (only where a text may belong to one), and last the record, which whatever is told of a source needs too.
    """
    hold(session, harvests)
    harvests = comeback.told_apart(session, harvests, now)
    before = rows_of(session, {harvest.source_id for harvest in harvests})
    recent = Recent(session, now, rules.land)
    rounds, saved = [], []
    for harvest in harvests:
        is_whole = harvest.part is None
        is_push = is_whole and harvest.push is not None
        if is_push and not _is_first(session, harvest.source_id, str(harvest.push), now):
            continue
        row = before.get(harvest.source_id)
        is_new = row is None or not row.baseline_done
        placing = Placing(session, office, rules, ledger, catchup.gap_before(row, harvest, now), recent, now)
        rounds.append(_Round(session, office, rules, placing, harvest, is_new, now))
        if is_whole:
            saved.append((save_state(session, harvest, row), rounds[-1]))
    ids = _store(session, office, rounds, now)
    lines = {
        round_.harvest.source_id: round_.place(ids.get(round_.harvest.source_id, {})) for round_ in rounds
    }
    for _, round_ in saved:
        comment_watch.note(session, round_.harvest.source_id, round_.harvest.comment_feeds, now)
    told = [(row, round_.told()) for row, round_ in saved]
    new = {round_.harvest.source_id: round_.brought for _, round_ in saved}
    note(session, office, ledger, told, new, now)
    return [lines.get(harvest.source_id, []) for harvest in harvests]


def known(session: Session, source_id: str, ids: Sequence[str]) -> frozenset[str]:
    """Say which of these external ids of a source are stored, or were until their keeping time was over."""
    found: set[str] = set()
    for some in _portions(sorted(set(ids))):
        found.update(
            session.scalars(
                select(ItemRow.external_id).where(
                    ItemRow.source_id == source_id, ItemRow.external_id.in_(some)
                )
            )
        )
    rest = sorted(set(ids) - found)
    return frozenset(found) | gone.among(session, {source_id: rest}).get(source_id, {}).keys()


def unscored(session: Session, since: datetime, until: datetime, most: int) -> list[Item]:
    """Give the texts of matters, first seen in that time (aware UTC), that have no sentiment; the oldest first."""
    rows = session.scalars(
        select(ItemRow)
        .where(
            ItemRow.first_seen_at.between(since, until),
            ItemRow.outcome == Outcome.CASE,
            ItemRow.scorer.is_(None),
            ItemRow.source_id != LEGACY,
        )
        .order_by(ItemRow.id)
        .limit(most)
    )
    return [_item_of(row) for row in rows]


def _item_of(row: ItemRow) -> Item:
    return Item(
        source_id=row.source_id,
        external_id=row.external_id,
        url=row.url,
        title=row.title,
        text=row.text,
        kind=row.kind,
        parent_id=row.parent_id,
        published_at=row.published_at,
        date_note=row.date_note,
        counts=Counts(row.views, row.likes, row.reposts, row.comments),
        masked=tuple(row.masked),
    )


def _is_first(session: Session, source_id: str, signature: str, now: datetime) -> bool:
    """Remember a pushed body; False where it was taken before. Signatures whose time is over are let go."""
    if not insert_once(
        session,
        PushRow,
        [PushRow.source_id, PushRow.signature],
        source_id=source_id,
        signature=signature,
        at=now,
    ):
        return False
    session.execute(delete(PushRow).where(PushRow.source_id == source_id, PushRow.at < now - PUSH_LIFE))
    return True


@dataclass(frozen=True, slots=True)
class _Stored:
    """What must be known of a stored item to see whether it changed."""

    id: int
    content_hash: str
    counts: Counts
    is_scored: bool

    def differs(self, item: Item) -> bool:
        """Tell whether the source shows something else now, or more is known of it: its score."""
        if item.sentiment is not None and not self.is_scored:
            return True
        return self.counts != item.counts or self.content_hash != item.content_hash()


@dataclass(slots=True)
class _Text:
    """A text that is new or changed, on its way. `line`: what became of it so far; `case_id`: where it was before.

    `judgement` is None for one whose words are as they were; `is_scored`: all that is new of it is its score. `row` is
    loaded for what was known; what is new has the `values` that were stored.
    """

    item: Item
    item_id: int
    judgement: Judgement | None = None
    line: str = ""
    row: ItemRow | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    case_id: int | None = None
    to_place: bool = False
    is_scored: bool = False


class _Round:
    """One harvest on its way in: `sort`, then `revise` and `take`, and `place` once its new texts have their ids.

    `is_new`: its source was never read to the end before; `gap`: not for a while.
    """

    def __init__(
        self,
        session: Session,
        office: Office,
        rules: Judging,
        placing: Placing,
        harvest: Harvest,
        is_new: bool,
        now: datetime,
    ) -> None:
        self._session = session
        self._office = office
        self._rules = rules
        self._is_new = is_new
        self._now = now
        self._hour = now.astimezone(office.zone).hour
        self._placing = placing
        by_id = {item.external_id: item for item in harvest.items}
        self._items = sorted(by_id.values(), key=_order_of_appearance)
        self._stored: dict[str, _Stored] = {}
        self._gone: Mapping[str, Gone] = {}
        self._renamed: frozenset[str] = frozenset()
        self._revised_texts: list[_Text] = []
        self._fresh: list[_Text] = []
        self.harvest = harvest
        self.symptoms = harvest.symptoms

    @property
    def ids(self) -> list[str]:
        """The external ids of the harvest, in order."""
        return sorted(item.external_id for item in self._items)

    @property
    def new(self) -> int:
        """How many items were stored."""
        return len(self._fresh)

    @property
    def brought(self) -> int:
        """How many items the source brought: those that were handed over ahead of their score are among them."""
        return self.new + sum(text.is_scored for text in self._revised_texts)

    @property
    def _taken(self) -> list[Item]:
        """The items that are taken in now, in order of appearance."""
        part = self.harvest.part
        if part is None:
            return self._items
        return [item for item in self._items if item.external_id in part - self._renamed]

    def sort(self, stored: Mapping[str, _Stored], let_go: Mapping[str, Gone]) -> adopt.Shown | None:
        """Tell known from new by what is stored and what was let go; gives what may bear a new id, None where nothing may."""
        # A hot list names its entries by headline: one that was let go long ago and is back is another event.
        hot = {item.external_id for item in self._items if item.kind is Kind.HOTLIST}
        let_go = {name: past for name, past in let_go.items() if name not in hot}
        self._stored, self._gone = dict(stored), let_go
        ids = (item.external_id for item in self._items)
        new = [external_id for external_id in ids if external_id not in stored and external_id not in let_go]
        if self._is_new or not new:
            return None
        return adopt.Shown(self.harvest.source_id, self._items, new, self.harvest.entries)

    def adopt(self, adoption: adopt.Adoption) -> None:
        """Take the stored texts behind new ids for known; they bear those ids once the whole harvest was taken in."""
        if self.harvest.part is not None:
            self._renamed = frozenset(adoption.texts)
            return
        adopt.rename(self._session, adoption, self._items)
        if adoption.is_scheme:
            self.symptoms = (*self.symptoms, adoption.symptom())
        source_id = self.harvest.source_id
        self._stored |= _stored(self._session, {source_id: sorted(adoption.texts)}).get(source_id, {})

    def revise(self) -> None:
        """Bring up to date what is known and changed."""
        self._revised_texts = self._revise(
            {
                self._stored[item.external_id].id: item
                for item in self._taken
                if item.external_id in self._stored and self._stored[item.external_id].differs(item)
            }
        )

    def take(self) -> list[dict[str, Any]]:
        """Judge what is new, and give the rows to store, in order of appearance."""
        rows = []
        for item in self._taken:
            past = self._gone.get(item.external_id)
            if item.external_id in self._stored or (past is not None and past.says(item)):
                continue
            subject = self._subject(item)
            judgement = self._judge_of(subject)
            is_old = self._is_new and not self._is_in_window(item)
            if (
                past is not None and past.is_stock
            ):  # as one that is stored: news only where it has become grave
                is_old = is_old or not _is_grave(judgement)
            text = _Text(item, 0, judgement, to_place=not is_old and _may_be_matter(judgement))
            text.line = NO_NEWS if is_old else "" if text.to_place else why_none(judgement)
            outcome = Outcome.BASELINE if is_old else Outcome.NONE
            text.values = self._row(text, stood(subject), judgement, outcome)
            self._fresh.append(text)
            rows.append(text.values)
        return rows

    def place(self, ids: Mapping[str, int]) -> list[str]:
        """Place what may be a matter's; a line for each text that is new or changed.

        `ids` of what was stored, by external id: what another machine stored meanwhile is not among them, nor ours.
        """
        for text in self._fresh:
            text.item_id = ids.get(text.item.external_id, 0)
        self._fresh = [text for text in self._fresh if text.item_id]
        texts = [*self._revised_texts, *self._fresh]
        texts.sort(key=lambda text: _order_of_appearance(text.item))
        self._place(texts)
        gap = self._placing.gap
        if gap is not None:
            catchup.tell(self._session, self._office, gap, self.new, self._placing.opened, self._now)
        return [f"{t.item.title[:30] or t.item.text[:30]}　→　{t.line}" for t in texts if t.line]

    def told(self) -> Harvest:
        """Give the harvest with what was seen of its source on the way in."""
        if self.symptoms == self.harvest.symptoms:
            return self.harvest
        return replace(self.harvest, symptoms=self.symptoms)

    # -- known texts -----------------------------------------------------------------------------------------------

    def _revise(self, changed: Mapping[int, Item]) -> list[_Text]:
        """Bring known items up to date: counts always, the text where it changed. Moves none to another case."""
        if not changed:
            return []
        ids = sorted(changed)
        rows = self._session.scalars(select(ItemRow).where(ItemRow.id.in_(ids)))
        places = select(CaseItemRow.item_id, CaseItemRow.case_id).where(CaseItemRow.item_id.in_(ids))
        case_of = {row.item_id: row.case_id for row in self._session.execute(places)}
        return [self._revised(row, changed[row.id], case_of.get(row.id)) for row in rows]

    def _revised(self, row: ItemRow, item: Item, case_id: int | None) -> _Text:
        text = _Text(item, row.id, row=row, case_id=case_id)
        _set(row, _counted(item.counts))
        if row.content_hash == item.content_hash():
            return self._scored(text, row) if row.scorer is None and item.sentiment is not None else text
        judgement = text.judgement = self._judge(item)
        was_grave = row.outcome is Outcome.BASELINE and _is_grave(self._judge(_as_it_was(item, row)))
        _set(row, _written(item) | _judged(item, judgement, self._rules.version, compared=True))
        row.revision += 1
        if case_id is not None:
            search.note_item(self._session, row)
        text.line = f"内容有修改，记为第 {row.revision} 版"
        if case_id is None and row.outcome is Outcome.BASELINE:
            # Old news with a typo put right stays old; one that turns into a grave matter is news, however old.
            text.to_place = _is_grave(judgement) and not was_grave
        elif case_id is None:
            text.to_place = _may_be_matter(judgement)
            if not text.to_place:
                text.line += f"；{why_none(judgement)}"
        return text

    def _scored(self, text: _Text, row: ItemRow) -> _Text:
        """Write in the score of a text that was taken in without one. It may open a matter, or add reasons to one."""
        text.is_scored = True
        _set(row, _felt(text.item))
        if row.outcome is Outcome.BASELINE or not self._judge(replace(text.item, sentiment=None)).needs_band:
            return text
        text.judgement = self._judge(text.item)
        _set(row, _judged(text.item, text.judgement, self._rules.version, compared=True))
        text.to_place = text.case_id is None and _may_be_matter(text.judgement)
        return text

    # -- new texts -------------------------------------------------------------------------------------------------

    def _row(self, text: _Text, stood: str, judgement: Judgement, outcome: Outcome) -> dict[str, Any]:
        found = {
            Found.WINDOW: self._is_new and outcome is not Outcome.BASELINE,
            Found.CATCH_UP: self._placing.gap is not None,
            Found.PUSH: self.harvest.push is not None,
        }
        return values_of(
            text.item,
            judgement,
            self._rules.version,
            self._now,
            outcome,
            stood=stood,
            found=[code.value for code, is_so in found.items() if is_so],
            compared=text.to_place,
        )

    def _is_in_window(self, item: Item) -> bool:
        if not self.harvest.window:
            return False
        if item.published_at is None:
            # A comment feed is watched because its count rose just now.
            return is_derived(self.harvest.source_id)
        return item.published_at >= self.harvest.at - self.harvest.window

    # -- both ------------------------------------------------------------------------------------------------------

    def _judge(self, item: Item) -> Judgement:
        return self._judge_of(self._subject(item))

    def _judge_of(self, subject: Subject) -> Judgement:
        judgement = self._rules.judge(subject)
        if not self._rules.asks_burst or not judgement.places or judgement.ignored:
            return judgement
        burst = self._placing.crowds.at(judgement.places[0], judgement.topic)
        return judgement if burst is None else self._rules.judge(replace(subject, burst=str(burst)))

    def _subject(self, item: Item) -> Subject:
        return subject_of(item, self.harvest.tags, self._hour)

    def _place(self, texts: Sequence[_Text]) -> None:
        """Place what has no matter yet, then follow the matters whose texts changed, each once."""
        to_place = [text for text in texts if text.to_place]
        in_case = [text for text in texts if text.case_id is not None]
        if not to_place and not in_case:
            return
        parents = {text.item.parent_id for text in to_place if text.item.parent_id}
        self._placing.begin(self.harvest.source_id, parents)
        self._follow_moves(in_case)
        for text in to_place:
            assert text.judgement is not None
            trace = trace_from(text.item_id, text.values) if text.row is None else trace_of(text.row, None)
            placed = self._placing.place(trace, partial(self._row_of, text), text.judgement)
            text.line = f"{text.line}；{placed}" if text.line else placed
        edited: dict[int, bool] = {}
        for text in in_case:
            assert text.row is not None
            assert text.case_id is not None
            if text.judgement is not None:
                self._placing.revised(text.row, text.case_id, text.judgement)
            is_told = text.judgement is not None or text.is_scored
            edited[text.case_id] = edited.get(text.case_id, False) or is_told
        for case_id in sorted(edited):
            self._placing.grown(case_id, edited=edited[case_id])

    def _follow_moves(self, texts: Sequence[_Text]) -> None:
        """See where the texts of matters are now: until `begin` people may have split or merged them."""
        if not texts:
            return
        ids = [text.item_id for text in texts]
        rows = self._session.execute(
            select(CaseItemRow.item_id, CaseItemRow.case_id).where(CaseItemRow.item_id.in_(ids))
        )
        now_in = {item_id: case_id for item_id, case_id in rows}  # noqa: C416 - rows are no pairs to mypy
        for text in texts:
            text.case_id = now_in.get(text.item_id, text.case_id)

    def _row_of(self, text: _Text) -> ItemRow:
        return text.row or self._session.get_one(ItemRow, text.item_id)


def _order_of_appearance(item: Item) -> tuple[bool, datetime, str]:
    # Parents before their comments, the older before the newer; then by id, so that two runs do the same.
    return (item.parent_id is not None, item.published_at or _undated, item.external_id)


def _may_be_matter(judgement: Judgement) -> bool:
    # A comment says "same here" in words that no rule knows: where it goes is for the text to say that it answers.
    return not judgement.ignored and (judgement.relevant or judgement.joins)


def _is_grave(judgement: Judgement) -> bool:
    return judgement.relevant and judgement.level is not None and judgement.level <= Level.II


def _as_it_was(item: Item, row: ItemRow) -> Item:
    return replace(item, title=row.title, text=row.text)


def values_of(
    item: Item,
    judgement: Judgement,
    rules_version: str,
    now: datetime,
    outcome: Outcome,
    *,
    stood: str,
    found: Sequence[str] = (),
    compared: bool,
) -> dict[str, Any]:
    """Give the row of a new text, by the names of its columns. `compared`: others are held against it."""
    return {
        "source_id": item.source_id,
        "external_id": item.external_id,
        "url": item.url,
        "kind": item.kind,
        "stood": stood,
        "parent_id": item.parent_id,
        "published_at": item.published_at,
        "date_note": item.date_note,
        "first_seen_at": now,
        "revision": 1,
        "outcome": outcome,
        "found": list(found),
        **_written(item),
        **_judged(item, judgement, rules_version, compared=compared),
        **_counted(item.counts),
    }


def _set(row: ItemRow, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


def _written(item: Item) -> dict[str, Any]:
    return {
        "title": item.title,
        "text": item.text,
        "content_hash": item.content_hash(),
        "masked": list(item.masked),
        **_felt(item),
    }


def _felt(item: Item) -> dict[str, Any]:
    score = item.sentiment
    return {
        "sentiment_raw": score.raw if score else None,
        "sentiment_value": score.value if score else None,
        "sentiment_band": score.band if score else None,
        "scorer": f"{score.scorer} {score.version}" if score else None,
        "quote": score.quote if score else "",
        "evidence": list(score.evidence) or None if score else None,
    }


def _judged(item: Item, judgement: Judgement, rules_version: str, *, compared: bool) -> dict[str, Any]:
    # What a text is compared by costs more than all else, and nine texts in ten are compared with none.
    return {
        "fingerprint": fingerprint(item.title, item.text) if compared else "",
        "numbers": sorted(numbers(f"{item.title} {item.text}")) if compared else [],
        "places": list(judgement.places),
        "topic": judgement.topic,
        "subject": judgement.subject,
        "reasons": reasons_of(judgement),
        "rules_version": rules_version,
    }


def _counted(counts: Counts) -> dict[str, Any]:
    return {
        "views": counts.views,
        "likes": counts.likes,
        "reposts": counts.reposts,
        "comments": counts.comments,
    }


def _store(
    session: Session, office: Office, rounds: Sequence[_Round], now: datetime
) -> Mapping[str, Mapping[str, int]]:
    """Store what changed and what is new of all rounds; gives the ids of the new texts by source and external id."""
    ids_of = {round_.harvest.source_id: round_.ids for round_ in rounds}
    stored = _stored(session, ids_of)
    unknown = {
        source: [id_ for id_ in ids if id_ not in stored.get(source, {})] for source, ids in ids_of.items()
    }
    let_go = gone.among(session, unknown)
    by_source = {round_.harvest.source_id: round_ for round_ in rounds}
    shown = [
        round_.sort(stored.get(source_id, {}), let_go.get(source_id, {}))
        for source_id, round_ in by_source.items()
    ]
    adoptions = adopt.find(session, [one for one in shown if one is not None], office.zone, now)
    for source_id, adoption in adoptions.items():
        by_source[source_id].adopt(adoption)
    for round_ in rounds:
        round_.revise()
    rows = [row for round_ in rounds for row in round_.take()]
    ids: dict[str, dict[str, int]] = {}
    for source_id, external_id, id_ in insert_new(session, ItemRow, _key, rows):
        ids.setdefault(source_id, {})[external_id] = id_
    return ids


def _stored(session: Session, wanted: Mapping[str, Sequence[str]]) -> dict[str, dict[str, _Stored]]:
    """Read the stored items by source and external id. `wanted`: which ids of each source."""
    found: dict[str, dict[str, _Stored]] = {}
    for some in _together(wanted):
        ids = sorted({id_ for source_id in some for id_ in wanted[source_id]})
        for part in _portions(ids):
            rows = session.execute(_look_up, {"sources": some, "ids": part})
            for source_id, external_id, id_, content_hash, *shown, scorer in rows:
                stored = _Stored(id_, content_hash, Counts(*shown), scorer is not None)
                found.setdefault(source_id, {})[external_id] = stored
    return found


def _together(wanted: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Give the sources that are looked up in one statement: the database tries every source with every id."""
    some: list[str] = []
    count = 0
    for source_id, ids in wanted.items():
        if some and (len(some) + 1) * (count + len(ids)) > PROBES_AT_ONCE:
            yield some
            some, count = [], 0
        if ids:
            some.append(source_id)
            count += len(ids)
    if some:
        yield some


def _portions(ids: Sequence[str]) -> Iterator[list[str]]:
    # SQLite takes 32,766 values in a statement, and no harvest may fail for its size.
    rest = iter(ids)
    while some := list(islice(rest, IDS_AT_ONCE)):
        yield some

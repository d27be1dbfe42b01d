"""What the store remembers, for replay and lessons: texts in order with what was decided, and what people said. Reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from routing.clock import Span
from routing.conditions import Subject
from routing.items import LEGACY, OWN_TAG, Counts
from routing.lessons import LEAST_CAUGHT, Lessons, Missed, lessons_of
from routing.office import Level
from routing.procedure import UNJUDGED
from routing.replay import Past, Said, Then, rules_of, was_relevant
from routing.store.tables import (
    AssignmentRow,
    CaseItemRow,
    CaseRow,
    ItemRow,
    Outcome,
    ProposalRow,
    VerdictKind,
    VerdictRow,
)
from routing.traces import origin_of
from routing.workflow import State

PORTION = 1_000
OTHERS_READ = 20_000
"""So many of the newest texts that became no matter are asked whether a suggested word hits them."""
LEARNT_FROM = timedelta(days=28)
"""Suggestions need more than a week: three missed texts with one word seldom come in one."""

_columns = (
    ItemRow.id,
    ItemRow.source_id,
    ItemRow.title,
    ItemRow.text,
    ItemRow.kind,
    ItemRow.published_at,
    ItemRow.first_seen_at,
    ItemRow.views,
    ItemRow.likes,
    ItemRow.reposts,
    ItemRow.comments,
    ItemRow.sentiment_band,
    ItemRow.outcome,
    ItemRow.reasons,
    ItemRow.rules_version,
    CaseItemRow.case_id,
)


class Extent(NamedTuple):
    """How much is stored since an instant: texts, the first and last id, when the first was seen."""

    items: int
    first_id: int
    last_id: int
    first_at: datetime


@dataclass(frozen=True, slots=True)
class Portion:
    """Some texts in order of their ids. `last_id`: of the last that was read, 0 where none is left.

    `stock`: read, but old news when the watch began. `untagged`: of sources whose tags are not known.
    """

    pasts: tuple[Past, ...]
    last_id: int
    stock: int
    untagged: int


def extent(session: Session, since: datetime) -> Extent | None:
    """Say how much is stored since then; None where nothing is."""
    count, first, last, at = session.execute(
        select(
            func.count(), func.min(ItemRow.id), func.max(ItemRow.id), func.min(ItemRow.first_seen_at)
        ).where(ItemRow.first_seen_at >= since, ItemRow.source_id != LEGACY)
    ).one()
    return Extent(count, first, last, at) if count else None


def portion(
    session: Session,
    since: datetime,
    after_id: int,
    until_id: int,
    tags: Mapping[str, Sequence[str]],
    zone: ZoneInfo,
) -> Portion:
    """Read the next texts behind `after_id`. `tags`: of each source that is configured, by its id."""
    rows = session.execute(
        select(*_columns)
        .outerjoin(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
        .where(
            ItemRow.id > after_id,
            ItemRow.id <= until_id,
            ItemRow.first_seen_at >= since,
            ItemRow.source_id != LEGACY,  # what was not read here cannot be replayed
        )
        .order_by(ItemRow.id)
        .limit(PORTION)
    ).all()
    proposed = _proposed(session, {row.case_id for row in rows if row.case_id is not None})
    compared = [row for row in rows if row.outcome is not Outcome.BASELINE]
    return Portion(
        pasts=tuple(_past(row, proposed, tags, zone) for row in compared),
        last_id=rows[-1].id if rows else 0,
        stock=len(rows) - len(compared),
        untagged=sum(origin_of(row.source_id) not in tags for row in compared),
    )


class _Proposal(NamedTuple):
    channel: str
    level: Level | None
    opened: bool


def _proposed(session: Session, cases: set[int]) -> Mapping[int, _Proposal]:
    """Give what each text proposed for its matter, by the text's id: of several channels the last.

    A level only for the text that the matter began with: what comes later is proposed at the level of the whole matter.
    """
    if not cases:
        return {}
    rows = session.execute(
        select(ProposalRow.case_id, ProposalRow.item_id, ProposalRow.channel, ProposalRow.level)
        .where(ProposalRow.case_id.in_(cases))
        .order_by(ProposalRow.id)
    )
    first: dict[int, int] = {}
    found: dict[int, _Proposal] = {}
    for case_id, item_id, channel, level in rows:
        opened = first.setdefault(case_id, item_id) == item_id
        before = found.get(item_id)
        level_alone = before.level if before else level if opened else None
        found[item_id] = _Proposal(channel, level_alone, opened)
    return found


def _past(
    row: Row[Any],
    proposed: Mapping[int, _Proposal],
    tags: Mapping[str, Sequence[str]],
    zone: ZoneInfo,
) -> Past:
    of_source = tuple(tags.get(origin_of(row.source_id), ()))
    proposal = proposed.get(row.id)
    subject = Subject(
        title=row.title,
        text=row.text,
        kind=row.kind,
        tags=of_source,
        band=row.sentiment_band,
        counts=Counts(row.views, row.likes, row.reposts, row.comments),
        own=OWN_TAG in of_source,
        hour=row.first_seen_at.astimezone(zone).hour,
    )
    then = Then(
        # What was relevant is in a matter, always: where it is in none, its reasons may say what they like.
        relevant=row.case_id is not None and was_relevant(row.reasons),
        case_id=row.case_id,
        channel=proposal.channel if proposal else None,
        level=proposal.level if proposal else None,
        opened=proposal is not None and proposal.opened,
        rules=rules_of(row.reasons),
        version=row.rules_version,
    )
    return Past(row.id, subject, row.first_seen_at, row.published_at, then)


# --- what people said -----------------------------------------------------------------------------------------


def said_since(session: Session, since: datetime) -> dict[int, Said]:
    """Give what people said of the matters that were opened since, by the id of the text that each began with.

    Who sends a matter out says that it is one, and where it belongs; who dismisses it says that it is none. What
    nobody has judged yet is not among them.
    """
    sent = set(session.scalars(select(AssignmentRow.case_id).distinct()))
    rows = session.execute(
        select(CaseRow.id, CaseRow.state, CaseRow.channel, CaseRow.level).where(
            CaseRow.opened_at >= since, CaseRow.state.not_in(list(UNJUDGED))
        )
    ).all()
    first = _first_texts(session, since)
    return {
        first[row.id]: _said(row.state, row.channel, row.level, is_sent=row.id in sent)
        for row in rows
        if row.id in first and row.state is not State.MERGED  # that one lives on in another
    }


def _said(state: State, channel: str, level: Level, *, is_sent: bool) -> Said:
    if state is State.DISMISSED:
        return Said(relevant=False)
    return Said(True, channel, level) if is_sent else Said(True)


def _first_texts(session: Session, since: datetime) -> dict[int, int]:
    rows = session.execute(
        select(ProposalRow.case_id, ProposalRow.item_id)
        .join(CaseRow, CaseRow.id == ProposalRow.case_id)
        .where(CaseRow.opened_at >= since)
        .order_by(ProposalRow.id.desc())
    )
    return dict(rows.all())  # the first proposal comes last


# --- what that teaches ----------------------------------------------------------------------------------------


def learn(session: Session, span: Span, places: Sequence[str] = ()) -> Lessons:
    """Sum up what people corrected in a span; words are suggested from the four weeks up to its end.

    `places`: names from the gazetteer, of which no word may be made.
    """
    since = min(span.start, span.end - LEARNT_FROM)
    states = session.scalars(
        select(CaseRow.state).where(
            CaseRow.opened_at >= span.start, CaseRow.opened_at < span.end, CaseRow.imported_at.is_(None)
        )
    ).all()
    matters = [state for state in states if state is not State.MERGED]
    verdicts = _verdicts(session, since, span.end)
    late = _found_late(session, since, span.end)
    missed = _missed(session, late, verdicts)
    return lessons_of(
        matters=len(matters),
        judged=sum(state not in UNJUDGED for state in matters),
        dismissed=sum(state is State.DISMISSED for state in matters),
        found_late=sum(row.at >= span.start for row in late),
        corrections=[
            (row.kind.value, row.proposed, row.corrected) for row in verdicts if row.at >= span.start
        ],
        missed=missed,
        others=_others(session, since, span.end) if len(missed) >= LEAST_CAUGHT else (),
        known=places,
    )


class _Late(NamedTuple):
    item_id: int
    at: datetime
    channel: str


class _Verdict(NamedTuple):
    case_id: int
    item_id: int | None
    kind: VerdictKind
    proposed: str
    corrected: str
    at: datetime


def _verdicts(session: Session, since: datetime, until: datetime) -> list[_Verdict]:
    rows = session.scalars(
        select(VerdictRow).where(VerdictRow.at >= since, VerdictRow.at < until).order_by(VerdictRow.id)
    )
    return [_Verdict(row.case_id, row.item_id, row.kind, row.proposed, row.corrected, row.at) for row in rows]


def _found_late(session: Session, since: datetime, until: datetime) -> list[_Late]:
    """Give the first texts of matters that were none when they came: placed later, by a person or for an edit.

    A text that people moved from one matter to another keeps the instant at which it was first placed.
    """
    rows = session.execute(
        select(
            CaseItemRow.item_id,
            CaseItemRow.at,
            CaseRow.id,
            CaseRow.channel,
            ItemRow.reasons,
            ItemRow.revision,
        )
        .join(ItemRow, ItemRow.id == CaseItemRow.item_id)
        .join(CaseRow, CaseRow.id == CaseItemRow.case_id)
        .where(
            CaseItemRow.at >= since,
            CaseItemRow.at < until,
            CaseItemRow.at > ItemRow.first_seen_at,
            CaseRow.state != State.DISMISSED,
        )
        .order_by(CaseItemRow.item_id)
    ).all()
    firsts = _oldest_texts(session, {row.id for row in rows})
    return [
        _Late(row.item_id, row.at, row.channel)
        for row in rows
        if firsts[row.id] == row.item_id and (row.revision > 1 or not was_relevant(row.reasons))
    ]


def _oldest_texts(session: Session, cases: set[int]) -> dict[int, int]:
    """Give the text that came to each matter first."""
    rows = session.execute(
        select(CaseItemRow.case_id, CaseItemRow.item_id)
        .where(CaseItemRow.case_id.in_(cases))
        .order_by(CaseItemRow.at.desc(), CaseItemRow.item_id.desc())
    )
    return dict(rows.all())


def _missed(session: Session, late: Sequence[_Late], verdicts: Sequence[_Verdict]) -> list[Missed]:
    """Give the texts that people put right and that no rule had a word for, with where they sent them."""
    channels = {one.item_id: one.channel for one in late}
    corrected = [one for one in verdicts if one.kind is VerdictKind.CHANNEL]
    first = _oldest_texts(session, {one.case_id for one in corrected})
    for one in corrected:
        item_id = one.item_id or first.get(one.case_id)
        if item_id is not None:
            channels[item_id] = one.corrected
    rows = session.execute(
        select(ItemRow.id, ItemRow.title, ItemRow.text, ItemRow.reasons, ItemRow.places)
        .where(ItemRow.id.in_(channels))
        .order_by(ItemRow.id)
    )
    return [
        Missed(row.title, row.text, channels[row.id], tuple(row.places))
        for row in rows
        if not rules_of(row.reasons)
    ]


def _others(session: Session, since: datetime, until: datetime) -> list[str]:
    newest = session.execute(
        select(ItemRow.title, ItemRow.text, ItemRow.outcome)
        .where(ItemRow.first_seen_at >= since, ItemRow.first_seen_at < until)
        .order_by(ItemRow.id.desc())
        .limit(OTHERS_READ)
    )
    return [f"{row.title}。{row.text}" for row in newest if row.outcome is Outcome.NONE]

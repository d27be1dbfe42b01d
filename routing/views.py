"""What is shown of a case: read once, handed out as frozen values, so that no row leaks into a renderer."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from routing import held, people, promises, verdicts
from routing.coming import NO_CLOCK, ClockView, clock_view
from routing.competence import Competent
from routing.earlier import Earlier, earlier
from routing.effect import Effect, measured
from routing.held import DoubtView, HeldView
from routing.items import Band, Counts, Kind
from routing.limits import risen
from routing.merged import end_of
from routing.office import Level, Role, Step
from routing.owed import Owed
from routing.procedure import AFTER, AGAIN, TABLE, UNJUDGED
from routing.promises import PromiseView
from routing.store.tables import (
    AssignmentRow,
    CaseItemRow,
    CaseRow,
    CounterRow,
    DeadlineRow,
    DraftRow,
    ItemRow,
    LegacyRow,
    MessageRefRow,
    PaperRow,
    ProposalRow,
    ReleaseRow,
    ReviewRow,
    SuggestionRow,
    VerdictKind,
)
from routing.told import as_told
from routing.workflow import ENDED, AnswerKind, Aspect, Command, Openness, Opinion, Stage, State


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One public text of a case. `quote`: its sentence that sounds worst; empty for a short or a friendly text.

    `evidence`: the words that speak most for its band of sentiment, where the scorer named any.
    """

    source_id: str
    kind: Kind
    title: str
    url: str
    text: str
    at: datetime
    id: int = 0
    quote: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Other:
    """Something that is named and chosen by its id: another case, or a text, which has no number."""

    id: int
    number: str
    title: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SuggestionView:
    """The open case that a new one is perhaps one with, and why (Chinese)."""

    other: Other
    why: str


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """One opinion on a draft. `basis` and `reason` are for one named person, never for a group."""

    stage: Stage
    opinion: Opinion
    reviewer: str
    basis: str
    reason: str
    at: datetime
    aspects: frozenset[Aspect] = frozenset()


@dataclass(frozen=True, slots=True)
class DraftView:
    """One version of the answer with what was said of it.

    `previous` is the text that it is compared with, None for none: of the version before, or of `seen`, the newest
    earlier version that the reader himself was shown. `openness_reason`: why it is not for the public.
    """

    version: int
    text: str
    openness: str
    drafter_id: int
    drafter: str
    at: datetime
    previous: str | None
    reviews: tuple[ReviewLine, ...]
    openness_reason: str = ""
    seen: int | None = None
    sent_back: tuple[int, ReviewLine] | None = None
    """The last version before this one that was sent back to be changed, with who did it and why."""

    @property
    def is_public(self) -> bool:
        """Tell whether the text is for everybody; else (依申请公开, 不予公开) it goes to who asked and stands in no group."""
        return self.openness == Openness.PUBLIC


@dataclass(frozen=True, slots=True)
class SlipView:
    """The newest dispatch slip: who sent it where, who signed or returned it and when."""

    channel: str
    unit: str
    dispatched_by: str
    dispatched_at: datetime
    signed_by: str
    signed_at: datetime | None
    returned_by: str
    returned_at: datetime | None
    assigned: bool
    number: str = ""


@dataclass(frozen=True, slots=True)
class ReturnView:
    """One return (退回) by a unit. `reason` is for who judges, in private, never for a group."""

    unit: str
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class DeadlineView:
    """A running limit; `tentative` where the working-day calendar of the year is not published yet."""

    step: Step
    due_at: datetime
    tentative: bool


@dataclass(frozen=True, slots=True)
class ReasonView:
    """Why the machine proposed what it proposed: a rule by name and the words it met."""

    rule: str
    words: tuple[str, ...]
    note: str


_OF_UNITS = frozenset({Command.SIGN_COPY, Command.COUNTERSIGN})
"""What only the unit that was asked can sign: no other name may stand there."""


@dataclass(frozen=True, slots=True)
class PaperView:
    """A paper of the file: what was asked of a channel or said by a person. `done_at` None: still waited for."""

    kind: Command
    channel: str
    draft_version: int
    by: str
    stance: str
    text: str
    at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class LegacyView:
    """What is shown of where a case comes from an older ledger: since when it is here, its old number, the old answer.

    `told`: heading -> text of what else the ledger says and a card should.
    """

    at: datetime
    number: str
    told: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CaseView:
    """Everything a card can show of a case. Instants are aware UTC; people are names.

    `merged_into`: where its texts went in the end; `suggestion`: where they might go, while they may; `earlier`: one of
    its place and kind that had been silent for long, while nobody has judged this one; `said_band`: what a person
    said of the tone of the lead; `level_why`: by what the spread raised the proposed level, empty where it did not;
    `registered_by`: who entered it by hand (首接), empty where a source brought it;
    `released_as`: the openness attribute of the answer that was released;
    `legacy`: how it came from an older ledger, None where it began here;
    `competent`: the units that it is proposed to, by the key of a channel that has several, see `routing.bodies`;
    `held`: by what its card is held back; `below`: the numbers of the small cases that stand on this one's card;
    `doubted`: the cases that wait there for a person to say whether they are part of this one.
    """

    id: int
    number: str
    title: str
    state: State
    level: Level
    proposed_level: Level
    channel: str
    proposed_channel: str
    copies: tuple[str, ...]
    place: str | None
    topic: str | None
    subject: str | None
    must_answer: bool
    version: int
    draft_version: int
    opened_at: datetime
    closed_at: datetime | None
    close_reason: str | None
    reasons: tuple[ReasonView, ...]
    items: int
    sources: tuple[str, ...]
    counts: Counts
    bands: Mapping[Band, int]
    lead: ItemLine | None
    first_url: str
    slip: SlipView | None
    draft: DraftView | None
    release_url: str | None
    released_by: str
    released_at: datetime | None
    deadlines: tuple[DeadlineView, ...]
    merged_into: Other | None = None
    suggestion: SuggestionView | None = None
    earlier: Earlier | None = None
    said_band: Band | None = None
    level_why: str = ""
    risen: Mapping[Level, datetime] = field(default_factory=dict)
    owed: Owed | None = None
    held: HeldView | None = None
    below: tuple[str, ...] = ()
    doubted: tuple[DoubtView, ...] = ()
    answer_kind: AnswerKind | None = None
    papers: tuple[PaperView, ...] = ()
    clock: ClockView = NO_CLOCK
    has_chief: bool = False
    registered_by: str = ""
    effect: Effect | None = None
    promises: tuple[PromiseView, ...] = ()
    released_as: str = ""
    legacy: LegacyView | None = None
    competent: Mapping[str, Competent] = field(default_factory=dict)
    returns: tuple[ReturnView, ...] = ()

    @property
    def is_out_still(self) -> bool:
        """Tell whether an answer is out while the matter is worked on again: only the next released one takes its place."""
        return self.released_at is not None and self.state not in {*AFTER, *ENDED}

    @property
    def again(self) -> tuple[PaperView, ...]:
        """Give what took the matter up again after an answer or its end, oldest first."""
        return tuple(paper for paper in self.papers if paper.kind in AGAIN)

    @property
    def is_correction(self) -> bool:
        """Tell whether the next answer puts right the one that is out (更正), and does not only add to it."""
        wrong = {Command.REOPEN, Command.RECALL}
        return self.is_out_still and bool(self.again) and self.again[-1].kind in wrong

    def waiting(self, kind: Command) -> frozenset[str]:
        """Name the channels that were asked for something and have not answered."""
        return frozenset(
            paper.channel
            for paper in self.papers
            if paper.kind is kind
            and paper.done_at is None
            and (kind is not Command.COUNTERSIGN or paper.draft_version == self.draft_version)
        )


def case_view(session: Session, case_id: int, draft_version: int | None = None) -> CaseView | None:
    """Read a case for showing. `draft_version` picks an older draft (a card that stands for it); default: current."""
    case = session.get(CaseRow, case_id)
    if case is None:
        return None
    items = _items(session, case.id)
    lead = _lead(items)
    # The first is what people decided on; a later one says why as the text now reads.
    proposals = session.scalars(
        select(ProposalRow).where(ProposalRow.case_id == case.id).order_by(ProposalRow.id)
    ).all()
    release = session.scalar(
        select(ReleaseRow).where(ReleaseRow.case_id == case.id).order_by(ReleaseRow.id.desc())
    )
    return CaseView(
        id=case.id,
        number=case.number,
        title=case.title,
        state=case.state,
        level=case.level,
        proposed_level=case.proposed_level,
        channel=case.channel,
        proposed_channel=proposals[0].channel if proposals else case.channel,
        copies=tuple(case.copies),
        place=case.place,
        topic=case.topic,
        subject=case.subject,
        must_answer=case.must_answer,
        owed=case.owed,
        version=case.version,
        draft_version=case.draft_version,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
        close_reason=case.close_reason,
        reasons=_reasons(proposals[-1].reasons if proposals else []),
        items=len(items),
        sources=tuple(dict.fromkeys(item.source_id for item in items)),
        counts=_sum(items),
        bands={band: sum(1 for i in items if i.sentiment_band is band) for band in Band},
        lead=lead,
        first_url=next((item.url for item in items if item.url), ""),
        slip=_slip(session, case),
        returns=_returns(session, case.id),
        draft=_draft(session, case.id, case.draft_version if draft_version is None else draft_version),
        release_url=release.url or None if release else None,
        released_by=people.name_of(session, release.confirmed_by) if release else "",
        released_at=release.at if release else None,
        released_as=session.get_one(DraftRow, release.draft_id).openness if release else "",
        deadlines=tuple(
            DeadlineView(d.step, d.due_at, d.tentative)
            for d in session.scalars(
                select(DeadlineRow)
                .where(DeadlineRow.case_id == case.id, DeadlineRow.ended_at.is_(None))
                .order_by(DeadlineRow.due_at)
            )
        ),
        merged_into=None if case.merged_into is None else _other(session, end_of(session, case).id),
        suggestion=suggestion_of(session, case),
        earlier=earlier(session, case) if case.state in UNJUDGED else None,
        said_band=verdicts.said_bands(session, [lead.id]).get(lead.id) if lead else None,
        level_why=case.level_why or "",
        risen=risen(case),
        held=held.held_view(session, case.id),
        below=held.below(session, case.id),
        doubted=held.doubted(session, case.id),
        answer_kind=case.answer_kind,
        papers=_papers(session, case.id),
        has_chief=case.state is State.TO_APPROVE and bool(people.holders(session, Role.CHIEF)),
        clock=clock_view(session, case),
        registered_by=people.name_of(session, case.registered_by),
        effect=measured(release.effect) if release else None,
        promises=promises.promises(session, case.id),
        legacy=_legacy(session, case),
    )


_OLD_WORDS = (
    "首接人",
    "首回时间",
    "办结时间",
    "办结回复摘要",
    "线上情况",
    "线下情况",
    "是否督办",
    "满意度",
    "备注",
)


def _legacy(session: Session, case: CaseRow) -> LegacyView | None:
    row = session.get(LegacyRow, case.id) if case.imported_at is not None else None
    if row is None or case.imported_at is None:
        return None
    told = {name: row.said[name] for name in _OLD_WORDS if row.said.get(name)}
    return LegacyView(case.imported_at, case.old_number or "", told)


def _papers(session: Session, case_id: int) -> tuple[PaperView, ...]:
    rows = session.scalars(select(PaperRow).where(PaperRow.case_id == case_id).order_by(PaperRow.id))
    return tuple(
        PaperView(
            kind=row.kind,
            channel=row.channel,
            draft_version=row.draft_version,
            by=people.name_of(
                session, row.done_by if row.done_by or row.kind in _OF_UNITS else row.person_id
            ),
            stance=row.stance,
            text=row.text,
            at=row.at,
            done_at=row.done_at,
        )
        for row in rows
    )


def as_seen_by(session: Session, view: CaseView, chat: str) -> CaseView:
    """Compare the draft with the newest earlier version that stands in a private chat; where none does, it stays as it is."""
    draft = view.draft
    seen = None if draft is None else _seen(session, view.id, chat, draft.version)
    if draft is None or seen is None:
        return view
    query = select(DraftRow.text).where(DraftRow.case_id == view.id, DraftRow.version == seen)
    return replace(view, draft=replace(draft, previous=session.scalar(query), seen=seen))


def _seen(session: Session, case_id: int, chat: str, before: int) -> int | None:
    return session.scalar(
        select(func.max(MessageRefRow.draft_version)).where(
            MessageRefRow.case_id == case_id,
            MessageRefRow.chat == chat,
            MessageRefRow.draft_version > 0,
            MessageRefRow.draft_version < before,
        )
    )


def suggestion_of(session: Session, case: CaseRow) -> SuggestionView | None:
    """Give the case that this one is perhaps one with; None where there is none that it could go into now, or a person
    said that it is a matter of its own.
    """
    row = session.get(SuggestionRow, case.id) if (case.state, Command.MERGE) in TABLE else None
    other = end_of(session, session.get_one(CaseRow, row.other_id)) if row else None
    if row is None or other is None or other.state in ENDED or other.id == case.id:
        return None
    if verdicts.newest(session, case.id, VerdictKind.APART) is not None:
        return None
    return SuggestionView(Other(other.id, other.number, other.title, other.opened_at), row.why)


def _other(session: Session, case_id: int | None) -> Other | None:
    row = session.get(CaseRow, case_id) if case_id is not None else None
    return None if row is None else Other(row.id, row.number, row.title, row.opened_at)


def stamp(session: Session, case_id: int) -> tuple[int, int, int]:
    """Give what tells whether a card is up to date: the case's version, its number of items, of cases on its card."""
    version = session.scalar(select(CaseRow.version).where(CaseRow.id == case_id)) or 0
    items = session.scalar(select(func.count()).where(CaseItemRow.case_id == case_id)) or 0
    return version, items, held.listed(session, case_id)


def find_case(session: Session, key: str) -> int | None:
    """Find a case by its number (`YQ-2026-0001`), the bare serial (the newest year's), the number that it had in an older
    ledger, or the address of an item.
    """
    key = key.strip()
    direct = session.scalar(
        select(CaseRow.id).where(CaseRow.number.in_(_numbers(session, key))).order_by(CaseRow.number.desc())
    )
    direct = direct or session.scalar(
        select(CaseRow.id)
        .where(CaseRow.old_number == key)
        .order_by(CaseRow.opened_at.desc(), CaseRow.id.desc())
    )
    if direct is not None:
        return direct
    return session.scalar(
        select(CaseItemRow.case_id).join(ItemRow, ItemRow.id == CaseItemRow.item_id).where(ItemRow.url == key)
    )


def _numbers(session: Session, key: str) -> list[str]:
    """Give the numbers that a key may stand for, all of them to be looked up: a bare serial is one a year."""
    number = unicodedata.normalize("NFKC", key).upper()
    if not number.isdecimal():
        return [number]
    years = session.scalars(select(CounterRow.name).where(CounterRow.name.startswith("case:")))
    return [f"YQ-{name.partition(':')[2]}-{number.zfill(4)}" for name in years]


def open_cases(
    session: Session, *, channels: Sequence[str] | None = None, limit: int = 200
) -> list[CaseView]:
    """List the cases that are not over, gravest and oldest first; `channels` narrows to what was dispatched there."""
    query = select(CaseRow.id).where(CaseRow.state.not_in(list(ENDED)))
    if channels is not None:
        query = query.where(dispatched_to(channels))
    ids = session.scalars(query.order_by(CaseRow.level, CaseRow.opened_at).limit(limit)).all()
    return [view for view in (case_view(session, case_id) for case_id in ids) if view is not None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which open cases to list. None narrows nothing; `due_before` leaves those with a limit that ends before it."""

    channels: Sequence[str] | None = None  # that the reader may see
    only: Sequence[str] | None = None
    levels: Sequence[Level] | None = None
    due_before: datetime | None = None


def open_page(session: Session, wanted: Wanted, *, page: int, size: int) -> tuple[list[CaseView], int]:
    """Give a page of the cases that are not over, and how many there are in all.

    Gravest and oldest first; of those that are due, what is due first.
    """
    query = select(CaseRow.id).where(CaseRow.state.not_in(list(ENDED)))
    if wanted.channels is not None:
        query = query.where(dispatched_to(wanted.channels))
    if wanted.only is not None:
        query = query.where(CaseRow.channel.in_(list(wanted.only)))
    if wanted.levels is not None:
        query = query.where(CaseRow.level.in_(list(wanted.levels)))
    order: list[ColumnElement[Any]] = [CaseRow.level.expression, CaseRow.opened_at.expression]
    if wanted.due_before is not None:
        first_due = (
            select(func.min(DeadlineRow.due_at))
            .where(
                DeadlineRow.case_id == CaseRow.id,
                DeadlineRow.ended_at.is_(None),
                DeadlineRow.paused_at.is_(None),
            )
            .scalar_subquery()
        )
        query, order = query.where(first_due < wanted.due_before), [first_due, *order]
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    shown = query.order_by(*order, CaseRow.id).offset(page * size).limit(size)
    views = [case_view(session, case_id) for case_id in session.scalars(shown).all()]
    return [view for view in views if view is not None], total


def is_dispatched_to(session: Session, case_id: int, channels: Sequence[str]) -> bool:
    """Tell whether a case is with one of these channels by the word of the duty officer, not by proposal only."""
    query = select(CaseRow.id).where(CaseRow.id == case_id, dispatched_to(channels))
    return session.scalar(query) is not None


def dispatched_to(channels: Sequence[str]) -> ColumnElement[bool]:
    """Give the condition on a case that it is with one of these channels by the word of the duty officer."""
    slip = select(AssignmentRow.id).where(
        AssignmentRow.case_id == CaseRow.id, AssignmentRow.channel == CaseRow.channel
    )
    return and_(
        CaseRow.channel.in_(list(channels)),
        CaseRow.state.not_in(
            [*UNJUDGED, State.CONSULTING, State.TO_ORDER, State.WATCHING]
        ),  # taken up again: the old slip counts no more
        slip.exists(),
    )


def _items(session: Session, case_id: int) -> list[ItemRow]:
    return list(
        session.scalars(
            select(ItemRow)
            .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
            .where(CaseItemRow.case_id == case_id)
            .order_by(*as_told())
        )
    )


def _lead(items: Sequence[ItemRow]) -> ItemLine | None:
    """Give the text that the case is about: its first that is no comment on another."""
    first = next((item for item in items if item.kind is not Kind.COMMENT), items[0] if items else None)
    return None if first is None else _line(first)


def _age(item: ItemRow) -> datetime:
    return item.published_at or item.first_seen_at


def _line(item: ItemRow) -> ItemLine:
    quote = "" if item.sentiment_band is Band.NOT_NEGATIVE else item.quote
    return ItemLine(
        item.source_id,
        item.kind,
        item.title,
        item.url,
        item.text,
        _age(item),
        item.id,
        quote,
        tuple(item.evidence or ()),
    )


def _sum(items: Sequence[ItemRow]) -> Counts:
    def total(values: Sequence[int | None]) -> int | None:
        known = [value for value in values if value is not None]
        return sum(known) if known else None

    return Counts(
        views=total([i.views for i in items]),
        likes=total([i.likes for i in items]),
        reposts=total([i.reposts for i in items]),
        comments=total([i.comments for i in items]),
    )


def _reasons(stored: Sequence[Mapping[str, object]]) -> tuple[ReasonView, ...]:
    return tuple(
        ReasonView(str(r.get("name", "")), tuple(map(str, _list(r.get("words")))), str(r.get("note", "")))
        for r in stored
    )


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else []


OLD_LEDGER = "旧台账"
"""Who stands for those whom an older ledger does not name."""


def sent_by(session: Session, case: CaseRow, slip: AssignmentRow) -> str:
    """Name who sent a slip out; of one that an older ledger tells of, that ledger."""
    if case.imported_at is not None and slip.dispatched_at <= case.imported_at:
        return OLD_LEDGER
    return people.name_of(session, slip.dispatched_by)


def _slip(session: Session, case: CaseRow) -> SlipView | None:
    row = session.scalar(
        select(AssignmentRow).where(AssignmentRow.case_id == case.id).order_by(AssignmentRow.id.desc())
    )
    if row is None:
        return None
    return SlipView(
        channel=row.channel,
        unit=row.unit,
        dispatched_by=sent_by(session, case, row),
        dispatched_at=row.dispatched_at,
        signed_by=people.name_of(session, row.signed_by) or (OLD_LEDGER if row.signed_at else ""),
        signed_at=row.signed_at,
        returned_by=people.name_of(session, row.returned_by),
        returned_at=row.returned_at,
        assigned=row.assigned,
        number=row.number or "",
    )


def _returns(session: Session, case_id: int) -> tuple[ReturnView, ...]:
    rows = session.scalars(
        select(AssignmentRow)
        .where(AssignmentRow.case_id == case_id, AssignmentRow.returned_at.is_not(None))
        .order_by(AssignmentRow.id)
    )
    return tuple(
        ReturnView(
            row.unit, people.name_of(session, row.returned_by), row.returned_at, row.return_reason or ""
        )
        for row in rows
        if row.returned_at is not None
    )


def _draft(session: Session, case_id: int, version: int) -> DraftView | None:
    row = session.scalar(select(DraftRow).where(DraftRow.case_id == case_id, DraftRow.version == version))
    if row is None:
        return None
    previous = session.scalar(
        select(DraftRow.text).where(DraftRow.case_id == case_id, DraftRow.version == version - 1)
    )
    reviews = session.scalars(select(ReviewRow).where(ReviewRow.draft_id == row.id).order_by(ReviewRow.id))
    return DraftView(
        version=row.version,
        text=row.text,
        openness=row.openness,
        drafter_id=row.drafter_id,
        drafter=people.name_of(session, row.drafter_id),
        at=row.at,
        previous=previous,
        reviews=tuple(_review(session, review) for review in reviews),
        openness_reason=row.openness_reason,
        sent_back=_sent_back(session, case_id, version),
    )


def _review(session: Session, row: ReviewRow) -> ReviewLine:
    return ReviewLine(
        row.stage,
        row.opinion,
        people.name_of(session, row.reviewer_id),
        row.basis,
        row.reason,
        row.at,
        frozenset(Aspect(word) for word in row.aspects or ()),
    )


def _sent_back(session: Session, case_id: int, before: int) -> tuple[int, ReviewLine] | None:
    found = session.execute(
        select(DraftRow.version, ReviewRow)
        .join(DraftRow, DraftRow.id == ReviewRow.draft_id)
        .where(DraftRow.case_id == case_id, DraftRow.version < before, ReviewRow.opinion == Opinion.RETURN)
        .order_by(ReviewRow.id.desc())
        .limit(1)
    ).first()
    return None if found is None else (found[0], _review(session, found[1]))

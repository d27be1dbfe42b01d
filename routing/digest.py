"""A stretch of time in numbers, for the weekly digest: matters, channels, limits. No texts of answers, no people.

Figures stand a channel, or a unit where a channel lists several, never a person, and rank nobody
(国办函〔2026〕12号). What carries "now" in its name is so at `now`; all else belongs to the span.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from routing.clock import Span
from routing.effect import SPAN as EFFECT_SPAN
from routing.effect import Effect, measured
from routing.items import LEGACY
from routing.office import Level, Office, Step
from routing.silence import Ending
from routing.store.tables import (
    AssignmentRow,
    CaseItemRow,
    CaseRow,
    DeadlineRow,
    HoldRow,
    ItemRow,
    MuteRow,
    Outcome,
    PaperRow,
    ReleaseRow,
    SupervisionRow,
)
from routing.workflow import ENDED, Command, State

TOP_MATTERS = 5
OTHER_REASON = "其他理由"
NOTHING_DUE = "无事项"
_K = TypeVar("_K", bound=Hashable)


class Rate(NamedTuple):
    """How many limits were met of those that were due; printed as people read it."""

    met: int
    due: int

    def __str__(self) -> str:
        """Say `3/4（75%）`; where nothing was due neither 0 % nor 100 % would be true."""
        return f"{self.met}/{self.due}（{self.met * 100 // self.due}%）" if self.due else NOTHING_DUE


NO_RATE = Rate(0, 0)


@dataclass(frozen=True, slots=True)
class DayCount:
    """The matters that were opened on one local day of the office, by level; all four levels, zeros included."""

    on: date
    by_level: Mapping[Level, int]

    @property
    def total(self) -> int:
        """Add the levels up."""
        return sum(self.by_level.values())


@dataclass(frozen=True, slots=True)
class Overdue:
    """A matter with limits that ran out: its late steps, the latest-running first, and how long that one is late."""

    number: str
    title: str
    level: Level
    state: State
    steps: tuple[Step, ...]
    late: timedelta


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """One channel: `opened`, `dispatched`, `signed` (及时签收率), `answered` (按时回应率), `closed` (按时办结率) in the span,
    the rest now.

    A matter that was not dispatched yet counts with the channel that it is proposed for.
    """

    key: str
    name: str
    opened: int
    dispatched: int
    signed: Rate
    answered: Rate
    open_now: int
    overdue_now: tuple[Overdue, ...]
    closed: Rate = NO_RATE


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One unit (承办单位) of a channel that lists several: `dispatched`, `signed` (及时签收率), `closed` (按时办结率) in the
    span, the rest now.
    """

    channel: str
    name: str
    dispatched: int
    signed: Rate
    closed: Rate
    open_now: int
    overdue_now: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A matter of the bulletin (通报), by the unit's channel and never by a person; `at` in the office's zone."""

    number: str
    title: str
    channel: str
    step: Step
    at: datetime


@dataclass(frozen=True, slots=True)
class Matter:
    """One matter for the list of the gravest; `items` are the public texts that came to it within the span."""

    number: str
    title: str
    level: Level
    state: State
    items: int


@dataclass(frozen=True, slots=True)
class Answered:
    """A matter whose answer was measured in the span, a day after its release."""

    number: str
    title: str
    level: Level
    effect: Effect


@dataclass(frozen=True, slots=True)
class Digest:
    """What a digest tells. `days`: one entry a day, oldest first, gaps as 0. Instants are in the office's zone.

    `channels` keep the office's order; one that is no longer configured follows only where it has figures. `units`: those with
    figures, of channels that list several.
    `extended`: so many of those closed on time had been granted a longer limit, and count as on time. `bulletin` (通报):
    matters that stand unmet five working days after their red supervision.
    `dismissed`: reason and count, most frequent first, reasons in free words under 其他理由.
    `median_sign_minutes`: clock minutes from dispatch to receipt, of the receipts in the span; None without one.
    `mutes` were begun in the span, `muted` matters were held back by one, `beside` stood on a graver one's card.
    `doubted` waited on the card of one that they were perhaps part of (疑似同一事项); of these `undecided` came out by the
    clock, for nobody said anything.
    `effects`: what answers did whose day after ended in the span, the gravest matters first.
    """

    office: str
    span: str
    start: datetime
    end: datetime
    now: datetime
    opened: int
    by_level: Mapping[Level, int]
    days: tuple[DayCount, ...]
    channels: tuple[ChannelLine, ...]
    signed: Rate
    answered: Rate
    open_now: int
    overdue_now: int
    dismissed: tuple[tuple[str, int], ...]
    items_seen: int
    items_no_matter: int
    items_stock: int
    top: tuple[Matter, ...]
    median_sign_minutes: int | None
    closed: Rate = NO_RATE
    extended: int = 0
    bulletin: tuple[Listed, ...] = ()
    mutes: int = 0
    muted: int = 0
    beside: int = 0
    doubted: int = 0
    undecided: int = 0
    effects: tuple[Answered, ...] = ()
    units: tuple[UnitLine, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell that nothing was opened, dismissed or due, and nothing is open."""
        return not (self.opened or self.dismissed or self.open_now or self.signed.due or self.answered.due)


def week_numbers(session: Session, office: Office, span: Span, now: datetime) -> Digest:
    """Count one span (a week, a day) of an office as of `now`. Reads only; safe to call at any time."""
    opened = session.execute(
        select(CaseRow.opened_at, CaseRow.level, CaseRow.channel).where(
            _within(CaseRow.opened_at, span),
            CaseRow.state != State.MERGED,  # it lives on in another
            CaseRow.imported_at.is_(None),  # nor is history new
        )
    ).all()
    signed, answered = _signed(session, span, now), _answered(session, span, now)
    dispatched = _dispatched(session, span)
    closed, extended = _closed(session, span, now)
    open_now, overdue = _open(session), _overdue(session, now)
    opened_by_channel = Counter(row.channel for row in opened)
    lines = tuple(
        ChannelLine(
            key=key,
            name=office.channels[key].name if key in office.channels else key,
            opened=opened_by_channel[key],
            dispatched=dispatched[key],
            signed=signed.get(key, Rate(0, 0)),
            answered=answered.get(key, Rate(0, 0)),
            open_now=open_now[key],
            overdue_now=tuple(overdue.get(key, ())),
            closed=closed.get(key, Rate(0, 0)),
        )
        for key in _keys(office, opened_by_channel, dispatched, open_now, signed, answered, closed)
    )
    outcomes = _outcomes(session, span)
    doubts = (_within(HoldRow.at, span), HoldRow.beside_id.is_not(None))
    return Digest(
        office=office.name,
        span=span.name,
        start=span.start.astimezone(office.zone),
        end=span.end.astimezone(office.zone),
        now=now.astimezone(office.zone),
        opened=len(opened),
        by_level=_by_level(row.level for row in opened),
        days=_days([(row.opened_at, row.level) for row in opened], span, office.zone),
        channels=lines,
        signed=_sum(line.signed for line in lines),
        answered=_sum(line.answered for line in lines),
        open_now=sum(line.open_now for line in lines),
        overdue_now=sum(len(line.overdue_now) for line in lines),
        dismissed=_dismissed(session, office, span),
        items_seen=sum(outcomes.values()),
        items_no_matter=outcomes[Outcome.NONE],
        items_stock=outcomes[Outcome.BASELINE],
        top=_top(session, span),
        median_sign_minutes=_median_sign(session, span),
        closed=_sum(line.closed for line in lines),
        extended=extended,
        bulletin=_bulletin(session, office),
        mutes=_count(session, MuteRow, _within(MuteRow.at, span)),
        muted=_count(session, HoldRow, _within(HoldRow.at, span), HoldRow.mute_id.is_not(None)),
        beside=_count(session, HoldRow, _within(HoldRow.at, span), HoldRow.under_id.is_not(None)),
        doubted=_count(session, HoldRow, *doubts),
        undecided=_count(session, HoldRow, *doubts, HoldRow.ending == Ending.UNDECIDED),
        effects=_effects(session, span),
        units=_units(session, office, span, now, {one.number for line in lines for one in line.overdue_now}),
    )


def _keys(office: Office, *counted: Iterable[str]) -> list[str]:
    seen = {key for keys in counted for key in keys}
    return [*office.channels, *sorted(seen - set(office.channels))]


def _within(column: InstrumentedAttribute[Any], span: Span) -> ColumnElement[bool]:
    return and_(column >= span.start, column < span.end)


def _by_level(levels: Iterable[Level]) -> Mapping[Level, int]:
    counts = Counter(levels)
    return {level: counts[level] for level in Level}


def _days(opened: Sequence[tuple[datetime, Level]], span: Span, zone: ZoneInfo) -> tuple[DayCount, ...]:
    # Local days, not stretches of 24 h: a day that loses or gains an hour is still one day.
    on_day: dict[date, list[Level]] = {}
    for at, level in opened:
        on_day.setdefault(at.astimezone(zone).date(), []).append(level)
    first, end = span.start.astimezone(zone).date(), span.end.astimezone(zone).date()
    days = (first + timedelta(days=i) for i in range((end - first).days))
    return tuple(DayCount(day, _by_level(on_day.get(day, ()))) for day in days)


def _signed(session: Session, span: Span, now: datetime) -> dict[str, Rate]:
    rows = session.execute(
        select(DeadlineRow.channel, DeadlineRow.ended_at, DeadlineRow.due_at)
        .join(CaseRow, CaseRow.id == DeadlineRow.case_id)
        .where(DeadlineRow.step == Step.SIGN, _may_settle(span))
    ).all()
    return _rates([(row.channel, row.ended_at, row.due_at) for row in rows], span, now)


def _answered(session: Session, span: Span, now: datetime) -> dict[str, Rate]:
    """Count the limits of the public answer, by the channel that the matter has now.

    A matter that was dismissed before the limit ran out owed no answer and is not due; one dismissed after it is.
    """
    answered = select(ReleaseRow.id).where(ReleaseRow.case_id == DeadlineRow.case_id).exists()
    rows = session.execute(
        select(CaseRow.channel, DeadlineRow.ended_at, DeadlineRow.due_at)
        .join(CaseRow, CaseRow.id == DeadlineRow.case_id)
        .where(
            DeadlineRow.step == Step.RESPOND,
            CaseRow.state != State.MERGED,  # its limit runs on in the matter that it went into
            _may_settle(span),
            or_(DeadlineRow.ended_at.is_(None), DeadlineRow.ended_at > DeadlineRow.due_at, answered),
        )
    ).all()
    return _rates([(row.channel, row.ended_at, row.due_at) for row in rows], span, now)


def _closed(session: Session, span: Span, now: datetime) -> tuple[dict[str, Rate], int]:
    """Count the limits of closing (按时办结率), and those met only for a longer time that was granted.

    A limit that ended for another reason than closing, a redirection say, is not due; one that stands still neither.
    """
    granted = select(PaperRow.id).where(
        PaperRow.case_id == DeadlineRow.case_id,
        PaperRow.kind == Command.GRANT,
        PaperRow.at >= DeadlineRow.started_at,
    )
    rows = session.execute(
        select(DeadlineRow.channel, DeadlineRow.ended_at, DeadlineRow.due_at, granted.exists())
        .join(CaseRow, CaseRow.id == DeadlineRow.case_id)
        .where(_is_closing(span))
    ).all()
    longer = [row for row in rows if row[3]]
    extended = _sum(_rates([(row[0], row[1], row[2]) for row in longer], span, now).values()).met
    return _rates([(row[0], row[1], row[2]) for row in rows], span, now), extended


def _is_closing(span: Span) -> ColumnElement[bool]:
    return and_(
        DeadlineRow.step == Step.CLOSE,
        DeadlineRow.paused_at.is_(None),
        CaseRow.state != State.MERGED,
        _may_settle(span),
        or_(
            DeadlineRow.ended_at.is_(None),
            DeadlineRow.ended_at > DeadlineRow.due_at,
            DeadlineRow.ended_at == CaseRow.closed_at,
        ),
    )


def _units(
    session: Session, office: Office, span: Span, now: datetime, overdue: Collection[str]
) -> tuple[UnitLine, ...]:
    """Count by unit, where a channel lists several; `overdue`: numbers of the matters with a limit that ran out."""
    keys = [key for key, channel in office.channels.items() if channel.bodies]
    if not keys:
        return ()
    sent: Counter[tuple[str, str]] = Counter(
        (channel, unit)
        for channel, unit in session.execute(
            select(AssignmentRow.channel, AssignmentRow.unit)
            .join(CaseRow, CaseRow.id == AssignmentRow.case_id)
            .where(_within(AssignmentRow.dispatched_at, span), _sent_here(), AssignmentRow.channel.in_(keys))
        )
    )
    having = _having(session, keys)
    signed = _rates_of_units(session, keys, span, now, and_(DeadlineRow.step == Step.SIGN, _may_settle(span)))
    closed = _rates_of_units(session, keys, span, now, _is_closing(span))
    open_now = Counter(having.values())
    late = Counter(unit for number, unit in having.items() if number in overdue)
    lines = (
        UnitLine(
            channel=office.channels[key].name,
            name=unit,
            dispatched=sent[key, unit],
            signed=signed.get((key, unit), NO_RATE),
            closed=closed.get((key, unit), NO_RATE),
            open_now=open_now[key, unit],
            overdue_now=late[key, unit],
        )
        for key in keys
        for unit in office.channels[key].units()
    )
    return tuple(one for one in lines if one.dispatched or one.open_now or one.signed.due or one.closed.due)


def _having(session: Session, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Give channel and unit that have each open matter now, by its number."""
    newest = select(func.max(AssignmentRow.id)).group_by(AssignmentRow.case_id)
    rows = session.execute(
        select(CaseRow.number, AssignmentRow.channel, AssignmentRow.unit)
        .join(AssignmentRow, AssignmentRow.case_id == CaseRow.id)
        .where(
            AssignmentRow.id.in_(newest),
            AssignmentRow.returned_at.is_(None),
            AssignmentRow.channel == CaseRow.channel,
            AssignmentRow.channel.in_(keys),
            CaseRow.state.not_in(list(ENDED)),
        )
    )
    return {number: (channel, unit) for number, channel, unit in rows}


def _rates_of_units(
    session: Session, keys: Sequence[str], span: Span, now: datetime, which: ColumnElement[bool]
) -> dict[tuple[str, str], Rate]:
    """Count limits by the unit whose slip stood when they began."""
    rows = session.execute(
        select(
            DeadlineRow.id,
            DeadlineRow.channel,
            AssignmentRow.unit,
            DeadlineRow.ended_at,
            DeadlineRow.due_at,
        )
        .join(CaseRow, CaseRow.id == DeadlineRow.case_id)
        .join(
            AssignmentRow,
            and_(
                AssignmentRow.case_id == DeadlineRow.case_id,
                AssignmentRow.channel == DeadlineRow.channel,
                AssignmentRow.dispatched_at <= DeadlineRow.started_at,
            ),
        )
        .where(DeadlineRow.channel.in_(keys), which)
        .order_by(DeadlineRow.id, AssignmentRow.id)
    ).all()
    last = {id_: ((channel, unit), ended_at, due_at) for id_, channel, unit, ended_at, due_at in rows}
    return _rates(list(last.values()), span, now)


def _bulletin(session: Session, office: Office) -> tuple[Listed, ...]:
    rows = session.execute(
        select(CaseRow.number, CaseRow.title, CaseRow.channel, DeadlineRow.step, SupervisionRow.listed_at)
        .join(SupervisionRow, SupervisionRow.case_id == CaseRow.id)
        .join(DeadlineRow, DeadlineRow.id == SupervisionRow.deadline_id)
        .where(SupervisionRow.ended_at.is_(None), SupervisionRow.listed_at.is_not(None))
        .order_by(SupervisionRow.listed_at, SupervisionRow.id)
    )
    return tuple(
        Listed(
            number,
            title,
            office.channels[key].name if key in office.channels else key,
            step,
            at.astimezone(office.zone),
        )
        for number, title, key, step, at in rows
        if at is not None
    )


def _may_settle(span: Span) -> ColumnElement[bool]:
    """Choose limits that may be decided in a span; what was over before a case was taken over is not the desk's."""
    of_the_desk = or_(CaseRow.imported_at.is_(None), DeadlineRow.due_at > CaseRow.imported_at)
    return and_(or_(_within(DeadlineRow.ended_at, span), _within(DeadlineRow.due_at, span)), of_the_desk)


def _rates(rows: Sequence[tuple[_K, datetime | None, datetime]], span: Span, now: datetime) -> dict[_K, Rate]:
    """Count each limit in the one span in which it was decided: when it was met, else when it ran out."""
    rates: dict[_K, Rate] = {}
    for channel, ended_at, due_at in rows:
        met = ended_at is not None and ended_at <= due_at
        decided_at = ended_at if met and ended_at is not None else due_at
        if span.start <= decided_at < span.end and (met or due_at < now):
            old = rates.get(channel, Rate(0, 0))
            rates[channel] = Rate(old.met + met, old.due + 1)
    return rates


def _sum(rates: Iterable[Rate]) -> Rate:
    pairs = list(rates)
    return Rate(sum(rate.met for rate in pairs), sum(rate.due for rate in pairs))


def _sent_here() -> ColumnElement[bool]:
    """Leave out slips that an older ledger tells of."""
    return or_(CaseRow.imported_at.is_(None), AssignmentRow.dispatched_at > CaseRow.imported_at)


def _dispatched(session: Session, span: Span) -> Counter[str]:
    rows = session.execute(
        select(AssignmentRow.channel, func.count())
        .join(CaseRow, CaseRow.id == AssignmentRow.case_id)
        .where(_within(AssignmentRow.dispatched_at, span), _sent_here())
        .group_by(AssignmentRow.channel)
    )
    return Counter(dict(rows.all()))


def _open(session: Session) -> Counter[str]:
    rows = session.execute(
        select(CaseRow.channel, func.count())
        .where(CaseRow.state.not_in(list(ENDED)))
        .group_by(CaseRow.channel)
    )
    return Counter(dict(rows.all()))


def _overdue(session: Session, now: datetime) -> dict[str, list[Overdue]]:
    """List the matters with a limit that ran out, one line a matter, the longest late first, by channel."""
    rows = session.execute(
        select(CaseRow, DeadlineRow.step, DeadlineRow.due_at)
        .join(DeadlineRow, DeadlineRow.case_id == CaseRow.id)
        .where(
            DeadlineRow.ended_at.is_(None),
            DeadlineRow.paused_at.is_(None),
            DeadlineRow.due_at < now,
            CaseRow.state.not_in(list(ENDED)),
        )
        .order_by(DeadlineRow.due_at, DeadlineRow.id)
    ).all()
    late: dict[int, list[tuple[Step, datetime]]] = {}
    cases: dict[int, CaseRow] = {}
    for row, step, due_at in rows:
        cases[row.id] = row
        late.setdefault(row.id, []).append((step, due_at))
    found: dict[str, list[Overdue]] = {}
    for case_id, steps in late.items():
        row = cases[case_id]
        found.setdefault(row.channel, []).append(
            Overdue(
                row.number,
                row.title,
                row.level,
                row.state,
                tuple(step for step, _ in steps),
                now - steps[0][1],
            )
        )
    return found


def _dismissed(session: Session, office: Office, span: Span) -> tuple[tuple[str, int], ...]:
    reasons = session.scalars(
        select(CaseRow.close_reason).where(
            CaseRow.state == State.DISMISSED,
            _within(CaseRow.closed_at, span),
            or_(CaseRow.imported_at.is_(None), CaseRow.closed_at > CaseRow.imported_at),
        )
    )
    # Free words may name somebody; only the office's own list goes into a digest.
    counts = Counter(r if r is not None and r in office.dismiss_reasons else OTHER_REASON for r in reasons)
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _outcomes(session: Session, span: Span) -> Counter[Outcome]:
    rows = session.execute(
        select(ItemRow.outcome, func.count())
        .where(_within(ItemRow.first_seen_at, span), ItemRow.source_id != LEGACY)
        .group_by(ItemRow.outcome)
    )
    return Counter(dict(rows.all()))


def _count(session: Session, row: type[MuteRow] | type[HoldRow], *where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(row).where(*where)) or 0


def _top(session: Session, span: Span) -> tuple[Matter, ...]:
    """List the gravest matters that were opened in the span or that more texts came to."""
    came = func.count(CaseItemRow.item_id)
    came_here = or_(CaseRow.imported_at.is_(None), CaseItemRow.at > CaseRow.imported_at)
    rows = session.execute(
        select(CaseRow.number, CaseRow.title, CaseRow.level, CaseRow.state, came)
        .outerjoin(
            CaseItemRow, and_(CaseItemRow.case_id == CaseRow.id, _within(CaseItemRow.at, span), came_here)
        )
        .where(CaseRow.state.not_in([State.DISMISSED, State.MERGED]))
        .group_by(CaseRow.id)
        .having(or_(came > 0, and_(_within(CaseRow.opened_at, span), CaseRow.imported_at.is_(None))))
        .order_by(CaseRow.level, came.desc(), CaseRow.number)
        .limit(TOP_MATTERS)
    )
    return tuple(Matter(number, title, level, state, items) for number, title, level, state, items in rows)


def _effects(session: Session, span: Span) -> tuple[Answered, ...]:
    rows = session.execute(
        select(CaseRow.number, CaseRow.title, CaseRow.level, ReleaseRow.effect)
        .join(ReleaseRow, ReleaseRow.case_id == CaseRow.id)
        .where(ReleaseRow.at >= span.start - EFFECT_SPAN, ReleaseRow.at < span.end - EFFECT_SPAN)
        .order_by(CaseRow.level, ReleaseRow.at)
    )
    told = [(number, title, level, measured(stored)) for number, title, level, stored in rows]
    return tuple(
        Answered(number, title, level, effect) for number, title, level, effect in told if effect is not None
    )[:TOP_MATTERS]


def _median_sign(session: Session, span: Span) -> int | None:
    rows = session.execute(
        select(AssignmentRow.dispatched_at, AssignmentRow.signed_at)
        .join(CaseRow, CaseRow.id == AssignmentRow.case_id)
        .where(_within(AssignmentRow.signed_at, span), _sent_here())
    )
    minutes = [(signed - sent).total_seconds() / 60 for sent, signed in rows if signed is not None]
    return round(median(minutes)) if minutes else None

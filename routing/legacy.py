"""Taking matters over from an older ledger (旧台账): what is new of them, and all that is new in one transaction.

A matter that is over comes in as it ended; one that is open goes on from where it stood, with its limits counted from
the dates of the ledger. Nothing is alarmed: one summary goes to the duty group and one list to each unit that has
something in hand, and the cards of Ⅲ and Ⅳ wait until somebody asks for them. What was over its limit before is marked
so once and reminded no more. The judgement of texts, which is slow, is made before the transaction (`prepare`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from routing import announce, deadlines, search
from routing.counters import head_of
from routing.intake import values_of
from routing.items import LEGACY, OWN_TAG, Counts, Item, Kind
from routing.judging import Judging, stood, subject_of
from routing.ledger import Entry, Ledger, who
from routing.legacy_form import Field
from routing.legacy_known import Fate, sort
from routing.legacy_rows import OldMatter
from routing.office import Level, Office, Role, Step
from routing.outbox import SILENT, MessageKind, Priority, queue
from routing.owed import Owed
from routing.placing import OFFICE
from routing.procedure import WITH_CHANNEL, afterwards
from routing.quiet import held_until, is_silent
from routing.recent import WINDOW
from routing.rules import Judgement
from routing.starter import SUBJECTS
from routing.store.lock import serialise
from routing.store.tables import (
    AssignmentRow,
    CaseItemRow,
    CaseRow,
    DeadlineRow,
    HoldRow,
    ItemRow,
    LegacyRow,
    Outcome,
    Searched,
)
from routing.wanted import pairs_of
from routing.workflow import ENDED, Actor, State

TEMPLATE = "taken_over"
"""Under this name the outbox keeps the summary, and the lists of the units."""
MAY_TAKE_OVER = frozenset({Role.OFFICE, Role.DUTY})
RETURN_REASON = "旧台账记为退回"

_AFTER = (State.ANSWERED, State.CALLING_BACK)
_HAD_A_UNIT = WITH_CHANNEL | {State.RETURNED, *_AFTER, State.CLOSED, State.ARCHIVED}
_OWES_AN_ANSWER = frozenset({State.JUDGING, State.WATCHING, State.TO_SIGN, State.RETURNED, State.HANDLING})
_CLOCKS: Mapping[State, tuple[tuple[Field | None, tuple[Step, ...]], ...]] = {
    State.JUDGING: ((Field.FOUND, (Step.DISPATCH,)),),
    State.WATCHING: ((None, (Step.RELOOK,)),),
    State.TRANSFERRED: ((None, (Step.RELOOK,)),),
    State.TO_SIGN: ((Field.SENT, (Step.SIGN,)),),
    State.RETURNED: ((None, (Step.DISPATCH,)),),
    State.HANDLING: ((Field.SIGNED, (Step.DRAFT, Step.CLOSE)),),
    State.ANSWERED: ((None, (Step.RECHECK,)),),
    State.CALLING_BACK: ((None, (Step.CALL_BACK,)),),
}
"""Which limits run in a state, and since which date of the ledger; None: since the import, for the ledger does not say."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A new matter with all that need not be worked out within the transaction."""

    matter: OldMatter
    state: State
    judgement: Judgement
    channel: str
    item: Mapping[str, Any]
    is_past: bool
    pairs: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the matters come from and why, for the record."""

    file: str
    sha256: str
    reason: str
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken over. `late`: open matters with a limit that was over before."""

    batch: int
    numbers: tuple[str, ...]
    open: int
    late: int
    fates: Mapping[Fate, int]


def prepare(matter: OldMatter, office: Office, rules: Judging, now: datetime) -> Prepared:
    """Judge the text of a matter, so that it is found and grouped as any other is. Needs no database.

    What its row says of level and channel stands; where it names no channel the rules propose one.
    """
    is_old = now - (matter.times.get(Field.PUBLISHED) or matter.opened_at) >= WINDOW
    is_past = is_old and not matter.is_open  # of what is still in hand there may be news, however old it is
    counts = matter.counts
    item = Item(
        source_id=LEGACY,
        external_id=matter.key,
        url=matter.url,
        title=matter.title,
        text=matter.text,
        kind=Kind.POST,
        published_at=matter.times.get(Field.PUBLISHED),
        date_note="" if Field.PUBLISHED in matter.times else "旧台账没有写发布时间",
        # Old counts are no spread of today.
        counts=Counts()
        if is_old
        else Counts(counts.get(Field.VIEWS), None, counts.get(Field.REPOSTS), counts.get(Field.COMMENTS)),
        masked=matter.masked,
    )
    subject = subject_of(item, (OWN_TAG,), matter.opened_at.astimezone(office.zone).hour)
    judgement = rules.judge(subject)
    proposed = judgement.channel or judgement.lead or OFFICE
    channel = matter.channel or (proposed if proposed in office.channels else next(iter(office.channels)))
    where = stood(subject)
    return Prepared(
        matter=matter,
        state=_state(matter.state, office),
        judgement=judgement,
        channel=channel,
        item=values_of(item, judgement, rules.version, now, Outcome.CASE, stood=where, compared=not is_past),
        is_past=is_past,
        pairs=pairs_of(item.title, item.text),
    )


def _state(state: State, office: Office) -> State:
    """Give the state in which a matter goes on here: an answer is followed by what this office does after answers."""
    if state is not State.ANSWERED:
        return state
    if State.ANSWERED in afterwards(office.procedure):
        return State.CLOSED
    only_calls = office.procedure.call_back and not office.procedure.recheck
    return State.CALLING_BACK if only_calls else State.ANSWERED


def take_over(
    session: Session,
    office: Office,
    ledger: Ledger,
    matters: Sequence[OldMatter],
    prepared: Sequence[Prepared],
    actor: Actor,
    origin: Origin,
    now: datetime,
) -> Taken:
    """Take over what is new of the matters, all in the caller's transaction; what is known is left as it is.

    `prepared`: those that `sort` called new.

    1. Numbers: each in the year in which the matter was opened, in order of time, from the counter of that year.
    2. Rows: cases, texts, search, what the ledger said, slips, clocks, cards that are held back.
    3. The record: a line for the whole, then one a case. 4. One summary, one list for each unit.
    """
    serialise(session, "intake")
    by_key = {one.matter.key: one for one in prepared}
    fates = sort(session, matters)
    new = [by_key[one.matter.key] for one in fates if one.fate is Fate.NEW]
    new.sort(key=lambda one: (one.matter.opened_at, one.matter.sheet, one.matter.row))
    numbers = _numbers(session, office, new)
    counted = Counter(one.fate for one in fates)
    batch = ledger.write(
        session,
        at=now,
        actor=actor.name,
        action="import",
        what="ledger",
        file=origin.file,
        sha256=origin.sha256,
        reason=origin.reason,
        skipped=origin.skipped,
        **{fate.value: counted[fate] for fate in Fate},
        **who(actor),
    )
    if not new:
        return Taken(batch, (), 0, 0, counted)
    ids = _rows(session, office, new, numbers, actor, batch, now)
    late = _clocks(session, office, new, ids, now)
    _hold(session, new, ids, now)
    ledger.write_all(
        session,
        [
            Entry(now, actor.name, "take_over", case_id, _told(one, number, batch, late.get(case_id, ())))
            for one, number, case_id in zip(new, numbers, ids, strict=True)
        ],
    )
    opened = [(one, case_id) for one, case_id in zip(new, ids, strict=True) if one.state not in ENDED]
    _tell(session, office, opened, len(new), late, batch, actor, now)
    return Taken(batch, tuple(numbers), len(opened), len(late), counted)


def _numbers(session: Session, office: Office, new: Sequence[Prepared]) -> list[str]:
    years = [one.matter.opened_at.astimezone(office.zone).year for one in new]
    follows = {}
    for year, count in sorted(Counter(years).items()):
        follows[year] = head_of(session, f"case:{year}", count=count) - count
    numbers = []
    for year in years:
        follows[year] += 1
        numbers.append(f"YQ-{year}-{follows[year]:04d}")
    return numbers


def _rows(
    session: Session,
    office: Office,
    new: Sequence[Prepared],
    numbers: Sequence[str],
    actor: Actor,
    batch: int,
    now: datetime,
) -> list[int]:
    """Store cases with their texts, the search index, what the ledger said, and slips; gives the ids of the cases."""
    cases = [_case(one, number, now) for one, number in zip(new, numbers, strict=True)]
    ids = list(session.scalars(insert(CaseRow).returning(CaseRow.id, sort_by_parameter_order=True), cases))
    items = list(
        session.scalars(
            insert(ItemRow).returning(ItemRow.id, sort_by_parameter_order=True), [one.item for one in new]
        )
    )
    session.execute(
        insert(CaseItemRow),
        [
            {
                "item_id": item_id,
                "case_id": case_id,
                "why": "旧台账",
                "certainty": 1.0,
                "at": one.matter.opened_at,
                "past": one.is_past,
            }
            for one, case_id, item_id in zip(new, ids, items, strict=True)
        ],
    )
    search.note_all(
        session,
        [
            *((Searched.ITEM, item_id, one.pairs) for one, item_id in zip(new, items, strict=True)),
            *(
                (Searched.MATTER, case_id, search.pairs_of_case(case))
                for case, case_id in zip(cases, ids, strict=True)
            ),
        ],
    )
    session.execute(
        insert(LegacyRow),
        [
            {
                "case_id": case_id,
                "key": one.matter.key,
                "digest": one.matter.digest,
                "said": dict(one.matter.said),
                "sheet": one.matter.sheet[:60],
                "row": one.matter.row,
                "batch": batch,
            }
            for one, case_id in zip(new, ids, strict=True)
        ],
    )
    slips = [_slip(one, case_id, office, actor, now) for one, case_id in zip(new, ids, strict=True)]
    if sent := [slip for slip in slips if slip is not None]:
        session.execute(insert(AssignmentRow), sent)
    return ids


def _case(one: Prepared, number: str, now: datetime) -> dict[str, Any]:
    matter, judgement = one.matter, one.judgement
    is_over = one.state in ENDED
    times = [at for field, at in matter.times.items() if field is not Field.DUE]
    subject = matter.said.get(Field.SUBJECT.value, "")
    return {
        "number": number,
        "state": one.state,
        "level": matter.level,
        "proposed_level": matter.level,
        "channel": one.channel,
        "copies": [],
        "title": matter.title,
        "place": judgement.places[0] if judgement.places else None,
        "topic": judgement.topic,
        "subject": subject if subject in SUBJECTS else judgement.subject,
        "must_answer": matter.level <= Level.III or judgement.must_answer,
        "owed": judgement.owed or (Owed.LEVEL if matter.level <= Level.III else None),
        "opened_at": matter.opened_at,
        "closed_at": (matter.times.get(Field.CLOSED) or max(times)) if is_over else None,
        "close_reason": matter.said.get(Field.NOTE.value, "旧台账没有写理由")
        if one.state is State.DISMISSED
        else None,
        "returns": int(one.state is State.RETURNED),
        "imported_at": now,
        "old_number": matter.number or None,
    }


def _slip(one: Prepared, case_id: int, office: Office, actor: Actor, now: datetime) -> dict[str, Any] | None:
    """Give the slip of a matter that a unit has or had: without one it could not go on, nor be taken up again."""
    if one.state not in _HAD_A_UNIT:
        return None
    times = one.matter.times
    sent = times.get(Field.SENT) or one.matter.opened_at
    is_signed = one.state not in {State.TO_SIGN, State.RETURNED}
    channel = office.channels.get(one.channel)
    is_returned = one.state is State.RETURNED
    return {
        "case_id": case_id,
        "channel": one.channel,
        "unit": one.matter.unit or (channel.unit if channel else one.channel),
        "dispatched_at": sent,
        "dispatched_by": actor.person_id,
        "signed_at": times.get(Field.SIGNED, sent) if is_signed else None,
        "returned_at": now if is_returned else None,
        "returned_by": actor.person_id if is_returned else None,
        "return_reason": RETURN_REASON if is_returned else None,
    }


def _clocks(
    session: Session, office: Office, new: Sequence[Prepared], ids: Sequence[int], now: datetime
) -> dict[int, tuple[Step, ...]]:
    """Start the limits of what is open, from the dates of the ledger; gives those that were over, by case."""
    late = {}
    for one, case_id in zip(new, ids, strict=True):
        if one.state in ENDED:
            continue
        case, times = session.get_one(CaseRow, case_id), one.matter.times
        if one.state in _OWES_AN_ANSWER and Field.ANSWERED not in times:
            deadlines.start(session, office, case, [Step.RESPOND], one.matter.opened_at)
        for since, steps in _CLOCKS[one.state]:
            started = now if since is None else times.get(since) or times.get(Field.SENT) or case.opened_at
            deadlines.start(session, office, case, steps, started)
        if Field.DUE in times:
            deadlines.set_due(session, office, case, Step.CLOSE, times[Field.DUE], now)
        if over := deadlines.take_over(session, office, case, now):
            late[case_id] = over
    return late


def _hold(session: Session, new: Sequence[Prepared], ids: Sequence[int], now: datetime) -> None:
    """Hold back the cards of what is open and not grave, until somebody asks for one."""
    rows = [
        {"case_id": case_id, "at": now}
        for one, case_id in zip(new, ids, strict=True)
        if one.state not in ENDED and one.matter.level > Level.II
    ]
    if rows:
        session.execute(insert(HoldRow), rows)


def _told(one: Prepared, number: str, batch: int, late: Iterable[Step]) -> dict[str, Any]:
    matter = one.matter
    return {
        "number": number,
        "old_number": matter.number,
        "batch": batch,
        "sheet": matter.sheet,
        "row": matter.row,
        "state": one.state.value,
        "channel": one.channel,
        "level": int(matter.level),
        "opened_at": matter.opened_at.isoformat(),
        "digest": matter.digest,
        **({"late": [step.value for step in late]} if late else {}),
    }


def _tell(
    session: Session,
    office: Office,
    opened: Sequence[tuple[Prepared, int]],
    whole: int,
    late: Mapping[int, Sequence[Step]],
    batch: int,
    actor: Actor,
    now: datetime,
) -> None:
    """Queue the summary and the lists of the units; then, without a sound, the cards of what is grave."""
    gravest = min((one.matter.level for one, _ in opened), default=Level.IV)
    until = held_until(office, gravest, now)
    facts: dict[str, Any] = {
        "template": TEMPLATE,
        "batch": batch,
        "by": actor.name,
        "over": whole - len(opened),
        "late": len(late),
        "grave": gravest <= Level.II,
        **({SILENT: True} if is_silent(office, Level.IV, now) else {}),  # nobody is rung awake for history
        "channels": None,
    }
    lists = [(office.duty_chat, facts)]
    for key, channel in office.channels.items():
        theirs = [case_id for one, case_id in opened if one.channel == key and one.state in WITH_CHANNEL]
        if theirs:
            count = sum(case_id in late for case_id in theirs)
            told = {"over": 0, "late": count, "grave": False, "channels": [key]}
            lists.append((channel.chat, facts | told))
    for chat, payload in lists:
        queue(
            session,
            key=f"{TEMPLATE}:{batch}:{chat}",
            chat=chat,
            kind=MessageKind.TEXT,
            priority=Priority.ALERT,
            payload=payload,
            now=now,
            valid_for=announce.ALERT_LIFE + ((until or now) - now),
            not_before=until,
        )
    for one, case_id in opened:
        if one.matter.level <= Level.II:
            for card in announce.cards_due(session, office, session.get_one(CaseRow, case_id), now):
                announce.post(session, announce.follow(card, until), now)


@dataclass(frozen=True, slots=True)
class Listed:
    """What is open of an import, for its list: page of case ids, gravest and most pressing first, and how many in all."""

    ids: tuple[int, ...]
    total: int


def still_open(
    session: Session, batch: int, channels: Sequence[str] | None, now: datetime, *, page: int, size: int
) -> Listed:
    """List the cases of one import that are not over; `channels`: those that units of these have in hand.

    Within a level those first whose next limit can still be kept, the soonest first.
    """
    query = (
        select(CaseRow.id)
        .join(LegacyRow, LegacyRow.case_id == CaseRow.id)
        .where(LegacyRow.batch == batch, CaseRow.state.not_in(list(ENDED)))
    )
    if channels is not None:
        query = query.where(CaseRow.channel.in_(list(channels)), CaseRow.state.in_(list(WITH_CHANNEL)))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    ahead = (
        select(func.min(DeadlineRow.due_at))
        .where(DeadlineRow.case_id == CaseRow.id, DeadlineRow.ended_at.is_(None), DeadlineRow.due_at > now)
        .scalar_subquery()
    )
    order = (CaseRow.level, ahead.is_(None), ahead, CaseRow.opened_at, CaseRow.id)
    shown = query.order_by(*order).offset(page * size).limit(size)
    return Listed(tuple(session.scalars(shown)), total)


def said_by(session: Session, case_id: int) -> Mapping[str, str]:
    """Give what the older ledger said of a case, heading -> text; empty where it did not come from one."""
    row = session.get(LegacyRow, case_id)
    return {} if row is None else row.said

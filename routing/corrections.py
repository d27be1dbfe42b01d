"""What a person puts right of how texts were put together and read: a text split off, a case merged, a tone named.

Called by `routing/cases.py` in the transaction of an order, once it may. Each is kept as a verdict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import announce, deadlines, search, verdicts
from routing.items import Band
from routing.merged import end_of, leading_to
from routing.office import Level, Office, Step
from routing.owed import Owed, plainest
from routing.placing import next_number, title_of
from routing.procedure import UNJUDGED, first_clocks, first_state
from routing.spread import spread
from routing.standing import refresh
from routing.store.tables import CaseItemRow, CaseRow, ItemRow, ProposalRow, SuggestionRow, VerdictKind
from routing.told import told_by
from routing.traces import is_derived, origin_of
from routing.workflow import Command, Ground, Order, Refusal


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the record on the other case of two."""

    case_id: int
    action: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Effect:
    """What was done: the sentence for the person (Chinese; empty: the usual one), what its ledger line tells besides,
    lines beside it."""

    text: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    beside: Sequence[Line] = ()


def recounted(case_id: int, moved: Sequence[deadlines.Moved]) -> tuple[Line, ...]:
    """Tell in the record which limits a change of level moved."""
    return tuple(Line(case_id, "recount", limit.facts()) for limit in moved)


def refusal(session: Session, case: CaseRow, order: Order) -> Refusal | None:
    """Tell why a text cannot be split off or named; None where it can, and for other orders."""
    if order.command not in {Command.SPLIT, Command.RATE}:
        return None
    placed = session.get(CaseItemRow, order.item_id)
    if placed is None or placed.case_id != case.id:
        return Refusal(Ground.GONE, f"这条信息已不在 {case.number} 里，请看最新卡片后再操作。")
    if order.command is Command.SPLIT and len(_with_comments(session, placed)) == _count(session, case.id):
        return Refusal(Ground.GONE, f"{case.number} 只有这一条信息（及其评论），不用拆分。")
    return None


def split(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> Effect:
    """Let a text, with the comments that answer it, leave its case and open one of its own."""
    item = session.get_one(ItemRow, order.item_id)
    placed = session.get_one(CaseItemRow, order.item_id)
    was_told_by = told_by(session, case.id)
    new = _case_of(session, office, case, item, now)
    for row in _with_comments(session, placed):
        row.case_id, row.why, row.certainty = new.id, f"值班人员从 {case.number} 拆出", 1.0
    session.flush()
    followed = _follow(session, case, now)
    _speak_for_itself(session, case, was_told_by, now)
    # The text has been known since it was placed: a wrong match wins no time for the answer.
    deadlines.start(session, office, new, (Step.RESPOND,), placed.at)
    deadlines.start(session, office, new, first_clocks(office.procedure, new.level), now)
    verdicts.note(
        session,
        case,
        VerdictKind.SPLIT,
        proposed=case.number,
        corrected=new.number,
        person_id=order.actor.person_id,
        now=now,
        item=item,
    )
    announce.opened(session, office, new, now)
    facts = {
        "number": new.number,
        "channel": new.channel,
        "level": int(new.level),
        "item": item.id,
        "split_from": case.number,
    }
    return Effect(
        f"已拆出 {new.number}，原事项 {case.number}",
        {"item": item.id, "number": new.number},
        (
            Line(new.id, "open", facts),
            *(Line(end_of(session, old).id, "take_in", {"number": old.number}) for old in followed),
            *(Line(old.id, "led_on", {"into": end_of(session, old).number}) for old in followed),
        ),
    )


def _follow(session: Session, case: CaseRow, now: datetime) -> Sequence[CaseRow]:
    """Let each case that leads to `case` lead to where the text is now that it was told by when it was merged."""
    followed = []
    for old in list(leading_to(session, case)):
        said = verdicts.newest(session, old.id, VerdictKind.MERGE)
        placed = session.get(CaseItemRow, said.item_id) if said and said.item_id else None
        if placed is not None and placed.case_id != end_of(session, old).id:
            old.merged_into = placed.case_id
            followed.append(old)
    session.flush()
    for old in followed:
        refresh(session, old.id, now)
    return followed


def _speak_for_itself(session: Session, case: CaseRow, was_told_by: int | None, now: datetime) -> None:
    """Let a case whose first text left be told by the one that is now its first."""
    proposed = told_by(session, case.id)
    if proposed is not None and proposed == was_told_by:
        return
    first = session.scalars(
        select(ItemRow)
        .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
        .where(CaseItemRow.case_id == case.id, *([ItemRow.id == proposed] if proposed else []))
        .order_by(ItemRow.parent_id.is_not(None), CaseItemRow.at, ItemRow.id)
        .limit(1)
    ).one()
    case.title = title_of(first)
    search.note_case(session, case)
    if proposed is None:
        session.add(
            ProposalRow(
                case_id=case.id,
                item_id=first.id,
                channel=case.channel,
                level=case.proposed_level,
                reasons=first.reasons,
                rules_version=first.rules_version,
                at=now,
            )
        )


def merge(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> Effect:
    """Move every text of a case into another, and what the first one owes with them."""
    into = session.get_one(CaseRow, order.into)
    placed = session.scalars(
        select(CaseItemRow)
        .where(CaseItemRow.case_id == case.id)
        .order_by(CaseItemRow.at, CaseItemRow.item_id)
    ).all()
    _note_merge(session, case, into, placed, order, now)
    for row in placed:
        row.case_id, row.why, row.certainty = into.id, f"值班人员从 {case.number} 并入", 1.0
    case.merged_into = into.id
    session.flush()
    for old in leading_to(session, case):
        refresh(session, old.id, now)
    is_lifted = _settle_the_duty(session, into, case)
    into.emergency = into.emergency or case.emergency
    into.instructed = into.instructed or case.instructed
    into.copies = [*into.copies, *(c for c in case.copies if c not in into.copies and c != into.channel)]
    without = {Step.RESPOND} if is_lifted else set[Step]()
    deadlines.hand_over(session, office, case.id, into, now, without=without)
    moved = _heighten(session, office, into, case, now)
    announce.grown(session, into, now)
    facts = {"number": case.number, "items": len(placed), "level": int(into.level)}
    return Effect(
        f"已把 {case.number} 并入 {into.number}",
        {"into": into.number},
        (Line(into.id, "take_in", facts), *moved),
    )


def _settle_the_duty(session: Session, into: CaseRow, case: CaseRow) -> bool:
    """Settle whether the case that takes another in must be answered, and on what ground; tells whether a person lifted it.

    What a person said of the case that stays stands over what was only proposed, and of two who disagree the one who asks
    for an answer. A duty that a person lifted on the other lifts none that is proposed here: here there are more texts.
    """
    said, theirs = _said_of_the_duty(session, into), _said_of_the_duty(session, case)
    if said or theirs:
        into.must_answer, into.owed = True, Owed.PERSON
        return False
    if said is None:
        into.must_answer = into.must_answer or case.must_answer
        into.owed = plainest((into.owed, case.owed)) if into.must_answer else None
    return said is False


def _said_of_the_duty(session: Session, case: CaseRow) -> bool | None:
    """Give what a person last said of whether a case must be answered, here or on one that it took in; None: nothing."""
    if case.owed is Owed.PERSON:
        return True
    said = verdicts.newest(session, case.id, VerdictKind.ANSWER)
    return None if said is None else said.corrected != verdicts.NOT_OWED


def rate(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> Effect:
    """Keep what a person says of the tone of a text; what the scorer said stays beside it."""
    assert order.band is not None
    item = session.get_one(ItemRow, order.item_id)
    verdicts.note(
        session,
        case,
        VerdictKind.SENTIMENT,
        proposed=item.sentiment_band.value if item.sentiment_band else "",
        corrected=order.band.value,
        person_id=order.actor.person_id,
        now=now,
        item=item,
    )
    told = "情绪消极" if order.band is Band.NEGATIVE else "情绪不消极"
    return Effect(f"已记为{told}：{case.number}", {"item": item.id, "band": order.band.value})


def classify(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> Effect:
    """Keep what a person says of the subject area of a case; what the machine said of each text stays beside it."""
    verdicts.note_if_other(
        session,
        case,
        VerdictKind.SUBJECT,
        proposed=verdicts.proposed_subject(session, case),
        corrected=order.subject,
        person_id=order.actor.person_id,
        now=now,
    )
    case.subject = order.subject
    return Effect(f"领域已改为{order.subject}：{case.number}", {"subject": order.subject})


def _case_of(session: Session, office: Office, case: CaseRow, item: ItemRow, now: datetime) -> CaseRow:
    """Open the case of a text that was split off: as it was proposed for it once, else as its old case stands.

    What was merged before is opened as the case that it came from stood. A level that its own words did not make is taken
    over all the same, for who lowers one is a person, and says so.
    """
    told = session.scalar(
        select(ProposalRow).where(ProposalRow.item_id == item.id).order_by(ProposalRow.id.desc()).limit(1)
    )
    source = session.get_one(CaseRow, told.case_id) if told else case
    level = told.level if told else case.level
    # A proposal is no graver than its matter: where it is lighter, that matter rose later, and not by this text.
    is_its_own = told is not None and (source.level_why is None or level > source.proposed_level)
    channel = told.channel if told and told.channel in office.channels else case.channel
    new = CaseRow(
        number=next_number(session, now, office.zone),
        state=first_state(office.procedure),
        level=level,
        proposed_level=level,
        level_why=None if is_its_own or level is Level.IV else f"等级沿用原事项 {source.number}",
        channel=channel,
        copies=[copy for copy in source.copies if copy != channel],
        title=title_of(item),
        place=item.places[0] if item.places else source.place,
        topic=item.topic or source.topic,
        subject=item.subject or source.subject,
        must_answer=case.must_answer,
        owed=case.owed,
        opened_at=now,
    )
    session.add(new)
    session.flush()
    search.note_case(session, new)
    session.add(
        ProposalRow(
            case_id=new.id,
            item_id=item.id,
            channel=new.channel,
            level=level,
            reasons=told.reasons if told else item.reasons,
            rules_version=told.rules_version if told else item.rules_version,
            at=now,
        )
    )
    return new


def _with_comments(session: Session, placed: CaseItemRow) -> list[CaseItemRow]:
    """Give the place of a text and those of the comments in its case that answer it: they speak of nothing else."""
    rows = session.execute(
        select(CaseItemRow, ItemRow.source_id, ItemRow.external_id, ItemRow.parent_id)
        .join(ItemRow, ItemRow.id == CaseItemRow.item_id)
        .where(CaseItemRow.case_id == placed.case_id)
        .order_by(CaseItemRow.item_id)
    ).all()
    by_id = {row.item_id: (source, name) for row, source, name, _ in rows}
    found, ahead = {placed.item_id: placed}, [placed.item_id]
    while ahead:
        source, name = by_id[ahead.pop()]
        for row, theirs, _, parent in rows:
            # As they were placed: a comment feed answers its own source only, any other source the text of that id.
            answers = parent == name and (not is_derived(theirs) or origin_of(theirs) == origin_of(source))
            if answers and row.item_id not in found:
                found[row.item_id] = row
                ahead.append(row.item_id)
    return list(found.values())


def _count(session: Session, case_id: int) -> int:
    return len(session.scalars(select(CaseItemRow.item_id).where(CaseItemRow.case_id == case_id)).all())


def _note_merge(
    session: Session,
    case: CaseRow,
    into: CaseRow,
    placed: Sequence[CaseItemRow],
    order: Order,
    now: datetime,
) -> None:
    suggestion = session.get(SuggestionRow, case.id)
    suggested = session.get(CaseRow, suggestion.other_id) if suggestion else None
    verdicts.note(
        session,
        case,
        VerdictKind.MERGE,
        proposed=suggested.number if suggested else "",
        corrected=into.number,
        person_id=order.actor.person_id,
        now=now,
        item=session.get(ItemRow, told_by(session, case.id) or placed[0].item_id) if placed else None,
    )


def _heighten(
    session: Session, office: Office, into: CaseRow, case: CaseRow, now: datetime
) -> tuple[Line, ...]:
    """Propose the level of what came in where it is graver; before a person has judged, it stands."""
    graver = min(case.level, case.proposed_level, spread(session, office, into.id, now).level)
    if graver >= into.proposed_level:
        return ()
    old, into.proposed_level, into.level_why = into.proposed_level, graver, f"并入 {case.number}"
    moved: tuple[deadlines.Moved, ...] = ()
    if into.state in UNJUDGED and graver < into.level:
        into.version += 1  # what the officer was shown is no longer so: older buttons are stale
        moved = deadlines.regrade(session, office, into, graver, now)
    announce.level_raised(session, office, into, old, now, why=f"并入 {case.number}", moved=moved)
    return recounted(into.id, moved)

"""The door for people: load a case, decide, write the move, its ledger line and its messages, in one transaction.

`execute` runs in the caller's unit of work and never commits. Refused orders are ledger lines too.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from routing import (
    announce,
    corrections,
    course,
    deadlines,
    holding,
    numbers,
    papers,
    people,
    sayings,
    search,
    verdicts,
)
from routing.corrections import Effect, recounted
from routing.deciding import decide, may_take_in
from routing.errors import UserError
from routing.ledger import Ledger, who
from routing.office import Level, Office, Step
from routing.procedure import afterwards, table
from routing.starter import SUBJECTS
from routing.store.lock import serialise
from routing.store.tables import (
    AssignmentRow,
    CaseRow,
    DraftRow,
    ReleaseRow,
    ReviewRow,
    VerdictKind,
)
from routing.workflow import (
    COMMAND_NAMES,
    ENDED,
    Actor,
    Aspect,
    CaseFacts,
    Command,
    Move,
    Openness,
    Opinion,
    Order,
    Refusal,
    Stage,
    State,
)

DRAFT_MAX = 2_000
"""Characters of an answer: the approval card must show it whole, with the matter, in one message of 4,096."""

FINAL_REPORT = "final"
"""What a report is called after which none follows (终报)."""

ASSIGN_AFTER_RETURNS = 2
"""After so many returns the office assigns and the case cannot be returned again (潍坊市12345条例 第二十二条)."""


_SAID: Mapping[Command, str] = {
    Command.CLEAR: "做保密审查（公开）",
    Command.WITHHOLD: "做保密审查（不公开）",
    Command.ESCALATE: "做保密审查（需报审）",
    Command.OPINE: "发表会商意见",
    Command.CONCLUDE: "登记会商结论",
    Command.COUNTERSIGN: "确认答复稿无误",
    Command.CONTENT: "登记回访满意度",
    Command.DISCONTENT: "登记回访不满意",
    Command.UNREACHED: "登记回访未接通",
    Command.INSTRUCT: "改批示件标记",
    Command.EMERGENCY: "改突发事件标记",
    Command.SPEAK: "登记首次发布",
    Command.BRIEF: "登记新闻发布会",
    Command.PHONE: "登记电话报告",
    Command.ASSESS: "登记效果评估",
    Command.RECALL: "登记复查有误",
    Command.MISTAKE: "报领导决定是否重新办理",
    Command.TAKE_BACK: "登记移送退回",
}
"""What stands behind 已 in the answer to a press, where the name of the command does not read well there."""
_NUMERALS = {Level.I: "Ⅰ", Level.II: "Ⅱ", Level.III: "Ⅲ", Level.IV: "Ⅳ"}


@dataclass(frozen=True, slots=True)
class Done:
    """A move that was made: the state now, and the sentence for the person (Chinese)."""

    case_id: int
    number: str
    state: State
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided on a draft, how and when (aware UTC)."""

    by: str
    stage: Stage
    opinion: Opinion
    at: datetime


def facts(session: Session, case_id: int) -> CaseFacts | None:
    """Read what a decision must know of a case; None where there is no such case."""
    case = session.get(CaseRow, case_id)
    return None if case is None else facts_of(session, case)


def facts_of(session: Session, case: CaseRow) -> CaseFacts:
    """Collect what a decision must know of a case."""
    draft = _current_draft(session, case)
    by = {} if draft is None else {r.stage: r.reviewer_id for r in _reviews(session, draft.id)}
    slip = papers.newest_slip(session, case.id)
    return CaseFacts(
        id=case.id,
        number=case.number,
        state=case.state,
        level=case.level,
        channel=case.channel,
        version=case.version,
        draft_version=case.draft_version,
        drafter_id=draft.drafter_id if draft else None,
        first_id=by.get(Stage.FIRST),
        secrecy_id=by.get(Stage.SECRECY),
        superior_id=by.get(Stage.SUPERIOR),
        second_id=by.get(Stage.SECOND),
        approval_id=by.get(Stage.APPROVAL),
        chief_id=by.get(Stage.CHIEF),
        releaser_id=_releaser(session, draft),
        assigned=slip.assigned if slip else False,
        consulted=papers.count(session, case.id, Command.CONCLUDE) > 0,
        unsigned=papers.waiting(session, case.id, Command.SIGN_COPY),
        asked=papers.waiting(session, case.id, Command.CONVENE),
        named=papers.waiting(session, case.id, Command.COUNTERSIGN, case.draft_version),
        extended=papers.count(session, case.id, Command.GRANT) > 0,
        unreached=papers.count(session, case.id, Command.UNREACHED, case.draft_version),
        withheld=draft is not None and draft.openness != Openness.PUBLIC,
    )


def execute(
    session: Session, office: Office, ledger: Ledger, case_id: int, order: Order, now: datetime
) -> Done | Refusal:
    """Carry out one order, or refuse it. Calling it again with the same order is refused as stale, never done twice.

    Raises UserError when there is no such case or the text cannot be taken.
    """
    case = _lock(session, case_id, order)
    if case is None:
        raise UserError("没有这个事项。")
    _check_text(order)
    before = facts_of(session, case)
    # A unit that the office knows no more is waited for no more.
    before = replace(before, named=before.named & office.channels.keys())
    answer = decide(before, order, office.procedure)
    if isinstance(answer, Move):
        answer = _further(session, office, case, before, order, now) or answer
    if isinstance(answer, Refusal):
        ledger.write(
            session,
            at=now,
            actor=order.actor.name,
            action="refused",
            case_id=case.id,
            command=order.command.value,
            ground=answer.ground.value,
            shown_version=order.version,
            version=before.version,
            frm=before.state.value,
            **who(order.actor),
        )
        return answer
    _check_choice(office, order)
    effect = _carry_out(session, office, ledger, case, before, order, answer, now)
    told = _SAID.get(order.command, COMMAND_NAMES[order.command])
    if order.command is Command.SET_LEVEL:
        told = f"定为{_NUMERALS[case.level]}级"
        told += "，答复稿转主要领导审批" if case.state is not before.state else ""
    elif order.command is Command.PASS and before.state is State.IN_SECOND:
        told = "二审通过"
    said = effect.text if effect and effect.text else f"已{told}：{case.number}"
    return Done(case.id, case.number, case.state, said)


def _lock(session: Session, case_id: int, order: Order) -> CaseRow | None:
    """Lock the case of an order, and the one that it merges into.

    First what takes in texts: that locks cases too, and the record between them.
    """
    serialise(session, "intake")
    if order.command is Command.MERGE:
        session.get(CaseRow, order.into, with_for_update=True)
    return session.get(CaseRow, case_id, with_for_update=True)


def _further(
    session: Session, office: Office, case: CaseRow, before: CaseFacts, order: Order, now: datetime
) -> Refusal | None:
    """Tell what stands against a move that the table allows: the other case, or the text that is meant."""
    if order.command is Command.MERGE:
        return may_take_in(before, facts(session, order.into))
    return corrections.refusal(session, case, order) or course.refusal(session, office, case, order, now)


def _carry_out(
    session: Session,
    office: Office,
    ledger: Ledger,
    case: CaseRow,
    before: CaseFacts,
    order: Order,
    move: Move,
    now: datetime,
) -> Effect | None:
    _step(session, case, before, move.to)
    effect = _EFFECTS.get(order.command, _no_effect)(session, office, case, order, now)
    if move.seals:
        _seal(session, case, order, move.seals, now)
    deadlines.end(session, case.id, move.ends, now)
    if case.state in ENDED and before.state not in ENDED:
        case.closed_at = now
        deadlines.end_all(session, case.id, now)
    elif case.state not in ENDED:
        case.closed_at = None
    deadlines.start(session, office, case, _clocks(session, case, order, move), now)
    if order.until is not None:
        deadlines.set_due(session, office, case, Step.RELOOK, order.until, now)
    ledger.write(
        session,
        at=now,
        actor=order.actor.name,
        action=order.command.value,
        case_id=case.id,
        frm=before.state.value,
        to=case.state.value,
        version=case.version,
        **who(order.actor),
        **_told(case, order),
        **(effect.facts if effect else {}),
    )
    for line in effect.beside if effect else ():
        ledger.write(
            session,
            at=now,
            actor=order.actor.name,
            action=line.action,
            case_id=line.case_id,
            **who(order.actor),
            **line.facts,
        )
    if order.command is Command.MERGE:  # the card of what came in is over: the whole must have one
        holding.took_in(session, office, ledger, session.get_one(CaseRow, order.into), now)
    if order.command is Command.SPLIT:
        holding.parted(session, office, ledger, case, now)
    announce.moved(session, office, case, order, now)
    sayings.say(session, office, case, before, order, now)
    follow = afterwards(office.procedure).get(case.state)
    if follow is not None:
        by_house = replace(order, command=follow, actor=Actor(0, "系统"), version=case.version)
        next_move = table(office.procedure, case.level)[(case.state, follow)]
        _carry_out(session, office, ledger, case, facts_of(session, case), by_house, next_move, now)
    return effect


def _clocks(session: Session, case: CaseRow, order: Order, move: Move) -> list[Step]:
    """Name the clocks that a move starts.

    Of copies only where somebody must sign for one, none after a final report, none of the public answer where a person
    said that none is owed.
    """
    if order.command is Command.REPORT and order.stance == FINAL_REPORT:
        return []
    copied = bool(papers.waiting(session, case.id, Command.SIGN_COPY))
    without = ([] if copied else [Step.COPY]) + ([Step.RESPOND] if course.is_excused(session, case) else [])
    return [step for step in move.starts if step not in without]


def _step(session: Session, case: CaseRow, before: CaseFacts, to: State) -> None:
    # The row is locked already; the conditional update is the second wall, and says so if the first ever falls.
    hit = session.execute(
        update(CaseRow)
        .where(CaseRow.id == case.id, CaseRow.version == before.version)
        .values(state=to, version=before.version + 1)
        .returning(CaseRow.id)
    ).scalar_one_or_none()
    if hit is None:
        raise UserError("此事项刚被他人处理，请看最新卡片。")
    session.refresh(case)


def _check_text(order: Order) -> None:
    if order.command is Command.DRAFT and len(order.text) > DRAFT_MAX:
        raise UserError(
            f"答复稿 {len(order.text)} 字，超过 {DRAFT_MAX} 字上限，未保存。请精简后重新回复，长文请附链接。"
        )


def _check_choice(office: Office, order: Order) -> None:
    # Before the first write: an error that is told to a person does not roll his unit of work back.
    if order.command in {Command.DISPATCH, Command.SUBMIT} and order.channel not in office.channels:
        raise UserError("没有这个承办渠道，请从卡片上选择。")
    if order.unit and order.unit not in office.channels[order.channel].units():
        raise UserError("这个渠道没有这个单位，请从卡片上选择。")
    if order.command is Command.CLASSIFY and order.subject not in SUBJECTS:
        raise UserError("没有这个领域，请从卡片上选择。")


def _told(case: CaseRow, order: Order) -> dict[str, object]:
    told: dict[str, object] = {}
    if order.actor.stands_for:
        told["stands_for"] = list(order.actor.stands_for)
    if order.reason:
        told["reason"] = order.reason
    if order.basis:
        told["basis"] = order.basis
    if order.link:
        told["link"] = order.link
    if order.channel:
        told["channel"] = order.channel
    if order.unit:
        told["unit"] = order.unit
    if order.level is not None:
        told["level"] = int(order.level)
    for name in ("target", "days", "stance", "units"):
        if getattr(order, name):
            told[name] = getattr(order, name)
    if order.answer_kind is not None:
        told["answer_kind"] = order.answer_kind.value
    if order.until is not None:
        told["until"] = order.until.isoformat()
    if case.draft_version:
        told["draft"] = case.draft_version
    return told


def _dispatch(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> Effect:
    proposed = verdicts.proposed_channel(session, case)
    _verdict(session, case, VerdictKind.CHANNEL, proposed, order.channel, order, now)
    case.channel = order.channel
    number = numbers.next_slip(session, office, now)
    session.add(
        AssignmentRow(
            case_id=case.id,
            channel=order.channel,
            unit=order.unit or office.channels[order.channel].unit,
            assigned=order.assigns or case.returns >= ASSIGN_AFTER_RETURNS,
            dispatched_at=now,
            dispatched_by=order.actor.person_id,
            number=number,
        )
    )
    course.copy_out(session, office, case, order, now)
    session.flush()
    return Effect(facts={"slip": number})


def _order(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> Effect | None:
    """Dispatch as it was submitted; who submitted it hears of a return."""
    papers.put(session, case, order, now, text=order.reason)
    asked = papers.newest(session, case.id, Command.SUBMIT)
    by = order.actor if asked is None else replace(order.actor, person_id=asked.person_id)
    unit = asked.text if asked is not None and asked.text in office.channels[case.channel].units() else ""
    return _dispatch(session, office, case, replace(order, channel=case.channel, unit=unit, actor=by), now)


def _dismiss(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    case.close_reason = order.reason
    _verdict(session, case, VerdictKind.RELEVANT, "case", order.reason, order, now)


def _reopen(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    if case.close_reason is not None:  # it was dismissed, and is relevant after all
        _verdict(session, case, VerdictKind.RELEVANT, "case", "case", order, now)
    case.close_reason = None
    papers.put(session, case, order, now, text=order.reason)


def _sign(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    slip = papers.newest_slip(session, case.id)
    assert slip is not None
    slip.signed_at, slip.signed_by = now, order.actor.person_id


def _return(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    slip = papers.newest_slip(session, case.id)
    assert slip is not None
    slip.returned_at, slip.returned_by, slip.return_reason = now, order.actor.person_id, order.reason
    case.returns += 1


def _draft(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> Effect:
    deadlines.go_on(session, office, case, order.actor.person_id, now)  # what was waited for is there
    case.draft_version += 1
    openness = order.openness or Openness.PUBLIC
    draft = DraftRow(
        case_id=case.id,
        version=case.draft_version,
        text=order.text,
        text_hash=hashlib.sha256(order.text.encode()).hexdigest(),
        openness=openness.value,
        openness_reason=order.reason if openness is Openness.CLOSED else "",
        drafter_id=order.actor.person_id,
        at=now,
    )
    session.add(draft)
    session.flush()
    search.note_draft(session, draft)
    sealed: dict[str, object] = {"text_sha256": draft.text_hash, "openness": draft.openness}
    return Effect(facts=sealed)  # the chain seals the very words too


def _confirm(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> Effect | None:
    draft = _current_draft(session, case)
    assert draft is not None
    signed_at = max(review.at for review in _reviews(session, draft.id))
    index = numbers.next_index(session, office, signed_at)
    session.add(
        ReleaseRow(
            case_id=case.id,
            draft_id=draft.id,
            url=order.link if draft.openness == Openness.PUBLIC else "",
            told="" if draft.openness == Openness.PUBLIC else order.text,
            confirmed_by=order.actor.person_id,
            at=now,
            index_number=index,
        )
    )
    session.flush()
    return Effect(facts={"index": index}) if index else None


def _set_level(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> Effect:
    assert order.level is not None
    proposed, level = str(int(case.proposed_level)), str(int(order.level))
    _verdict(session, case, VerdictKind.LEVEL, proposed, level, order, now)
    moved = deadlines.regrade(session, office, case, order.level, now)
    return Effect(beside=recounted(case.id, moved))


def _no_effect(session: Session, office: Office, case: CaseRow, order: Order, now: datetime) -> None:
    """Some moves change the state and nothing else."""


_EFFECTS: Mapping[Command, Callable[[Session, Office, CaseRow, Order, datetime], Effect | None]] = {
    **course.EFFECTS,
    Command.DISPATCH: _dispatch,
    Command.ORDER: _order,
    Command.ORAL: _order,
    Command.DISMISS: _dismiss,
    Command.REOPEN: _reopen,
    Command.SIGN: _sign,
    Command.RETURN: _return,
    Command.DRAFT: _draft,
    Command.CONFIRM: _confirm,
    Command.SET_LEVEL: _set_level,
    Command.SPLIT: corrections.split,
    Command.MERGE: corrections.merge,
    Command.RATE: corrections.rate,
    Command.CLASSIFY: corrections.classify,
}


def _seal(session: Session, case: CaseRow, order: Order, seals: tuple[Stage, Opinion], now: datetime) -> None:
    draft = _current_draft(session, case)
    assert draft is not None
    stage, opinion = seals
    session.add(
        ReviewRow(
            draft_id=draft.id,
            stage=stage,
            reviewer_id=order.actor.person_id,
            opinion=opinion,
            basis=order.basis,
            reason=order.reason,
            aspects=[aspect.value for aspect in Aspect if aspect in order.aspects],
            at=now,
        )
    )
    session.flush()


def _verdict(
    session: Session,
    case: CaseRow,
    kind: VerdictKind,
    proposed: str,
    corrected: str,
    order: Order,
    now: datetime,
) -> None:
    verdicts.note_if_other(
        session,
        case,
        kind,
        proposed=proposed,
        corrected=corrected,
        person_id=order.actor.person_id,
        now=now,
    )


def _current_draft(session: Session, case: CaseRow) -> DraftRow | None:
    return session.scalar(
        select(DraftRow).where(DraftRow.case_id == case.id, DraftRow.version == case.draft_version)
    )


def _releaser(session: Session, draft: DraftRow | None) -> int | None:
    if draft is None:
        return None
    return session.scalar(select(ReleaseRow.confirmed_by).where(ReleaseRow.draft_id == draft.id))


def _reviews(session: Session, draft_id: int) -> list[ReviewRow]:
    return list(session.scalars(select(ReviewRow).where(ReviewRow.draft_id == draft_id)))


def decided_by(session: Session, case_id: int, draft_version: int) -> Decision | None:
    """Give the newest decision on a draft version, so that a loser can be told who decided."""
    row = session.scalar(
        select(ReviewRow)
        .join(DraftRow, DraftRow.id == ReviewRow.draft_id)
        .where(DraftRow.case_id == case_id, DraftRow.version == draft_version)
        .order_by(ReviewRow.id.desc())
    )
    return (
        None
        if row is None
        else Decision(people.name_of(session, row.reviewer_id), row.stage, row.opinion, row.at)
    )

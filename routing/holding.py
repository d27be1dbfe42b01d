"""Whether the card of a case goes out now: not while a mute takes the case, nor while it is a small one beside a grave
one or, for a while, beside the one that it is perhaps part of.

Held back is a state with a reason: the case is opened, its limits run, /open and /case show it, and a ledger line says
when it was held back, by what, and when no longer. Never held back: Ⅰ and Ⅱ, dangers (安全稳定), and, on the card of
another case, whatever must be answered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from routing import announce, doubt, held, mutes, verdicts
from routing.errors import UserError
from routing.ledger import Ledger
from routing.merged import end_of
from routing.office import Level, Office
from routing.outbox import MessageKind, Priority, is_out, queue
from routing.procedure import UNJUDGED
from routing.silence import Ending, MuteKind
from routing.standing import refresh
from routing.store.lock import serialise
from routing.store.tables import CaseItemRow, CaseRow, HoldRow, MuteRow, SuggestionRow, VerdictKind
from routing.workflow import ENDED, Actor

TEMPLATE = "held_over"
_FROM = {Ending.OVER, Ending.FREED}
"""Ends that are told in one summary."""
_AGAIN = {*_FROM, Ending.UNDECIDED, Ending.ALONE, Ending.STIRRED}
"""Ends after which something else may hold the card back: a mute that began meanwhile."""


def is_small(case: CaseRow) -> bool:
    """Tell whether a case may stand on the card of a graver one: Ⅳ, owed no answer, and nobody has judged it."""
    return (
        not held.is_grave(case)
        and min(case.level, case.proposed_level) is Level.IV
        and not case.must_answer
        and case.state in UNJUDGED
    )


def opened(
    session: Session,
    office: Office,
    ledger: Ledger,
    case: CaseRow,
    now: datetime,
    doubtful: doubt.Doubtful | None = None,
) -> bool:
    """Decide on the card of a case that was just opened: True where it is held back, and the record says by what.

    `doubtful`: what is known of its suggestion, where it has one.
    """
    mute = mutes.matching(session, case, now)
    if mute is not None:
        row = held.hold(session, case.id, now, mute_id=mute.id)
        if held.is_grave(case):
            held.end(row, Ending.GRAVE, now)
            _note(session, ledger, case, "mute_passed", now, why=_why_muted(mute), mute=mute.id)
            return False
        _note(session, ledger, case, "hold", now, why=_why_muted(mute), mute=mute.id)
        return True
    graver = _graver(session, case) if is_small(case) else None
    if graver is None:
        return doubtful is not None and _waits_beside(session, office, ledger, case, doubtful, now)
    held.hold(session, case.id, now, under_id=graver.id)
    _note(
        session,
        ledger,
        case,
        "hold",
        now,
        why=f"同地同类的 {graver.number} 正在处置，小事项并列在它的卡片上",
        under=graver.number,
    )
    refresh(session, graver.id, now)
    return True


def _waits_beside(
    session: Session, office: Office, ledger: Ledger, case: CaseRow, new: doubt.Doubtful, now: datetime
) -> bool:
    suggested = session.get_one(SuggestionRow, case.id)
    other = session.get_one(CaseRow, suggested.other_id)
    beside = doubt.Other(
        open=other.state not in ENDED,
        out=is_out(session, office.duty_chat, other.id, now),
        quiet=held.is_held(session, other.id) or mutes.matching(session, other, now) is not None,
    )
    if not doubt.waits(new, beside, office.mute.doubt_minutes):
        return False
    held.hold(session, case.id, now, beside_id=other.id)
    _note_beside(session, ledger, case, other, now, f"，把握 {suggested.certainty:.2f}")
    return True


def _note_beside(
    session: Session, ledger: Ledger, case: CaseRow, other: CaseRow, now: datetime, more: str = ""
) -> None:
    why = f"疑似与 {other.number} 是同一事项{more}，列在它的卡片上等值班员判断"
    _note(session, ledger, case, "hold", now, why=why, beside=other.number)
    refresh(session, other.id, now)


def mute(
    session: Session, office: Office, ledger: Ledger, actor: Actor, wanted: mutes.Wanted, now: datetime
) -> held.MuteView:
    """Begin a mute; of one case, hold it back at once. Raises UserError as `mutes.add` does, and for a grave case."""
    serialise(session, "intake")
    case = mutes.case_of(session, wanted)
    if case is not None and held.is_grave(case):
        raise UserError("Ⅰ、Ⅱ级和安全稳定类事项不能静音。")
    view = mutes.add(session, office, ledger, actor, wanted, now)
    if case is None:
        return view
    if not held.is_held(session, case.id):
        held.hold(session, case.id, now, mute_id=view.id)
        _note(session, ledger, case, "hold", now, why=f"静音：{view.reason}", mute=view.id)
        refresh(session, case.id, now)
    return view


def reconsider(session: Session, office: Office, ledger: Ledger, case: CaseRow, now: datetime) -> None:
    """Let the card of a case go that has become too grave to be held back. Safe to call at any time."""
    row = held.open_hold(session, case.id)
    if row is not None and (held.is_grave(case) or (_is_on_a_card(row) and not is_small(case))):
        _end(session, ledger, row, case, Ending.GRAVE, now)
        if row.mute_id is not None or not opened(session, office, ledger, case, now):
            _post(session, office, [case], now)


def show(
    session: Session, office: Office, ledger: Ledger, actor: Actor, case_id: int, now: datetime
) -> CaseRow | None:
    """Send the card of a case that is held back, because somebody asks for it; None where it is not held back."""
    serialise(session, "intake")
    row = held.open_hold(session, case_id)
    case = session.get(CaseRow, case_id)
    if row is None or case is None:
        return None
    _end(session, ledger, row, case, Ending.SHOWN, now, actor)
    _post(session, office, [case], now)
    if held.is_taken_over(row):  # those of the unit that has it were held back too
        for card in announce.cards_due(session, office, case, now):
            announce.post(session, card, now)
    return case


def apart(
    session: Session,
    office: Office,
    ledger: Ledger,
    actor: Actor,
    case_id: int,
    beside_id: int,
    now: datetime,
) -> CaseRow | None:
    """Send the card of a case that waits beside another, because somebody says that it is none of that; kept as a verdict.

    None where it does not wait there (any more). Whether he may say so was asked before.
    """
    serialise(session, "intake")  # its time may be over just now, and the card on its way
    row = held.open_hold(session, case_id)
    if row is None or row.beside_id != beside_id:
        return None
    case, other = session.get_one(CaseRow, case_id), session.get_one(CaseRow, beside_id)
    verdicts.note(
        session,
        case,
        VerdictKind.APART,
        proposed=other.number,
        corrected=case.number,
        person_id=actor.person_id,
        now=now,
    )
    _end(session, ledger, row, case, Ending.APART, now, actor)
    _post(session, office, [case], now)
    return case


def stirred(session: Session, office: Office, ledger: Ledger, case: CaseRow, now: datetime) -> None:
    """Let the card of a case from an older ledger go, for there is news of it. Safe to call at any time."""
    row = held.open_hold(session, case.id)
    if row is not None and held.is_taken_over(row) and case.state not in ENDED:
        _end(session, ledger, row, case, Ending.STIRRED, now)
        _post(session, office, [case], now)


def took_in(session: Session, office: Office, ledger: Ledger, case: CaseRow, now: datetime) -> None:
    """Let the card of a case go that took another in, whose card is over: the whole has one, unless it was muted."""
    row = held.open_hold(session, case.id)
    if row is not None and row.beside_id is not None:
        _end(session, ledger, row, case, Ending.MOVED, now)
        if not opened(session, office, ledger, case, now):
            _post(session, office, [case], now)
    stirred(session, office, ledger, case, now)


def parted(session: Session, office: Office, ledger: Ledger, case: CaseRow, now: datetime) -> None:
    """Let the cards go that wait beside a case of which texts were split off: what they were like may have left it."""
    rows = session.execute(
        select(HoldRow, CaseRow)
        .join(CaseRow, CaseRow.id == HoldRow.case_id)
        .where(HoldRow.ended_at.is_(None), HoldRow.beside_id == case.id, CaseRow.state.not_in(list(ENDED)))
        .order_by(HoldRow.id)
    ).all()
    for row, waiting in rows:
        _end(session, ledger, row, waiting, Ending.PARTED, now)
        if not opened(session, office, ledger, waiting, now):
            _post(session, office, [waiting], now)


def tick(session: Session, office: Office, ledger: Ledger, now: datetime) -> int:
    """Let go what nothing holds back any more; gives how many rows ended.

    What is still open is told in one summary a mute (or graver case), its cards follow without a sound.
    """
    if not _is_anything(session, now):
        return 0
    serialise(session, "intake")
    ended = mutes.end_due(session, ledger, now)
    released: dict[_Cause, list[CaseRow]] = {}
    rows = session.execute(
        select(HoldRow, CaseRow)
        .join(CaseRow, CaseRow.id == HoldRow.case_id)
        .where(HoldRow.ended_at.is_(None), _may_end())
        .order_by(HoldRow.id)
    ).all()
    for row, case in rows:
        ending = _ending(session, office, ledger, row, case, now)
        if ending is None:
            continue
        ended += 1
        _end(session, ledger, row, case, ending, now)
        again = ending in _AGAIN or (ending is Ending.GRAVE and row.mute_id is None)
        if case.state not in ENDED and not (again and opened(session, office, ledger, case, now)):
            released.setdefault(_Cause(ending, row.mute_id, row.under_id), []).append(case)
    for cause, cases in released.items():
        _release(session, office, cause, cases, now)
    return ended


@dataclass(frozen=True, slots=True)
class _Cause:
    """By what cards were held back, and why no longer."""

    ending: Ending
    mute_id: int | None
    under_id: int | None


def _ending(
    session: Session, office: Office, ledger: Ledger, row: HoldRow, case: CaseRow, now: datetime
) -> Ending | None:
    """Say why a card is held back no longer; None while it still is."""
    if row.beside_id is not None:
        return _doubt_ending(session, office, ledger, row, case, now)
    if case.state in ENDED:
        return Ending.CLOSED
    if held.is_grave(case) or (row.under_id is not None and not is_small(case)):
        return Ending.GRAVE
    if row.mute_id is not None:
        mute = session.get_one(MuteRow, row.mute_id)
        if mute.ended_at is not None:
            return Ending.OVER
        return Ending.MOVED if mute.kind is not MuteKind.CASE and case.state not in UNJUDGED else None
    graver = session.get_one(CaseRow, row.under_id)
    return None if _holds_back(graver) else Ending.FREED


def _doubt_ending(
    session: Session, office: Office, ledger: Ledger, row: HoldRow, case: CaseRow, now: datetime
) -> Ending | None:
    other = end_of(session, session.get_one(CaseRow, row.beside_id))
    texts = session.scalar(select(func.count()).where(CaseItemRow.case_id == case.id)) or 0
    waiting = doubt.Waiting(
        ended=case.state in ENDED,
        judged=case.state not in UNJUDGED,
        small=is_small(case),
        further=texts - 1,
        asks=other.id != case.id and other.state not in ENDED and not held.is_held(session, other.id),
        since=row.at,
    )
    ending = doubt.ending(waiting, office.mute.doubt_minutes, now)
    if ending is None and other.id != row.beside_id:
        row.beside_id = other.id
        session.flush()
        _note_beside(session, ledger, case, other, now)
    return ending


def _is_on_a_card(row: HoldRow) -> bool:
    """Tell whether a case stands on the card of another one, which asks or waits for it."""
    return row.under_id is not None or row.beside_id is not None


def _holds_back(case: CaseRow) -> bool:
    return case.state not in ENDED and case.level <= Level.II


def _graver(session: Session, case: CaseRow) -> CaseRow | None:
    """Find the grave case of the same place and kind; None where there is none or the place is unknown."""
    kinds: list[ColumnElement[bool]] = []
    if case.topic is not None:
        kinds.append(CaseRow.topic == case.topic)
    if case.subject is not None:
        kinds.append(CaseRow.subject == case.subject)
    if case.place is None or not kinds:
        return None
    return session.scalar(
        select(CaseRow)
        .where(
            and_(CaseRow.place == case.place, or_(*kinds)),
            CaseRow.level <= Level.II,
            CaseRow.state.not_in(list(ENDED)),
            CaseRow.id != case.id,
        )
        .order_by(CaseRow.level, CaseRow.id.desc())
        .limit(1)
    )


def _release(
    session: Session, office: Office, cause: _Cause, cases: Sequence[CaseRow], now: datetime
) -> None:
    by_itself = cause.ending not in _FROM or (cause.mute_id is None and len(cases) == 1)
    if by_itself:
        _post(session, office, cases, now)
        return
    queue(
        session,
        key=f"{TEMPLATE}:{cause.mute_id or 0}:{cause.under_id or 0}:{now.isoformat()}",
        chat=office.duty_chat,
        kind=MessageKind.TEXT,
        priority=Priority.ALERT,
        payload={
            "template": TEMPLATE,
            "mute": cause.mute_id,
            "under": cause.under_id,
            "cases": [case.id for case in cases],
        },
        now=now,
        valid_for=announce.ALERT_LIFE,
    )
    _post(session, office, cases, now, follow=True)


def _post(
    session: Session, office: Office, cases: Iterable[CaseRow], now: datetime, *, follow: bool = False
) -> None:
    for case in cases:
        announce.opened(session, office, case, now, summary_at=now if follow else None)
        refresh(session, case.id, now)  # one that stood already loses its mark


def _end(
    session: Session,
    ledger: Ledger,
    row: HoldRow,
    case: CaseRow,
    ending: Ending,
    now: datetime,
    actor: Actor | None = None,
) -> None:
    held.end(row, ending, now)
    more = {} if actor is None else {"person": actor.person_id}
    _note(
        session,
        ledger,
        case,
        "release",
        now,
        actor=actor.name if actor else "系统",
        ending=ending.value,
        **more,
    )
    for other in filter(None, (row.under_id, row.beside_id)):
        refresh(session, other, now)


def _note(
    session: Session,
    ledger: Ledger,
    case: CaseRow,
    action: str,
    now: datetime,
    actor: str = "系统",
    **facts: object,
) -> None:
    ledger.write(session, at=now, actor=actor, action=action, case_id=case.id, **facts)


def _why_muted(mute: MuteRow) -> str:
    return f"静音（{mutes.KIND_NAMES[mute.kind]} {mute.matcher}）：{mute.reason}"


def _may_end() -> ColumnElement[bool]:
    """Leave out what came from an older ledger and is open: a person asks for its card, or there is news of it."""
    causes = (HoldRow.mute_id, HoldRow.under_id, HoldRow.beside_id)
    return or_(*(cause.is_not(None) for cause in causes), CaseRow.state.in_(list(ENDED)))


def _is_anything(session: Session, now: datetime) -> bool:
    due = select(MuteRow.id).where(MuteRow.ended_at.is_(None), MuteRow.ends_at <= now)
    waiting = (
        select(HoldRow.id)
        .join(CaseRow, CaseRow.id == HoldRow.case_id)
        .where(HoldRow.ended_at.is_(None), _may_end())
    )
    return session.scalar(due.limit(1)) is not None or session.scalar(waiting.limit(1)) is not None

"""Mutes (静音): what somebody wants to hear nothing new of for a while. Each has a reason, an author and an end.

A mute holds back cards and sounds, never a matter: it is opened, its limits run, it stands in every list. What is too
grave goes out all the same (`routing/holding.py`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import held
from routing.errors import UserError
from routing.held import MuteView
from routing.ledger import Ledger
from routing.normal import normal
from routing.office import Office, Role
from routing.reasons import REASON_MIN, is_telling
from routing.silence import MuteKind
from routing.store.tables import CaseItemRow, CaseRow, ItemRow, MuteRow
from routing.traces import origin_of
from routing.workflow import ENDED, Actor

MAY_MUTE = frozenset({Role.DUTY, Role.OFFICE, Role.LEADER})
KIND_NAMES = {
    MuteKind.SOURCE: "来源",
    MuteKind.WORD: "词",
    MuteKind.PLACE: "地点",
    MuteKind.CASE: "事项",
}
BETWEEN_WORDS = "、"
MATCHER_MAX = 200
_split = str.maketrans(dict.fromkeys(" ,，;；/", BETWEEN_WORDS))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A mute as somebody asks for it; `until` aware."""

    kind: MuteKind
    matcher: str
    until: datetime
    reason: str


def add(
    session: Session, office: Office, ledger: Ledger, actor: Actor, wanted: Wanted, now: datetime
) -> MuteView:
    """Begin a mute. Raises UserError, in Chinese with the cure, where it may not be; nothing is written then."""
    if not actor.roles & MAY_MUTE:
        raise UserError("只有值班员、政府办和领导可以静音。")
    _check_span(office, wanted.until, now)
    matcher, reason = _matcher(wanted), " ".join(wanted.reason.split())
    if reason not in office.mute.reasons and not is_telling(reason):  # those on offer are the office's own
        raise UserError(f"请写明静音的理由，至少 {REASON_MIN} 个字，如“计划停水”。没有静音。")
    for row in active(session, now):
        if (row.kind, row.matcher) == (wanted.kind, matcher):
            raise UserError(f"{KIND_NAMES[row.kind]} {matcher} 已在静音（第 {row.id} 号），要改请先解除。")
    case = case_of(session, wanted)
    row = MuteRow(
        kind=wanted.kind,
        matcher=matcher,
        reason=reason,
        person_id=actor.person_id,
        at=now,
        ends_at=wanted.until,
    )
    session.add(row)
    session.flush()
    ledger.write(
        session,
        at=now,
        actor=actor.name,
        action="mute",
        case_id=case.id if case else None,
        mute=row.id,
        matcher=f"{KIND_NAMES[row.kind]} {row.matcher}",
        ends_at=row.ends_at.isoformat(),
        reason=row.reason,
        person=actor.person_id,
    )
    return held.mute_view(session, row)


def case_of(session: Session, wanted: Wanted) -> CaseRow | None:
    """Give the case that a mute of one case means; None for other mutes. Raises UserError where it is none or is over."""
    if wanted.kind is not MuteKind.CASE:
        return None
    case = session.scalar(select(CaseRow).where(CaseRow.number == wanted.matcher))
    if case is None or case.state in ENDED:
        raise UserError(f"没有 {wanted.matcher} 这个事项，或已经办结。")
    return case


def lift(session: Session, ledger: Ledger, actor: Actor, mute_id: int, now: datetime) -> MuteView:
    """End a mute before its time. Raises UserError where it has ended, and for those who may not."""
    if not actor.roles & MAY_MUTE:
        raise UserError("只有值班员、政府办和领导可以解除静音。")
    row = session.get(MuteRow, mute_id, with_for_update=True)
    if row is None:
        raise UserError(f"没有第 {mute_id} 号静音，发送 /mute 查看。")
    if row.ended_at is not None:
        raise UserError(f"第 {mute_id} 号静音已经结束。")
    row.ended_at, row.lifted_by = now, actor.person_id
    _note_end(session, ledger, row, actor.name, "mute_lift", now, person=actor.person_id)
    return held.mute_view(session, row)


def end_due(session: Session, ledger: Ledger, now: datetime) -> int:
    """End the mutes whose time is over; gives how many. A second call at once ends none."""
    rows = session.scalars(
        select(MuteRow).where(MuteRow.ended_at.is_(None), MuteRow.ends_at <= now).with_for_update()
    ).all()
    for row in rows:
        row.ended_at = now
        _note_end(session, ledger, row, "系统", "mute_end", now)
    return len(rows)


def active(session: Session, now: datetime) -> Sequence[MuteRow]:
    """List the mutes that hold now, oldest first."""
    return session.scalars(
        select(MuteRow).where(MuteRow.ended_at.is_(None), MuteRow.ends_at > now).order_by(MuteRow.id)
    ).all()


def matching(session: Session, case: CaseRow, now: datetime) -> MuteRow | None:
    """Give the mute that takes a case: the one that ends last."""
    rows = active(session, now)
    if not rows:
        return None
    texts = session.scalars(
        select(ItemRow)
        .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
        .where(CaseItemRow.case_id == case.id)
    ).all()
    taken = [row for row in rows if takes(row.kind, row.matcher, case, texts)]
    return max(taken, key=lambda row: row.ends_at, default=None)


def takes(kind: MuteKind, matcher: str, case: CaseRow, texts: Collection[ItemRow]) -> bool:
    """Tell whether a mute takes a case with these texts. Of a source it takes what stands nowhere else. Pure."""
    if kind is MuteKind.CASE:
        return case.number == matcher
    if kind is MuteKind.PLACE:
        return case.place == matcher or any(matcher in text.places for text in texts)
    if kind is MuteKind.SOURCE:
        return bool(texts) and all(origin_of(text.source_id) == matcher for text in texts)
    wanted = [normal(word) for word in matcher.split(BETWEEN_WORDS)]
    plain = [normal(f"{text.title}。{text.text}") for text in texts]
    return any(word in text for word in wanted for text in plain)


def _check_span(office: Office, until: datetime, now: datetime) -> None:
    if until <= now:
        raise UserError("静音的结束时间已经过了，请写 1h、4h、2d 或 明早8点。")
    if until - now > timedelta(days=office.mute.max_days):
        raise UserError(f"静音最长 {office.mute.max_days} 天，请写短一些；到期仍有需要可以再设。")


def _matcher(wanted: Wanted) -> str:
    text = " ".join(wanted.matcher.split())
    if wanted.kind is MuteKind.WORD:
        words = [word.strip() for word in text.translate(_split).split(BETWEEN_WORDS) if word.strip()]
        short = [word for word in words if len(normal(word)) < 2]
        if short or not words:
            raise UserError("静音的词至少两个字，几个词之间用顿号，如 停水、没水。")
        text = BETWEEN_WORDS.join(dict.fromkeys(words))
    if not text or len(text) > MATCHER_MAX:
        raise UserError(f"请写明静音什么，最多 {MATCHER_MAX} 个字。")
    return text


def _note_end(
    session: Session, ledger: Ledger, row: MuteRow, actor: str, action: str, now: datetime, **more: object
) -> None:
    case = (
        session.scalar(select(CaseRow.id).where(CaseRow.number == row.matcher))
        if row.kind is MuteKind.CASE
        else None
    )
    ledger.write(
        session,
        at=now,
        actor=actor,
        action=action,
        case_id=case,
        mute=row.id,
        matcher=f"{KIND_NAMES[row.kind]} {row.matcher}",
        reason=row.reason,
        **more,
    )

"""Substitution (顶岗): asked with reason and end, approved by the leader on duty, over by itself or ended before.

周口市政务公开工作制度: who is absent tells the 值班领导, who approves, and the reserve acts from then until the stated end.
Nobody substitutes himself, decides on his own absence, or on what he asked for. Where the leader on duty is a party, or says
nothing for a while, the next leader on the list is asked too. The rights themselves are in `routing/people.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from routing import duty, outbox, people, reconcile
from routing.errors import UserError
from routing.ledger import Ledger
from routing.office import Office, Role
from routing.outbox import MessageKind, Priority, queue
from routing.reasons import REASON_MIN, is_telling
from routing.store.lock import serialise
from routing.store.tables import PersonRoleRow, SubstitutionRow
from routing.store.tables import SubstitutionState as SubstitutionState  # noqa: PLC0414 - who shows one knows it from here
from routing.workflow import Actor

LONGEST = timedelta(days=31)
"""Project default: who is away for longer wants another roster."""
REASON_MAX = 200
REASONS = ("因公外出", "培训开会", "休假", "其他公务")
"""Those on offer."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A substitution as it is asked for; instants aware UTC."""

    absent_id: int
    reserve_id: int
    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Substitution:
    """One for showing: people by name, `roles` those that are lent, `decided_by` empty while nobody has."""

    id: int
    absent: str
    reserve: str
    roles: tuple[Role, ...]
    starts_at: datetime
    ends_at: datetime
    reason: str
    asked_by: str
    state: SubstitutionState
    decided_by: str


def ask(
    session: Session, office: Office, ledger: Ledger, asker: Actor, wanted: Wanted, now: datetime
) -> Substitution:
    """Ask for a substitution; the leader who is to decide gets a card. Raises UserError with what stands against it."""
    serialise(session, "substitution")  # of two that overlap the second must see the first
    _check(session, asker, wanted, now)
    row = SubstitutionRow(
        absent_id=wanted.absent_id,
        reserve_id=wanted.reserve_id,
        reason=wanted.reason,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        asked_by=asker.person_id,
        asked_at=now,
        asked_of=[],
        state=SubstitutionState.ASKED,
        next_at=None,
    )
    leaders = _leaders(session, row, now)
    if not leaders:
        raise UserError("没有可以批准的领导（不能是本人、备用人员或申请人）。请系统管理员登记另一位领导。")
    session.add(row)
    session.flush()
    _line(session, ledger, row, "substitute_ask", asker.name, now)
    _ask_next(session, office, row, now)
    return _view(session, row)


def decide(
    session: Session, ledger: Ledger, substitution_id: int, actor: Actor, *, accept: bool, now: datetime
) -> Substitution:
    """Approve or refuse. Raises UserError to whom was not asked or may no more, a second time, and after the end."""
    row = session.get(SubstitutionRow, substitution_id, with_for_update=True)
    if row is None or actor.person_id not in row.asked_of:
        raise UserError("这份顶岗申请不由您审批。")
    if row.state is not SubstitutionState.ASKED:
        raise UserError(f"这份顶岗申请已由 {people.name_of(session, row.decided_by) or '系统'} 处理过了。")
    if row.ends_at <= now:
        raise UserError("申请的时段已经过去，请重新申请。")
    if not _may_decide(session, row, actor, now):
        raise UserError("您现在没有审批顶岗的权限，请由其他领导审批。")
    row.state = SubstitutionState.APPROVED if accept else SubstitutionState.REFUSED
    row.decided_by, row.decided_at = actor.person_id, now
    row.next_at = max(row.starts_at, now) if accept else None
    session.flush()
    action = "substitute_approve" if accept else "substitute_refuse"
    _line(session, ledger, row, action, actor.name, now)
    return _view(session, row)


def start(session: Session, office: Office, substitution_id: int, now: datetime) -> None:
    """Send the reserve the cards that wait, once an approved substitution has begun. Safe to call again."""
    row = session.get_one(SubstitutionRow, substitution_id, with_for_update=True)
    if row.state is SubstitutionState.APPROVED and row.starts_at <= now < row.ends_at:
        row.next_at = row.ends_at
        session.flush()
        _renew_cards(session, row, now)  # the absent one's say who decides now
        reconcile.missing_cards(session, office, now)


def end(
    session: Session, office: Office, ledger: Ledger, substitution_id: int, actor: Actor, now: datetime
) -> Substitution:
    """End an approved one before its time: the rights go back at once. All whom it concerns and the duty group hear of it.

    By who is absent, by who approved it, or by the leader on duty. Raises UserError to others, and where nothing runs.
    """
    row = session.get(SubstitutionRow, substitution_id, with_for_update=True)
    if row is None or not _may_end(session, row, actor, now):
        raise UserError("顶岗只能由被顶岗人、批准的领导或值班领导提前结束。")
    if row.state is not SubstitutionState.APPROVED or row.ends_at <= now:
        raise UserError("这次顶岗已经结束或没有生效，不用再结束。")
    row.ends_at = max(row.starts_at, now)  # as it was; as it was to be stands in the record
    _over(session, ledger, row, "substitute_ended", actor.name, now)
    _queue(
        session, office.duty_chat, f"substitute_ended:{row.id}", "substitute_ended", row, now, by=actor.name
    )
    return _view(session, row)


def of_absent(session: Session, absent_id: int, now: datetime) -> int | None:
    """Give the approved substitution of who is absent that is not over, the next to begin; None where there is none."""
    return session.scalar(
        select(SubstitutionRow.id)
        .where(
            SubstitutionRow.absent_id == absent_id,
            SubstitutionRow.state == SubstitutionState.APPROVED,
            SubstitutionRow.ends_at > now,
        )
        .order_by(SubstitutionRow.starts_at)
        .limit(1)
    )


def was_shown(session: Session, substitution_id: int, person_id: int) -> bool:
    """Tell whether a person was sent the card of a substitution: who was asked, and who is absent once it is approved."""
    row = session.get(SubstitutionRow, substitution_id)
    return row is not None and (
        person_id in row.asked_of or (person_id == row.absent_id and row.decided_by is not None)
    )


def _may_decide(session: Session, row: SubstitutionRow, actor: Actor, now: datetime) -> bool:
    """Tell whether who was asked is still somebody to ask: not where the right was lent and went back meanwhile."""
    leads = {shift.leader for shift in duty.shifts(session, row.asked_at, now)}
    leads |= {watch.leader.person_id for watch in duty.watches(session, now) if watch.leader is not None}
    known = people.actor_by_id(session, actor.person_id, at=now)
    return known is not None and (Role.LEADER in known.roles or actor.person_id in leads)


def _may_end(session: Session, row: SubstitutionRow, actor: Actor, now: datetime) -> bool:
    on_duty = {watch.leader.person_id for watch in duty.watches(session, now) if watch.leader is not None}
    # Who stands in does not send the absent one's rights back by himself: that would leave the post empty.
    return actor.person_id in {row.absent_id, row.decided_by, *on_duty} - {row.reserve_id}


def substitution(session: Session, substitution_id: int) -> Substitution | None:
    """Read one for showing; None for an id that is none."""
    row = session.get(SubstitutionRow, substitution_id)
    return None if row is None else _view(session, row)


def concerned(session: Session, substitution_id: int) -> list[str]:
    """Give the private chats of who asked, who is absent and who stands in, each once."""
    row = session.get_one(SubstitutionRow, substitution_id)
    parties = (row.asked_by, row.absent_id, row.reserve_id)
    return list(dict.fromkeys(chat for one in parties for chat in people.private_chats(session, one)))


def chats_of_absent(session: Session, substitution_id: int) -> list[str]:
    """Give the private chats of who is absent."""
    return people.private_chats(session, session.get_one(SubstitutionRow, substitution_id).absent_id)


def tick(session: Session, office: Office, ledger: Ledger, now: datetime) -> int:
    """Ask the next leader where one said nothing, begin what was approved for now, and tell what is over.

    Gives how many were looked at.
    """
    rows = session.scalars(
        select(SubstitutionRow).where(SubstitutionRow.next_at <= now).with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        if row.ends_at <= now:
            lapsed = row.state is not SubstitutionState.APPROVED
            _over(session, ledger, row, "substitute_lapsed" if lapsed else "substitute_over", "系统", now)
        elif row.state is SubstitutionState.APPROVED:
            start(session, office, row.id, now)
        else:
            _ask_next(session, office, row, now)
    return len(rows)


def _over(
    session: Session, ledger: Ledger, row: SubstitutionRow, template: str, by: str, now: datetime
) -> None:
    """Tell that it is over, or that nobody answered until then. At its time the rights end by the clock, without us."""
    row.state, row.next_at = SubstitutionState.OVER, None
    session.flush()
    for chat in concerned(session, row.id):
        _queue(session, chat, f"{template}:{row.id}:{chat}", template, row, now, by=by)
    _renew_cards(session, row, now)
    _line(session, ledger, row, template, by, now)


def _renew_cards(session: Session, row: SubstitutionRow, now: datetime) -> None:
    """Bring the private cards of both up to date: who may decide on them is another from now on."""
    for person_id in (row.absent_id, row.reserve_id):
        for chat in people.private_chats(session, person_id):
            outbox.renew_cards(session, chat, now)


def _ask_next(session: Session, office: Office, row: SubstitutionRow, now: datetime) -> None:
    """Send the card to the next leader; once all were asked, tell the duty group, and wait for the end."""
    left = [leader for leader in _leaders(session, row, now) if leader not in row.asked_of]
    if not left:
        row.next_at = row.ends_at
        _queue(session, office.duty_chat, f"substitute-silent:{row.id}", "substitute_silent", row, now)
        return
    leader = left[0]
    row.asked_of = [*row.asked_of, leader]
    row.next_at = now + office.duty.approve
    for chat in people.private_chats(session, leader):
        queue(
            session,
            key=f"substitution:{row.id}:{leader}:{chat}",
            chat=chat,
            kind=MessageKind.CARD,
            priority=Priority.PERSON,
            payload={"substitution": row.id},
            now=now,
        )


def _leaders(session: Session, row: SubstitutionRow, now: datetime) -> list[int]:
    """List who may decide, in the order of asking: the leader on duty, then the leaders behind him on the list."""
    on_duty = [
        watch.leader.person_id
        for watch in duty.watches(session, now)
        if watch.leader is not None and watch.leader.chats
    ]
    listed = [actor.person_id for actor, _ in people.holders(session, Role.LEADER, at=now)]
    if on_duty and on_duty[0] in listed:
        place = listed.index(on_duty[0])
        listed = [*listed[place:], *listed[:place]]
    parties = {row.absent_id, row.reserve_id, row.asked_by}
    return [one for one in dict.fromkeys([*on_duty, *listed]) if one not in parties]


def _check(session: Session, asker: Actor, wanted: Wanted, now: datetime) -> None:
    if wanted.absent_id == wanted.reserve_id:
        raise UserError("不能自己顶自己的岗，请写另一位备用人员。")
    if asker.person_id != wanted.absent_id and Role.OFFICE not in asker.roles:
        raise UserError("顶岗由本人或政府办申请。")
    if not wanted.starts_at < wanted.ends_at or wanted.ends_at <= now:
        raise UserError("止时须晚于起时，也须晚于现在，请核对后重发。")
    if wanted.ends_at - max(wanted.starts_at, now) > LONGEST:
        raise UserError(f"顶岗最长 {LONGEST.days} 天；更长请改值班表。")
    if wanted.reason not in REASONS and not is_telling(wanted.reason):
        raise UserError(f"请写明顶岗的理由，至少 {REASON_MIN} 个字，如“{REASONS[0]}”。没有申请。")
    if len(wanted.reason) > REASON_MAX:
        raise UserError(f"顶岗的理由最多 {REASON_MAX} 字，请缩短后重发。没有申请。")
    for person_id in (wanted.absent_id, wanted.reserve_id):
        if people.actor_by_id(session, person_id) is None or not people.private_chats(session, person_id):
            raise UserError(f"{people.name_of(session, person_id)} 没有可用的账号，不能参与顶岗。")
    if (clash := _clash(session, wanted)) is not None:
        raise UserError(f"这段时间 {clash} 已有顶岗安排或申请，请先等它处理完，或换一位备用人员。")


def _clash(session: Session, wanted: Wanted) -> str | None:
    """Name who is taken already: the absent one has a substitute, or the reserve is absent himself then."""
    taken = session.scalar(
        select(SubstitutionRow)
        .where(
            SubstitutionRow.state.in_([SubstitutionState.ASKED, SubstitutionState.APPROVED]),
            SubstitutionRow.starts_at < wanted.ends_at,
            SubstitutionRow.ends_at > wanted.starts_at,
            or_(
                SubstitutionRow.absent_id.in_([wanted.absent_id, wanted.reserve_id]),
                SubstitutionRow.reserve_id == wanted.absent_id,
            ),
        )
        .limit(1)
    )
    return None if taken is None else people.name_of(session, taken.absent_id)


def _line(
    session: Session, ledger: Ledger, row: SubstitutionRow, action: str, actor: str, now: datetime
) -> None:
    # The reason is not repeated: it may speak of somebody's health, and the record is kept for ever.
    ledger.write(
        session,
        at=now,
        actor=actor,
        action=action,
        substitution=row.id,
        absent=people.name_of(session, row.absent_id),
        reserve=people.name_of(session, row.reserve_id),
        starts_at=row.starts_at.isoformat(),
        ends_at=row.ends_at.isoformat(),
    )


def _queue(
    session: Session, chat: str, key: str, template: str, row: SubstitutionRow, now: datetime, *, by: str = ""
) -> None:
    queue(
        session,
        key=key,
        chat=chat,
        kind=MessageKind.TEXT,
        priority=Priority.PERSON,
        payload={
            "template": template,
            "absent": people.name_of(session, row.absent_id),
            "reserve": people.name_of(session, row.reserve_id),
            "by": by,
        },
        now=now,
        valid_for=timedelta(hours=24),
    )


def _view(session: Session, row: SubstitutionRow) -> Substitution:
    roles: Sequence[Role] = session.scalars(
        select(PersonRoleRow.role)
        .where(PersonRoleRow.person_id == row.absent_id, PersonRoleRow.role.in_(people.LENT))
        .distinct()
    ).all()
    return Substitution(
        row.id,
        people.name_of(session, row.absent_id),
        people.name_of(session, row.reserve_id),
        tuple(role for role in Role if role in roles),
        row.starts_at,
        row.ends_at,
        row.reason,
        people.name_of(session, row.asked_by),
        row.state,
        people.name_of(session, row.decided_by),
    )

"""People, their chat accounts and rights; one-time invitations. Rights are read in the transaction that uses them.

Identity is the platform's user id and nothing else: a name can be copied. An invitation is 128 random bits, kept as a
hash, good for one use, and counts only once an administrator has confirmed who used it.
"""

import difflib
import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from routing import outbox
from routing.errors import UserError
from routing.ledger import Ledger
from routing.office import Office, Role
from routing.store.tables import (
    AccountRow,
    AskRow,
    InviteRow,
    InviteState,
    JoinTryRow,
    PersonRoleRow,
    PersonRow,
    SubstitutionRow,
    SubstitutionState,
)
from routing.workflow import Actor

INVITE_LIFE = timedelta(hours=24)
WRONG_TRIES = 5
LOCKED_FOR = timedelta(hours=1)
NAME_MAX = 60
LENT = frozenset(Role) - {Role.ADMIN, Role.AUDITOR}
"""What a substitute is given of the absent one's rights: settings and the reading of the log are no post of duty, and
nobody may be administrator and auditor at once."""
SHOWN_NAME_MAX = 120
"""Characters kept of the name that an account shows; two names of 64 and a space are longer."""


@dataclass(frozen=True, slots=True)
class Account:
    """A chat account as the platform names it; `chat_ref` is the private chat with it."""

    platform: str
    user_ref: str
    chat_ref: str


@dataclass(frozen=True, slots=True)
class Member:
    """A person for lists: roles as stored words, contacts with their channels."""

    person_id: int
    name: str
    active: bool
    roles: tuple[str, ...]
    channels: tuple[str, ...]
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that somebody has used: for whom it was made, and the account as the platform shows it.

    `adds_account`: it is one more account of somebody who works here already.
    """

    id: int
    name: str
    roles: tuple[Role, ...]
    shown_name: str
    chat_ref: str
    adds_account: bool = False


class Claim(StrEnum):
    """What became of a code that somebody sent."""

    WAITING = "waiting"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    LOCKED = "locked"
    ALREADY = "already"


def actor_of(session: Session, platform: str, user_ref: str, *, at: datetime | None = None) -> Actor | None:
    """Resolve a chat account to a person with rights; None for strangers and for people who were revoked.

    `at`: the instant whose substitutions (顶岗) count; None: his own rights alone.
    """
    person = session.scalar(
        select(PersonRow)
        .join(AccountRow, AccountRow.person_id == PersonRow.id)
        .where(AccountRow.platform == platform, AccountRow.user_ref == user_ref, PersonRow.active)
    )
    return None if person is None else _actor(session, person, at)


def actor_by_id(session: Session, person_id: int, *, at: datetime | None = None) -> Actor | None:
    """The same by person id."""
    person = session.get(PersonRow, person_id)
    return None if person is None or not person.active else _actor(session, person, at)


def holders(
    session: Session,
    role: Role,
    *,
    channel: str = "",
    without: Collection[int] = (),
    at: datetime | None = None,
) -> list[tuple[Actor, str]]:
    """List the active people of a role with their private chats, in order of joining, leaving out `without`.

    One pair an account: who has several is asked on each, and what he decides on one counts for all.
    With `at` those who stand in for one of them at that instant come too: who is absent keeps his rights and is asked as well.
    """
    rights = select(PersonRoleRow.person_id).where(
        PersonRoleRow.role == role, PersonRoleRow.channel == channel
    )
    ids = set(session.scalars(rights))
    ids |= {reserve for absent, reserve in _standing_in(session, at) if absent in ids and role in LENT}
    rows = session.execute(
        select(PersonRow, AccountRow.chat_ref)
        .join(AccountRow, AccountRow.person_id == PersonRow.id)
        .where(PersonRow.active, PersonRow.id.in_(ids))
        .order_by(PersonRow.id, AccountRow.id)
    ).all()
    actors: dict[int, Actor] = {}
    for person, _ in rows:
        if person.id not in without and person.id not in actors:
            actors[person.id] = _actor(session, person, at)
    return [(actors[person.id], chat) for person, chat in rows if person.id in actors]


def substitutes(session: Session, at: datetime) -> dict[int, int]:
    """Give who stands in for whom at an instant, by person id: absent -> reserve."""
    return dict(_standing_in(session, at))


def private_chats(session: Session, person_id: int) -> list[str]:
    """Give the private chats of a person, one an account; none for people who were revoked."""
    found = session.scalars(
        select(AccountRow.chat_ref)
        .join(PersonRow, PersonRow.id == AccountRow.person_id)
        .where(AccountRow.person_id == person_id, PersonRow.active)
        .order_by(AccountRow.id)
    )
    return list(found)


def stand_in(session: Session, chat: str, at: datetime) -> tuple[str, datetime] | None:
    """Give who stands in now for the owner of a private chat, and until when (aware UTC); None where nobody does."""
    found = session.execute(
        select(SubstitutionRow.reserve_id, SubstitutionRow.ends_at)
        .join(AccountRow, AccountRow.person_id == SubstitutionRow.absent_id)
        .join(PersonRow, PersonRow.id == SubstitutionRow.reserve_id)
        .where(
            PersonRow.active,
            AccountRow.chat_ref == chat,
            SubstitutionRow.state == SubstitutionState.APPROVED,
            SubstitutionRow.starts_at <= at,
            SubstitutionRow.ends_at > at,
        )
        .order_by(SubstitutionRow.id)
    ).first()
    return None if found is None else (name_of(session, found.reserve_id), found.ends_at)


def is_working(session: Session, chat: str) -> bool:
    """Tell whether a chat is the private one of somebody who was not sent away."""
    owner = select(PersonRow.id).join(AccountRow, AccountRow.person_id == PersonRow.id)
    return session.scalar(owner.where(AccountRow.chat_ref == chat, PersonRow.active)) is not None


def is_chat_of(session: Session, chat: str, role: Role, *, at: datetime | None = None) -> bool:
    """Tell whether a chat is the private one of somebody who holds this role now, at `at` also for somebody else."""
    owners = session.scalars(
        select(PersonRow)
        .join(AccountRow, AccountRow.person_id == PersonRow.id)
        .where(AccountRow.chat_ref == chat, PersonRow.active)
    )
    return any(role in _actor(session, person, at).roles for person in owners)


def chats_named(session: Session, office: Office, targets: Sequence[str]) -> list[str]:
    """Give the chats that a configured list means: `duty`, `leaders` (each in private), or a chat id; each once."""
    found: list[str] = []
    for target in targets:
        if target == "duty":
            found.append(office.duty_chat)
        elif target == "leaders":
            found += [chat for _, chat in holders(session, Role.LEADER)]
        else:
            found.append(target)
    return list(dict.fromkeys(found))


def members(session: Session) -> list[Member]:
    """List everybody, in order of joining."""
    result = []
    for person in session.scalars(select(PersonRow).order_by(PersonRow.id)):
        roles = session.scalars(select(PersonRoleRow).where(PersonRoleRow.person_id == person.id)).all()
        accounts = session.scalars(select(AccountRow).where(AccountRow.person_id == person.id))
        result.append(
            Member(
                person.id,
                person.name,
                person.active,
                tuple(sorted({r.role.value for r in roles})),
                tuple(sorted({r.channel for r in roles if r.channel})),
                tuple(f"{a.platform}:{a.user_ref}" for a in accounts),
            )
        )
    return result


def add(
    session: Session,
    *,
    name: str,
    roles: Collection[Role],
    channels: Collection[str],
    account: Account | None,
    now: datetime,
) -> int:
    """Enter a person with rights and, where given, a chat account. Gives the person id."""
    person = PersonRow(name=name, added_at=now)
    session.add(person)
    session.flush()
    _grant(session, person.id, roles, channels)
    if account is not None:
        _bind(session, person.id, account)
    session.flush()
    return person.id


def ensure_admins(
    session: Session, ledger: Ledger, platform: str, user_refs: Sequence[str], now: datetime
) -> None:
    """Make the accounts named in the settings administrators, also of people who were revoked. Safe to call again."""
    for ref in user_refs:
        if _is_admin(session, platform, ref):
            continue
        ledger.write(session, at=now, actor="命令行", action="make_admin", name=f"{platform}:{ref}")
        known = session.scalar(
            select(AccountRow).where(AccountRow.platform == platform, AccountRow.user_ref == ref)
        )
        if known is None:
            add(
                session,
                name=f"管理员 {ref}",
                roles=[Role.ADMIN],
                channels=[],
                account=Account(platform, ref, ref),
                now=now,
            )
            continue
        session.get_one(PersonRow, known.person_id).active = True
        if session.get(PersonRoleRow, (known.person_id, Role.ADMIN, "")) is None:
            _grant(session, known.person_id, [Role.ADMIN], [])


def _is_admin(session: Session, platform: str, ref: str) -> bool:
    actor = actor_of(session, platform, ref)
    return actor is not None and Role.ADMIN in actor.roles


def invite(
    session: Session,
    ledger: Ledger,
    *,
    name: str,
    roles: Sequence[Role],
    channels: Sequence[str],
    by: str,
    now: datetime,
    life: timedelta = INVITE_LIFE,
) -> str:
    """Make a one-time code for a named person and give it; it cannot be read again.

    Raises UserError for a name that is too long to be kept.
    """
    if len(name) > NAME_MAX:
        raise UserError(f"姓名 {len(name)} 字，超过 {NAME_MAX} 字上限，请缩短后重试。")
    code = secrets.token_urlsafe(16)
    session.add(
        InviteRow(
            code_hash=_hash(code),
            name=name,
            roles=[role.value for role in roles],
            channels=list(channels),
            state=InviteState.OPEN,
            created_at=now,
            expires_at=now + life,
        )
    )
    ledger.write(session, at=now, actor=by, action="invite", name=name, roles=[r.value for r in roles])
    return code


def invite_account(
    session: Session,
    ledger: Ledger,
    *,
    person_id: int,
    by: str,
    now: datetime,
    life: timedelta = INVITE_LIFE,
) -> tuple[str, str]:
    """Make a one-time code by which a person adds one more chat account; gives his name and the code.

    The account gets the rights that the person has, now and later, and none of its own: four eyes count persons.
    Raises UserError for an unknown id and for a person whose rights were revoked.
    """
    actor = actor_by_id(session, person_id)
    if actor is None:
        raise UserError(f"没有编号为 {person_id} 的在岗人员；用 yuqing people list 查看。")
    code = secrets.token_urlsafe(16)
    session.add(
        InviteRow(
            code_hash=_hash(code),
            name=actor.name,
            roles=sorted(role.value for role in actor.roles),
            channels=sorted(actor.channels),
            state=InviteState.OPEN,
            created_at=now,
            expires_at=now + life,
            person_id=person_id,
        )
    )
    ledger.write(session, at=now, actor=by, action="invite_account", name=actor.name, of=person_id)
    return actor.name, code


def claim(
    session: Session, ledger: Ledger, *, code: str, account: Account, shown_name: str, now: datetime
) -> tuple[Claim, Invitation | None]:
    """Use a code. A right one waits for an administrator; five wrong ones lock the account for an hour."""
    if actor_of(session, account.platform, account.user_ref) is not None:
        return Claim.ALREADY, None
    tries = session.get(JoinTryRow, (account.platform, account.user_ref))
    if tries and tries.locked_until and tries.locked_until > now:
        return Claim.LOCKED, None
    found = session.scalar(
        select(InviteRow)
        .where(InviteRow.code_hash == _hash(code), InviteRow.state == InviteState.OPEN)
        .with_for_update()
    )
    if found is None:
        _count_wrong(session, tries, account, now)
        return Claim.UNKNOWN, None
    if found.expires_at < now:
        return Claim.EXPIRED, None
    found.state = InviteState.CLAIMED
    found.platform, found.user_ref, found.chat_ref = account.platform, account.user_ref, account.chat_ref
    found.claimed_name = shown_name[:SHOWN_NAME_MAX]
    if tries:
        tries.wrong, tries.locked_until = 0, None
    ledger.write(
        session, at=now, actor=f"{account.platform}:{account.user_ref}", action="join", name=found.name
    )
    session.flush()
    return Claim.WAITING, _invitation(found)


def settle(
    session: Session, ledger: Ledger, *, invite_id: int, admin: Actor, accept: bool, now: datetime
) -> Invitation:
    """Confirm or refuse a claimed invitation. Raises UserError to anybody but an administrator, or when it is late."""
    if Role.ADMIN not in admin.roles:
        raise UserError("只有系统管理员可以确认人员。")
    row = session.get(InviteRow, invite_id, with_for_update=True)
    if row is None or row.state is not InviteState.CLAIMED:
        raise UserError("这个加入申请已经处理过了。")
    adds_account = row.person_id is not None
    if accept:
        assert row.platform is not None
        assert row.user_ref is not None
        assert row.chat_ref is not None
        # Four eyes count persons: who drafts as one must not approve as another.
        taken = actor_of(session, row.platform, row.user_ref)
        if taken is not None:
            raise UserError(
                f"这个账号已经是“{taken.name}”，不能再作为另一个人加入。请拒绝，或先撤销原有权限。"
            )
        account = Account(row.platform, row.user_ref, row.chat_ref)
        if row.person_id is not None:
            _add_account(session, row.person_id, account)
        else:
            row.person_id = _enter(
                session,
                name=row.name,
                roles=[Role(word) for word in row.roles],
                channels=row.channels,
                account=account,
                now=now,
            )
    row.state = InviteState.CONFIRMED if accept else InviteState.REFUSED
    row.decided_by = admin.person_id
    what = "account" if adds_account else "person"
    action = f"{'confirm' if accept else 'refuse'}_{what}"
    ledger.write(session, at=now, actor=admin.name, action=action, name=row.name)
    return _invitation(row)


def invitation(session: Session, invite_id: int) -> Invitation | None:
    """Read an invitation that was used; None for any other id."""
    row = session.get(InviteRow, invite_id)
    return None if row is None or row.chat_ref is None else _invitation(row)


def revoke(session: Session, ledger: Ledger, *, person_id: int, by: str, now: datetime) -> str:
    """Take all rights from a person at once, open cards and questions included. Raises UserError for an unknown id.

    What waits to be sent to him is not sent; the drafts that he was shown are taken from his chat by a last edit.
    """
    person = session.get(PersonRow, person_id)
    if person is None:
        raise UserError(f"没有编号为 {person_id} 的人员；用 yuqing people list 查看。")
    person.active = False
    session.execute(delete(PersonRoleRow).where(PersonRoleRow.person_id == person_id))
    for question in session.scalars(
        select(AskRow).where(AskRow.person_id == person_id, AskRow.answered_at.is_(None))
    ):
        question.answered_at = now
    for chat in session.scalars(select(AccountRow.chat_ref).where(AccountRow.person_id == person_id)).all():
        outbox.withdraw(session, chat, "权限已撤销", now)
    ledger.write(session, at=now, actor=by, action="revoke_person", name=person.name)
    return person.name


def named(session: Session, name: str) -> int:
    """Give the one registered person of a name. Raises UserError with near names where that is nobody, or several."""
    ids: dict[str, list[int]] = {}
    for person in session.scalars(select(PersonRow).where(PersonRow.active).order_by(PersonRow.id)):
        ids.setdefault(person.name, []).append(person.id)
    found = ids.get(name, [])
    if len(found) > 1:
        raise UserError(f"有 {len(found)} 位“{name}”，分不清是谁，请联系系统管理员。")
    if not found:
        near = difflib.get_close_matches(name, ids, n=3, cutoff=0.5)
        raise UserError(f"没有登记“{name}”" + (f"，是不是 {'、'.join(near)}？" if near else "，请核对姓名。"))
    return found[0]


def name_of(session: Session, person_id: int | None) -> str:
    """Give a person's name for a card, also of one who has left; empty for None."""
    person = None if person_id is None else session.get(PersonRow, person_id)
    return "" if person is None else person.name


def _invitation(row: InviteRow) -> Invitation:
    roles = tuple(Role(word) for word in row.roles)
    adds_account = row.person_id is not None and row.state is not InviteState.CONFIRMED
    return Invitation(row.id, row.name, roles, row.claimed_name or "", row.chat_ref or "", adds_account)


def _actor(session: Session, person: PersonRow, at: datetime | None = None) -> Actor:
    rows = list(session.scalars(select(PersonRoleRow).where(PersonRoleRow.person_id == person.id)))
    absent = [absent for absent, reserve in _standing_in(session, at) if reserve == person.id]
    if absent:
        lent = select(PersonRoleRow).where(PersonRoleRow.person_id.in_(absent), PersonRoleRow.role.in_(LENT))
        rows += session.scalars(lent)
    return Actor(
        person.id,
        person.name,
        frozenset(row.role for row in rows),
        frozenset(row.channel for row in rows if row.channel),
        tuple(name_of(session, one) for one in absent),
    )


def _standing_in(session: Session, at: datetime | None) -> list[tuple[int, int]]:
    """List the substitutions that hold at an instant as (absent, reserve); none for None.

    By their time alone, not by a mark that a tick sets: a service that slept lends nobody a right past its end.
    """
    if at is None:
        return []
    return [
        (absent, reserve)
        for absent, reserve in session.execute(
            select(SubstitutionRow.absent_id, SubstitutionRow.reserve_id)
            .join(PersonRow, PersonRow.id == SubstitutionRow.reserve_id)
            .where(
                PersonRow.active,
                SubstitutionRow.state == SubstitutionState.APPROVED,
                SubstitutionRow.starts_at <= at,
                SubstitutionRow.ends_at > at,
            )
            .order_by(SubstitutionRow.id)
        )
    ]


def _grant(session: Session, person_id: int, roles: Collection[Role], channels: Collection[str]) -> None:
    for role in roles:
        for channel in channels if role is Role.CONTACT else ("",):
            session.add(PersonRoleRow(person_id=person_id, role=role, channel=channel))
    session.flush()


def _enter(
    session: Session,
    *,
    name: str,
    roles: Collection[Role],
    channels: Collection[str],
    account: Account,
    now: datetime,
) -> int:
    """Enter who was confirmed. Whose account it was before comes back as the person he was, for four eyes see humans."""
    known = session.scalar(
        select(AccountRow).where(
            AccountRow.platform == account.platform, AccountRow.user_ref == account.user_ref
        )
    )
    if known is None:
        return add(session, name=name, roles=roles, channels=channels, account=account, now=now)
    person = session.get_one(PersonRow, known.person_id)
    person.name, person.active = name, True
    known.chat_ref = account.chat_ref
    _grant(session, person.id, roles, channels)
    return person.id


def _add_account(session: Session, person_id: int, account: Account) -> None:
    """Give a person one more account. Raises UserError where he left, or where the account was somebody else's."""
    person = session.get(PersonRow, person_id)
    if person is None or not person.active:
        raise UserError("此人的权限已撤销，不能再添加账号。请拒绝。")
    known = session.scalar(
        select(AccountRow).where(
            AccountRow.platform == account.platform, AccountRow.user_ref == account.user_ref
        )
    )
    if known is not None:
        raise UserError("这个账号以前登记在另一个人名下，不能添加。请拒绝，并请本人换一个账号。")
    _bind(session, person_id, account)
    session.flush()


def _bind(session: Session, person_id: int, account: Account) -> None:
    session.add(
        AccountRow(
            platform=account.platform,
            user_ref=account.user_ref,
            chat_ref=account.chat_ref,
            person_id=person_id,
        )
    )


def _count_wrong(session: Session, tries: JoinTryRow | None, account: Account, now: datetime) -> None:
    if tries is None:
        tries = JoinTryRow(platform=account.platform, user_ref=account.user_ref, wrong=0)
        session.add(tries)
    tries.wrong += 1
    if tries.wrong >= WRONG_TRIES:
        tries.wrong, tries.locked_until = 0, now + LOCKED_FOR
    session.flush()


def _hash(code: str) -> str:
    return hashlib.sha256(code.strip().encode()).hexdigest()

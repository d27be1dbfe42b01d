"""Who is on duty: the roster as rows, and the people behind it at an instant, substitutes (顶岗) in the place of the absent.

Rows and not the file, so that both halves of the service and the commands see one roster, and what was is kept. A roster
is taken over whole or not at all: one unknown name keeps the one that runs.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from routing import people, roster
from routing.ledger import Ledger
from routing.roster import Shift
from routing.store.tables import PersonRow, ShiftRow

COMING = timedelta(days=7)
"""How far ahead the next shift is looked for."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name of a roster that is not one registered person: where it stands, what it may have meant, how many have it."""

    name: str
    where: str
    near: tuple[str, ...] = ()
    bearers: int = 0


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Somebody on duty. `chats`: his private ones, one an account; `stands_for`: whose post he has (顶岗)."""

    person_id: int
    name: str
    chats: tuple[str, ...]
    stands_for: str = ""


@dataclass(frozen=True, slots=True)
class Watch:
    """A shift with its people as they are now: the revoked left out, substitutes in the place of the absent."""

    name: str
    starts_at: datetime
    ends_at: datetime
    leader: OnDuty | None
    staff: tuple[OnDuty, ...]
    reserve: tuple[OnDuty, ...]


def resolve(session: Session, planned: Iterable[Shift[str]]) -> tuple[list[Shift[int]], list[Unknown]]:
    """Find the person behind each name; names that are no one registered person, each once, come apart."""
    ids: dict[str, list[int]] = {}
    for person in session.scalars(select(PersonRow).where(PersonRow.active).order_by(PersonRow.id)):
        ids.setdefault(person.name, []).append(person.id)
    found, unknown = [], dict[str, Unknown]()
    for shift in planned:
        for name in shift.people():
            bearers = len(ids.get(name, ()))
            if bearers != 1:
                near = tuple(difflib.get_close_matches(name, ids, n=3, cutoff=0.5)) if not bearers else ()
                unknown.setdefault(name, Unknown(name, shift.where, near, bearers))
        if not any(name in unknown for name in shift.people()):
            found.append(_by_id(shift, {name: theirs[0] for name, theirs in ids.items()}))
    return found, list(unknown.values())


def _by_id(shift: Shift[str], ids: Mapping[str, int]) -> Shift[int]:
    return Shift(
        shift.name,
        shift.starts_at,
        shift.ends_at,
        None if shift.leader is None else ids[shift.leader],
        tuple(ids[name] for name in shift.staff),
        tuple(ids[name] for name in shift.reserve),
    )


def take(session: Session, ledger: Ledger, planned: Sequence[Shift[str]], now: datetime) -> list[Unknown]:
    """Let a roster count from now on; gives the names that keep it from that, and then nothing was changed.

    What is over stays as it was. Safe to call again: the same roster changes nothing and writes no ledger line.
    """
    wanted, unknown = resolve(session, [shift for shift in planned if shift.ends_at > now])
    if unknown:
        return unknown
    held = [_shift(row) for row in session.scalars(_rows(now))]
    if wanted == held:
        return []
    session.execute(delete(ShiftRow).where(ShiftRow.ends_at > now))
    for shift in wanted:
        session.add(
            ShiftRow(
                name=shift.name,
                starts_at=shift.starts_at,
                ends_at=shift.ends_at,
                leader_id=shift.leader,
                staff=list(shift.staff),
                reserve=list(shift.reserve),
            )
        )
    session.flush()
    last = max((shift.ends_at for shift in wanted), default=None)
    ledger.write(
        session,
        at=now,
        actor="系统",
        action="roster",
        shifts=len(wanted),
        before=len(held),
        until_at=None if last is None else last.isoformat(),
    )
    return []


def shifts(session: Session, start: datetime, end: datetime) -> list[Shift[int]]:
    """List the shifts that touch [start, end), in order of time; who was revoked is no longer in them."""
    active = set(session.scalars(select(PersonRow.id).where(PersonRow.active)))
    rows = session.scalars(_rows(start).where(ShiftRow.starts_at < end))
    return [_still(_shift(row), active) for row in rows]


def has_roster(session: Session) -> bool:
    """Tell whether this office ever had one: else nothing is missing where nobody is on duty."""
    return session.scalar(select(ShiftRow.id).limit(1)) is not None


def last_end(session: Session, now: datetime) -> datetime | None:
    """Give when the last shift that ended before `now` did; None where there was none."""
    return session.scalar(
        select(ShiftRow.ends_at).where(ShiftRow.ends_at <= now).order_by(ShiftRow.ends_at.desc()).limit(1)
    )


def watches(session: Session, now: datetime) -> list[Watch]:
    """Give the shifts that run now with their people; empty where nobody is on duty or there is no roster."""
    running = roster.at(shifts(session, now, now + timedelta(seconds=1)), now)
    return [watch_of(session, shift, now) for shift in running]


def coming(session: Session, now: datetime) -> list[Shift[int]]:
    """Give the shifts that begin next after now."""
    return roster.following(shifts(session, now, now + COMING), now)


def watch_of(session: Session, shift: Shift[int], moment: datetime) -> Watch:
    """Put the people of a shift in place as at `moment`."""
    instead = people.substitutes(session, moment)

    def post(person_id: int) -> OnDuty:
        acting = instead.get(person_id, person_id)
        name = people.name_of(session, acting)
        stands_for = people.name_of(session, person_id) if acting != person_id else ""
        return OnDuty(acting, name, tuple(people.private_chats(session, acting)), stands_for)

    return Watch(
        shift.name,
        shift.starts_at,
        shift.ends_at,
        None if shift.leader is None else post(shift.leader),
        _each_once(post(person) for person in shift.staff),
        # A reserve who stands in for somebody of this very shift is no reserve any more.
        _each_once(
            post(person)
            for person in shift.reserve
            if person not in {instead.get(one) for one in (shift.leader, *shift.staff) if one is not None}
        ),
    )


def staff_chats(session: Session, now: datetime) -> list[str]:
    """Give the private chats of the duty officers on duty now; empty where the duty group must hear instead."""
    found = [chat for watch in watches(session, now) for one in watch.staff for chat in one.chats]
    return list(dict.fromkeys(found))


def leader_chats(session: Session, now: datetime) -> list[str]:
    """The same for the leaders on duty (值班领导)."""
    found = [chat for w in watches(session, now) if w.leader is not None for chat in w.leader.chats]
    return list(dict.fromkeys(found))


def _each_once(found: Iterable[OnDuty]) -> tuple[OnDuty, ...]:
    return tuple({one.person_id: one for one in found}.values())


def _rows(after: datetime) -> Select[ShiftRow]:
    return (
        select(ShiftRow)
        .where(ShiftRow.ends_at > after)
        .order_by(ShiftRow.starts_at, ShiftRow.ends_at, ShiftRow.id)
    )


def _shift(row: ShiftRow) -> Shift[int]:
    return Shift(row.name, row.starts_at, row.ends_at, row.leader_id, tuple(row.staff), tuple(row.reserve))


def _still(shift: Shift[int], active: set[int]) -> Shift[int]:
    return replace(
        shift,
        leader=shift.leader if shift.leader in active else None,
        staff=tuple(person for person in shift.staff if person in active),
        reserve=tuple(person for person in shift.reserve if person in active),
    )

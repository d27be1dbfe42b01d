"""Looks ahead over the roster: names that nobody has, gaps, double bookings, people whom no message would reach.

A gap of the next 48 hours is told once; once a week one line says how the coming week is covered. Reachable is who has
an account and whose private chat takes our messages: nobody is asked to report his presence (国办函〔2026〕12号).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import duty, people, roster
from routing.clock import week_of
from routing.ledger import Ledger
from routing.office import Office
from routing.outbox import MessageKind, Priority, queue
from routing.roster import Fault, Finding, Shift
from routing.store.tables import AccountRow, ChatRow
from routing.worktime import is_public_holiday

ALARM_AHEAD = timedelta(hours=48)
WEEK = timedelta(days=7)
WEEKLY_LIFE = timedelta(hours=24)


class Reach(StrEnum):
    """Whether a message would arrive."""

    WELL = "well"
    NO_ACCOUNT = "no_account"
    CLOSED = "closed"  # he has blocked the bot, or never spoke to it


@dataclass(frozen=True, slots=True)
class Report:
    """How a stretch is covered: shifts, people (each once), faults in order of time, and whom nothing reaches, by name."""

    start: datetime
    end: datetime
    shifts: int
    people: int
    faults: tuple[Finding[str], ...]
    unreachable: tuple[tuple[str, Reach], ...]

    @property
    def is_well(self) -> bool:
        """Tell whether nothing is wrong that somebody must see to: a shift without a reserve is a hint."""
        return not self.unreachable and all(fault.fault is Fault.RESERVE for fault in self.faults)


def reach(session: Session, person_ids: Sequence[int]) -> dict[int, Reach]:
    """Tell of each person whether a private message would arrive: one open chat is enough."""
    closed = set(session.scalars(select(ChatRow.ref).where(ChatRow.closed_at.is_not(None))))
    chats: dict[int, list[str]] = {person_id: [] for person_id in person_ids}
    for account in session.scalars(select(AccountRow).where(AccountRow.person_id.in_(list(chats)))):
        chats[account.person_id].append(account.chat_ref)
    return {
        person_id: Reach.NO_ACCOUNT if not theirs else Reach.CLOSED if set(theirs) <= closed else Reach.WELL
        for person_id, theirs in chats.items()
    }


def report(
    session: Session, office: Office, shifts: Sequence[Shift[int]], start: datetime, end: datetime
) -> Report:
    """Look over a stretch of a roster."""
    within = [shift for shift in shifts if shift.starts_at < end and shift.ends_at > start]
    concerned = list(dict.fromkeys(person for shift in within for person in shift.people()))
    names = {person: people.name_of(session, person) for person in concerned}
    reached = reach(session, concerned)
    found = roster.findings(
        within, start, end, office.zone, lambda day: is_public_holiday(day, office.overrides)
    )
    return Report(
        start,
        end,
        len(within),
        len(concerned),
        tuple(
            Finding(f.fault, f.starts_at, f.ends_at, f.shifts, tuple(names[one] for one in f.who))
            for f in found
        ),
        tuple((names[one], how) for one, how in reached.items() if how is not Reach.WELL),
    )


def look(
    session: Session, office: Office, ledger: Ledger, planned: Sequence[Shift[str]], now: datetime
) -> int:
    """Take the roster of the files over and tell what is amiss, each once; gives how many messages were queued."""
    unknown = duty.take(session, ledger, planned, now)
    told = 0
    if unknown:
        names = [[one.name, one.where, list(one.near), one.bearers] for one in unknown]
        key = f"roster-names:{'|'.join(one.name for one in unknown)}"[:150]
        facts = {"template": "roster_names", "names": names}
        told += _tell(session, office.operator_chat, f"{key}:{now:%Y-%m-%d}", facts, now)
    if duty.has_roster(session):
        told += _gaps(session, office, ledger, now) + _weekly(session, office, now)
    return told


def _gaps(session: Session, office: Office, ledger: Ledger, now: datetime) -> int:
    since = duty.last_end(session, now)
    start = since or now
    told = 0
    for begins, ends in roster.gaps(duty.shifts(session, start, now + WEEK), start, now + WEEK):
        if begins > now + ALARM_AHEAD or ends <= now:
            continue
        # By its beginning, which does not move with the clock; before the first shift of all there is one gap.
        key = f"roster-gap:{'first' if since is None and begins == now else begins.isoformat()}"
        facts = {
            "template": "roster_gap",
            "starts_at": max(begins, now).isoformat(),
            "ends_at": None if ends >= now + WEEK else ends.isoformat(),
        }
        fresh = _tell(session, office.duty_chat, f"{key}:duty", facts, now)
        if fresh:
            _tell(session, office.operator_chat, f"{key}:operator", facts, now)
            ledger.write(session, at=now, actor="系统", action="roster_gap", starts_at=facts["starts_at"])
        told += fresh
    return told


def _weekly(session: Session, office: Office, now: datetime) -> int:
    """Say once a week, at the hour of the digest, how the next seven days are covered."""
    week, digest = week_of(now, office.zone), office.digest
    at = week.start + timedelta(days=digest.weekday, hours=digest.at.hour, minutes=digest.at.minute)
    if not at <= now < at + WEEKLY_LIFE:
        return 0
    found = report(session, office, duty.shifts(session, now, now + WEEK), now, now + WEEK)
    facts = {
        "template": "roster_week",
        "shifts": found.shifts,
        "people": found.people,
        "faults": [
            [f.fault.value, f.starts_at.isoformat(), f.ends_at.isoformat(), list(f.shifts), list(f.who)]
            for f in found.faults
        ],
        "unreachable": [[name, how.value] for name, how in found.unreachable],
    }
    key = f"roster-week:{week.name}"
    told = _tell(session, office.operator_chat, f"{key}:operator", facts, now)
    if told and not found.is_well:
        _tell(session, office.duty_chat, f"{key}:duty", facts, now)
    return told


def _tell(session: Session, chat: str, key: str, facts: Mapping[str, object], now: datetime) -> int:
    return queue(
        session,
        key=key,
        chat=chat,
        kind=MessageKind.TEXT,
        priority=Priority.ALERT,
        payload=facts,
        now=now,
        valid_for=timedelta(hours=24),
    )

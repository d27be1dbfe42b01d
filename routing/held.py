"""Which cards are held back (暂不发卡), by what and until when: the rows, read and written. Decides nothing.

A case whose card is held back is a case like any other: it has its number, its limits and its record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from routing import people
from routing.office import Level
from routing.silence import Ending, MuteKind
from routing.store.tables import CaseItemRow, CaseRow, HoldRow, ItemRow, MuteRow
from routing.told import as_told
from routing.workflow import ENDED

SECURITY = "security"


def is_grave(case: CaseRow) -> bool:
    """Tell whether nothing may hold a case back or hush it: proposed or set at Ⅰ or Ⅱ, or a danger."""
    return min(case.level, case.proposed_level) <= Level.II or case.channel == SECURITY


@dataclass(frozen=True, slots=True)
class MuteView:
    """A mute as people read it. Instants are aware UTC; `author` is a name, `held` how many cases it took so far."""

    id: int
    kind: MuteKind
    matcher: str
    reason: str
    author: str
    at: datetime
    ends_at: datetime
    held: int


@dataclass(frozen=True, slots=True)
class Matter:
    """One matter of a summary."""

    number: str
    title: str
    level: Level


@dataclass(frozen=True, slots=True)
class HeldView:
    """Why the card of a case is held back: a mute, the number of the graver case, or of the one that it is perhaps part of
    (`beside`, held so since then); none where it was taken over from an older ledger. `passed`: it was too grave for
    that mute and went out all the same.
    """

    mute: MuteView | None
    under: str
    passed: bool = False
    beside: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class DoubtView:
    """A case that waits, since then, on the card of the one that it is perhaps part of; `url` of its first text, may be empty."""

    id: int
    number: str
    title: str
    version: int
    url: str
    since: datetime


def is_held(session: Session, case_id: int) -> bool:
    """Tell whether the card of a case is held back now."""
    return open_hold(session, case_id) is not None


def open_hold(session: Session, case_id: int) -> HoldRow | None:
    """Give the row by which the card of a case is held back now."""
    return session.scalar(select(HoldRow).where(HoldRow.case_id == case_id, HoldRow.ended_at.is_(None)))


def is_taken_over(row: HoldRow) -> bool:
    """Tell whether a card is held back because its case comes from an older ledger, and nobody asked for it yet."""
    return row.mute_id is None and row.under_id is None and row.beside_id is None


def hold(
    session: Session,
    case_id: int,
    now: datetime,
    *,
    mute_id: int | None = None,
    under_id: int | None = None,
    beside_id: int | None = None,
) -> HoldRow:
    """Begin to hold a card back. The caller knows that it is not held back yet."""
    row = HoldRow(case_id=case_id, mute_id=mute_id, under_id=under_id, beside_id=beside_id, at=now)
    session.add(row)
    session.flush()
    return row


def end(row: HoldRow, ending: Ending, now: datetime) -> None:
    """Hold a card back no longer."""
    row.ended_at, row.ending = now, ending


def held_view(session: Session, case_id: int) -> HeldView | None:
    """Say why the card of a case is held back, or which mute it was too grave for; None otherwise."""
    row = session.scalar(
        select(HoldRow).where(HoldRow.case_id == case_id).order_by(HoldRow.id.desc()).limit(1)
    )
    if row is None or (row.ended_at is not None and (row.ending is not Ending.GRAVE or row.mute_id is None)):
        return None
    muted = None if row.mute_id is None else session.get_one(MuteRow, row.mute_id)
    if row.ended_at is not None and muted is not None and muted.ended_at is not None:
        return None
    mute = None if muted is None else mute_view(session, muted)
    under, beside = (
        "" if other is None else session.get_one(CaseRow, other).number
        for other in (row.under_id, row.beside_id)
    )
    return HeldView(mute, under, passed=row.ended_at is not None, beside=beside, since=row.at)


def mute_view(session: Session, row: MuteRow) -> MuteView:
    """Give a mute as people read it."""
    held = len(session.scalars(select(HoldRow.id).where(HoldRow.mute_id == row.id)).all())
    author = people.name_of(session, row.person_id)
    return MuteView(row.id, row.kind, row.matcher, row.reason, author, row.at, row.ends_at, held)


def mute_views(session: Session) -> list[MuteView]:
    """List the mutes that have not ended, oldest first."""
    rows = session.scalars(select(MuteRow).where(MuteRow.ended_at.is_(None)).order_by(MuteRow.id)).all()
    return [mute_view(session, row) for row in rows]


def cause(session: Session, mute_id: int | None, under_id: int | None) -> HeldView:
    """Give by what cards were held back, for the summary that tells that they are no longer."""
    mute = None if mute_id is None else mute_view(session, session.get_one(MuteRow, mute_id))
    return HeldView(mute, "" if under_id is None else session.get_one(CaseRow, under_id).number)


def still_open(session: Session, case_ids: Sequence[int]) -> list[Matter]:
    """List those of the cases that are not over, gravest first, then the older."""
    rows = session.execute(
        select(CaseRow.number, CaseRow.title, CaseRow.level)
        .where(CaseRow.id.in_(list(case_ids)), CaseRow.state.not_in(list(ENDED)))
        .order_by(CaseRow.level, CaseRow.id)
    )
    return [Matter(*row) for row in rows]


def below(session: Session, case_id: int) -> tuple[str, ...]:
    """Give the numbers of the cases that stand on the card of this one, oldest first."""
    return tuple(session.scalars(_below(case_id)))


def doubted(session: Session, case_id: int) -> tuple[DoubtView, ...]:
    """Give the cases that wait on the card of this one for a person to say whether they are part of it, oldest first."""
    waiting = session.execute(
        select(CaseRow, HoldRow.at)
        .join(HoldRow, HoldRow.case_id == CaseRow.id)
        .where(
            HoldRow.beside_id == case_id,
            HoldRow.ended_at.is_(None),
            CaseRow.state.not_in(list(ENDED)),  # merged just now, and no tick has seen it
        )
        .order_by(HoldRow.id)
    ).all()
    return tuple(
        DoubtView(case.id, case.number, case.title, case.version, _first_url(session, case.id), since)
        for case, since in waiting
    )


def _first_url(session: Session, case_id: int) -> str:
    url = session.scalar(
        select(ItemRow.url)
        .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
        .where(CaseItemRow.case_id == case_id, ItemRow.url != "")
        .order_by(*as_told())
        .limit(1)
    )
    return url or ""


def listed(session: Session, case_id: int) -> int:
    """Count the cases that stand on the card of this one, for whatever reason."""
    return len(below(session, case_id)) + len(doubted(session, case_id))


def _below(case_id: int) -> Select[str]:
    return (
        select(CaseRow.number)
        .join(HoldRow, HoldRow.case_id == CaseRow.id)
        .where(HoldRow.under_id == case_id, HoldRow.ended_at.is_(None))
        .order_by(CaseRow.id)
    )

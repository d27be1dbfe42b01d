"""What the clocks of a case say: its flags, its colour, what stands still, and what happens next if nobody moves. Reads only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import calls, supervision
from routing.calls import Called
from routing.movers import running
from routing.office import Colour, Step
from routing.store.tables import CaseRow, DeadlineRow, DutyCallRow


class Happening(StrEnum):
    """What the house does by itself at a moment."""

    REMIND = "remind"
    OVERDUE = "overdue"
    COLOUR = "colour"
    BULLETIN = "bulletin"
    CALL = "call"
    GO_ON = "go_on"


@dataclass(frozen=True, slots=True)
class Coming:
    """What happens at `at` (aware UTC) if nobody moves: of which step, and what colour or whom it calls."""

    at: datetime
    what: Happening
    step: Step | None = None
    colour: Colour | None = None
    called: Called | None = None


@dataclass(frozen=True, slots=True)
class Supervised:
    """How far the supervision of a case has gone, because of which step, and by when it asks for it (None: at once)."""

    colour: Colour
    step: Step
    answer_by: datetime | None


@dataclass(frozen=True, slots=True)
class ClockView:
    """What the clocks of a case say, for showing. `paused`: which limits stand still."""

    instructed: bool = False
    emergency: bool = False
    paused: frozenset[Step] = frozenset()
    supervised: Supervised | None = None
    coming: Coming | None = None


NO_CLOCK = ClockView()


def clock_view(session: Session, case: CaseRow) -> ClockView:
    """Read what the clocks of a case say."""
    limits = session.scalars(running(case.id)).all()
    found = [*_of_limits(limits), *_of_supervision(session, case), *_of_call(session, case)]
    return ClockView(
        case.instructed,
        case.emergency,
        frozenset(row.step for row in limits if row.paused_at is not None),
        _supervised(session, case),
        min(found, key=lambda one: one.at, default=None),
    )


def _of_limits(limits: Sequence[DeadlineRow]) -> Iterator[Coming]:
    for row in limits:
        if row.next_at is None:
            continue
        what = Happening.OVERDUE if row.reminded >= 2 else Happening.REMIND
        yield Coming(row.next_at, Happening.GO_ON if row.paused_at else what, row.step)


def _of_supervision(session: Session, case: CaseRow) -> Iterator[Coming]:
    row = supervision.current(session, case.id)
    if row is None or row.next_at is None:
        return
    step = session.get_one(DeadlineRow, row.deadline_id).step
    colour = supervision.following(row, case)
    yield Coming(row.next_at, Happening.COLOUR if colour else Happening.BULLETIN, step, colour)


def _of_call(session: Session, case: CaseRow) -> Iterator[Coming]:
    row = session.scalar(
        select(DutyCallRow).where(
            DutyCallRow.case_id == case.id,
            DutyCallRow.version == case.version,
            DutyCallRow.next_at.is_not(None),
        )
    )
    if row is not None and row.next_at is not None:
        yield Coming(row.next_at, Happening.CALL, called=calls.STAGES[row.stage + 1])


def _supervised(session: Session, case: CaseRow) -> Supervised | None:
    row = supervision.current(session, case.id)
    if row is None or row.colour is None:
        return None
    return Supervised(row.colour, session.get_one(DeadlineRow, row.deadline_id).step, row.answer_by)

"""Whether a typed reason says anything; and those by which a leader sent drafts back before, for him to take one again.

Reads only; each sees his own alone.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from routing.store.tables import ReviewRow
from routing.workflow import Opinion, Stage

REASON_MIN = 4
"""So many letters or digits a typed reason has at least; project default."""
OFFERED = 3
"""So many of his last reasons are offered; project default."""

_LOOKED_THROUGH = 50


@dataclass(frozen=True, slots=True)
class OwnReason:
    """A reason as its person wrote it; `review_id`: the opinion that it stands in, which is never changed."""

    review_id: int
    text: str


def is_telling(typed: str) -> bool:
    """Tell whether a typed reason can stand in the record: whoever reads it later must see why. Dots say nothing."""
    return sum(map(str.isalnum, typed)) >= REASON_MIN


def last(session: Session, person_id: int) -> list[OwnReason]:
    """List the last distinct reasons of a person, newest first."""
    rows = session.execute(
        select(ReviewRow.id, ReviewRow.reason)
        .where(_own(person_id))
        .order_by(ReviewRow.id.desc())
        .limit(_LOOKED_THROUGH)
    )
    found: dict[str, OwnReason] = {}
    for row in rows:
        found.setdefault(row.reason.strip(), OwnReason(row.id, row.reason))
    return list(found.values())[:OFFERED]


def own(session: Session, person_id: int, review_id: int) -> str:
    """Give the reason of one opinion; empty where it is nobody's, or another person's."""
    query = select(ReviewRow.reason).where(_own(person_id), ReviewRow.id == review_id)
    return session.scalar(query) or ""


def _own(person_id: int) -> ColumnElement[bool]:
    return and_(
        ReviewRow.reviewer_id == person_id,
        ReviewRow.opinion == Opinion.RETURN,
        ReviewRow.stage.in_([Stage.APPROVAL, Stage.CHIEF]),
        ReviewRow.reason != "",
    )

"""Whether a matter was there before: an earlier one of its place and kind that had fallen silent. Reads only.

Texts are held against the matters of the last 7 days (`routing.grouping`); what returns after a longer silence opens a
matter of its own. The stored ones are asked here, so that a person sees that it is not the first time.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from routing.affinity import AWAKE
from routing.store.tables import CaseItemRow, CaseRow
from routing.workflow import State


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier matter of the same place and kind."""

    number: str
    title: str
    state: State
    opened_at: datetime


def earlier(session: Session, case: CaseRow) -> Earlier | None:
    """Give the newest one that was silent for 7 days when this one began; None where its place or kind is unknown.

    Of one kind: the same topic by the rules, else the same subject area. What was merged stands under the other number.
    """
    kind = CaseRow.topic == case.topic if case.topic else CaseRow.subject == case.subject
    if case.place is None or not (case.topic or case.subject):
        return None
    awake = exists().where(CaseItemRow.case_id == CaseRow.id, CaseItemRow.at > case.opened_at - AWAKE)
    found = session.scalar(
        select(CaseRow)
        .where(CaseRow.place == case.place, CaseRow.id < case.id, CaseRow.merged_into.is_(None), kind, ~awake)
        .order_by(CaseRow.id.desc())
        .limit(1)
    )
    return None if found is None else Earlier(found.number, found.title, found.state, found.opened_at)

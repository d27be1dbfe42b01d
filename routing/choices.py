"""What a person may choose from to put a matter right: its texts, and the matters that it may go into. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from routing.store.tables import CaseItemRow, CaseRow, ItemRow
from routing.views import Other, suggestion_of
from routing.workflow import ENDED

AT_ONCE = 6
"""So many choices stand on a card at a time."""
AWAKE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of all choices, in their order. `page` counts from 0; `more`: another page follows."""

    page: int
    choices: tuple[Other, ...]
    more: bool


def texts(session: Session, case_id: int, page: int) -> Page:
    """Give the texts of a case, the newest first; of each its id, when it was published, and how it begins."""
    at = func.coalesce(ItemRow.published_at, ItemRow.first_seen_at)
    rows = session.scalars(
        select(ItemRow)
        .join(CaseItemRow, CaseItemRow.item_id == ItemRow.id)
        .where(CaseItemRow.case_id == case_id)
        .order_by(at.desc(), ItemRow.id.desc())
        .offset(page * AT_ONCE)
        .limit(AT_ONCE + 1)
    ).all()
    return _page(
        [Other(row.id, "", row.title or row.text, row.published_at or row.first_seen_at) for row in rows],
        page,
    )


def matters(session: Session, case_id: int, page: int, now: datetime) -> Page:
    """Give the open cases to which a text came in the last 7 days, those first that look like this one.

    The suggested one, then those of its place and topic, of its place, of its topic; of equals the newest.
    """
    case = session.get_one(CaseRow, case_id)
    suggested = suggestion_of(session, case)
    newest = func.max(CaseItemRow.at)
    rows = session.execute(
        select(CaseRow.id, CaseRow.number, CaseRow.title, CaseRow.opened_at, CaseRow.place, CaseRow.topic)
        .join(CaseItemRow, CaseItemRow.case_id == CaseRow.id)
        .where(CaseRow.id != case_id, CaseRow.state.not_in(list(ENDED)))
        .group_by(CaseRow.id, CaseRow.number, CaseRow.title, CaseRow.opened_at, CaseRow.place, CaseRow.topic)
        .having(newest > now - AWAKE)
        .order_by(newest.desc(), CaseRow.id.desc())
    ).all()
    first = suggested.other.id if suggested else None
    alike = sorted(rows, key=lambda row: (row.id != first, _differs(case, row.place, row.topic)))
    return _page(
        [Other(row.id, row.number, row.title, row.opened_at) for row in alike[page * AT_ONCE :]], page
    )


def _differs(case: CaseRow, place: str | None, topic: str | None) -> int:
    return 2 * (case.place is None or case.place != place) + (case.topic is None or case.topic != topic)


def _page(found: Sequence[Other], page: int) -> Page:
    return Page(page, tuple(found[:AT_ONCE]), len(found) > AT_ONCE)

"""Where the numbers of merged matters lead: one may have gone into another that went into a third."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.store.tables import CaseRow


def end_of(session: Session, case: CaseRow) -> CaseRow:
    """Give the matter that one leads to in the end; one that was not merged leads to itself."""
    while case.merged_into is not None:
        case = session.get_one(CaseRow, case.merged_into)
    return case


def leading_to(session: Session, case: CaseRow) -> Iterator[CaseRow]:
    """Give the matters that were merged into one, each followed by those that were merged into that."""
    query = select(CaseRow).where(CaseRow.merged_into == case.id).order_by(CaseRow.id)
    for old in session.scalars(query).all():
        yield old
        yield from leading_to(session, old)

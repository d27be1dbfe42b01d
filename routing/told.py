"""By which text a matter is told, and in which order its texts are: what a person moved into it comes after its own first.

Title, proposal and limits of a matter are those of the text that it is told by. A text that was merged into it may be
older than that one, and would else stand as its first under a title that it has nothing to do with.
"""

from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, aliased

from routing.store.tables import CaseItemRow, ItemRow, ProposalRow

_later = aliased(ProposalRow)
_still_proposed = (
    ProposalRow.case_id == CaseItemRow.case_id,
    ProposalRow.item_id == CaseItemRow.item_id,
    # A text that was split off opened a matter of its own: it is a guest where it is merged back into the first.
    ~exists().where(
        _later.item_id == ProposalRow.item_id,
        _later.case_id != ProposalRow.case_id,
        _later.id > ProposalRow.id,
    ),
)


def told_by(session: Session, case_id: int) -> int | None:
    """Give the text that a matter is told by: the first that it was proposed by, of those in it; None where none is left."""
    return session.scalar(
        select(ProposalRow.item_id)
        .join(CaseItemRow, CaseItemRow.item_id == ProposalRow.item_id)
        .where(ProposalRow.case_id == case_id, *_still_proposed)
        .order_by(ProposalRow.id)
        .limit(1)
    )


def as_told() -> tuple[ColumnElement[Any], ...]:
    """Give what to order the texts of matters by (`ItemRow` joined with `CaseItemRow`): those that the matter was
    proposed by, then the rest, oldest first.
    """
    proposed = (
        select(func.min(ProposalRow.id)).where(*_still_proposed).correlate(CaseItemRow).scalar_subquery()
    )
    return proposed.asc().nulls_last(), CaseItemRow.at.asc(), ItemRow.id.asc()

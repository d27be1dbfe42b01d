"""In which order the texts of a matter are told: what a person moved into it comes after its own first text.

Title, proposal and limits of a matter are those of the text that it is told by. A text that was merged into it may be
older than that one, and would else stand as its first under a title that it has nothing to do with.
"""

from typing import Any

from sqlalchemy import ColumnElement, func, select

from routing.store.tables import CaseItemRow, ItemRow, ProposalRow


def as_told() -> tuple[ColumnElement[Any], ...]:
    """Give what to order the texts of matters by (`ItemRow` joined with `CaseItemRow`): those that the matter was
    proposed by, then the rest, oldest first.
    """
    proposed = (
        select(func.min(ProposalRow.id))
        .where(ProposalRow.case_id == CaseItemRow.case_id, ProposalRow.item_id == CaseItemRow.item_id)
        .correlate(CaseItemRow)
        .scalar_subquery()
    )
    return proposed.asc().nulls_last(), CaseItemRow.at.asc(), ItemRow.id.asc()

"""What people decided about matters, as labelled texts: of public concern or not, who leads, which subject area, whether
it must be answered. Reads only.

A channel that signed for a matter confirms it, whether it was proposed or chosen; a dismissal says no; an area is what a
person called it. That it must be answered is what a person said of it; where nobody did, the signature confirms what
stood on the card, unless the level alone asked for it. What nobody decided teaches nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from routing.items import Kind
from routing.opinions import beginning
from routing.owed import Owed
from routing.starter.opinions import ANSWER, LEAD, NO, PUBLIC, SUBJECT, YES
from routing.store.tables import AssignmentRow, CaseRow, ItemRow, ProposalRow, VerdictKind, VerdictRow
from routing.verdicts import NOT_OWED, RELEVANT_AFTER_ALL

_of_elsewhere = re.compile("[本外邻别]的?[省市县区州旗地]|我们?[省市县区州旗]|辖")
_sorts = frozenset({"feed", "comments", "board", "official", "hotlist"})


@dataclass(frozen=True, slots=True)
class Said:
    """What people made of one text, as the models read it. `number` never changes; `where`: the sort of place, or empty."""

    number: int
    text: str
    label: str
    where: str = ""


def said_of_matters(session: Session) -> Mapping[str, list[Said]]:
    """Give what people decided, by model and oldest text first; of each matter the text that it was opened by.

    A dismissal for its place (与本县无关) is left out: that a text is of another county says nothing of its concern.
    """
    verdicts = _verdicts(session)
    signed = _signed(session)
    found: dict[str, list[Said]] = {PUBLIC: [], LEAD: [], SUBJECT: [], ANSWER: []}
    for row in _first_texts(session):
        text, where = beginning(row.title, row.text), _where(row)
        dismissed = verdicts.get((row.case_id, VerdictKind.RELEVANT), RELEVANT_AFTER_ALL)
        area = verdicts.get((row.case_id, VerdictKind.SUBJECT))
        channel = signed.get(row.case_id)
        if dismissed != RELEVANT_AFTER_ALL:
            if not _of_elsewhere.search(dismissed):
                found[PUBLIC].append(Said(row.item_id, text, NO, where))
        elif channel is not None:
            found[PUBLIC].append(Said(row.item_id, text, YES, where))
            found[LEAD].append(Said(row.item_id, text, channel, where))
            duty = verdicts.get((row.case_id, VerdictKind.ANSWER), _proposed(row))
            if duty != Owed.LEVEL:
                found[ANSWER].append(Said(row.item_id, text, NO if duty == NOT_OWED else YES, where))
        if area:
            found[SUBJECT].append(Said(row.item_id, text, area))
    return found


def _proposed(row: "_First") -> str:
    """Give the ground that stood on the card; of a matter from before there were grounds nobody knows it."""
    return row.owed or (Owed.LEVEL if row.must_answer else NOT_OWED)


class _First(NamedTuple):
    case_id: int
    item_id: int
    title: str
    text: str
    stood: str | None
    kind: Kind
    must_answer: bool
    owed: Owed | None


def _first_texts(session: Session) -> list[_First]:
    """Give the text that each matter was opened by."""
    first = select(func.min(ProposalRow.id)).group_by(ProposalRow.case_id)
    rows = session.execute(
        select(
            ProposalRow.case_id,
            ItemRow.id,
            ItemRow.title,
            ItemRow.text,
            ItemRow.stood,
            ItemRow.kind,
            CaseRow.must_answer,
            CaseRow.owed,
        )
        .join(CaseRow, CaseRow.id == ProposalRow.case_id)
        .join(ItemRow, ItemRow.id == ProposalRow.item_id)
        .where(ProposalRow.id.in_(first))
        .order_by(ItemRow.id, ProposalRow.case_id)
    )
    return [_First(*row) for row in rows]


def _verdicts(session: Session) -> dict[tuple[int, VerdictKind], str]:
    rows = session.execute(
        select(VerdictRow.case_id, VerdictRow.kind, VerdictRow.corrected)
        .where(VerdictRow.kind.in_([VerdictKind.RELEVANT, VerdictKind.SUBJECT, VerdictKind.ANSWER]))
        .order_by(VerdictRow.id)
    )
    return {(case_id, kind): corrected for case_id, kind, corrected in rows}


def _signed(session: Session) -> dict[int, str]:
    """Give the channel that has signed for each matter and has it still."""
    rows = session.execute(
        select(AssignmentRow.case_id, AssignmentRow.channel)
        .join(CaseRow, CaseRow.id == AssignmentRow.case_id)
        .where(
            AssignmentRow.signed_at.is_not(None),
            AssignmentRow.returned_at.is_(None),
            AssignmentRow.channel == CaseRow.channel,
        )
    )
    return dict(rows.all())


def _where(row: _First) -> str:
    """Name the sort of place as the models know it; a text of the press stood in a feed."""
    if row.stood is None:
        return {Kind.COMMENT: "comments", Kind.HOTLIST: "hotlist"}.get(row.kind, "feed")
    return row.stood if row.stood in _sorts else "feed"

"""What people corrected of what the machine proposed: written beside the move, read where the machine learns.

Each row says what was proposed, for which text, and by which version of rules, models and scorer.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.items import Band
from routing.store.tables import CaseRow, ItemRow, ProposalRow, VerdictKind, VerdictRow

RELEVANT_AFTER_ALL = "case"
"""What a verdict of relevance says of a matter that was dismissed and taken up again; any other word is a reason."""
NOT_OWED = "no"
"""What a verdict of the answer says of a matter that need not be answered; any other word is a ground."""


@dataclass(frozen=True, slots=True)
class SaidOfText:
    """What a person last said of the tone of a text, masked as it is stored. `number` stays when he says otherwise."""

    number: int
    title: str
    text: str
    band: Band


def note(
    session: Session,
    case: CaseRow,
    kind: VerdictKind,
    *,
    proposed: str,
    corrected: str,
    person_id: int,
    now: datetime,
    item: ItemRow | None = None,
) -> None:
    """Keep a correction. Without an `item` it speaks of the text that the newest proposal was made from."""
    proposal = None if item else _newest_proposal(session, case.id)
    if proposal is not None:
        item = session.get(ItemRow, proposal.item_id)
    version = proposal.rules_version if proposal else item.rules_version if item else ""
    session.add(
        VerdictRow(
            case_id=case.id,
            item_id=item.id if item else None,
            kind=kind,
            proposed=proposed,
            corrected=corrected,
            person_id=person_id,
            rules_version=version,
            scorer=item.scorer if item else None,
            at=now,
        )
    )
    session.flush()


def note_if_other(
    session: Session,
    case: CaseRow,
    kind: VerdictKind,
    *,
    proposed: str,
    corrected: str,
    person_id: int,
    now: datetime,
) -> None:
    """Keep what a person said unless that is what was last said, or was proposed where nobody said anything."""
    said = newest(session, case.id, kind)
    if corrected != (said.corrected if said else proposed):
        note(session, case, kind, proposed=proposed, corrected=corrected, person_id=person_id, now=now)


def newest(session: Session, case_id: int, kind: VerdictKind) -> VerdictRow | None:
    """Give the correction of a kind that counts on a case."""
    return session.scalar(
        select(VerdictRow)
        .where(VerdictRow.case_id == case_id, VerdictRow.kind == kind)
        .order_by(VerdictRow.id.desc())
        .limit(1)
    )


def proposed_channel(session: Session, case: CaseRow) -> str:
    """Give the channel that the machine proposed for a case: what stood on its card until a person said otherwise."""
    said = newest(session, case.id, VerdictKind.CHANNEL)
    return said.proposed if said else case.channel


def proposed_subject(session: Session, case: CaseRow) -> str:
    """Give the subject area that the machine proposed for a case, empty for none."""
    said = newest(session, case.id, VerdictKind.SUBJECT)
    return said.proposed if said else case.subject or ""


def said_bands(session: Session, items: Collection[int]) -> dict[int, Band]:
    """Give what people last said of the tone of these texts; those of which nobody spoke are left out."""
    rows = session.execute(
        select(VerdictRow.item_id, VerdictRow.corrected)
        .where(VerdictRow.kind == VerdictKind.SENTIMENT, VerdictRow.item_id.in_(list(items)))
        .order_by(VerdictRow.id)
    )
    return {item_id: Band(corrected) for item_id, corrected in rows if item_id is not None}


def said_of_texts(session: Session) -> list[SaidOfText]:
    """Give every text of whose tone people spoke, in the order in which they first did."""
    rows = session.execute(
        select(VerdictRow.id, VerdictRow.item_id, VerdictRow.corrected, ItemRow.title, ItemRow.text)
        .join(ItemRow, ItemRow.id == VerdictRow.item_id)
        .where(VerdictRow.kind == VerdictKind.SENTIMENT)
        .order_by(VerdictRow.id)
    )
    said: dict[int | None, SaidOfText] = {}
    for number, item_id, corrected, title, text in rows:
        before = said.get(item_id)
        said[item_id] = SaidOfText(before.number if before else number, title, text, Band(corrected))
    return list(said.values())


def _newest_proposal(session: Session, case_id: int) -> ProposalRow | None:
    return session.scalar(
        select(ProposalRow).where(ProposalRow.case_id == case_id).order_by(ProposalRow.id.desc()).limit(1)
    )

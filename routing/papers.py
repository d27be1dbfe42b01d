"""Papers in the file of a matter (卷内材料): what units were asked and answered, what people said beside a draft."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from routing.store.tables import AssignmentRow, CaseRow, DraftRow, PaperRow, ReleaseRow, ReviewRow
from routing.workflow import Command, Order, Stage


def put(
    session: Session, case: CaseRow, order: Order, now: datetime, *, stance: str = "", text: str = ""
) -> None:
    """File what somebody said, under the command that he gave. Done as soon as it is said."""
    session.add(
        PaperRow(
            case_id=case.id,
            kind=order.command,
            channel=order.channel,
            draft_version=case.draft_version,
            person_id=order.actor.person_id,
            stance=stance,
            text=text,
            at=now,
            done_at=now,
            done_by=order.actor.person_id,
        )
    )
    session.flush()


def ask(session: Session, case: CaseRow, kind: Command, channel: str, person_id: int, now: datetime) -> None:
    """Ask a channel for something; a question that waits already is not asked twice."""
    if channel not in waiting(session, case.id, kind, case.draft_version):
        session.add(
            PaperRow(
                case_id=case.id,
                kind=kind,
                channel=channel,
                draft_version=case.draft_version,
                person_id=person_id,
                at=now,
            )
        )
        session.flush()


def answer(
    session: Session,
    case_id: int,
    kind: Command,
    channel: str,
    person_id: int | None,
    now: datetime,
    *,
    stance: str = "",
    text: str = "",
) -> None:
    """Note what a channel answered; where nothing waits nothing changes. `person_id` None: nobody answered."""
    for row in session.scalars(select(PaperRow).where(_open(case_id, kind), PaperRow.channel == channel)):
        row.stance, row.text, row.done_at, row.done_by = stance, text, now, person_id
    session.flush()


def begin(session: Session, case: CaseRow, order: Order, now: datetime, *, stance: str, text: str) -> None:
    """File what lasts until `finish`."""
    put(session, case, order, now, stance=stance, text=text)
    row = newest(session, case.id, order.command)
    assert row is not None
    row.done_at = row.done_by = None
    session.flush()


def finish(session: Session, case_id: int, kind: Command, person_id: int | None, now: datetime) -> None:
    """End what was begun; nothing where nothing lasts. `person_id` None: it ended by itself."""
    for row in session.scalars(select(PaperRow).where(_open(case_id, kind))):
        row.done_at, row.done_by = now, person_id
    session.flush()


def waiting(
    session: Session, case_id: int, kind: Command, draft_version: int | None = None
) -> frozenset[str]:
    """Name the channels that were asked and have not answered; of one draft version, or whatever the version."""
    query = select(PaperRow.channel).where(_open(case_id, kind))
    if draft_version is not None:
        query = query.where(PaperRow.draft_version == draft_version)
    return frozenset(session.scalars(query))


def answered(session: Session, case_id: int, kind: Command, draft_version: int) -> frozenset[str]:
    """Name the channels that have answered, of one draft version."""
    return frozenset(
        session.scalars(
            select(PaperRow.channel).where(
                PaperRow.case_id == case_id,
                PaperRow.kind == kind,
                PaperRow.draft_version == draft_version,
                PaperRow.done_by.is_not(None),
            )
        )
    )


def asked(session: Session, case_id: int, kind: Command) -> dict[str, int]:
    """Give the channels that were asked and have not answered, each with the id of the paper that asks."""
    rows = session.execute(
        select(PaperRow.channel, PaperRow.id).where(_open(case_id, kind)).order_by(PaperRow.id)
    )
    return {row.channel: row.id for row in rows}


def count(session: Session, case_id: int, kind: Command, draft_version: int | None = None) -> int:
    """Count the papers of a kind that are done; of one draft version, or of all."""
    query = select(func.count()).where(
        PaperRow.case_id == case_id, PaperRow.kind == kind, PaperRow.done_at.is_not(None)
    )
    if draft_version is not None:
        query = query.where(PaperRow.draft_version == draft_version)
    return session.scalar(query) or 0


def newest(session: Session, case_id: int, kind: Command) -> PaperRow | None:
    """Give the newest paper of a kind."""
    return session.scalar(
        select(PaperRow)
        .where(PaperRow.case_id == case_id, PaperRow.kind == kind)
        .order_by(PaperRow.id.desc())
        .limit(1)
    )


def _open(case_id: int, kind: Command) -> ColumnElement[bool]:
    return and_(PaperRow.case_id == case_id, PaperRow.kind == kind, PaperRow.done_at.is_(None))


def left_behind(session: Session, case_id: int) -> AssignmentRow | None:
    """Give the slip before the newest where its channel still had the case, so that it was taken from it; else None."""
    slips = session.scalars(
        select(AssignmentRow)
        .where(AssignmentRow.case_id == case_id)
        .order_by(AssignmentRow.id.desc())
        .limit(2)
    ).all()
    if len(slips) < 2 or slips[1].returned_at is not None or slips[1].channel == slips[0].channel:
        return None
    return slips[1]


def newest_slip(session: Session, case_id: int) -> AssignmentRow | None:
    """Give the dispatch slip (转办单) that a case went out with last; None before the first."""
    return session.scalar(
        select(AssignmentRow).where(AssignmentRow.case_id == case_id).order_by(AssignmentRow.id.desc())
    )


def answerable(session: Session, case_id: int) -> set[int]:
    """Name who drafted, approved and released the answer that is out; nobody where none is."""
    out = session.scalar(
        select(ReleaseRow).where(ReleaseRow.case_id == case_id).order_by(ReleaseRow.id.desc()).limit(1)
    )
    if out is None:
        return set()
    approved = select(ReviewRow.reviewer_id).where(
        ReviewRow.draft_id == out.draft_id, ReviewRow.stage.in_([Stage.APPROVAL, Stage.CHIEF])
    )
    drafter = session.scalar(select(DraftRow.drafter_id).where(DraftRow.id == out.draft_id))
    return {out.confirmed_by, *session.scalars(approved), *({drafter} if drafter else ())}


def case_of_slip(session: Session, number: str) -> int | None:
    """Give the case that went out under a slip number (文号); None where there is none such."""
    return session.scalar(select(AssignmentRow.case_id).where(AssignmentRow.number == number))

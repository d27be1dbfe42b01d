"""When a limit of a case ends: its length by the office's table, what was granted on top, what it stood still.

Reads only. The same answer whenever it is asked, so that a limit can be counted anew after a change of level or calendar.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.movers import running
from routing.office import Level, Limit, Office, Step
from routing.store.tables import CaseRow, DeadlineRow, PaperRow
from routing.workflow import Command
from routing.worktime import Due, due_at, stood

BEFORE_ANSWER = frozenset(
    {
        Step.CONSULT,
        Step.ORDER,
        Step.DISPATCH,
        Step.SIGN,
        Step.DRAFT,
        Step.REVIEW,
        Step.SECRECY,
        Step.SECOND,
        Step.APPROVE,
        Step.CHIEF,
        Step.RELEASE,
    }
)
PAUSABLE = frozenset({Step.DRAFT, Step.CLOSE})
"""What may stand still or be lengthened: the handling alone, never a limit that a national norm sets."""


def end_of(session: Session, office: Office, case: CaseRow, step: Step, started: datetime) -> Due | None:
    """Give the end of a step's limit; no step on the way to the public answer ends after the answer itself is due.

    Working hours stand still over a week-end while the 48 hours of 国办发〔2016〕61号 run on. None: the office has no
    such limit.
    """
    limit = office.limits.get(step, {}).get(Level(case.level))
    if limit is None:
        return None
    due = due_at(started, limit, office.hours, office.zone, office.overrides)
    if step in PAUSABLE:
        due = _later(session, office, case.id, limit, started, due)
    answer = session.scalar(running(case.id).where(DeadlineRow.step == Step.RESPOND))
    if step in BEFORE_ANSWER and answer is not None and started < answer.due_at < due.at:
        return Due(answer.due_at, answer.tentative)
    return due


def _later(session: Session, office: Office, case_id: int, limit: Limit, started: datetime, due: Due) -> Due:
    """Lengthen a limit by the days that were granted and by its pauses, in their order."""
    since = session.scalars(
        select(PaperRow)
        .where(
            PaperRow.case_id == case_id,
            PaperRow.kind.in_([Command.GRANT, Command.PAUSE]),
            PaperRow.at >= started,
            PaperRow.done_at.is_not(None),
        )
        .order_by(PaperRow.id)
    )
    for paper in since:
        if paper.kind is Command.GRANT:
            more = Limit(working=True, days=int(paper.stance))
        else:
            assert paper.done_at is not None
            more = stood(limit, paper.at, paper.done_at, office.hours, office.zone, office.overrides)
        if more.days or more.minutes:
            longer = due_at(due.at, more, office.hours, office.zone, office.overrides)
            due = Due(longer.at, due.tentative or longer.tentative)
    return due

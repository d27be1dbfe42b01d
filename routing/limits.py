"""When a limit of a case ends: its length by the office's table and the rises of its level, what was granted on top, what
it stood still.

Reads only. The same answer whenever it is asked, so that a limit can be counted anew after a change of level or calendar.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.movers import running
from routing.office import Level, Limit, Office, Step
from routing.store.tables import CaseRow, DeadlineRow, PaperRow
from routing.workflow import Command
from routing.worktime import Due, counted, due_at, stood

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
    found = counted(office, step, Level(case.level), risen(case), started)
    if found is None:
        return None
    limit, since = found
    due = due_at(since, limit, office.hours, office.zone, office.overrides)
    if step in PAUSABLE:
        due = _later(session, office, case.id, limit, started, since, due)
    answer = session.scalar(running(case.id).where(DeadlineRow.step == Step.RESPOND))
    if step in BEFORE_ANSWER and answer is not None and since < answer.due_at < due.at:
        return Due(answer.due_at, answer.tentative)
    return due


def risen(case: CaseRow) -> dict[Level, datetime]:
    """Give since when a case has stood at a level or a graver one without a break, for the levels that it rose to."""
    return {Level(int(level)): datetime.fromisoformat(at) for level, at in (case.risen or {}).items()}


def note_level(case: CaseRow, level: Level, since: datetime) -> None:
    """Set the level of a case. `since`: from when a rise counts for its limits; a fall forgets the rises that it undoes."""
    was, known = Level(case.level), risen(case)
    kept = {each: min(at, since) if level < was else at for each, at in known.items() if each >= level}
    reached = {each: since for each in Level if level <= each < was}
    case.level = level
    case.risen = {str(int(each)): at.isoformat() for each, at in sorted((kept | reached).items())} or None


def _later(
    session: Session, office: Office, case_id: int, limit: Limit, started: datetime, since: datetime, due: Due
) -> Due:
    """Lengthen a limit by the days that were granted since its step began, and by its pauses, in their order.

    `since`: from when it is counted; what stood still before that is not in it.
    """
    papers = session.scalars(
        select(PaperRow)
        .where(
            PaperRow.case_id == case_id,
            PaperRow.kind.in_([Command.GRANT, Command.PAUSE]),
            PaperRow.at >= started,
            PaperRow.done_at.is_not(None),
        )
        .order_by(PaperRow.id)
    )
    for paper in papers:
        if paper.kind is Command.GRANT:
            more = Limit(working=True, days=int(paper.stance))
        else:
            assert paper.done_at is not None
            if paper.done_at <= since:
                continue
            more = stood(
                limit, max(paper.at, since), paper.done_at, office.hours, office.zone, office.overrides
            )
        if more.days or more.minutes:
            longer = due_at(due.at, more, office.hours, office.zone, office.overrides)
            due = Due(longer.at, due.tentative or longer.tentative)
    return due

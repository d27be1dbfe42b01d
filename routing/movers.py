"""Whose move a limit is: the chats of those who are reminded of it, and of nobody else (国办函〔2026〕12号)."""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from routing import duty, papers, people
from routing.office import Office, Role, Step
from routing.store.tables import CaseRow, DeadlineRow
from routing.workflow import Command

MOVERS = {
    Step.ORDER: Role.LEADER,
    Step.REVIEW: Role.REVIEWER,
    Step.SECRECY: Role.SECRECY,
    Step.SECOND: Role.SECOND,
    Step.APPROVE: Role.LEADER,
    Step.CHIEF: Role.CHIEF,
    Step.CALL_BACK: Role.CALLER,
}
_UNITS = {Step.COPY: Command.SIGN_COPY, Step.CONSULT: Command.CONVENE}


def recipients(session: Session, office: Office, case: CaseRow, step: Step, now: datetime) -> list[str]:
    """Give the chats of those whose move a step is; an empty chair falls to the duty group.

    With a roster a step of the duty officers is told to those on duty, and not to the whole group (国办函〔2026〕12号).
    """
    role = MOVERS.get(step)
    if role is not None:
        return [chat for _, chat in people.holders(session, role, at=now)] or [office.duty_chat]
    if step in _UNITS:
        keys = papers.waiting(session, case.id, _UNITS[step])
        asked = [office.channels[key].chat for key in sorted(keys) if key in office.channels]
        if asked:
            return asked  # once all have spoken, who asked them must go on
    in_channel = step in {Step.SIGN, Step.DRAFT, Step.RELEASE, Step.CLOSE, Step.FOLLOW}
    if (
        (in_channel or step is Step.RESPOND)
        and case.channel in office.channels
        and _dispatched(session, case)
    ):
        return [office.channels[case.channel].chat]
    return duty.staff_chats(session, now) or [office.duty_chat]


def _dispatched(session: Session, case: CaseRow) -> bool:
    judged = session.scalar(
        running(case.id).where(DeadlineRow.step.in_([Step.DISPATCH, Step.RELOOK, Step.CONSULT, Step.ORDER]))
    )
    return judged is None


def running(case_id: int) -> Select[DeadlineRow]:
    """Ask for the limits that run on a case, those that are paused among them."""
    return select(DeadlineRow).where(DeadlineRow.case_id == case_id, DeadlineRow.ended_at.is_(None))

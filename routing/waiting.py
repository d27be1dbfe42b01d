"""What waits for one person: the moves that are his roles' to make, the texts that he was asked for. Reads only.

Whose turn it is follows from the table of the procedure, without what may be done at any time on the side.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import Session

from routing import cases
from routing.deciding import REVIEWING, decide
from routing.office import Role
from routing.procedure import CORRECTIONS, EVERY, FULL
from routing.store.tables import AskRow, CaseRow, DeadlineRow
from routing.views import CaseView, case_view, dispatched_to
from routing.workflow import (
    ENDED,
    Actor,
    CaseFacts,
    Command,
    Ground,
    Move,
    Order,
    Refusal,
    State,
    Where,
)

ASKED_FOR = timedelta(days=1)
"""A question is on the list for so long; later the case has moved or its own line says what is to do."""

_ON_THE_SIDE = frozenset(
    {
        *CORRECTIONS,
        Command.DISMISS,
        Command.WATCH,
        Command.MERGE,
        Command.MISTAKE,
        Command.REOPEN,
        Command.TRANSFER,
        Command.CONVENE,
        Command.SIGN_COPY,
        Command.EXTEND,
        Command.REPORT,
        Command.FOLLOW,
        Command.INSTRUCT,
        Command.EMERGENCY,
        Command.SPEAK,
        Command.BRIEF,
        Command.PHONE,
        Command.PAUSE,
        Command.GO_ON,
    }
)
_ONLY_BEFORE = frozenset(
    {Ground.MISSING, Ground.AGAIN, Ground.ASPECTS, Ground.NAMED, Ground.CONSULT, Ground.OPENNESS}
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case whose next move is this person's. `asked`: the text that he still owes; `came_back`: his draft was sent back."""

    view: CaseView
    asked: Command | None
    came_back: bool


def moves_due(state: State) -> Mapping[Command, Move]:
    """Give the moves that a case waits for in a state; none once it is over."""
    if state in ENDED:
        return {}
    moves = {c: move for (s, c), move in EVERY.items() if s is state and c not in _ON_THE_SIDE}
    is_with_unit = bool(moves.keys() & {Command.SIGN, Command.DRAFT})
    is_drafted = bool(moves.keys() & (REVIEWING | {Command.CONFIRM}))
    aside = {Command.DISPATCH} if is_with_unit else set[Command]()
    return {c: m for c, m in moves.items() if c not in aside and not (c is Command.DRAFT and is_drafted)}


def waiting(
    session: Session, actor: Actor, now: datetime, *, page: int, size: int
) -> tuple[list[Waiting], int]:
    """Give a page of what waits for a person, the next limits first, and how many there are.

    A text that somebody must not review because he wrote or checked it does not wait for him.
    """
    asked = _asked(session, actor, now)
    limit = (
        select(func.min(DeadlineRow.due_at))
        .where(DeadlineRow.case_id == CaseRow.id, DeadlineRow.ended_at.is_(None))
        .scalar_subquery()
    )
    rows = session.execute(
        select(CaseRow.id, CaseRow.state)
        .where(or_(_his_turn(actor), CaseRow.id.in_(list(asked))))
        .order_by(limit.is_(None), limit, CaseRow.level, CaseRow.id)
    ).all()
    mine = [row.id for row in rows if row.id in asked or _may_move(session, actor, row.id, row.state)]
    views = [case_view(session, case_id) for case_id in mine[page * size : (page + 1) * size]]
    found = [
        Waiting(
            view,
            asked.get(view.id),
            view.state is State.HANDLING and bool(view.draft and view.draft.reviews),
        )
        for view in views
        if view is not None
    ]
    return found, len(mine)


def _his_turn(actor: Actor) -> ColumnElement[bool]:
    states = {state: frozenset[Role]().union(*_roles(moves_due(state).values())) for state in State}
    own = [state for state, roles in states.items() if roles & (actor.roles - {Role.CONTACT})]
    of_unit = [state for state, roles in states.items() if Role.CONTACT in roles]
    unit: ColumnElement[bool] = false()
    if Role.CONTACT in actor.roles:
        unit = and_(CaseRow.state.in_(of_unit), dispatched_to(sorted(actor.channels)))
    return or_(CaseRow.state.in_(own), unit)


def _roles(moves: Collection[Move]) -> list[frozenset[Role]]:
    return [move.roles for move in moves]


def _may_move(session: Session, actor: Actor, case_id: int, state: State) -> bool:
    """Tell whether four eyes leave this person anything to do; most states ask for no fresh eyes."""
    moves = moves_due(state)
    if not any(move.other_than for move in moves.values()):
        return True
    facts = cases.facts(session, case_id)
    return facts is not None and any(_is_free(facts, actor, command, move) for command, move in moves.items())


def _is_free(facts: CaseFacts, actor: Actor, command: Command, move: Move) -> bool:
    where = next(where for where in Where if where in move.where)
    # By the full procedure: where a matter rests in a state that few offices know, it waits for somebody all the same.
    answer = decide(facts, Order(command, actor, where, facts.version, facts.draft_version), FULL)
    return not isinstance(answer, Refusal) or answer.ground in _ONLY_BEFORE


def _asked(session: Session, actor: Actor, now: datetime) -> dict[int, Command]:
    """Give the texts that a person was asked for and still owes, by case."""
    rows = session.scalars(
        select(AskRow)
        .join(CaseRow, CaseRow.id == AskRow.case_id)
        .where(
            AskRow.person_id == actor.person_id,
            AskRow.answered_at.is_(None),
            AskRow.asked_at > now - ASKED_FOR,
            AskRow.case_version == CaseRow.version,
        )
        .order_by(AskRow.id)
    )
    return {row.case_id: Command(row.verb) for row in rows}

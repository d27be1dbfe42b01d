"""The procedure as one table: state x command -> next state, who may, where, what is needed, which clocks run.

Pure. What an office has switched on (`routing.office.Procedure`) opens ways into a state; the ways out of a state are
always there, so that no matter is stuck when a switch is turned or its level changes. The light default leads
待研判 → 待签收 → 办理中 → 待审核 → 待保密审查 → 待审批 → 待发布 → 已回应 → 已办结. Four eyes cannot be switched off: who
drafted a text neither reviews nor approves it, who reviewed it does not approve it.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from routing.office import Level, Procedure, Role, Step
from routing.workflow import ENDED, Command, Move, Need, Opinion, Stage, State, Where, Whose

Table = Mapping[tuple[State, Command], Move]

_DUTY = frozenset({Role.DUTY, Role.OFFICE})
_OFFICE = frozenset({Role.OFFICE})
_CONTACT = frozenset({Role.CONTACT})
_REVIEWER = frozenset({Role.REVIEWER})
_SECRECY = frozenset({Role.SECRECY})
_SECOND = frozenset({Role.SECOND})
_LEADER = frozenset({Role.LEADER})
_CHIEF = frozenset({Role.CHIEF})
_CALLER = frozenset({Role.CALLER, Role.OFFICE})
_IN_DUTY = frozenset({Where.DUTY})
_IN_CHANNEL = frozenset({Where.CHANNEL, Where.PRIVATE})
_IN_PRIVATE = frozenset({Where.PRIVATE})
_REVIEW_CLOCKS = (Step.REVIEW, Step.SECRECY, Step.SECOND, Step.APPROVE, Step.CHIEF, Step.RELEASE)
_REASONED = frozenset({Need.BASIS, Need.REASON})

REVIEW_STATES = (
    State.IN_REVIEW,
    State.IN_SECRECY,
    State.WITH_SUPERIOR,
    State.IN_SECOND,
    State.TO_APPROVE,
    State.WITH_CHIEF,
)
"""Where a draft waits for somebody's opinion."""

WITH_CHANNEL = frozenset({State.TO_SIGN, State.HANDLING, State.EXTENDING, *REVIEW_STATES, State.TO_RELEASE})
"""Where a channel has the matter in hand."""

UNJUDGED = frozenset({State.UNVERIFIED, State.JUDGING})
"""Where nobody has judged yet, and what the machine proposes counts."""

AFTER = frozenset({State.ANSWERED, State.CALLING_BACK})
"""Where an answer is out and somebody looks after it."""

AGAIN = frozenset({Command.RECALL, Command.FOLLOW, Command.DISCONTENT, Command.REOPEN})
"""What takes a matter up again that was answered or over."""

ASKED_IN: Mapping[Command, frozenset[State]] = {
    Command.CONVENE: frozenset({State.CONSULTING}),
    Command.SIGN_COPY: WITH_CHANNEL | AFTER,
    Command.COUNTERSIGN: frozenset({State.TO_RELEASE}),
}
"""What units besides the lead are asked for (an opinion, their signature for a copy, to confirm a text that names them), and
where they may answer."""

CORRECTIONS: Mapping[Command, frozenset[Need]] = {
    Command.SET_LEVEL: frozenset({Need.LEVEL}),
    Command.SPLIT: frozenset({Need.ITEM}),
    Command.RATE: frozenset({Need.BAND}),
    Command.CLASSIFY: frozenset({Need.SUBJECT}),
    Command.SET_ANSWER_KIND: frozenset({Need.ANSWER_KIND}),
    Command.OBLIGE: frozenset(),
    Command.EXCUSE: frozenset({Need.REASON}),
}
"""What those who judge may put right until the answer is out, whoever has the matter; the state stays."""


@lru_cache(maxsize=64)
def table(procedure: Procedure, level: Level) -> Table:
    """Give every move that an office knows for matters of a level."""
    return {
        **_judging(procedure, level),
        **_handling(),
        **_reviewing(procedure, level),
        **_afterwards(procedure, level),
        **_anywhere(procedure, level),
    }


def afterwards(procedure: Procedure) -> Mapping[State, Command]:
    """What the house does by itself once a state is reached, in the same transaction, with a ledger line of its own."""
    return {} if procedure.recheck or procedure.call_back else {State.ANSWERED: Command.CLOSE}


def renewed(move: Move, procedure: Procedure, level: Level) -> Move:
    """Give the way of an approved text whose matter is set to `level`: to the chief leader, where that level asks for one.

    For a text that the chief leader has not approved: what waits to be released was approved by who a lower level asks for.
    """
    if level not in procedure.chief:
        return move
    return replace(move, to=State.WITH_CHIEF, starts=(Step.CHIEF,), ends=(Step.RELEASE,))


def first_state(procedure: Procedure) -> State:
    """Where a new matter stands."""
    return State.UNVERIFIED if procedure.verify else State.JUDGING


def first_clocks(procedure: Procedure, level: Level) -> tuple[Step, ...]:
    """Name the clocks that start where a matter is opened."""
    return (Step.RESPOND, Step.DISPATCH, *report_clocks(procedure, level))


def report_clocks(procedure: Procedure, level: Level) -> tuple[Step, ...]:
    """Name the clocks of the first report (首报) upwards: by telephone only what is grave, as the counties have it."""
    if level not in procedure.report:
        return ()
    return (Step.PHONE, Step.REPORT) if level <= Level.II else (Step.REPORT,)


def _judging(procedure: Procedure, level: Level) -> dict[tuple[State, Command], Move]:
    dispatch = Move(
        State.TO_SIGN,
        _DUTY,
        _IN_DUTY,
        frozenset({Need.CHANNEL}),
        starts=(Step.SIGN, Step.COPY),
        ends=(Step.DISPATCH, Step.RELOOK),
    )
    submit = Move(
        State.TO_ORDER,
        _DUTY,
        _IN_DUTY,
        frozenset({Need.CHANNEL}),
        starts=(Step.ORDER,),
        ends=(Step.DISPATCH, Step.RELOOK),
    )
    dismiss = Move(
        State.DISMISSED,
        _DUTY,
        _IN_DUTY,
        frozenset({Need.REASON}),
        ends=(Step.DISPATCH, Step.SIGN, Step.RELOOK, Step.RESPOND),
    )
    merge = Move(
        State.MERGED,
        _DUTY,
        _IN_DUTY,
        frozenset({Need.MATTER}),
        ends=(Step.DISPATCH, Step.RELOOK, Step.RESPOND),
    )
    transfer = Move(
        State.TRANSFERRED,
        _DUTY,
        _IN_DUTY,
        frozenset({Need.TARGET, Need.REASON}),
        starts=(Step.RELOOK,),  # somebody looks whether the other side took it
        ends=(
            *(Step.DISPATCH, Step.RELOOK, Step.RESPOND),
            *(
                Step.FIRST_WORD,
                Step.PRESS,
                Step.PHONE,
                Step.REPORT,
                Step.PROGRESS,
            ),  # nobody here could meet them
        ),
    )
    watch = Move(State.WATCHING, _DUTY, _IN_DUTY, starts=(Step.RELOOK,), ends=(Step.DISPATCH,))
    convene = Move(
        State.CONSULTING,
        _DUTY | _LEADER,
        _IN_DUTY | _IN_PRIVATE,
        frozenset({Need.UNITS}),
        starts=(Step.CONSULT,),
        ends=(Step.DISPATCH,),
    )
    order = Move(State.TO_SIGN, _LEADER, _IN_PRIVATE, starts=(Step.SIGN, Step.COPY), ends=(Step.ORDER,))
    onwards = {Command.SUBMIT: submit} if level in procedure.order else {Command.DISPATCH: dispatch}
    moves = {
        (State.UNVERIFIED, Command.VERIFY): Move(State.JUDGING, _DUTY, _IN_DUTY),
        (State.UNVERIFIED, Command.DISMISS): dismiss,
        (State.UNVERIFIED, Command.MERGE): merge,
        **{(State.JUDGING, command): move for command, move in onwards.items()},
        (State.JUDGING, Command.DISMISS): dismiss,
        (State.JUDGING, Command.MERGE): merge,
        (State.JUDGING, Command.WATCH): watch,
        (State.JUDGING, Command.TRANSFER): transfer,
        (State.CONSULTING, Command.OPINE): Move(
            State.CONSULTING, _CONTACT, _IN_CHANNEL, frozenset({Need.STANCE, Need.REASON}), whose=Whose.ASKED
        ),
        (State.CONSULTING, Command.CONCLUDE): Move(
            State.JUDGING,
            _DUTY | _LEADER,
            _IN_DUTY | _IN_PRIVATE,
            frozenset({Need.TEXT}),
            starts=(Step.DISPATCH,),
            ends=(Step.CONSULT,),
        ),
        (State.TO_ORDER, Command.ORDER): order,
        (State.TO_ORDER, Command.ORAL): replace(
            order, roles=_DUTY, where=_IN_DUTY, needs=frozenset({Need.REASON})
        ),
        (State.TO_ORDER, Command.SEND_BACK): Move(
            State.JUDGING,
            _LEADER,
            _IN_PRIVATE,
            frozenset({Need.REASON}),
            starts=(Step.DISPATCH,),
            ends=(Step.ORDER,),
        ),
        (State.WATCHING, Command.RESUME): Move(
            State.JUDGING, _DUTY, _IN_DUTY, starts=(Step.DISPATCH,), ends=(Step.RELOOK,)
        ),
        **{(State.WATCHING, command): move for command, move in onwards.items()},
        (State.WATCHING, Command.DISMISS): dismiss,
        (State.WATCHING, Command.MERGE): merge,
        (State.TRANSFERRED, Command.CLOSE): Move(State.CLOSED, _DUTY, _IN_DUTY, ends=(Step.RELOOK,)),
        (State.TRANSFERRED, Command.TAKE_BACK): Move(
            State.JUDGING,
            _DUTY,
            _IN_DUTY,
            frozenset({Need.REASON}),
            starts=(Step.DISPATCH,),  # the public answer is owed since the matter was found: an effect
            ends=(Step.RELOOK,),
        ),
        # What was returned has been approved once: the office sends it on.
        (State.RETURNED, Command.DISPATCH): dispatch,
        (State.RETURNED, Command.DISMISS): dismiss,
        (State.RETURNED, Command.TRANSFER): transfer,
    }
    if procedure.consult:
        moves[State.JUDGING, Command.CONVENE] = convene
    return moves


def _handling() -> dict[tuple[State, Command], Move]:
    redirect = Move(
        State.TO_SIGN,
        _DUTY,
        _IN_DUTY,
        frozenset({Need.CHANNEL}),
        starts=(Step.SIGN, Step.COPY),
        ends=(Step.SIGN, Step.DRAFT, Step.CLOSE),
    )
    draft = Move(
        State.IN_REVIEW,
        _CONTACT,
        _IN_CHANNEL,
        frozenset({Need.TEXT}),
        starts=(Step.REVIEW,),
        ends=(Step.DRAFT, Step.EXTEND, Step.FOLLOW, Step.RECHECK, Step.CALL_BACK, *_REVIEW_CLOCKS),
    )
    decide_time = Move(State.HANDLING, _OFFICE, _IN_DUTY | _IN_PRIVATE, ends=(Step.EXTEND,))
    sign_copy = {
        (state, Command.SIGN_COPY): Move(state, _CONTACT, _IN_CHANNEL, whose=Whose.COPIED)
        for state in (*WITH_CHANNEL, *AFTER)
    }
    return {
        (State.TO_SIGN, Command.DISPATCH): redirect,
        (State.TO_SIGN, Command.SIGN): Move(
            State.HANDLING, _CONTACT, _IN_CHANNEL, starts=(Step.DRAFT, Step.CLOSE), ends=(Step.SIGN,)
        ),
        (State.TO_SIGN, Command.RETURN): Move(
            State.RETURNED,
            _CONTACT,
            _IN_CHANNEL,
            frozenset({Need.REASON}),
            starts=(Step.DISPATCH,),
            ends=(Step.SIGN,),
        ),
        (State.HANDLING, Command.DISPATCH): redirect,
        **{
            (state, Command.DRAFT): draft
            for state in (State.HANDLING, State.EXTENDING, *REVIEW_STATES, State.TO_RELEASE)
        },
        (State.HANDLING, Command.EXTEND): Move(
            State.EXTENDING,
            _CONTACT,
            _IN_CHANNEL,
            frozenset({Need.DAYS, Need.REASON}),
            starts=(Step.EXTEND,),
        ),
        (State.EXTENDING, Command.GRANT): decide_time,
        (State.EXTENDING, Command.DENY): replace(decide_time, needs=frozenset({Need.REASON})),
        **sign_copy,
    }


def _reviewing(procedure: Procedure, level: Level) -> dict[tuple[State, Command], Move]:
    cleared, next_clock = (
        (State.IN_SECOND, Step.SECOND) if procedure.second_review else (State.TO_APPROVE, Step.APPROVE)
    )
    approved, then = (
        (State.WITH_CHIEF, Step.CHIEF) if level in procedure.chief else (State.TO_RELEASE, Step.RELEASE)
    )

    def secrecy(opinion: Opinion, stage: Stage) -> Move:
        done = (Step.SECRECY,)
        to, starts, ends = {
            Opinion.PUBLIC: (cleared, (next_clock,), done),
            Opinion.NOT_PUBLIC: (State.HANDLING, (Step.DRAFT,), done),
            Opinion.ESCALATE: (State.WITH_SUPERIOR, (), ()),  # the superior's time is ours
        }[opinion]
        return Move(
            to,
            _SECRECY,
            _IN_PRIVATE,
            _REASONED,
            starts=starts,
            ends=ends,
            seals=(stage, opinion),
            other_than=frozenset({"drafter"}),
        )

    def back(stage: Stage, roles: frozenset[Role], step: Step, other_than: frozenset[str]) -> Move:
        return Move(
            State.HANDLING,
            roles,
            _IN_PRIVATE,
            frozenset({Need.REASON}),
            starts=(Step.DRAFT,),
            ends=(step,),
            seals=(stage, Opinion.RETURN),
            other_than=other_than,
        )

    drafter = frozenset({"drafter"})
    reviewed = frozenset({"drafter", "first", "secrecy", "superior"})
    leader = reviewed | {"second"}
    chief = leader | {"approval"}
    return {
        (State.IN_REVIEW, Command.PASS): Move(
            State.IN_SECRECY,
            _REVIEWER,
            _IN_PRIVATE,
            starts=(Step.SECRECY,),
            ends=(Step.REVIEW,),
            seals=(Stage.FIRST, Opinion.PASS),
            other_than=drafter,
        ),
        (State.IN_REVIEW, Command.REDO): back(Stage.FIRST, _REVIEWER, Step.REVIEW, drafter),
        (State.IN_SECRECY, Command.CLEAR): secrecy(Opinion.PUBLIC, Stage.SECRECY),
        (State.IN_SECRECY, Command.WITHHOLD): secrecy(Opinion.NOT_PUBLIC, Stage.SECRECY),
        (State.IN_SECRECY, Command.ESCALATE): secrecy(Opinion.ESCALATE, Stage.SECRECY),
        (State.WITH_SUPERIOR, Command.CLEAR): secrecy(Opinion.PUBLIC, Stage.SUPERIOR),
        (State.WITH_SUPERIOR, Command.WITHHOLD): secrecy(Opinion.NOT_PUBLIC, Stage.SUPERIOR),
        (State.IN_SECOND, Command.PASS): Move(
            State.TO_APPROVE,
            _SECOND,
            _IN_PRIVATE,
            starts=(Step.APPROVE,),
            ends=(Step.SECOND,),
            seals=(Stage.SECOND, Opinion.PASS),
            other_than=reviewed,
        ),
        (State.IN_SECOND, Command.REDO): back(Stage.SECOND, _SECOND, Step.SECOND, reviewed),
        (State.TO_APPROVE, Command.APPROVE): Move(
            approved,
            _LEADER,
            _IN_PRIVATE,
            starts=(then,),
            ends=(Step.APPROVE,),
            seals=(Stage.APPROVAL, Opinion.PASS),
            other_than=leader,
        ),
        (State.TO_APPROVE, Command.PASS_UP): Move(
            State.WITH_CHIEF,
            _LEADER,
            _IN_PRIVATE,
            starts=(Step.CHIEF,),
            ends=(Step.APPROVE,),
            seals=(Stage.APPROVAL, Opinion.UP),
            other_than=leader,
        ),
        (State.TO_APPROVE, Command.REFUSE): back(Stage.APPROVAL, _LEADER, Step.APPROVE, leader),
        (State.WITH_CHIEF, Command.APPROVE): Move(
            State.TO_RELEASE,
            _CHIEF,
            _IN_PRIVATE,
            starts=(Step.RELEASE,),
            ends=(Step.CHIEF,),
            seals=(Stage.CHIEF, Opinion.PASS),
            other_than=chief,
        ),
        (State.WITH_CHIEF, Command.REFUSE): back(Stage.CHIEF, _CHIEF, Step.CHIEF, chief),
    }


def _afterwards(procedure: Procedure, level: Level) -> dict[tuple[State, Command], Move]:
    later: tuple[Step, ...] = (Step.CALL_BACK,) if procedure.call_back else ()
    checked = State.CALLING_BACK if procedure.call_back else State.CLOSED
    assessed: tuple[Step, ...] = (Step.EFFECT,) if level <= Level.II else ()  # 国办发〔2016〕80号
    after_check = later if procedure.call_back else assessed
    answered = State.CALLING_BACK if procedure.call_back and not procedure.recheck else State.ANSWERED
    then = (Step.RECHECK,) if procedure.recheck else later
    again = Move(
        State.HANDLING,
        _CONTACT | _DUTY,
        _IN_CHANNEL | _IN_DUTY,
        frozenset({Need.REASON}),
        starts=(Step.FOLLOW, Step.CLOSE),
        ends=(Step.RECHECK, Step.CALL_BACK, Step.EFFECT),
    )
    checker = frozenset({Role.REVIEWER, Role.OFFICE})
    called = frozenset({"drafter", "releaser"})
    reopen = Move(
        State.HANDLING,
        _LEADER,
        _IN_PRIVATE,
        frozenset({Need.REASON}),
        starts=(Step.RESPOND, Step.DRAFT, Step.CLOSE),
        ends=(Step.EFFECT,),
    )
    close = Move(State.CLOSED, _DUTY, _IN_DUTY, starts=assessed, ends=(Step.CLOSE,))
    return {
        **({(State.ANSWERED, Command.CLOSE): close} if State.ANSWERED in afterwards(procedure) else {}),
        (State.TO_RELEASE, Command.CONFIRM): Move(
            answered,
            _CONTACT,
            _IN_CHANNEL,
            frozenset({Need.LINK}),
            starts=then,
            ends=(Step.RELEASE, Step.RESPOND, Step.FIRST_WORD),
        ),
        (State.TO_RELEASE, Command.COUNTERSIGN): Move(
            State.TO_RELEASE, _CONTACT, _IN_CHANNEL, whose=Whose.NAMED
        ),
        (State.ANSWERED, Command.RECHECK): Move(
            checked,
            checker,
            _IN_DUTY | _IN_PRIVATE,
            starts=after_check,
            ends=(Step.RECHECK,),
            other_than=called,
        ),
        (State.ANSWERED, Command.RECALL): Move(
            State.HANDLING,
            checker,
            _IN_DUTY | _IN_PRIVATE,
            frozenset({Need.REASON}),
            starts=(Step.DRAFT,),
            ends=(Step.RECHECK,),
            other_than=called,
        ),
        (State.CALLING_BACK, Command.CONTENT): Move(
            State.CLOSED,
            _CALLER,
            _IN_DUTY | _IN_PRIVATE,
            frozenset({Need.STANCE}),
            starts=assessed,
            ends=(Step.CALL_BACK, Step.CLOSE),
            other_than=called,
        ),
        (State.CALLING_BACK, Command.DISCONTENT): Move(
            State.HANDLING,
            _CALLER,
            _IN_DUTY | _IN_PRIVATE,
            frozenset({Need.REASON}),
            starts=(Step.DRAFT, Step.CLOSE),
            ends=(Step.CALL_BACK,),
            other_than=called,
        ),
        (State.CALLING_BACK, Command.UNREACHED): Move(
            State.CALLING_BACK, _CALLER, _IN_DUTY | _IN_PRIVATE, other_than=called
        ),
        (State.CALLING_BACK, Command.CLOSE): Move(
            State.CLOSED, _OFFICE, _IN_DUTY, starts=assessed, ends=(Step.CALL_BACK, Step.CLOSE)
        ),
        **{(state, Command.FOLLOW): again for state in (*AFTER, State.CLOSED)},
        (State.CLOSED, Command.REOPEN): reopen,
        # Who answered may say that it was wrong; whether it is taken up again a leader decides.
        **{
            (state, Command.MISTAKE): Move(state, _CONTACT, _IN_CHANNEL, frozenset({Need.REASON}))
            for state in (State.CLOSED, State.ARCHIVED)
        },
        (State.CLOSED, Command.ARCHIVE): Move(
            State.ARCHIVED, _OFFICE, _IN_DUTY | _IN_PRIVATE, ends=(Step.EFFECT,)
        ),
        (State.CLOSED, Command.ASSESS): Move(
            State.CLOSED, _OFFICE, _IN_DUTY | _IN_PRIVATE, frozenset({Need.TEXT}), ends=(Step.EFFECT,)
        ),
        (State.ARCHIVED, Command.REOPEN): reopen,
        (State.DISMISSED, Command.REOPEN): Move(
            State.JUDGING,
            _LEADER | _DUTY,
            _IN_DUTY | _IN_PRIVATE,
            frozenset({Need.REASON}),
            starts=(Step.RESPOND, Step.DISPATCH),
        ),
    }


def _flagging() -> dict[tuple[State, Command], Move]:
    """What is known of a matter whatever its state, and the clocks that hang on it."""
    instruct = Move(State.JUDGING, _OFFICE | _LEADER, _IN_DUTY | _IN_PRIVATE)
    emergency = Move(State.JUDGING, _DUTY, _IN_DUTY)
    flags = {
        Command.INSTRUCT: instruct,
        Command.EMERGENCY: emergency,
        Command.SPEAK: replace(emergency, needs=frozenset({Need.LINK}), ends=(Step.FIRST_WORD,)),
        Command.BRIEF: replace(emergency, ends=(Step.PRESS,)),
    }
    pause = Move(State.HANDLING, _OFFICE, _IN_DUTY | _IN_PRIVATE, frozenset({Need.STANCE, Need.REASON}))
    open_states = [state for state in State if state not in ENDED and state is not State.TRANSFERRED]
    return {
        **{(state, command): replace(m, to=state) for state in open_states for command, m in flags.items()},
        (State.HANDLING, Command.PAUSE): pause,
        **{
            (state, Command.GO_ON): replace(pause, to=state, needs=frozenset())
            for state in (State.HANDLING, State.EXTENDING)
        },
    }


def _anywhere(procedure: Procedure, level: Level) -> dict[tuple[State, Command], Move]:
    report = Move(
        State.JUDGING,
        _DUTY,
        _IN_DUTY | _IN_PRIVATE,
        frozenset({Need.TEXT}),
        starts=(Step.PROGRESS,),
        ends=(Step.REPORT, Step.PROGRESS),
    )
    moves: dict[tuple[State, Command], Move] = {
        (state, command): Move(state, _DUTY, _IN_DUTY, needs)
        for state in State
        if state not in ENDED and state not in AFTER and state is not State.TRANSFERRED
        for command, needs in CORRECTIONS.items()
    }
    moves |= _flagging()
    if level in procedure.report:
        open_states = [state for state in State if state not in ENDED and state is not State.TRANSFERRED]
        moves |= {(state, Command.REPORT): replace(report, to=state) for state in open_states}
        if level <= Level.II:
            phone = replace(report, starts=(), ends=(Step.PHONE,))
            moves |= {(state, Command.PHONE): replace(phone, to=state) for state in open_states}
    return moves


LIGHT = Procedure()
TABLE: Table = table(LIGHT, Level.IV)
"""The light default, as most offices will have it."""

_EVERY = frozenset(Level)
FULL = Procedure(
    verify=True,
    consult=_EVERY,
    order=_EVERY,
    aspects=True,
    openness=True,
    second_review=True,
    chief=_EVERY,
    confirm_twice=_EVERY,
    countersign=True,
    recheck=True,
    call_back=True,
    report=_EVERY,
)
"""Every step at every level: what the whole procedure looks like."""


EVERY: Table = {**table(FULL, Level.I), **TABLE}
"""Every move that any office knows; of one that leads elsewhere by a switch, the way of the light default."""


def needs_of(command: Command) -> frozenset[Need]:
    """Give what a command must carry, whatever the state and the office; empty for what no office knows."""
    return next((move.needs for (_, known), move in EVERY.items() if known is command), frozenset())


def reachable(procedure: Procedure) -> frozenset[State]:
    """Name the states that a matter can come to, at whatever level."""
    moves = [cell for level in Level for cell in table(procedure, level).items()]
    found: set[State] = set()
    new = {first_state(procedure)}
    while new:
        found |= new
        new = {move.to for (state, _), move in moves if state in found} - found
    return frozenset(found)


def commands_in(state: State, moves: Table = TABLE) -> tuple[Command, ...]:
    """List the commands that a state knows, in the order of `Command`; for buttons and for the help texts."""
    return tuple(command for command in Command if (state, command) in moves)

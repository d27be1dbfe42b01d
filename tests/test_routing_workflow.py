"""The whole table, forbidden moves included; and that no order of acts by anybody gets past four eyes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum
from itertools import product

import pytest
from builders import TOLD
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from routing.deciding import REVIEWING, TRIES, decide, may_take_in
from routing.office import Level, Role, Step
from routing.procedure import (
    CORRECTIONS,
    FULL,
    LIGHT,
    TABLE,
    afterwards,
    commands_in,
    reachable,
    table,
)
from routing.workflow import (
    COMMAND_NAMES,
    ENDED,
    STATE_NAMES,
    Actor,
    Aspect,
    CaseFacts,
    Command,
    Ground,
    Move,
    Opinion,
    Order,
    Refusal,
    Stage,
    State,
    Where,
)

# What an office of five can come to:
# state and command -> state | who | where | what the order must carry | review that is written
EXPECTED = """\
judging       dispatch  to_sign       duty,office         duty             channel       -
judging       dismiss   dismissed     duty,office         duty             reason        -
judging       watch     watching      duty,office         duty             -             -
watching      resume    judging       duty,office         duty             -             -
watching      dispatch  to_sign       duty,office         duty             channel       -
watching      dismiss   dismissed     duty,office         duty             reason        -
to_sign       sign      handling      contact             channel,private  -             -
to_sign       return    returned      contact             channel,private  reason        -
returned      dispatch  to_sign       duty,office         duty             channel       -
returned      dismiss   dismissed     duty,office         duty             reason        -
handling      draft     in_review     contact             channel,private  text          -
in_review     draft     in_review     contact             channel,private  text          -
in_secrecy    draft     in_review     contact             channel,private  text          -
with_superior draft     in_review     contact             channel,private  text          -
to_approve    draft     in_review     contact             channel,private  text          -
to_release    draft     in_review     contact             channel,private  text          -
in_review     pass      in_secrecy    reviewer            private          -             first:pass
in_review     redo      handling      reviewer            private          reason        first:return
in_secrecy    clear     to_approve    secrecy             private          basis,reason  secrecy:public
in_secrecy    withhold  handling      secrecy             private          basis,reason  secrecy:not_public
in_secrecy    escalate  with_superior secrecy             private          basis,reason  secrecy:escalate
with_superior clear     to_approve    secrecy             private          basis,reason  superior:public
with_superior withhold  handling      secrecy             private          basis,reason  superior:not_public
to_approve    approve   to_release    leader              private          -             approval:pass
to_approve    refuse    handling      leader              private          reason        approval:return
to_release    confirm   answered      contact             channel,private  link          -
answered      close     closed        duty,office         duty             -             -
closed        reopen    handling      leader              private          reason        -
dismissed     reopen    judging       duty,leader,office  duty,private     reason        -
to_sign       dispatch  to_sign       duty,office         duty             channel       -
handling      dispatch  to_sign       duty,office         duty             channel       -
judging       merge     merged        duty,office         duty             matter        -
watching      merge     merged        duty,office         duty             matter        -
judging       split     judging       duty,office         duty             item          -
watching      split     watching      duty,office         duty             item          -
to_sign       split     to_sign       duty,office         duty             item          -
returned      split     returned      duty,office         duty             item          -
handling      split     handling      duty,office         duty             item          -
in_review     split     in_review     duty,office         duty             item          -
in_secrecy    split     in_secrecy    duty,office         duty             item          -
with_superior split     with_superior duty,office         duty             item          -
to_approve    split     to_approve    duty,office         duty             item          -
to_release    split     to_release    duty,office         duty             item          -
judging       rate      judging       duty,office         duty             band          -
judging       classify  judging       duty,office         duty             subject       -
watching      rate      watching      duty,office         duty             band          -
watching      classify  watching      duty,office         duty             subject       -
to_sign       rate      to_sign       duty,office         duty             band          -
to_sign       classify  to_sign       duty,office         duty             subject       -
returned      rate      returned      duty,office         duty             band          -
returned      classify  returned      duty,office         duty             subject       -
handling      rate      handling      duty,office         duty             band          -
handling      classify  handling      duty,office         duty             subject       -
in_review     rate      in_review     duty,office         duty             band          -
in_review     classify  in_review     duty,office         duty             subject       -
in_secrecy    rate      in_secrecy    duty,office         duty             band          -
in_secrecy    classify  in_secrecy    duty,office         duty             subject       -
with_superior rate      with_superior duty,office         duty             band          -
with_superior classify  with_superior duty,office         duty             subject       -
to_approve    rate      to_approve    duty,office         duty             band          -
to_approve    classify  to_approve    duty,office         duty             subject       -
to_release    rate      to_release    duty,office         duty             band          -
to_release    classify  to_release    duty,office         duty             subject       -
judging       set_level judging       duty,office         duty             level         -
watching      set_level watching      duty,office         duty             level         -
to_sign       set_level to_sign       duty,office         duty             level         -
returned      set_level returned      duty,office         duty             level         -
handling      set_level handling      duty,office         duty             level         -
in_review     set_level in_review     duty,office         duty             level         -
in_secrecy    set_level in_secrecy    duty,office         duty             level         -
with_superior set_level with_superior duty,office         duty             level         -
to_approve    set_level to_approve    duty,office         duty             level         -
to_release    set_level to_release    duty,office         duty             level         -
judging oblige judging duty,office duty - -
watching oblige watching duty,office duty - -
to_sign oblige to_sign duty,office duty - -
returned oblige returned duty,office duty - -
handling oblige handling duty,office duty - -
extending oblige extending duty,office duty - -
in_review oblige in_review duty,office duty - -
in_secrecy oblige in_secrecy duty,office duty - -
with_superior oblige with_superior duty,office duty - -
to_approve oblige to_approve duty,office duty - -
with_chief oblige with_chief duty,office duty - -
to_release oblige to_release duty,office duty - -
judging excuse judging duty,office duty reason -
watching excuse watching duty,office duty reason -
to_sign excuse to_sign duty,office duty reason -
returned excuse returned duty,office duty reason -
handling excuse handling duty,office duty reason -
extending excuse extending duty,office duty reason -
in_review excuse in_review duty,office duty reason -
in_secrecy excuse in_secrecy duty,office duty reason -
with_superior excuse with_superior duty,office duty reason -
to_approve excuse to_approve duty,office duty reason -
with_chief excuse with_chief duty,office duty reason -
to_release excuse to_release duty,office duty reason -
judging set_answer_kind judging duty,office duty answer_kind -
watching set_answer_kind watching duty,office duty answer_kind -
to_sign set_answer_kind to_sign duty,office duty answer_kind -
returned set_answer_kind returned duty,office duty answer_kind -
handling set_answer_kind handling duty,office duty answer_kind -
extending set_answer_kind extending duty,office duty answer_kind -
in_review set_answer_kind in_review duty,office duty answer_kind -
in_secrecy set_answer_kind in_secrecy duty,office duty answer_kind -
with_superior set_answer_kind with_superior duty,office duty answer_kind -
to_approve set_answer_kind to_approve duty,office duty answer_kind -
with_chief set_answer_kind with_chief duty,office duty answer_kind -
to_release set_answer_kind to_release duty,office duty answer_kind -
extending split extending duty,office duty item -
with_chief split with_chief duty,office duty item -
extending rate extending duty,office duty band -
with_chief rate with_chief duty,office duty band -
extending classify extending duty,office duty subject -
with_chief classify with_chief duty,office duty subject -
extending set_level extending duty,office duty level -
with_chief set_level with_chief duty,office duty level -
to_sign sign_copy to_sign contact channel,private - -
handling sign_copy handling contact channel,private - -
extending sign_copy extending contact channel,private - -
in_review sign_copy in_review contact channel,private - -
in_secrecy sign_copy in_secrecy contact channel,private - -
with_superior sign_copy with_superior contact channel,private - -
to_approve sign_copy to_approve contact channel,private - -
with_chief sign_copy with_chief contact channel,private - -
to_release sign_copy to_release contact channel,private - -
answered sign_copy answered contact channel,private - -
extending draft in_review contact channel,private text -
with_chief draft in_review contact channel,private text -
judging transfer transferred duty,office duty reason,target -
returned transfer transferred duty,office duty reason,target -
answered follow handling contact,duty,office channel,duty,private reason -
closed follow handling contact,duty,office channel,duty,private reason -
handling extend extending contact channel,private days,reason -
extending grant handling office duty,private - -
extending deny handling office duty,private reason -
to_approve pass_up with_chief leader private - approval:up
with_chief approve to_release chief private - chief:pass
with_chief refuse handling chief private reason chief:return
to_release countersign to_release contact channel,private - -
answered recheck closed office,reviewer duty,private - -
answered recall handling office,reviewer duty,private reason -
transferred close closed duty,office duty - -
transferred take_back judging duty,office duty reason -
closed archive archived office duty,private - -
archived reopen handling leader private reason -
closed mistake closed contact channel,private reason -
archived mistake archived contact channel,private reason -
judging       instruct  judging       leader,office       duty,private     -             -
judging       emergency judging       duty,office         duty             -             -
judging       speak     judging       duty,office         duty             link          -
judging       brief     judging       duty,office         duty             -             -
watching      instruct  watching      leader,office       duty,private     -             -
watching      emergency watching      duty,office         duty             -             -
watching      speak     watching      duty,office         duty             link          -
watching      brief     watching      duty,office         duty             -             -
to_sign       instruct  to_sign       leader,office       duty,private     -             -
to_sign       emergency to_sign       duty,office         duty             -             -
to_sign       speak     to_sign       duty,office         duty             link          -
to_sign       brief     to_sign       duty,office         duty             -             -
returned      instruct  returned      leader,office       duty,private     -             -
returned      emergency returned      duty,office         duty             -             -
returned      speak     returned      duty,office         duty             link          -
returned      brief     returned      duty,office         duty             -             -
handling      instruct  handling      leader,office       duty,private     -             -
handling      emergency handling      duty,office         duty             -             -
handling      speak     handling      duty,office         duty             link          -
handling      brief     handling      duty,office         duty             -             -
extending     instruct  extending     leader,office       duty,private     -             -
extending     emergency extending     duty,office         duty             -             -
extending     speak     extending     duty,office         duty             link          -
extending     brief     extending     duty,office         duty             -             -
in_review     instruct  in_review     leader,office       duty,private     -             -
in_review     emergency in_review     duty,office         duty             -             -
in_review     speak     in_review     duty,office         duty             link          -
in_review     brief     in_review     duty,office         duty             -             -
in_secrecy    instruct  in_secrecy    leader,office       duty,private     -             -
in_secrecy    emergency in_secrecy    duty,office         duty             -             -
in_secrecy    speak     in_secrecy    duty,office         duty             link          -
in_secrecy    brief     in_secrecy    duty,office         duty             -             -
with_superior instruct  with_superior leader,office       duty,private     -             -
with_superior emergency with_superior duty,office         duty             -             -
with_superior speak     with_superior duty,office         duty             link          -
with_superior brief     with_superior duty,office         duty             -             -
to_approve    instruct  to_approve    leader,office       duty,private     -             -
to_approve    emergency to_approve    duty,office         duty             -             -
to_approve    speak     to_approve    duty,office         duty             link          -
to_approve    brief     to_approve    duty,office         duty             -             -
with_chief    instruct  with_chief    leader,office       duty,private     -             -
with_chief    emergency with_chief    duty,office         duty             -             -
with_chief    speak     with_chief    duty,office         duty             link          -
with_chief    brief     with_chief    duty,office         duty             -             -
to_release    instruct  to_release    leader,office       duty,private     -             -
to_release    emergency to_release    duty,office         duty             -             -
to_release    speak     to_release    duty,office         duty             link          -
to_release    brief     to_release    duty,office         duty             -             -
answered      instruct  answered      leader,office       duty,private     -             -
answered      emergency answered      duty,office         duty             -             -
answered      speak     answered      duty,office         duty             link          -
answered      brief     answered      duty,office         duty             -             -
handling      pause     handling      office              duty,private     reason,stance -
handling      go_on     handling      office              duty,private     -             -
extending go_on extending office duty,private - -
closed        assess    closed        office              duty,private     text          -
"""
OFFICES = {"light": LIGHT, "full": FULL}
CELLS = sorted(
    ((name, *cell) for name, office in OFFICES.items() for cell in table(office, Level.III)),
    key=lambda cell: (cell[0], list(State).index(cell[1]), list(Command).index(cell[2])),
)
FORBIDDEN = [cell for cell in product(OFFICES, State, Command) if cell not in set(CELLS)]
ALL_ROLES = frozenset(Role)
DRAFTER, FIRST, SECRECY, SUPERIOR, SECOND, APPROVER, RELEASER, OTHER, CHIEF = range(1, 10)
MINE = frozenset({"petition"})


def facts(state: State, **more) -> CaseFacts:
    values = {
        "draft_version": 2,
        "drafter_id": DRAFTER,
        "first_id": FIRST,
        "secrecy_id": SECRECY,
        "superior_id": SUPERIOR,
        "second_id": SECOND,
        "approval_id": APPROVER,
        "chief_id": CHIEF,
        "releaser_id": RELEASER,
        "consulted": True,
        "unsigned": MINE,
        "asked": MINE,
        "unreached": TRIES,
    }
    level = more.pop("level", Level.III)
    return CaseFacts(7, "YQ-2026-0007", state, level, "petition", 5, **(values | more))


def actor(*roles: Role, person: int = OTHER, channels=("petition",)) -> Actor:
    return Actor(person, "某人", frozenset(roles), frozenset(channels))


def order(command: Command, by: Actor, **more) -> Order:
    values = {"where": Where.PRIVATE, "version": 5, "draft_version": 2, **TOLD}
    return Order(command=command, actor=by, **(values | more))


Cell = tuple[str, State, Command]


def for_each(cells: Sequence[Cell]) -> Callable[[Callable[[Cell], None]], Callable[[Sequence[Cell]], None]]:
    """Make one test a state, in which every cell of that state is tried; what fails names its cell."""
    rows: dict[str, list[Cell]] = {}
    for cell in cells:
        rows.setdefault(f"{cell[0]}-{cell[1]}", []).append(cell)

    def made_of(check: Callable[[Cell], None]) -> Callable[[Sequence[Cell]], None]:
        @pytest.mark.parametrize("row", rows.values(), ids=rows)
        def test(row: Sequence[Cell]) -> None:
            for cell in row:
                try:
                    check(cell)
                except AssertionError as error:
                    error.add_note("-".join(cell))
                    raise

        return test

    return made_of


def move_of(cell: Cell) -> Move:
    return table(OFFICES[cell[0]], Level.III)[cell[1:]]


def proper(cell: Cell, **more) -> Order:
    """The order that the cell asks for: by a person of one of its roles, from one of its places, complete."""
    move = move_of(cell)
    values = {"where": min(move.where), "by": actor(min(move.roles))}
    return order(cell[2], **(values | more))


def answer_to(cell: Cell, given: Order, **more) -> Move | Refusal:
    """What is answered to an order in the state of a cell; units that a text names wait only where they may speak."""
    named = MINE if cell[2] is Command.COUNTERSIGN else frozenset()
    return decide(facts(cell[1], **({"named": named} | more)), given, OFFICES[cell[0]])


def words(values) -> str:
    return ",".join(sorted(values)) or "-"


def ground(answer: Move | Refusal) -> Ground | None:
    return answer.ground if isinstance(answer, Refusal) else None


def test_the_table_is_the_procedure_of_an_office_of_five():
    written = {
        " ".join(
            (
                state,
                command,
                move.to,
                words(move.roles),
                words(move.where),
                words(move.needs),
                ":".join(move.seals) if move.seals else "-",
            )
        )
        for (state, command), move in TABLE.items()
        if state in reachable(LIGHT)
    }
    assert written == {" ".join(line.split()) for line in EXPECTED.splitlines()}


def test_with_all_steps_on_every_state_can_be_come_to():
    assert reachable(FULL) == set(State)


@pytest.mark.parametrize("state", State)
def test_no_state_is_without_a_way_out_whatever_is_switched(state):
    ways = [
        {move.to for (frm, _), move in table(office, level).items() if frm is state and move.to is not state}
        for office in OFFICES.values()
        for level in Level
    ]
    assert all(ways) is (state is not State.MERGED)


@for_each(CELLS)
def test_every_cell_can_be_walked_by_each_who_may_from_each_place_where_he_may(cell):
    move = move_of(cell)
    for role, where in product(move.roles, move.where):
        assert answer_to(cell, proper(cell, by=actor(role), where=where)) is move


@for_each(FORBIDDEN)
def test_every_other_command_is_refused_because_of_the_state(cell):
    answers = [answer_to(cell, order(cell[2], actor(*Role), where=where)) for where in Where]
    assert {ground(answer) for answer in answers} == {Ground.STATE}
    assert all(STATE_NAMES[cell[1]] in answer.text or "报批转办" in answer.text for answer in answers)


@for_each(CELLS)
def test_no_other_role_may(cell):
    without = actor(*(ALL_ROLES - move_of(cell).roles))
    for where in Where:
        assert ground(answer_to(cell, proper(cell, by=without, where=where))) is Ground.ROLE
    assert ground(answer_to(cell, proper(cell, by=actor()))) is Ground.ROLE


@for_each(CELLS)
def test_no_other_place_will_do_and_the_right_one_is_named(cell):
    names = {Where.DUTY: "值班群", Where.CHANNEL: "承办群", Where.PRIVATE: "私聊"}
    right = move_of(cell).where
    for where in set(Where) - right:
        answer = answer_to(cell, proper(cell, where=where))
        assert ground(answer) is Ground.PLACE
        assert all((name in answer.text) is (place in right) for place, name in names.items())


@for_each(CELLS)
def test_each_thing_that_is_needed_is_asked_for(cell):
    fields = {"item": "item_id", "matter": "into"}
    for need in move_of(cell).needs:
        name = fields.get(need, need)
        empty = None if isinstance(TOLD[name], Enum) else type(TOLD[name])()
        assert ground(answer_to(cell, proper(cell, **{name: empty}))) is Ground.MISSING


@pytest.mark.parametrize("link", ["gov.example/1", "ftp://gov.example/1", "javascript:alert(1)"])
def test_a_release_needs_an_address_of_the_web(link):
    answer = decide(facts(State.TO_RELEASE), proper(("light", State.TO_RELEASE, Command.CONFIRM), link=link))
    assert ground(answer) is Ground.MISSING


@for_each([c for c in CELLS if move_of(c).roles == {Role.CONTACT}])
def test_a_contact_acts_for_his_own_channel_only(cell):
    for channels in ((), ("network",)):
        by = actor(Role.CONTACT, channels=channels)
        assert ground(answer_to(cell, proper(cell, by=by))) is Ground.ROLE


SIDE_BY_SIDE = {
    Command.CONCLUDE,
    Command.DRAFT,
    Command.OPINE,
    Command.SIGN_COPY,
    Command.COUNTERSIGN,
    Command.REPORT,
}


@for_each(CELLS)
def test_an_older_card_is_stale_except_for_a_new_draft_and_what_units_say_side_by_side(cell):
    expected = None if cell[2] in SIDE_BY_SIDE else Ground.STALE
    assert ground(answer_to(cell, proper(cell, version=4))) is expected


REVIEWED = {DRAFTER, FIRST, SECRECY, SUPERIOR}
BARRED = {
    (State.IN_REVIEW, Command.PASS): {DRAFTER},
    (State.IN_REVIEW, Command.REDO): {DRAFTER},
    (State.IN_SECOND, Command.PASS): REVIEWED,
    (State.IN_SECOND, Command.REDO): REVIEWED,
    **{
        (state, command): {DRAFTER}
        for state in (State.IN_SECRECY, State.WITH_SUPERIOR)
        for command in (Command.CLEAR, Command.WITHHOLD, Command.ESCALATE)
    },
    **{
        (State.TO_APPROVE, command): REVIEWED | {SECOND}
        for command in (Command.APPROVE, Command.REFUSE, Command.PASS_UP)
    },
    (State.WITH_CHIEF, Command.APPROVE): REVIEWED | {SECOND, APPROVER},
    (State.WITH_CHIEF, Command.REFUSE): REVIEWED | {SECOND, APPROVER},
    (State.ANSWERED, Command.RECHECK): {DRAFTER, RELEASER},
    (State.ANSWERED, Command.RECALL): {DRAFTER, RELEASER},
    **{
        (State.CALLING_BACK, command): {DRAFTER, RELEASER}
        for command in (Command.CONTENT, Command.DISCONTENT, Command.UNREACHED)
    },
}


@for_each(CELLS)
def test_four_eyes_bar_whom_they_must_and_nobody_else(cell):
    for person in range(DRAFTER, OTHER + 1):
        answer = answer_to(cell, proper(cell, by=actor(*Role, person=person)))
        barred = person in BARRED.get(cell[1:], set())
        assert ground(answer) is (Ground.FOUR_EYES if barred else None)


@for_each([c for c in CELLS if c[2] in REVIEWING])
def test_a_review_of_another_draft_is_stale_in_any_state(cell):
    for state, shown in product(State, (1, 3)):
        answer = decide(facts(state), proper(cell, draft_version=shown))
        assert ground(answer) is Ground.STALE
        assert "第2稿" in answer.text


def test_what_a_step_of_the_full_procedure_waits_for():
    level = replace(facts(State.JUDGING, consulted=False))
    submit = order(Command.SUBMIT, actor(Role.DUTY), where=Where.DUTY)
    assert ground(decide(level, submit, FULL)) is Ground.CONSULT
    assert ground(decide(replace(level, state=State.WATCHING), submit, FULL)) is Ground.CONSULT
    tick = order(Command.PASS, actor(Role.REVIEWER), aspects=frozenset({Aspect.LAW}))
    assert ground(decide(facts(State.IN_REVIEW), tick, FULL)) is Ground.ASPECTS
    once = order(Command.APPROVE, actor(Role.LEADER), confirmed=False)
    assert ground(decide(facts(State.TO_APPROVE), once, FULL)) is Ground.AGAIN
    assert ground(decide(facts(State.TO_APPROVE), once, LIGHT)) is None
    grave = replace(facts(State.TO_APPROVE), level=Level.II)
    assert ground(decide(grave, once, LIGHT)) is Ground.AGAIN
    release = order(Command.CONFIRM, actor(Role.CONTACT))
    assert ground(decide(facts(State.TO_RELEASE, named=MINE), release, FULL)) is Ground.NAMED
    longer = order(Command.EXTEND, actor(Role.CONTACT))
    assert ground(decide(facts(State.HANDLING, extended=True), longer)) is Ground.LIMIT
    close = order(Command.CLOSE, actor(Role.OFFICE), where=Where.DUTY)
    assert ground(decide(facts(State.CALLING_BACK, unreached=1), close)) is Ground.LIMIT


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("asks", [frozenset(), frozenset({Level.I, Level.II})], ids=["off", "grave"])
def test_an_approved_text_goes_to_the_chief_leader_once_its_level_asks_for_him(level, asks):
    office = replace(LIGHT, chief=asks)
    given = order(Command.SET_LEVEL, actor(Role.DUTY), where=Where.DUTY, level=level)
    plain = table(office, Level.IV)[State.TO_RELEASE, Command.SET_LEVEL]
    answer = decide(facts(State.TO_RELEASE, level=Level.IV, chief_id=None), given, office)
    assert isinstance(answer, Move)
    if level in asks:
        assert (answer.to, answer.starts, answer.ends) == (State.WITH_CHIEF, (Step.CHIEF,), (Step.RELEASE,))
        assert (answer.roles, answer.where, answer.needs) == (plain.roles, plain.where, plain.needs)
        refused = decide(
            facts(State.TO_RELEASE, chief_id=None), replace(given, actor=actor(Role.LEADER)), office
        )
        assert ground(refused) is Ground.ROLE
    else:
        assert answer == plain
    assert decide(facts(State.TO_RELEASE, level=Level.IV), given, office) == plain  # he approved it already
    for state in set(State) - ENDED - {State.TO_RELEASE}:
        other = decide(facts(state, level=Level.IV, chief_id=None), given, office)
        assert isinstance(other, Refusal) or other.to is state


def test_a_case_that_the_office_assigned_cannot_be_returned_again():
    cell = ("light", State.TO_SIGN, Command.RETURN)
    assert ground(decide(facts(State.TO_SIGN, assigned=True), proper(cell))) is Ground.ASSIGNED


@pytest.mark.parametrize(
    "state", [s for s in State if s not in ENDED | {State.UNVERIFIED, State.JUDGING, State.WATCHING}]
)
def test_a_matter_that_was_dispatched_once_goes_into_no_other_and_the_way_round_is_said(state):
    answer = decide(facts(state), order(Command.MERGE, actor(*Role), where=Where.DUTY))
    assert "已经转办" in answer.text
    assert "可把别的事项并入它" in answer.text


@pytest.mark.parametrize("state", State)
def test_a_matter_takes_another_in_until_it_is_over(state):
    target = replace(facts(state), id=8, number="YQ-2026-0008")
    answer = may_take_in(facts(State.JUDGING), target)
    assert (answer is None) is (state not in ENDED)
    if answer is not None:
        assert answer.ground is Ground.GONE
        assert STATE_NAMES[state] in answer.text


@pytest.mark.parametrize("target", [None, facts(State.JUDGING)], ids=["none", "itself"])
def test_a_matter_goes_into_no_matter_that_is_not_there_nor_into_itself(target):
    answer = may_take_in(facts(State.JUDGING), target)
    assert answer is not None
    assert answer.ground is Ground.GONE


def test_a_stranger_hears_that_he_may_not_and_nothing_of_the_case():
    for state, command in product(State, Command):
        answer = decide(facts(state), order(command, actor(), version=1, draft_version=1), FULL)
        assert ground(answer) is Ground.ROLE
        assert "YQ-" not in answer.text
        assert "现在是" not in answer.text


def test_every_refusal_fits_an_answer_to_a_press():
    people = [actor(*Role, person=p) for p in (DRAFTER, FIRST, SECRECY, OTHER)] + [actor()]
    for state, command, by, where in product(State, Command, people, Where):
        for version in (4, 5):
            given = order(command, by, where=where, version=version)
            answer = decide(facts(state, assigned=True), given, FULL)
            assert isinstance(answer, Move) or 0 < len(answer.text) <= 150


def test_everything_has_a_name_and_states_list_what_they_know():
    assert set(STATE_NAMES) == set(State)
    assert set(COMMAND_NAMES) == set(Command)
    assert commands_in(State.IN_SECRECY) == (
        Command.SET_LEVEL,
        Command.OBLIGE,
        Command.EXCUSE,
        Command.SET_ANSWER_KIND,
        Command.SPLIT,
        Command.RATE,
        Command.CLASSIFY,
        Command.SIGN_COPY,
        Command.DRAFT,
        Command.CLEAR,
        Command.WITHHOLD,
        Command.ESCALATE,
        Command.INSTRUCT,
        Command.EMERGENCY,
        Command.SPEAK,
        Command.BRIEF,
    )


def test_a_clock_runs_wherever_somebody_has_to_move():
    """Each way into a state starts the clock of that state, or that state keeps one that runs already."""
    own = {
        State.JUDGING: Step.DISPATCH,
        State.RETURNED: Step.DISPATCH,
        State.WATCHING: Step.RELOOK,
        State.TRANSFERRED: Step.RELOOK,
        State.TO_SIGN: Step.SIGN,
        State.HANDLING: Step.DRAFT,
        State.IN_REVIEW: Step.REVIEW,
        State.IN_SECRECY: Step.SECRECY,
        State.TO_APPROVE: Step.APPROVE,
        State.TO_RELEASE: Step.RELEASE,
        State.CONSULTING: Step.CONSULT,
        State.TO_ORDER: Step.ORDER,
        State.EXTENDING: Step.EXTEND,
        State.IN_SECOND: Step.SECOND,
        State.WITH_CHIEF: Step.CHIEF,
        State.ANSWERED: Step.RECHECK,
        State.CALLING_BACK: Step.CALL_BACK,
    }
    keeps = {Command.GRANT, Command.DENY, Command.VERIFY, Command.UNREACHED}
    for (state, command), move in table(FULL, Level.III).items():
        if command in CORRECTIONS or command in SIDE_BY_SIDE - {
            Command.CONCLUDE,
            Command.DRAFT,
            Command.REPORT,
        }:
            assert move.to is state
            assert not move.starts
            assert not move.ends
            continue
        if move.to is state or command in keeps:
            continue
        if move.to in own and command is not Command.FOLLOW:
            assert own[move.to] in move.starts, (state, command)
        if (
            state in own
            and own[state] not in move.starts
            and state is not State.IN_SECRECY
            and command is not Command.EXTEND
        ):
            assert own[state] in move.ends, (state, command)
    assert TABLE[(State.IN_SECRECY, Command.CLEAR)].ends == (Step.SECRECY,)
    assert TABLE[(State.IN_SECRECY, Command.ESCALATE)].ends == ()  # the superior's time is ours


# --- any acts by anybody --------------------------------------------------------------------------------------

PEOPLE = (
    Actor(1, "一", frozenset({Role.DUTY, Role.OFFICE})),
    Actor(2, "二", frozenset({Role.CONTACT, Role.REVIEWER}), frozenset({"petition"})),
    Actor(3, "三", frozenset({Role.REVIEWER, Role.SECRECY, Role.LEADER})),
    Actor(4, "四", frozenset({Role.SECRECY, Role.LEADER})),
    Actor(5, "五", frozenset({Role.LEADER, Role.CONTACT}), frozenset({"petition"})),
    Actor(6, "六", frozenset(Role), frozenset({"petition", "network"})),
    Actor(7, "七", frozenset()),
)


class AnyActs(RuleBasedStateMachine):
    """One case as the table alone sees it; reviews are kept beside it, as the store would."""

    @initialize()
    def open(self) -> None:
        self.case = CaseFacts(1, "YQ-2026-0001", State.JUDGING, Level.IV, "petition", 1)
        self.reviews: dict[int, dict[Stage, tuple[int, Opinion]]] = {}
        self.drafters: dict[int, int] = {}
        self.versions = [1]

    @rule(by=st.sampled_from(PEOPLE), command=st.sampled_from(Command), where=st.sampled_from(Where))
    def anybody_orders_anything(self, by: Actor, command: Command, where: Where) -> None:
        self._give(by, command, where)

    @precondition(lambda self: self.case.state not in ENDED)
    @rule(by=st.sampled_from(PEOPLE), data=st.data())
    def somebody_orders_what_the_state_knows(self, by: Actor, data: st.DataObject) -> None:
        command = data.draw(st.sampled_from(commands_in(self.case.state)))
        self._give(by, command, min(TABLE[(self.case.state, command)].where))

    def _give(self, by: Actor, command: Command, where: Where) -> None:
        case = self.case
        given = Order(command, by, where, case.version, case.draft_version, **TOLD)
        answer = decide(case, given)
        if isinstance(answer, Refusal):
            return
        assert answer is TABLE[(case.state, command)]
        if answer.seals:
            stage, opinion = answer.seals
            assert stage not in self.reviews[case.draft_version]
            self.reviews[case.draft_version][stage] = (by.person_id, opinion)
        draft = case.draft_version
        if command is Command.DRAFT:
            draft += 1
            self.drafters[draft], self.reviews[draft] = by.person_id, {}
        seals = self.reviews.get(draft, {})
        self.case = replace(
            case,
            state=answer.to,
            version=case.version + 1,
            draft_version=draft,
            drafter_id=self.drafters.get(draft),
            first_id=seals.get(Stage.FIRST, (None,))[0],
            secrecy_id=seals.get(Stage.SECRECY, (None,))[0],
            superior_id=seals.get(Stage.SUPERIOR, (None,))[0],
        )
        self.versions.append(self.case.version)

    @invariant()
    def nobody_decides_on_his_own_text_or_twice(self) -> None:
        for draft, seals in self.reviews.items():
            by = {stage: person for stage, (person, _) in seals.items()}
            assert self.drafters[draft] not in by.values()
            approver = by.pop(Stage.APPROVAL, None)
            assert approver not in by.values()

    @invariant()
    def versions_only_grow(self) -> None:
        assert all(a < b for a, b in zip(self.versions, self.versions[1:], strict=False))

    @invariant()
    def what_may_be_released_is_the_newest_text_reviewed_cleared_and_approved(self) -> None:
        if self.case.state is not State.TO_RELEASE:
            return
        said = {stage: opinion for stage, (_, opinion) in self.reviews[self.case.draft_version].items()}
        assert said[Stage.FIRST] is Opinion.PASS
        assert said[Stage.APPROVAL] is Opinion.PASS
        assert Opinion.PUBLIC in (said[Stage.SECRECY], said.get(Stage.SUPERIOR))

    @invariant()
    def somebody_has_the_next_move(self) -> None:
        after = afterwards(LIGHT).get(self.case.state)
        moves = [TABLE[(self.case.state, c)] for c in commands_in(self.case.state)]
        assert (
            after
            or self.case.state is State.MERGED
            or any(move.roles and move.to is not self.case.state for move in moves)
        )


TestAnyActs = AnyActs.TestCase
TestAnyActs.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

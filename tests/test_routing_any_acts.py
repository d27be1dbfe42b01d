"""Any acts by anybody in any office: whatever steps are switched on and however the level changes, what must hold holds.

Pure: `decide` alone, with what the store would keep (papers, reviews, clocks) kept beside it. The same acts on a real
store are in `test_routing_cases.py`.
"""

from dataclasses import dataclass, field, replace
from itertools import product

from builders import TOLD
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from routing.deciding import decide
from routing.office import Level, Procedure, Role, Step
from routing.procedure import FULL, afterwards, commands_in, first_clocks, first_state, table
from routing.workflow import (
    ENDED,
    Actor,
    Aspect,
    CaseFacts,
    Command,
    Move,
    Opinion,
    Order,
    Refusal,
    Stage,
    State,
    Where,
)

CHANNELS = ("petition", "network", "security")
PEOPLE = (
    Actor(1, "一", frozenset({Role.DUTY, Role.OFFICE})),
    Actor(2, "二", frozenset({Role.CONTACT, Role.REVIEWER}), frozenset({"petition"})),
    Actor(3, "三", frozenset({Role.REVIEWER, Role.SECRECY, Role.SECOND})),
    Actor(4, "四", frozenset({Role.SECRECY, Role.LEADER, Role.CALLER})),
    Actor(5, "五", frozenset({Role.LEADER, Role.SECOND, Role.CONTACT}), frozenset({"petition"})),
    Actor(6, "六", frozenset({Role.LEADER, Role.CHIEF, Role.OFFICE})),
    Actor(7, "七", frozenset({Role.CHIEF, Role.CONTACT}), frozenset({"network", "security"})),
    Actor(8, "八", frozenset(Role), frozenset(CHANNELS)),
    Actor(9, "九", frozenset()),
)

own_levels = st.frozensets(st.sampled_from(Level))
offices = st.one_of(
    st.just(FULL),
    st.builds(
        Procedure,
        verify=st.booleans(),
        consult=own_levels,
        order=own_levels,
        aspects=st.booleans(),
        openness=st.booleans(),
        second_review=st.booleans(),
        chief=own_levels,
        confirm_twice=own_levels,
        countersign=st.booleans(),
        recheck=st.booleans(),
        call_back=st.booleans(),
        report=own_levels,
    ),
)
whats = st.fixed_dictionaries(
    {
        "level": st.sampled_from(Level),
        "channel": st.sampled_from(CHANNELS),
        "units": st.lists(st.sampled_from(CHANNELS), min_size=1, unique=True).map(tuple),
        "aspects": st.sampled_from([frozenset(Aspect), frozenset({Aspect.LAW}), frozenset()]),
        "confirmed": st.booleans(),
    }
)
old_cards = st.sampled_from([0, 0, 0, 1])

STRAIGHT = (
    Command.VERIFY,
    Command.ORDER,
    Command.SIGN,
    Command.GRANT,
    Command.DRAFT,
    Command.PASS,
    Command.CLEAR,
    Command.APPROVE,
    Command.COUNTERSIGN,
    Command.CONFIRM,
    Command.RECHECK,
    Command.CONTENT,
    Command.OPINE,
    Command.CONCLUDE,
    Command.DISPATCH,
    Command.SUBMIT,
    Command.CONVENE,
    Command.RESUME,
)
"""What leads on, by the first that a state knows; a draft is not written anew while one is looked at."""

OWN_CLOCKS: dict[State, set[Step]] = {
    State.UNVERIFIED: {Step.DISPATCH},
    State.JUDGING: {Step.DISPATCH},
    State.CONSULTING: {Step.CONSULT},
    State.TO_ORDER: {Step.ORDER},
    State.WATCHING: {Step.RELOOK},
    State.TRANSFERRED: {Step.RELOOK},
    State.TO_SIGN: {Step.SIGN},
    State.RETURNED: {Step.DISPATCH},
    State.HANDLING: {Step.DRAFT, Step.FOLLOW},
    State.EXTENDING: {Step.EXTEND},
    State.IN_REVIEW: {Step.REVIEW},
    State.IN_SECRECY: {Step.SECRECY},
    State.WITH_SUPERIOR: {Step.SECRECY},
    State.IN_SECOND: {Step.SECOND},
    State.TO_APPROVE: {Step.APPROVE},
    State.WITH_CHIEF: {Step.CHIEF},
    State.TO_RELEASE: {Step.RELEASE},
    State.ANSWERED: {Step.RECHECK, Step.CALL_BACK},
    State.CALLING_BACK: {Step.CALL_BACK},
}


@dataclass
class Draft:
    """One version of a text: who wrote it, what was said of it, who released it."""

    by: int
    said: dict[Stage, tuple[int, Opinion]] = field(default_factory=dict)
    chief_due: bool = False
    released_by: int | None = None

    def opinion(self, stage: Stage) -> Opinion | None:
        return self.said[stage][1] if stage in self.said else None


class AnyActsAnywhere(RuleBasedStateMachine):
    """One matter of one office, whose switches are drawn with it."""

    @initialize(office=offices, level=st.sampled_from(Level))
    def open(self, office: Procedure, level: Level) -> None:
        self.office = office
        self.case = CaseFacts(1, "YQ-2026-0001", first_state(office), level, "petition", 1)
        self.clocks = set(first_clocks(office, level))
        self.drafts: list[Draft] = []
        self.versions = [1]
        self.returns = 0
        self.verified = not office.verify

    @rule(
        by=st.sampled_from(PEOPLE),
        command=st.sampled_from(Command),
        where=st.sampled_from(Where),
        what=whats,
        old=old_cards,
    )
    def anybody_orders_anything(
        self, by: Actor, command: Command, where: Where, what: dict[str, object], old: int
    ) -> None:
        self._give(by, command, where, what, old)

    @precondition(lambda self: commands_in(self.case.state, table(self.office, self.case.level)))
    @rule(by=st.sampled_from(PEOPLE), which=st.integers(0, 40), what=whats, old=old_cards)
    def somebody_orders_what_the_state_knows(
        self, by: Actor, which: int, what: dict[str, object], old: int
    ) -> None:
        moves = table(self.office, self.case.level)
        known = commands_in(self.case.state, moves)
        command = known[which % len(known)]
        self._give(by, command, min(moves[self.case.state, command].where), what, old)

    @precondition(lambda self: self.case.state not in ENDED)
    @rule(times=st.integers(1, 8), who=st.integers(0, 8), what=whats)
    def the_work_goes_on(self, times: int, who: int, what: dict[str, object]) -> None:
        """The next step on the straight road, by the first who may, from a place where he may."""
        right = what | {"aspects": frozenset(Aspect), "confirmed": True}
        for _ in range(times):
            moves, version = table(self.office, self.case.level), self.case.version
            for command, by in product(STRAIGHT, PEOPLE[who:] + PEOPLE[:who]):
                move = moves.get((self.case.state, command))
                again = command is Command.DRAFT and self.case.state is not State.HANDLING
                if move is not None and not again and self.case.version == version:
                    self._give(by, command, min(move.where), right, 0)

    @precondition(lambda self: self.case.state not in ENDED)
    @rule(who=st.integers(0, 8), which=st.integers(0, 40), what=whats)
    def somebody_who_may_turns_aside(self, who: int, which: int, what: dict[str, object]) -> None:
        """Any move that changes the state and ends nothing, by somebody of its roles."""
        moves = table(self.office, self.case.level)
        known = commands_in(self.case.state, moves)
        ways = [c for c in known if moves[self.case.state, c].to not in ENDED | {self.case.state}]
        if ways:
            command = ways[which % len(ways)]
            move = moves[self.case.state, command]
            able = [one for one in PEOPLE if one.roles & move.roles]
            self._give(able[who % len(able)], command, min(move.where), what, 0)

    def _give(self, by: Actor, command: Command, where: Where, what: dict[str, object], old: int) -> None:
        case = self.case
        given = Order(
            command, by, where, case.version - old, case.draft_version, **(TOLD | {"into": 2} | what)
        )
        answer = decide(case, given, self.office)
        if isinstance(answer, Refusal):
            return
        self._in_its_right_order(case, given, answer)
        self._follow(given, answer)
        after = afterwards(self.office).get(self.case.state)
        if after is not None:
            move = table(self.office, self.case.level)[self.case.state, after]
            self._follow(replace(given, command=after, actor=Actor(0, "系统")), move)

    def _in_its_right_order(self, case: CaseFacts, given: Order, move: Move) -> None:
        """What must have come before a move that was allowed."""
        onwards = case.state in {State.JUDGING, State.WATCHING} and move.to in {State.TO_SIGN, State.TO_ORDER}
        if onwards:
            assert self.verified
            assert case.consulted or case.level not in self.office.consult
            assert move.to is State.TO_ORDER or case.level not in self.office.order
        if given.command in {Command.RECHECK, Command.RECALL}:
            assert given.actor.person_id != self.drafts[-1].released_by
        if given.command in {Command.CONTENT, Command.DISCONTENT, Command.UNREACHED}:
            assert given.actor.person_id not in {self.drafts[-1].by, self.drafts[-1].released_by}
        if given.command is Command.PASS and case.state is State.IN_REVIEW and self.office.aspects:
            assert given.aspects == frozenset(Aspect)
        if given.command is Command.APPROVE and case.level in self.office.confirm_twice:
            assert given.confirmed
        if given.command is Command.EXTEND:
            assert not case.extended
        if given.command is Command.RETURN:
            assert self.returns < 2
        if given.command is Command.CONFIRM:
            self._may_be_released(self.drafts[-1])

    def _may_be_released(self, draft: Draft) -> None:
        assert draft.opinion(Stage.FIRST) is Opinion.PASS
        assert Opinion.PUBLIC in (draft.opinion(Stage.SECRECY), draft.opinion(Stage.SUPERIOR))
        if self.office.second_review:
            assert draft.opinion(Stage.SECOND) is Opinion.PASS
        chief_due = draft.chief_due or self.case.level in self.office.chief
        if chief_due or draft.opinion(Stage.APPROVAL) is Opinion.UP:
            assert draft.opinion(Stage.CHIEF) is Opinion.PASS
        else:
            assert draft.opinion(Stage.APPROVAL) is Opinion.PASS
        assert not (self.office.countersign and self.case.named)

    def _follow(self, given: Order, move: Move) -> None:
        """Keep what the store would keep of a move."""
        case, by = self.case, given.actor.person_id
        if move.seals:
            stage, opinion = move.seals
            draft = self.drafts[-1]
            assert stage not in draft.said
            draft.said[stage] = (by, opinion)
            if stage is Stage.APPROVAL:
                draft.chief_due = case.level in self.office.chief
        if given.command is Command.DRAFT:
            self.drafts.append(Draft(by))
        if given.command is Command.CONFIRM:
            self.drafts[-1].released_by = by
        self.returns += given.command is Command.RETURN
        self.verified |= given.command in {Command.VERIFY, Command.REOPEN}  # who takes it up again has looked
        self.clocks = (self.clocks - set(move.ends)) | set(move.starts)
        if move.to in ENDED:
            self.clocks = set()
        said = {stage: person for stage, (person, _) in self.drafts[-1].said.items()} if self.drafts else {}
        self.case = replace(
            case,
            state=move.to,
            version=case.version + 1,
            draft_version=len(self.drafts),
            drafter_id=self.drafts[-1].by if self.drafts else None,
            first_id=said.get(Stage.FIRST),
            secrecy_id=said.get(Stage.SECRECY),
            superior_id=said.get(Stage.SUPERIOR),
            second_id=said.get(Stage.SECOND),
            approval_id=said.get(Stage.APPROVAL),
            chief_id=said.get(Stage.CHIEF),
            releaser_id=self.drafts[-1].released_by if self.drafts else None,
            **self._papers(case, given, move),
        )
        self.versions.append(self.case.version)

    def _papers(self, case: CaseFacts, given: Order, move: Move) -> dict[str, object]:
        command, mine = given.command, given.actor.channels
        told: dict[str, object] = {}
        if command in {Command.DISPATCH, Command.SUBMIT}:
            told["channel"] = given.channel
        if move.to is State.TO_SIGN and command in {Command.DISPATCH, Command.ORDER, Command.ORAL}:
            lead = given.channel if command is Command.DISPATCH else case.channel
            told |= {"unsigned": frozenset(CHANNELS) - {lead}, "assigned": self.returns >= 2}
        if command is Command.SET_LEVEL:
            told["level"] = given.level
        if command is Command.CONVENE:
            told["asked"] = frozenset(given.units)
        if command is Command.OPINE:
            told["asked"] = case.asked - {min(case.asked & mine)}
        if command is Command.CONCLUDE:
            told |= {"asked": frozenset(), "consulted": True}
        if command is Command.SIGN_COPY:
            told["unsigned"] = case.unsigned - mine
        if command is Command.GRANT:
            told["extended"] = True
        if command is Command.APPROVE and self.office.countersign:
            told["named"] = frozenset(CHANNELS[1:]) - {case.channel}
        if command is Command.COUNTERSIGN:
            told["named"] = case.named - mine
        if command is Command.DRAFT:
            told |= {"named": frozenset(), "unreached": 0}
        if command is Command.UNREACHED:
            told["unreached"] = case.unreached + 1
        return told

    @invariant()
    def four_eyes_hold_on_every_text(self) -> None:
        for draft in self.drafts:
            by = {stage: person for stage, (person, _) in draft.said.items()}
            assert draft.by not in by.values()
            for stage in (Stage.CHIEF, Stage.APPROVAL, Stage.SECOND):  # each other than all before
                assert by.pop(stage, None) not in by.values()

    @invariant()
    def versions_only_grow(self) -> None:
        assert all(a < b for a, b in zip(self.versions, self.versions[1:], strict=False))

    @invariant()
    def what_waits_for_release_was_reviewed_cleared_and_approved(self) -> None:
        if self.case.state is State.TO_RELEASE:
            self._may_be_released_but_for_named(self.drafts[-1])

    def _may_be_released_but_for_named(self, draft: Draft) -> None:
        case, self.case = self.case, replace(self.case, named=frozenset())
        self._may_be_released(draft)
        self.case = case

    @invariant()
    def somebody_has_the_next_move(self) -> None:
        if self.case.state is State.MERGED:
            return
        moves = table(self.office, self.case.level)
        ways = [move for (state, _), move in moves.items() if state is self.case.state]
        assert any(
            move.to is not self.case.state and any(o.roles & move.roles for o in PEOPLE) for move in ways
        )

    @invariant()
    def a_clock_of_its_state_runs(self) -> None:
        if self.case.state not in ENDED:
            assert self.clocks & OWN_CLOCKS[self.case.state]


TestAnyActsAnywhere = AnyActsAnywhere.TestCase
TestAnyActsAnywhere.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # to shrink a failure takes minutes; forty acts can be read
)

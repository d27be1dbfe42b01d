"""Orders carried out on a real store: the whole story, refusals, presses at the same moment, any acts by anybody."""

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from builders import MINUTE, ROADS, START, Desk, join
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from routing import cases, people
from routing.cases import DRAFT_MAX, Done
from routing.errors import UserError
from routing.ledger import entries
from routing.office import Level, Role, Step
from routing.procedure import TABLE, commands_in
from routing.store.tables import (
    AssignmentRow,
    Base,
    CaseItemRow,
    CaseRow,
    DeadlineRow,
    DraftRow,
    LedgerRow,
    OutboxRow,
    ReleaseRow,
    ReviewRow,
    VerdictKind,
    VerdictRow,
)
from routing.workflow import (
    ENDED,
    Actor,
    Command,
    Ground,
    Opinion,
    Order,
    Refusal,
    Stage,
    State,
    Where,
)


def snapshot(desk: Desk) -> dict[str, list[tuple]]:
    """Every row of every table but the record itself."""
    tables = [t for t in Base.metadata.sorted_tables if t.name not in {"ledger", "counter"}]
    return desk.run(lambda s: {t.name: sorted(map(str, s.execute(select(t)).all())) for t in tables})


def lines(desk: Desk, case_id: int) -> list[tuple[str, str]]:
    return [(e["actor"], e["action"]) for e in desk.run(lambda s: entries(s, case_id))]


def running(desk: Desk, case_id: int) -> set[Step]:
    rows = desk.all(DeadlineRow, DeadlineRow.case_id == case_id, DeadlineRow.ended_at.is_(None))
    assert len(rows) == len({row.step for row in rows})
    return {row.step for row in rows}


def reviews(desk: Desk, case_id: int) -> dict[int, dict[Stage, ReviewRow]]:
    """Reviews of a case by draft version and stage."""

    def read(session):
        rows = session.execute(
            select(DraftRow.version, ReviewRow)
            .join(ReviewRow, ReviewRow.draft_id == DraftRow.id)
            .where(DraftRow.case_id == case_id)
        )
        found: dict[int, dict[Stage, ReviewRow]] = {}
        for version, review in rows:
            found.setdefault(version, {})[review.stage] = review
        return found

    return desk.run(read)


def refused(answer: Done | Refusal) -> Ground | None:
    return answer.ground if isinstance(answer, Refusal) else None


# --- one matter from its first text to its answer --------------------------------------------------------------


def test_a_matter_goes_from_the_first_text_to_its_published_answer(desk):
    case_id = desk.open()
    assert running(desk, case_id) == {Step.DISPATCH, Step.RESPOND}
    clocks = {
        Command.DISPATCH: {Step.SIGN, Step.RESPOND},
        Command.SIGN: {Step.DRAFT, Step.CLOSE, Step.RESPOND},
        Command.DRAFT: {Step.REVIEW, Step.CLOSE, Step.RESPOND},
        Command.PASS: {Step.SECRECY, Step.CLOSE, Step.RESPOND},
        Command.CLEAR: {Step.APPROVE, Step.CLOSE, Step.RESPOND},
        Command.APPROVE: {Step.RELEASE, Step.CLOSE, Step.RESPOND},
        Command.CONFIRM: set(),
    }
    for command, left in clocks.items():
        desk.clock.advance(10 * MINUTE)
        answer = desk.act(case_id, command)
        assert isinstance(answer, Done)
        assert running(desk, case_id) == left

    case = desk.case(case_id)
    assert answer.text == f"已回应确认：{case.number}"
    assert (case.state, case.closed_at, case.channel) == (State.CLOSED, desk.clock(), "petition")
    assert case.version == 1 + len(clocks) + 1  # and the closing by the house
    assert lines(desk, case_id) == [
        ("系统", "open"),
        ("王值班", "dispatch"),
        ("赵联络", "sign"),
        ("赵联络", "draft"),
        ("孙初审", "pass"),
        ("吴保密", "clear"),
        ("郑县长", "approve"),
        ("赵联络", "confirm"),
        ("系统", "close"),
    ]
    [slip] = desk.all(AssignmentRow)
    assert (slip.signed_by, slip.signed_at) == (desk.staff["contact"].person_id, START + 20 * MINUTE)
    [draft] = desk.all(DraftRow)
    assert draft.text_hash == hashlib.sha256(draft.text.encode()).hexdigest()
    said = {stage: (r.opinion, r.reviewer_id) for stage, r in reviews(desk, case_id)[1].items()}
    assert said == {
        Stage.FIRST: (Opinion.PASS, desk.staff["reviewer"].person_id),
        Stage.SECRECY: (Opinion.PUBLIC, desk.staff["secrecy"].person_id),
        Stage.APPROVAL: (Opinion.PASS, desk.staff["leader"].person_id),
    }
    [release] = desk.all(ReleaseRow)
    assert (release.draft_id, release.url) == (draft.id, "https://gov.example/answer/1")
    assert desk.run(desk.ledger.verify).broken is None


@pytest.mark.parametrize("state", [s for s in ROADS if s not in ENDED])
def test_a_matter_at_rest_waits_under_a_clock(desk, state):
    case_id = desk.at(state)
    own = {
        State.JUDGING: Step.DISPATCH,
        State.WATCHING: Step.RELOOK,
        State.TO_SIGN: Step.SIGN,
        State.RETURNED: Step.DISPATCH,
        State.HANDLING: Step.DRAFT,
        State.IN_REVIEW: Step.REVIEW,
        State.IN_SECRECY: Step.SECRECY,
        State.WITH_SUPERIOR: Step.SECRECY,
        State.TO_APPROVE: Step.APPROVE,
        State.TO_RELEASE: Step.RELEASE,
        State.UNVERIFIED: Step.DISPATCH,
        State.CONSULTING: Step.CONSULT,
        State.TO_ORDER: Step.ORDER,
        State.TRANSFERRED: Step.RELOOK,
        State.EXTENDING: Step.EXTEND,
        State.IN_SECOND: Step.SECOND,
        State.WITH_CHIEF: Step.CHIEF,
        State.ANSWERED: Step.RECHECK,
        State.CALLING_BACK: Step.CALL_BACK,
    }
    assert desk.case(case_id).state is state
    beside = {Step.RESPOND, Step.CLOSE, Step.COPY}
    beside |= (
        {Step.DRAFT} if state is State.EXTENDING else set()
    )  # the time asked for runs on until it is granted
    assert running(desk, case_id) - beside == {own[state]}


def test_a_dismissed_matter_ends_every_clock_and_keeps_its_reason(desk):
    case_id = desk.open()
    desk.act(case_id, Command.DISMISS, reason="与本县无关")
    assert running(desk, case_id) == set()
    assert desk.case(case_id).close_reason == "与本县无关"
    [verdict] = desk.all(VerdictRow)
    assert (verdict.kind, verdict.corrected) == (VerdictKind.RELEVANT, "与本县无关")
    desk.act(case_id, Command.REOPEN)
    assert desk.all(VerdictRow)[-1].corrected == "case"
    case = desk.case(case_id)
    assert (case.state, case.close_reason, case.closed_at) == (State.JUDGING, None, None)


def test_corrections_of_what_was_proposed_are_kept_as_verdicts(desk):
    case_id = desk.open()
    desk.act(case_id, Command.SET_LEVEL, level=Level.IV)
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    desk.act(case_id, Command.DISPATCH, channel="network")
    told = [(v.kind, v.proposed, v.corrected, v.person_id) for v in desk.all(VerdictRow)]
    duty = desk.staff["duty"].person_id
    assert told == [("level", "4", "2", duty), ("channel", "petition", "network", duty)]
    assert {v.rules_version for v in desk.all(VerdictRow)} == {desk.rules.version}


def test_after_two_returns_the_office_assigns_and_nobody_returns_again(desk):
    case_id = desk.open()
    for _ in range(2):
        desk.act(case_id, Command.DISPATCH)
        assert isinstance(desk.act(case_id, Command.RETURN, reason="不归我们管"), Done)
    desk.act(case_id, Command.DISPATCH, "office")
    assert [slip.assigned for slip in desk.all(AssignmentRow)] == [False, False, True]
    assert refused(desk.act(case_id, Command.RETURN)) is Ground.ASSIGNED
    assert isinstance(desk.act(case_id, Command.SIGN), Done)
    assert [s.return_reason for s in desk.all(AssignmentRow)] == ["不归我们管", "不归我们管", None]


def test_a_matter_reopened_after_its_answer_gets_a_new_text_and_a_second_release(desk):
    case_id = desk.at(State.CLOSED)
    assert isinstance(desk.act(case_id, Command.REOPEN, reason="恢复时间写错了"), Done)
    told = {row.chat for row in desk.all(OutboxRow) if row.payload.get("template") == "reopened_why"}
    assert told == {"private-contact", "private-leader"}  # who drafted, signed, released; who approved
    assert running(desk, case_id) == {Step.RESPOND, Step.DRAFT, Step.CLOSE}
    for command in ROADS[State.CLOSED][2:]:
        assert isinstance(desk.act(case_id, command), Done)
    assert [d.version for d in desk.all(DraftRow)] == [1, 2]
    assert len({r.draft_id for r in desk.all(ReleaseRow)}) == 2


def test_who_answered_may_say_that_it_was_wrong_and_a_leader_decides(desk):
    case_id = desk.at(State.CLOSED)
    assert isinstance(desk.act(case_id, Command.MISTAKE, reason="恢复时间写错了"), Done)
    assert desk.case(case_id).state is State.CLOSED
    told = {r.chat: r.payload.get("reason") for r in desk.all(OutboxRow) if "mistaken" in str(r.payload)}
    leaders = dict.fromkeys(("private-leader", "private-second_leader"), "恢复时间写错了")
    assert told == {**leaders, desk.office.duty_chat: None}
    assert lines(desk, case_id)[-1][1] == "mistake"
    assert refused(desk.act(case_id, Command.MISTAKE, "duty", reason="恢复时间写错了")) is Ground.ROLE


# --- drafts and what was said of them ---------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.IN_REVIEW, State.IN_SECRECY, State.TO_APPROVE, State.TO_RELEASE])
def test_a_new_draft_voids_the_reviews_of_the_old_one(desk, state):
    case_id = desk.at(state)
    old = desk.shown(case_id)
    before = len(reviews(desk, case_id).get(1, {}))
    assert isinstance(desk.act(case_id, Command.DRAFT, "colleague", text="改过的答复"), Done)
    case = desk.case(case_id)
    assert (case.state, case.draft_version) == (State.IN_REVIEW, 2)
    assert len(reviews(desk, case_id).get(1, {})) == before  # kept, and of no more use
    for command in (Command.PASS, Command.CLEAR, Command.APPROVE):
        assert refused(desk.give(case_id, desk.order(old, command))) is Ground.STALE
    # The whole chain again; and who wrote the first draft is no longer the drafter, who wrote the second one is.
    for command in (Command.PASS, Command.CLEAR, Command.APPROVE):
        assert isinstance(desk.act(case_id, command), Done)
    assert set(reviews(desk, case_id)[2]) == {Stage.FIRST, Stage.SECRECY, Stage.APPROVAL}


def test_a_draft_counts_however_old_the_card_was_that_it_answers(desk):
    case_id = desk.at(State.HANDLING)
    old = desk.shown(case_id)
    desk.act(case_id, Command.SET_LEVEL)
    assert isinstance(desk.give(case_id, desk.order(old, Command.DRAFT)), Done)


@pytest.mark.parametrize(("length", "taken"), [(DRAFT_MAX, True), (DRAFT_MAX + 1, False)])
def test_a_text_too_long_for_the_approval_card_is_not_taken(desk, length, taken):
    case_id = desk.at(State.HANDLING)
    before = snapshot(desk)
    if taken:
        assert isinstance(desk.act(case_id, Command.DRAFT, text="字" * length), Done)
        return
    with pytest.raises(UserError, match=f"{length} 字"):
        desk.act(case_id, Command.DRAFT, text="字" * length)
    assert snapshot(desk) == before


def test_who_asked_the_superior_and_who_entered_the_answer_do_not_approve(desk):
    def work(session):
        return [join(session, name, [Role.SECRECY, Role.LEADER]) for name in ("甲", "乙")]

    first, second = desk.run(work)
    case_id = desk.at(State.IN_SECRECY)
    assert isinstance(desk.act(case_id, Command.ESCALATE, first), Done)
    assert isinstance(desk.act(case_id, Command.CLEAR, second), Done)
    for who in (first, second):
        assert refused(desk.act(case_id, Command.APPROVE, who)) is Ground.FOUR_EYES
    assert isinstance(desk.act(case_id, Command.APPROVE), Done)


def test_the_one_who_decided_on_a_draft_is_known_to_those_who_came_late(desk):
    case_id = desk.at(State.TO_APPROVE)
    desk.act(case_id, Command.REFUSE, "second_leader", reason="语气生硬")
    decided = desk.run(lambda s: cases.decided_by(s, case_id, 1))
    assert (decided.by, decided.opinion, decided.at) == ("冯县长", Opinion.RETURN, desk.clock())
    assert desk.run(lambda s: cases.decided_by(s, case_id, 2)) is None


# --- orders that are refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "who", "more", "ground"),
    [
        (Command.APPROVE, "contact", {}, Ground.ROLE),
        (Command.APPROVE, "stranger", {}, Ground.ROLE),
        (Command.APPROVE, "leader", {"where": Where.DUTY}, Ground.PLACE),
        (Command.APPROVE, "leader", {"draft_version": 7}, Ground.STALE),
        (Command.APPROVE, "leader", {"version": 1}, Ground.STALE),
        (Command.SIGN, "contact", {}, Ground.STATE),
        (Command.REFUSE, "leader", {"reason": ""}, Ground.MISSING),
        (Command.DRAFT, "other_contact", {}, Ground.ROLE),
    ],
)
def test_a_refused_order_is_one_line_of_the_record_and_changes_nothing_else(desk, command, who, more, ground):
    case_id = desk.at(State.TO_APPROVE)
    before, written = snapshot(desk), len(desk.all(LedgerRow))
    assert refused(desk.act(case_id, command, who, **more)) is ground
    assert snapshot(desk) == before
    assert len(desk.all(LedgerRow)) == written + 1
    line = desk.run(lambda s: entries(s, case_id))[-1]
    assert (line["actor"], line["action"]) == (desk.staff[who].name, "refused")
    assert line["data"]["ground"] == ground.value
    assert line["data"]["command"] == command.value


def test_the_same_press_twice_is_refused_the_second_time(desk):
    case_id = desk.open()
    order = desk.order(desk.shown(case_id), Command.DISPATCH)
    assert isinstance(desk.give(case_id, order), Done)
    before = snapshot(desk)
    assert refused(desk.give(case_id, order)) is Ground.STALE
    assert snapshot(desk) == before


@pytest.mark.parametrize("more", [{"channel": "nowhere"}])
def test_an_order_that_cannot_be_carried_out_leaves_nothing_half_done(desk, more):
    case_id = desk.open()
    before, written = snapshot(desk), len(desk.all(LedgerRow))
    with pytest.raises(UserError, match="没有这个承办渠道"):
        desk.act(case_id, Command.DISPATCH, **more)
    assert snapshot(desk) == before
    assert len(desk.all(LedgerRow)) == written


def test_there_is_no_acting_on_a_case_that_does_not_exist(desk):
    order = desk.order(desk.shown(desk.open()), Command.DISPATCH)
    with pytest.raises(UserError, match="没有这个事项"):
        desk.give(987_654, order)


def test_a_right_that_was_withdrawn_is_gone_with_the_next_press(desk):
    case_id = desk.at(State.TO_APPROVE)
    person_id = desk.staff["leader"].person_id
    card = desk.shown(case_id)

    def press(session) -> Done | Refusal | None:
        actor = people.actor_of(session, "chat", "leader")
        if actor is None:
            return None
        order = desk.order(card, Command.APPROVE, actor)
        return cases.execute(session, desk.office, desk.ledger, case_id, order, desk.clock())

    desk.run(lambda s: people.revoke(s, desk.ledger, person_id=person_id, by="陈管理", now=desk.clock()))
    assert desk.run(press) is None
    assert desk.case(case_id).state is State.TO_APPROVE


# --- presses at the same moment -----------------------------------------------------------------------------------


def to_approve(desk: Desk, number: int) -> list[int]:
    """Put cases into the store that wait for approval, by rows: the road there is not what is tested here."""
    by = {key: actor.person_id for key, actor in desk.staff.items()}

    def work(session) -> list[int]:
        made = []
        for serial in range(number):
            case = CaseRow(
                number=f"YQ-2026-{serial:04d}",
                state=State.TO_APPROVE,
                level=Level.III,
                proposed_level=Level.III,
                channel="petition",
                copies=[],
                title="停水",
                opened_at=START,
                draft_version=1,
            )
            session.add(case)
            session.flush()
            draft = DraftRow(
                case_id=case.id,
                version=1,
                text="答复",
                text_hash="",
                openness="主动公开",
                drafter_id=by["contact"],
                at=START,
            )
            session.add(draft)
            session.flush()
            for stage, opinion, who in (
                (Stage.FIRST, Opinion.PASS, "reviewer"),
                (Stage.SECRECY, Opinion.PUBLIC, "secrecy"),
            ):
                session.add(
                    ReviewRow(draft_id=draft.id, stage=stage, reviewer_id=by[who], opinion=opinion, at=START)
                )
            made.append(case.id)
        return made

    return desk.run(work)


@pytest.mark.parametrize(("at_once", "rounds"), [(2, 40), (4, 20)])
def test_of_several_who_press_at_the_same_moment_exactly_one_decides(desk, at_once, rounds):
    def leaders(session) -> list[Actor]:
        return [join(session, f"领导{n}", [Role.LEADER]) for n in range(at_once)]

    who = desk.run(leaders)
    ids = to_approve(desk, rounds)
    together = Barrier(at_once)

    def press(actor: Actor) -> list[Done | Refusal]:
        answers = []
        for turn, case_id in enumerate(ids):
            command = (Command.APPROVE, Command.REFUSE)[(turn + actor.person_id) % 2]
            order = Order(command, actor, Where.PRIVATE, 1, 1, reason="再改")
            together.wait(30)
            answers.append(desk.give(case_id, order))
        return answers

    with ThreadPoolExecutor(at_once) as pool:
        answers = list(pool.map(press, who))
    for turn, case_id in enumerate(ids):
        of_this = [mine[turn] for mine in answers]
        assert sum(isinstance(answer, Done) for answer in of_this) == 1
        assert {refused(a) for a in of_this} <= {None, Ground.STATE, Ground.STALE}
        [winner] = [a for a in of_this if isinstance(a, Done)]
        case = desk.case(case_id)
        assert (case.state, case.version) == (winner.state, 2)
    approvals = desk.all(ReviewRow, ReviewRow.stage == Stage.APPROVAL)
    assert len(approvals) == rounds
    assert len(desk.all(LedgerRow)) == rounds * at_once
    assert desk.run(desk.ledger.verify).broken is None


async def test_presses_through_the_writer_have_one_winner_too(desk):
    ids = to_approve(desk, 30)
    who = [desk.staff["leader"], desk.staff["second_leader"]] * 2

    def press(case_id: int, actor: Actor):
        order = Order(Command.APPROVE, actor, Where.PRIVATE, 1, 1)
        return desk.store.write(
            lambda s: cases.execute(s, desk.office, desk.ledger, case_id, order, desk.clock()), urgent=True
        )

    answers = await asyncio.gather(*(press(case_id, actor) for case_id in ids for actor in who))
    won = [answer.case_id for answer in answers if isinstance(answer, Done)]
    assert sorted(won) == sorted(ids)
    assert desk.run(desk.ledger.verify).lines == len(answers)


# --- any acts by anybody --------------------------------------------------------------------------------------


class AnyActs(RuleBasedStateMachine):
    """One matter a run, in a store that keeps those of earlier runs."""

    desk: Desk
    crowd: list[Actor]
    other: int  # a matter that may take in the one of each run

    @initialize()
    def open(self) -> None:
        desk = self.desk
        # Every run its own street and week, so that its text begins a matter and joins none.
        now = desk.clock.advance(days=8)
        text = f"{len(desk.all(CaseRow)) + 1}号院停水了，物业不管"
        self.case_id = desk.open(text, published_at=now)
        [place] = desk.all(CaseItemRow, CaseItemRow.case_id == self.case_id)
        self.item_id = place.item_id
        self.lines = len(lines(desk, self.case_id))
        self.version = 1

    def _give(self, by: Actor, command: Command, where: Where) -> None:
        desk = self.desk
        desk.clock.advance(MINUTE)
        state = desk.case(self.case_id).state
        named = {"into": self.other, "item_id": self.item_id}
        answer = desk.act(self.case_id, command, by, where=where, **named)
        self.lines += 1
        if isinstance(answer, Refusal):
            assert desk.case(self.case_id).version == self.version
            return
        assert (state, command) in TABLE
        follows = command is Command.CONFIRM
        self.lines += follows
        self.version += 1 + follows
        assert desk.case(self.case_id).version == self.version

    # What is drawn depends on no row: a store that was slow or keeps more than before draws the same.
    @rule(who=st.integers(0, 5), command=st.sampled_from(Command), where=st.sampled_from(Where))
    def anybody_orders_anything(self, who: int, command: Command, where: Where) -> None:
        self._give(self.crowd[who], command, where)

    @rule(steps=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), min_size=1, max_size=4))
    def those_who_may_go_on(self, steps: list[tuple[int, int]]) -> None:
        for which, who in steps:
            state = self.desk.case(self.case_id).state
            ways = [c for c in commands_in(state) if TABLE[(state, c)].to is not state]
            if state in ENDED or not ways:
                return
            command = ways[which % len(ways)]
            move = TABLE[(state, command)]
            able = [one for one in self.crowd if one.roles & move.roles]
            self._give(able[who % len(able)], command, min(move.where))

    @invariant()
    def four_eyes_hold_in_the_sealed_reviews(self) -> None:
        drafters = {
            d.version: d.drafter_id for d in self.desk.all(DraftRow, DraftRow.case_id == self.case_id)
        }
        for version, seals in reviews(self.desk, self.case_id).items():
            by = {stage: review.reviewer_id for stage, review in seals.items()}
            assert drafters[version] not in by.values()
            assert by.pop(Stage.APPROVAL, None) not in by.values()

    @invariant()
    def what_may_be_released_is_the_newest_text_with_all_its_reviews(self) -> None:
        case = self.desk.case(self.case_id)
        released = {row.draft_id for row in self.desk.all(ReleaseRow, ReleaseRow.case_id == self.case_id)}
        versions = {
            d.version for d in self.desk.all(DraftRow, DraftRow.case_id == self.case_id) if d.id in released
        }
        for version in versions | ({case.draft_version} if case.state is State.TO_RELEASE else set()):
            said = {stage: r.opinion for stage, r in reviews(self.desk, self.case_id)[version].items()}
            assert said[Stage.FIRST] is Opinion.PASS
            assert Opinion.PASS in (said[Stage.APPROVAL], said.get(Stage.CHIEF))
            assert Opinion.PUBLIC in (said[Stage.SECRECY], said.get(Stage.SUPERIOR))

    @invariant()
    def a_clock_runs_until_the_end_or_the_superior_has_it(self) -> None:
        case = self.desk.case(self.case_id)
        clocks = running(self.desk, self.case_id)
        if case.state in ENDED:
            assert not clocks
        elif case.state is not State.WITH_SUPERIOR:
            assert clocks - {Step.RESPOND, Step.CLOSE}

    @invariant()
    def every_order_is_a_line(self) -> None:
        assert len(lines(self.desk, self.case_id)) == self.lines

    def teardown(self) -> None:
        assert self.desk.run(self.desk.ledger.verify).broken is None


@pytest.mark.slow
def test_no_acts_by_anybody_break_what_must_hold(desk):
    def work(session) -> list[Actor]:
        return [
            join(session, "一", [Role.DUTY, Role.OFFICE]),
            join(session, "二", [Role.CONTACT, Role.REVIEWER], ["petition"]),
            join(session, "三", [Role.REVIEWER, Role.SECRECY, Role.LEADER]),
            join(session, "四", [Role.SECRECY, Role.LEADER]),
            join(session, "五", list(Role), ["petition", "network"]),
            join(session, "六", []),
        ]

    AnyActs.desk, AnyActs.crowd, AnyActs.other = desk, desk.run(work), desk.open()
    run_state_machine_as_test(
        AnyActs,
        settings=settings(
            max_examples=10,
            stateful_step_count=15,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],  # to shrink a failure on a store outlasts the test's time
        ),
    )
    assert desk.all(ReviewRow)  # the acts went far enough to mean something

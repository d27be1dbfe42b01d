"""Four who decide at the same moment: one decision each, every loser told, all of it in the record.

On PostgreSQL four threads with a session each start at one barrier; on SQLite four orders go to the one writer at
once, as presses do. `make test` runs a share, YUQING_TEST_NIGHTLY=1 two thousand races a database.
"""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Barrier
from typing import Any

import pytest
from builders import ROADS, START, SWITCHED, Desk, Shown, join

from routing import cases
from routing.cases import Done
from routing.ledger import entries
from routing.office import Level, Procedure, Role
from routing.store.tables import CaseRow, DraftRow, PaperRow, ReviewRow
from routing.workflow import Command, Ground, Order, Refusal, Stage, State

AT_ONCE = 4
ROUNDS = 250 if os.environ.get("YUQING_TEST_NIGHTLY") else 12
"""Races of each of the eight kinds."""

LOST = {Ground.STATE, Ground.STALE, Ground.GONE}


@dataclass(frozen=True)
class Race:
    """Where a matter stands, and the four orders that are given on it at once."""

    state: State
    orders: tuple[tuple[Command, str, dict[str, Any]], ...]
    switched: Procedure | None = None
    winners: int = 1
    lost: frozenset[Ground] = frozenset(LOST)


RACES: dict[str, Race] = {
    "approve": Race(
        State.TO_APPROVE,
        (
            (Command.APPROVE, "leader", {}),
            (Command.REFUSE, "second_leader", {}),
            (Command.PASS_UP, "leader", {}),
            (Command.APPROVE, "second_leader", {}),
        ),
    ),
    "sign": Race(
        State.TO_SIGN,
        (
            (Command.SIGN, "contact", {}),
            (Command.RETURN, "colleague", {}),
            (Command.RETURN, "contact", {}),
            (Command.SIGN, "colleague", {}),
        ),
    ),
    "assign": Race(
        State.JUDGING,
        (
            (Command.DISPATCH, "duty", {"channel": "petition"}),
            (Command.DISPATCH, "office", {"channel": "network"}),
            (Command.DISMISS, "duty", {}),
            (Command.MERGE, "office", {}),
        ),
    ),
    "return": Race(
        State.IN_REVIEW,
        (
            (Command.PASS, "reviewer", {}),
            (Command.REDO, "second_reviewer", {}),
            (Command.PASS, "second_reviewer", {}),
            (Command.REDO, "reviewer", {}),
        ),
    ),
    "time": Race(
        State.EXTENDING,
        (
            (Command.GRANT, "office", {}),
            (Command.DENY, "second_office", {}),
            (Command.DENY, "office", {}),
            (Command.GRANT, "second_office", {}),
        ),
    ),
    "order": Race(
        State.TO_ORDER,
        (
            (Command.ORDER, "leader", {}),
            (Command.SEND_BACK, "second_leader", {}),
            (Command.ORAL, "duty", {}),
            (Command.ORDER, "second_leader", {}),
        ),
        SWITCHED[State.TO_ORDER],
    ),
    "copies": Race(  # two units sign, each for itself: one signature a unit
        State.TO_SIGN,
        (
            (Command.SIGN_COPY, "other_contact", {}),
            (Command.SIGN_COPY, "guard", {}),
            (Command.SIGN_COPY, "other_contact", {}),
            (Command.SIGN_COPY, "guard", {}),
        ),
        winners=2,
        lost=frozenset({Ground.ROLE}),
    ),
}


@pytest.fixture
def many(desk: Desk) -> Desk:
    """A desk with two people for each decision."""

    def work(session) -> dict[str, Any]:
        return {
            "second_office": join(session, "卫主任", [Role.OFFICE]),
            "second_reviewer": join(session, "韩初审", [Role.REVIEWER]),
            "guard": join(session, "杨联络", [Role.CONTACT], ["security"]),
        }

    desk.staff |= desk.run(work)
    return desk


def made(desk: Desk, state: State, procedure: Procedure | None, number: int) -> list[int]:
    """Bring so many matters to a state, each step by the right person through the door."""
    desk.office = replace(desk.office, procedure=procedure or desk.office.procedure)

    def open_one(session, serial: int) -> int:
        case = CaseRow(
            number=f"YQ-2026-{serial:05d}",
            state=State.JUDGING,
            level=Level.III,
            proposed_level=Level.III,
            channel="petition",
            copies=["network", "security"],
            title="停水",
            opened_at=START,
        )
        session.add(case)
        session.flush()
        for command in ROADS[state]:
            shown = Shown(case.id, case.version, case.draft_version)
            order = desk.order(shown, command)
            answer = cases.execute(session, desk.office, desk.ledger, case.id, order, desk.clock())
            assert isinstance(answer, Done), answer
        return case.id

    return [desk.run(lambda s, n=n: open_one(s, n)) for n in range(number)]


async def at_once(desk: Desk, case_id: int, orders: Sequence[Order]) -> list[Done | Refusal]:
    """Give orders at the same moment; all saw the same card."""
    if not desk.store.is_sqlite:
        return await asyncio.to_thread(in_threads, desk, case_id, orders)

    def carry_out(order: Order):
        return desk.store.write(
            lambda s: cases.execute(s, desk.office, desk.ledger, case_id, order, desk.clock()), urgent=True
        )

    return await asyncio.gather(*map(carry_out, orders))


def in_threads(desk: Desk, case_id: int, orders: Sequence[Order]) -> list[Done | Refusal]:
    together = Barrier(len(orders))

    def press(order: Order) -> Done | Refusal:
        together.wait(30)
        return desk.give(case_id, order)

    with ThreadPoolExecutor(len(orders)) as pool:
        return list(pool.map(press, orders))


async def run(
    desk: Desk, case_id: int, orders: Sequence[tuple[Command, str, dict[str, Any]]], turn: int
) -> list[tuple[Order, Done | Refusal]]:
    """Run one race; who comes first in the list changes with the turn."""
    shown = desk.shown(case_id)
    first = turn % len(orders)
    given = [
        desk.order(shown, command, who, **more) for command, who, more in (*orders[first:], *orders[:first])
    ]
    return list(zip(given, await at_once(desk, case_id, given), strict=True))


def is_mixed(desk: Desk) -> bool:
    """Tell whether each must have won some: the writer takes turns, of threads that is certain after many only."""
    return desk.store.is_sqlite or ROUNDS > 100


def in_the_record(desk: Desk, case_id: int, answers: Sequence[tuple[Order, Done | Refusal]]) -> None:
    """Each order is a line of its person: the move, or the refusal with what was wished and why."""
    lines = desk.run(lambda s: entries(s, case_id))[-len(answers) :]
    written = sorted(
        (e["actor"], e["data"]["command"], e["data"]["ground"])
        if e["action"] == "refused"
        else (e["actor"], e["action"], "")
        for e in lines
    )
    ordered = sorted(
        (order.actor.name, order.command.value, answer.ground.value if isinstance(answer, Refusal) else "")
        for order, answer in answers
    )
    assert written == ordered


def told(answers: Sequence[tuple[Order, Done | Refusal]]) -> list[Refusal]:
    """Give the refusals; each says in Chinese what stands against it."""
    losers = [answer for _, answer in answers if isinstance(answer, Refusal)]
    assert all(0 < len(loser.text) <= 150 and loser.text.endswith("。") for loser in losers)
    return losers


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", RACES)
async def test_of_four_at_the_same_moment_each_matter_takes_one_decision(many, kind):
    race = RACES[kind]
    ids = made(many, race.state, race.switched, ROUNDS)
    sink = many.open("西山小区停水了") if kind == "assign" else 0
    orders = [(command, who, more | {"into": sink}) for command, who, more in race.orders]
    winners: set[Command] = set()
    for turn, case_id in enumerate(ids):
        before = many.case(case_id)
        answers = await run(many, case_id, orders, turn)
        won = [(order, answer) for order, answer in answers if isinstance(answer, Done)]
        assert len(won) == race.winners
        assert len({order.actor.person_id for order, _ in won}) == race.winners
        assert {loser.ground for loser in told(answers)} <= race.lost
        after = many.case(case_id)
        assert (after.state, after.version) == (won[-1][1].state, before.version + race.winners)
        in_the_record(many, case_id, answers)
        winners |= {order.command for order, _ in won}
    if is_mixed(many):
        assert len(winners) > 1 or race.winners > 1  # the races went both ways
    sealed = [(row.draft_id, row.stage) for row in many.all(ReviewRow)]
    assert len(sealed) == len(set(sealed))
    if kind == "copies":
        waiting = many.all(PaperRow, PaperRow.kind == Command.SIGN_COPY)
        assert all(row.done_by is not None for row in waiting)
        assert len(waiting) == 2 * ROUNDS
    assert many.run(many.ledger.verify).broken is None


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_new_text_and_an_approval_at_the_same_moment_never_release_what_nobody_approved(many):
    """Two drafts may follow each other; an approval holds for the text that was shown, or is stale."""
    orders = [
        (Command.DRAFT, "contact", {"text": "第二稿：今日恢复供水，敬请谅解。"}),
        (Command.APPROVE, "leader", {}),
        (Command.DRAFT, "colleague", {"text": "第三稿：泵组已经更换，今日恢复供水。"}),
        (Command.APPROVE, "second_leader", {}),
    ]
    approved = 0
    for turn, case_id in enumerate(made(many, State.TO_APPROVE, None, ROUNDS)):
        answers = await run(many, case_id, orders, turn)
        drafted = [a for order, a in answers if order.command is Command.DRAFT and isinstance(a, Done)]
        passed = [a for order, a in answers if order.command is Command.APPROVE and isinstance(a, Done)]
        assert len(drafted) == 2
        assert len(passed) <= 1
        assert {loser.ground for loser in told(answers)} <= LOST
        case = many.case(case_id)
        assert (case.state, case.draft_version) == (State.IN_REVIEW, 3)
        texts = many.all(DraftRow, DraftRow.case_id == case_id)
        seals = many.all(ReviewRow, ReviewRow.stage == Stage.APPROVAL)
        assert [row.draft_id for row in seals if row.draft_id in {t.id for t in texts}] == [
            texts[0].id
        ] * len(passed)
        in_the_record(many, case_id, answers)
        approved += len(passed)
    if is_mixed(many):
        assert 0 < approved < ROUNDS
    assert many.run(many.ledger.verify).broken is None

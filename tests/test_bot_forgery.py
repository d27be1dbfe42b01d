"""Hostile presses: forged, replayed, stale, from the wrong chat, the wrong person, on one's own text.

None is accepted, each on a case is a line of the record, no text of a draft comes before somebody who was not shown it.
The presses are drawn by a seed, so that a failure can be played again. `make test` plays a share of them,
YUQING_TEST_NIGHTLY=1 a thousand in each office and on each database.
"""

import os
import random
from collections import Counter as Counted
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest
from builders import ROADS, STAFF, SWITCHED, Desk, join
from sqlalchemy import func, select

from bot.buttons import DOUBT, LIFT, MENU, MUTE, SHOW, SUBSTITUTE, Wish, token_of
from bot.chat import ActionPressed, Event, MessageRef
from bot.chat import Sender as From
from bot.handlers.desk import Desk as Counter
from bot.handlers.desk import Occasion, Reaction
from bot.handlers.react import react
from bot.menus import CARDS
from bot.wishes import mark_of
from routing import people
from routing.announce import CARD_ROLES
from routing.office import Role
from routing.procedure import FULL, LIGHT, REVIEW_STATES, table
from routing.store.tables import (
    AskRow,
    Base,
    CaseRow,
    LedgerRow,
    MessageRefRow,
    OutboxRow,
)
from routing.workflow import Command, State

SEED = 20261001
PRESSES = 1_000 if os.environ.get("YUQING_TEST_NIGHTLY") else 120
TEXT = "只给审核人看的稿件，外人不得见。"
ROLES = {role.value for role in Role}
STATES = [s for s in State if s not in {State.MERGED, State.CONSULTING}]
NONSENSE = ("99", "-1", "x", "0x1", "nowhere", "７", "1e3", "yes;no", "4294967296", "n0", "petition ")
OUTSIDE = ("group-security", "somewhere-else", "operator", "private-second_leader")


@dataclass(frozen=True)
class Hostile:
    """One press that must not be accepted, and whether it means a case."""

    kind: str
    event: Event
    case_id: int | None


class Enemy:
    """Draws hostile presses against the cases of a desk, each kind as often as the others."""

    def __init__(self, desk: Desk, cases: dict[State, int], chance: random.Random) -> None:
        self.desk, self.cases, self.chance = desk, cases, chance
        self.makers = [
            self.wrong_role,
            self.stranger,
            self.old_version,
            self.old_draft,
            self.other_chat,
            self.own_text,
            self.wrong_state,
            self.nonsense,
            self.card_of_another,
            self.no_case,
            self.beside,
        ]

    def __iter__(self) -> Iterator[Hostile]:
        for number in count():
            made = self.makers[number % len(self.makers)]()
            if made is not None:
                yield made

    def press(self, kind: str, who: str, wish: Wish, chat: str, *, on_case: bool = True) -> Hostile:
        private = chat == f"private-{who}"
        sender = From(who, who, f"private-{who}")
        message = MessageRef(chat, str(self.chance.randint(1, 50)))
        event = ActionPressed(sender, chat, private, self.token(wish), message, "p")
        return Hostile(kind, event, wish.case_id if on_case else None)

    def token(self, wish: Wish) -> str:
        arg = wish.arg if wish.arg.isascii() else ""
        return token_of(replace(wish, arg=arg))

    def case(self, *states: State) -> CaseRow:
        return self.desk.case(self.cases[self.chance.choice(states or tuple(self.cases))])

    def moves(self, case: CaseRow) -> dict[Command, Any]:
        found = table(self.desk.office.procedure, case.level)
        return {command: move for (state, command), move in found.items() if state is case.state}

    def wish(self, case: CaseRow, command: str, **more: Any) -> Wish:
        return replace(Wish(command, case.id, case.version, case.draft_version), **more)

    def right(self, case: CaseRow, command: Command) -> tuple[str, str]:
        """Who may, and where: the people of builders, each in the chat of his work."""
        move = self.moves(case)[command]
        who = self.chance.choice([k for k, (_, roles, _) in STAFF.items() if set(roles) & move.roles])
        return who, {"duty": "duty-group", "channel": "group-petition"}.get(min(move.where), f"private-{who}")

    def argument(self, command: Command) -> str:
        """What an honest button of this command carries."""
        return {
            Command.DISPATCH: "petition",
            Command.SUBMIT: "petition",
            Command.DISMISS: mark_of(self.desk.office.dismiss_reasons[0]),
            Command.SET_LEVEL: "3",
            Command.CLASSIFY: "3",
            Command.CONVENE: f"1.{mark_of(*self.desk.office.channels)}",
            Command.PASS: "63",
            Command.APPROVE: "yes",
            Command.TRANSFER: "petition",
            Command.EXTEND: "3",
            Command.CONTENT: "good",
            Command.OPINE: "agree",
        }.get(command, "")

    # -- kinds ------------------------------------------------------------------------------------------------------

    def wrong_role(self) -> Hostile | None:
        case, command = self.case(), self.chance.choice(list(Command))
        moves = table(self.desk.office.procedure, case.level)
        roles = set().union(*(m.roles for (_, known), m in moves.items() if known is command))
        others = [key for key, (_, held, _) in STAFF.items() if not set(held) & roles and key != "stranger"]
        who = self.chance.choice(others)
        chat = self.chance.choice(("duty-group", "group-petition", f"private-{who}"))
        return self.press("wrong role", who, self.wish(case, command, arg=self.argument(command)), chat)

    def stranger(self) -> Hostile:
        case, command = self.case(), self.chance.choice(list(Command))
        who = self.chance.choice(("nobody", "revoked", "stranger"))
        chat = self.chance.choice(("duty-group", "group-petition", f"private-{who}"))
        return self.press("stranger", who, self.wish(case, command, arg=self.argument(command)), chat)

    def old_version(self) -> Hostile | None:
        case = self.case()
        bound = [c for c in self.moves(case) if c not in {Command.DRAFT, Command.OPINE, Command.SIGN_COPY}]
        bound = [c for c in bound if c not in {Command.COUNTERSIGN, Command.REPORT}]
        if not bound or case.version < 2:
            return None
        command = self.chance.choice(bound)
        who, chat = self.right(case, command)
        version = case.version + self.chance.choice((-1, 1, 1000))
        return self.press(
            "old version", who, self.wish(case, command, version=version, arg=self.argument(command)), chat
        )

    def old_draft(self) -> Hostile | None:
        case = self.case(*(s for s in REVIEW_STATES if s in self.cases))
        command = self.chance.choice(
            [
                c
                for c in self.moves(case)
                if c in {Command.PASS, Command.APPROVE, Command.CLEAR, Command.REFUSE}
            ]
        )
        who, chat = self.right(case, command)
        other = case.draft_version + self.chance.choice((-1, 1))
        wish = self.wish(case, command, draft_version=other, arg=self.argument(command))
        return self.press("old draft", who, wish, chat)

    def other_chat(self) -> Hostile | None:
        case = self.case()
        commands = list(self.moves(case))
        if not commands:
            return None
        command = self.chance.choice(commands)
        who, _ = self.right(case, command)
        chat = self.chance.choice([chat for chat in OUTSIDE if chat != f"private-{who}"])
        return self.press("other chat", who, self.wish(case, command, arg=self.argument(command)), chat)

    def own_text(self) -> Hostile:
        """The drafter holds every role of review, and presses on his own text."""
        case = self.case(State.IN_REVIEW, State.IN_SECRECY, State.TO_APPROVE)
        command = self.chance.choice(
            [c for c, move in self.moves(case).items() if "drafter" in move.other_than]
        )
        wish = self.wish(case, command, arg=self.argument(command))
        return self.press("own text", "writer", wish, "private-writer")

    def wrong_state(self) -> Hostile | None:
        case = self.case()
        known = self.moves(case)
        command = self.chance.choice([c for c in Command if c not in known])
        who = self.chance.choice(["writer", "duty", "leader", "contact"])
        chat = self.chance.choice(("duty-group", "group-petition", f"private-{who}"))
        return self.press("wrong state", who, self.wish(case, command, arg=self.argument(command)), chat)

    def nonsense(self) -> Hostile | None:
        case = self.case()
        commands = list(self.moves(case))
        if not commands:
            return None
        command = self.chance.choice(commands)
        who, chat = self.right(case, command)
        wish = self.wish(case, command, arg=self.chance.choice([n for n in NONSENSE if n.isascii()]))
        return self.press("nonsense", who, wish, chat)

    def card_of_another(self) -> Hostile:
        """A menu of somebody's private card, opened by one who was never sent it, or in a group."""
        case = self.case(*(s for s in REVIEW_STATES if s in self.cases))
        card = self.chance.choice([n for n, _ in enumerate(CARDS) if n])
        arg = self.chance.choice((f"back-{card}", "aspects-63", "aspects", f"back-{card}"))
        who = self.chance.choice(("duty", "other_contact", "admin", "caller", "office", "late_leader"))
        chat = self.chance.choice(("somewhere-else", f"private-{who}", "duty-group"))
        return self.press("card of another", who, self.wish(case, MENU, arg=arg), chat)

    def no_case(self) -> Hostile:
        wish = Wish(self.chance.choice(list(Command)).value, self.chance.choice((0, 987_654, 2**62)), 1, 1)
        return self.press("no case", "writer", wish, "duty-group", on_case=False)

    def beside(self) -> Hostile:
        """What is no command: a mute, a card that is held back, a substitution; by those who may not."""
        verb = self.chance.choice((MUTE, SHOW, LIFT, SUBSTITUTE, DOUBT))
        who = self.chance.choice(("contact", "reviewer", "secrecy", "admin"))
        arg = (
            self.chance.choice((f"j{self.case().id}", f"a{self.case().id}", "l0")) if verb == DOUBT else "yes"
        )
        wish = self.wish(self.case(State.JUDGING), verb, arg=arg)
        return self.press("beside", who, wish, "duty-group", on_case=verb in {MUTE, SHOW, DOUBT})


def cases_in(desk: Desk) -> dict[State, int]:
    """A case in every state, its text drafted by one who holds every role."""
    found = {}
    for number, state in enumerate(STATES):
        desk.office = replace(desk.office, procedure=SWITCHED.get(state, LIGHT))
        case_id = desk.open(f"{number + 1}号院停水了，物业不管", published_at=desk.clock.advance(days=8))
        for command in ROADS[state]:
            who: Any = "writer" if command is Command.DRAFT else ""
            answer = desk.act(case_id, command, who, text=TEXT)
            assert not hasattr(answer, "ground"), answer
        assert desk.case(case_id).state is state
        found[state] = case_id
    return found


def facts(desk: Desk) -> dict[str, list[str]]:
    """Every row that a decision could change; cards that were redrawn and questions that were asked aside."""
    aside = {"ledger", "counter", "outbox", "message_ref", "ask", "chat", "inbox", "ledger_head"}
    tables = [t for t in Base.metadata.sorted_tables if t.name not in aside]
    return desk.run(lambda s: {t.name: sorted(map(str, s.execute(select(t)).all())) for t in tables})


def play(desk: Desk, hostile: Hostile, serial: int) -> list[str]:
    """Let one press happen, and say what it did that it must not do."""

    def work(session) -> tuple[Reaction | None, list[tuple[str, int | None]]]:
        newest = session.scalar(select(func.max(LedgerRow.seq))) or 0
        counter = Counter(desk.office, desk.ledger, "chat", {})
        reaction = react(Occasion(counter, session, desk.clock(), serial, hostile.event))
        written = session.execute(select(LedgerRow.action, LedgerRow.case_id).where(LedgerRow.seq > newest))
        return reaction, [(row.action, row.case_id) for row in written]

    reaction, lines = desk.run(work)
    found = []
    if reaction is None or not reaction.alert or reaction.menu is not None:
        found.append(f"was answered with {reaction}")
    elif TEXT in reaction.toast:
        found.append("read the draft")
    if hostile.case_id is not None and lines != [("refused", hostile.case_id)]:
        found.append(f"left {lines}")
    return found


def no_draft_stands_where_it_was_not_sent(desk: Desk) -> bool:
    """Tell whether each review card that is kept up to date, or waits to be sent, is that of who was asked."""
    cards = desk.all(MessageRefRow, MessageRefRow.card.in_(CARD_ROLES))
    sent = {(row.chat, row.case_id) for row in desk.all(OutboxRow) if row.payload.get("card") in CARD_ROLES}
    strangers = {f"private-{key}" for key in ("nobody", "revoked", "stranger", "late_leader", "admin")}
    return all((card.chat, card.case_id) in sent for card in cards) and not strangers & {c for c, _ in sent}


@pytest.fixture
def besieged(desk: Desk) -> Desk:
    """A desk where one holds every role, one came late and was shown nothing, and one was sent away."""

    def work(session) -> dict[str, Any]:
        return {
            "writer": join(session, "万能", list(Role), ["petition"], "writer"),
            "revoked": join(session, "离任", list(Role), ["petition"], "revoked"),
        }

    desk.staff |= desk.run(work)
    person_id = desk.staff["revoked"].person_id
    desk.run(lambda s: people.revoke(s, desk.ledger, person_id=person_id, by="陈管理", now=desk.clock()))
    return desk


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("procedure", [LIGHT, FULL], ids=["light", "full"])
def test_of_hostile_presses_none_is_accepted_and_each_is_in_the_record(besieged, procedure):
    desk = besieged
    cases = cases_in(desk)
    desk.office = replace(desk.office, procedure=procedure)
    desk.staff["late_leader"] = desk.run(lambda s: join(s, "新领导", [Role.LEADER], (), "late_leader"))
    before, asked = facts(desk), len(desk.all(AskRow))
    enemy = iter(Enemy(desk, cases, random.Random(SEED)))
    tally = Counted[str]()
    problems: list[tuple[str, Hostile]] = []
    for serial in range(PRESSES):
        hostile = next(enemy)
        problems += [(problem, hostile) for problem in play(desk, hostile, serial)]
        tally[hostile.kind] += 1
    assert not problems, problems
    assert facts(desk) == before
    assert len(desk.all(AskRow)) == asked
    assert no_draft_stands_where_it_was_not_sent(desk)
    assert min(tally.values()) > PRESSES // 25, tally
    assert desk.run(desk.ledger.verify).broken is None

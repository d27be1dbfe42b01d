"""Hostile replies and replays: to somebody else's question, in another chat, too late, twice, after the right is gone; what
was handled before, under a new update.

As in `test_bot_forgery`: drawn by a seed, none accepted, each a line of the record.
"""

import random
from collections import Counter as Counted
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from builders import HOUR, Desk
from sqlalchemy import func, select
from test_bot_forgery import PRESSES, SEED, TEXT, besieged, facts
from test_routing_substitution import ask, decide

from bot.buttons import Wish, token_of
from bot.chat import ActionPressed, Body, CommandGiven, Event, MessageRef, TextReplied
from bot.chat import Sender as From
from bot.compose import Composer
from bot.handlers.desk import Desk as Counter
from bot.handlers.desk import Reception
from bot.receiver import Receiver
from monitors.masking import mask
from routing import asks, inbox, people
from routing.cases import Done
from routing.store.tables import AskRow, LedgerRow
from routing.workflow import Command, State

__all__ = ["besieged"]  # a fixture

WORDS = f"《政府信息公开条例》第十九条；{TEXT} https://gov.example/answer/1"
"""What every question would take: a basis and a reason, a draft, a link."""


@dataclass(frozen=True)
class Asks:
    """Who is asked for a text in which state, by a press where, and by what another moves the matter on meanwhile."""

    state: State
    command: Command
    who: str
    chat: str
    move: Command
    by: str


ASKS = (
    Asks(State.TO_SIGN, Command.RETURN, "contact", "group-petition", Command.SIGN, "colleague"),
    Asks(State.HANDLING, Command.DRAFT, "contact", "group-petition", Command.DRAFT, "colleague"),
    Asks(State.IN_REVIEW, Command.REDO, "reviewer", "", Command.DRAFT, "colleague"),
    Asks(State.IN_SECRECY, Command.CLEAR, "secrecy", "", Command.DRAFT, "contact"),
    Asks(State.TO_APPROVE, Command.REFUSE, "leader", "", Command.APPROVE, "second_leader"),
    Asks(State.TO_RELEASE, Command.CONFIRM, "contact", "group-petition", Command.CONFIRM, "colleague"),
    Asks(State.RETURNED, Command.DISMISS, "duty", "duty-group", Command.DISPATCH, "office"),
)


class Platform:
    platform = "chat"


@dataclass(frozen=True)
class Question:
    """A question that stands in somebody's private chat."""

    who: str
    case_id: int
    message: str


class Siege:
    """A desk with questions open, answered, overtaken and of people who lost their rights, and honest events to replay."""

    def __init__(self, desk: Desk, chance: random.Random) -> None:
        self.desk, self.chance, self.serial, self.brought = desk, chance, 0, 0
        reception = Reception(lambda text: (mask(text).text, mask(text).kinds), lambda: desk.rules)
        counter = Counter(desk.office, desk.ledger, "chat", {}, reception)
        composer = Composer(desk.office, {})
        self.receiver = Receiver(
            desk.store,  # type: ignore[arg-type]
            Platform(),  # type: ignore[arg-type]
            lambda: counter,
            lambda: composer,
            desk.clock,
            lambda: None,
        )
        self.handled: list[tuple[Event, int | None]] = []
        self.used: list[tuple[str, str, str, int]] = []
        self.open = self.asked()
        self.answered = [self.answer(one) for one in self.asked()]
        self.overtaken = self.asked()
        for one, how in zip(self.overtaken, ASKS, strict=True):
            assert isinstance(self.desk.act(one.case_id, how.move, how.by), Done)
        self.lapsed = self.of_a_substitute()
        self.gone = self.of_who_leaves()
        self.register()

    # -- honest people -----------------------------------------------------------------------------------------------

    def happen(self, event: Event) -> list[tuple[str, int | None]]:
        """Let an event arrive under an update of its own; gives the lines that it left in the record."""
        self.serial += 1
        number, now = self.serial, self.desk.clock()

        def work(session: Any) -> list[tuple[str, int | None]]:
            newest = session.scalar(select(func.max(LedgerRow.seq))) or 0
            inbox.store(session, "chat", [{"update_id": number}], now)
            self.receiver._effect(session, number, event, now)
            lines = select(LedgerRow.action, LedgerRow.case_id).where(LedgerRow.seq > newest)
            return [(row.action, row.case_id) for row in session.execute(lines)]

        return self.desk.run(work)

    def press(self, who: str, case_id: int, command: Command, chat: str = "", arg: str = "") -> None:
        shown, where = self.desk.shown(case_id), chat or f"private-{who}"
        token = token_of(Wish(command.value, case_id, shown.version, shown.draft_version, arg))
        event = self.pressed(who, where, token)
        self.happen(event)
        self.handled.append((event, case_id))
        if command is not Command.DRAFT:  # a further draft may always be asked for
            self.used.append((who, where, token, case_id))

    def pressed(self, who: str, where: str, token: str) -> ActionPressed:
        ref = MessageRef(where, f"c{self.serial}")
        return ActionPressed(
            self.sender(who), where, where == f"private-{who}", token, ref, f"p{self.serial}"
        )

    def replied(self, who: str, chat: str, to: str) -> TextReplied:
        here, there = MessageRef(chat, f"t{self.serial}"), MessageRef(chat, to)
        return TextReplied(self.sender(who), chat, chat.startswith("private-"), WORDS, Body.TEXT, here, there)

    def sender(self, who: str) -> From:
        return From(who, who, f"private-{who}")

    def bring(self, state: State) -> int:
        """Bring a matter of its own to a state."""
        self.brought += 1
        text, at = f"{self.brought}号院停水了，物业不管", self.desk.clock.advance(days=8)
        case_id = self.desk.open(text, published_at=at)
        self.desk.walk(case_id, state)
        return case_id

    def asked(self) -> list[Question]:
        return [self.ask(how.who, self.bring(how.state), how.command, how.chat) for how in ASKS]

    def ask(self, who: str, case_id: int, command: Command, chat: str) -> Question:
        """Press what asks for a text, and let the question arrive under a number."""
        before = len(self.desk.all(AskRow))
        self.press(who, case_id, command, chat)
        row = self.desk.all(AskRow)[-1]
        assert len(self.desk.all(AskRow)) == before + 1
        self.desk.run(lambda s: asks.sent_as(s, row.id, f"q{row.id}"))
        return Question(who, case_id, f"q{row.id}")

    def answer(self, question: Question) -> Question:
        event = self.replied(question.who, f"private-{question.who}", question.message)
        assert all(action != "refused" for action, _ in self.happen(event)), question
        self.handled.append((event, question.case_id))
        return question

    def of_a_substitute(self) -> list[Question]:
        """Give the question of a reserve whose time is over."""
        case_id = self.bring(State.IN_REVIEW)
        decide(self.desk, ask(self.desk, start=self.desk.clock(), length=HOUR))
        found = self.ask("office", case_id, Command.REDO, "")
        self.desk.clock.advance(2 * HOUR)
        return [found]

    def of_who_leaves(self) -> list[Question]:
        """Give the question of a colleague who was sent away since."""
        case_id = self.bring(State.TO_SIGN)
        found = self.ask("colleague", case_id, Command.RETURN, "group-petition")
        gone = self.desk.staff["colleague"].person_id
        self.desk.run(
            lambda s: people.revoke(s, self.desk.ledger, person_id=gone, by="陈管理", now=self.desk.clock())
        )
        return [found]

    def register(self) -> None:
        """Register a matter by hand, which under another update must not be registered again."""
        ref = MessageRef("private-duty", f"t{self.serial}")
        event = CommandGiven(
            self.sender("duty"), "private-duty", True, "new", "西山小区南门的路灯坏了半个月没人管", ref
        )
        assert any(action == "open" for action, _ in self.happen(event))
        self.handled.append((event, None))

    # -- hostile ones -------------------------------------------------------------------------------------------------

    def kinds(self) -> dict[str, Callable[[], tuple[Event, int | None]]]:
        return {
            "another person": self.another_person,
            "nobody": self.nobody,
            "another chat": self.another_chat,
            "overtaken": lambda: self.own(self.overtaken),
            "twice": lambda: self.own(self.answered),
            "right is over": lambda: self.own(self.lapsed),
            "sent away": lambda: self.own(self.gone),
            "used token": self.used_token,
            "replayed update": self.replayed,
        }

    def own(self, questions: list[Question]) -> tuple[Event, int | None]:
        one = self.chance.choice(questions)
        return self.replied(one.who, f"private-{one.who}", one.message), one.case_id

    def another_person(self) -> tuple[Event, int | None]:
        """A reply that claims to stand in the private chat of who was asked."""
        one = self.chance.choice(self.open)
        who = self.chance.choice(
            [k for k in ("writer", "admin", "chief", "caller", "office") if k != one.who]
        )
        return replace(self.replied(who, f"private-{one.who}", one.message), is_private=True), one.case_id

    def nobody(self) -> tuple[Event, int | None]:
        one = self.chance.choice(self.open)
        who = self.chance.choice(("nobody", "revoked"))
        return self.replied(who, f"private-{one.who}", one.message), one.case_id

    def another_chat(self) -> tuple[Event, int | None]:
        one = self.chance.choice(self.open)
        chat = self.chance.choice(("duty-group", "group-petition", "group-network", "somewhere-else"))
        return self.replied(one.who, chat, one.message), one.case_id

    def used_token(self) -> tuple[Event, int | None]:
        """A button whose press counted: what it asked for came, or the matter moved on."""
        spent = {one.case_id for one in (*self.answered, *self.overtaken)}
        who, where, token, case_id = self.chance.choice([one for one in self.used if one[3] in spent])
        return self.pressed(who, where, token), case_id

    def replayed(self) -> tuple[Event, int | None]:
        return self.chance.choice(self.handled)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_of_hostile_replies_and_replays_none_is_accepted_and_each_is_in_the_record(besieged):
    desk = besieged
    siege = Siege(desk, random.Random(SEED))
    before = facts(desk)
    kinds = list(siege.kinds().items())
    tally = Counted[str]()
    problems = []
    for number in range(PRESSES):
        kind, draw = kinds[number % len(kinds)]
        event, case_id = draw()
        lines = siege.happen(event)
        if [action for action, _ in lines] != ["refused"] or lines[0][1] != case_id:
            problems.append((kind, event, lines))
        tally[kind] += 1
    assert not problems, problems[:5]
    assert facts(desk) == before
    assert min(tally.values()) >= PRESSES // len(kinds)
    assert desk.run(desk.ledger.verify).broken is None

"""Who hears of a move, and who does not: cards for those whose move it is, reasons for one person each."""

import pytest
from builders import Desk, item, join
from sqlalchemy import select

from routing import outbox
from routing.office import Level, Role
from routing.store.tables import OutboxRow, Sending
from routing.workflow import Command, State

SECRET = "涉及未公开的应急预案"


@pytest.fixture
def case_id(desk: Desk) -> int:
    return desk.open()


def sent(desk: Desk) -> None:
    """Let everything that is queued arrive."""

    def work(session) -> None:
        for message in outbox.due(session, desk.clock(), limit=1_000):
            claimed = outbox.claim(session, message.id, desk.clock())
            outbox.record_sent(
                session, claimed, chat=message.chat, sent_as=f"m{message.id}", now=desk.clock()
            )

    desk.run(work)


def news(desk: Desk) -> list[tuple[str, str]]:
    """What waits to be sent: (chat, card or template); an update of a card is written `edit:card`."""
    rows = desk.all(OutboxRow, OutboxRow.state == Sending.PENDING)
    return sorted(
        (
            row.chat,
            ("edit:" if row.kind == "edit" else "") + (row.payload.get("card") or row.payload["template"]),
        )
        for row in rows
    )


def after(desk: Desk, state: State, command: Command, **more) -> list[tuple[str, str]]:
    """Everything that one move of a matter in `state` makes people hear."""
    case_id = desk.at(state)
    sent(desk)
    desk.act(case_id, command, **more)
    return news(desk)


DUTY_EDIT, SLIP_EDIT = ("duty-group", "edit:duty"), ("group-petition", "edit:channel")
COPY_EDIT = ("group-network", "edit:unit")  # the copied unit has not signed


@pytest.mark.parametrize(
    ("state", "command", "expected"),
    [
        (State.JUDGING, Command.WATCH, [DUTY_EDIT]),
        (State.JUDGING, Command.DISMISS, [DUTY_EDIT]),
        (
            State.JUDGING,
            Command.DISPATCH,
            [DUTY_EDIT, ("group-network", "unit"), ("group-petition", "channel")],
        ),
        (State.TO_SIGN, Command.SIGN, [DUTY_EDIT, COPY_EDIT, SLIP_EDIT]),
        (
            State.TO_SIGN,
            Command.RETURN,
            [DUTY_EDIT, ("duty-group", "returned"), COPY_EDIT, SLIP_EDIT, ("private-duty", "returned_why")],
        ),
        (State.HANDLING, Command.DRAFT, [DUTY_EDIT, COPY_EDIT, SLIP_EDIT, ("private-reviewer", "review")]),
        (
            State.IN_REVIEW,
            Command.PASS,
            [
                DUTY_EDIT,
                COPY_EDIT,
                SLIP_EDIT,
                ("private-reviewer", "edit:review"),
                ("private-secrecy", "secrecy"),
            ],
        ),
        (
            State.IN_REVIEW,
            Command.REDO,
            [
                DUTY_EDIT,
                COPY_EDIT,
                SLIP_EDIT,
                ("group-petition", "redo"),
                ("private-contact", "redo_why"),
                ("private-reviewer", "edit:review"),
            ],
        ),
    ],
)
def test_a_move_is_heard_by_those_it_concerns_and_by_nobody_else(desk, state, command, expected):
    assert after(desk, state, command) == expected


def test_both_leaders_are_asked_for_approval_and_the_slip_comes_anew_when_it_is_given(desk):
    heard = after(desk, State.IN_SECRECY, Command.CLEAR)
    assert ("private-leader", "approve") in heard
    assert ("private-second_leader", "approve") in heard
    sent(desk)
    [case] = {row.case_id for row in desk.all(OutboxRow) if row.case_id}
    desk.act(case, Command.APPROVE)
    heard = news(desk)
    assert ("group-petition", "channel") in heard
    assert ("private-second_leader", "edit:approve") in heard  # his card says that it is decided


def test_the_answer_is_told_to_the_duty_group_with_its_link(desk):
    heard = after(desk, State.TO_RELEASE, Command.CONFIRM)
    assert ("duty-group", "answered") in heard
    [row] = [r for r in desk.all(OutboxRow) if r.payload.get("template") == "answered"]
    assert row.payload["link"] == "https://gov.example/answer/1"


def test_a_card_of_a_grave_matter_goes_before_all_others(desk, case_id):
    desk.act(case_id, Command.SET_LEVEL, level=Level.II)
    desk.act(case_id, Command.DISPATCH)
    [slip] = [r for r in desk.all(OutboxRow) if r.payload.get("card") == "channel"]
    assert slip.priority == 0


def test_a_matter_that_comes_back_to_a_channel_is_a_new_card(desk, case_id):
    for _ in range(2):
        desk.act(case_id, Command.DISPATCH)
        desk.act(case_id, Command.RETURN)
    slips = [r for r in desk.all(OutboxRow) if r.kind == "card" and r.payload.get("card") == "channel"]
    assert len(slips) == 2


def test_a_draft_is_asked_for_once_a_person_and_version(desk, case_id):
    desk.walk(case_id, State.IN_REVIEW)
    for _ in range(2):
        desk.act(case_id, Command.SET_LEVEL)
    desk.act(case_id, Command.DRAFT, text="第二稿")
    cards = [r.payload["draft_version"] for r in desk.all(OutboxRow) if r.payload.get("card") == "review"]
    assert sorted(set(cards)) == [1, 2]
    asked = [r for r in desk.all(OutboxRow, OutboxRow.kind == "card") if r.payload["card"] == "review"]
    assert len(asked) == 2


# --- who is left out --------------------------------------------------------------------------------------------


def test_nobody_is_asked_about_his_own_text(empty_desk):
    empty_desk.hire("duty", "secrecy", "leader")
    both = empty_desk.run(lambda s: join(s, "两职", [Role.CONTACT, Role.REVIEWER], ["petition"], ref="both"))
    other = empty_desk.run(lambda s: join(s, "初审", [Role.REVIEWER], ref="other"))
    case_id = empty_desk.open()
    empty_desk.act(case_id, Command.DISPATCH)
    empty_desk.act(case_id, Command.SIGN, both)
    empty_desk.act(case_id, Command.DRAFT, both)
    asked = {chat for chat, what in news(empty_desk) if what == "review"}
    assert asked == {"private-other"}
    assert other.person_id != both.person_id


def test_a_leader_who_reviewed_the_text_is_not_asked_to_approve_it(empty_desk):
    empty_desk.hire("duty", "contact", "secrecy")
    leader = empty_desk.run(lambda s: join(s, "领导兼初审", [Role.LEADER, Role.REVIEWER], ref="boss"))
    case_id = empty_desk.open()
    for command in (Command.DISPATCH, Command.SIGN, Command.DRAFT):
        empty_desk.act(case_id, command)
    empty_desk.act(case_id, Command.PASS, leader)
    empty_desk.act(case_id, Command.CLEAR)
    heard = news(empty_desk)
    assert ("private-boss", "approve") not in heard
    assert ("duty-group", "nobody") in heard  # and somebody is told that the chair is empty


def test_an_empty_chair_is_told_to_the_duty_group(empty_desk):
    empty_desk.hire("duty", "contact")
    empty_desk.at(State.IN_REVIEW)
    assert ("duty-group", "nobody") in news(empty_desk)
    [row] = [r for r in empty_desk.all(OutboxRow) if r.payload.get("template") == "nobody"]
    assert row.payload["role"] == "reviewer"


# --- what may stand where -----------------------------------------------------------------------------------------


def payloads(desk: Desk, chats: set[str] | None = None) -> str:
    rows = desk.run(lambda s: list(s.scalars(select(OutboxRow))))
    return "\n".join(str(r.payload) for r in rows if chats is None or r.chat in chats)


GROUPS = {"duty-group", "group-petition", "group-network", "group-security", "group-office", "operator"}


def test_the_reason_of_a_secrecy_review_is_in_no_message_at_all(desk):
    case_id = desk.at(State.IN_SECRECY)
    desk.act(case_id, Command.WITHHOLD, reason=SECRET, basis="保密法第十条第二项")
    assert SECRET not in payloads(desk)
    assert "第二项" not in payloads(desk)
    assert ("private-contact", "redo_why") in news(desk)


@pytest.mark.parametrize(
    ("state", "command", "reader"),
    [
        (State.TO_SIGN, Command.RETURN, "private-duty"),
        (State.IN_REVIEW, Command.REDO, "private-contact"),
        (State.TO_APPROVE, Command.REFUSE, "private-contact"),
    ],
)
def test_a_reason_is_read_by_one_person_and_by_no_group(desk, state, command, reader):
    case_id = desk.at(state)
    desk.act(case_id, command, reason="数据不准")
    assert "数据不准" in payloads(desk, {reader})
    assert "数据不准" not in payloads(desk, GROUPS)


def test_no_text_of_a_draft_is_in_a_message_row(desk):
    desk.at(State.CLOSED)
    assert "您反映的停水问题" not in payloads(desk)


def test_a_second_text_brings_the_cards_up_to_date_and_says_nothing(desk, case_id):
    sent(desk)
    desk.accept(item("东湖小区今天又停水了，物业不管！"))
    assert news(desk) == [DUTY_EDIT]

"""Cards that should stand and do not come back by themselves, once whoever should read them can be reached."""

from dataclasses import replace
from datetime import time

import pytest
from builders import HOUR, MINUTE, Desk, join

from routing import announce, chats, outbox, people
from routing.office import Level, Role
from routing.outbox import SILENT
from routing.reconcile import missing_cards
from routing.store.tables import OutboxRow, Sending
from routing.workflow import Command, State


def look(desk: Desk) -> int:
    return desk.run(lambda s: missing_cards(s, desk.office, desk.clock()))


def deliver(desk: Desk, *refusing: str, forever: bool = False) -> None:
    """Send what is due; the chats in `refusing` take nothing, and are noted as closed unless it is `forever`."""

    def work(session) -> None:
        now = desk.clock()
        for message in outbox.due(session, now, limit=1_000):
            claimed = outbox.claim(session, message.id, now)
            if claimed is None:
                continue
            if claimed.chat not in refusing:
                outbox.record_sent(session, claimed, chat=claimed.chat, sent_as=f"m{claimed.id}", now=now)
                chats.opened(session, claimed.chat)
                continue
            outbox.record_dead(session, claimed, "forbidden")
            if not forever:
                chats.closed(session, claimed.chat, "forbidden", now)

    desk.run(work)


def open_chat(desk: Desk, chat: str) -> None:
    desk.run(lambda s: chats.opened(s, chat))


def waiting(desk: Desk) -> list[tuple[str, str]]:
    rows = desk.all(OutboxRow, OutboxRow.state == Sending.PENDING, OutboxRow.kind == "card")
    return sorted((row.chat, row.payload.get("card", "invite")) for row in rows)


def test_a_card_that_makes_no_sound_at_night_is_known_again_and_tried_ever_more_rarely(desk):
    desk.office = replace(desk.office, night=(time(0), time(23, 59)))
    desk.open()
    assert (len(waiting(desk)), look(desk)) == (1, 0)
    deliver(desk, "duty-group", forever=True)
    looks = []
    for _ in range(6):
        desk.clock.advance(MINUTE)
        looks.append(look(desk))
        deliver(desk, "duty-group", forever=True)
    assert looks == [1, 0, 1, 0, 0, 0]


RESTING = [
    State.JUDGING,
    State.WATCHING,
    State.TO_SIGN,
    State.RETURNED,
    State.HANDLING,
    State.IN_REVIEW,
    State.IN_SECRECY,
    State.WITH_SUPERIOR,
    State.TO_APPROVE,
    State.TO_RELEASE,
    State.CLOSED,
    State.DISMISSED,
]


@pytest.mark.parametrize("state", RESTING)
def test_nothing_is_missing_where_every_message_arrived(desk, state):
    desk.at(state)
    assert look(desk) == 0  # what waits to be sent is not missing
    deliver(desk)
    desk.clock.advance(9 * HOUR)
    assert look(desk) == 0


DUTY, SLIP = ("duty-group", "duty"), ("group-petition", "channel")
COPY = ("group-network", "unit")


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        (State.JUDGING, [DUTY]),
        (State.WATCHING, [DUTY]),
        (State.TO_SIGN, [DUTY, SLIP, COPY]),
        (State.RETURNED, [DUTY]),
        (State.HANDLING, [DUTY, SLIP, COPY]),
        (State.IN_REVIEW, [DUTY, SLIP, COPY, ("private-reviewer", "review")]),
        (State.IN_SECRECY, [DUTY, SLIP, COPY, ("private-secrecy", "secrecy")]),
        (State.WITH_SUPERIOR, [DUTY, SLIP, COPY, ("private-secrecy", "secrecy")]),
        (
            State.TO_APPROVE,
            [DUTY, SLIP, COPY, ("private-leader", "approve"), ("private-second_leader", "approve")],
        ),
        (State.TO_RELEASE, [DUTY, SLIP, COPY]),
        (State.CLOSED, []),
        (State.DISMISSED, []),
    ],
)
def test_the_cards_that_a_state_needs_come_again_when_their_chats_open(desk, state, wanted):
    desk.at(state)
    everywhere = {row.chat for row in desk.all(OutboxRow)}
    deliver(desk, *everywhere)
    desk.clock.advance(MINUTE)
    assert look(desk) == 0  # closed chats are left alone
    for chat in everywhere:
        open_chat(desk, chat)
    desk.clock.advance(HOUR)
    assert look(desk) == len(wanted)
    assert waiting(desk) == sorted(wanted)
    assert look(desk) == 0
    deliver(desk)
    desk.clock.advance(HOUR)
    assert look(desk) == 0


def test_a_duty_card_past_its_validity_comes_again(desk):
    desk.open()
    desk.clock.advance(announce.ALERT_LIFE + MINUTE)
    deliver(desk)
    assert desk.all(OutboxRow, OutboxRow.state == Sending.SENT) == []
    assert look(desk) == 1
    deliver(desk)
    [sent] = desk.all(OutboxRow, OutboxRow.state == Sending.SENT)
    assert sent.payload["card"] == "duty"


NIGHT = (time(0), time(23, 59))


@pytest.mark.parametrize(
    ("text", "hours", "silent"),
    [
        ("东湖小区停水", {"night": NIGHT}, True),
        ("东湖小区停水", {"quiet": {Level.IV: NIGHT}}, True),
        ("东湖小区旁边塌方了", {"night": NIGHT}, False),
        ("东湖小区停水", {}, False),
    ],
    ids=["night", "quiet", "grave", "day"],
)
def test_a_duty_card_that_comes_again_at_night_rings_only_where_a_new_one_would(desk, text, hours, silent):
    case_id = desk.open(text)
    desk.clock.advance(announce.ALERT_LIFE + MINUTE)
    deliver(desk)
    desk.office = replace(desk.office, **hours)
    assert look(desk) == 1
    [again] = desk.all(OutboxRow, OutboxRow.state == Sending.PENDING)
    assert (again.next_attempt_at, SILENT in again.payload) == (desk.clock(), silent)
    deliver(desk)
    desk.run(lambda s: announce.post_again(s, desk.office, case_id, "duty-group", "again:1", desk.clock()))
    [asked] = desk.all(OutboxRow, OutboxRow.dedupe_key == "again:1:duty")
    assert (asked.next_attempt_at, SILENT in asked.payload) == (desk.clock(), silent)


def test_a_card_that_dies_each_time_is_tried_ever_more_rarely(desk):
    desk.open()
    tries = 0
    for _ in range(4 * 60):
        deliver(desk, "duty-group", forever=True)
        desk.clock.advance(MINUTE)
        tries += look(desk)
    assert 6 <= tries <= 9


def test_who_comes_after_the_draft_gets_its_card_and_is_known_to_have_been_asked(empty_desk):
    empty_desk.hire("duty", "contact", "admin")
    case_id = empty_desk.at(State.IN_REVIEW)
    deliver(empty_desk)
    assert any(r.payload.get("template") == "nobody" for r in empty_desk.all(OutboxRow))
    late = empty_desk.run(lambda s: join(s, "后来的初审人", [Role.REVIEWER], ref="late"))
    assert look(empty_desk) == 1
    assert waiting(empty_desk) == [("private-late", "review")]
    assert empty_desk.run(lambda s: announce.was_asked(s, case_id, "review", 1, late.person_id))


def test_an_empty_chair_is_told_once_when_the_last_one_leaves(desk):
    desk.at(State.IN_REVIEW)
    deliver(desk)
    reviewer = desk.staff["reviewer"].person_id
    desk.run(lambda s: people.revoke(s, desk.ledger, person_id=reviewer, by="命令行", now=desk.clock()))
    for _ in range(2):
        look(desk)
    told = [row for row in desk.all(OutboxRow) if row.payload.get("template") == "nobody"]
    assert [(row.chat, row.payload["role"]) for row in told] == [("duty-group", "reviewer")]


def test_who_drafted_is_not_asked_to_decide_when_cards_come_again(desk):
    both = desk.run(lambda s: join(s, "多面手", [Role.CONTACT, Role.REVIEWER], ["petition"], ref="many"))
    desk.walk(case_id := desk.open(), State.HANDLING)
    desk.act(case_id, Command.DRAFT, both)
    deliver(desk)
    assert look(desk) == 0
    assert not [row for row in desk.all(OutboxRow) if row.chat == "private-many"]


def test_a_used_invitation_reaches_an_administrator_who_pressed_start_later(desk):
    code = desk.run(
        lambda s: people.invite(
            s, desk.ledger, name="新人", roles=[Role.DUTY], channels=[], by="命令行", now=desk.clock()
        )
    )
    account = people.Account("chat", "9001", "9001")
    _, waits = desk.run(
        lambda s: people.claim(
            s, desk.ledger, code=code, account=account, shown_name="小新", now=desk.clock()
        )
    )
    for card in desk.run(lambda s: announce.invite_cards(s, waits.id)):
        desk.run(lambda s, c=card: announce.post(s, c, desk.clock()))
    deliver(desk, "private-admin")
    desk.clock.advance(MINUTE)
    assert look(desk) == 0
    open_chat(desk, "private-admin")
    assert look(desk) == 1
    assert waiting(desk) == [("private-admin", "invite")]
    deliver(desk)
    desk.clock.advance(HOUR)
    assert look(desk) == 0

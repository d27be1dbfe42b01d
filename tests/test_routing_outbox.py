"""Messages as rows: queued once, claimed by one, taken back from the dead, never dropped without a word."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from builders import HOUR, MINUTE, START
from sqlalchemy import select

from routing import outbox
from routing.outbox import LEASE, MessageKind, Priority
from routing.store.tables import MessageRefRow, OutboxRow, Sending
from routing.workflow import Command


@pytest.fixture
def post(store):
    """Queue a message and give its id."""

    def post(key="k", **more) -> int:
        values = {"chat": "duty-group", "kind": MessageKind.TEXT, "priority": Priority.ALERT, "now": START}

        def work(session) -> int:
            outbox.queue(session, key=key, **(values | more))
            return session.scalars(select(OutboxRow.id).where(OutboxRow.dedupe_key == key)).one()

        return store.run(work)

    return post


def row(store, message_id: int) -> OutboxRow:
    return store.run(lambda s: s.get_one(OutboxRow, message_id))


def claim(store, message_id: int, now=START):
    return store.run(lambda s: outbox.claim(s, message_id, now))


def due(store, now=START, **more) -> list[int]:
    return [message.id for message in store.run(lambda s: outbox.due(s, now, **more))]


# --- queue ------------------------------------------------------------------------------------------------------


def test_a_message_that_is_held_back_is_due_when_its_time_has_come(store, post):
    later = post(not_before=START + HOUR, valid_for=2 * HOUR)
    assert due(store, START + HOUR - MINUTE) == []
    assert due(store, START + HOUR) == [later]
    assert row(store, later).valid_until == START + 2 * HOUR


def test_a_message_that_waits_can_be_hastened_and_one_that_went_cannot(store, post):
    waiting, gone = post("waiting", not_before=START + HOUR), post("gone")
    claim(store, gone)
    for key in ("waiting", "gone", "never queued"):
        store.run(lambda s, key=key: outbox.hasten(s, key, Priority.URGENT, START))
    assert due(store) == [waiting]
    assert row(store, waiting).priority == Priority.URGENT
    assert row(store, gone).priority == Priority.ALERT
    store.run(lambda s: outbox.hasten(s, "waiting", Priority.ALERT, START))  # never the other way
    assert row(store, waiting).priority == Priority.URGENT


def test_a_message_is_queued_once_a_key(store, post):
    first = post("k", payload={"template": "a"})
    again = store.run(
        lambda s: outbox.queue(
            s, key="k", chat="other", kind=MessageKind.TEXT, priority=Priority.URGENT, now=START
        )
    )
    assert again is False
    assert row(store, first).payload == {"template": "a"}
    assert row(store, first).chat == "duty-group"


def test_two_units_that_queue_the_same_at_once_leave_one_row_and_no_error(store):
    together = Barrier(2)

    def work(session, key: str) -> bool:
        return outbox.queue(
            session, key=key, chat="c", kind=MessageKind.TEXT, priority=Priority.ALERT, now=START
        )

    def many(_: int) -> list[bool]:
        answers = []
        for n in range(15):
            together.wait(20)
            answers.append(store.run(lambda s, n=n: work(s, f"k{n}")))
        return answers

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(many, range(2))
    assert [a + b for a, b in zip(first, second, strict=True)] == [1] * 15
    assert len(due(store)) == 15


def test_the_most_pressing_goes_first_then_the_older(store, post):
    late = post("digest", priority=Priority.DIGEST)
    ids = [post(f"alert{n}", priority=Priority.ALERT) for n in range(2)]
    urgent = post("urgent", priority=Priority.URGENT)
    assert due(store) == [urgent, *ids, late]
    assert due(store, limit=2) == [urgent, ids[0]]


def test_chats_that_are_shut_are_left_for_later(store, post):
    here, there = post("a"), post("b", chat="other")
    assert due(store, shut={"duty-group"}) == [there]
    assert due(store) == [here, there]


# --- claim --------------------------------------------------------------------------------------------------------


def test_a_row_is_claimed_once(store, post):
    message_id = post(payload={"template": "a"}, priority=Priority.PERSON)
    message = claim(store, message_id)
    assert (message.kind, message.priority, message.payload) == ("text", Priority.PERSON, {"template": "a"})
    assert (message.attempts, message.uncertain) == (1, False)
    assert claim(store, message_id) is None
    assert due(store) == []


def test_of_two_that_claim_at_once_one_gets_the_row(store, post):
    ids = [post(f"k{n}") for n in range(15)]
    together = Barrier(2)

    def many(_: int) -> list[bool]:
        taken = []
        for message_id in ids:
            together.wait(20)
            taken.append(claim(store, message_id) is not None)
        return taken

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(many, range(2))
    assert [a + b for a, b in zip(first, second, strict=True)] == [1] * len(ids)
    assert {row(store, message_id).attempts for message_id in ids} == {1}


def test_a_message_past_its_validity_is_set_aside_and_never_sent(store, post):
    message_id = post(valid_for=HOUR)
    assert claim(store, message_id, START + HOUR) is not None  # on the dot it still counts
    other = post("other", valid_for=HOUR)
    assert claim(store, other, START + HOUR + MINUTE) is None
    assert row(store, other).state is Sending.EXPIRED


# --- what became of it ------------------------------------------------------------------------------------------


def test_what_arrived_is_not_sent_again(store, post):
    message_id = post()
    message = claim(store, message_id)
    store.run(lambda s: outbox.record_sent(s, message, chat="duty-group", sent_as="17", now=START))
    found = row(store, message_id)
    assert (found.state, found.message, found.sent_at) == (Sending.SENT, "17", START)
    assert due(store, START + HOUR) == []
    assert store.run(lambda s: outbox.recover(s, START + HOUR, at_start=True)) == 0


@pytest.mark.parametrize(("counts", "attempts"), [(True, 1), (False, 0)])
def test_a_row_that_must_wait_comes_back_at_its_time(store, post, counts, attempts):
    message_id = post()
    message = claim(store, message_id)
    at = START + 5 * MINUTE
    store.run(lambda s: outbox.record_retry(s, message, error="429", at=at, uncertain=False, counts=counts))
    assert due(store, at - timedelta(seconds=1)) == []
    assert due(store, at) == [message_id]
    found = row(store, message_id)
    assert (found.attempts, found.uncertain, found.last_error) == (attempts, False, "429")


def test_once_uncertain_a_message_stays_so(store, post):
    message_id = post()
    for uncertain in (True, False):
        message = claim(store, message_id)
        store.run(
            lambda s, m=message, u=uncertain: outbox.record_retry(s, m, error="?", at=START, uncertain=u)
        )
    message = claim(store, message_id)
    assert (message.uncertain, message.attempts) == (True, 3)


@pytest.mark.parametrize(
    ("record", "state"),
    [
        (lambda s, m: outbox.record_dead(s, m, "chat not found"), Sending.DEAD),
        (lambda s, m: outbox.record_skipped(s, m, "says so already"), Sending.SKIPPED),
    ],
)
def test_what_will_not_be_sent_says_why(store, post, record, state):
    message_id = post()
    message = claim(store, message_id)
    store.run(lambda s: record(s, message))
    found = row(store, message_id)
    assert found.state is state
    assert found.last_error
    assert due(store, START + HOUR) == []


def test_a_sender_that_died_gives_its_rows_back_as_uncertain(store, post):
    held, waiting = post("held"), post("waiting")
    claim(store, held)
    assert store.run(lambda s: outbox.recover(s, START, at_start=True)) == 1
    assert (row(store, held).uncertain, row(store, waiting).uncertain) == (True, False)
    assert due(store) == [held, waiting]


def test_while_the_service_runs_only_rows_past_their_lease_are_taken_back(store, post):
    message_id = post()
    claim(store, message_id)
    for now, found in ((START + LEASE, 0), (START + LEASE + timedelta(seconds=1), 1)):
        assert store.run(lambda s, now=now: outbox.recover(s, now, at_start=False)) == found
    assert row(store, message_id).state is Sending.PENDING
    assert claim(store, message_id, START + HOUR).uncertain


# --- cards --------------------------------------------------------------------------------------------------------


def send_card(desk, case_id: int, sent_as: str = "100", card: str = "duty") -> None:
    """Send the card of a case that is queued for the duty group."""

    def work(session):
        rows = outbox.due(session, desk.clock())
        [message] = [m for m in rows if m.case_id == case_id and m.payload.get("card") == card]
        claimed = outbox.claim(session, message.id, desk.clock())
        outbox.record_sent(session, claimed, chat=message.chat, sent_as=sent_as, now=desk.clock())

    desk.run(work)


def edit(desk, case_id: int, card="duty", draft_version=0) -> None:
    desk.run(
        lambda s: outbox.queue_edit(
            s,
            case_id=case_id,
            card=card,
            chat="duty-group",
            draft_version=draft_version,
            now=desk.clock(),
        )
    )


def edits(desk) -> list[OutboxRow]:
    return desk.all(OutboxRow, OutboxRow.kind == "edit")


def test_a_card_that_arrived_is_remembered_and_found_again(desk):
    case_id = desk.open()
    send_card(desk, case_id)
    [ref] = desk.all(MessageRefRow)
    assert (ref.chat, ref.message, ref.case_id, ref.card) == ("duty-group", "100", case_id, "duty")
    found = desk.run(lambda s: outbox.card_at(s, "duty-group", "100"))
    assert (found.case_id, found.card) == (case_id, "duty")
    assert desk.run(lambda s: outbox.card_at(s, "duty-group", "101")) is None
    assert desk.run(lambda s: outbox.newest_card(s, "duty-group", case_id)) == "100"


def test_remembering_the_same_card_twice_is_one_card(desk):
    case_id = desk.open()
    for _ in range(2):
        desk.run(
            lambda s: outbox.remember_card(
                s, chat="c", message="1", case_id=case_id, card="duty", draft_version=0, now=START
            )
        )
    assert len(desk.all(MessageRefRow)) == 1


def test_updates_of_one_card_become_one_as_long_as_it_waits(desk):
    case_id = desk.open()
    send_card(desk, case_id)
    for _ in range(3):
        edit(desk, case_id)
    assert len(edits(desk)) == 1
    desk.run(lambda s: outbox.claim(s, edits(desk)[0].id, START))
    edit(desk, case_id)  # what is being sent may show the old state
    assert len(edits(desk)) == 2


def test_a_card_that_is_still_to_be_sent_needs_no_update(desk):
    case_id = desk.open()
    edit(desk, case_id)
    assert edits(desk) == []


def test_cards_of_two_drafts_are_updated_each(desk):
    case_id = desk.open()
    for draft_version in (1, 2, 1):
        edit(desk, case_id, card="approve", draft_version=draft_version)
    assert [row.payload["draft_version"] for row in edits(desk)] == [1, 2]


def test_a_case_that_moved_updates_the_cards_that_stand(desk):
    case_id = desk.open()
    send_card(desk, case_id)
    desk.act(case_id, Command.SET_LEVEL)
    desk.act(case_id, Command.SET_LEVEL)
    assert [(row.chat, row.payload["card"]) for row in edits(desk)] == [("duty-group", "duty")]


def test_a_card_that_said_its_last_word_is_edited_no_more(desk):
    case_id = desk.open()
    send_card(desk, case_id)
    edit(desk, case_id)
    message = desk.run(lambda s: outbox.claim(s, edits(desk)[0].id, START))
    assert desk.run(lambda s: outbox.standing(s, message)) == ("100",)
    desk.run(lambda s: outbox.finish_card(s, message))
    assert desk.run(lambda s: outbox.standing(s, message)) == ()
    desk.act(case_id, Command.SET_LEVEL)
    assert len(edits(desk)) == 1


def test_a_card_that_was_deleted_from_the_chat_is_sent_anew(desk):
    case_id = desk.open()
    send_card(desk, case_id)
    edit(desk, case_id)
    message = desk.run(lambda s: outbox.claim(s, edits(desk)[0].id, START))
    for _ in range(2):
        desk.run(lambda s: outbox.replace_card(s, message, ["100"], START))
    cards = desk.all(OutboxRow, OutboxRow.kind == "card", OutboxRow.state == Sending.PENDING)
    assert [(row.chat, row.payload["card"]) for row in cards] == [("duty-group", "duty")]
    assert desk.all(MessageRefRow) == []

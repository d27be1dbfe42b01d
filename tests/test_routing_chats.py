"""Chats that move to another id, and chats that take nothing any more."""

from builders import HOUR, START

from routing import chats, outbox
from routing.store.tables import ChatRow


def both_ways(store, ref: str, chat: str) -> tuple[str, str]:
    return store.run(lambda s: (chats.address(s, ref), chats.name_of(s, chat)))


def test_a_chat_that_never_moved_is_where_its_name_says(store):
    assert both_ways(store, "-100", "-100") == ("-100", "-100")


def test_a_chat_keeps_its_name_however_often_it_moves(store):
    for old, new in (("-1", "-1001"), ("-1", "-1001"), ("-1001", "-1002")):
        store.run(lambda s, old=old, new=new: chats.moved(s, old, new))
    assert both_ways(store, "-1", "-1002") == ("-1002", "-1")
    assert store.run(lambda s: s.query(ChatRow).count()) == 1


def test_other_chats_stay_where_they_are(store):
    store.run(lambda s: chats.moved(s, "-1", "-1001"))
    assert both_ways(store, "-2", "-2") == ("-2", "-2")


def test_a_closed_chat_is_news_once_until_it_takes_a_message_again(store):
    def close(problem: str, now) -> bool:
        return store.run(lambda s: chats.closed(s, "-1", problem, now))

    assert close("bot was kicked", START) is True
    assert close("bot was kicked again", START + HOUR) is False
    row = store.run(lambda s: s.get_one(ChatRow, "-1"))
    assert (row.closed_at, row.problem) == (START, "bot was kicked again")
    store.run(lambda s: chats.opened(s, "-1"))
    row = store.run(lambda s: s.get_one(ChatRow, "-1"))
    assert (row.closed_at, row.problem) == (None, None)
    assert close("once more", START) is True


def test_a_message_to_a_chat_never_closed_notes_nothing(store):
    store.run(lambda s: chats.opened(s, "-1"))
    assert store.run(lambda s: s.get(ChatRow, "-1")) is None


def test_a_chat_that_moved_and_closed_keeps_both(store):
    store.run(lambda s: chats.closed(s, "-1", "forbidden", START))
    store.run(lambda s: chats.moved(s, "-1", "-1001"))
    row = store.run(lambda s: s.get_one(ChatRow, "-1"))
    assert (row.moved_to, row.closed_at) == ("-1001", START)


def test_numbers_of_messages_from_before_a_move_name_no_card_any_more(desk):
    case_id = desk.open()
    stand = {"chat": "duty-group", "case_id": case_id, "card": "duty", "draft_version": 0, "now": START}
    desk.run(lambda s: outbox.remember_card(s, message="7", **stand))
    for _ in range(2):
        desk.run(lambda s: chats.moved(s, "duty-group", "-1001"))
    assert desk.run(lambda s: outbox.card_at(s, "duty-group", "7")) is None
    desk.run(lambda s: outbox.remember_card(s, message="7", **stand))  # the supergroup counts anew
    desk.run(lambda s: chats.moved(s, "duty-group", "-1001"))
    assert desk.run(lambda s: outbox.card_at(s, "duty-group", "7")).case_id == case_id

"""Updates as rows: each stored once, done once, and done together with its effect or not at all."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from builders import HOUR, START
from sqlalchemy import select

from routing import inbox
from routing.outbox import MessageKind, Priority, queue
from routing.store.tables import InboxRow, OutboxRow


def update(number: int) -> dict:
    return {"update_id": number, "message": {"text": f"第{number}条", "from": {"first_name": "张三"}}}


def keep(store, *numbers: int, platform="chat") -> int:
    return store.run(lambda s: inbox.store(s, platform, [update(n) for n in numbers], START))


def waiting(store, platform="chat") -> list[int]:
    return [number for number, _, _ in store.run(lambda s: inbox.waiting(s, platform))]


def row(store, number: int) -> InboxRow:
    return store.run(lambda s: s.get_one(InboxRow, ("chat", number)))


def finish(store, number: int, problem: str | None = None) -> bool:
    return store.run(lambda s: inbox.finish(s, "chat", number, START + HOUR, problem))


def test_the_same_update_twice_is_stored_once(store):
    assert keep(store, 5, 6) == 2
    assert keep(store, 6, 7, 7) == 1
    assert waiting(store) == [5, 6, 7]


def test_updates_wait_in_order_with_what_they_said(store):
    keep(store, 9, 3)
    [first, second] = store.run(lambda s: inbox.waiting(s, "chat"))
    assert first == (3, update(3), START)
    assert second[0] == 9
    assert [n for n, _, _ in store.run(lambda s: inbox.waiting(s, "chat", limit=1))] == [3]


def test_two_platforms_may_use_the_same_numbers(store):
    keep(store, 3)
    keep(store, 3, platform="other")
    finish(store, 3)
    assert (waiting(store), waiting(store, "other")) == ([], [3])


def test_an_update_is_done_once_and_what_it_said_is_let_go(store):
    keep(store, 3)
    assert finish(store, 3) is True
    assert finish(store, 3) is False
    assert waiting(store) == []
    assert (row(store, 3).raw, row(store, 3).done_at) == ({}, START + HOUR)


def test_an_update_that_could_not_be_handled_keeps_its_form_for_the_operator(store):
    keep(store, 3)
    finish(store, 3, "KeyError")
    assert (row(store, 3).raw, row(store, 3).problem) == (update(3), "KeyError")
    assert waiting(store) == []


def test_there_is_nothing_to_finish_of_an_update_never_seen(store):
    assert finish(store, 3) is False


def handle(session, number: int, *, fail: bool = False) -> bool:
    """An effect and the mark that it was done, as the handlers of updates do."""
    if not inbox.finish(session, "chat", number, START):
        return False
    queue(session, key=f"{number}", chat="c", kind=MessageKind.TEXT, priority=Priority.PERSON, now=START)
    if fail:
        raise LookupError
    return True


def test_effect_and_mark_are_kept_together_or_neither(store):
    keep(store, 3)
    with pytest.raises(LookupError):
        store.run(lambda s: handle(s, 3, fail=True))
    assert waiting(store) == [3]
    assert row(store, 3).raw == update(3)
    assert store.run(lambda s: list(s.scalars(select(OutboxRow)))) == []
    assert store.run(lambda s: handle(s, 3)) is True
    assert waiting(store) == []
    assert len(store.run(lambda s: list(s.scalars(select(OutboxRow))))) == 1


def test_of_two_that_handle_an_update_at_once_one_has_the_effect(store):
    numbers = list(range(1, 11))
    keep(store, *numbers)
    together = Barrier(2)

    def many(_: int) -> list[bool]:
        done = []
        for number in numbers:
            together.wait(20)
            done.append(store.run(lambda s, n=number: handle(s, n)))
        return done

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(many, range(2))
    assert [a + b for a, b in zip(first, second, strict=True)] == [1] * len(numbers)

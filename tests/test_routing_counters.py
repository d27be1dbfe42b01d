"""Numbers without a gap: from four threads at once, and after transactions that were rolled back."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from routing.counters import head_of


class Changed(Exception):
    """The unit of work thought better of it."""


def take(store, name="case", *, fail=False) -> int:
    def work(session) -> int:
        number = head_of(session, name)
        if fail:
            raise Changed(number)
        return number

    return store.run(work)


def test_numbers_begin_at_one_and_each_name_has_its_own(store):
    assert [take(store), take(store), take(store, "ledger"), take(store)] == [1, 2, 1, 3]


def test_looking_takes_nothing(store):
    look = [store.run(lambda s: head_of(s, "case", take=False)) for _ in range(2)]
    assert look == [0, 0]
    take(store)
    assert store.run(lambda s: head_of(s, "case", take=False)) == 1


def test_a_transaction_that_is_rolled_back_gives_its_number_back(store):
    take(store)
    with pytest.raises(Changed, match="2"):
        take(store, fail=True)
    assert take(store) == 2


def test_four_threads_take_every_number_once_though_some_of_them_fail(store):
    def many(thread: int) -> list[int]:
        taken = []
        for turn in range(20):
            try:
                taken.append(take(store, fail=(turn + thread) % 5 == 0))
            except Changed:
                continue
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [number for numbers in pool.map(many, range(4)) for number in numbers]
    assert sorted(taken) == list(range(1, 65))

"""What one process holds another does not get, until it is given back or the process is gone."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from routing.store.engine import Store
from routing.store.holds import Holds


@pytest.fixture
def other(store_url: str) -> Iterator[Holds]:
    """Holds of another process on the same database."""
    second = Store(store_url)
    holds = Holds(second)
    yield holds
    holds.close()
    second.close()


@pytest.fixture
def holds(store: Store) -> Iterator[Holds]:
    made = Holds(store)
    yield made
    made.close()


def test_who_takes_a_name_holds_it_and_may_take_it_again(holds: Holds) -> None:
    assert holds.take(["a", "b", "a"]) == {"a", "b"}
    assert holds.take(["b", "c"]) == {"b", "c"}
    assert holds.take([]) == frozenset()
    holds.give_back(["b", "b", "never held"])
    holds.give_back(["b"])


@pytest.mark.parametrize("backend", ["postgresql"])
class TestShared:
    def test_another_gets_only_what_is_free(self, holds: Holds, other: Holds) -> None:
        holds.take(["a", "b"])
        assert other.take(["a", "b", "c"]) == {"c"}
        assert holds.take(["a", "c"]) == {"a"}

    def test_what_is_given_back_is_free_though_it_was_taken_twice(self, holds: Holds, other: Holds) -> None:
        holds.take(["a", "b"])
        holds.take(["a"])
        holds.give_back(["a"])
        assert other.take(["a", "b"]) == {"a"}

    def test_closed_it_holds_nothing_and_can_take_again(self, holds: Holds, other: Holds) -> None:
        holds.take(["a"])
        holds.close()
        holds.close()
        assert other.take(["a"]) == {"a"}
        assert holds.take(["a", "b"]) == {"b"}

    def test_a_connection_that_broke_lets_go_and_a_new_one_is_made(
        self, holds: Holds, other: Holds, store: Store
    ) -> None:
        holds.take(["a"])
        end = (
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE datname = current_database() AND locktype = 'advisory' AND granted"
        )
        store.run(lambda s: s.execute(text(end)).all())
        assert other.take(["a"]) == {"a"}
        holds.give_back(["a"])
        assert holds.take(["a", "b"]) == {"b"}


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_file_has_one_process_and_that_has_everything(holds: Holds, backend: str) -> None:
    assert not holds.is_shared

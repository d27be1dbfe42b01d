"""Whole numbers are found where they stand, and no other number is."""

import numpy as np
import pytest

from routing.number_index import NumberIndex


@pytest.mark.parametrize("size", [0, 1, 2, 3, 50, 60_000])
def test_a_number_is_found_at_its_place_and_no_other_is(size: int) -> None:
    chance = np.random.default_rng(size)
    both = np.unique(chance.integers(0, 2**63, 3 * size + 9, dtype=np.uint64))
    chance.shuffle(both)
    numbers, others = both[:size], both[size:]
    index = NumberIndex(numbers)
    assert index.places(numbers).tolist() == list(range(size))
    assert index.known(numbers).tolist() == list(range(size))
    assert set(index.places(others).tolist()) == {-1}
    assert not len(index.known(others))
    asked = np.concatenate((others[:5], numbers[:2][::-1], others[5:], numbers[:2]))
    first = list(range(min(size, 2)))
    assert index.known(asked).tolist() == [*reversed(first), *first]


def test_numbers_that_follow_each_other_and_the_ends_are_found() -> None:
    numbers = np.concatenate((np.arange(5_000), [2**63 - 1])).astype(np.uint64)
    index = NumberIndex(numbers)
    assert index.places(numbers).tolist() == list(range(5_001))
    assert index.places(numbers[-1:] - np.uint64(1)).tolist() == [-1]

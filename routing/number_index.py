"""Where each of many whole numbers stands in a list that does not change: found at one look, whatever their number. Pure.

A search in a sorted list takes some seventeen steps a number, each at another place of the memory and each waiting for the
one before. Here a number is hashed twice: once to find its bucket, whose displacement was chosen so that the second hash
puts no two numbers at one place (hash and displace). A text of 140 letters asks for four hundred of them.
"""

import math
from itertools import count

import numpy as np
from numpy.typing import NDArray

Wanted = NDArray[np.uint64]
"""Whole numbers below 2 ** 63."""

_first, _second, _apart = np.array(
    [0x9E3779B97F4A7C15, 0xFF51AFD7ED558CCD, 0xC2B2AE3D27D4EB4F], dtype=np.uint64
)
_in_a_bucket = 3
_fullest = 0.75
_nobody = np.iinfo(np.uint64).max


class NumberIndex:
    """The places of whole numbers, each there once, in the order given; safe to share between threads."""

    def __init__(self, numbers: Wanted) -> None:
        bits = _bits_for(len(numbers) / _fullest)
        bucket_bits = _bits_for(len(numbers) / _in_a_bucket)
        self._to_slot = np.uint64(64 - bits)
        self._to_bucket = np.uint64(64 - bucket_bits)
        self._moved = np.zeros(1 << bucket_bits, dtype=np.uint64)
        slots = self._fill(numbers * _first, 1 << bits)
        self._numbers = np.full(1 << bits, _nobody, dtype=np.uint64)
        self._numbers[slots] = numbers
        self._places = np.zeros(1 << bits, dtype=np.int32)
        self._places[slots] = np.arange(len(numbers))

    def known(self, wanted: Wanted) -> NDArray[np.int32]:
        """Give the places of those that are there, in the order asked."""
        slots = self._slots(wanted * _first)
        places: NDArray[np.int32] = self._places.take(slots[self._numbers.take(slots) == wanted])
        return places

    def places(self, wanted: Wanted) -> NDArray[np.int32]:
        """Give the place of each, -1 for one that is not there."""
        slots = self._slots(wanted * _first)
        places = self._places.take(slots)
        places[self._numbers.take(slots) != wanted] = -1
        return places

    def _slots(self, mixed: Wanted) -> NDArray[np.int64]:
        moved = self._moved.take((mixed >> self._to_bucket).view(np.int64))
        np.bitwise_xor(moved, mixed, out=moved)
        np.multiply(moved, _second, out=moved)
        np.right_shift(moved, self._to_slot, out=moved)
        return moved.view(np.int64)

    def _fill(self, mixed: Wanted, size: int) -> NDArray[np.int64]:
        """Choose the displacements, of the fullest buckets first, and give the slot of each number."""
        buckets = (mixed >> self._to_bucket).view(np.int64)
        sizes = np.bincount(buckets, minlength=len(self._moved))
        order = buckets.argsort(kind="stable")
        starts = sizes.cumsum() - sizes
        is_taken = np.zeros(size, dtype=bool)
        for held in range(int(sizes.max()), 0, -1):
            waiting = np.flatnonzero(sizes == held)
            for step in count():
                if not len(waiting):
                    break
                # As an array, for numpy warns of a single number that overflows.
                self._moved[waiting] = np.array([step], dtype=np.uint64) * _apart
                slots = self._slots(mixed[order[starts[waiting, None] + np.arange(held)]])
                settled = _settled(slots, is_taken)
                is_taken[slots[settled].ravel()] = True
                waiting = waiting[~settled]
        return self._slots(mixed)


def _settled(slots: NDArray[np.int64], is_taken: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say which rows may have their slots: none taken, none twice, and of rows that want the same one the first."""
    free = np.logical_not(is_taken[slots].any(axis=1))
    wanted = np.where(free[:, None], slots, -1 - np.arange(slots.size).reshape(slots.shape))
    _, first = np.unique(wanted, return_index=True)
    is_first = np.zeros(slots.size, dtype=bool)
    is_first[first] = True
    settled: NDArray[np.bool_] = free & is_first.reshape(slots.shape).all(axis=1)
    return settled


def _bits_for(most: float) -> int:
    return max(1, math.ceil(math.log2(max(most, 2))))

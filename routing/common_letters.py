"""What ordinary texts of this field say: how often pairs of letters stand in them, and of which subject each speaks.

Counted once in the starter set; no text of an office is in it. Pure but for that reading.
"""

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from routing import starter
from routing.normal import normal

# A pair speaks for the few subjects that it stands in more often than elsewhere; once heard it says nothing yet.
_most_subjects, _least_heard = 3, 2
_smooth = 1.0
_sharpness = 4.0
# Whole numbers, for their sum is the same in whatever order a set gives them.
_unit = 1_000


@cache
def common_pairs() -> tuple[int, Mapping[str, int]]:
    """Give the number of ordinary texts, and in how many of them each pair of letters stands."""
    counted = Counter(pair for _, pairs in _texts() for pair in pairs)
    return len(_texts()), MappingProxyType(counted)


def subject_shares(pairs: Collection[str]) -> Sequence[float]:
    """Give how much a text speaks of each subject area by its pairs of letters, as a vector of length 1."""
    row_of, weights = _table()
    # Of some hundred pairs none weighs more than ten thousand.
    rows = [row for row in map(row_of.get, pairs) if row is not None]
    sums = np.add.reduce(weights.take(rows, axis=0), dtype=np.int32).tolist()
    sharpness = _sharpness / (_unit * math.sqrt(len(pairs) or 1))
    top = max(sums)
    shares = [math.exp(sharpness * (share - top)) for share in sums]
    length = math.sqrt(math.fsum(share * share for share in shares))
    # An array is one object where a tuple is one a number, and every text of the window has one.
    return array("f", [share / length for share in shares])


@cache
def _table() -> tuple[Mapping[str, int], NDArray[np.int32]]:
    """Give the row of each pair that speaks, and the rows: a weight for each subject."""
    speaks = _speaks()
    weights = np.zeros((len(speaks), len(starter.SUBJECTS)), dtype=np.int32)
    for row, chosen in enumerate(speaks.values()):
        for place, weight in chosen:
            weights[row, place] = weight
    return {pair: row for row, pair in enumerate(speaks)}, weights


@cache
def _speaks() -> Mapping[str, tuple[tuple[int, int], ...]]:
    """Give for a pair the subjects that it speaks for, each with its weight: how much likelier it is there."""
    texts, counted = common_pairs()
    of_subject = Counter(subject for subject, _ in _texts())
    heard: dict[str, Counter[str]] = defaultdict(Counter)
    for subject, pairs in _texts():
        for pair in pairs:
            heard[pair][subject] += 1
    return {
        pair: _chosen(among, counted[pair] / texts, of_subject)
        for pair, among in heard.items()
        if counted[pair] >= _least_heard
    }


def _chosen(
    among: Mapping[str, int], usual: float, of_subject: Mapping[str, int]
) -> tuple[tuple[int, int], ...]:
    weights = []
    for subject, times in among.items():
        here = (times + _smooth * usual * 10) / (of_subject[subject] + _smooth * 10)
        weight = round(_unit * math.log(here / usual))
        if weight > 0:
            weights.append((starter.SUBJECTS.index(subject), weight))
    return tuple(sorted(weights, key=lambda entry: (-entry[1], entry[0]))[:_most_subjects])


@cache
def _texts() -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple((row.subject, _pairs(normal(row.whole))) for row in starter.rows())


def _pairs(text: str) -> frozenset[str]:
    return frozenset(text[at : at + 2] for at in range(len(text) - 1))

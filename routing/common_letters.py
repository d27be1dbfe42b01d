"""What ordinary texts of this field say: how often pairs of letters stand in them, and of which subject each speaks.

Counted once in the starter set; no text of an office is in it. Pure but for that reading.
"""

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from routing import starter
from routing.letter_pairs import Codes, letter_pairs
from routing.normal import normal
from routing.number_index import NumberIndex

# A pair speaks for the few subjects that it stands in more often than elsewhere; once heard it says nothing yet.
_most_subjects, _least_heard = 3, 2
_smooth = 1.0
_sharpness = 4.0
# Whole numbers, for their sum is the same in whatever order a set gives them.
_unit = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Common:
    """How many ordinary texts there are, their pairs of letters, sorted, and in how many of the texts each stands."""

    texts: int
    codes: Codes
    times: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The pairs of letters of a text, sorted, each once, and the place of each in `Common.codes`, -1 where it is none."""

    codes: Codes
    common: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.codes)

    def without(self, others: Codes) -> "Pairs":
        """Leave some pairs out; any may stand there more than once, or be none of these."""
        if not len(self.codes) or not len(others):
            return self
        left = np.ones(len(self.codes), dtype=bool)
        at = self.codes.searchsorted(others)
        at[at == len(self.codes)] = 0
        left[at[self.codes[at] == others]] = False
        return Pairs(self.codes[left], self.common[left])


def pairs(text: str) -> Pairs:
    """Give the pairs of neighbouring letters within each stretch of letters."""
    codes = letter_pairs(text)
    return Pairs(codes, _index().places(codes.view(np.uint64)))


@cache
def common_pairs() -> Common:
    """Give the pairs of letters of ordinary texts."""
    codes, times = np.unique(np.concatenate([codes for _, codes in _texts()]), return_counts=True)
    return Common(len(_texts()), codes, times)


@cache
def _index() -> NumberIndex:
    return NumberIndex(common_pairs().codes.view(np.uint64))


def subject_shares(found: Pairs) -> Sequence[float]:
    """Give how much a text speaks of each subject area by its pairs of letters, as a vector of length 1."""
    row_of, weights = _table()
    # Of some hundred pairs none weighs more than ten thousand.
    sums = np.add.reduce(
        weights.take(row_of.take(found.common, mode="wrap"), axis=0), dtype=np.int32
    ).tolist()
    sharpness = _sharpness / (_unit * math.sqrt(len(found) or 1))
    top = max(sums)
    shares = [math.exp(sharpness * (share - top)) for share in sums]
    length = math.sqrt(math.fsum(share * share for share in shares))
    # An array is one object where a tuple is one a number, and every text of the window has one.
    return array("f", [share / length for share in shares])


@cache
def _table() -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Give the row of each of the common pairs, the last for -1, and the rows: a weight for each subject, the first nothing."""
    speaks = _speaks()
    codes = common_pairs().codes
    row_of = np.zeros(len(codes) + 1, dtype=np.intp)
    weights = np.zeros((len(speaks) + 1, len(starter.SUBJECTS)), dtype=np.int32)
    row_of[codes.searchsorted(list(speaks))] = range(1, len(speaks) + 1)
    for row, chosen in enumerate(speaks.values(), 1):
        for place, weight in chosen:
            weights[row, place] = weight
    return row_of, weights


@cache
def _speaks() -> Mapping[int, tuple[tuple[int, int], ...]]:
    """Give for a pair the subjects that it speaks for, each with its weight: how much likelier it is there."""
    common = common_pairs()
    counted = dict(zip(common.codes.tolist(), common.times.tolist(), strict=True))
    of_subject = Counter(subject for subject, _ in _texts())
    heard: dict[int, Counter[str]] = defaultdict(Counter)
    for subject, codes in _texts():
        for code in codes.tolist():
            if counted[code] >= _least_heard:
                heard[code][subject] += 1
    return {code: _chosen(among, counted[code] / common.texts, of_subject) for code, among in heard.items()}


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
def _texts() -> tuple[tuple[str, Codes], ...]:
    return tuple((row.subject, letter_pairs(normal(row.whole))) for row in starter.rows())

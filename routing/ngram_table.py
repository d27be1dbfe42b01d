"""The runs of several models in one table, so that a text is cut into runs and looked up once for all of them. Pure.

What `ngrams.features` and a dictionary do in 500 us for three models takes 60 here: runs are whole numbers, 21 bits a
character, sorted, and found by an index. The sums are of whole numbers and so the same to the last bit. The sentences
of an article are read all at once: twenty calls of numpy whatever their number.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from routing.ngrams import Model, telling
from routing.number_index import NumberIndex

_bits = np.uint64(21)
"""A character is below 2 ** 21, and a control is none of `normal` form: a shorter run never looks like a longer one."""
_pad = "\0"
_strongest = 40
"""So many of the strongest runs mostly hold the few that are told."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One text as a table has read it: the sums of its runs' weights, a sum a column of all models, and how many different
    runs it has.
    """

    sums: Sequence[int]
    runs: int


@dataclass(frozen=True, slots=True)
class Readings:
    """Several texts read at once: the known runs of one after the other, where those of each end, how many each has."""

    rows: NDArray[np.int32]
    ends: Sequence[int]
    runs: Sequence[int]

    def of(self, place: int) -> NDArray[np.int32]:
        """Give the known runs of one of them."""
        return self.rows[self.ends[place - 1] if place else 0 : self.ends[place]]


class Table:
    """A table of the runs of `models`; safe to share between threads."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._models = tuple(models)
        # What a caller gave is longer than three characters, and asked of the model itself.
        grams = {gram for model in models for gram in model.grams if 0 < len(gram) <= 3}
        self._grams, numbers = _numbered(grams)
        self._index = NumberIndex(numbers)
        rows = {gram: row for row, gram in enumerate(self._grams)}
        # Side by side, so that the weights of a run for all models are beside each other in the memory.
        self._weights = np.concatenate([_weights(model, rows) for model in models], axis=1)
        ends = list(accumulate((len(model.weights) for model in models), initial=0))
        self._columns = [slice(*span) for span in pairwise(ends)]

    def read(self, text: str) -> Reading:
        """Look a text up that is in the form of `ngrams.clean`."""
        runs = _runs(text)
        # Of at most some ten thousand weights of 16 bits.
        sums = np.add.reduce(self._weights.take(self._index.known(runs), axis=0), dtype=np.int32)
        return Reading(sums.tolist(), len(runs))

    def read_each(self, texts: Sequence[str]) -> Readings:
        """Look texts up that are in the form of `ngrams.clean`, at about the cost of one. None at all is a fault."""
        if len(texts) == 1:
            alone = _runs(texts[0])
            rows = self._index.known(alone)
            return Readings(rows, [len(rows)], [len(alone)])
        runs, counts = _runs_of_each(texts)
        rows = self._index.places(runs)
        known = rows >= 0
        ends = np.concatenate(([0], known.cumsum()))[counts.cumsum()]
        return Readings(rows[known], ends.tolist(), counts.tolist())

    def scores(self, model: int, reading: Reading, extra: Sequence[str] = ()) -> Mapping[str, float]:
        """Give what the model of that number says of a text; `extra` as in `Model.scores`, each name once."""
        return self._models[model].scores_from(reading.sums[self._columns[model]], reading.runs, extra)

    def logits(self, model: int, readings: Readings) -> list[float]:
        """Give the log-odds of the second class for each text; the model has two."""
        sums = np.zeros(len(readings.rows) + 1, dtype=np.int64)
        np.cumsum(self._column(model).take(readings.rows), out=sums[1:])
        ends = sums[readings.ends].tolist()
        bias, scale = self._models[model].biases[0], self._models[model].scale
        return [
            bias + scale / math.sqrt(runs or 1) * (end - start)
            for start, end, runs in zip([0, *ends], ends, readings.runs, strict=False)
        ]

    def evidence(
        self, model: int, rows: NDArray[np.int32], text: str, label: str, *, most: int = 3
    ) -> tuple[str, ...]:
        """Give the known runs of a text (cleaned) that speak most for a class, as `Model.evidence` does."""
        column, sign = self._models[model].column_of(label)
        worths = self._column(model, column).take(rows).astype(np.int32) * sign
        return telling(self._strong(rows, worths), text, most)

    def _strong(self, rows: NDArray[np.int32], worths: NDArray[np.int32]) -> Iterator[str]:
        """Give the runs that speak for a class, the strongest first; who asks for a few pays for no more."""
        left = worths > 0
        if left.sum() > _strongest:
            first = worths >= np.partition(worths, -_strongest)[-_strongest]
            yield from self._sorted(rows, worths, first)
            left &= ~first
        yield from self._sorted(rows, worths, left)

    def _sorted(
        self, rows: NDArray[np.int32], worths: NDArray[np.int32], chosen: NDArray[np.bool_]
    ) -> Iterator[str]:
        grams = map(self._grams.__getitem__, rows[chosen].tolist())
        return (gram for _, gram in sorted(zip((-worths[chosen]).tolist(), grams, strict=True)))

    def _column(self, model: int, column: int = 0) -> NDArray[np.int16]:
        return self._weights[:, self._columns[model].start + column]


def _weights(model: Model, rows: Mapping[str, int]) -> NDArray[np.int16]:
    """Give the weights of a model, a row a run of the table and a column as in the model."""
    weights = np.zeros((len(rows), len(model.weights)), dtype=np.int16)
    places = [(place, row) for place, gram in enumerate(model.grams) if (row := rows.get(gram)) is not None]
    if places:
        mine, there = map(list, zip(*places, strict=True))
        weights[there] = np.array(model.weights, dtype=np.int16).T[mine]
    return weights


def _numbered(grams: Iterable[str]) -> tuple[list[str], NDArray[np.uint64]]:
    """Give runs of one to three characters in the order of their numbers, and the numbers."""
    by_length: list[list[str]] = [[], [], []]
    for gram in grams:
        by_length[len(gram) - 1].append(gram)
    numbers = np.zeros(sum(map(len, by_length)), dtype=np.uint64)
    start = 0
    for length, some in enumerate(by_length, 1):
        part = numbers[start : start + len(some)]
        for sign in _signs("".join(some)).reshape(-1, length).T:
            np.bitwise_or(np.left_shift(part, _bits, out=part), sign, out=part)
        start += len(some)
    order = numbers.argsort()
    listed = [gram for some in by_length for gram in some]
    return [listed[place] for place in order.tolist()], numbers[order]


def _signs(text: str) -> NDArray[np.uint64]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)


def _runs(text: str) -> NDArray[np.uint64]:
    """Give the runs of one to three characters, sorted, each once."""
    signs = _signs(text)
    pairs = signs[:-1] << _bits | signs[1:]
    runs = np.concatenate((signs, pairs, pairs[:-1] << _bits | signs[2:]))
    runs.sort()
    is_first = np.ones(len(runs), dtype=bool)
    np.not_equal(runs[1:], runs[:-1], out=is_first[1:])
    return runs[is_first]


def _runs_of_each(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """Give the runs of each text, sorted, each once, one text after the other, and how many each has."""
    longest = max(3, *map(len, texts))
    signs = _signs("".join([text.ljust(longest, _pad) for text in texts])).reshape(-1, longest)
    runs = np.empty((len(texts), 3 * longest - 2), dtype=np.uint64)
    # A run that ends in the padding is none: it becomes 0, and so the first of the sorted row, which begins with one more.
    runs[:, 0] = 0
    ones, pairs, threes = runs[:, 1 : longest + 1], runs[:, longest + 1 : 2 * longest], runs[:, 2 * longest :]
    ones[:] = signs
    pairs[:] = (signs[:, :-1] << _bits | signs[:, 1:]) * (signs[:, 1:] != 0)
    threes[:] = (pairs[:, :-1] << _bits | signs[:, 2:]) * (signs[:, 2:] != 0)
    runs.sort(axis=1)
    later = runs[:, 1:]
    is_first = later != runs[:, :-1]
    return later[is_first], is_first.sum(axis=1)

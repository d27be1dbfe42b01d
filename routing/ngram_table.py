"""The runs of several models in one table, so that a text is cut into runs and looked up once for all of them. Pure.

What `ngrams.features` and a dictionary do in 500 us for three models takes 60 here: runs are whole numbers, 21 bits a
character, sorted, and found in a sorted list. The sums are of whole numbers and so the same to the last bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.ngrams import Model

_bits = np.uint64(21)
"""A character is below 2 ** 21, and a control is none of `normal` form: a shorter run never looks like a longer one."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One text as a table has read it: where its known runs stand there, and how many different runs it has in all."""

    rows: NDArray[np.intp]
    runs: int


class Table:
    """A table of the runs of `models`; safe to share between threads."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._models = tuple(models)
        # What a caller gave is longer than three characters, and asked of the model itself.
        known = {gram: _number(gram) for model in models for gram in model.grams if len(gram) <= 3}
        rows = {gram: row for row, gram in enumerate(sorted(known, key=known.__getitem__))}
        self._numbers = np.array(sorted(known.values()), dtype=np.uint64)
        self._weights = [_weights(model, rows) for model in models]

    def read(self, text: str) -> Reading:
        """Look a text up that is in the form of `ngrams.clean`."""
        runs = _runs(text)
        if not len(self._numbers):
            return Reading(np.empty(0, dtype=np.intp), len(runs))
        at = np.searchsorted(self._numbers, runs)
        at[at == len(self._numbers)] = 0
        return Reading(at[self._numbers[at] == runs], len(runs))

    def scores(self, model: int, reading: Reading, extra: Sequence[str] = ()) -> Mapping[str, float]:
        """Give what the model of that number says of a text; `extra` as in `Model.scores`, each name once."""
        return self._models[model].scores_from(self._sums(model, reading), reading.runs, extra)

    def _sums(self, model: int, reading: Reading) -> list[int]:
        sums: list[int] = self._weights[model][reading.rows].sum(axis=0, dtype=np.int64).tolist()
        return sums


def _weights(model: Model, rows: Mapping[str, int]) -> NDArray[np.int32]:
    """Give the weights of a model, a row a run of the table and a column as in the model."""
    weights = np.zeros((len(rows), len(model.weights)), dtype=np.int32)
    places = [(place, rows[gram]) for place, gram in enumerate(model.grams) if gram in rows]
    if places:
        mine, there = map(list, zip(*places, strict=True))
        weights[there] = np.array(model.weights, dtype=np.int32).T[mine]
    return weights


def _number(gram: str) -> int:
    number = 0
    for sign in gram:
        number = number << int(_bits) | ord(sign)
    return number


def _runs(text: str) -> NDArray[np.uint64]:
    """Give the runs of one to three characters, sorted, each once."""
    signs = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    pairs = signs[:-1] << _bits | signs[1:]
    runs = np.concatenate((signs, pairs, pairs[:-1] << _bits | signs[2:]))
    runs.sort()
    is_first = np.ones(len(runs), dtype=bool)
    np.not_equal(runs[1:], runs[:-1], out=is_first[1:])
    return runs[is_first]

"""Labelled texts to a model: logistic regression on runs weighed beforehand by how unevenly the classes use them.

The weighing is that of Wang and Manning, "Baselines and Bigrams" (ACL 2012). Needs numpy and memory, so whatever serves
people calls this in another process. The same rows in the same order give the same model on the same machine.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.errors import UserError
from routing.ngrams import Model, Row, clean, features, most_grams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_largest = 32_767
smoothing = 1.0


class Table:
    """Which runs each text has, row after row; a row's runs are worth 1/√(their number) each."""

    def __init__(self, rows: Sequence[Row], least: int) -> None:
        found = [sorted(features(clean(row.text), row.extra)) for row in rows]
        counts = Counter(gram for grams in found for gram in grams)
        self.grams = sorted(gram for gram, count in counts.items() if count >= least)
        places = {gram: n for n, gram in enumerate(self.grams)}
        kept = [[places[gram] for gram in grams if gram in places] for grams in found]
        self.lengths = np.array([len(grams) for grams in kept], dtype=np.int64)
        self.columns: Ints = np.fromiter((n for grams in kept for n in grams), np.int64)
        self.worth: Floats = np.array([max(len(grams), 1) ** -0.5 for grams in found])
        self.entries = np.repeat(self.worth, self.lengths)
        self.owners = np.repeat(np.arange(len(rows)), self.lengths)

    def times(self, weights: Floats) -> Floats:
        """Sum up each row's weights."""
        return _sums(self.owners, weights[self.columns], len(self.worth)) * self.worth

    def turned_times(self, values: Floats) -> Floats:
        """Sum up each run's values."""
        return _sums(self.columns, values[self.owners] * self.entries, len(self.grams))

    def counts(self, weights: Floats) -> Floats:
        """Count each run over the rows, each as often as its weight says."""
        return _sums(self.columns, weights[self.owners], len(self.grams))


def _sums(places: Ints, values: Floats, size: int) -> Floats:
    return np.bincount(places, values, size).astype(np.float64, copy=False)


def fit(
    rows: Sequence[Row],
    *,
    name: str,
    classes: Sequence[str] = (),
    penalty: float = 1.0,
    least: int = 2,
    most: int = most_grams,
    balanced: bool = False,
    about: Mapping[str, Any] | None = None,
) -> Model:
    """Fit a model; two classes give one column, more one each. Raises UserError where there are not two classes.

    `least`: texts that a run must stand in; `most`: runs kept, the weightiest; `penalty` holds the weights down;
    `balanced`: every class weighs the same, however few its rows. `classes` fixes their order, else by name.
    """
    classes = tuple(classes) or tuple(sorted({row.label for row in rows}))
    lacking = [label for label in classes if not any(row.label == label for row in rows)]
    if len(classes) < 2 or lacking:
        raise UserError(f"训练至少要两类文字，缺：{'、'.join(lacking) or '第二类'}。请补充样本。")
    table = Table(rows, least)
    labels = np.array([classes.index(row.label) for row in rows])
    weights = np.array([row.weight for row in rows])
    if balanced:
        weights = weights * (weights.sum() / len(classes) / np.bincount(labels, weights))[labels]
    targets = [labels == 1] if len(classes) == 2 else [labels == n for n in range(len(classes))]
    columns, biases = zip(*(_column(table, target, weights, penalty) for target in targets), strict=True)
    kept = _weightiest(table, columns, most)
    scale = max(float(np.abs(column[kept]).max(initial=0.0)) for column in columns) / _largest or 1.0
    return Model(
        name,
        classes,
        [table.grams[n] for n in kept],
        [np.rint(column[kept] / scale).astype(int).tolist() for column in columns],
        [round(bias, 9) for bias in biases],
        scale,
        about,
    )


def _weightiest(table: Table, columns: Sequence[Floats], most: int) -> Ints:
    """Choose the runs that move most rows most, in their own order."""
    spread = np.sqrt(table.counts(np.ones(len(table.worth))))
    moved = np.max([np.abs(column) for column in columns], axis=0) * spread
    return np.sort(np.argsort(-moved, kind="stable")[:most])


def _column(table: Table, target: NDArray[np.bool_], weights: Floats, penalty: float) -> tuple[Floats, float]:
    """Fit one class against the rest."""
    inside, outside = weights * target, weights * ~target
    mine, theirs = table.counts(inside) + smoothing, table.counts(outside) + smoothing
    ratios = np.log((mine / mine.sum()) / (theirs / theirs.sum()))
    signs = np.where(target, 1.0, -1.0)

    def loss(point: Floats) -> tuple[float, Floats]:
        held, bias = point[:-1], point[-1]
        margins = signs * (table.times(ratios * held) + bias)
        pull = -signs * weights / (1 + np.exp(np.clip(margins, -500, 500)))
        slope = np.append(ratios * table.turned_times(pull) + penalty * held, pull.sum())
        return float((weights * np.logaddexp(0, -margins)).sum() + 0.5 * penalty * held @ held), slope

    start = np.zeros(len(table.grams) + 1)
    start[-1] = np.log(inside.sum() / outside.sum())
    best = _lowest(loss, start)
    return ratios * best[:-1], float(best[-1])


def _lowest(
    loss: Callable[[Floats], tuple[float, Floats]], start: Floats, *, rounds: int = 60, memory: int = 8
) -> Floats:
    """Find the lowest point of a smooth convex function by L-BFGS (Nocedal and Wright, algorithm 7.5)."""
    point, (value, slope) = start, loss(start)
    steps: list[tuple[Floats, Floats]] = []
    for _ in range(rounds):
        direction = -_scaled(slope, steps)
        stride = 1.0 if steps else 1 / max(1.0, float(np.abs(slope).sum()))
        downhill = float(slope @ direction)
        while True:
            there = point + stride * direction
            found, new_slope = loss(there)
            if found <= value + 1e-4 * stride * downhill or stride < 1e-12:
                break
            stride /= 2
        moved, turned = there - point, new_slope - slope
        is_done = value - found <= 1e-6 * max(abs(value), 1.0)
        point, value, slope = there, found, new_slope
        if is_done:
            break
        if moved @ turned > 0:
            steps = [*steps[1 - memory :], (moved, turned)]
    return point


def _scaled(slope: Floats, steps: Sequence[tuple[Floats, Floats]]) -> Floats:
    """Apply the guess of the inverse curvature that the last steps give."""
    result = slope.copy()
    shares = []
    for moved, turned in reversed(steps):
        share = (moved @ result) / (moved @ turned)
        result -= share * turned
        shares.append(share)
    if steps:
        moved, turned = steps[-1]
        result *= (moved @ turned) / (turned @ turned)
    for (moved, turned), share in zip(steps, reversed(shares), strict=True):
        result += moved * (share - (turned @ result) / (moved @ turned))
    return result

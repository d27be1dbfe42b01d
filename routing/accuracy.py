"""How good the scores of a two-class model are on labelled texts. Pure; knows no model and no file."""

from collections.abc import Sequence
from dataclasses import dataclass

bins = 10
false_alarms = 0.10


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The figures of one set; `negatives` of `texts` are what is looked for. None where a class is missing.

    `recall`: share of the negatives found while one in ten of the others is called negative; `ece`: how far the
    shown probabilities are from what happened, on average over ten steps.
    """

    texts: int
    negatives: int
    right: float | None
    macro_f1: float | None
    auc: float | None
    recall: float | None
    ece: float | None


def measure(values: Sequence[float], friendly: Sequence[bool]) -> Accuracy:
    """Measure values in [0, 1] (1 = not negative) against what people said."""
    pairs = list(zip(values, friendly, strict=True))
    texts, negatives = len(pairs), sum(not label for label in friendly)
    if not texts:
        return Accuracy(0, 0, None, None, None, None, None)
    right = sum((value >= 0.5) == label for value, label in pairs) / texts
    both = 0 < negatives < texts
    return Accuracy(
        texts=texts,
        negatives=negatives,
        right=right,
        macro_f1=(_f1(pairs, True) + _f1(pairs, False)) / 2 if both else None,
        auc=auc(values, friendly),
        recall=_recall(pairs) if both else None,
        ece=_ece(pairs),
    )


def auc(values: Sequence[float], friendly: Sequence[bool]) -> float | None:
    """Give the chance that a friendly text has the higher value of a pair, equal values as one half; None without pairs."""
    ordered = sorted(zip(values, friendly, strict=True))
    highs = sum(friendly)
    lows = len(ordered) - highs
    if not highs or not lows:
        return None
    ranks, start = 0.0, 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end][0] == ordered[start][0]:
            end += 1
        ranks += (start + 1 + end) / 2 * sum(label for _, label in ordered[start:end])
        start = end
    return (ranks - highs * (highs + 1) / 2) / (highs * lows)


def _f1(pairs: Sequence[tuple[float, bool]], wanted: bool) -> float:
    called = [label == wanted for value, label in pairs if (value >= 0.5) == wanted]
    truly = sum(label == wanted for _, label in pairs)
    return 2 * sum(called) / (len(called) + truly)


def _recall(pairs: Sequence[tuple[float, bool]]) -> float:
    """Call as many of the lowest values negative as the false alarms allow; equal values go together."""
    highs = sorted(value for value, label in pairs if label)
    lows = [value for value, label in pairs if not label]
    limit = highs[min(int(false_alarms * len(highs)), len(highs) - 1)]
    return sum(value < limit for value in lows) / len(lows)


def _ece(pairs: Sequence[tuple[float, bool]]) -> float:
    gaps = [0.0] * bins
    for value, label in pairs:
        gaps[min(int(value * bins), bins - 1)] += value - label
    return sum(map(abs, gaps)) / len(pairs)

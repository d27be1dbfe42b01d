"""Weights of `routing.affinity` fitted on labelled weeks, each tried on the week that was left out.

    python tests/bench/grouping_fit.py [--cost 3.3] [--write]

A choice is a text with the matters that it could join: which of them was right, or none. The matters come once as people
made them, once with some texts astray, once as the present weights make them. Prints a row a week and the weights of all
weeks together; `--write` puts them into the module too. Needs numpy.
"""

import argparse
import random
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import grouping as bench
import numpy as np

from routing import affinity
from routing.affinity import Affinity, signs
from routing.grouping import Trace, Window
from routing.telling import Land, Telling

MODULE = Path(affinity.__file__)
# Too rare in the weeks to be fitted.
BY_HAND = frozenset({"local without place", "other spot"})
STATES = ("as labelled", "some astray", "as joined")
ASTRAY = 0.12
RIDGE = 1.0
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Choice:
    """What speaks for each matter that a text could join, and which of them were right."""

    signs: Sequence[Mapping[str, float]]
    right: Sequence[bool]


class _Recording(Window):
    """A window that keeps what it weighed last."""

    def __init__(self, land: Land) -> None:
        super().__init__(land)
        self.weighed: list[tuple[int, Mapping[str, float]]] = []

    def _weighed(self, new: Trace, telling: Telling) -> Collection[tuple[int, Affinity]]:
        found = super()._weighed(new, telling)
        asked = self._ask(telling)
        self.weighed = [(case, signs(asked, self._profiles[case], new.at, self._rarity)) for case, _ in found]
        return found


def choices(week: bench.Week, state: str) -> list[Choice]:
    """Offer the relevant texts of a week and give what there was to choose from."""
    chance = random.Random(7)
    window = _Recording(week.county.land)
    matters, case_of = week.matters(), dict[str, int]()
    inside: dict[int, Counter[str]] = defaultdict(Counter)
    kept = []
    relevant = [line for line in week.lines if line.id in matters]
    for number, line in enumerate(relevant, 1):
        trace, matter = week.county.trace(number, line), matters[line.id]
        window.forget(trace.at)
        window.weighed = []
        found = window.propose(trace)
        if window.weighed:
            right = [inside[case].most_common(1)[0][0] == matter for case, _ in window.weighed]
            kept.append(Choice([each for _, each in window.weighed], right))
        joined = found.case_id if found is not None and not found.suggested else None
        if line.parent:
            if joined is None:
                continue
            case = joined
        elif state == "as joined":
            case = joined or number
        else:
            astray = state == "some astray" and chance.random() < ASTRAY
            case = number if astray else case_of.setdefault(matter, number)
        inside[case][matter] += 1
        window.add(replace(trace, case_id=case))
    return kept


def fit(found: Sequence[Choice], names: Sequence[str], cost: float) -> Array:
    """Fit weights and, last, the bias by Newton's method; to join wrongly costs `cost` times what to miss does."""
    rows = np.array([[each.get(name, 0.0) for name in names] + [1.0] for one in found for each in one.signs])
    right = np.array([flag for one in found for flag in one.right])
    of_choice = np.repeat(np.arange(len(found)), [len(one.signs) for one in found])
    known = np.array([any(one.right) for one in found])
    worth = np.where(known, 1.0, cost) / len(STATES)
    ridge = np.append(np.full(len(names), RIDGE), 0.01)
    weights = np.zeros(len(names) + 1)
    for _ in range(60):
        odds = np.exp(np.clip(rows @ weights, -30, 30))
        share = odds / (1 + np.bincount(of_choice, odds))[of_choice]
        meant = np.where(right, odds, 0.0)
        due = meant / np.maximum(np.bincount(of_choice, meant), 1e-12)[of_choice]
        gradient = rows.T @ ((share - due) * worth[of_choice]) + ridge * weights
        # The curvature of shares that do not know of each other bounds that of those that do.
        curvature = rows.T @ (rows * (share * worth[of_choice])[:, None]) + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-4:
            break
    return weights


def use(weights: Array, names: Sequence[str]) -> None:
    """Let the module weigh so."""
    affinity._weights.update(zip(names, map(float, weights[:-1]), strict=True))
    affinity._bias = float(weights[-1])


def write(weights: Array, names: Sequence[str]) -> None:
    """Put the weights into the module, rounded."""
    text = MODULE.read_text(encoding="utf-8")
    for name, weight in zip(names, weights, strict=False):
        text = re.sub(f'( {{4}}"{re.escape(name)}": )-?[0-9.]+,', rf"\g<1>{weight:.1f},", text, count=1)
    MODULE.write_text(re.sub(r"_bias = .*", f"_bias = {weights[-1]:.1f}", text, count=1), encoding="utf-8")


def rotate(weeks: Iterable[bench.Week], cost: float) -> Array:
    """Print how well each week falls into its matters by what the others taught; give the weights of all."""
    names = [name for name in affinity._weights if name not in BY_HAND]
    found = {week.name: (week, [c for state in STATES for c in choices(week, state)]) for week in weeks}
    print("left out   precision  recall     F1  pairs that met")
    scores = []
    for name, (week, _) in found.items():
        use(fit([c for other, (_, some) in found.items() if other != name for c in some], names, cost), names)
        _, score = bench.score(week)
        scores.append(score)
        print(
            f"{name:<11}{score.precision:>9.3f}{score.recall:>8.3f}{score.f1:>7.3f}  {', '.join(score.wrong) or 'none'}"
        )
    means = [fmean(values) for values in zip(*((s.precision, s.recall, s.f1) for s in scores), strict=True)]
    print(
        f"{'mean':<11}{means[0]:>9.3f}{means[1]:>8.3f}{means[2]:>7.3f}  {sum(len(s.wrong) for s in scores)}"
    )
    return fit([c for _, some in found.values() for c in some], names, cost)


def main() -> None:
    """Print the table and the weights."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--cost", type=float, default=3.3)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    weights = rotate(map(bench.Week.read, bench.weeks()), asked.cost)
    names = [name for name in affinity._weights if name not in BY_HAND]
    print(
        "\n".join(f"{name:<28}{weight:6.1f}" for name, weight in zip([*names, "bias"], weights, strict=True))
    )
    if asked.write:
        write(weights, names)


if __name__ == "__main__":
    main()

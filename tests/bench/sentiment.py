"""Sentiment in figures: the office's own model, fitted on a set's train part, and the starter set alone against snownlp.

    python tests/bench/sentiment.py [FOLDER]

FOLDER holds `<set>_train.csv` and `<set>_dev.csv` (text,label); without it nothing is measured. Exit code 1 below a floor.
"""

import argparse
import csv
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from monitors.segmenter import Classifier
from monitors.sentiment import NgramScorer
from routing.accuracy import Accuracy, measure
from routing.ngrams import Row
from routing.ngrams_fit import fit
from routing.starter import rows
from routing.starter.sentiment import CLASSES, NEGATIVE, NOT_NEGATIVE, penalty, starter_model

DEFAULT = Path(__file__).parents[3] / "shared/data/sentiment"
OWN = {"weibo2018": 0.90, "smp_virus": 0.93, "smp_usual": 0.88}
"""Floor of the AUC, fitted on the train part."""
UNSEEN = (*OWN, "weibo100k", "fin_title", "waimai", "nlpcc14", "htl", "shop10", "gov_polarity", "probes")
CONTAMINATED = {"htl", "shop10"}
"""A part of these texts is in snownlp's own training text: shown, never judged."""
GOV_F1, GOV_AUC, OTHERS_ECE, SPEED = 0.75, 0.85, 0.08, 2000.0
LETTERS, ROUNDS, TEXTS = 140, 7, 2000


@dataclass
class Verdict:
    """Whether all floors hold."""

    holds: bool = True

    def floor(self, value: float | None, least: float) -> str:
        good = value is not None and value >= least
        self.holds &= good
        return "ok" if good else f"BELOW {least:g}"


def read(folder: Path, name: str) -> list[tuple[str, bool]]:
    """Give texts and whether they are called not negative; empty where the file is missing."""
    path = folder / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["label"] == "1") for row in csv.DictReader(file)]


def measured(give: Callable[[str], float], texts: Sequence[tuple[str, bool]]) -> Accuracy:
    return measure([give(text) for text, _ in texts], [label for _, label in texts])


def valued(scorer: NgramScorer, text: str) -> float:
    found = scorer.score(text)
    return found.value if found else 0.5


def own_models(folder: Path, verdict: Verdict) -> None:
    """Fit on each train part, measure on the dev part."""
    print("\nown model, fitted on the train part, on dev")
    print("set         texts    acc  macro-F1    AUC  recall  ECE   fit s   KB  floor")
    for name, least in OWN.items():
        train, dev = read(folder, f"{name}_train"), read(folder, f"{name}_dev")
        if not train or not dev:
            print(f"{name:<12}skipped: no files")
            continue
        started = time.process_time()
        learnt = [Row(text, NOT_NEGATIVE if friendly else NEGATIVE) for text, friendly in train]
        model = fit(learnt, name=name, classes=CLASSES, penalty=penalty, balanced=True)
        took = time.process_time() - started
        found = measured(lambda text, m=model: m.scores(text)[NOT_NEGATIVE], dev)  # type: ignore[misc]
        size = len(model.dump()) / 1024
        told = verdict.floor(found.auc, least)
        print(
            f"{name:<12}{found.texts:>5} {found.right:>6.3f} {found.macro_f1:>9.3f} {found.auc:>6.3f} "
            f"{found.recall:>7.3f} {found.ece:>4.2f} {took:>7.1f} {size:>4.0f}  {told}"
        )


def starter_only(folder: Path, verdict: Verdict) -> None:
    """Measure the shipped model and stock snownlp on sets of which nothing was learnt."""
    own, stock = NgramScorer(), Classifier()
    print("\nstarter set alone / stock snownlp, on dev")
    print("set           AUC            macro-F1       recall         ECE          floor")
    for name in UNSEEN:
        dev = read(folder, f"{name}_dev")
        if not dev:
            print(f"{name:<14}skipped: no file")
            continue
        ours = measured(partial(valued, own), dev)
        theirs = measured(stock.classify, dev)
        told = "not judged"
        if name in OWN:
            told = verdict.floor(ours.auc, theirs.auc or 0)
        elif name == "gov_polarity":
            told = f"{verdict.floor(ours.macro_f1, GOV_F1)}, {verdict.floor(ours.auc, GOV_AUC)}"
        elif name in CONTAMINATED:
            told = "not judged: snownlp learnt a part of it"
        print(
            f"{name:<14}{ours.auc:.3f} / {theirs.auc:.3f}  {ours.macro_f1:.3f} / {theirs.macro_f1:.3f}  "
            f"{ours.recall:.3f} / {theirs.recall:.3f}  {ours.ece:.2f} / {theirs.ece:.2f}  {told}"
        )


def speed(verdict: Verdict) -> None:
    """Time fresh texts of 140 letters, made of the starter's own: median of seven rounds, processor time."""
    whole = "".join(row.whole for row in rows())
    chance = random.Random(20261121)
    model, scorer = starter_model(), NgramScorer()
    found: dict[str, list[float]] = {"model": [], "scorer": []}
    for _ in range(ROUNDS):
        texts = [whole[at : at + LETTERS] for at in chance.sample(range(len(whole) - LETTERS), TEXTS)]
        for name, give in (("model", model.scores), ("scorer", scorer.score)):
            started = time.process_time()
            for text in texts:
                give(text)
            found[name].append(TEXTS / (time.process_time() - started))
    rate = {name: statistics.median(rounds) for name, rounds in found.items()}
    print(
        f"\n{LETTERS} letters, fresh texts: model {rate['model']:,.0f}/s, {verdict.floor(rate['model'], SPEED)}"
    )
    print(f"with articles, bands and evidence: {rate['scorer']:,.0f}/s; {len(model):,} runs")


def main() -> None:
    """Print the tables, and say by the exit code whether the floors hold."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path, nargs="?", default=DEFAULT)
    folder = arguments.parse_args().folder
    verdict = Verdict()
    if folder.is_dir():
        own_models(folder, verdict)
        starter_only(folder, verdict)
    else:
        print(f"{folder} is not there: only speed is measured")
    speed(verdict)
    raise SystemExit(not verdict.holds)


if __name__ == "__main__":
    main()

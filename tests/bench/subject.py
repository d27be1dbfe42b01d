"""The subject area in figures: a model fitted on labelled messages of citizens, and the starter set alone.

    python tests/bench/subject.py [FOLDER]

FOLDER holds `tipdm_raw_*` (title,text,label) and `tipdm_seg_*` (text,label; cut into words, joined here), train and dev. What
is judged is macro-F1 on `tipdm_raw_dev`, the original wording. Exit code 1 below the floor; without FOLDER nothing is measured.
"""

import argparse
import csv
import time
from collections.abc import Sequence
from pathlib import Path

from routing.ngrams import Model, Row
from routing.ngrams_fit import fit
from routing.office_opinions import said_weight
from routing.starter import opinions as starter

DEFAULT = Path(__file__).parents[3] / "shared/data/routing"
FLOOR, AIM = 0.80, 0.85


def read(folder: Path, name: str) -> list[Row]:
    """Give labelled texts; empty where the file is missing."""
    path = folder / f"tipdm_{name}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [Row(_text(row), row["label"]) for row in csv.DictReader(file)]


def _text(row: dict[str, str]) -> str:
    if "title" not in row:
        return row["text"].replace(" ", "")
    return "\n".join(part for part in (row["title"], row["text"]) if part)


def called(model: Model, rows: Sequence[Row], among: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Give what the model calls each text, and what people did; `among`: the only classes that may be called."""
    found = []
    for row in rows:
        shares = model.scores(row.text)
        found.append((max(among or model.classes, key=lambda name: (shares[name], name)), row.label))
    return found


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """Give the mean of the classes' F1, over the classes that people used."""
    names = sorted({label for _, label in pairs})
    return sum(_f1(pairs, name) for name in names) / len(names)


def _f1(pairs: Sequence[tuple[str, str]], name: str) -> float:
    hits = sum(said == label == name for said, label in pairs)
    return 2 * hits / sum((said == name) + (label == name) for said, label in pairs)


def told(what: str, pairs: Sequence[tuple[str, str]], note: str = "") -> float:
    """Print one line; gives its macro-F1."""
    right = sum(said == label for said, label in pairs) / len(pairs)
    score = macro_f1(pairs)
    print(f"{what:<46}{len(pairs):>6} {score:>9.3f} {right:>6.3f}  {note}", flush=True)
    return score


def main() -> None:
    """Print the table, and say by the exit code whether the floor holds."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path, nargs="?", default=DEFAULT)
    folder = arguments.parse_args().folder
    sets = {
        f"{kind}_{part}": read(folder, f"{kind}_{part}")
        for kind in ("raw", "seg")
        for part in ("train", "dev")
    }
    if not sets["raw_train"] or not sets["raw_dev"]:
        print(f"{folder} has no labelled messages: nothing is measured")
        raise SystemExit(0)
    classes = sorted({row.label for row in sets["raw_train"]})
    learnt = sets["raw_train"] + sets["seg_train"]
    started = time.process_time()
    own = fit(learnt, name="subject", penalty=starter.penalty, most=starter.most_grams, balanced=True)
    took = time.process_time() - started
    alone = fit(
        sets["raw_train"], name="subject", penalty=starter.penalty, most=starter.most_grams, balanced=True
    )
    both = starter.fit(
        starter.SUBJECT, more=[Row(row.text, row.label, said_weight) for row in sets["raw_train"]]
    )
    shipped = starter.starter_model(starter.SUBJECT)
    print("on dev                                         texts  macro-F1  right")
    score = told(
        "train (wording and cut), original wording", called(own, sets["raw_dev"]), f"fit {took:.0f} s"
    )
    told("the same, cut and joined", called(own, sets["seg_dev"]))
    told("original wording of train alone", called(alone, sets["raw_dev"]))
    told(
        "as an office learns: starter set and wording",
        called(both, sets["raw_dev"]),
        "22 areas to choose from",
    )
    told("starter set alone", called(shipped, sets["raw_dev"]), "22 areas")
    told("starter set alone, among the seven", called(shipped, sets["raw_dev"], classes))
    holds = score >= FLOOR
    print(f"macro-F1 {score:.3f}: {'ok' if holds else 'BELOW'} (floor {FLOOR:g}, aim {AIM:g})")
    raise SystemExit(not holds)


if __name__ == "__main__":
    main()

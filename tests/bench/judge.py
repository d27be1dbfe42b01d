"""Judge the labelled desk week beside the repository and hold the figures against what is asked of them.

    python tests/bench/judge.py [--desk FOLDER] [--worst N]

The folder holds `dev_week.jsonl` and `gazetteer.json`. Exits 1 below a floor; without the folder there is nothing to do.

    python tests/bench/judge.py --left-out

judges each of the weeks in `tests/data/weeks` instead, by text models that are fitted without it; prints a line a week.

    python tests/bench/judge.py --held-out

judges each of the weeks in `tests/data/held_out` by the shipped models; only these figures are read, never the mistakes. Then
what a second reader of these weeks made of them, who saw no labels: how sure the labels are, and what a judgement can reach.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.cli.judge import NAMES, figures_of, judged_of, office_beside, rules_with, shown, worst_of
from bot.cli.judging import replay
from bot.labelled import read_lines, read_pairs
from routing.measures import Figure, Judged, Verdict, measure
from routing.opinions import Opinions
from routing.starter import opinions

HERE = Path(__file__).parent
DESK = HERE.parents[2] / "shared/data/desk"
PAIRS = HERE / "desk_pairs.json"
WEEKS = HERE.parent / "data/weeks"
HELD_OUT = HERE.parent / "data/held_out"
LEFT_OUT = (
    "found",
    "cards_right",
    "lead_right",
    "b_cubed_f1",
    "confused_pairs",
    "level_within_one",
    "level_exact",
    "cards_per_100",
    "cards_per_100_undecided",
    "waiting_right",
    "must_answer_precision",
    "must_answer_recall",
)


@dataclass(frozen=True)
class Asked:
    """What a figure must reach, and what it should; `most`: it must not exceed them instead."""

    floor: float
    aim: float
    most: bool = False

    def met(self, value: float, mark: float) -> bool:
        return value <= mark if self.most else value >= mark

    def verdict(self, value: float | None) -> str:
        if value is None or not self.met(value, self.floor):
            return "below the floor"
        return "aim" if self.met(value, self.aim) else "floor"


ASKED: Mapping[str, Asked] = {
    "found": Asked(0.95, 0.98),
    "cards_right": Asked(0.75, 0.85),
    "lead_right": Asked(0.85, 0.92),
    "b_cubed_f1": Asked(0.85, 0.92),
    "confused_pairs": Asked(0, 0, most=True),
    "level_within_one": Asked(0.95, 0.98),
    "level_exact": Asked(0.70, 0.80),
    "cards_per_100": Asked(20, 14, most=True),
    "planted_left": Asked(0, 0, most=True),
}


def table_of(figures: Mapping[str, Figure]) -> Table:
    """Give the figures with what is asked of them."""
    table = Table("figure", "", "now", "floor", "aim", "reaches")
    for name, figure in figures.items():
        asked = ASKED.get(name)
        marks = [shown(name, Figure(asked.floor)), shown(name, Figure(asked.aim))] if asked else ["", ""]
        reaches = asked.verdict(figure.value) if asked else ""
        table.add_row(name, NAMES[name], shown(name, figure), *marks, reaches)
    return table


def without(week: str) -> Opinions:
    """Fit the text models on the other weeks only."""
    names = (opinions.PUBLIC, opinions.LEAD, opinions.ANSWER)
    return Opinions({name: opinions.fit(name, without=week) for name in names})


def by_week(weeks: Path, opinions_for: Callable[[str], Opinions | None]) -> Table:
    """Judge each folder of `weeks` by the models given for it (None: the shipped ones); the last row is the mean."""
    table = Table("week", *LEFT_OUT)
    rows: list[list[float]] = []
    office = office_beside(None)
    for folder in sorted(path for path in weeks.iterdir() if (path / "week.jsonl").is_file()):
        lines = read_lines((folder / "week.jsonl").read_text(encoding="utf-8"), folder.name)
        rules = rules_with(None, folder / "gazetteer.json", office)
        replayed = replay(lines, office, rules, opinions=opinions_for(folder.name))
        pairs = read_pairs((folder / "pairs.json").read_text(encoding="utf-8"), folder.name)
        figures = figures_of(replayed, judged_of(replayed.outcomes), pairs)
        rows.append([figures[name].value or 0.0 for name in LEFT_OUT])
        table.add_row(folder.name, *(shown(name, figures[name]) for name in LEFT_OUT))
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    table.add_row("mean", *(shown(name, Figure(mean)) for name, mean in zip(LEFT_OUT, means, strict=True)))
    return table


READ_AGAIN = ("found", "lead_right", "b_cubed_f1", "confused_pairs", "level_within_one", "level_exact")


def by_second_reader(weeks: Path) -> Table:
    """Hold the labels of each week against those of a reader who did not see them (`second_reader.jsonl`)."""
    table = Table("week, second reader", *READ_AGAIN)
    for folder in sorted(path for path in weeks.iterdir() if (path / "second_reader.jsonl").is_file()):
        lines = read_lines((folder / "week.jsonl").read_text(encoding="utf-8"), folder.name)
        again = map(json.loads, (folder / "second_reader.jsonl").read_text(encoding="utf-8").splitlines())
        read = [
            Judged(line.id, line.label.value(), Verdict(row["matter"], lead=row["lead"], level=row["level"]))
            for line, row in zip(lines, again, strict=True)
            if line.label is not None and line.id == row["id"]
        ]
        assert len(read) == len(lines), folder.name
        figures = measure(read, read_pairs((folder / "pairs.json").read_text(encoding="utf-8"), folder.name))
        table.add_row(folder.name, *(shown(name, figures[name]) for name in READ_AGAIN))
    return table


def main() -> int:
    """Read the arguments, judge, print; 1 where a figure is below its floor."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--desk", type=Path, default=DESK)
    parser.add_argument("--worst", type=int, default=0)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--left-out", action="store_true")
    which.add_argument("--held-out", action="store_true")
    asked = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
    if asked.left_out:
        console.print(by_week(WEEKS, without))
        return 0
    if asked.held_out:
        console.print(by_week(HELD_OUT, lambda _: None))
        console.print(by_second_reader(HELD_OUT))
        return 0
    week, places = asked.desk / "dev_week.jsonl", asked.desk / "gazetteer.json"
    if not week.is_file():
        console.print(f"no desk week at {asked.desk}: nothing to judge")
        return 0
    office = office_beside(None)
    lines = read_lines(week.read_text(encoding="utf-8"), str(week))
    replayed = replay(lines, office, rules_with(None, places, office))
    judged = judged_of(replayed.outcomes)
    figures = figures_of(replayed, judged, read_pairs(PAIRS.read_text(encoding="utf-8"), str(PAIRS)))
    console.print(table_of(figures))
    console.print(f"{len(lines)} texts in {replayed.took_s:.1f} s")
    if asked.worst:
        mistakes = worst_of(replayed.outcomes, judged, asked.worst)
        console.print(json.dumps(mistakes, ensure_ascii=False, indent=1), markup=False)
    return int(any(one.verdict(figures[name].value) == "below the floor" for name, one in ASKED.items()))


if __name__ == "__main__":
    sys.exit(main())

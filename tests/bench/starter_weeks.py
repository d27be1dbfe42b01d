"""Write `routing/starter/weeks.csv`: what the invented, labelled weeks teach of public concern, of the
lead and of the duty to answer.

    python tests/bench/starter_weeks.py

Of a matter only texts that raise its lead say who should lead; the others have an empty lead. A text of a neighbour reads like
one of ours and is irrelevant for its place alone: it teaches nothing and is left out. Run `python -m routing.starter.build`
afterwards.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
WEEKS = HERE.parent / "data/weeks"
TO = HERE.parents[1] / "routing/starter/weeks.csv"
COLUMNS = ("week", "title", "text", "source", "public", "lead", "must_answer")
ORDER = ("office", "network", "publicity", "petition", "security")


def rows_of(folder: Path) -> Iterator[tuple[str, ...]]:
    """Give the rows of one week, in its order."""
    places = json.loads((folder / "gazetteer.json").read_text(encoding="utf-8"))
    theirs = {
        spelling
        for place in places
        if place["kind"] == "邻县"
        for spelling in (place["name"], place["name"][:-1], *place["aliases"])
    }
    reached: dict[str, int] = {}
    for line in (folder / "week.jsonl").read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        label = item["label"]
        said = f"{item['title']}\n{item['text']}"
        lead = ""
        if label["relevant"]:
            rank = ORDER.index(label["lead"])
            if rank > reached.get(label["matter"], -1):
                reached[label["matter"]], lead = rank, label["lead"]
        elif label["place"] in theirs or any(name in said for name in theirs):
            continue
        public = "yes" if label["relevant"] else "no"
        must = "yes" if label["must_answer"] else "no"
        yield folder.name, item["title"], item["text"], item["source"]["kind"], public, lead, must


def main() -> None:
    """Write the file, and say how many rows each week gave."""
    with TO.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for folder in sorted(path for path in WEEKS.iterdir() if (path / "week.jsonl").exists()):
            rows = list(rows_of(folder))
            writer.writerows(rows)
            print(f"{folder.name}: {len(rows)} rows, {sum(bool(row[-2]) for row in rows)} with a lead")


if __name__ == "__main__":
    main()

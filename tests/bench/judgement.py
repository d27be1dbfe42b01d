"""The whole judgement of a text on one core: masked, scored, judged by rules and models, held against the matters.

    python tests/bench/judgement.py [--letters 140]

The texts are those of the invented weeks, lengthened to about so many letters with their neighbours' and cut there, in order
of time, without a store. Prints microseconds a text for each step, texts a second, and how much of it is more than the bare
work of libraries (`bare.py` says what is counted as that); exits 1 below a floor.
"""

import argparse
import itertools
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from bare import recording, spent

from bot.loop import settle
from monitors.masking import mask_item
from monitors.sentiment import NgramScorer
from routing.conditions import Subject
from routing.grouping import Window
from routing.items import Item, Kind
from routing.judging import Judge
from routing.normal import fingerprint, normal, numbers
from routing.rules import load_rules
from routing.telling import tell
from routing.traces import Trace

FLOOR, AIM = 500, 1_000
MOST_OVERHEAD, AIM_OVERHEAD = 1.6, 1.3
WEEKS = Path(__file__).parent.parent / "data/weeks"
CHANNELS = ("security", "petition", "publicity", "network", "office")
KINDS = {"comments": Kind.COMMENT, "hotlist": Kind.HOTLIST}


def texts(letters: int) -> Iterator[Item]:
    """Give the texts of all weeks, each of about so many letters."""
    for folder in sorted(path for path in WEEKS.iterdir() if (path / "week.jsonl").exists()):
        rows = [json.loads(line) for line in (folder / "week.jsonl").read_text(encoding="utf-8").splitlines()]
        for number, row in enumerate(rows):
            near = itertools.cycle([row["text"], *(one["text"] for one in rows[number + 1 : number + 4])])
            text = ""
            while len(text) < letters and (row["text"] or number + 1 < len(rows)):
                text += next(near) or "。"
            yield Item(
                source_id=row["source"]["id"],
                external_id=row["id"],
                url=row["url"],
                title=row["title"],
                text=text[:letters],
                kind=KINDS.get(row["source"]["kind"], Kind.POST),
                published_at=datetime.fromisoformat(row["published_at"]).astimezone(UTC),
            )


def judge_all(items: Sequence[Item]) -> Counter[str]:
    """Judge all texts, each once; gives the processor seconds of each step."""
    template = (files("bot.templates") / "rules.toml").read_text(encoding="utf-8")
    judge = Judge(load_rules(template, "rules.toml", CHANNELS))
    scorer, window = NgramScorer(), Window(judge.land)
    scorer.score("预热一次")
    judge.judge(Subject("", "预热一次", Kind.POST, own=True))
    tell("", "预热一次", (), frozenset(), judge.land)
    settle()  # as the service does when it starts
    took: Counter[str] = Counter()
    for number, item in enumerate(items):
        at = time.process_time()

        def lap(step: str) -> None:
            nonlocal at
            now = time.process_time()
            took[step] += now - at
            at = now

        masked = mask_item(item)
        lap("mask")
        score = scorer.score(f"{masked.title}\n{masked.text}")
        lap("score")
        said = judge.judge(
            Subject(masked.title, masked.text, masked.kind, band=score.band if score else None, own=True)
        )
        lap("judge")
        if said.ignored or not (said.relevant or said.joins):
            continue
        trace = Trace(
            item_id=number,
            case_id=None,
            source_id=masked.source_id,
            external_id=masked.external_id,
            parent_id=None,
            fingerprint=fingerprint(masked.title, masked.text),
            normal_title=normal(masked.title),
            normal_text=normal(masked.text),
            places=frozenset(said.places),
            numbers=numbers(f"{masked.title} {masked.text}"),
            topic=said.topic,
            at=masked.published_at or datetime.now(UTC),
        )
        match = window.match(trace)
        window.add(Trace(**{**_fields(trace), "case_id": match.case_id if match else number}))
        lap("group")
    return took


def bare(items: Sequence[Item]) -> None:
    """Print as JSON what the libraries alone take for the same texts; in a process of its own, for caches stay warm."""
    with recording() as calls:
        judge_all(items)
    print(json.dumps(spent(calls)))


def main() -> None:
    """Judge all texts, print what it takes and how much of it is not the libraries'."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--letters", type=int, default=140)
    arguments.add_argument("--bare", action="store_true", help="only what the libraries take, as JSON")
    asked = arguments.parse_args()
    items = list(texts(asked.letters))
    if asked.bare:
        bare(items)
        return
    took = judge_all(items)
    whole = sum(took.values())
    rate = len(items) / whole
    for step, seconds in took.items():
        print(f"{step:<16}{seconds / len(items) * 1e6:>7.0f} us a text")
    print(f"{len(items)} texts of {asked.letters} letters: {rate:.0f} a second (floor {FLOOR}, aim {AIM})")
    again = [sys.executable, __file__, "--letters", str(asked.letters), "--bare"]
    libraries = json.loads(subprocess.run(again, check=True, capture_output=True, text=True).stdout)
    for library, seconds in libraries.items():
        print(f"  {library:<14}{seconds / len(items) * 1e6:>7.0f} us a text")
    overhead = whole / sum(libraries.values())
    print(
        f"overhead: that time over the bare sum of its libraries' time ({', '.join(libraries)}): "
        f"{overhead:.1f} (floor {MOST_OVERHEAD}, aim {AIM_OVERHEAD})"
    )
    if rate < FLOOR or overhead > MOST_OVERHEAD:
        raise SystemExit(1)


def _fields(trace: Trace) -> dict[str, object]:
    return {name: getattr(trace, name) for name in trace.__slots__}


if __name__ == "__main__":
    main()

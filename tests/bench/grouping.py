"""How well texts become matters: B-cubed on a labelled week, pairs that must not meet, and the time it takes.

    python tests/bench/grouping.py [--week FOLDER]... [--show] [--items 100000]

A week is a folder with `week.jsonl`, `gazetteer.json` and `pairs.json` of the form of `yuqing judge`; without `--week` all
weeks found are measured. Two rows each: the relevant texts alone, and all texts, as if nothing kept the irrelevant ones out;
a comment goes where the text went that it answers. Exit code 1 below a floor.
"""

import argparse
import random
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean

from parts import WORDS

from bot.labelled import Line, PlaceMark, read_gazetteer, read_lines, read_pairs
from bot.loop import settle
from routing.grouping import Trace, Window
from routing.normal import fingerprint, normal, numbers
from routing.places import Gazetteer, Place
from routing.telling import Land

HERE = Path(__file__).resolve().parent
DESK = HERE.parents[2] / "shared" / "data" / "desk"
WEEKS = HERE.parent / "data" / "weeks"
FLOOR_F1, FLOOR_PRECISION = 0.85, 0.97
SLOWDOWN = 1.2
SIGNS = "".join(chr(0x4E00 + 13 * number) for number in range(600))


@dataclass(frozen=True)
class County:
    """The places of a labelled week, as the rules and as grouping want them."""

    gazetteer: Gazetteer
    land: Land

    @classmethod
    def of(cls, marks: Sequence[PlaceMark]) -> "County":
        own = next(mark.name for mark in marks if mark.kind == "本县")
        neighbours = [mark.name for mark in marks if mark.kind == "邻县"]
        places = [
            Place(mark.name, tuple(mark.aliases), mark.elsewhere, mark.town, kind=mark.kind)
            for mark in marks
            if mark.kind not in ("本县", "邻县")
        ]
        return cls(Gazetteer(places, own, neighbours), Land.of(places, own, neighbours))

    def trace(self, number: int, line: Line) -> Trace:
        found = self.gazetteer.find(f"{line.title}。{line.text}", own=True)
        return Trace(
            item_id=number,
            case_id=None,
            source_id=line.source.id,
            external_id=line.id,
            parent_id=line.parent,
            fingerprint=fingerprint(line.title, line.text),
            normal_title=normal(line.title),
            normal_text=normal(line.text),
            places=frozenset(place.name for place in found),
            numbers=numbers(f"{line.title} {line.text}"),
            topic=None,
            at=line.published_at,
        )


def group(lines: Sequence[Line], county: County) -> tuple[dict[str, int], dict[str, str]]:
    """Offer texts in order of time; give the case of each, and why it joined."""

    window = Window(county.land)
    cases: dict[str, int] = {}
    why: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        trace = county.trace(number, line)
        window.forget(trace.at)
        found = window.propose(trace)
        if found is not None:
            why[line.id] = f"{'? ' if found.suggested else ''}{found.certainty:.2f} {found.why}"
        joined = found is not None and not found.suggested
        if line.parent and not joined:
            continue  # under a text of no matter
        cases[line.id] = found.case_id if found is not None and joined else number
        window.add(replace(trace, case_id=cases[line.id]))
    return cases, why


def b_cubed(cases: Mapping[str, int], matters: Mapping[str, str]) -> tuple[float, float, float]:
    """Give precision, recall and F1 over the texts that have a matter; a text in no case stands alone."""
    of_case, of_matter = defaultdict(set), defaultdict(set)
    where = {text: cases.get(text, text) for text in matters}
    for text, matter in matters.items():
        of_case[where[text]].add(text)
        of_matter[matter].add(text)
    right = {text: len(of_case[where[text]] & of_matter[matters[text]]) for text in matters}
    precision = sum(right[text] / len(of_case[where[text]]) for text in matters) / len(matters)
    recall = sum(right[text] / len(of_matter[matters[text]]) for text in matters) / len(matters)
    return precision, recall, 2 * precision * recall / (precision + recall)


def met(cases: Mapping[str, int], names: Mapping[str, str], pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Give the pairs that share a case. `names`: the matter of a text, or the text itself where it has none."""
    inside: dict[int, set[str]] = defaultdict(set)
    for text, case in cases.items():
        inside[case] |= {names[text], text}
    return [
        f"{one}/{other}" for one, other in pairs if any({one, other} <= there for there in inside.values())
    ]


@dataclass(frozen=True)
class Week:
    """A labelled week: its texts, its places, the pairs of matters that must not meet."""

    name: str
    lines: Sequence[Line]
    county: County
    pairs: Sequence[tuple[str, str]]

    @classmethod
    def read(cls, folder: Path) -> "Week":
        """Read a folder with `week.jsonl` (or `dev_week.jsonl`), `gazetteer.json` and, where there are any, `pairs.json`."""
        texts = _texts(folder)
        marks = folder / "pairs.json" if texts.name == "week.jsonl" else HERE / "desk_pairs.json"
        return cls(
            folder.name,
            [line for line in read_lines(_read(texts), texts.name) if line.label],
            County.of(read_gazetteer(_read(folder / "gazetteer.json"), "gazetteer.json")),
            read_pairs(_read(marks), marks.name) if marks.is_file() else (),
        )

    def matters(self) -> dict[str, str]:
        """Give the matter of each text that has one."""
        return {line.id: line.label.matter for line in self.lines if line.label and line.label.matter}


@dataclass(frozen=True)
class Score:
    """How well one week fell into its matters: B-cubed, and the marked pairs that met."""

    precision: float
    recall: float
    f1: float
    wrong: Sequence[str]

    @classmethod
    def of(cls, figures: tuple[float, float, float], wrong: Sequence[str] = ()) -> "Score":
        precision, recall, f1 = figures
        return cls(precision, recall, f1, wrong)


def score(week: Week, *, every: bool = False, show: bool = False) -> tuple[int, Score]:
    """Group the relevant texts of a week, or every text, and give how many cases that made and how well."""
    matters = week.matters()
    names = {line.id: matters.get(line.id, line.id) for line in week.lines}
    offered = [line for line in week.lines if every or line.id in matters]
    cases, why = group(offered, week.county)
    if show:
        _show(offered, cases, matters, why)
    number = len({cases.get(text, text) for text in matters})
    return number, Score.of(b_cubed(cases, matters), met(cases, names, week.pairs))


def quality(folders: Iterable[Path], *, show: bool) -> bool:
    """Print two rows a week and their means; say whether every week meets the floors on its relevant texts."""
    print("week       texts     matters  cases  precision  recall     F1  pairs that met")
    rows: dict[str, list[Score]] = {"relevant": [], "all": []}
    for week in map(Week.read, folders):
        for title, scores in rows.items():
            number, found = score(week, every=title == "all", show=show and title == "relevant")
            scores.append(found)
            _row(week.name, title, len(set(week.matters().values())), number, found)
    for title, scores in rows.items():
        parts = [(s.precision, s.recall, s.f1) for s in scores]
        precision, recall, f1 = (fmean(part) for part in zip(*parts, strict=True))
        _row("mean", title, "", "", Score(precision, recall, f1, ()))
    return all(s.f1 >= FLOOR_F1 and s.precision >= FLOOR_PRECISION and not s.wrong for s in rows["relevant"])


def _row(name: str, title: str, matters: int | str, cases: int | str, found: Score) -> None:
    print(
        f"{name:<11}{title:<9}{matters:>8}{cases:>7}{found.precision:>11.3f}{found.recall:>8.3f}{found.f1:>7.3f}"
        f"  {', '.join(found.wrong) or 'none'}",
        flush=True,
    )


def _texts(folder: Path) -> Path:
    named = folder / "week.jsonl"
    return named if named.is_file() else folder / "dev_week.jsonl"


def weeks() -> list[Path]:
    """Give the folders of labelled weeks that are there."""
    return [folder for folder in (DESK, *sorted(WEEKS.glob("*"))) if _texts(folder).is_file()]


def _show(
    lines: Sequence[Line], cases: Mapping[str, int], matters: Mapping[str, str], why: Mapping[str, str]
) -> None:
    """Print merges and splits, the worst first."""
    said = {line.id: f"{line.title} {line.text}".strip()[:34] for line in lines}
    posts = {line.id for line in lines if not line.parent}
    inside: dict[int, list[str]] = defaultdict(list)
    for text, case in cases.items():
        inside[case].append(text)
    for case, texts in sorted(inside.items(), key=lambda entry: -len(entry[1])):
        held = Counter(matters.get(text, text) for text in texts if text in posts)
        if len(held) > 1:
            chief = held.most_common(1)[0][0]
            print(f"  merge {case} {dict(held)}")
            for text in texts:
                if text in posts and matters.get(text, text) != chief:
                    print(f"    {text} {said[text]} | {why.get(text, 'opened it')}")
    for matter in sorted(set(matters.values())):
        parts = Counter(cases.get(text, text) for text, name in matters.items() if name == matter)
        if len(parts) > 1:
            print(f"  split {matter} {sorted(parts.values(), reverse=True)}")
            for part, _ in parts.most_common()[1:]:
                first = next(text for text in matters if cases.get(text, text) == part)
                print(f"    {first} {said[first]} | {why.get(first, '-')}")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# --- time -----------------------------------------------------------------------------------------------------


def pace(items: int) -> bool:
    """Time `match` and `add` over invented texts of 72 h, the last tenth over the first; print and judge it.

    The first tenth is taken in once more by a new window, in turns with the last one: a machine that others work on is
    slower at one moment than at another by more than what is measured. Garbage is looked for as in the service.
    """
    settle()
    window, again, early = Window(), Window(), list[Trace]()
    tenth = items // 10
    first, last, all_of_them = list[float](), list[float](), list[float]()
    for trace in invented(items):
        number = trace.item_id
        all_of_them.append(_taken(window, trace))
        if number <= tenth:
            early.append(trace)
        if number > items - tenth:
            last.append(all_of_them[-1])
            first.append(_taken(again, early[number - items + tenth - 1]))
    # The first thousand fill the caches and the index.
    warm = min(1_000, tenth // 2)
    before, after = fmean(first[warm:]), fmean(last[warm:])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\n{items} texts of 72 h: first tenth {before * 1e6:.0f} us, last tenth {after * 1e6:.0f} us a text, "
        f"ratio {after / before:.2f} (goal {SLOWDOWN}); slowest {max(all_of_them[warm:]) * 1e3:.1f} ms; "
        f"{peak:.0f} MiB"
    )
    return after <= SLOWDOWN * before


def _taken(window: Window, trace: Trace) -> float:
    """Match a text and add it; gives the seconds of processor time."""
    began = time.process_time()
    window.forget(trace.at)
    found = window.match(trace)
    window.add(replace(trace, case_id=found.case_id if found else trace.item_id))
    return time.process_time() - began


def invented(items: int) -> Iterator[Trace]:
    """Give so many texts: one in five is an edited copy, one in five speaks of one of 400 places and a known business."""
    chance = random.Random(20)
    places = [
        f"{a}{b}村"
        for a in "东西南北上下前后左右大小新老石柳槐杨桃李"
        for b in "河山桥庙塘岭坡湾沟坪铺店营寨堡堰井坝岗洼"
    ]
    complaints = [
        "停水了没人管",
        "路灯不亮",
        "暖气不热",
        "臭味太大",
        "拖欠工资不给",
        "电梯困人",
        "垃圾没人清运",
        "大坑没人补",
    ]
    words = (*WORDS, *(f"{chance.choice(SIGNS)}{chance.choice(SIGNS)}" for _ in range(3_000)))
    common = [1 / rank for rank in range(1, len(words) + 1)]
    last: list[str] = []
    start = datetime(2026, 11, 1, tzinfo=UTC)
    for number in range(1, items + 1):
        body = "".join(chance.choices(words, common, k=chance.randint(10, 30)))
        there: list[str] = []
        if last and number % 5 == 0:
            said = f"转：{chance.choice(last)}"
        elif number % 5 == 1:
            there = [chance.choice(places)]
            said = f"{there[0]}{chance.choice(complaints)}，{body}{number}"
        else:
            said = f"{body}{number}"
        yield Trace(
            item_id=number,
            case_id=None,
            source_id="bench",
            external_id=str(number),
            parent_id=None,
            fingerprint=fingerprint("", said),
            normal_title="",
            normal_text=said,
            places=frozenset(there),
            numbers=numbers(said),
            topic=None,
            at=start + timedelta(hours=72) * number / items,
        )
        last = [*last[-200:], said]


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--week", type=Path, action="append", help="a folder; may be said again")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--items", type=int, default=100_000)
    asked = parser.parse_args()
    good = quality(asked.week or weeks(), show=asked.show)
    if asked.items:
        good = pace(asked.items) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

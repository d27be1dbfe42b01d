"""Figures of the judgement over labelled texts: what was found, what was right, which matters were cut or mixed up.

Pure: compares what people labelled with what the machine made of the same text when it came in. A relevant text that
reached no matter counts as wrong wherever relevant texts are counted.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from routing.normal import letters


@dataclass(frozen=True, slots=True)
class Label:
    """What people say of a text: `lead` and `level` as seen from it and what came before it; levels are 1 to 4."""

    relevant: bool
    matter: str | None = None
    lead: str | None = None
    level: int | None = None
    must_answer: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the machine made of a text, as its matter stood right after it.

    `matter` None: it became nothing. `card`: a new card went out for it; `alerted`: a card or another sound did.
    """

    matter: str | None = None
    card: bool = False
    alerted: bool = False
    lead: str | None = None
    level: int | None = None
    must_answer: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """One text: its id, and both opinions of it."""

    id: str
    label: Label
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; `value` None where there was nothing to measure. Shares are in [0, 1], and `hits` of `of`."""

    value: float | None
    hits: int | None = None
    of: int | None = None


def share(hits: int, of: int) -> Figure:
    """Give a share with what it is made of."""
    return Figure(hits / of if of else None, hits, of)


def measure(judged: Sequence[Judged], pairs: Iterable[tuple[str, str]] = ()) -> dict[str, Figure]:
    """Give every figure by its name.

    `pairs`: matters (or single texts, by id) that are easily confused and must never share a case.
    """
    relevant = [one for one in judged if one.label.relevant]
    placed = [one for one in judged if one.verdict.matter is not None]
    cards = [one for one in judged if one.verdict.card]
    with_lead = [one for one in relevant if one.label.lead is not None]
    with_level = [one for one in relevant if one.label.level is not None]
    lead_right = [one for one in with_lead if one.verdict.lead == one.label.lead]
    exact = [one for one in with_level if _levels_apart(one) == 0]
    precision, recall = b_cubed(judged)
    pairs = list(pairs)
    asked = [one for one in judged if one.verdict.must_answer]
    owed = [one for one in judged if one.label.must_answer]
    both = sum(one.label.must_answer for one in asked)
    return {
        "found": share(sum(one.verdict.matter is not None for one in relevant), len(relevant)),
        "cards_right": share(sum(one.label.relevant for one in cards), len(cards)),
        "placed_right": share(sum(one.label.relevant for one in placed), len(placed)),
        "lead_right": share(len(lead_right), len(with_lead)),
        "lead_right_of_found": share(len(lead_right), _placed(with_lead)),
        "b_cubed_precision": Figure(precision),
        "b_cubed_recall": Figure(recall),
        "b_cubed_f1": Figure(_f1(precision, recall)),
        "wrong_merges": _count(len(merged(judged))),
        "confused_pairs": Figure(
            float(len(confused(judged, pairs))), len(confused(judged, pairs)), len(pairs)
        ),
        "level_exact": share(len(exact), len(with_level)),
        "level_within_one": share(sum(_levels_apart(one) <= 1 for one in with_level), len(with_level)),
        "level_exact_of_found": share(len(exact), _placed(with_level)),
        "cards_per_100": Figure(
            100 * len(cards) / len(relevant) if relevant else None, len(cards), len(relevant)
        ),
        "further_alerts": _count(sum(one.verdict.alerted and not one.verdict.card for one in judged)),
        "must_answer_precision": share(both, len(asked)),
        "must_answer_recall": share(both, len(owed)),
    }


def b_cubed(judged: Iterable[Judged]) -> tuple[float | None, float | None]:
    """Give B-cubed precision and recall of the matters, over relevant texts that have one by their label.

    For each text: which share of those in its case is of its matter, and which share of its matter is in its case;
    then the mean. A text without a case is a case of its own. None without texts.
    """
    cells: Counter[tuple[str, str]] = Counter()
    for one in judged:
        if one.label.relevant and one.label.matter is not None:
            cells[one.verdict.matter or f"alone:{one.id}", one.label.matter] += 1
    cases, matters = Counter[str](), Counter[str]()
    for (case, matter), count in cells.items():
        cases[case] += count
        matters[matter] += count
    texts = cells.total()
    if not texts:
        return None, None
    precision = sum(count * count / cases[case] for (case, _), count in cells.items()) / texts
    recall = sum(count * count / matters[matter] for (_, matter), count in cells.items()) / texts
    return precision, recall


def confused(judged: Iterable[Judged], pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Give the pairs, of matters or ids of texts, that meet in a case; one text of each is enough."""
    names: dict[str, set[str]] = defaultdict(set)
    for one in judged:
        if one.verdict.matter is not None:
            names[one.verdict.matter] |= {one.id, one.label.matter or one.id}
    return [pair for pair in pairs if any(set(pair) <= inside for inside in names.values())]


# --- the worst mistakes, the worst first ----------------------------------------------------------------------


def missed(judged: Iterable[Judged]) -> list[Judged]:
    """Give the relevant texts that reached no matter, the gravest first."""
    found = [one for one in judged if one.label.relevant and one.verdict.matter is None]
    return sorted(found, key=lambda one: one.label.level or 9)


def rubbish(judged: Iterable[Judged]) -> list[Judged]:
    """Give the texts that sent a card and concern nobody here, the loudest first."""
    found = [one for one in judged if one.verdict.card and not one.label.relevant]
    return sorted(found, key=lambda one: one.verdict.level or 9)


def split(judged: Iterable[Judged]) -> list[tuple[str, dict[str, list[str]]]]:
    """Give the matters that lie in several cases, with the ids of the texts in each; the most torn first."""
    lies: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in judged:
        if one.label.relevant and one.label.matter is not None and one.verdict.matter is not None:
            lies[one.label.matter][one.verdict.matter].append(one.id)
    torn = [(matter, dict(cases)) for matter, cases in lies.items() if len(cases) > 1]
    return sorted(torn, key=lambda found: (-len(found[1]), found[0]))


def merged(judged: Iterable[Judged]) -> list[tuple[str, dict[str, list[str]]]]:
    """Give the cases that hold several matters, with the ids of the texts of each; the most mixed first."""
    holds: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in judged:
        if one.label.relevant and one.label.matter is not None and one.verdict.matter is not None:
            holds[one.verdict.matter][one.label.matter].append(one.id)
    mixed = [(case, dict(matters)) for case, matters in holds.items() if len(matters) > 1]
    return sorted(mixed, key=lambda found: (-len(found[1]), found[0]))


# --- masking --------------------------------------------------------------------------------------------------


def left_over(planted: Collection[str], stored: str) -> list[str]:
    """Give the planted strings that still stand in the stored text, whatever their spacing, width or punctuation."""
    said = letters(stored)
    return [one for one in planted if letters(one) in said]


def _levels_apart(one: Judged) -> int:
    if one.verdict.level is None or one.label.level is None:
        return 9
    return abs(one.verdict.level - one.label.level)


def _placed(judged: Iterable[Judged]) -> int:
    return sum(one.verdict.matter is not None for one in judged)


def _count(number: int) -> Figure:
    return Figure(float(number), number)


def _f1(precision: float | None, recall: float | None) -> float | None:
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

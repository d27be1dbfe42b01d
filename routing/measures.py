"""Figures of the judgement over labelled texts: what was found, what was right, which matters were cut or mixed up.

Pure: compares what people labelled with what the machine made of the same text when it came in. A relevant text that
reached no matter counts as wrong wherever relevant texts are counted.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from routing.normal import letters

T = TypeVar("T", str, int)


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
    `beside`: its card waits beside that matter, which it is perhaps part of, and comes unless somebody joins the two.
    """

    matter: str | None = None
    card: bool = False
    alerted: bool = False
    beside: str | None = None
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


def measure(judged: Sequence[Judged], pairs: Sequence[tuple[str, str]] = ()) -> dict[str, Figure]:
    """Give every figure by its name.

    `pairs`: matters (or single texts, by id) that are easily confused and must never share a case.
    """
    relevant = [one for one in judged if one.label.relevant]
    cards = [one for one in judged if one.verdict.card]
    return {
        "found": share(len(_found(relevant)), len(relevant)),
        "cards_right": _share_relevant(cards),
        "placed_right": _share_relevant(_found(judged)),
        **_leads(relevant),
        **_matters(judged, pairs),
        **_levels(relevant),
        "cards_per_100": Figure(
            100 * len(cards) / len(relevant) if relevant else None, len(cards), len(relevant)
        ),
        **_waiting(judged, len(cards), len(relevant)),
        "further_alerts": _count(sum(one.verdict.alerted and not one.verdict.card for one in judged)),
        **_must_answer(judged),
    }


def _waiting(judged: Sequence[Judged], cards: int, relevant: int) -> dict[str, Figure]:
    """Give how many cards wait beside another matter, rightly where a text of theirs is there, and all cards if nobody
    decides on any of them. One that rises meanwhile has its card at once.
    """
    so_far: defaultdict[str, set[str | None]] = defaultdict(set)
    waiting = set[str | None]()
    waits = right = 0
    for one in judged:
        verdict, matter = one.verdict, one.label.matter
        if verdict.beside is not None:
            waiting.add(verdict.matter)
            waits += 1
            right += matter is not None and matter in so_far[verdict.beside]
        elif verdict.card:
            waiting.discard(verdict.matter)
        if verdict.matter is not None:
            so_far[verdict.matter].add(matter)
    all_cards = cards + len(waiting)
    undecided = Figure(100 * all_cards / relevant if relevant else None, all_cards, relevant)
    return {"waiting_right": share(right, waits), "cards_per_100_undecided": undecided}


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
    return _several((matter, case, id_) for case, matter, id_ in _cases_of(judged))


def merged(judged: Iterable[Judged]) -> list[tuple[str, dict[str, list[str]]]]:
    """Give the cases that hold several matters, with the ids of the texts of each; the most mixed first."""
    return _several(_cases_of(judged))


def wrong_leads(judged: Iterable[Judged]) -> list[tuple[str, str, list[str]]]:
    """Give the lead that is right, the one that was given, and the ids, of texts found; the most frequent first."""
    return _taken((one.id, one.label.lead or "", one.verdict.lead or "") for one in _found_relevant(judged))


def wrong_levels(judged: Iterable[Judged]) -> list[tuple[int, int, list[str]]]:
    """Give the level that is right, the one that was given, and the ids, of texts found; the most frequent first."""
    return _taken((one.id, one.label.level or 0, one.verdict.level or 0) for one in _found_relevant(judged))


# --- masking --------------------------------------------------------------------------------------------------


def left_over(planted: Collection[str], stored: str) -> list[str]:
    """Give the planted strings that still stand in the stored text, whatever their spacing, width or punctuation."""
    said = letters(stored)
    return [one for one in planted if letters(one) in said]


# --- parts ----------------------------------------------------------------------------------------------------


def _leads(relevant: Sequence[Judged]) -> dict[str, Figure]:
    said = [one for one in relevant if one.label.lead is not None]
    right = sum(one.verdict.lead == one.label.lead for one in said)
    return {"lead_right": share(right, len(said)), "lead_right_of_found": share(right, len(_found(said)))}


def _levels(relevant: Sequence[Judged]) -> dict[str, Figure]:
    said = [one for one in relevant if one.label.level is not None]
    apart = [
        abs(one.verdict.level - one.label.level)
        for one in said
        if one.verdict.level is not None and one.label.level is not None
    ]
    return {
        "level_exact": share(apart.count(0), len(said)),
        "level_within_one": share(apart.count(0) + apart.count(1), len(said)),
        "level_exact_of_found": share(apart.count(0), len(apart)),
    }


def _matters(judged: Sequence[Judged], pairs: Sequence[tuple[str, str]]) -> dict[str, Figure]:
    precision, recall = b_cubed(judged)
    met = len(confused(judged, pairs))
    return {
        "b_cubed_precision": Figure(precision),
        "b_cubed_recall": Figure(recall),
        "b_cubed_f1": Figure(_f1(precision, recall)),
        "wrong_merges": _count(len(merged(judged))),
        "confused_pairs": Figure(float(met), met, len(pairs)) if pairs else Figure(None),
    }


def _must_answer(judged: Sequence[Judged]) -> dict[str, Figure]:
    asked = sum(one.verdict.must_answer for one in judged)
    owed = sum(one.label.must_answer for one in judged)
    both = sum(one.verdict.must_answer and one.label.must_answer for one in judged)
    return {"must_answer_precision": share(both, asked), "must_answer_recall": share(both, owed)}


def _found(judged: Iterable[Judged]) -> list[Judged]:
    return [one for one in judged if one.verdict.matter is not None]


def _found_relevant(judged: Iterable[Judged]) -> list[Judged]:
    return [one for one in _found(judged) if one.label.relevant]


def _share_relevant(judged: Sequence[Judged]) -> Figure:
    return share(sum(one.label.relevant for one in judged), len(judged))


def _cases_of(judged: Iterable[Judged]) -> Iterator[tuple[str, str, str]]:
    """Give case, matter by the label, and id of the relevant texts that have both."""
    for one in judged:
        if one.label.relevant and one.label.matter is not None and one.verdict.matter is not None:
            yield one.verdict.matter, one.label.matter, one.id


def _several(rows: Iterable[tuple[str, str, str]]) -> list[tuple[str, dict[str, list[str]]]]:
    inside: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for outer, inner, id_ in rows:
        inside[outer][inner].append(id_)
    found = [(outer, dict(inner)) for outer, inner in inside.items() if len(inner) > 1]
    return sorted(found, key=lambda one: (-len(one[1]), one[0]))


def _taken(rows: Iterable[tuple[str, T, T]]) -> list[tuple[T, T, list[str]]]:
    ids: dict[tuple[T, T], list[str]] = defaultdict(list)
    for id_, right, given in rows:
        if right and right != given:
            ids[right, given].append(id_)
    found = [(right, given, of) for (right, given), of in ids.items()]
    return sorted(found, key=lambda one: -len(one[2]))


def _count(number: int) -> Figure:
    return Figure(float(number), number)


def _f1(precision: float | None, recall: float | None) -> float | None:
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

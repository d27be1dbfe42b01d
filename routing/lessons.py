"""What a week of corrections teaches: how much of the alerts was right, what was found late, which word is missing. Pure.

A suggestion is a suggestion: nothing here, and nothing that calls it, changes a rule.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from routing.normal import normal

WORD_LETTERS = range(2, 7)
LEAST_CAUGHT = 3
MOST_SUGGESTED = 3
_letters_read = 2_000
_runs = re.compile(r"[\u4e00-\u9fff]+")
# Letters that no word of a rule begins or ends with: what remains is what the text is about.
_empty = frozenset(
    "的了是在我你他她它们这那有和与也都就还又很不没个一上下里着过吗呢吧啊呀把被给让向从到对为以及而但或等之其"
    "要会能可说什么怎哪谁几多少请问今昨明天日月年号时分点早晚现再已才只每各该此将由于因所如何"
)
# What everybody writes who wants an answer, whatever it is about.
_common = (
    "希望",
    "有关",
    "部门",
    "相关",
    "领导",
    "居民",
    "群众",
    "反映",
    "情况",
    "问题",
    "大家",
    "我们",
    "没有",
    "处理",
)


class Share(NamedTuple):
    """So many of so many."""

    part: int
    of: int


class Correction(NamedTuple):
    """What was proposed and what people made of it; `kind` as verdicts have it."""

    kind: str
    proposed: str
    corrected: str
    times: int


@dataclass(frozen=True, slots=True)
class Missed:
    """A text that no rule had a word for and that people put right.

    `channel`: where they sent it, None if they did not. `places`: those that were found in it.
    """

    title: str
    text: str
    channel: str | None = None
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A word that no rule has: in so many of the texts that people put right, and in so many others."""

    word: str
    caught: int
    others: int
    channel: str | None


@dataclass(frozen=True, slots=True)
class Lessons:
    """What one stretch teaches.

    `precision`: of the matters that people judged, those that they did not dismiss. `recall`: of the matters that nobody
    dismissed, those that were told of when their first text came; None where none was found late, for then nobody
    knows. `read`: how many other texts a suggested word was tried on.
    """

    precision: Share | None
    recall: Share | None
    corrections: tuple[Correction, ...]
    suggestions: tuple[Suggestion, ...]
    read: int = 0


def lessons_of(
    *,
    matters: int,
    judged: int,
    dismissed: int,
    found_late: int,
    corrections: Iterable[tuple[str, str, str]],
    missed: Sequence[Missed],
    others: Iterable[str],
    known: Collection[str] = (),
) -> Lessons:
    """Sum up. Of `matters`, `judged` were judged by people, `dismissed` of those; `found_late`: whose first text was none.

    `corrections`: kind, proposed, corrected of each. `others`: texts that became no matter. `known`: what no suggestion may
    be, such as names of places.
    """
    tried = [normal(text[:_letters_read]) for text in others]
    alive = matters - dismissed
    counted = Counter(corrections)
    return Lessons(
        precision=Share(judged - dismissed, judged) if judged else None,
        recall=Share(alive - found_late, alive) if 0 < found_late <= alive else None,
        corrections=tuple(
            Correction(*which, count)
            for which, count in sorted(counted.items(), key=lambda entry: (-entry[1], entry[0]))
        ),
        suggestions=suggest(missed, tried, known) if len(missed) >= LEAST_CAUGHT else (),
        read=len(tried),
    )


def suggest(
    missed: Sequence[Missed], others: Sequence[str], known: Collection[str] = ()
) -> tuple[Suggestion, ...]:
    """Give words of 2 to 6 letters that are in three missed texts at least and in no more others, the best first.

    `others` in normal form. A word is taken whole: one that always stands inside the same longer one is no word. Texts
    that say the same count once. No two suggestions for the same texts.
    """
    texts = list({_plain(one): one for one in missed}.items())
    refused = {normal(name) for name in (*known, *(place for one in missed for place in one.places))}
    words = {
        word: caught
        for word, caught in _words([plain for plain, _ in texts]).items()
        if len(caught) >= LEAST_CAUGHT and not _says_nothing(word, refused)
    }
    ranked = []
    for word, caught in sorted(words.items()):
        hits = sum(word in text for text in others)
        if hits <= len(caught):
            ranked.append((hits - len(caught), -len(word), word, hits))
    chosen: list[Suggestion] = []
    taken: list[frozenset[int]] = []
    for _, _, word, hits in sorted(ranked):
        caught = words[word]
        if len(chosen) < MOST_SUGGESTED and not any(caught <= before for before in taken):
            channels = Counter(texts[place][1].channel for place in caught)
            channel, count = channels.most_common(1)[0]
            chosen.append(Suggestion(word, len(caught), hits, channel if count * 2 > len(caught) else None))
            taken.append(caught)
    return tuple(chosen)


def _plain(one: Missed) -> str:
    return normal(f"{one.title}。{one.text[:_letters_read]}")


def _words(texts: Sequence[str]) -> Mapping[str, frozenset[int]]:
    """Give the runs of letters that stand free, what comes before and after differs, and the texts that hold them."""
    where: dict[str, set[int]] = defaultdict(set)
    before: dict[str, set[str]] = defaultdict(set)
    after: dict[str, set[str]] = defaultdict(set)
    for number, text in enumerate(texts):
        for run in _runs.finditer(text):
            said = run.group()
            for length in WORD_LETTERS:
                for start in range(len(said) - length + 1):
                    word = said[start : start + length]
                    where[word].add(number)
                    # At the edge of a run nothing is joined to the word: each edge counts as another neighbour.
                    before[word].add(said[start - 1] if start else f"^{number}")
                    after[word].add(said[start + length] if start + length < len(said) else f"${number}")
    return {
        word: frozenset(numbers)
        for word, numbers in where.items()
        if len(numbers) >= LEAST_CAUGHT and len(before[word]) > 1 and len(after[word]) > 1
    }


def _says_nothing(word: str, refused: Collection[str]) -> bool:
    return (
        word[0] in _empty
        or word[-1] in _empty
        or any(common in word for common in _common)
        or any(word in name or name in word for name in refused)
    )

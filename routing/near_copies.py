"""Near copies: reposts with words added, dropped or changed, found among any number of texts at the same cost.

MinHash proposes (rensa), RapidFuzz verifies; figures, places and spots forbid. Pure, in memory.
"""

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from operator import add

import rensa
from rapidfuzz import fuzz

from routing.normal import unit
from routing.telling import spots
from routing.traces import Trace

COPY_WINDOW = timedelta(hours=72)
# Below this many letters everybody says the same: 停水通知, 暖气不热.
TELLING_LETTERS = 8

# Measured on 100,000 titles: recall .986, precision .906 and better; lower marks gave .75.
_ratio_mark = 85.0
_partial_mark = 99.0
# Of those, 64 hashes in 16 bands proposed .98 at the price of 10 us a text.
_hashes, _bands, _seed, _threshold = 64, 16, 42, 0.5
_verified = 24
# A text that thousands copy with little changes needs no thousands of originals.
_originals = 64


class NearCopies:
    """The texts of the last 72 h that a new one may be a copy of. Adding an item twice changes nothing."""

    def __init__(self) -> None:
        self._buckets = rensa.RMinHashLSH(_threshold, _hashes, _bands)
        self._held: dict[int, tuple[Trace, str, str]] = {}
        self._of_case: Counter[int] = Counter()
        self._by_age: list[tuple[datetime, int]] = []

    def __len__(self) -> int:
        return len(self._held)

    def add(self, old: Trace, letters: tuple[str, str]) -> None:
        """Hold a text of a matter; `letters` of title and body."""
        if old.item_id in self._held or old.case_id is None or self._of_case[old.case_id] >= _originals:
            return
        parts = [(2 * old.item_id + body, text) for body, text in enumerate(letters) if _tells(text)]
        if not parts:
            return
        for key, text in parts:
            self._buckets.insert(key, _signature(text))
        self._held[old.item_id] = (old, *letters)
        self._of_case[old.case_id] += 1
        heapq.heappush(self._by_age, (old.at, old.item_id))

    def remove(self, item_id: int) -> None:
        """Let go of one text; nothing happens where it is not held."""
        held = self._held.pop(item_id, None)
        if held is None:
            return
        case_id = held[0].case_id
        assert case_id is not None
        self._of_case[case_id] -= 1
        if not self._of_case[case_id]:
            del self._of_case[case_id]
        for body, text in enumerate(held[1:]):
            if _tells(text):
                self._buckets.remove(2 * item_id + body)

    def forget(self, before: datetime) -> None:
        """Let go of all that was published before."""
        while self._by_age and self._by_age[0][0] < before:
            self.remove(heapq.heappop(self._by_age)[1])

    def find(self, new: Trace, letters: tuple[str, str]) -> Iterator[tuple[Trace, str, float]]:
        """Give the held texts that `new` is a near copy of, with the reason (Chinese) and how sure, oldest item first."""
        seen: set[int] = set()
        for text in letters:
            if _tells(text):
                seen.update(key // 2 for key in self._buckets.query(_signature(text)))
        for item_id in sorted(seen - {new.item_id})[-_verified:]:
            old, title, body = self._held[item_id]
            likeness = _near_copy(new, letters, old, (title, body))
            if likeness is not None:
                yield old, *likeness


def _tells(letters: str) -> bool:
    return len(letters) >= TELLING_LETTERS


@lru_cache(maxsize=64)
def _signature(letters: str) -> "rensa.RMinHash":
    signature = rensa.RMinHash(_hashes, _seed)
    signature.update(
        list(map(add, letters, letters[1:]))
    )  # their order is no matter, nor how often each comes
    return signature


# --- verification ---------------------------------------------------------------------------------------------


def _near_copy(
    new: Trace, mine: tuple[str, str], old: Trace, theirs: tuple[str, str]
) -> tuple[str, float] | None:
    if abs(new.at - old.at) > COPY_WINDOW or apart(new.places, old.places):
        return None
    one, other = comparable(mine, theirs)
    if not (_tells(one) and _tells(other)):
        return None
    likeness = _likeness(one, other)
    if likeness is None or figures_differ(new, old) or disjoint(_spots(new), _spots(old)):
        return None
    return likeness


def _likeness(one: str, other: str) -> tuple[str, float] | None:
    ratio = fuzz.ratio(one, other, score_cutoff=_ratio_mark)
    if ratio:
        return f"与已有信息文字相近（{ratio:.0f}%）", round(ratio / 100, 2)
    if max(len(one), len(other)) > 2 * min(len(one), len(other)) or not _may_hold(one, other):
        return None
    if fuzz.partial_ratio(one, other, score_cutoff=_partial_mark):
        return "一条的文字包含在另一条里", 0.9
    return None


def _may_hold(one: str, other: str) -> bool:
    """Say whether the longer text may hold the shorter one, but for so few changes as `_partial_mark` allows: each spoils
    one part of it at most, so that of one part more than changes one is left whole.
    """
    short, long = sorted((one, other), key=len)
    parts = int(2 * len(short) * (100 - _partial_mark) / 100) + 1
    size = len(short) // parts
    return any(short[at : at + size] in long for at in range(0, size * parts, size))


def comparable(mine: tuple[str, str], theirs: tuple[str, str]) -> tuple[str, str]:
    """Give the two strings to compare: the titles where both tell something, else the bodies (or what there is)."""
    if _tells(mine[0]) and _tells(theirs[0]):
        return mine[0], theirs[0]
    return mine[1] or mine[0], theirs[1] or theirs[0]


def disjoint(mine: Collection[str], theirs: Collection[str]) -> bool:
    """Say whether both name something and nothing in common: silence contradicts nobody."""
    return bool(mine) and bool(theirs) and set(mine).isdisjoint(theirs)


def apart(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    """Say whether each names a place that the other does not: two notices of one water company are two matters."""
    return bool(mine - theirs) and bool(theirs - mine)


def figures_differ(new: Trace, old: Trace) -> bool:
    """Compare figures unit by unit: 3号楼 and 5号楼 differ, though both texts say 8时."""
    mine, theirs = _by_unit(new.numbers), _by_unit(old.numbers)
    return any(mine[name].isdisjoint(theirs[name]) for name in mine.keys() & theirs.keys())


def _by_unit(figures: Iterable[str]) -> dict[str, set[str]]:
    grouped: dict[str, set[str]] = {}
    for figure in figures:
        grouped.setdefault(unit(figure), set()).add(figure)
    return grouped


def _spots(trace: Trace) -> Collection[str]:
    return spots(f"{trace.normal_title}。{trace.normal_text}")

"""The words and the score that snownlp gives, computed another way: equal to the last bit, many times faster.

The original (snownlp 0.12.3, `seg/y09_2047.py`, `classification/bayes.py`, MIT) looks six counts up for each of 64
transitions a character and copies whole paths. Here the sixteen transitions of two characters are worked out once and
kept, three characters touch only the few entries that exist, and paths are pointers back. What must be so to stay equal
stands beside it. `tests/test_monitors_segmenter.py` compares.
"""

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from monitors.snowtables import TAGS, Package, Tables, open_tables

_han = re.compile("([\u4e00-\u9fa5]+)")
_never = float("-inf")
_near = 1e-6
pairs_kept = 40_000
runs_kept = 10_000
"""Bounds of what is remembered. With all of it full a child that scores holds some 140 MiB (`tests/bench/segmenter.py`)."""


class Segmenter:
    """Cuts Chinese text into words as snownlp does. Not safe to share between threads while it learns."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._unknown = len(tables.characters)
        singles = tables.unigrams
        self._seen = [any(singles[n * 4 : n * 4 + 4]) for n in range(self._unknown)] + [False]
        self._logs = lru_cache(pairs_kept)(self._pair_logs)
        self._counts = lru_cache(pairs_kept)(
            lambda first, second: {(r, t): n for r, t, n in tables.pair(first, second)}
        )
        self._words = lru_cache(runs_kept)(self._cut)

    def words(self, text: str) -> list[str]:
        """Give the words in order; what is not Chinese is split at white space."""
        words: list[str] = []
        for part in _han.split(text):
            piece = part.strip()
            if not piece:
                continue
            if _han.match(piece):
                words += self._words(piece)
            else:
                words += piece.split()
        return words

    def _cut(self, run: str) -> tuple[str, ...]:
        words = []
        word = ""
        for letter, tag in zip(run, self._tags(run), strict=True):
            if tag == 2:  # e: ends a word
                words.append(word + letter)
                word = ""
            elif tag == 1:  # m
                word += letter
            else:  # b and s: begin one; what was begun before ends here
                if word:
                    words.append(word)
                word = letter
        if word:
            words.append(word)
        return tuple(words)

    def _tags(self, run: str) -> list[int]:
        """Give the likeliest tags: Viterbi over pairs of tags, `scores[now * 4 + before]`.

        A state that cannot be (-inf) keeps its FIRST predecessor, ties keep the first, and a character that was
        never seen takes the LAST predecessor of equal tag: all three are the original's.
        """
        names = [self.tables.characters.get(letter, self._unknown) for letter in run]
        scores = self._first(names[0])
        before, last = 0, names[0]
        back: list[list[int]] = []
        for place, name in enumerate(names[1:], start=1):
            if place == 1:
                scores = self._second(scores, last, name)
                back.append([])
            else:
                scores, pointers = self._next(scores, before, last, name)
                back.append(pointers)
            before, last = last, name
        if len(names) == 1:
            return [scores.index(max(scores))]
        state = scores.index(max(scores))
        tags = [state >> 2]
        for pointers in reversed(back):
            tags.append(state & 3)
            if pointers:
                state = (state & 3) << 2 | pointers[state]
        return tags[::-1]

    def _first(self, name: int) -> list[float]:
        if not self._seen[name]:
            return [0.0] * 4
        logs, sums = self._logs(0, name)
        triples = {tags[2]: tags[3] for tags in self.tables.triple(0, 0, name)}
        below = self._pair_count(0, 0, 0, 0)
        return [self._with_triple(sums[s * 4], logs[s * 4], triples.get(s, 0), below) for s in range(4)]

    def _second(self, scores: list[float], last: int, name: int) -> list[float]:
        if not self._seen[name]:
            return [scores[t] for _ in range(4) for t in range(4)]
        logs, sums = self._logs(last, name)
        triples = {(t, s): n for _, t, s, n in self.tables.triple(0, last, name)}
        made = []
        for s in range(4):
            for t in range(4):
                log = logs[s * 4 + t]
                if count := triples.get((t, s)):
                    log = self._with_triple(sums[s * 4 + t], log, count, self._pair_count(0, last, 0, t))
                made.append(scores[t] + log)
        return made

    def _next(self, scores: list[float], before: int, last: int, name: int) -> tuple[list[float], list[int]]:
        if not self._seen[name]:
            return [scores[t * 4 + 3] for _ in range(4) for t in range(4)], [3] * 16
        logs, sums = self._logs(last, name)
        best: list[float] = []
        which: list[int] = []
        doubtful: list[int] = []
        for t in range(4):
            a, b, c, d = scores[t * 4 : t * 4 + 4]
            top, at = a, 0
            if b > top:
                top, at = b, 1
            if c > top:
                top, at = c, 2
            if d > top:
                top, at = d, 3
            best.append(top)
            which.append(at)
            if at:
                # Two paths that differ by a rounding error may tie once the same number is added to both.
                floor = top - _near * (1 + abs(top))
                if a >= floor or (at > 1 and b >= floor) or (at > 2 and c >= floor):
                    doubtful.append(t)
        p, q, r, w = best
        # Spelled out, for this line is most of the time that a text takes.
        new = [
            p + logs[0], q + logs[1], r + logs[2], w + logs[3],
            p + logs[4], q + logs[5], r + logs[6], w + logs[7],
            p + logs[8], q + logs[9], r + logs[10], w + logs[11],
            p + logs[12], q + logs[13], r + logs[14], w + logs[15],
        ]  # fmt: skip
        pointers = which * 4
        if _never in new:
            pointers = [0 if score == _never else at for score, at in zip(new, pointers, strict=True)]
        for t in doubtful:
            for s in range(4):
                self._exactly(new, pointers, scores, s, t, (logs[s * 4 + t],) * 4)
        special: dict[tuple[int, int], list[float]] = {}
        for r, t, s, count in self.tables.triple(before, last, name):
            row = special.setdefault((s, t), [logs[s * 4 + t]] * 4)
            row[r] = self._with_triple(sums[s * 4 + t], row[r], count, self._pair_count(before, last, r, t))
        for (s, t), row in special.items():
            self._exactly(new, pointers, scores, s, t, row)
        return new, pointers

    @staticmethod
    def _exactly(
        new: list[float], pointers: list[int], scores: list[float], s: int, t: int, logs: Sequence[float]
    ) -> None:
        """Find the best predecessor of one state as the original does, one after another."""
        top, at = scores[t * 4] + logs[0], 0
        for r in (1, 2, 3):
            score = scores[t * 4 + r] + logs[r]
            if score > top:
                top, at = score, r
        new[s * 4 + t], pointers[s * 4 + t] = top, at

    def _with_triple(self, both: float, log: float, count: int, below: int) -> float:
        if not count or not below:
            return log
        # The sum in the original's order: (one + two) + three.
        return math.log(both + float(self.tables.weights[2] * count) / below)

    def _pair_count(self, first: int, second: int, before: int, now: int) -> int:
        return self._counts(first, second).get((before, now), 0)

    def _pair_logs(self, first: int, second: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Give log and sum of the parts of one and two characters, for sixteen pairs of tags (`now * 4 + before`)."""
        tables = self.tables
        one, two, _ = tables.weights
        # Most pairs have one or two counts: what the others say hangs on the second tag only, so four numbers are shared.
        singles = [one * (float(tables.unigrams[second * 4 + s]) / tables.total) for s in range(4)]
        sums = [single for single in singles for _ in TAGS]
        logs = [log for log in map(_log, singles) for _ in TAGS]
        if first != self._unknown:
            for (t, s), count in self._counts(first, second).items():
                if below := tables.unigrams[first * 4 + t]:
                    place = s * 4 + t
                    sums[place] += float(two * count) / below
                    logs[place] = _log(sums[place])
        return tuple(logs), tuple(sums)


def _log(share: float) -> float:
    return math.log(share) if share else _never


class Classifier:
    """snownlp's `sentiment.classify`: the words, without stop words, weighed by its two tables."""

    def __init__(self, folder: Path | None = None) -> None:
        package = Package()
        self.version = package.version
        self.segmenter = Segmenter(open_tables(folder))
        self._stop = package.stop_words
        model = package.model("sentiment/sentiment.marshal.3")
        names = list(model["d"])
        parts = [model["d"][name] for name in names]
        self._first_is_positive = names[0] == "pos"
        self._start = [math.log(part["total"]) - math.log(model["total"]) for part in parts]
        self._absent = tuple(math.log(float(part["none"]) / part["total"]) for part in parts)
        self._logs = {
            word: tuple(math.log(float(part["d"].get(word, part["none"])) / part["total"]) for part in parts)
            for word in {*parts[0]["d"], *parts[1]["d"]}
        }

    def classify(self, text: str) -> float:
        """Give what snownlp gives: 1 friendly, 0 not; 0.526… for a text without a word. Never raises on a str."""
        first, second = self._start
        for word in self.segmenter.words(text):
            if word not in self._stop:
                logs = self._logs.get(word, self._absent)
                first += logs[0]
                second += logs[1]
        one, other = _share(first, second), _share(second, first, turned=True)
        # The original asks one class after the other and keeps the first of equals.
        won_by_first = one >= other
        share = one if won_by_first else other
        return share if won_by_first == self._first_is_positive else 1 - share


def _share(own: float, other: float, *, turned: bool = False) -> float:
    try:
        parts = (math.exp(other - own), 1.0) if turned else (1.0, math.exp(other - own))
        return 1 / (0 + parts[0] + parts[1])
    except OverflowError:
        return 0.0

"""A draft rule set on stored history: what it would propose for each text, against what was decided then. Pure.

Nothing is decided here again: matters stay as they are, and what people said stays what it is measured by.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from routing import office_opinions
from routing.conditions import Subject
from routing.items import Counts, Kind
from routing.judging import Judge, stood
from routing.levels import by_press, gravest
from routing.near_copies import COPY_WINDOW, NearCopies
from routing.normal import letters, normal, numbers
from routing.office import Level, Marks, Office
from routing.opinions import Opinions
from routing.rule_tree import ELSEWHERE, MODEL
from routing.rules import load_rules
from routing.traces import Trace

NONE = "none"
"""Stands for "no matter" where a channel would stand."""
_letters_compared = 2_000
_by_root = "root"
_no_rules = frozenset({MODEL, ELSEWHERE, _by_root})


@dataclass(frozen=True, slots=True)
class Then:
    """What was decided of a text when it came.

    `relevant`: by its own words; a text can also be in a matter (`case_id`) for being like the other texts there.
    `channel`: of the proposal that it led to, None where it led to none; `level` likewise, but only where its matter
    began with it (`opened`), for later ones are proposed at the level of the whole matter.
    `rules`: id and name of the rules that it hit; `version`: of the rules and models that judged it.
    """

    relevant: bool
    case_id: int | None = None
    channel: str | None = None
    level: Level | None = None
    opened: bool = False
    rules: tuple[tuple[str, str], ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """One stored text, with what is judged of it and what was decided. `at`: when it was first seen, aware."""

    id: int
    subject: Subject
    at: datetime
    published_at: datetime | None
    then: Then

    @property
    def title(self) -> str:
        """What it is called, on one line."""
        return " ".join((self.subject.title or self.subject.text).split())


class Now(NamedTuple):
    """What the draft proposes for a text; `rules` are id and name of those that it hits."""

    relevant: bool
    channel: str | None
    level: Level | None
    places: tuple[str, ...]
    rules: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What people said of a matter, by its first text. `channel` and `level` None: nobody has said."""

    relevant: bool
    channel: str | None = None
    level: Level | None = None


class Change(StrEnum):
    """What the draft would do otherwise with a text."""

    NEW = "new"
    GONE = "gone"
    CHANNEL = "channel"
    LEVEL = "level"


@dataclass(frozen=True, slots=True)
class Example:
    """One text that would fare otherwise: channel and level then and now (`none`: no matter), and why now."""

    change: Change
    title: str
    then: tuple[str, Level | None]
    now: tuple[str, Level | None]
    why: str


@dataclass(frozen=True, slots=True)
class Hit:
    """How many texts one rule took, as stored then and by the draft now."""

    id: str
    name: str
    then: int
    now: int


class Agreement(NamedTuple):
    """Of so many matters that people judged in one respect (relevant, channel, level), how many were right."""

    what: str
    of: int
    then: int
    now: int


@dataclass(frozen=True, slots=True)
class Alerts:
    """The cards of the whole stretch, and of its busiest day of the office's zone."""

    total: int
    busiest: int


@dataclass(frozen=True, slots=True)
class Report:
    """A whole replay. `stock`: texts that stood there before the watch began, which are not compared.

    `days`: how long the history is, at least 1. `untagged`: texts of sources that are no longer configured, judged
    without their tags. `proposed`: how many texts led to a proposal then and would now, so that channel and level
    can be held against each other; `moves`: those that differ, by what, then and now, most frequent first.
    """

    items: int
    stock: int
    days: float
    untagged: int
    versions: tuple[tuple[str, int], ...]
    relevant_then: int
    relevant_now: int
    changes: Mapping[Change, int]
    proposed: int
    moves: tuple[tuple[Change, str, str, int], ...]
    alerts_then: Alerts
    alerts_now: Alerts
    hits: tuple[Hit, ...]
    agreement: tuple[Agreement, ...]
    examples: tuple[Example, ...]


# --- judging anew ---------------------------------------------------------------------------------------------


def judge_some(
    text: str, file: str, channels: tuple[str, ...], models: Path | None, subjects: Sequence[Subject]
) -> list[Now]:
    """Judge texts by a rule file and the models in a folder. For a process of its own: both are read once in each.

    Raises ConfigError with every problem of the file.
    """
    judge = _quick(text, file, channels, models)
    return [_judged(judge, subject) for subject in subjects]


@cache
def _quick(text: str, file: str, channels: tuple[str, ...], models: Path | None) -> Judge:
    own = office_opinions.models(models) if models else {}
    return Judge(load_rules(text, file, channels), _Quick(own))


def _judged(judge: Judge, subject: Subject) -> Now:
    said = judge.judge(subject)
    rules = tuple((reason.rule, reason.name) for reason in said.reasons if reason.rule not in _no_rules)
    return Now(said.relevant, said.channel, said.level, said.places, rules)


class _Quick(Opinions):
    """The same opinions without what a replay does not count; the few examples are judged again in full."""

    def area(self, subject: Subject) -> str:
        """Name no subject area."""
        return ""


def was_relevant(reasons: Sequence[Mapping[str, Any]]) -> bool:
    """Read off stored reasons whether the text was relevant by its own words.

    What a model said is the last word; the root says in its note that nobody took the text; else a rule did.
    """
    notes = {str(reason.get("rule")): str(reason.get("note", "")) for reason in reasons}
    if ELSEWHERE in notes:
        return False
    if MODEL in notes:
        return not notes[MODEL].startswith("不")
    if _by_root in notes:
        return notes[_by_root].startswith("没有其他")
    return bool(notes)


def rules_of(reasons: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Give id and name of the rules in stored reasons; the root and the models are none."""
    return tuple(
        (str(reason.get("rule")), str(reason.get("name")))
        for reason in reasons
        if reason.get("rule") not in _no_rules
    )


# --- counting -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Kept:
    """The examples of one change that tell most: those that would show a card, then the gravest, then the newest."""

    most: int
    found: list[tuple[tuple[bool, int, int], Past, Now]] = field(default_factory=list)

    def add(self, past: Past, now: Now, *, shows_card: bool) -> None:
        level = min(past.then.level or Level.IV, now.level or Level.IV)
        self.found.append(((not shows_card, int(level), -past.id), past, now))
        if len(self.found) > 4 * self.most:
            self.cut()

    def cut(self) -> None:
        self.found.sort(key=lambda entry: entry[0])
        del self.found[self.most :]


class Tally:
    """Adds up a replay, portion by portion in order of time. `said`: what people said, by the matter's first text."""

    def __init__(self, office: Office, said: Mapping[int, Said], examples: int) -> None:
        self._office = office
        self._said = said
        self._items = self._proposed = self._stock = self._untagged = 0
        self._relevant = Counter[str]()
        self._versions = Counter[str]()
        self._changes = Counter[Change]()
        self._moves = Counter[tuple[Change, str, str]]()
        self._hits: dict[str, list[Any]] = {}
        self._agreed = {what: [0, 0, 0] for what in ("relevant", Change.CHANNEL.value, Change.LEVEL.value)}
        self._kept = {change: _Kept(examples) for change in Change}
        self._cards_then = Counter[date]()
        self._cards = _Cards(office.zone)

    def add(self, pasts: Sequence[Past], nows: Sequence[Now], *, stock: int = 0, untagged: int = 0) -> None:
        """Count one portion: the texts, and what the draft makes of each. `stock`, `untagged`: as in the report."""
        self._stock += stock
        self._untagged += untagged
        for past, now in zip(pasts, nows, strict=True):
            self._add(past, _levelled(past, now, self._office.marks))

    def _add(self, past: Past, now: Now) -> None:
        then = past.then
        self._items += 1
        self._versions[then.version] += 1
        self._relevant["then"] += then.relevant
        self._relevant["now"] += now.relevant
        for place, rules in enumerate((then.rules, now.rules)):
            for key, name in rules:
                hit = self._hits.setdefault(key, [name, 0, 0])
                hit[1 + place] += 1
        if then.opened:
            self._cards_then[past.at.astimezone(self._office.zone).date()] += 1
        shows_card = now.relevant and self._cards.take(past, now)
        for change in self._changed(past, now):
            self._changes[change] += 1
            self._kept[change].add(past, now, shows_card=shows_card)
        if past.id in self._said:
            self._agree(then, now, self._said[past.id])

    def _changed(self, past: Past, now: Now) -> Iterator[Change]:
        then = past.then
        if now.relevant and not then.relevant and then.case_id is None:
            yield Change.NEW
        if then.relevant and not now.relevant:
            yield Change.GONE
        if not now.relevant or then.channel is None:
            return
        self._proposed += 1
        level = str(int(now.level or Level.IV))
        for change, old, new in (
            (Change.CHANNEL, then.channel, str(now.channel)),
            (Change.LEVEL, str(int(then.level)) if then.level else level, level),
        ):
            if old != new:
                self._moves[(change, old, new)] += 1
                yield change

    def _agree(self, then: Then, now: Now, said: Said) -> None:
        held: list[tuple[str, object, object, object]] = [
            ("relevant", said.relevant, then.relevant, now.relevant)
        ]
        if said.channel is not None:
            held.append(("channel", said.channel, then.channel, now.channel))
        if said.level is not None:
            held.append(("level", said.level, then.level, now.level))
        for what, right, before, after in held:
            counts = self._agreed[what]
            counts[0] += 1
            counts[1] += before == right
            counts[2] += after == right

    def report(self, *, days: float, explain: Callable[[Subject], str]) -> Report:
        """Give what was counted. `explain` says why the draft judges a text as it does (Chinese)."""
        return Report(
            items=self._items,
            stock=self._stock,
            days=days,
            untagged=self._untagged,
            versions=tuple(self._versions.most_common()),
            relevant_then=self._relevant["then"],
            relevant_now=self._relevant["now"],
            changes={change: self._changes[change] for change in Change},
            proposed=self._proposed,
            moves=tuple((*move, count) for move, count in _most(self._moves)),
            alerts_then=_alerts(self._cards_then),
            alerts_now=_alerts(self._cards.by_day),
            hits=tuple(
                Hit(key, name, then, now)
                for key, (name, then, now) in sorted(
                    self._hits.items(), key=lambda hit: (-hit[1][2], -hit[1][1], hit[0])
                )
            ),
            agreement=tuple(Agreement(what, *counts) for what, counts in self._agreed.items()),
            examples=tuple(self._examples(explain)),
        )

    def _examples(self, explain: Callable[[Subject], str]) -> Iterator[Example]:
        for change, kept in self._kept.items():
            kept.cut()
            for _, past, now in kept.found:
                then = past.then
                was = (then.channel or "", then.level) if then.relevant else (NONE, None)
                is_now = (now.channel or "", now.level) if now.relevant else (NONE, None)
                yield Example(change, past.title, was, is_now, explain(past.subject))


class _Cards:
    """Counts the cards that a draft would show: one a matter.

    A text of a stored matter shows a card once for that matter; one of no matter unless it is a near copy of a text
    that counts already. Comments show none, but for one that opened its matter then.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self.by_day = Counter[date]()
        self._zone = zone
        self._copies = NearCopies()
        self._cases: set[int] = set()

    def take(self, past: Past, now: Now) -> bool:
        """Tell whether this relevant text shows a card; hold it as one that others may copy."""
        then = past.then
        if past.subject.kind is Kind.COMMENT and not then.opened:
            return False
        trace = _trace(past, now)
        parts = letters(trace.normal_title), letters(trace.normal_text)
        self._copies.forget(past.at - 2 * COPY_WINDOW)
        # A text that belongs to no matter counts under a number that no matter has.
        case_id = -past.id if then.case_id is None else then.case_id
        if then.case_id is None:
            original = next(iter(self._copies.find(trace, parts)), None)
            case_id = (original[0].case_id or case_id) if original else case_id
        self._copies.add(replace(trace, case_id=case_id), parts)
        if case_id in self._cases:
            return False
        self._cases.add(case_id)
        self.by_day[past.at.astimezone(self._zone).date()] += 1
        return True


def _trace(past: Past, now: Now) -> Trace:
    subject = past.subject
    return Trace(
        item_id=past.id,
        case_id=None,
        source_id="",
        external_id="",
        parent_id=None,
        fingerprint="",
        normal_title=normal(subject.title),
        normal_text=normal(subject.text[:_letters_compared]),
        places=frozenset(now.places),
        numbers=numbers(f"{subject.title} {subject.text[:_letters_compared]}"),
        topic=None,
        at=past.published_at or past.at,
    )


def _levelled(past: Past, now: Now, marks: Mapping[Level, Marks]) -> Now:
    """Give the level of a proposal as the desk would: what the rules say, raised by media and counts.

    The counts are those of today, and no longer those of then: a level that they explain is none that the draft changed.
    """
    if not now.relevant:
        return now
    said = min(now.level or Level.IV, gravest([by_press({stood(past.subject)})]).level)
    reached = _reached(past.subject.counts, marks)
    if reached < said:
        said = max(reached, min(past.then.level or reached, said))
    return now._replace(level=said)


def _reached(counts: Counts, marks: Mapping[Level, Marks]) -> Level:
    for level in sorted(marks):
        mark = marks[level]
        if (
            (counts.views or 0) >= mark.views
            or (counts.reposts or 0) >= mark.reposts
            or (counts.comments or 0) >= mark.comments
        ):
            return level
    return Level.IV


def _alerts(by_day: Counter[date]) -> Alerts:
    return Alerts(by_day.total(), max(by_day.values(), default=0))


def _most(counts: Counter[tuple[Change, str, str]]) -> list[tuple[tuple[Change, str, str], int]]:
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))


def days_of(since: datetime, first: datetime, until: datetime) -> float:
    """Give how many days of history there are between `since`, or the first text after it, and `until`; at least 1."""
    return max(1.0, math.ceil((until - max(since, first)) / timedelta(hours=1)) / 24)

"""Rules: `rules.toml` -> a tree, and what the tree proposes for one text: relevant, channel, copies, level, topic.

Pure. Proposes and gives its reasons; a person decides. Reads no file and no clock. Levels by spread are not here
(they follow from counts and the marks of the office), nor is sentiment computed: its band is one condition.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

from routing.conditions import Subject, View
from routing.items import Band, Kind
from routing.normal import normal
from routing.office import Level
from routing.owed import Owed, of_lead, plainest
from routing.places import Gazetteer, Place
from routing.rule_tree import Groups, Reason, Rule, Says, compile_rules, shown
from routing.rules_file import ConditionsEntry, RuleEntry, RulesFile, read_rules
from routing.telling import Land
from routing.vocabulary import Vocabulary

__all__ = ["Judgement", "Reason", "Rules", "Subject", "load_rules"]

# Who leads where several channels fit: life and order before claims, claims before media, media before talk.
# A project default (项目默认); channels that the office adds stand before the last, which takes all else.
_order = ("security", "petition", "publicity", "network")
_last = "office"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A proposal with its reasons. Never without a reason, be it that no rule took the text.

    `places` are names from the gazetteer, without the county itself: that tells no two matters apart.
    `ignored`: an `[[ignore]]` rule holds, so that an advert below a matter need not join it; `passed`: one holds that keeps
    the text from opening a matter, not from joining one (thanks, routine). `needs_band`: the text
    was not scored, and a score could change what is proposed; where it is False nobody need wait for the score.
    `ours`: the text speaks of the county, by its words or by its source. `joins`: it is worth a look whether it belongs
    to a matter, though it would open none; `lead` is then who should lead, by this text alone. `subject`: the
    likeliest of the subject areas, None where nobody looked. `graded_by`: names of the rules that gave the level.
    `owed`: on what ground it must be answered, None where it need not.
    """

    relevant: bool
    channel: str | None
    copies: tuple[str, ...]
    level: Level | None
    reasons: tuple[Reason, ...]
    places: tuple[str, ...]
    topic: str | None
    must_answer: bool
    ignored: bool = False
    passed: bool = False
    needs_band: bool = False
    ours: bool = False
    joins: bool = False
    subject: str | None = None
    lead: str | None = None
    graded_by: tuple[str, ...] = ()
    owed: Owed | None = None


class Rules:
    """A whole rule file, compiled; immutable, safe to share between threads. Made by `load_rules`."""

    def __init__(self, file: RulesFile, version: str, channels: Collection[str]) -> None:
        self.version = version
        self.gazetteer = Gazetteer(
            [
                Place(
                    place.name,
                    tuple(place.aliases),
                    place.elsewhere,
                    place.town,
                    tuple(place.loose),
                    place.kind or "",
                )
                for place in file.place
            ],
            file.county,
            file.neighbours,
        )
        self.land = Land.of(self.gazetteer.places, file.county, file.neighbours)
        groups = Groups(file.words)
        self._ignore = compile_rules(file.ignore, groups)
        self._tree = compile_rules(file.rule, groups)
        self.root_channel = file.root.channel
        self._root_words = groups.words(file.root.any_of)
        self._channels = frozenset(channels)
        self._rank = {key: place for place, key in enumerate(_ranked(channels))}
        rules = (*self._ignore.rules, *self._tree.rules)
        self.asks_burst = _ask_burst((*file.ignore, *file.rule))
        self._vocabulary = Vocabulary(
            (*(form for rule in rules for form in rule.forms()), *self._root_words.forms)
        )

    def place_names(self) -> tuple[str, ...]:
        """Give the names of the own places, without aliases, in file order."""
        return tuple(place.name for place in self.gazetteer.places)

    def with_places(self, gazetteer: Gazetteer) -> "Rules":
        """Give the same rules for another county; the version names both."""
        other = copy(self)
        other.gazetteer = gazetteer
        other.land = Land.of(gazetteer.places, gazetteer.county, gazetteer.neighbours)
        other.version = _name(f"{self.version} {gazetteer.version}")
        return other

    def judge(self, subject: Subject) -> Judgement:
        """Propose. Never raises on a text.

        1. The `[[ignore]]` rules: the first that holds makes the text irrelevant and is the reason; one that says `may_join`
           leaves it to join a matter that is there.
        2. The tree, depth first; the first match ends it unless the rule says `continue`.
        3. What nobody took and what seems to need an answer goes to the root's channel.
        """
        view = self._look(subject)
        found = self._find(view)
        proposal = self._propose(found)
        return Judgement(
            relevant=proposal.channel is not None,
            channel=proposal.channel,
            copies=proposal.copies,
            level=proposal.level,
            reasons=tuple(found.reasons(view, proposal)),
            places=tuple(place.name for place in view.sighting.places),
            topic=proposal.topic,
            must_answer=proposal.must_answer,
            ignored=proposal.ignored,
            passed=found.is_ignored and not proposal.ignored,
            needs_band=subject.band is None and self._hangs_on_the_band(view, proposal),
            ours=view.is_ours(),
            joins=not proposal.ignored and (proposal.channel is not None or subject.kind is Kind.COMMENT),
            lead=proposal.channel,
            graded_by=found.graded_by(proposal),
            owed=proposal.owed,
        )

    def rank(self, channel: str) -> int:
        """Give the place of a channel in the order of who leads where several fit, 0 first; unknown ones come last."""
        return self._rank.get(channel, len(self._rank))

    def has(self, channel: str) -> bool:
        """Tell whether the office has this channel."""
        return channel in self._channels

    def _look(self, subject: Subject) -> View:
        plain = normal(f"{subject.title}。{subject.text}" if subject.title else subject.text)
        sighting = self.gazetteer.survey_plain(plain, own=subject.own)
        return View(subject, plain, self._vocabulary.find(plain), sighting, self._vocabulary)

    def _hangs_on_the_band(self, view: View, unscored: "_Proposal") -> bool:
        """Say whether some score would change the proposal. A band that no rule asked for cannot."""
        scored = (self._find(view.scored(band)) for band in tuple(view.bands))
        return any(self._propose(found) != unscored for found in scored)

    def _find(self, view: View) -> "_Found":
        ignored = self._ignore.first(view)
        if ignored is not None:
            return _Found([(ignored,)], is_ignored=True)
        hits = self._tree.walk(view)
        return _Found(hits, root=None if any(hit[-1].says.channel for hit in hits) else self._root(view))

    def _root(self, view: View) -> tuple[Says, Reason]:
        if not view.is_ours():
            return Says(), Reason("root", "兜底", (), "没有规则命中，也没有提到本县")
        words = shown(self._root_words.written(view.found))
        negative = view.subject.band is Band.NEGATIVE if words else view.has_band(Band.NEGATIVE)
        if not words and not negative:
            return Says(), Reason("root", "兜底", (), "没有规则命中")
        note = "没有其他规则命中，情绪消极" if negative else "没有其他规则命中"
        return Says(self.root_channel), Reason("root", "兜底", words, note)

    def _propose(self, found: "_Found") -> "_Proposal":
        if found.is_ignored:
            return _Proposal(ignored=not found.hits[0][-1].says.may_join)
        said = [hit[-1].says for hit in found.hits] + ([found.root[0]] if found.root else [])
        topic = next((says.topic for says in said if says.topic), None)
        leads = sorted({says.channel for says in said if says.channel}, key=self._rank.__getitem__)
        if not leads:
            return _Proposal(topic=topic)
        must = any(says.must_answer for says in said)
        others = {*leads, *(key for says in said for key in says.copies)} - {leads[0]}
        return _Proposal(
            channel=leads[0],
            copies=tuple(sorted(others, key=self._rank.__getitem__)),
            level=min((says.level for says in said if says.level), default=None),
            topic=topic,
            must_answer=must,
            owed=(plainest(says.owed for says in said) or of_lead(leads[0])) if must else None,
        )


class _Proposal(NamedTuple):
    """A judgement without what explains it."""

    channel: str | None = None
    copies: tuple[str, ...] = ()
    level: Level | None = None
    topic: str | None = None
    must_answer: bool = False
    owed: Owed | None = None
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """What matched: rules each with those above it, or the one that ignores the text, or what the root says."""

    hits: Sequence[tuple[Rule, ...]]
    root: tuple[Says, Reason] | None = None
    is_ignored: bool = False

    def graded_by(self, proposal: _Proposal) -> tuple[str, ...]:
        """Name the rules that gave the level, in file order."""
        if proposal.level is None:
            return ()
        return tuple(hit[-1].name for hit in self.hits if hit[-1].says.level == proposal.level)

    def reasons(self, view: View, proposal: _Proposal) -> Iterator[Reason]:
        """Give the reason of every rule that took part, each once: what gave the level first, then what gave the lead.

        Rules that only hold others come last: they decided nothing.
        """
        said = {hit[-1].id: hit[-1].says for hit in self.hits}

        def rank(rule: Rule) -> tuple[bool, bool, bool]:
            says = said.get(rule.id)
            gave_level = says is not None and says.level is not None and says.level == proposal.level
            gave_lead = says is not None and says.channel is not None and says.channel == proposal.channel
            return (not gave_level, not gave_lead, says is None)

        for rule in sorted({rule.id: rule for hit in self.hits for rule in hit}.values(), key=rank):
            yield rule.reason(view)
        if self.root:
            yield self.root[1]


def load_rules(text: str, file: str, channels: Collection[str]) -> Rules:
    """Read and compile a rule file. `channels` are the keys that the office has.

    Raises ConfigError with every problem of the file, each with its line and its cure.
    """
    return Rules(read_rules(text, file, channels), _name(text), channels)


def _ask_burst(entries: Iterable[ConditionsEntry]) -> bool:
    return any(
        entry.burst is not None or (isinstance(entry, RuleEntry) and _ask_burst(entry.rule))
        for entry in entries
    )


def _name(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _ranked(channels: Collection[str]) -> list[str]:
    extra = sorted(set(channels) - {*_order, _last})
    return [*_order, *extra, _last]

"""Rules: `rules.toml` -> a tree, and what the tree proposes for one text: relevant, channel, copies, level, topic.

Pure. Proposes and gives its reasons; a person decides. Reads no file and no clock. Levels by spread are not here
(they follow from counts and the marks of the office), nor is sentiment computed: its band is one condition.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from routing.items import Band
from routing.normal import normal
from routing.office import Level
from routing.places import Gazetteer, Place
from routing.rule_tree import Groups, Reason, Rule, Says, Subject, View, compile_rules, shown
from routing.rules_file import RulesFile, read_rules
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
    `ignored`: an `[[ignore]]` rule holds, so that an advert below a matter need not join it.
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


class Rules:
    """A whole rule file, compiled; immutable, safe to share between threads. Made by `load_rules`."""

    def __init__(self, file: RulesFile, version: str, channels: Collection[str]) -> None:
        self.version = version
        self.gazetteer = Gazetteer(
            [Place(place.name, tuple(place.aliases), place.elsewhere) for place in file.place],
            file.county,
            file.neighbours,
        )
        groups = Groups(file.words)
        self._ignore = compile_rules(file.ignore, groups)
        self._tree = compile_rules(file.rule, groups)
        self._root_channel = file.root.channel
        self._root_words = groups.words(file.root.any_of)
        self._rank = {key: place for place, key in enumerate(_ranked(channels))}
        rules = (*self._ignore.rules, *self._tree.rules)
        self._vocabulary = Vocabulary(
            (*(form for rule in rules for form in rule.forms()), *self._root_words.forms)
        )

    def place_names(self) -> tuple[str, ...]:
        """Give the names of the own places, without aliases, in file order."""
        return tuple(place.name for place in self.gazetteer.places)

    def judge(self, subject: Subject) -> Judgement:
        """Propose. Never raises on a text.

        1. The `[[ignore]]` rules: the first that holds makes the text irrelevant and is the reason.
        2. The tree, depth first; the first match ends it unless the rule says `continue`.
        3. What nobody took and what seems to need an answer goes to the root's channel.
        """
        view = self._look(subject)
        places = tuple(place.name for place in view.sighting.places)
        ignored = self._ignore.first(view)
        if ignored is not None:
            return Judgement(
                False, None, (), None, (ignored.reason(view),), places, None, False, ignored=True
            )
        hits = self._tree.walk(view)
        said = [hit[-1].says for hit in hits]
        reasons = _reasons(hits, view)
        if not any(says.channel for says in said):
            says, reason = self._root(view)
            said.append(says)
            reasons.append(reason)
        return self._propose(said, tuple(reasons), places)

    def _look(self, subject: Subject) -> View:
        plain = normal(f"{subject.title}。{subject.text}" if subject.title else subject.text)
        sighting = self.gazetteer.survey_plain(plain, own=subject.own)
        return View(subject, plain, self._vocabulary.find(plain), sighting)

    def _root(self, view: View) -> tuple[Says, Reason]:
        if not view.is_ours():
            return Says(), Reason("root", "兜底", (), "没有规则命中，也没有提到本县")
        words = shown(self._root_words.written(view.found))
        negative = view.has_band(Band.NEGATIVE)
        if not words and not negative:
            return Says(), Reason("root", "兜底", (), "没有规则命中")
        note = "没有其他规则命中，情绪消极" if negative else "没有其他规则命中"
        return Says(self._root_channel), Reason("root", "兜底", words, note)

    def _propose(
        self, said: Sequence[Says], reasons: tuple[Reason, ...], places: tuple[str, ...]
    ) -> Judgement:
        topic = next((says.topic for says in said if says.topic), None)
        leads = sorted({says.channel for says in said if says.channel}, key=self._rank.__getitem__)
        if not leads:
            return Judgement(False, None, (), None, reasons, places, topic, False)
        others = {*leads, *(key for says in said for key in says.copies)} - {leads[0]}
        return Judgement(
            relevant=True,
            channel=leads[0],
            copies=tuple(sorted(others, key=self._rank.__getitem__)),
            level=min((says.level for says in said if says.level), default=None),
            reasons=reasons,
            places=places,
            topic=topic,
            must_answer=any(says.must_answer for says in said),
        )


def load_rules(text: str, file: str, channels: Collection[str]) -> Rules:
    """Read and compile a rule file. `channels` are the keys that the office has.

    Raises ConfigError with every problem of the file, each with its line and its cure.
    """
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Rules(read_rules(text, file, channels), version, channels)


def _reasons(hits: Sequence[tuple[Rule, ...]], view: View) -> list[Reason]:
    """Give the reason of every rule that took part, each once."""
    return [rule.reason(view) for rule in {rule.id: rule for hit in hits for rule in hit}.values()]


def _ranked(channels: Collection[str]) -> list[str]:
    extra = sorted(set(channels) - {*_order, _last})
    return [*_order, *extra, _last]

"""Rules: `rules.toml` -> a tree, and what the tree proposes for one text: relevant, channel, copies, level, topic.

Pure. Proposes and gives its reasons; a person decides. Reads no file and no clock. Levels by spread are not here
(they follow from counts and the marks of the office), nor is sentiment computed: its band is one condition.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ahocorasick_rs import AhoCorasick

from routing.items import Band, Counts, Kind
from routing.normal import normal
from routing.office import Level
from routing.places import Gazetteer, Place, Sighting
from routing.rules_file import IgnoreEntry, RuleEntry, RulesFile, read_rules

# Who leads where several channels fit: life and order before claims, claims before media, media before talk.
# A project default (项目默认); channels that the office adds stand before the last, which takes all else.
_order = ("security", "petition", "publicity", "network")
_last = "office"
_words_shown = 5
_kind_names = {Kind.ARTICLE: "文章", Kind.POST: "帖文", Kind.COMMENT: "评论", Kind.HOTLIST: "热榜"}
_band_names = {Band.NEGATIVE: "消极", Band.UNCLEAR: "不明", Band.NOT_NEGATIVE: "不消极"}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: one text with what is known of it.

    `band` None: not scored (yet), every condition on sentiment then fails. `own`: the source speaks of the own
    county (本县), so that a text of it needs no place to be ours. `tags` are those of the source.
    """

    title: str
    text: str
    kind: Kind
    tags: tuple[str, ...] = ()
    band: Band | None = None
    counts: Counts = field(default_factory=Counts)
    own: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: the rule, the words that it found, and what else counted; `str()` is what people read."""

    rule: str
    name: str
    words: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        said = "；".join(filter(None, ("、".join(self.words), self.note)))
        return f"规则「{self.name}」：{said}" if said else f"规则「{self.name}」"


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
        groups = _Groups(file.words)
        self._ignore = tuple(_compile(rule, groups) for rule in file.ignore)
        self._tree = tuple(_compile(rule, groups) for rule in file.rule)
        self._root_channel = file.root.channel
        self._root_words = groups.words(file.root.any_of)
        self._rank = {key: place for place, key in enumerate(_ranked(channels))}
        used = (word for rule in (*self._ignore, *self._tree) for word in rule.all_words())
        self._vocabulary = _Vocabulary((*used, *self._root_words))

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
        for rule in self._ignore:
            reason = rule.reason(view)
            if reason is not None:
                return Judgement(False, None, (), None, (reason,), places, None, False, ignored=True)
        hits: list[_Hit] = []
        _walk(self._tree, _Hit(), view, hits)
        if not any(hit.channel for hit in hits):
            hits.append(self._root(view))
        return self._propose(hits, places)

    def _look(self, subject: Subject) -> "_View":
        whole = f"{subject.title}。{subject.text}" if subject.title else subject.text
        plain = normal(whole)
        return _View(subject, self._vocabulary.find(plain), self.gazetteer.survey(plain, own=subject.own))

    def _root(self, view: "_View") -> "_Hit":
        if not view.is_ours():
            return _Hit(reasons=(Reason("root", "兜底", (), "没有规则命中，也没有提到本县"),))
        words = _shown(word for word in self._root_words if word in view.found)
        negative = view.subject.band is Band.NEGATIVE
        if not words and not negative:
            return _Hit(reasons=(Reason("root", "兜底", (), "没有规则命中"),))
        note = "没有其他规则命中，情绪消极" if negative else "没有其他规则命中"
        return _Hit(channel=self._root_channel, reasons=(Reason("root", "兜底", words, note),))

    def _propose(self, hits: Sequence["_Hit"], places: tuple[str, ...]) -> Judgement:
        reasons = tuple(dict.fromkeys(reason for hit in hits for reason in hit.reasons))
        topic = next((hit.topic for hit in hits if hit.topic), None)
        leads = sorted({hit.channel for hit in hits if hit.channel}, key=self._rank.__getitem__)
        if not leads:
            return Judgement(False, None, (), None, reasons, places, topic, False)
        others = {*leads, *(key for hit in hits for key in hit.copies)} - {leads[0]}
        return Judgement(
            relevant=True,
            channel=leads[0],
            copies=tuple(sorted(others, key=self._rank.__getitem__)),
            level=min((hit.level for hit in hits if hit.level), default=None),
            reasons=reasons,
            places=places,
            topic=topic,
            must_answer=any(hit.must_answer for hit in hits),
        )


def load_rules(text: str, file: str, channels: Collection[str]) -> Rules:
    """Read and compile a rule file. `channels` are the keys that the office has.

    Raises ConfigError with every problem of the file, each with its line and its cure.
    """
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Rules(read_rules(text, file, channels), version, channels)


# --- the tree at work -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _View:
    """One subject with everything that conditions ask for, looked up once."""

    subject: Subject
    found: frozenset[str]
    sighting: Sighting

    def is_ours(self) -> bool:
        return self.subject.own or self.sighting.is_own()

    def why_ours(self) -> str:
        if self.sighting.places:
            return f"地点{'、'.join(place.name for place in self.sighting.places)}"
        return "提到本县" if self.sighting.county else "来源属本县"


@dataclass(frozen=True, slots=True)
class _Hit:
    """What one matched rule says, with what it inherits from the rules above it."""

    channel: str | None = None
    copies: tuple[str, ...] = ()
    level: Level | None = None
    topic: str | None = None
    must_answer: bool = False
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class _Compiled:
    """One rule: conditions that must all hold, what it says, and the rules inside it."""

    id: str
    name: str
    groups: tuple[tuple[str, ...], ...]  # of each group one word at least
    none: tuple[str, ...]
    where: str | None
    kinds: frozenset[Kind]
    tags: tuple[str, ...]
    band: Band | None
    says: _Hit = _Hit()
    goes_on: bool = False
    children: tuple["_Compiled", ...] = ()
    wanted: tuple[frozenset[str], ...] = ()  # `groups` and `none` again, to be looked through fast
    refused: frozenset[str] = frozenset()

    def all_words(self) -> Iterator[str]:
        for group in self.groups:
            yield from group
        yield from self.none
        for child in self.children:
            yield from child.all_words()

    def reason(self, view: _View) -> Reason | None:
        """Say why the rule holds for the subject; None where it does not."""
        words: list[str] = []
        if any(group.isdisjoint(view.found) for group in self.wanted) or not self.refused.isdisjoint(
            view.found
        ):
            return None
        notes = self._notes(view)
        if notes is None:
            return None
        for group in self.groups:
            words += [word for word in group if word in view.found]
        return Reason(self.id, self.name, _shown(words), "；".join(notes))

    def _notes(self, view: _View) -> list[str] | None:
        """Check everything but words; give what people should read of it."""
        subject, notes = view.subject, []
        if self.kinds and subject.kind not in self.kinds:
            return None
        if self.kinds:
            notes.append(f"类型{_kind_names[subject.kind]}")
        if self.tags:
            shared = [tag for tag in self.tags if tag in subject.tags]
            if not shared:
                return None
            notes.append(f"来源标签{'、'.join(shared)}")
        if self.band is not None:
            if subject.band is not self.band:
                return None
            notes.append(f"情绪{_band_names[self.band]}")
        if self.where in {"county", "place"}:
            if not (view.sighting.places if self.where == "place" else view.is_ours()):
                return None
            notes.append(view.why_ours())
        if self.where == "elsewhere":
            if view.sighting.neighbour is None or view.sighting.is_own():
                return None
            notes.append(f"说的是{view.sighting.neighbour}")
        return notes


def _walk(rules: Sequence[_Compiled], above: _Hit, view: _View, hits: list[_Hit]) -> bool:
    """Collect what matches, depth first; say whether anything did. A rule yields to the rules inside it."""
    matched = False
    for rule in rules:
        reason = rule.reason(view)
        if reason is None:
            continue
        hit = _under(above, rule.says, reason)
        if not _walk(rule.children, hit, view, hits):
            if hit.channel is None and not rule.goes_on:
                continue  # only a frame around its children, and none of them matched
            hits.append(hit)
        matched = True
        if not rule.goes_on:
            break
    return matched


def _under(above: _Hit, says: _Hit, reason: Reason) -> _Hit:
    return _Hit(
        channel=says.channel or above.channel,
        copies=(*above.copies, *says.copies),
        level=says.level or above.level,
        topic=says.topic or above.topic,
        must_answer=says.must_answer or above.must_answer,
        reasons=(*above.reasons, reason),
    )


def _shown(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))[:_words_shown]


def _ranked(channels: Collection[str]) -> list[str]:
    extra = sorted(set(channels) - {*_order, _last})
    return [*_order, *extra, _last]


class _Vocabulary:
    """All words of a file at once: which of them stand in a text, found in one pass whatever their number."""

    def __init__(self, words: Iterable[str]) -> None:
        forms: dict[str, set[str]] = {}
        for word in words:
            forms.setdefault(normal(word), set()).add(word)
        self._forms = tuple(forms)
        self._words = tuple(forms.values())
        self._automaton = AhoCorasick(self._forms)

    def find(self, plain: str) -> frozenset[str]:
        """Give the words, as written in the file, that stand in the normal form of a text."""
        found: set[str] = set()
        for number, start, end in self._automaton.find_matches_as_indexes(plain, overlapping=True):
            if not self._forms[number].isascii() or _stands_alone(plain, start, end):
                found |= self._words[number]
        return frozenset(found)


def _stands_alone(plain: str, start: int, end: int) -> bool:
    """Say whether a Latin word stands as a word: `ktv` in 隔壁ktv太吵, not `app` in happy."""
    before, after = plain[start - 1 : start], plain[end : end + 1]
    return not (before.isascii() and before.isalnum()) and not (after.isascii() and after.isalnum())


# --- from the file to the tree --------------------------------------------------------------------------------


class _Groups:
    """The word groups of a file; `@name` stands for all words of a group. Built only of a file without circles."""

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        self._groups = groups

    def words(self, written: Iterable[str]) -> tuple[str, ...]:
        """Write every group out, in file order, each word once."""
        return tuple(dict.fromkeys(word for entry in written for word in self._expand(entry)))

    def _expand(self, entry: str) -> Iterator[str]:
        if not entry.startswith("@"):
            yield entry
            return
        for inner in self._groups[entry[1:]]:
            yield from self._expand(inner)


def _compile(entry: IgnoreEntry, groups: _Groups) -> _Compiled:
    asked = ([entry.any_of] if entry.any_of else []) + entry.all_of
    wanted = tuple(groups.words(group) for group in asked)
    none = groups.words(entry.none_of)
    compiled = _Compiled(
        id=entry.id,
        name=entry.name,
        groups=wanted,
        none=none,
        wanted=tuple(map(frozenset, wanted)),
        refused=frozenset(none),
        where=entry.where,
        kinds=frozenset(map(Kind, entry.kinds)),
        tags=tuple(entry.tags),
        band=Band(entry.sentiment) if entry.sentiment else None,
    )
    if not isinstance(entry, RuleEntry):
        return compiled
    level = Level(entry.level) if entry.level else None
    return replace(
        compiled,
        says=_Hit(entry.channel, tuple(entry.copies), level, entry.topic, entry.must_answer),
        goes_on=entry.goes_on,
        children=tuple(_compile(child, groups) for child in entry.rule),
    )

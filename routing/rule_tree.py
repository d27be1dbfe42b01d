"""The rules at work on one text: words, the tree, and what a match gives.

Pure. Of many rules only those are tried whose words are in the text.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from routing.conditions import Condition, View, conditions_of
from routing.normal import normal
from routing.office import Level
from routing.owed import Owed
from routing.rules_file import ConditionsEntry, IgnoreEntry, RuleEntry

_words_shown = 5


MODEL, ELSEWHERE = "model", "elsewhere"
"""In the place of a rule: a model of texts said so; where the text plays did."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: the rule, the words that it found, and what else counted; `str()` is what people read."""

    rule: str
    name: str
    words: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        said = "；".join(filter(None, ("、".join(self.words), self.note)))
        called = self.name if self.rule in {MODEL, ELSEWHERE} else f"规则「{self.name}」"
        return f"{called}：{said}" if said else called


class WordGroup:
    """Words of which one is asked for, in the order of the file: normal form and how it is written there."""

    def __init__(self, written: Iterable[str]) -> None:
        self._places: dict[str, tuple[int, str]] = {}
        for number, word in enumerate(written):
            self._places.setdefault(normal(word), (number, word))
        self.forms = frozenset(self._places)

    def written(self, found: frozenset[str]) -> list[str]:
        """Give those of the group that were found, as the file writes them and in its order."""
        return [word for _, word in sorted(self._places[form] for form in self.forms & found)]


# --- rules ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Says:
    """What a matched rule gives, with what it inherits from the rules above it. `may_join`: of one that ignores only."""

    channel: str | None = None
    copies: tuple[str, ...] = ()
    level: Level | None = None
    topic: str | None = None
    must_answer: bool = False
    owed: Owed | None = None
    may_join: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: words and conditions that must all hold, what it says, and the rules inside it."""

    id: str
    name: str
    groups: tuple[WordGroup, ...]  # of each group one word at least
    refused: frozenset[str]
    conditions: tuple[Condition, ...]
    says: Says
    goes_on: bool
    inside: "Branch"

    def holds(self, view: View) -> bool:
        """Say whether every condition holds that is not words."""
        for condition in self.conditions:  # noqa: SIM110 - a generator costs more than most conditions
            if not condition.holds(view):
                return False
        return True

    def reason(self, view: View) -> Reason:
        """Say why it does."""
        words = [word for group in self.groups for word in group.written(view.found)]
        notes = [condition.note(view) for condition in self.conditions]
        return Reason(self.id, self.name, shown(words), "；".join(filter(None, notes)))

    def forms(self) -> Iterator[str]:
        """Give every word of it and of the rules inside it, in normal form."""
        for group in self.groups:
            yield from group.forms
        yield from self.refused
        for rule in self.inside.rules:
            yield from rule.forms()


class Branch:
    """Rules side by side, in file order.

    What words decide is decided for all of them at once, a bit a rule. Each word has one whole number: a stretch of as many
    bits as there are rules for those whose first group it is in, one for the second, ..., and a last one for those that it
    rules out.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        count = len(self.rules)
        groups = max((len(rule.groups) for rule in self.rules), default=0)
        self._stretches = tuple(group * count for group in range(groups))
        self._refused = groups * count
        # The rules that have no n-th group: nothing there can fail.
        self._free = _bits(
            group * count + number
            for number, rule in enumerate(self.rules)
            for group in range(len(rule.groups), groups)
        )
        self._all = _bits(range(count))
        by_word: dict[str, int] = {}
        for number, rule in enumerate(self.rules):
            for group, forms in (
                *enumerate(group.forms for group in rule.groups),
                (groups, rule.refused),
            ):
                for form in forms:
                    by_word[form] = by_word.get(form, 0) | 1 << group * count + number
        self._by_word = by_word
        self._forms = frozenset(by_word)
        self._wordless = tuple(rule for rule in self.rules if not rule.groups)

    def candidates(self, found: frozenset[str]) -> Sequence[Rule]:
        """Give the rules whose words are there as they ask, in file order."""
        here = self._forms & found
        if not here:
            return self._wordless
        seen, by_word = self._free, self._by_word
        for form in here:
            seen |= by_word[form]
        left = self._all & ~(seen >> self._refused)
        for start in self._stretches:
            left &= seen >> start
        chosen = []
        while left:
            lowest = left & -left
            left ^= lowest
            chosen.append(self.rules[lowest.bit_length() - 1])
        return chosen

    def first(self, view: View) -> Rule | None:
        """Give the first rule that holds."""
        return next((rule for rule in self.candidates(view.found) if rule.holds(view)), None)

    def walk(self, view: View) -> list[tuple[Rule, ...]]:
        """Give the matches, depth first: each a rule with those above it, the outermost first."""
        hits: list[tuple[Rule, ...]] = []
        self._walk((), view, hits)
        return hits

    def _walk(self, above: tuple[Rule, ...], view: View, hits: list[tuple[Rule, ...]]) -> bool:
        """Collect; say whether anything matched. A rule yields to the rules inside it."""
        matched = False
        for rule in self.candidates(view.found):
            if not rule.holds(view):
                continue
            here = (*above, rule)
            if not (rule.inside.rules and rule.inside._walk(here, view, hits)):
                if rule.says.channel is None and not rule.goes_on:
                    continue  # only a frame around its rules, and none of them matched
                hits.append(here)
            matched = True
            if not rule.goes_on:
                break
        return matched


def _bits(numbers: Iterable[int]) -> int:
    return sum(1 << number for number in numbers)


def shown(words: Iterable[str]) -> tuple[str, ...]:
    """Give the first few words, each once."""
    return tuple(dict.fromkeys(words))[:_words_shown]


# --- from the file to the tree --------------------------------------------------------------------------------


class Groups:
    """The word groups of a file; `@name` stands for all words of a group. Built only of a file without circles."""

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        self._groups = groups

    def words(self, written: Iterable[str]) -> WordGroup:
        """Write every group out, in file order."""
        return WordGroup(word for entry in written for word in self._expand(entry))

    def _expand(self, entry: str) -> Iterator[str]:
        if not entry.startswith("@"):
            yield entry
            return
        for inner in self._groups[entry[1:]]:
            yield from self._expand(inner)


def compile_rules(entries: Sequence[ConditionsEntry], groups: Groups, above: Says = Says()) -> Branch:
    """Compile rules that stand side by side, with all inside them."""
    return Branch([_compile(entry, groups, above) for entry in entries])


def _compile(entry: ConditionsEntry, groups: Groups, above: Says) -> Rule:
    asked = ([entry.any_of] if entry.any_of else []) + entry.all_of
    wanted = tuple(map(groups.words, asked))
    says = _says(entry, above) if isinstance(entry, RuleEntry) else above
    if isinstance(entry, IgnoreEntry):
        says = replace(says, may_join=entry.may_join)
    return Rule(
        id=entry.id,
        name=entry.name,
        groups=wanted,
        refused=groups.words(entry.none_of).forms,
        conditions=tuple(conditions_of(entry, [group.forms for group in wanted])),
        says=says,
        goes_on=isinstance(entry, RuleEntry) and entry.goes_on,
        inside=compile_rules(entry.rule if isinstance(entry, RuleEntry) else [], groups, says),
    )


def _says(entry: RuleEntry, above: Says) -> Says:
    return Says(
        channel=entry.channel or above.channel,
        copies=(*above.copies, *entry.copies),
        level=Level(entry.level) if entry.level else above.level,
        topic=entry.topic or above.topic,
        must_answer=bool(entry.must_answer) or above.must_answer,
        owed=entry.must_answer if isinstance(entry.must_answer, Owed) else above.owed,
    )

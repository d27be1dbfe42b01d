"""What the rules cost, on texts of 140 letters: one judgement, many rules, many words.

    python tests/bench/rules.py [--texts 2000]

Prints microseconds of processor time a text and the ratios, each paired round by round in one process (median of seven).
Exit code 1 where a goal is missed. Texts, words and rules are invented, the same at every run.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from importlib.resources import files

from ahocorasick_rs import AhoCorasick
from parts import WORDS, text

from routing.conditions import View
from routing.items import Band, Kind
from routing.normal import fingerprint, normal, numbers
from routing.places import Sighting
from routing.rule_tree import Groups, compile_rules
from routing.rules import Rules, Subject, load_rules
from routing.rules_file import RulesFile, read_rules
from routing.vocabulary import Vocabulary

CHANNELS = ("network", "petition", "publicity", "security", "office")
LETTERS, ROUNDS = 140, 7
JUDGEMENT_US, RULES_RATIO, WORDS_RATIO = 80.0, 1.5, 4.0
# Letters of the texts and others: an invented word begins like words of the texts, and stands in few of them.
SIGNS = sorted(set("".join(WORDS)))
OTHERS = [chr(code) for code in range(0x4E00, 0x9FA5, 11)]
COMMON = 20  # so many words of each list stand in many texts


def costs(texts: int, works: Sequence[Callable[[], object]]) -> list[float]:
    """Give microseconds a text of each work, in turns, so that a slow moment of the machine strikes all."""
    rounds: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, spent in zip(works, rounds, strict=True):
            started = time.process_time()
            work()
            spent.append((time.process_time() - started) / texts * 1e6)
    return [statistics.median(spent) for spent in rounds]


def invented(count: int) -> list[str]:
    """Give words: the common ones, and invented ones of two to four letters."""
    chance = random.Random(count)
    found = dict.fromkeys(WORDS[:COMMON])
    while len(found) < count:
        rest = chance.choices((SIGNS, OTHERS), k=chance.choice((1, 2, 2, 3)))
        found[chance.choice(SIGNS) + "".join(map(chance.choice, rest))] = None
    return chance.sample(list(found), count)


def written(groups: Sequence[Sequence[Sequence[str]]]) -> str:
    """Write a rule file whose rules each ask for a word of every group."""
    rules = "\n".join(
        f'[[rule]]\nid = "r{number}"\nname = "规则{number}"\nchannel = "office"\ncontinue = true\n'
        f"all = {json.dumps(asked, ensure_ascii=False)}"
        for number, asked in enumerate(groups)
    )
    return f'county = "青禾县"\nroot = {{channel = "office", any = ["请问请问"]}}\n{rules}\n'


def made(groups: Sequence[Sequence[Sequence[str]]]) -> Rules:
    """Compile such a file."""
    return load_rules(written(groups), "rules.toml", CHANNELS)


def default() -> Rules:
    """Give the rules that an office starts with."""
    template = files("bot").joinpath("templates/rules.toml").read_text(encoding="utf-8")
    return load_rules(template, "rules.toml", CHANNELS)


def judgement(chosen: Sequence[str]) -> bool:
    """Time one judgement with the default rules, and what it and its callers are made of."""
    rules = default()
    scored = [Subject("", said, Kind.POST, band=Band.UNCLEAR, own=True) for said in chosen]
    unscored = [Subject("", said, Kind.POST, own=True) for said in chosen]
    foreign = [Subject("", said, Kind.POST) for said in chosen]
    rows: list[tuple[str, Callable[[], object]]] = [
        ("judgement, own source, scored", lambda: [rules.judge(subject) for subject in scored]),
        ("judgement, own source, not scored yet", lambda: [rules.judge(subject) for subject in unscored]),
        ("judgement, any source", lambda: [rules.judge(subject) for subject in foreign]),
        ("normal form", lambda: [normal(said) for said in chosen]),
        ("fingerprint", lambda: [fingerprint("", said) for said in chosen]),
        ("figures", lambda: [numbers(said) for said in chosen]),
    ]
    figures = costs(len(chosen), [work for _, work in rows])
    print("| default rules, 140 letters | us a text |\n| --- | --- |")
    for (name, _), figure in zip(rows, figures, strict=True):
        print(f"| {name} | {figure:.1f} |")
    print(f"goal: a judgement at most {JUDGEMENT_US:g} us")
    return max(figures[:3]) <= JUDGEMENT_US


def many_rules(chosen: Sequence[str]) -> bool:
    """Time 500 rules of two groups over the words of a large file, against finding the words alone."""
    plain = [normal(said) for said in chosen]
    known = invented(2_000)
    chance = random.Random(500)
    asked = [[chance.sample(known, 3), chance.sample(known, 6)] for _ in range(500)]
    tree = compile_rules(_file(asked).rule, Groups({}))
    forms = sorted({form for rule in tree.rules for form in rule.forms()})
    vocabulary, bare = Vocabulary(forms), AhoCorasick(forms)
    subject, nowhere = Subject("", "", Kind.POST), Sighting()

    def ours() -> int:
        hits = 0
        for said in plain:
            view = View(subject, said, vocabulary.find(said), nowhere, vocabulary)
            hits += len(tree.walk(view))
        return hits

    matcher, indexed = costs(
        len(plain),
        [
            lambda: [bare.find_matches_as_indexes(said, overlapping=True) for said in plain],
            ours,
        ],
    )
    ratio = indexed / matcher
    print("\n| 500 rules | us a text | over the matcher |\n| --- | --- | --- |")
    print(f"| the bare matcher, {len(forms)} words | {matcher:.1f} | 1 |")
    print(f"| words and rules | {indexed:.1f} | {ratio:.2f} |")
    print(f"goal: at most {RULES_RATIO:g}; {ours()} matches in {len(plain)} texts")
    return ratio <= RULES_RATIO


def _file(asked: Sequence[Sequence[Sequence[str]]]) -> RulesFile:
    return read_rules(written(asked), "rules.toml", CHANNELS)


def many_words(chosen: Sequence[str]) -> bool:
    """Time a judgement by twenty rules that have 100 words in all, and by twenty that have 20,000."""
    subjects = [Subject("", said, Kind.POST) for said in chosen]
    counts = (100, 2_000, 20_000)
    sets = [
        made([[words[rule::20]] for rule in range(20)]) for count in counts for words in [invented(count)]
    ]
    figures = costs(
        len(subjects), [lambda rules=rules: [rules.judge(subject) for subject in subjects] for rules in sets]
    )
    print("\n| words | us a judgement | over 100 words |\n| --- | --- | --- |")
    for count, figure in zip(counts, figures, strict=True):
        print(f"| {count:,} | {figure:.1f} | {figure / figures[0]:.2f} |")
    print(f"goal: at most {WORDS_RATIO:g}")
    return figures[-1] / figures[0] <= WORDS_RATIO


def main() -> None:
    """Print all and say by the exit code whether the goals hold."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--texts", type=int, default=2_000)
    count = arguments.parse_args().texts
    chosen = [text(f"rules {number}", LETTERS)[:LETTERS] for number in range(count)]
    sys.exit(not all([judgement(chosen), many_rules(chosen), many_words(chosen)]))


if __name__ == "__main__":
    main()

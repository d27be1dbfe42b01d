"""The indexed engine against a plain one that tries every rule on every text, over random rules and texts."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.items import Band, Counts, Kind
from routing.normal import normal
from routing.places import Gazetteer, Place
from routing.rules import Rules, Subject, load_rules

CHANNELS = ("network", "petition", "publicity", "security", "office")
ORDER = ("security", "petition", "publicity", "network", "office")
PLACES = Gazetteer([Place("东湖小区", ("东湖",)), Place("幸福路", elsewhere=True)], "青禾县", ["白石县"])
WORDS = ("停水", "水停", "停停", "三天", "天三", "没水没", "KTV", "tv", "東湖")
ROOT = {"channel": "office", "any": ["三天"]}

word = st.sampled_from(WORDS)
words = st.lists(word, min_size=1, max_size=3)
conditions = {
    "any": words,
    "all": st.lists(words, min_size=2, max_size=3),
    "none": words,
    "where": st.sampled_from(["county", "place", "elsewhere"]),
    "kinds": st.just(["post"]),
    "tags": st.just(["问政"]),
    "counts": st.just({"views": 5}),
    "burst": st.booleans(),
    "hours": st.sampled_from(["22-6", "6-22"]),
    "near": st.integers(0, 3),
    "regex": st.sampled_from([["停.?水"], ["三{2}", "^停"]]),
    "sentiment": st.sampled_from(["negative", "unclear"]),
}
answers = {
    "channel": st.sampled_from(CHANNELS),
    "copy": st.lists(st.sampled_from(CHANNELS), max_size=2),
    "level": st.integers(1, 4),
    "topic": st.sampled_from(["供水", "噪音"]),
    "must_answer": st.booleans(),
    "continue": st.booleans(),
}


@st.composite
def rule(draw: st.DrawFn, depth: int = 0, given: bool = False) -> dict[str, Any]:
    """One valid rule without id and name, perhaps with rules inside."""
    # Mostly words, as in files of people; each other condition now and then.
    keys = {draw(st.sampled_from(["any", "any", "all", "where", "regex", "sentiment", "burst"]))}
    keys |= draw(st.sets(st.sampled_from(sorted(conditions)), max_size=2))
    if "near" in keys:
        keys.add("all")
    made = {key: draw(conditions[key]) for key in sorted(keys)}
    if depth == 3:  # an [[ignore]] rule gives nothing
        return made
    made |= {key: draw(value) for key, value in answers.items() if draw(st.booleans())}
    given = given or "channel" in made
    inside = draw(st.lists(rule(depth + 1, given), max_size=6)) if depth < 2 and draw(st.booleans()) else []
    if inside:
        made["rule"] = inside
    elif not given:
        made["continue"] = True
    return made


texts = st.lists(
    st.sampled_from(
        [
            "停",
            "水",
            "停水",
            "三天",
            "三",
            "没水",
            "KTV",
            "ktv",
            "x",
            "，",
            " ",
            "东湖",
            "幸福路",
            "白石县",
            "青禾县",
        ]
    ),
    max_size=9,
).map("".join)
subjects = st.builds(
    Subject,
    st.just("") | texts,
    texts,
    st.sampled_from([Kind.POST, Kind.COMMENT]),
    st.sampled_from([(), ("问政",)]),
    st.none() | st.sampled_from(Band),
    st.builds(Counts, st.sampled_from([None, 4, 5])),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, 5, 6, 21, 22]),
)


def toml(value: object) -> str:
    """Write a value in one line of TOML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def numbered(rules: Sequence[dict[str, Any]], mark: str) -> list[dict[str, Any]]:
    """Give every rule an id and a name, those inside too."""
    return [
        {"id": f"{mark}{n}", "name": "规则", **made}
        | ({"rule": numbered(made["rule"], f"{mark}{n}.")} if "rule" in made else {})
        for n, made in enumerate(rules)
    ]


def compiled(ignore: Sequence[dict[str, Any]], tree: Sequence[dict[str, Any]]) -> Rules:
    text = (
        f'county = "某某县"\nignore = {toml(list(ignore))}\nrule = {toml(list(tree))}\nroot = {toml(ROOT)}\n'
    )
    return load_rules(text, "rules.toml", CHANNELS).with_places(PLACES)


# --- the plain engine -----------------------------------------------------------------------------------------


class Plain:
    """What the documentation says, rule by rule, with nothing looked up twice or skipped."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.text = normal(f"{subject.title}。{subject.text}" if subject.title else subject.text)
        self.where = PLACES.survey(self.text, own=subject.own)
        self.ours = subject.own or self.where.is_own()

    def is_letter(self) -> bool:
        return self.subject.own and "问政" in self.subject.tags

    def spots(self, word: str) -> list[tuple[int, int]]:
        form = normal(word)
        alone = rf"(?<![a-z0-9])(?={form}(?![a-z0-9]))"  # what a Latin word must stand
        found = re.finditer(alone if form.isascii() else f"(?={form})", self.text)
        return [(match.start(), match.start() + len(form)) for match in found]

    def holds(self, rule: Mapping[str, Any]) -> bool:
        return all(self.one(key, rule) for key in conditions if key in rule)

    def one(self, key: str, rule: Mapping[str, Any]) -> bool:
        asked, subject, hour = rule[key], self.subject, self.subject.hour
        groups = ([rule["any"]] if "any" in rule else []) + rule.get("all", [])
        match key:
            case "any":
                return any(map(self.spots, asked))
            case "all":
                return all(any(map(self.spots, group)) for group in asked)
            case "none":
                return not any(map(self.spots, asked))
            case "where":
                return {
                    "county": self.ours,
                    "place": bool(self.where.places),
                    "elsewhere": self.where.neighbour is not None
                    and not self.where.is_own()
                    and not (self.is_letter() and re.search(r"\w", self.text[: self.where.neighbour_at])),
                }[asked]
            case "kinds":
                return subject.kind in asked
            case "tags":
                return bool(set(asked) & set(subject.tags))
            case "counts":
                return (subject.counts.views or 0) >= asked["views"]
            case "burst":
                return bool(subject.burst) is asked
            case "hours":
                return hour is not None and (6 <= hour < 22) is (asked == "6-22")
            case "near":
                places = [[spot for word in group for spot in self.spots(word)] for group in groups]
                return any(
                    max(start for start, _ in some) - min(end for _, end in some) <= asked
                    for some in product(*places)
                )
            case "regex":
                return any(re2.search(pattern, self.text) for pattern in asked)
        return subject.band is Band(asked)

    def walk(
        self, rules: Sequence[dict[str, Any]], above: tuple[dict[str, Any], ...]
    ) -> list[tuple[dict[str, Any], ...]]:
        hits = []
        for rule in rules:
            if not self.holds(rule):
                continue
            path = (*above, rule)
            inner = self.walk(rule.get("rule", []), path)
            if not inner and not any("channel" in one for one in path) and not rule.get("continue"):
                continue
            hits += inner or [path]
            if not rule.get("continue"):
                break
        return hits

    def judge(self, ignore: Sequence[dict[str, Any]], tree: Sequence[dict[str, Any]]) -> tuple[object, ...]:
        """Give channel, copies, level, topic, must_answer, ignored and the rules that took part."""
        for rule in ignore:
            if self.holds(rule):
                return None, (), None, None, False, True, [rule["id"]]
        hits = self.walk(tree, ())
        ids = list(dict.fromkeys(rule["id"] for path in hits for rule in path))
        said = [dict(flat(path)) for path in hits]
        if not any("channel" in one for one in said):
            ids.append("root")
            if self.ours and (any(map(self.spots, ROOT["any"])) or self.subject.band is Band.NEGATIVE):
                said.append({"channel": ROOT["channel"]})
        topic = next((one["topic"] for one in said if "topic" in one), None)
        leads = sorted({one["channel"] for one in said if "channel" in one}, key=ORDER.index)
        if not leads:
            return None, (), None, topic, False, False, ids
        copies = {*leads[1:], *(key for path in hits for rule in path for key in rule.get("copy", []))} - {
            leads[0]
        }
        level = min((one["level"] for one in said if "level" in one), default=None)
        must = any(rule.get("must_answer") for path in hits for rule in path)
        return leads[0], tuple(sorted(copies, key=ORDER.index)), level, topic, must, False, ids


def flat(path: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Give what a match says, the innermost last: it wins."""
    for rule in path:
        yield from ((key, rule[key]) for key in ("channel", "level", "topic") if key in rule)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(rule(3), max_size=6),
    st.lists(rule(), min_size=1, max_size=9),
    st.lists(subjects, min_size=1, max_size=12),
)
def test_the_index_changes_nothing(
    ignore: list[dict[str, Any]], tree: list[dict[str, Any]], given: list[Subject]
) -> None:
    ignore, tree = numbered(ignore, "i"), numbered(tree, "r")
    made = compiled(ignore, tree)
    for subject in given:
        judgement = made.judge(subject)
        expected = Plain(subject).judge(ignore, tree)
        assert (
            (
                judgement.channel,
                judgement.copies,
                judgement.level,
                judgement.topic,
                judgement.must_answer,
                judgement.ignored,
                sorted(reason.rule for reason in judgement.reasons),  # their order is by what they decided
            )
            == (*expected[:-1], sorted(expected[-1]))
        )
        others = [Plain(replace(subject, band=band)).judge(ignore, tree)[:-1] for band in Band]
        changes = subject.band is None and any(other != expected[:-1] for other in others)
        assert judgement.needs_band is changes

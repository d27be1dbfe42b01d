"""The judgement of one text: what the rules say, weighed against what the office's own text models make of it. Pure.

Rules know places, dangers and claims, and say so in words; a model has seen how texts of public concern read and finds
those that no word list has. Neither is enough alone: a rule that was hit by a joke is held back by the model, and the
model proposes nothing that does not speak of the county. Proposes only; a person decides.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Protocol

from routing.conditions import Subject
from routing.items import BOARDS, OFFICIAL, OWN_TAG, Band, Item, Kind
from routing.normal import letters
from routing.office import Level
from routing.opinions import Opinions, stands_in
from routing.owed import Owed, of_lead
from routing.rule_tree import ELSEWHERE, MODEL
from routing.rules import Judgement, Reason, Rules
from routing.telling import Land

NEIGHBOUR_TAG = "邻县"
"""Tag of a source of a neighbouring county: what is said there of us is theirs to answer, and opens no matter."""
PRESS = {"中央媒体": "central", "省级媒体": "province", "媒体": "press"}
"""Tags of sources that are media, the weightiest first, and the word that is stored of where a text stood."""
BUILT_IN_TAGS = frozenset({OWN_TAG, NEIGHBOUR_TAG, BOARDS, OFFICIAL, *PRESS})
"""Tags that mean something here by themselves; a rule may ask for one though no source has it."""
OFFICE, SECURITY = "office", "security"
_own_voices = frozenset({"feed", "comments", "board"})
_own_claim, _own_channel = 0.5, 0.5
# Below a text much is said that sounds like danger and calls nobody anywhere: 必须给个说法.
_danger, _danger_below = 0.55, 0.8
_shipped_channels = frozenset({"security", "petition", "publicity", "network", "office"})
_even, _likely = 0.5, 0.8
_telling_letters = 8
# Each of these is one letter whatever stands beside it: nearly every text ends here.
_many_han = re.compile("(?:[\u4e00-\u9fff][^\u4e00-\u9fff]*){8}")


@dataclass(frozen=True, slots=True)
class _Marks:
    """How surely a text must be of public concern to open a matter: where a rule named a danger, a claim or the press
    (`strong`), where one named a topic (`weak`), where none did (`bare`), and where it names no place either (`nowhere`).
    `joins`: to be held against matters.
    """

    strong: float
    weak: float
    bare: float
    nowhere: float
    joins: float

    def of(self, said: Judgement, *, is_grave: bool) -> float:
        """Give the mark for what the rules said of a text."""
        if is_grave:
            return self.strong
        if said.relevant:
            return self.weak
        return self.bare if said.places else self.nowhere


# Chosen on labelled weeks of nine invented counties, each judged by models that had not seen it (docs/decisions/0014).
_marks = {
    "feed": _Marks(strong=0.1, weak=0.2, bare=0.5, nowhere=0.6, joins=0.2),
    "comments": _Marks(strong=0.5, weak=0.6, bare=0.75, nowhere=0.75, joins=0.1),
    "board": _Marks(strong=0.0, weak=0.0, bare=0.3, nowhere=0.3, joins=0.5),
    "official": _Marks(strong=0.45, weak=0.5, bare=0.7, nowhere=0.7, joins=0.3),
    "hotlist": _Marks(strong=0.2, weak=0.3, bare=0.5, nowhere=0.5, joins=0.2),
}


# How surely a text must read like one that must be answered, by who should lead; chosen on the same weeks. Whether the matter
# is large the text does not say: a policy that is misread and a danger are known by their words, of the rest few are.
_answer_marks = {OFFICE: 0.6, SECURITY: 0.6}
_answer_else, _answer_of_comment = 0.75, 0.8


class Judging(Protocol):
    """Something that judges a text."""

    @property
    def version(self) -> str:
        """Which rules, and which models, at most 32 letters."""

    def judge(self, subject: Subject) -> Judgement:
        """Propose. Never raises on a text."""

    @property
    def land(self) -> Land:
        """What is known of the places of the county."""

    def rank(self, channel: str) -> int:
        """Give the place of a channel in the order of who leads where several fit."""

    @property
    def asks_burst(self) -> bool:
        """Whether any rule asks if more is said of something than usual."""


def subject_of(item: Item, tags: tuple[str, ...], hour: int) -> Subject:
    """Give what is judged of an item. `tags` of its source; `hour` of the day at the office, 0 to 23."""
    return Subject(
        title=item.title,
        text=item.text,
        kind=Kind.COMMENT if item.parent_id is not None else item.kind,
        tags=tags,
        band=item.sentiment.band if item.sentiment else None,
        counts=item.counts,
        own=OWN_TAG in tags,
        hour=hour,
    )


class Judge:
    """Rules and models together; immutable, safe to share between threads. `opinions` None: the starter set's."""

    def __init__(self, rules: Rules, opinions: Opinions | None = None) -> None:
        self.rules = rules
        self._opinions = opinions or shipped()
        self.version = f"{rules.version}-{sha256(self._opinions.version.encode()).hexdigest()[:8]}"

    @property
    def land(self) -> Land:
        """What is known of the places of the county."""
        return self.rules.land

    @property
    def asks_burst(self) -> bool:
        """Whether any rule asks if more is said of something than usual."""
        return self.rules.asks_burst

    def rank(self, channel: str) -> int:
        """Give the place of a channel in the order of who leads where several fit."""
        return self.rules.rank(channel)

    def judge(self, subject: Subject) -> Judgement:
        """Propose. Never raises on a text.

        1. What a rule ignores stays ignored; thanks and routine news open nothing, but may join what they speak of.
        2. A text opens a matter if it speaks of the county and is of public concern, as surely as its place asks.
        3. The lead is the rules' where they name a danger, a claim or the press, else the likeliest by its words. It is
           given for a text that may only join too: a comment that calls people together changes whose a matter is.
        """
        said = self.rules.judge(subject)
        if said.ignored:
            return said
        if NEIGHBOUR_TAG in subject.tags:
            return _of_a_neighbour(said)
        public = self._opinions.public(subject)
        where = stood(subject)
        marks = _marks.get(where, _marks["feed"])
        joins = public >= marks.joins or _says_little(subject)
        if said.passed:
            return replace(said, joins=joins)
        if not said.ours and subject.kind is not Kind.COMMENT:
            kept = said if said.relevant and _is_sure(said) else _of_elsewhere(said)
            return replace(kept, joins=joins, lead=said.channel if kept.relevant else _press_lead(where))
        # A comment names no county: it is of ours if it is of a matter at all.
        heard = said if said.ours or subject.kind is not Kind.COMMENT else self._as_if_ours(subject)
        grave = _grave_lead(where, heard)
        mark = marks.of(said, is_grave=grave is not None)
        if said.relevant and (_is_sure(said) or _is_short(subject)):
            mark = 0.0
        lead = self._known(grave or self._by_tone(where, subject, heard), heard)
        opens = said.ours and public >= mark
        owed = self._owed(subject, heard, lead) if opens or joins else heard.owed
        if not opens:
            weighed = replace(
                said,
                joins=joins,
                lead=lead,
                level=heard.level,
                must_answer=owed is not None,
                owed=owed,
                graded_by=heard.graded_by,
            )
            return _none(weighed)
        others = {*said.copies, *({said.channel} if said.channel else ())} - {lead, OFFICE}
        return replace(
            said,
            lead=lead,
            level=heard.level,
            must_answer=owed is not None,
            owed=owed,
            graded_by=heard.graded_by,
            relevant=True,
            channel=lead,
            copies=tuple(sorted(others, key=self.rank)),
            reasons=(*_telling(said), self._reason(public)),
            joins=True,
            subject=self._opinions.area(subject),
        )

    def is_urgent(self, subject: Subject) -> bool:
        """Say whether a text opens or joins a matter that cannot wait, whatever its sentiment: then nobody need score it
        first.

        Urgent is a danger, a level of Ⅰ or Ⅱ, a duty to answer, each by a rule. Rules alone are asked first: that costs
        a tenth of the whole, and nearly every text ends there.
        """
        said = self.rules.judge(replace(subject, band=None))
        if not _is_urgent(said):
            return False
        bands = tuple(Band) if said.needs_band else (None,)
        return all(_is_urgent(self.judge(replace(subject, band=band))) for band in bands)

    def _as_if_ours(self, subject: Subject) -> Judgement:
        return self.rules.judge(replace(subject, own=True))

    def _by_tone(self, where: str, subject: Subject, said: Judgement) -> str:
        """Give the lead where no rule named a danger, a claim or the press.

        A channel that the office added leads what a rule sends there: no model of the starter set knows it. A policy that is
        misread is explained by the office, however loud the readers are; who asks or suggests on a board claims nothing; and
        that people below a text grumble does not make it another matter.
        """
        if said.relevant and said.channel is not None and said.channel not in _shipped_channels:
            return said.channel
        if said.relevant and said.channel == OFFICE and (said.must_answer or where == "board"):
            return OFFICE
        lead = _lead(where, self._opinions.lead(subject))
        return OFFICE if subject.kind is Kind.COMMENT and lead == "network" else lead

    def _owed(self, subject: Subject, said: Judgement, lead: str) -> Owed | None:
        """Give the ground on which a text must be answered: the rules', else by who leads where the text reads like such."""
        if said.owed is not None:
            return said.owed
        mark = _answer_of_comment if subject.kind is Kind.COMMENT else _answer_marks.get(lead, _answer_else)
        return of_lead(lead) if self._opinions.answer(subject) >= mark else None

    def _known(self, channel: str, said: Judgement) -> str:
        """Give the channel if the office has it, else the rules', else the one that takes the rest."""
        if self.rules.has(channel):
            return channel
        return said.channel or self.rules.root_channel

    @staticmethod
    def _reason(public: float) -> Reason:
        return Reason(MODEL, "文字判断", (), f"{_how_likely(public)}需要研判的事")


@cache
def shipped() -> Opinions:
    """Give the models of the starter set, loaded once."""
    return Opinions()


def stood(subject: Subject) -> str:
    """Name the sort of place where a text stood: media by their rank, else as `stands_in` does."""
    where = stands_in(subject)
    return (
        next((word for tag, word in PRESS.items() if tag in subject.tags), where)
        if where == "feed"
        else where
    )


def _is_sure(said: Judgement) -> bool:
    """Tell whether a rule gave a level or a duty to answer: who wrote that knows what he wants to see."""
    return said.level is not None or said.must_answer


def _is_urgent(said: Judgement) -> bool:
    is_grave = said.level is not None and said.level <= Level.II
    return said.relevant and (is_grave or said.must_answer or said.channel == SECURITY)


def _is_short(subject: Subject) -> bool:
    """Tell whether a text is too short for a model that knows texts by their many letters: 停水三天."""
    whole = f"{subject.title}{subject.text}"
    return _many_han.search(whole) is None and len(letters(whole)) < _telling_letters


def _says_little(subject: Subject) -> bool:
    """Tell whether a comment is too short to be off the point: 支持楼主, +1."""
    return subject.kind is Kind.COMMENT and len(letters(subject.text)) < _telling_letters


def _press_lead(where: str) -> str | None:
    return "publicity" if where in PRESS.values() else None


def _of_elsewhere(said: Judgement) -> Judgement:
    """Open no matter by a text that speaks of no place of ours, though a rule that asks for none was hit."""
    if not said.relevant:
        return said
    reason = Reason(ELSEWHERE, "地域", (), "没有提到本县")
    return replace(_nothing(said), reasons=(*said.reasons, reason))


def _of_a_neighbour(said: Judgement) -> Judgement:
    reason = Reason(ELSEWHERE, "地域", (), "来源属邻县")
    return replace(_nothing(said), reasons=(reason,), ours=False, joins=False, lead=None)


def _nothing(said: Judgement) -> Judgement:
    return replace(said, relevant=False, channel=None, copies=(), level=None, must_answer=False, owed=None)


def _grave_lead(where: str, said: Judgement) -> str | None:
    """Give the lead that does not hang on the tone of a text: danger before claims before the press.

    A claim is the writer's own or his group's: who reports one, or answers it, makes none.
    """
    named = {said.channel, *said.copies} if said.relevant else set()
    if said.channel == "security":
        return "security"
    if where in PRESS.values() or (where == "board" and "publicity" in named):
        return "publicity"
    if said.channel == "petition":
        return "petition" if where in _own_voices else None
    return "publicity" if said.channel == "publicity" and where != "official" else None


def _lead(where: str, shares: Mapping[str, float]) -> str:
    danger = _danger_below if where == "comments" else _danger
    if where != "official" and shares.get("security", 0.0) > danger:
        return "security"
    # A channel that the starter set does not know is named where the office taught it, and then only if it is sure.
    for name, share in shares.items():
        if name not in _shipped_channels and share > _own_channel:
            return name
    petition, network, office = (shares.get(name, 0.0) for name in ("petition", "network", "office"))
    if where == "official":
        return OFFICE
    if where == "board":
        return OFFICE if office > petition else "petition"
    whole = petition + network + office
    if petition > _own_claim * whole and where in _own_voices:
        return "petition"
    return "network" if network >= office else OFFICE


def _how_likely(public: float) -> str:
    """Say it in words: three digits would claim more than a model of letters knows."""
    return "很像" if public >= _likely else "像" if public >= _even else "有点像"


def _none(said: Judgement) -> Judgement:
    if not said.relevant:
        return said
    held_back = Reason(MODEL, "文字判断", (), "不像需要研判的事")
    return replace(said, relevant=False, channel=None, copies=(), reasons=(*said.reasons, held_back))


def _telling(said: Judgement) -> tuple[Reason, ...]:
    """Leave out the reason of the root: that no rule took the text is no reason where a model did."""
    return tuple(reason for reason in said.reasons if reason.rule != "root")

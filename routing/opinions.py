"""What the office's own text models say of one text: of public concern or not, who should lead, which subject. Pure.

An opinion is one signal among others and decides nothing: `routing.judging` weighs it against rules and places.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from routing.conditions import Subject
from routing.items import Kind
from routing.ngrams import Model
from routing.starter import opinions as starter

remembered = 4096
_boards, _official = "问政", "官方"


@dataclass(frozen=True, slots=True)
class Opinion:
    """`public`: how likely the text is of public concern, wherever it plays. `lead`: the share of each channel.

    `subject`: the likeliest of the 22 subject areas, with its share.
    """

    public: float
    lead: Mapping[str, float]
    subject: str
    subject_share: float


class Opinions:
    """Three models that read a text; safe to share between threads. Without models of the office, the starter set's."""

    def __init__(self, models: Mapping[str, Model] | None = None) -> None:
        given = models or {}
        self._public, self._lead, self._subject = (
            given.get(name) or starter.starter_model(name)
            for name in (starter.PUBLIC, starter.LEAD, starter.SUBJECT)
        )
        self._kept = lru_cache(remembered)(self._judge)

    @property
    def version(self) -> str:
        """Which models these are."""
        return "-".join(model.version[:6] for model in (self._public, self._lead, self._subject))

    def of(self, subject: Subject) -> Opinion:
        """Give an opinion. Never raises on a text; a repeat costs a look-up."""
        text = "\n".join(part for part in (subject.title, subject.text) if part)
        return self._kept(text, stands_in(subject))

    def _judge(self, text: str, where: str) -> Opinion:
        extra = (starter.source_mark(where),)
        shares = self._subject.scores(text)
        likeliest = max(shares, key=lambda name: (shares[name], name))
        return Opinion(
            public=self._public.scores(text, extra)[starter.YES],
            lead=self._lead.scores(text, extra),
            subject=likeliest,
            subject_share=shares[likeliest],
        )

    def why_public(self, subject: Subject) -> tuple[str, ...]:
        """Give the words that speak most for public concern."""
        text = "\n".join(part for part in (subject.title, subject.text) if part)
        return self._public.evidence(text, starter.YES, least_letters=2)


def stands_in(subject: Subject) -> str:
    """Name the sort of place where a text stands, as the starter set does."""
    if subject.kind is Kind.COMMENT:
        return "comments"
    if subject.kind is Kind.HOTLIST:
        return "hotlist"
    if _boards in subject.tags:
        return "board"
    return "official" if _official in subject.tags else "feed"

"""What grouping must know of one item, and what it answers. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# Between the name of a source and the mark of a comment feed of it; no name in sources.toml can hold it.
DERIVED = "~"


def origin_of(source_id: str) -> str:
    """Give the source that a comment feed under watch derives from; any other source is its own origin."""
    return source_id.partition(DERIVED)[0]


def is_derived(source_id: str) -> bool:
    """Tell whether this is a comment feed that an entry of another source named."""
    return DERIVED in source_id


def named(source_id: str, names: Mapping[str, str]) -> str:
    """Name a source by `names`, names by id; a comment feed of one is told as its comments, one without a name by its id."""
    name = names.get(origin_of(source_id))
    return source_id if name is None else f"{name}评论" if is_derived(source_id) else name


@dataclass(frozen=True, slots=True)
class Trace:
    """What grouping must know of one item: its links, and its text reduced to what can be compared.

    `normal_title` and `normal_text` are `normal()` of title and text, `places` names from the gazetteer without the
    county, `numbers` of `numbers()` over title and text; `at` when it was published or first seen, aware.
    `case_id` None: it is in no matter.
    """

    item_id: int
    case_id: int | None
    source_id: str
    external_id: str
    parent_id: str | None
    fingerprint: str
    normal_title: str
    normal_text: str
    places: frozenset[str]
    numbers: frozenset[str]
    topic: str | None
    at: datetime


class By(StrEnum):
    """Which step led to a match."""

    COMMENT = "comment"
    COPY = "copy"
    NEAR_COPY = "near copy"
    AFFINITY = "affinity"
    """Place, business, figures and words: for texts that are somebody's concern, not for adverts that ride on it."""


@dataclass(frozen=True, slots=True)
class Match:
    """The case to join, the item that led there, why (Chinese, for people) and how sure, in [0, 1].

    `suggested`: not sure enough to join by itself; a person decides.
    """

    case_id: int
    item_id: int
    why: str
    certainty: float
    suggested: bool = False
    by: By = By.AFFINITY

"""Whether a new small matter waits beside the one that it is perhaps one with (疑似同一事项), and what ends that. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from routing.silence import Ending

CERTAINTY = 0.4
"""How sure a suggestion must be; how often such were right is told in decision 0030."""
FURTHER = 5
"""So many texts and comments behind its first make a matter heard; project default."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A matter that is perhaps part of another. `small`: Ⅳ, owed no answer, no danger, nobody has judged it.

    `by_hand`: a person registered it. `late`: it was read after a gap. `certainty`: of the suggestion, in [0, 1].
    """

    small: bool
    certainty: float
    by_hand: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True)
class Other:
    """The matter beside which one would wait. `out`: its card stands, or is on its way; `quiet`: held back or muted."""

    open: bool
    out: bool
    quiet: bool


def waits(new: Doubtful, other: Other, minutes: int) -> bool:
    """Tell whether the card of a new matter waits on the card of the other one. `minutes` 0: none ever does."""
    return (
        minutes > 0
        and new.small
        and not new.by_hand
        and not new.late
        and new.certainty >= CERTAINTY
        and other.open
        and other.out
        and not other.quiet
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """A matter that waits: as in `Doubtful`, `judged` by people meanwhile, `further` texts behind its first.

    `asks`: the card of the other matter still asks, for that one is open and not held back.
    """

    ended: bool
    judged: bool
    small: bool
    further: int
    asks: bool
    since: datetime


def ending(one: Waiting, minutes: int, now: datetime) -> Ending | None:
    """Say why a card waits no longer; None while it still does."""
    if one.ended:
        return Ending.CLOSED
    if one.judged:
        return Ending.MOVED
    if not one.small:
        return Ending.GRAVE
    if one.further >= FURTHER:
        return Ending.STIRRED
    if not one.asks:
        return Ending.ALONE
    # A clock that was set back must not make it wait longer than its time.
    over = now >= one.since + timedelta(minutes=minutes) or now < one.since
    return Ending.UNDECIDED if over else None

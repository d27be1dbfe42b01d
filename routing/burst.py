"""Whether more is said of something now than at this time of day: a count against the same hours of earlier days. Pure.

Robust: what is usual is the median of the earlier days, how far days differ is their median deviation, so that one
noisy day raises no bar. A floor keeps two texts instead of none from being news. All figures are project defaults
(项目默认); no norm gives any.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from statistics import median

DAYS = 7
"""So many earlier days are looked at."""
FEWEST_DAYS = 3
"""With fewer days of watching nobody knows what is usual: nothing is a burst then."""
_sigma = 1.4826  # what a median deviation is of a standard deviation, where days differ by chance


class Sensitivity(StrEnum):
    """How soon the office wants to hear of a burst; the words that `office.toml` takes."""

    LOW = "低"
    MIDDLE = "中"
    HIGH = "高"


@dataclass(frozen=True, slots=True)
class Bar:
    """What must be reached: so many texts in one hour at least, and so many deviations above what is usual."""

    floor: int
    deviations: float


BARS = {Sensitivity.LOW: Bar(15, 6.0), Sensitivity.MIDDLE: Bar(10, 4.0), Sensitivity.HIGH: Bar(6, 3.0)}
WINDOWS = (1, 3)
"""Hours that are looked at, the shorter first. Over a longer one the floor rises with the root of its length."""


@dataclass(frozen=True, slots=True)
class Burst:
    """A burst: texts of the last `hours`, and what the same hours of the earlier `days` had on average."""

    hours: int
    count: int
    days: int
    usual: float

    def __str__(self) -> str:
        """Say it in one line (Chinese), with its figures."""
        usual = f"{self.usual:.1f}".removesuffix(".0")
        return f"近 {self.hours} 小时 {self.count} 条，前 {self.days} 天同时段平均 {usual} 条"


def floor_of(hours: int, sensitivity: Sensitivity) -> int:
    """Give how many texts in so many hours are worth a question at all."""
    return round(BARS[sensitivity].floor * sqrt(hours))


def burst_of(hours: int, count: int, earlier: Sequence[int], sensitivity: Sensitivity) -> Burst | None:
    """Tell whether `count` texts in the last `hours` are a burst; `earlier`: those of the same hours, one a day.

    None also where fewer than three earlier days were watched.
    """
    if len(earlier) < FEWEST_DAYS or count < floor_of(hours, sensitivity):
        return None
    middle = median(earlier)
    deviation = max(_sigma * median(abs(one - middle) for one in earlier), sqrt(max(middle, 1.0)))
    if count <= middle + BARS[sensitivity].deviations * deviation:
        return None
    return Burst(hours, count, len(earlier), sum(earlier) / len(earlier))

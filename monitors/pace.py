"""When a source is asked next: by what is learned of it, by its own word, and after a failure. Pure.

All waits are in seconds, within the source's own bounds: an operator who wants to hear within a minute says so, and
nothing that a server writes makes it slower than the bound he set. Only Retry-After may, for it is a refusal.
"""

from monitors.sources import Source

back_off_cap_s = 3600.0
retry_after_cap_s = 24 * 3600.0
polls_an_item = 4.0
"""A source is asked about four times for each item that it is expected to bring."""


def wait_s(source: Source, expected_per_h: float | None, fresh_s: float | None) -> float:
    """Give the wait after a success. `fresh_s`: how long the answer calls itself fresh, None where it does not say.

    Nothing learned yet: the shortest wait. A source that brings nothing for weeks is asked at the longest.
    """
    learned = source.interval_s
    if expected_per_h is not None:
        learned = 3600 / (expected_per_h * polls_an_item) if expected_per_h > 0 else source.max_interval_s
    return min(max(source.interval_s, learned, fresh_s or 0), max(source.interval_s, source.max_interval_s))


def back_off_s(interval_s: float, failures: int) -> float:
    """Give the wait after so many failures in a row: doubled six times at most, an hour at most, never for ever."""
    return min(interval_s * 2.0 ** min(failures, 6), max(back_off_cap_s, interval_s))


def retry_s(interval_s: float, failures: int, retry_after_s: float | None) -> float:
    """Give the wait after a failure, heeding the server's wish for a day at most."""
    return max(back_off_s(interval_s, failures), min(retry_after_s or 0, retry_after_cap_s))

"""What the header fields of an answer say of time and identity. Pure; nonsense is None, never an exception."""

import email.utils
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

longest_fresh_s = 31 * 24 * 3600.0
"""What claims to be fresh for longer is not believed beyond this."""
_longest_field = 512


def server_at(fields: Mapping[str, str]) -> datetime | None:
    """Give the Date of an answer, aware UTC."""
    return read_moment(fields.get("Date", ""))


def fresh_s(fields: Mapping[str, str], now: datetime) -> float | None:
    """Tell for how many seconds the answer calls itself fresh (RFC 9111 section 4.2.1), at most 31 days.

    max-age less Age, else Expires less Date. None where neither says so or the time is over, and where the answer asks
    to be checked each time (no-cache, no-store): that keeps nobody from sending its validators.
    """
    control = fields.get("Cache-Control")
    if control is not None:
        age = _max_age(control[:_longest_field])
        if age is not None:
            return _believed(age - (_seconds(fields.get("Age", "")) or 0))
    expires = read_moment(fields.get("Expires", "")) if "Expires" in fields else None
    if expires is None or (control is not None and _must_ask(control)):
        return None
    return _believed((expires - (server_at(fields) or now)).total_seconds())


def retry_after(written: str | None, now: datetime) -> float | None:
    """Read Retry-After (RFC 9110 section 10.2.3), seconds or a date; None where it is absent or nonsense."""
    text = (written or "").strip()
    if (seconds := _seconds(text)) is not None:
        return seconds
    moment = read_moment(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def validator(fields: Mapping[str, str], name: str) -> str | None:
    """Give a field that is stored and sent back; what is absurdly long or not printable ASCII is forgotten."""
    value = fields.get(name, "")
    return (
        value if value and len(value) <= _longest_field and value.isascii() and value.isprintable() else None
    )


@lru_cache(maxsize=512)  # the answers of one second carry one Date
def read_moment(text: str) -> datetime | None:
    """Read a date of HTTP, aware UTC; one without a zone is UTC. None where it cannot be read."""
    if not text or len(text) > 64:
        return None
    try:
        moment = email.utils.parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


@lru_cache(maxsize=512)
def _max_age(control: str) -> float | None:
    if _must_ask(control):
        return None
    for directive in control.lower().split(","):
        name, _, value = directive.strip().partition("=")
        if name == "max-age":
            return _seconds(value.strip('" '))
    return None


def _must_ask(control: str) -> bool:
    names = {directive.partition("=")[0].strip() for directive in control.lower().split(",")}
    return not names.isdisjoint({"no-cache", "no-store"})


def _seconds(text: str) -> float | None:
    text = text.strip()
    return float(text[:9]) if text.isascii() and text.isdigit() else None


def _believed(seconds: float) -> float | None:
    return min(seconds, longest_fresh_s) if seconds > 0 else None

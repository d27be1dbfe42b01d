"""Secrets out of log lines and error texts. Knows the secrets it is given, nothing else.

httpx writes every address, token included, at INFO; python-telegram-bot writes the address at DEBUG and the body of a
broken answer at ERROR. So the filter sits on the handlers, where every logger's lines come past, and not on a logger.
"""

import logging
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote

MASK = "[已隐去]"
_CHATTY = ("httpx", "httpcore")

Redact = Callable[[str], str]


def redactor(secrets: Iterable[str]) -> Redact:
    """Give a function that masks each secret, also as it looks inside an address; empty secrets are skipped."""
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    if not forms:
        return lambda text: text
    pattern = re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))
    return lambda text: pattern.sub(MASK, text)


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    half = secret.partition(":")[2]
    if len(half) >= 16:  # "<public number>:<the secret half>", as Telegram writes its tokens
        yield half


def scrub(error: BaseException, redact: Redact) -> None:
    """Mask secrets in the texts of an error and of all that caused it, in place, so that a traceback may be shown."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.args = tuple(redact(arg) if isinstance(arg, str) else arg for arg in one.args)
        message = getattr(one, "message", None)  # where python-telegram-bot keeps its text
        if isinstance(message, str):
            one.message = redact(message)  # type: ignore[attr-defined]
        waiting += [one.__cause__, one.__context__]


class RedactingFilter(logging.Filter):
    """Masks secrets in the message, its arguments, the trace and added fields of every record; drops none."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self.secrets = frozenset(secrets)
        self._redact = redactor(self.secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._redact(_message(record)), None
        if record.exc_info and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        for name, value in list(vars(record).items()):
            if isinstance(value, str) and (clean := self._redact(value)) != value:
                setattr(record, name, clean)
                if name == "exc_text":
                    record.exc_info = None  # a handler that formats the trace itself would show it again
        return True


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # as logging itself: a line with wrong arguments must not stop the program
        return f"{record.msg} {record.args!r}"


def install_redaction(secrets: Iterable[str]) -> None:
    """Mask `secrets` on all handlers of the root logger and quiet the HTTP client. Again adds secrets and handlers."""
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    wanted = frozenset(secrets)
    last_resort = [logging.lastResort] if logging.lastResort else []
    for handler in [*logging.getLogger().handlers, *last_resort]:
        standing = [one for one in handler.filters if isinstance(one, RedactingFilter)]
        for one in standing:
            handler.removeFilter(one)
        handler.addFilter(RedactingFilter(wanted.union(*(one.secrets for one in standing))))

"""Logging for the command line: one line an event with its fields, secrets taken out on every handler."""

import logging
import re
from collections.abc import Iterable

from bot.redact import install_redaction

_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {
    "message",
    "asctime",
    "taskName",
}


# What ends a line or drives a terminal: a public text in a field must not be able to write a line of its own.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class FieldFormatter(logging.Formatter):
    """Writes what was given as `extra` behind the message, as key=value; control characters are made visible.

    Only a trace has further lines.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{k}={v}" for k, v in vars(record).items() if k not in _STANDARD)
        line = f"{super().formatMessage(record)} {fields}".rstrip()
        return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode(), line)


def set_up(secrets: Iterable[str], *, level: int = logging.WARNING) -> None:
    """Send events to standard error: for a command that answers and ends, only what went wrong. Safe to call twice."""
    handler = logging.StreamHandler()
    handler.setFormatter(FieldFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("apscheduler", "aiosqlite", "matplotlib", "alembic", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    install_redaction(secrets)

"""The journal: one JSON line for each step that changed the sandbox, so that a killed sandbox wakes up where it was.

Lines are only appended and flushed one by one. A last line without its newline is what `kill -9` leaves behind: it is
cut off. Any other broken line is damage, and the journal refuses to be read. Knows nothing of chats.
"""

import json
from pathlib import Path
from typing import IO, Any

Event = dict[str, Any]


class JournalError(Exception):
    """A line in the middle of the file is not a list of events; somebody must look at the file."""


class Journal:
    """Read once, then append. Not for two processes at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = path.with_name(path.name + ".files")
        self._out: IO[bytes] | None = None

    def open(self) -> list[list[Event]]:
        """Return the steps so far, oldest first, cut a torn tail and stand ready to append."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.files.mkdir(exist_ok=True)
        raw = self.path.read_bytes() if self.path.exists() else b""
        whole = raw[: raw.rfind(b"\n") + 1]
        steps = [_step(self.path, number, line) for number, line in enumerate(whole.splitlines(), 1)]
        self._out = self.path.open("ab")
        if len(whole) < len(raw):
            self._out.truncate(len(whole))
        return steps

    def append(self, step: list[Event]) -> None:
        """Write one step as one line and flush it: after this call a killed process has not lost it."""
        assert self._out is not None
        self._out.write(json.dumps(step, separators=(",", ":")).encode() + b"\n")
        self._out.flush()

    def close(self) -> None:
        if self._out is not None:
            self._out.close()
            self._out = None


def _step(path: Path, number: int, line: bytes) -> list[Event]:
    try:
        step = json.loads(line)
    except ValueError as error:
        raise JournalError(f"{path}, line {number}: not JSON") from error
    if not isinstance(step, list):
        raise JournalError(f"{path}, line {number}: not a list of events")
    return step

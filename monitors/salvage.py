"""A document that cannot be read as a whole, taken apart so that its healthy entries can be. Pure.

Some documents cost minutes or all memory because of one entry. `salvage` tries the parts one after another, in steps
that the kernel ends when they take too long, and then reads the document without the parts that did: what it gives
is what the document would have given without them. Every scan here takes linear time, whatever the bytes are.
"""

import io
import json
import logging
import re
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jmespath
from jmespath.exceptions import JMESPathError

from monitors.parsed import Parsed
from monitors.sources import Source
from monitors.texts import decode

log = logging.getLogger(__name__)

max_parts = 1000
_max_frame_letters = 20_000
_opening = re.compile(r"<(?:[\w.-]{1,40}:)?(item|entry)[\s>/]", re.IGNORECASE)
_plain_rss = ('<rss version="2.0"><channel>', "</channel></rss>")
_plain_atom = ('<feed xmlns="http://www.w3.org/2005/Atom">', "</feed>")


class Pieces(Protocol):
    """A document in parts; `body` puts some of them together again."""

    @property
    def count(self) -> int: ...

    def body(self, numbers: Sequence[int]) -> bytes: ...


def salvage(
    parse: Callable[[bytes], Parsed],
    source: Source,
    body: bytes,
    content_type: str,
    dead: frozenset[int],
    reached: int,
    *,
    part_cpu_s: float,
    whole_cpu_s: float,
    probe_s: float,
) -> Generator[tuple[int, float], None, tuple[Parsed, int] | None]:
    """Try the parts from `reached` on but for the `dead`, then read the document with those that survived.

    Tells, before each step, its number (parts, then one for the whole) and the processor time that it may take; who
    is killed in a step calls again with that number among the dead. After `probe_s` seconds on the clock the rest is
    left out. Gives what was read and how many parts were left out; None where there is nothing to take apart.
    """
    end = time.monotonic() + probe_s
    left_out = set(dead)
    pieces = split(source, body, content_type, frame_is_dead=0 in dead)
    if pieces is None:
        return None
    numbers = range(min(pieces.count, max_parts))
    for step in range(reached, len(numbers) + 1):
        if time.monotonic() > end:
            numbers = range(max(step - 1, 0))
            break
        if step in dead:
            continue
        yield step, part_cpu_s
        # Step 0 is the frame alone: where it is to blame, a plain one takes its place.
        try:
            parse(pieces.body([step - 1] if step else []))
        except Exception:  # a bug that this part meets, or memory that it asks for
            log.info("part %d of %s raises", step, source.id, exc_info=True)
            left_out.add(step)
    kept = [number for number in numbers if number + 1 not in left_out]
    yield max_parts + 1, whole_cpu_s
    return parse(pieces.body(kept)), pieces.count - len(kept)


def split(source: Source, body: bytes, content_type: str, *, frame_is_dead: bool = False) -> Pieces | None:
    """Take the document apart by the kind of its source; None where it has fewer than two parts."""
    if source.kind in {"page", "column"}:
        return None
    text = decode(body, content_type).text.removeprefix("\ufeff")
    if source.kind in {"file", "inbox"} and "csv" in content_type:
        pieces: Pieces | None = _csv(text)
    elif source.kind in {"file", "inbox"} and "ndjson" in content_type:
        pieces = _Text("", tuple(text.splitlines(keepends=True)), "")
    elif text.lstrip()[:1] in {"{", "["}:
        pieces = _json(source, text)
    else:
        pieces = _xml(text, plain=frame_is_dead)
    return pieces if pieces is not None and pieces.count > 1 else None


@dataclass(frozen=True, slots=True)
class _Text:
    head: str
    parts: tuple[str, ...]
    tail: str

    @property
    def count(self) -> int:
        return len(self.parts)

    def body(self, numbers: Sequence[int]) -> bytes:
        text = "".join((self.head, *(self.parts[number] for number in numbers), self.tail))
        return text.encode("utf-8", errors="replace")


def _xml(text: str, *, plain: bool) -> _Text | None:
    found = list(_opening.finditer(text))
    if not found:
        return None
    starts = [one.start() for one in found]
    parts = []
    end = len(text)
    for one, following in zip(found, [*starts[1:], len(text)], strict=True):
        part = text[one.start() : following]
        close = part.lower().rfind(f"</{one[0][1:-1].lower()}")
        if close >= 0 and (shut := part.find(">", close)) >= 0:
            part = part[: shut + 1]
            end = one.start() + shut + 1
        parts.append(part)
    head, tail = text[: starts[0]], text[end:]
    if plain or len(head) + len(tail) > _max_frame_letters:
        head, tail = _plain_atom if found[0][1].lower() == "entry" else _plain_rss
    return _Text(head, tuple(parts), tail)


def _csv(text: str) -> _Text | None:
    parts: list[str] = []
    quotes = 0
    for line in io.StringIO(text, newline=""):
        if quotes % 2:  # a line break inside a quoted field
            parts[-1] += line
        else:
            parts.append(line)
        quotes += line.count('"')
    return _Text(parts[0], tuple(parts[1:]), "") if parts else None


class _Json:
    """The list is emptied and filled in its place, so that the rest of the document stays as it was."""

    def __init__(self, document: Any, entries: list[Any]) -> None:
        self._document, self._entries, self._all = document, entries, list(entries)

    @property
    def count(self) -> int:
        return len(self._all)

    def body(self, numbers: Sequence[int]) -> bytes:
        self._entries[:] = [self._all[number] for number in numbers]
        return json.dumps(self._document).encode()


def _json(source: Source, text: str) -> _Json | None:
    path = source.mapping.items if source.mapping else "items"
    try:
        document = json.loads(text)
        entries = jmespath.search(path, document) if path else document
        if not isinstance(entries, list):
            return None
        pieces = _Json(document, entries)
        # A path with a projection gives a new list, and filling that one would change nothing.
        emptied = json.loads(pieces.body([]))
        return None if (jmespath.search(path, emptied) if path else emptied) else pieces
    except (JMESPathError, RecursionError, ValueError):
        return None

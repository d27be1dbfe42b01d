"""What parsing a body gives: items, or the problem that stood in the way. No parsing here."""

from dataclasses import dataclass

from routing.items import CommentFeed, Fault, Item, SourceProblem, Symptom


@dataclass(frozen=True, slots=True)
class Parsed:
    """The yield of one body.

    `problem` set: the body as a whole could not be read, and `items` is what could be saved of it (often nothing).
    `notes` are for the operator (Chinese): entries skipped, letters replaced. `cursor` is where a comment stream
    goes on; None at its end and for feeds. `more`: the reader stopped at its limit of pages, the stream had not ended.
    `charset` is the one that was believed. `entries`: how many the document held, those known by their raw digest
    (which are not among `items`) included; `raw_hashes` names those that need not be read
    again, 8 bytes each: what was skipped or left for the next round is not among them. `symptoms`
    is what the document itself shows to be wrong. `memory` is what the reader keeps for the next round, None where
    it keeps nothing. `ttl_s`: how long the document calls itself fresh. `hints` (Chinese) are for who looks at the source
    while writing its configuration; a round does not tell them.
    """

    items: tuple[Item, ...] = ()
    problem: SourceProblem | None = None
    notes: tuple[str, ...] = ()
    cursor: str | None = None
    more: bool = False
    charset: str = ""
    entries: int = 0
    raw_hashes: bytes = b""
    symptoms: tuple[Symptom, ...] = ()
    memory: str | None = None
    ttl_s: float | None = None
    comment_feeds: tuple[CommentFeed, ...] = ()
    hints: tuple[str, ...] = ()


def unread(fault: Fault, detail: str, cure: str, *, charset: str = "") -> Parsed:
    """Give the outcome of a body of which nothing could be read."""
    return Parsed(problem=SourceProblem(fault, detail, cure), charset=charset)

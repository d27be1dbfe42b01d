"""Texts whose keeping time (保存期) is over and that are not stored any more: known again by digests alone.

A source may show an old text for years. Were it simply deleted, it would come back as news; kept by a digest it does
not, and nobody can read from the digest what it said.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from routing.items import Item
from routing.store.tables import GoneRow

AT_ONCE = 1_000
_gone = GoneRow.__table__.c  # of every harvest: columns of the table spare the mapper's share of the time
_look_up = select(_gone.mark, _gone.content, _gone.stock).where(
    _gone.mark.in_(bindparam("marks", expanding=True))
)
_content_bytes = 8
_any = select(_gone.mark).limit(1)


@dataclass(frozen=True, slots=True)
class Gone:
    """What is known of one such text. `is_stock`: it was there before its source was watched."""

    content: bytes
    is_stock: bool

    def says(self, item: Item) -> bool:
        """Tell whether the source still shows the same words."""
        return self.content == content_of(item.content_hash())


def mark_of(source_id: str, external_id: str) -> bytes:
    """Give the 16 bytes under which a text is known again."""
    return hashlib.blake2b(f"{source_id}\x1f{external_id}".encode(), digest_size=16).digest()


def content_of(content_hash: str) -> bytes:
    """Shorten a content hash of 32 hexadecimal digits to what is kept of it."""
    return bytes.fromhex(content_hash)[:_content_bytes]


def among(session: Session, wanted: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Gone]]:
    """Give those of the texts (external ids by source) that were let go, by source and external id."""
    if not any(wanted.values()) or session.execute(_any).first() is None:  # nothing was let go yet
        return {}
    asked = {mark_of(source, id_): (source, id_) for source, ids in wanted.items() for id_ in ids}
    found: dict[str, dict[str, Gone]] = {}
    for some in _portions(sorted(asked)):
        for mark, content, stock in session.execute(_look_up, {"marks": some}):
            source_id, external_id = asked[bytes(mark)]
            found.setdefault(source_id, {})[external_id] = Gone(bytes(content), stock)
    return found


def remember(session: Session, texts: Sequence[tuple[str, str, str, bool]]) -> None:
    """Note texts that are let go: source, external id, content hash, and whether it was stock. Safe to call twice."""
    if not texts:
        return
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgres_insert
    statement = insert(GoneRow)
    statement = statement.on_conflict_do_update(
        index_elements=[GoneRow.mark],
        set_={"content": statement.excluded.content, "stock": statement.excluded.stock},
    )
    rows = sorted((mark_of(source, id_), content_of(content), stock) for source, id_, content, stock in texts)
    session.execute(
        statement, [{"mark": mark, "content": content, "stock": stock} for mark, content, stock in rows]
    )


def _portions(marks: Sequence[bytes]) -> Iterator[list[bytes]]:
    rest = iter(marks)
    while some := list(islice(rest, AT_ONCE)):
        yield some

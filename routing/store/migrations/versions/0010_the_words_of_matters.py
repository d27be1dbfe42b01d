"""The index of what can be looked for, with the matters, texts and answers that are there already."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from routing.wanted import pairs_of

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

AT_ONCE = 500

_big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_kept = sa.table("search_text", sa.column("kind"), sa.column("ref"), sa.column("pairs"))
# Words of plain ASCII: neither a tokenizer for Chinese nor the locale of the server has a say in them.
_SQLITE = (
    "CREATE VIRTUAL TABLE search_pair USING fts5(pairs, content='search_text', content_rowid='id', detail='none',"
    " columnsize=0, tokenize='ascii')",
    "CREATE TRIGGER search_text_added AFTER INSERT ON search_text BEGIN"
    " INSERT INTO search_pair (rowid, pairs) VALUES (new.id, new.pairs); END",
    "CREATE TRIGGER search_text_gone AFTER DELETE ON search_text BEGIN"
    " INSERT INTO search_pair (search_pair, rowid, pairs) VALUES ('delete', old.id, old.pairs); END",
    "CREATE TRIGGER search_text_changed AFTER UPDATE OF pairs ON search_text BEGIN"
    " INSERT INTO search_pair (search_pair, rowid, pairs) VALUES ('delete', old.id, old.pairs);"
    " INSERT INTO search_pair (rowid, pairs) VALUES (new.id, new.pairs); END",
)
_POSTGRESQL = ("CREATE INDEX ix_search_text_pairs ON search_text USING gin (string_to_array(pairs, ' '))",)
_TEXTS = (
    ("item", "SELECT i.id, i.title, i.text FROM item i JOIN matter_item m ON m.item_id = i.id"),
    ("matter", "SELECT id, number, title, place, topic FROM matter"),
    ("draft", "SELECT id, text FROM draft"),
)


def upgrade() -> None:
    op.create_table(
        "search_text",
        sa.Column("id", _big_id, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("ref", sa.BigInteger(), nullable=False),
        sa.Column("pairs", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_text")),
        sa.UniqueConstraint("kind", "ref", name=op.f("uq_search_text_kind_ref")),
    )
    connection = op.get_bind()
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
    for kind, query in _TEXTS:
        for rows in connection.execute(sa.text(query)).partitions(AT_ONCE):
            connection.execute(sa.insert(_kept), list(_rows(kind, rows)))


def _rows(kind: str, rows: Sequence[Any]) -> Iterator[dict[str, object]]:
    for ref, *texts in rows:
        yield {"kind": kind, "ref": ref, "pairs": pairs_of(*(text or "" for text in texts))}

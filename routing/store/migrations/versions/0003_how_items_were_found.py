"""How an item was found; the index by which a text is found again under another id."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("item", sa.Column("found", sa.JSON(), nullable=True))
    op.create_index(
        "ix_item_source_id_published_at", "item", ["source_id", "published_at", "id"], unique=False
    )
    # No query asked for it: copies are looked for among the texts of matters, in memory.
    op.drop_index(op.f("ix_item_fingerprint"), table_name="item")

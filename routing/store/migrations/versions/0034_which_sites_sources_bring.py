"""Which sources brought texts from a site, answered by one index."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_item_url", table_name="item")
    op.create_index("ix_item_url", "item", ["url", "source_id"], postgresql_ops={"url": "text_pattern_ops"})


def downgrade() -> None:
    op.drop_index("ix_item_url", table_name="item")
    op.create_index("ix_item_url", "item", ["url"])

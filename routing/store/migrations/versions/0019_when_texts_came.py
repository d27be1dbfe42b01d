"""When texts came to a matter, so that a burst is counted without reading them."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_matter_item_case_id_at", "matter_item", ["case_id", "at"])
    op.drop_index("ix_matter_item_case_id", "matter_item")  # the new one begins with it

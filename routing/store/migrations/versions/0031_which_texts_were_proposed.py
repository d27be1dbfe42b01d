"""An index on the texts of proposals: deleting a text asks whether one names it."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_proposal_item_id"), "proposal", ["item_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_proposal_item_id"), "proposal")

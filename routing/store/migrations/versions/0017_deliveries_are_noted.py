"""Which messages the ledger knows the end of; those that ended before count as known."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("noted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE outbox SET noted = true WHERE state NOT IN ('pending', 'sending')")
    op.create_index("ix_outbox_noted", "outbox", ["noted", "state"])

"""Where a text stood (feed, board, press and so on) and its subject area."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("item", sa.Column("stood", sa.String(length=12), nullable=True))
    op.add_column("item", sa.Column("subject", sa.String(length=24), nullable=True))

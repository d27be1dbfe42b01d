"""When a source's silence must be looked at."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("source", sa.Column("look_at", sa.DateTime(timezone=True), nullable=True))

"""What a first review ticked off, why a draft is not for the public, and how those concerned heard of it."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("review", sa.Column("aspects", sa.JSON()))
    op.add_column("draft", sa.Column("openness_reason", sa.Text(), server_default="", nullable=False))
    op.add_column("release", sa.Column("told", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("release", "told")
    op.drop_column("draft", "openness_reason")
    op.drop_column("review", "aspects")

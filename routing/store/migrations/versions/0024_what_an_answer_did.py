"""What an answer did, measured a day after its release (回应效果)."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("release", sa.Column("effect", sa.JSON()))


def downgrade() -> None:
    op.drop_column("release", "effect")

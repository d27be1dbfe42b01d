"""Since when a matter has stood at a level that it rose to."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("matter", sa.Column("risen", sa.JSON()))


def downgrade() -> None:
    op.drop_column("matter", "risen")

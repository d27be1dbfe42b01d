"""On what ground a matter must be answered (应当回应)."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("matter", sa.Column("owed", sa.String(length=24)))


def downgrade() -> None:
    op.drop_column("matter", "owed")

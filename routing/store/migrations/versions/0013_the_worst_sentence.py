"""The sentence of a text that sounds worst. Of texts that are stored already nobody kept it."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("item", sa.Column("quote", sa.Text(), server_default="", nullable=False))

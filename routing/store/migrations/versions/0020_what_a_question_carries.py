"""What the button carried besides its command, for which somebody is asked for a text."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ask", sa.Column("arg", sa.String(length=32), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("ask", "arg")

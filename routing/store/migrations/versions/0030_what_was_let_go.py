"""What is remembered of texts whose keeping time is over, so that none of them comes back as news."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gone",
        sa.Column("mark", sa.LargeBinary(length=16), nullable=False),
        sa.Column("content", sa.LargeBinary(length=8), nullable=False),
        sa.Column("stock", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_gone")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("gone")

"""When an ailment was seen last, when an approval was asked for, and counts of comments beyond 32 bits."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ailment", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("source", sa.Column("approve_asked_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("comment_watch", schema=None) as batch_op:
        batch_op.alter_column(
            "count", existing_type=sa.Integer(), type_=sa.BigInteger(), existing_nullable=True
        )

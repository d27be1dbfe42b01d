"""Cases whose cards wait beside the one that they are perhaps part of."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("hold", sa.Column("beside_id", _big_id, sa.ForeignKey("matter.id")), inline_references=True)
    op.create_index(op.f("ix_hold_beside_id"), "hold", ["beside_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_hold_beside_id"), "hold")
    op.drop_column("hold", "beside_id")

"""Who entered a matter by hand (首接)."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


_big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "matter", sa.Column("registered_by", _big_id, sa.ForeignKey("person.id")), inline_references=True
    )


def downgrade() -> None:
    op.drop_column("matter", "registered_by")

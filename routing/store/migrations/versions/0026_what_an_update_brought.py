"""Which message or press an update brought: neither counts twice."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("inbox") as batch:
        batch.add_column(sa.Column("mark", sa.String(length=64), nullable=True))
        batch.create_unique_constraint(op.f("uq_inbox_platform_mark"), ["platform", "mark"])


def downgrade() -> None:
    with op.batch_alter_table("inbox") as batch:
        batch.drop_constraint(op.f("uq_inbox_platform_mark"), type_="unique")
        batch.drop_column("mark")

"""Numbers of dispatch slips and of published answers; what is there already keeps none."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, column in (("assignment", "number"), ("release", "index_number")):
        op.add_column(table, sa.Column(column, sa.String(length=40)))
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=True)

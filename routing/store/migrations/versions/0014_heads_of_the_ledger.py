"""Heads of the ledger, one a day; like the ledger they are neither changed nor deleted."""

import sqlalchemy as sa
from alembic import op

from routing.store.guards import guard

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "ledger_head",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("seq", _big_id, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_ledger_head")),
    )
    guard(op.get_bind(), "ledger_head", "day")

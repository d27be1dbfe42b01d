"""Corrections of texts as well as of matters, matters that were merged, and those that are suggested to be."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "suggestion",
        sa.Column("case_id", _big_id, autoincrement=False, nullable=False),
        sa.Column("other_id", _big_id, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("certainty", sa.Double(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["matter.id"], name=op.f("fk_suggestion_case_id")),
        sa.ForeignKeyConstraint(["other_id"], ["matter.id"], name=op.f("fk_suggestion_other_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_suggestion")),
    )
    # Not in batches: SQLite would make the table anew, and others refer to it.
    op.add_column(
        "matter", sa.Column("merged_into", _big_id, sa.ForeignKey("matter.id")), inline_references=True
    )
    op.add_column("verdict", sa.Column("item_id", _big_id, sa.ForeignKey("item.id")), inline_references=True)
    op.add_column("verdict", sa.Column("scorer", sa.String(length=64)))
    op.create_index(op.f("ix_verdict_item_id"), "verdict", ["item_id"])
    op.execute("UPDATE verdict SET kind = 'relevant' WHERE kind = 'not_a_matter'")

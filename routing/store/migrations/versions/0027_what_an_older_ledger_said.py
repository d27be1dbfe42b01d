"""What was taken over from an older ledger (旧台账)."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("matter", sa.Column("imported_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("matter", sa.Column("old_number", sa.String(length=120), nullable=True))
    op.create_index(op.f("ix_matter_old_number"), "matter", ["old_number"])
    op.add_column(
        "matter_item", sa.Column("past", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_table(
        "legacy",
        sa.Column("case_id", _big_id, autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("sheet", sa.String(length=60), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["matter.id"], name=op.f("fk_legacy_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_legacy")),
        sa.UniqueConstraint("key", name=op.f("uq_legacy_key")),
    )
    op.create_index(op.f("ix_legacy_batch"), "legacy", ["batch"])


def downgrade() -> None:
    op.drop_table("legacy")
    op.drop_column("matter_item", "past")
    op.drop_index(op.f("ix_matter_old_number"), "matter")
    op.drop_column("matter", "old_number")
    op.drop_column("matter", "imported_at")

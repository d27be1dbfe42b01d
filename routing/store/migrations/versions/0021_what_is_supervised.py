"""What is supervised, what stands still, and the flags of a matter."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "supervision",
        sa.Column("id", _big_id, nullable=False),
        sa.Column("case_id", _big_id, nullable=False),
        sa.Column("deadline_id", _big_id, nullable=False),
        sa.Column("colour", sa.String(length=24)),
        sa.Column("coloured_at", sa.DateTime(timezone=True)),
        sa.Column("answer_by", sa.DateTime(timezone=True)),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("listed_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["case_id"], ["matter.id"], name=op.f("fk_supervision_case_id")),
        sa.ForeignKeyConstraint(["deadline_id"], ["deadline.id"], name=op.f("fk_supervision_deadline_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision")),
    )
    op.create_index(op.f("ix_supervision_case_id"), "supervision", ["case_id"])
    op.create_index(op.f("ix_supervision_next_at"), "supervision", ["next_at"])
    op.add_column("deadline", sa.Column("paused_at", sa.DateTime(timezone=True)))
    for flag in ("instructed", "emergency"):
        op.add_column("matter", sa.Column(flag, sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column("matter", "emergency")
    op.drop_column("matter", "instructed")
    op.drop_column("deadline", "paused_at")
    op.drop_table("supervision")

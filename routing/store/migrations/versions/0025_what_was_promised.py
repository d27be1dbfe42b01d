"""What units promised in their answers (承诺事项)."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "promise",
        sa.Column("id", _big_id, nullable=False),
        sa.Column("case_id", _big_id, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_at", _instant, nullable=False),
        sa.Column("made_at", _instant, nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("next_at", _instant, nullable=True),
        sa.Column("kept_at", _instant, nullable=True),
        sa.Column("kept_by", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["matter.id"], name=op.f("fk_promise_case_id")),
        sa.ForeignKeyConstraint(["kept_by"], ["person.id"], name=op.f("fk_promise_kept_by")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_promise_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise")),
    )
    op.create_index(op.f("ix_promise_case_id"), "promise", ["case_id"])
    op.create_index(op.f("ix_promise_next_at"), "promise", ["next_at"])


def downgrade() -> None:
    op.drop_table("promise")

"""The papers in the file of a matter, and what kind of answer it wants."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "paper",
        sa.Column("id", _big_id, nullable=False),
        sa.Column("case_id", _big_id, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("draft_version", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("stance", sa.String(length=24), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("done_by", sa.Integer()),
        sa.ForeignKeyConstraint(["case_id"], ["matter.id"], name=op.f("fk_paper_case_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_paper_person_id")),
        sa.ForeignKeyConstraint(["done_by"], ["person.id"], name=op.f("fk_paper_done_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper")),
    )
    op.create_index("ix_paper_case_id_kind", "paper", ["case_id", "kind"])
    op.add_column("matter", sa.Column("answer_kind", sa.String(length=24)))


def downgrade() -> None:
    op.drop_column("matter", "answer_kind")
    op.drop_table("paper")

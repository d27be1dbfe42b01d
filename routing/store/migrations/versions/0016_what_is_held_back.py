"""Mutes, and cases whose cards are held back."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "mute",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("matcher", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("lifted_by", sa.Integer()),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_mute_person_id")),
        sa.ForeignKeyConstraint(["lifted_by"], ["person.id"], name=op.f("fk_mute_lifted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mute")),
    )
    op.create_index(op.f("ix_mute_ended_at"), "mute", ["ended_at"])
    op.create_table(
        "hold",
        sa.Column("id", _big_id, nullable=False),
        sa.Column("case_id", _big_id, nullable=False),
        sa.Column("mute_id", sa.Integer()),
        sa.Column("under_id", _big_id),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("ending", sa.String(length=24)),
        sa.ForeignKeyConstraint(["case_id"], ["matter.id"], name=op.f("fk_hold_case_id")),
        sa.ForeignKeyConstraint(["mute_id"], ["mute.id"], name=op.f("fk_hold_mute_id")),
        sa.ForeignKeyConstraint(["under_id"], ["matter.id"], name=op.f("fk_hold_under_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    for column in ("case_id", "mute_id", "under_id", "ended_at"):
        op.create_index(op.f(f"ix_hold_{column}"), "hold", [column])
    op.create_index("ix_matter_place", "matter", ["place"])

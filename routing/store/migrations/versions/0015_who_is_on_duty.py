"""The roster as rows, substitutions, handovers, and calls of the person on duty."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "shift",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=24), nullable=False),
        sa.Column("starts_at", _instant, nullable=False),
        sa.Column("ends_at", _instant, nullable=False),
        sa.Column("leader_id", sa.Integer()),
        sa.Column("staff", sa.JSON(), nullable=False),
        sa.Column("reserve", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["leader_id"], ["person.id"], name=op.f("fk_shift_leader_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
    )
    op.create_index("ix_shift_time", "shift", ["ends_at", "starts_at"])
    op.create_table(
        "substitution",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("absent_id", sa.Integer(), nullable=False),
        sa.Column("reserve_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("starts_at", _instant, nullable=False),
        sa.Column("ends_at", _instant, nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=False),
        sa.Column("asked_at", _instant, nullable=False),
        sa.Column("asked_of", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("decided_by", sa.Integer()),
        sa.Column("decided_at", _instant),
        sa.Column("next_at", _instant),
        sa.CheckConstraint("absent_id <> reserve_id", name=op.f("ck_substitution_two_people")),
        *(
            sa.ForeignKeyConstraint([name], ["person.id"], name=op.f(f"fk_substitution_{name}"))
            for name in ("absent_id", "reserve_id", "asked_by", "decided_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_substitution")),
    )
    for name in ("absent_id", "reserve_id", "next_at"):
        op.create_index(op.f(f"ix_substitution_{name}"), "substitution", [name])
    op.create_table(
        "handover",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("shift", sa.String(length=24), nullable=False),
        sa.Column("since", _instant, nullable=False),
        sa.Column("at", _instant, nullable=False),
        sa.Column("outgoing_id", sa.Integer(), nullable=False),
        sa.Column("incoming_id", sa.Integer(), nullable=False),
        sa.Column("matters", sa.JSON(), nullable=False),
        sa.Column("tally", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("outgoing_signed_at", _instant),
        sa.Column("incoming_signed_at", _instant),
        sa.Column("next_at", _instant),
        *(
            sa.ForeignKeyConstraint([name], ["person.id"], name=op.f(f"fk_handover_{name}"))
            for name in ("outgoing_id", "incoming_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
    )
    for name in ("outgoing_id", "next_at"):
        op.create_index(op.f(f"ix_handover_{name}"), "handover", [name])
    op.create_table(
        "duty_call",
        sa.Column("id", _big_id, nullable=False),
        sa.Column("case_id", _big_id, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("called_at", _instant, nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("next_at", _instant),
        sa.ForeignKeyConstraint(["case_id"], ["matter.id"], name=op.f("fk_duty_call_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_call")),
        sa.UniqueConstraint("case_id", "level", name=op.f("uq_duty_call_case_id_level")),
    )
    op.create_index(op.f("ix_duty_call_next_at"), "duty_call", ["next_at"])

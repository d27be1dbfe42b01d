"""What ails a source, comment feeds under watch, pushed bodies, and what readers remember."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ailment",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("ailment", sa.String(length=24), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("cure", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("source_id", "ailment", name=op.f("pk_ailment")),
    )
    op.create_table(
        "comment_watch",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("origin_id", sa.String(length=64), nullable=False),
        sa.Column("parent_id", sa.String(length=512), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_comment_watch")),
    )
    with op.batch_alter_table("comment_watch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_comment_watch_origin_id"), ["origin_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_comment_watch_until"), ["until"], unique=False)

    op.create_table(
        "push",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "signature", name=op.f("pk_push")),
    )
    with op.batch_alter_table("push", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_push_at"), ["at"], unique=False)

    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.add_column(sa.Column("validator_url", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("raw_hashes", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("memory", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("ttl_s", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("mirror", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("last_polled_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("last_new_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("habits", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("expected_per_h", sa.Double(), nullable=True))

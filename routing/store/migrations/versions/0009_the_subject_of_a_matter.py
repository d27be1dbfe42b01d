"""The subject area of a matter: that of its first text, until a person says otherwise."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("matter", sa.Column("subject", sa.String(length=24), nullable=True))
    op.execute(
        "UPDATE matter SET subject = (SELECT item.subject FROM item JOIN matter_item ON matter_item.item_id = item.id"
        " WHERE matter_item.case_id = matter.id AND item.subject IS NOT NULL"
        " ORDER BY matter_item.at, item.id LIMIT 1)"
    )

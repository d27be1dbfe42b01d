"""UPDATE and DELETE on the ledger are refused by triggers."""

from alembic import op

from routing.store.guards import guard, release

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    guard(op.get_bind(), "ledger", "seq")


def downgrade() -> None:
    release(op.get_bind(), "ledger")

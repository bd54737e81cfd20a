"""Accounts have the keys by which their person gives classes to cells."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0021", "0020"
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("room_keys", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Take the keys away: everybody has the usual ones again."""
    op.drop_column("accounts", "room_keys")

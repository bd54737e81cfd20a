"""Reviews say whether they were given in bulk; cases whether the patient has leukopenia."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0022", "0021"
branch_labels = depends_on = None

COLUMNS = {"reviews": "bulk", "cases": "leukopenia"}


def upgrade() -> None:
    """Take what is there for single reviews, and for patients without leukopenia."""
    for table, name in COLUMNS.items():
        op.add_column(
            table, sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        )


def downgrade() -> None:
    """Forget both."""
    for table, name in COLUMNS.items():
        op.drop_column(table, name)

"""Cases say whether their reviewers read them blind."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0024", "0023"
branch_labels = depends_on = None


def upgrade() -> None:
    """Take cases that are there for ones in which reviewers see each other's work."""
    op.add_column(
        "cases", sa.Column("blind", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    """Forget it: everybody sees everything."""
    op.drop_column("cases", "blind")

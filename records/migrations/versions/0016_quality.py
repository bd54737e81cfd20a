"""Analyses have the quality of their image beside the finding, for lists."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0016", "0015"
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column("analyses", sa.Column("quality", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("analyses", "quality")

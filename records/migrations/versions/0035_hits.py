"""Several web servers count together what is limited."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0035", "0034"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table(
        "hits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hits")),
    )
    op.create_index("ix_hits_key_at", "hits", ["key", "at"])


def downgrade() -> None:
    op.drop_table("hits")

"""Analyses of uploaded images."""

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the table up."""
    op.create_table(
        "analyses",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("owner_id", sa.String(32), nullable=False),
        sa.Column("batch_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("file_name", sa.String(120), nullable=False),
        sa.Column("file_format", sa.String(8), nullable=False),
        sa.Column("file_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("result", sa.String(16), nullable=False),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("finding", sa.JSON(), nullable=False),
        sa.Column("model_version", sa.String(64), nullable=False),
        sa.Column("image_name", sa.String(40), nullable=False),
        sa.Column("thumbnail_name", sa.String(40), nullable=False),
        sa.Column("display_name", sa.String(40), nullable=True),
        sa.Column("cells_name", sa.String(40), nullable=True),
        sa.CheckConstraint(
            "kind IN ('classification', 'detection')", name=op.f("ck_analyses_kind")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["accounts.id"],
            name=op.f("fk_analyses_owner_id_accounts"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_analyses")),
    )
    op.create_index(op.f("ix_analyses_batch_id"), "analyses", ["batch_id"])
    op.create_index(
        op.f("ix_analyses_owner_id_created_at"), "analyses", ["owner_id", "created_at"]
    )


def downgrade() -> None:
    """Take the table down."""
    op.drop_table("analyses")

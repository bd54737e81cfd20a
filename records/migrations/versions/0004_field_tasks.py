"""Fields to be read in the background, and when a task was begun."""

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the table up."""
    op.add_column("explanations", sa.Column("started_at", UtcDateTime(), nullable=True))
    op.create_table(
        "field_tasks",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(240), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("owner_id", sa.String(32), nullable=False),
        sa.Column("batch_id", sa.String(32), nullable=False),
        sa.Column("file_name", sa.String(120), nullable=False),
        sa.Column("upload_name", sa.String(40), nullable=True),
        sa.Column("source_id", sa.String(32), nullable=True),
        sa.Column("analysis_id", sa.String(32), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'dropped')",
            name=op.f("ck_field_tasks_state"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["accounts.id"],
            name=op.f("fk_field_tasks_owner_id_accounts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["analyses.id"],
            name=op.f("fk_field_tasks_source_id_analyses"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["analysis_id"],
            ["analyses.id"],
            name=op.f("fk_field_tasks_analysis_id_analyses"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_tasks")),
        sa.UniqueConstraint("analysis_id", name=op.f("uq_field_tasks_analysis_id")),
    )
    op.create_index(op.f("ix_field_tasks_state"), "field_tasks", ["state"])
    op.create_index(op.f("ix_field_tasks_source_id"), "field_tasks", ["source_id"])
    op.create_index("ix_field_tasks_owner_id_batch_id", "field_tasks", ["owner_id", "batch_id"])


def downgrade() -> None:
    """Take the table down."""
    op.drop_table("field_tasks")
    op.drop_column("explanations", "started_at")

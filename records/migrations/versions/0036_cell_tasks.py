"""Web servers without networks have workers read cell images."""

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime

revision, down_revision = "0036", "0035"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table(
        "cell_tasks",
        sa.Column("work", sa.String(8), nullable=False),
        sa.Column("owner_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("batch_id", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=True),
        sa.Column("file_name", sa.String(120), nullable=False),
        sa.Column("upload_name", sa.String(40), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("source_id", sa.String(32), nullable=True),
        sa.Column("analysis_id", sa.String(32), nullable=True),
        sa.Column("activation_map", sa.JSON(), nullable=True),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(240), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed')", name=op.f("ck_cell_tasks_state")
        ),
        sa.CheckConstraint(
            "work IN ('classify', 'override', 'map')", name=op.f("ck_cell_tasks_work")
        ),
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"{table}.id"],
                name=op.f(f"fk_cell_tasks_{column}_{table}"),
                ondelete=ondelete,
            )
            for column, table, ondelete in (
                ("owner_id", "accounts", "RESTRICT"),
                ("team_id", "teams", "RESTRICT"),
                ("case_id", "cases", "RESTRICT"),
                ("source_id", "analyses", "CASCADE"),
                ("analysis_id", "analyses", "CASCADE"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cell_tasks")),
        sa.UniqueConstraint("analysis_id", name=op.f("uq_cell_tasks_analysis_id")),
    )
    op.create_index(op.f("ix_cell_tasks_case_id"), "cell_tasks", ["case_id"])
    op.create_index(op.f("ix_cell_tasks_source_id"), "cell_tasks", ["source_id"])
    op.create_index(op.f("ix_cell_tasks_state"), "cell_tasks", ["state"])
    op.create_index("ix_cell_tasks_team_id_batch_id", "cell_tasks", ["team_id", "batch_id"])


def downgrade() -> None:
    op.drop_table("cell_tasks")

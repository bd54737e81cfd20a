"""Features of cells are read again in the background, and cases are withdrawn from learning."""

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime
from records.append_only import triggers

revision, down_revision = "0030", "0029"
branch_labels = depends_on = None


def upgrade() -> None:
    """Give what is kept of cells its layout, and bring the two tables up."""
    op.add_column(
        "cell_features", sa.Column("layout", sa.Integer(), nullable=False, server_default="1")
    )
    with op.batch_alter_table("cell_features") as table:
        table.alter_column("layout", server_default=None)
    op.add_column(
        "shadow_answers",
        sa.Column("kinds_differing", sa.Integer(), nullable=False, server_default="0"),
    )
    with op.batch_alter_table("shadow_answers") as table:
        table.alter_column("kinds_differing", server_default=None)
    op.create_table(
        "feature_tasks",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(240), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed')",
            name=op.f("ck_feature_tasks_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feature_tasks")),
    )
    op.create_index(op.f("ix_feature_tasks_state"), "feature_tasks", ["state"])
    op.create_table(
        "withdrawn_cases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("author_id", sa.String(32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["cases.id"],
            name=op.f("fk_withdrawn_cases_case_id_cases"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["accounts.id"],
            name=op.f("fk_withdrawn_cases_author_id_accounts"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawn_cases")),
        sa.UniqueConstraint("case_id", name=op.f("uq_withdrawn_cases_case_id")),
        sqlite_autoincrement=True,
    )
    for statement in triggers("withdrawn_cases", ("id", "case_id"), op.get_bind().dialect.name).values():
        op.execute(statement)


def downgrade() -> None:
    """Take the tables and the layout away; what is kept in it would be read wrongly.

    Which cases are withdrawn is forgotten: later models would learn from them again.
    """
    op.drop_table("withdrawn_cases")
    op.drop_table("feature_tasks")
    with op.batch_alter_table("shadow_answers") as table:
        table.drop_column("kinds_differing")
    op.execute("DELETE FROM cell_features WHERE layout > 1")
    with op.batch_alter_table("cell_features") as table:
        table.drop_column("layout")

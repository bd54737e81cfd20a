"""Heads fitted to a laboratory's signed cells, their use, and what they are fitted to."""

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime
from records.append_only import triggers

revision, down_revision = "0027", "0026"
branch_labels = depends_on = None

TABLES = ("fitted_heads", "head_changes", "cell_features", "shadow_answers")


def upgrade() -> None:
    """Bring the tables up, with the triggers that let nobody change who used which head when."""
    op.create_table(
        "fitted_heads",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.String(32), nullable=False),
        sa.Column("classifier", sa.String(64), nullable=True),
        sa.Column("embedder", sa.String(64), nullable=True),
        sa.Column("contents", sa.LargeBinary(), nullable=True),
        sa.Column("proof", sa.JSON(none_as_null=True), nullable=True),
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
            name=op.f("ck_fitted_heads_state"),
        ),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["accounts.id"],
            name=op.f("fk_fitted_heads_author_id_accounts"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fitted_heads")),
        sa.UniqueConstraint("number", name=op.f("uq_fitted_heads_number")),
    )
    op.create_index(op.f("ix_fitted_heads_state"), "fitted_heads", ["state"])
    op.create_table(
        "head_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("author_id", sa.String(32), nullable=False),
        sa.Column("use", sa.String(8), nullable=False),
        sa.Column("head_id", sa.String(32), nullable=True),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["accounts.id"],
            name=op.f("fk_head_changes_author_id_accounts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["head_id"],
            ["fitted_heads.id"],
            name=op.f("fk_head_changes_head_id_fitted_heads"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_head_changes")),
        sqlite_autoincrement=True,
    )
    for statement in triggers("head_changes", ("id",), op.get_bind().dialect.name).values():
        op.execute(statement)
    op.create_table(
        "cell_features",
        sa.Column("analysis_id", sa.String(32), nullable=False),
        sa.Column("classifier", sa.String(64), nullable=False),
        sa.Column("embedder", sa.String(64), nullable=False),
        sa.Column("contents", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["analysis_id"],
            ["analyses.id"],
            name=op.f("fk_cell_features_analysis_id_analyses"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("analysis_id", name=op.f("pk_cell_features")),
    )
    op.create_table(
        "shadow_answers",
        sa.Column("analysis_id", sa.String(32), nullable=False),
        sa.Column("head_id", sa.String(32), nullable=False),
        sa.Column("cells", sa.Integer(), nullable=False),
        sa.Column("blasts", sa.Integer(), nullable=False),
        sa.Column("shadow_blasts", sa.Integer(), nullable=False),
        sa.Column("differing", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["analysis_id"],
            ["analyses.id"],
            name=op.f("fk_shadow_answers_analysis_id_analyses"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["head_id"],
            ["fitted_heads.id"],
            name=op.f("fk_shadow_answers_head_id_fitted_heads"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("analysis_id", "head_id", name=op.f("pk_shadow_answers")),
    )


def downgrade() -> None:
    """Take the tables away; findings keep the version of the head that named them."""
    for table in reversed(TABLES):
        op.drop_table(table)

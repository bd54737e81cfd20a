"""Whole slides, and the areas of them that are read."""

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "slides",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("owner_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("file_name", sa.String(120), nullable=False),
        sa.Column("file_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("info", sa.JSON(), nullable=True),
        sa.Column("folder_name", sa.String(40), nullable=False),
        _reference("slides", "owner_id", "accounts", "RESTRICT"),
        _reference("slides", "team_id", "teams", "RESTRICT"),
        _reference("slides", "case_id", "cases", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slides")),
    )
    op.create_index(op.f("ix_slides_case_id"), "slides", ["case_id"])
    op.create_index("ix_slides_team_id_created_at", "slides", ["team_id", "created_at"])
    op.create_table(
        "slide_areas",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("slide_id", sa.String(32), nullable=True),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("top", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("micrometres", sa.Float(), nullable=True),
        _reference("slide_areas", "id", "field_tasks", "CASCADE"),
        _reference("slide_areas", "slide_id", "slides", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slide_areas")),
    )
    op.create_index(op.f("ix_slide_areas_slide_id"), "slide_areas", ["slide_id"])


def downgrade() -> None:
    """Take the tables down."""
    op.drop_table("slide_areas")
    op.drop_table("slides")


def _reference(table: str, column: str, other: str, ondelete: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete=ondelete)

"""The team in which a field was sent."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAME = "fk_field_tasks_team_id_teams"

SENT_IN = """UPDATE field_tasks SET team_id = COALESCE(
    (SELECT team_id FROM analyses WHERE analyses.id = field_tasks.analysis_id),
    (SELECT team_id FROM analyses WHERE analyses.id = field_tasks.source_id),
    (SELECT team_id FROM cases WHERE cases.id = field_tasks.case_id),
    (SELECT team_id FROM accounts WHERE accounts.id = field_tasks.owner_id))"""
"""What is known best of it: the team of what was made of the field, or of whoever sent it."""


def upgrade() -> None:
    """Bring the column up."""
    op.add_column("field_tasks", sa.Column("team_id", sa.String(32), nullable=True))
    op.execute(SENT_IN)
    with op.batch_alter_table("field_tasks") as altered:
        altered.alter_column("team_id", existing_type=sa.String(32), nullable=False)
        altered.create_foreign_key(NAME, "teams", ["team_id"], ["id"], ondelete="RESTRICT")
    op.create_index("ix_field_tasks_team_id_batch_id", "field_tasks", ["team_id", "batch_id"])


def downgrade() -> None:
    """Take the column away."""
    op.drop_index("ix_field_tasks_team_id_batch_id", "field_tasks")
    with op.batch_alter_table("field_tasks") as altered:
        altered.drop_constraint(NAME, type_="foreignkey")
        altered.drop_column("team_id")

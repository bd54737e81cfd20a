"""The case to which a field belongs that waits to be read."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NAME = "fk_field_tasks_case_id_cases"


def upgrade() -> None:
    """Bring the column up."""
    op.add_column("field_tasks", sa.Column("case_id", sa.String(32), nullable=True))
    with op.batch_alter_table("field_tasks") as altered:
        altered.create_foreign_key(NAME, "cases", ["case_id"], ["id"], ondelete="RESTRICT")


def downgrade() -> None:
    """Take the column away."""
    with op.batch_alter_table("field_tasks") as altered:
        altered.drop_constraint(NAME, type_="foreignkey")
        altered.drop_column("case_id")

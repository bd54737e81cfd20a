"""Roles: what people may do with patients' images; and passwords that must be changed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

def upgrade() -> None:
    """Administrators, who could read cases until now, become reviewers too; others readers."""
    op.add_column("accounts", sa.Column("role", sa.String(16), nullable=True))
    op.add_column("accounts", sa.Column("must_change_password", sa.Boolean(), nullable=True))
    op.execute(
        "UPDATE accounts SET must_change_password = false, "
        "role = CASE WHEN is_administrator THEN 'reviewer' ELSE 'reader' END"
    )
    with op.batch_alter_table("accounts") as table:
        table.alter_column("role", existing_type=sa.String(16), nullable=False)
        table.alter_column("must_change_password", existing_type=sa.Boolean(), nullable=False)
        table.create_check_constraint(
            op.f("ck_accounts_role"), "role IN ('none', 'viewer', 'reader', 'reviewer')"
        )


def downgrade() -> None:
    """Take the columns away."""
    with op.batch_alter_table("accounts") as table:
        table.drop_constraint(op.f("ck_accounts_role"))
        table.drop_column("role")
        table.drop_column("must_change_password")

"""Accounts have the language in which their person reads; NULL for that of the browser."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0026", "0025"
branch_labels = depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("accounts") as table:
        table.add_column(sa.Column("language", sa.String(8), nullable=True))
        table.create_check_constraint(
            op.f("ck_accounts_language"), "language IN ('en', 'de', 'fr', 'es')"
        )


def downgrade() -> None:
    """Forget the languages: pages follow the browser again."""
    with op.batch_alter_table("accounts") as table:
        table.drop_constraint(op.f("ck_accounts_language"), type_="check")
        table.drop_column("language")

"""A person's entries are found in the order of pages."""

from alembic import op

revision, down_revision = "0037", "0036"
branch_labels = depends_on = None

TABLE = "audit_entries"
BEFORE, AFTER = "ix_audit_entries_account_name", "ix_audit_entries_account_name_number"


def upgrade() -> None:
    op.create_index(AFTER, TABLE, ["account_name", "number"])
    op.drop_index(BEFORE, TABLE)


def downgrade() -> None:
    op.create_index(BEFORE, TABLE, ["account_name"])
    op.drop_index(AFTER, TABLE)

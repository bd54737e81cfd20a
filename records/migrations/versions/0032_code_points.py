"""PostgreSQL sorts texts that lists are in the order of by their code points, as SQLite does."""

import sqlalchemy as sa
from alembic import op

from records.engines import POSTGRESQL

revision, down_revision = "0032", "0031"
branch_labels = depends_on = None

COLUMNS = {
    ("accounts", "name_key"): sa.String(256),
    ("teams", "name_key"): sa.String(256),
    ("cases", "folded"): sa.Text(),
    ("audit_entries", "account_name"): sa.String(64),
}


def upgrade() -> None:
    take("C")


def downgrade() -> None:
    """Sort them as the database does where nothing is said."""
    take(None)


def take(collation: str | None) -> None:
    if op.get_bind().dialect.name != POSTGRESQL:
        return
    for (table, column), kept in COLUMNS.items():
        op.alter_column(table, column, type_=type(kept)(kept.length, collation=collation))

"""The audit trail."""

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime
from records.audit.audit import triggers

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the table up, with the triggers that let nobody change a row."""
    op.create_table(
        "audit_entries",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=True),
        sa.Column("account_name", sa.String(64), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("object_kind", sa.String(16), nullable=True),
        sa.Column("object_id", sa.String(32), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("former", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_entries")),
    )
    for column in ("at", "account_name", "event", "object_id"):
        op.create_index(op.f(f"ix_audit_entries_{column}"), "audit_entries", [column])
    for statement in triggers(op.get_bind().dialect.name).values():
        op.execute(statement)


def downgrade() -> None:
    """Take the table down, and its triggers with it."""
    op.drop_table("audit_entries")

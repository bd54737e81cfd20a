"""Security keys, and the challenge that a browser has yet to answer."""

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the table and the column up."""
    op.create_table(
        "security_keys",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(1023), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_security_keys_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_keys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_security_keys_credential_id")),
    )
    op.create_index(op.f("ix_security_keys_account_id"), "security_keys", ["account_id"])
    with op.batch_alter_table("sign_ins") as table:
        table.add_column(sa.Column("challenge", sa.LargeBinary(64), nullable=True))


def downgrade() -> None:
    """Take the table and the column away."""
    with op.batch_alter_table("sign_ins") as table:
        table.drop_column("challenge")
    op.drop_table("security_keys")

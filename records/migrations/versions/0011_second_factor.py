"""Second factors and recovery codes; where a browser signed in, and whether a code is awaited."""

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables and columns up."""
    op.create_table(
        "second_factors",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("sealed_secret", sa.String(255), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_second_factors_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("code_hash", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_recovery_codes_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
    )
    op.create_index(op.f("ix_recovery_codes_account_id"), "recovery_codes", ["account_id"])
    # Browsers that are signed in stay so: they gave all that was asked of them then.
    with op.batch_alter_table("sign_ins") as table:
        table.add_column(
            sa.Column("awaits_code", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        table.add_column(sa.Column("address", sa.String(45), nullable=False, server_default=""))
        table.add_column(sa.Column("browser", sa.String(255), nullable=False, server_default=""))
    with op.batch_alter_table("sign_ins") as table:
        for column in ("awaits_code", "address", "browser"):
            table.alter_column(column, server_default=None)


def downgrade() -> None:
    """Take the tables and columns away; whoever still owes a code is signed out."""
    op.execute("DELETE FROM sign_ins WHERE awaits_code")
    with op.batch_alter_table("sign_ins") as table:
        for column in ("browser", "address", "awaits_code"):
            table.drop_column(column)
    op.drop_table("recovery_codes")
    op.drop_table("second_factors")

"""People sign in at an identity provider, and confirm there who they are before they sign."""

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime

revision, down_revision = "0034", "0033"
branch_labels = depends_on = None


def upgrade() -> None:
    """Keep identities, and what waits to be signed until one is confirmed."""
    op.create_table(
        "external_identities",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("issuer", sa.String(512), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_external_identities_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_external_identities")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_external_identities_issuer")),
    )
    rows = {"sign_in_id": "sign_ins", "case_id": "cases"}
    op.create_table(
        "confirmations",
        sa.Column("id", sa.String(32), nullable=False),
        *(sa.Column(column, sa.String(32), nullable=False) for column in rows),
        sa.Column("typed", sa.JSON(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"{table}.id"],
                name=op.f(f"fk_confirmations_{column}_{table}"),
                ondelete="CASCADE",
            )
            for column, table in rows.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmations")),
    )
    for column in rows:
        op.create_index(f"ix_confirmations_{column}", "confirmations", [column])


def downgrade() -> None:
    """Forget who signs in elsewhere: their accounts stay, without a password."""
    op.drop_table("confirmations")
    op.drop_table("external_identities")

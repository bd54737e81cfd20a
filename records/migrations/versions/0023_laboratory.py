"""The laboratory's settings and logos, and the names of people on reports."""

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime
from records.append_only import triggers

revision, down_revision = "0023", "0022"
branch_labels = depends_on = None

KEYS = {"laboratory_logos": "sha256", "laboratory_settings": "id"}


def upgrade() -> None:
    """Bring the tables up, with the triggers that let nobody change their rows."""
    op.add_column(
        "accounts", sa.Column("full_name", sa.String(120), nullable=False, server_default="")
    )
    op.create_table(
        "laboratory_logos",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_laboratory_logos")),
    )
    op.create_table(
        "laboratory_settings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("author_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("logo", sa.String(64), nullable=True),
        sa.Column("ranges", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("ranges_source", sa.Text(), nullable=False),
        sa.Column("phrases", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["accounts.id"],
            name=op.f("fk_laboratory_settings_author_id_accounts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["logo"],
            ["laboratory_logos.sha256"],
            name=op.f("fk_laboratory_settings_logo_laboratory_logos"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_laboratory_settings")),
        sqlite_autoincrement=True,
    )
    for table, key in KEYS.items():
        for statement in triggers(table, (key,), op.get_bind().dialect.name).values():
            op.execute(statement)


def downgrade() -> None:
    """Take the settings away; signed reports keep what they were signed with, but no logo."""
    for table in reversed(KEYS):
        op.drop_table(table)
    op.drop_column("accounts", "full_name")

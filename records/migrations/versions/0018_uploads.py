"""ZIPs that are read entry by entry; files are found by their hash, those that wait too."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0018", "0017"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table(
        "archives",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("owner_id", sa.String(32), nullable=False),
        sa.Column("upload_name", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["accounts.id"],
            name="fk_archives_owner_id_accounts",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_archives"),
    )
    op.create_index("ix_archives_owner_id_created_at", "archives", ["owner_id", "created_at"])
    op.add_column("field_tasks", sa.Column("sha256", sa.String(64), nullable=True))
    op.create_index("ix_field_tasks_team_id_sha256", "field_tasks", ["team_id", "sha256"])
    op.create_index("ix_analyses_team_id_sha256", "analyses", ["team_id", "sha256"])


def downgrade() -> None:
    op.drop_index("ix_analyses_team_id_sha256", "analyses")
    op.drop_index("ix_field_tasks_team_id_sha256", "field_tasks")
    op.drop_column("field_tasks", "sha256")
    op.drop_index("ix_archives_owner_id_created_at", "archives")
    op.drop_table("archives")

"""Teams; analyses belong to one."""

from datetime import UTC, datetime
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

FIRST = {"name": "Laboratory", "name_key": "laboratory"}


def upgrade() -> None:
    """Everybody who is there, and every analysis, goes to one team."""
    teams = op.create_table(
        "teams",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("name_key", sa.String(256), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("name_key", name=op.f("uq_teams_name_key")),
    )
    first = {"id": uuid4().hex, "created_at": datetime.now(UTC), **FIRST}
    op.bulk_insert(teams, [first])
    for table in ("accounts", "analyses"):
        op.add_column(table, sa.Column("team_id", sa.String(32), nullable=True))
        op.execute(sa.table(table, sa.column("team_id")).update().values(team_id=first["id"]))
        with op.batch_alter_table(table) as altered:
            altered.alter_column("team_id", existing_type=sa.String(32), nullable=False)
            altered.create_foreign_key(
                op.f(f"fk_{table}_team_id_teams"),
                "teams",
                ["team_id"],
                ["id"],
                ondelete="RESTRICT",
            )
    op.drop_index("ix_analyses_owner_id_created_at", "analyses")
    op.create_index("ix_analyses_team_id_created_at", "analyses", ["team_id", "created_at"])


def downgrade() -> None:
    """Take the teams away: analyses are their owner's alone again."""
    op.drop_index("ix_analyses_team_id_created_at", "analyses")
    op.create_index("ix_analyses_owner_id_created_at", "analyses", ["owner_id", "created_at"])
    for table in ("accounts", "analyses"):
        with op.batch_alter_table(table) as altered:
            altered.drop_constraint(op.f(f"fk_{table}_team_id_teams"), type_="foreignkey")
            altered.drop_column("team_id")
    op.drop_table("teams")

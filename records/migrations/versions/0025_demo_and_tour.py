"""Cases may be demos; accounts know whether their person has seen the tour."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0025", "0024"
branch_labels = depends_on = None


def upgrade() -> None:
    """Take all cases for real ones; who has an account already knows the pages."""
    for table, name in (("cases", "demo"), ("accounts", "tour_seen")):
        op.add_column(
            table, sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.execute("UPDATE accounts SET tour_seen = true")
    op.create_index(
        "ix_cases_one_demo",
        "cases",
        ["owner_id", "team_id"],
        unique=True,
        sqlite_where=sa.text(ONE_DEMO),
        postgresql_where=sa.text(ONE_DEMO),
    )


def downgrade() -> None:
    """Close the demo cases, so that nobody signs one."""
    op.execute(
        "UPDATE cases SET close_reason = 'Demo', closed_at = coalesce(closed_at, created_at) "
        "WHERE demo"
    )
    op.drop_index("ix_cases_one_demo", "cases")
    op.drop_column("cases", "demo")
    op.drop_column("accounts", "tour_seen")


ONE_DEMO = "demo AND archived_at IS NULL"

"""Series of fields, and first signatures of a period, are found in indexes."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0038", "0037"
branch_labels = depends_on = None

SERIES = "ix_field_measures_team_id_long_side_short_side"
SIGNED = "ix_signatures_first_final_at"


def upgrade() -> None:
    op.create_index(SERIES, "field_measures", ["team_id", "long_side", "short_side"])
    op.create_index(
        SIGNED,
        "signatures",
        ["at"],
        sqlite_where=sa.text("final = 1 AND version = 1"),
        postgresql_where=sa.text("final AND version = 1"),
    )


def downgrade() -> None:
    op.drop_index(SIGNED, "signatures")
    op.drop_index(SERIES, "field_measures")

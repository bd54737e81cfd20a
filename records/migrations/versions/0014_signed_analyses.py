"""Which analyses each signature covers."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

COVERED = """
    INSERT INTO signed_analyses (signature_id, analysis_id)
    SELECT DISTINCT signatures.id, image.value ->> '$.id'
    FROM signatures, json_each(signatures.contents, '$.state.images') AS image
    WHERE image.value ->> '$.id' IN (SELECT id FROM analyses)"""


def upgrade() -> None:
    """Bring the table up, filled from what was signed, and let nobody change its rows."""
    op.create_table(
        "signed_analyses",
        sa.Column("signature_id", sa.Integer(), nullable=False),
        sa.Column("analysis_id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["signature_id"],
            ["signatures.id"],
            name=op.f("fk_signed_analyses_signature_id_signatures"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["analysis_id"],
            ["analyses.id"],
            name=op.f("fk_signed_analyses_analysis_id_analyses"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("signature_id", "analysis_id", name=op.f("pk_signed_analyses")),
    )
    op.create_index(op.f("ix_signed_analyses_analysis_id"), "signed_analyses", ["analysis_id"])
    op.execute(COVERED)
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER signed_analyses_no_{act} BEFORE {act} ON signed_analyses "
            "BEGIN SELECT RAISE(ABORT, 'signed_analyses is append-only'); END"
        )


def downgrade() -> None:
    """Take the table away."""
    op.drop_table("signed_analyses")

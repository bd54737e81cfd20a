"""Which analyses each signature covers."""

import sqlalchemy as sa
from alembic import op

from records.append_only import triggers

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SIGNATURES = sa.table("signatures", sa.column("id", sa.Integer), sa.column("contents", sa.JSON))
COVERED = sa.table(
    "signed_analyses", sa.column("signature_id", sa.Integer), sa.column("analysis_id", sa.String)
)


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
    _fill()
    for statement in triggers("signed_analyses", (), op.get_bind().dialect.name).values():
        op.execute(statement)


def _fill() -> None:
    connection = op.get_bind()
    kept = set(connection.scalars(sa.select(sa.column("id")).select_from(sa.table("analyses"))))
    # One at a time: what was signed has megabytes.
    for signature_id in connection.scalars(sa.select(SIGNATURES.c.id)).all():
        this = SIGNATURES.c.id == signature_id
        signed = connection.scalar(sa.select(SIGNATURES.c.contents).where(this))
        images = {image["id"] for image in signed.get("state", {}).get("images", ())}
        for analysis_id in sorted(images & kept):
            row = {"signature_id": signature_id, "analysis_id": analysis_id}
            connection.execute(sa.insert(COVERED).values(row))


def downgrade() -> None:
    """Take the table away."""
    op.drop_table("signed_analyses")

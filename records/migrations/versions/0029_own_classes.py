"""The laboratory has cell classes of its own, and reviews may name them."""

import sqlalchemy as sa
from alembic import op

from records.append_only import triggers
from records.engines import SQLITE

revision, down_revision = "0029", "0028"
branch_labels = depends_on = None

LABELS = (
    *("blast", "lymphocyte", "monocyte", "neutrophil", "eosinophil", "basophil"),
    *("immature_granulocyte", "other", "unclassified"),
    *("erythroblast", "smudge", "artefact", "not_a_cell"),
)
OWN = "substr(label, 1, 4) = 'own_'"


def upgrade() -> None:
    op.add_column(
        "laboratory_settings",
        sa.Column("classes", sa.JSON(), nullable=False, server_default="[]"),
    )
    take(f"label IN {LABELS} OR {OWN}")


def downgrade() -> None:
    """Forget the own classes; refused while a review names one, for no review may change."""
    take(f"label IN {LABELS}")
    op.drop_column("laboratory_settings", "classes")


def take(labels: str) -> None:
    with op.batch_alter_table("reviews", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_constraint(op.f("ck_reviews_label"), type_="check")
        table.create_check_constraint(op.f("ck_reviews_label"), labels)
    if op.get_bind().dialect.name == SQLITE:
        # It makes the table anew, without its triggers.
        for statement in triggers("reviews", ("id", "key", "undoes"), SQLITE).values():
            op.execute(statement)

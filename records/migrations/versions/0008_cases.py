"""Cases, what people say of their cells, and who signs them."""

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime
from records.append_only import triggers

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

LABELS = (
    *("blast", "lymphocyte", "monocyte", "neutrophil", "eosinophil", "basophil"),
    *("immature_granulocyte", "other", "unclassified"),
    *("erythroblast", "smudge", "artefact", "not_a_cell"),
)
KEYS = {"reviews": ("id", "key", "undoes"), "signatures": ("id",), "amendments": ("id",)}


def upgrade() -> None:
    """Bring the tables up, with the triggers that let nobody change a row of the last three."""
    _cases()
    _reviews()
    _signatures()
    _amendments()
    for table, keys in KEYS.items():
        for statement in triggers(table, keys, op.get_bind().dialect.name).values():
            op.execute(statement)


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("owner_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("pseudonym", sa.String(40), nullable=False),
        sa.Column("specimen", sa.String(8), nullable=False),
        sa.Column("stain", sa.String(40), nullable=False),
        sa.Column("magnification", sa.String(16), nullable=False),
        sa.Column("collected_on", sa.Date(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("specimen IN ('blood', 'marrow')", name=op.f("ck_cases_specimen")),
        *_references("cases", owner_id="accounts", team_id="teams"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    op.create_index("ix_cases_team_id_created_at", "cases", ["team_id", "created_at"])
    op.add_column("analyses", sa.Column("case_id", sa.String(32), nullable=True))
    with op.batch_alter_table("analyses") as altered:
        altered.create_foreign_key(
            op.f("fk_analyses_case_id_cases"), "cases", ["case_id"], ["id"], ondelete="RESTRICT"
        )
    op.create_index(op.f("ix_analyses_case_id"), "analyses", ["case_id"])


def _reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("analysis_id", sa.String(32), nullable=False),
        sa.Column("cell", sa.String(16), nullable=False),
        sa.Column("label_before", sa.String(24), nullable=True),
        sa.Column("label", sa.String(24), nullable=False),
        sa.Column("box", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("reviewer_id", sa.String(32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("undoes", sa.Integer(), nullable=True),
        sa.CheckConstraint(f"label IN {LABELS}", name=op.f("ck_reviews_label")),
        *_references(
            "reviews",
            case_id="cases",
            analysis_id="analyses",
            reviewer_id="accounts",
            undoes="reviews",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("key", name=op.f("uq_reviews_key")),
        sa.UniqueConstraint("undoes", name=op.f("uq_reviews_undoes")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_reviews_analysis_id"), "reviews", ["analysis_id"])
    op.create_index(
        "ix_reviews_case_id_analysis_id_cell", "reviews", ["case_id", "analysis_id", "cell"]
    )


def _signatures() -> None:
    op.create_table(
        "signatures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reader_id", sa.String(32), nullable=False),
        sa.Column("role", sa.String(12), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("conclusion", sa.Text(), nullable=False),
        sa.Column("contents", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.CheckConstraint(
            "role IN ('first', 'second', 'adjudicator')", name=op.f("ck_signatures_role")
        ),
        *_references("signatures", case_id="cases", reader_id="accounts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signatures")),
        sa.UniqueConstraint("case_id", "version", "role", name=op.f("uq_signatures_case_id")),
        sqlite_autoincrement=True,
    )


def _amendments() -> None:
    op.create_table(
        "amendments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened_by", sa.String(32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        *_references("amendments", case_id="cases", opened_by="accounts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_amendments")),
        sa.UniqueConstraint("case_id", "version", name=op.f("uq_amendments_case_id")),
        sqlite_autoincrement=True,
    )


def _references(table: str, **columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column],
            [f"{other}.id"],
            name=op.f(f"fk_{table}_{column}_{other}"),
            ondelete="RESTRICT",
        )
        for column, other in columns.items()
    ]


def downgrade() -> None:
    """Take the tables away; the analyses stay."""
    for table in ("amendments", "signatures", "reviews"):
        op.drop_table(table)
    op.drop_index(op.f("ix_analyses_case_id"), "analyses")
    with op.batch_alter_table("analyses") as altered:
        altered.drop_constraint(op.f("fk_analyses_case_id_cases"), type_="foreignkey")
        altered.drop_column("case_id")
    op.drop_table("cases")

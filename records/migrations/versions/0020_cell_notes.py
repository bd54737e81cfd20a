"""What people add to a cell beside its class: comments, and corrections of its form."""

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime
from records.append_only import triggers

revision, down_revision = "0020", "0019"
branch_labels = depends_on = None

TABLES = {"cell_comments": "author_id", "attribute_reviews": "reviewer_id"}
COLUMNS = {
    "cell_comments": [sa.Column("text", sa.Text(), nullable=False)],
    "attribute_reviews": [
        sa.Column("attribute", sa.String(32), nullable=False),
        sa.Column("value_before", sa.String(32), nullable=True),
        sa.Column("value", sa.String(32), nullable=False),
    ],
}


def upgrade() -> None:
    """Bring the tables up, with the triggers that let nobody change their rows."""
    for table, person in TABLES.items():
        _create(table, person)
        for statement in triggers(table, ("id", "key"), op.get_bind().dialect.name).values():
            op.execute(statement)


def _create(table: str, person: str) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("analysis_id", sa.String(32), nullable=False),
        sa.Column("cell", sa.String(16), nullable=False),
        *COLUMNS[table],
        sa.Column(person, sa.String(32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        *_references(table, case_id="cases", analysis_id="analyses", **{person: "accounts"}),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("key", name=op.f(f"uq_{table}_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f(f"ix_{table}_analysis_id"), table, ["analysis_id"])
    op.create_index(
        f"ix_{table}_case_id_analysis_id_cell", table, ["case_id", "analysis_id", "cell"]
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
    """Take the tables away, and all comments and corrections with them."""
    for table in TABLES:
        op.drop_table(table)

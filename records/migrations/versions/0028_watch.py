"""Fields have measures that are followed from day to day, and teams settings for this watch."""

import sqlalchemy as sa
from alembic import op

from records import UtcDateTime
from records.append_only import triggers

revision, down_revision = "0028", "0027"
branch_labels = depends_on = None

# Of what was kept before, the counts alone tell something.
FILL = """
    INSERT INTO field_measures (analysis_id, team_id, day, long_side, short_side,
        white_cells, blasts, uncertain)
    SELECT analyses.id, analyses.team_id, date(analyses.created_at),
        CASE WHEN slide_areas.id IS NOT NULL THEN NULL
            WHEN analyses.width > analyses.height THEN analyses.width ELSE analyses.height END,
        CASE WHEN slide_areas.id IS NOT NULL THEN NULL
            WHEN analyses.width > analyses.height THEN analyses.height ELSE analyses.width END,
        COALESCE(CAST(counts ->> 'white' AS INTEGER), 0),
        COALESCE(CAST(counts ->> 'blast' AS INTEGER), 0),
        COALESCE(CAST(counts ->> 'uncertain' AS INTEGER), 0)
    FROM analyses
    LEFT JOIN slide_areas ON slide_areas.id = analyses.id
    LEFT JOIN cases ON cases.id = analyses.case_id
    WHERE analyses.kind = 'detection' AND analyses.result != 'not_readable'
        AND NOT COALESCE(cases.demo, false)"""


def upgrade() -> None:
    """Bring the tables up, and fill the first from what is kept."""
    _make_measures()
    _make_settings()
    op.execute(FILL)


def _make_measures() -> None:
    measured = ("light", "depth", "balance", "cast", "focus")
    op.create_table(
        "field_measures",
        sa.Column("analysis_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("long_side", sa.Integer(), nullable=True),
        sa.Column("short_side", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.Float(), nullable=True) for name in measured),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("white_cells", "blasts", "uncertain")
        ),
        sa.Column("out_of_distribution", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["analysis_id"],
            ["analyses.id"],
            name=op.f("fk_field_measures_analysis_id_analyses"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["team_id"],
            ["teams.id"],
            name=op.f("fk_field_measures_team_id_teams"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("analysis_id", name=op.f("pk_field_measures")),
    )
    op.create_index("ix_field_measures_team_id_day", "field_measures", ["team_id", "day"])


def _make_settings() -> None:
    rows = {"author_id": "accounts", "team_id": "teams", "slide_id": "cases"}
    op.create_table(
        "watch_settings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("author_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("baseline_from", sa.Date(), nullable=True),
        sa.Column("baseline_until", sa.Date(), nullable=True),
        sa.Column("slide_id", sa.String(32), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("least_white", sa.Integer(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"{table}.id"],
                name=op.f(f"fk_watch_settings_{column}_{table}"),
                ondelete="RESTRICT",
            )
            for column, table in rows.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_settings")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_watch_settings_team_id", "watch_settings", ["team_id"])
    for statement in triggers("watch_settings", ("id",), op.get_bind().dialect.name).values():
        op.execute(statement)


def downgrade() -> None:
    """Follow nothing any more."""
    op.drop_table("watch_settings")
    op.drop_table("field_measures")

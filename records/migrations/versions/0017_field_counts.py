"""Fields have counts for lists beside the finding; cases may leave out cells cut by an edge."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0017", "0016"
branch_labels = depends_on = None

ANALYSES = sa.table(
    "analyses",
    sa.column("id", sa.String),
    sa.column("kind", sa.String),
    sa.column("result", sa.String),
    sa.column("finding", sa.JSON),
    sa.column("counts", sa.JSON),
)
TASKS = sa.table("field_tasks", sa.column("analysis_id", sa.String), sa.column("counts", sa.JSON))

Values = dict[str, Any]


def upgrade() -> None:
    """Count each field once, by both networks."""
    op.add_column("analyses", sa.Column("counts", sa.JSON(), nullable=True))
    op.add_column(
        "cases",
        sa.Column("leave_out_edge", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    connection = op.get_bind()
    fields = sa.select(ANALYSES.c.id).where(ANALYSES.c.kind == "detection")
    for analysis_id in connection.scalars(fields).all():
        _count(connection, analysis_id)


def downgrade() -> None:
    """Leave the counts out again; who has uncertain cells has no blasts."""
    uncertain = sa.update(ANALYSES).where(ANALYSES.c.result == "uncertain_cells")
    op.get_bind().execute(uncertain.values(result="no_blasts"))
    op.drop_column("analyses", "counts")
    op.drop_column("cases", "leave_out_edge")


def _count(connection: sa.Connection, analysis_id: str) -> None:
    # One at a time: findings have megabytes.
    this = ANALYSES.c.id == analysis_id
    row = connection.execute(sa.select(ANALYSES).where(this)).one()
    counts = _counts(row.finding)
    changed = {"counts": counts}
    if row.result == "no_blasts" and counts["uncertain"]:
        changed["result"] = "uncertain_cells"
    connection.execute(sa.update(ANALYSES).where(this).values(**changed))
    of_field = TASKS.c.analysis_id == analysis_id
    kept = connection.scalar(sa.select(TASKS.c.counts).where(of_field))
    if kept is not None:
        connection.execute(sa.update(TASKS).where(of_field).values(counts={**kept, **counts}))


def _counts(finding: Values) -> Values:
    """Count as the program does; the oldest findings know neither a classifier nor smudges."""
    cells = [cell for cell in finding["detections"] if cell["label"] in ("blast", "wbc")]
    named_by = finding.get("named_by", "detector")
    by_classifier = named_by == "classifier"
    labels = {"blast": 0, "wbc": 0, "smudge": 0, "rbc": 0, "platelet": 0, **finding["counts"]}
    uncertain = sum(cell.get("second_label") == "uncertain" for cell in cells)
    return {
        **labels,
        "white": len(cells),
        "uncertain": uncertain if by_classifier else 0,
        "named_by": named_by,
        "other": _by_detector(finding, cells) if by_classifier else _by_classifier(finding, cells),
    }


def _by_detector(finding: Values, cells: list[Values]) -> int:
    threshold = finding.get("thresholds", {}).get("detector_blast")
    if threshold is None:
        return 0
    return sum((cell.get("blast") or 0.0) >= threshold for cell in cells)


def _by_classifier(finding: Values, cells: list[Values]) -> int | None:
    if not finding.get("second_model"):
        return None
    return sum(cell.get("second_label") == "all_blast" for cell in cells)

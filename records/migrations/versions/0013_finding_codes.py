"""Findings of cell images hold codes and values: no sentences, and the field's words."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BEGINNINGS = {
    "The image is only": "too_small",
    "The image is blank": "blank",
    "The image has no colour": "no_colour",
    "No white cell was found": "no_cell",
    "No stained nucleus was found": "no_cell",
    "There are several white cells": "several_cells",
    "The image is over-exposed": "over_exposed",
    "The image is too dark": "dark",
    "The cell is cut off": "cut_off",
    "The cell is out of focus": "blurred",
}
"""How every sentence began that was ever kept, and its code; the oldest were kept without one."""

SENTENCES = {
    "too_small": (
        "The image is only {width} × {height} pixels. Crop the cell from a larger original: at "
        "least 32 pixels a side."
    ),
    "blank": "The image is blank. Choose one that shows a single stained white cell.",
    "no_colour": "The image has no colour. The stain's colours are needed: take it in colour.",
    "no_cell": (
        "No white cell was found. Use a sharp crop of one cell from a Romanowsky-stained smear."
    ),
    "several_cells": "There are several white cells. Use Detect to find them all, or crop one.",
    "over_exposed": "The image is over-exposed. Take it again with less light.",
    "dark": "The image is too dark. Take it again with more light.",
    "cut_off": "The cell is cut off by the image's edge. Crop it again, with a little around it.",
    "blurred": "The cell is out of focus. Focus on it and take the image again.",
}

RENAMED = {
    "can_insist": "can_override",
    "insisted": "overridden",
    "familiar": "in_distribution",
}

Finding = dict[str, Any]

ANALYSES = sa.table(
    "analyses",
    sa.column("id", sa.String),
    sa.column("kind", sa.String),
    sa.column("width", sa.Integer),
    sa.column("height", sa.Integer),
    sa.column("finding", sa.JSON),
)


def upgrade() -> None:
    """Turn sentences to codes; one of no known beginning stays where it is."""
    _change(_with_code)


def downgrade() -> None:
    """Turn codes to sentences."""
    _change(_with_sentence)


def _with_code(finding: Finding, width: int, height: int) -> Finding:
    made = {RENAMED.get(name, name): value for name, value in finding.items()}
    reason = made.pop("reason", None)
    if reason and not made.get("code"):
        made["code"] = _code_of(reason)
        if made["code"] is None:
            made["reason"] = reason
    return {**made, "width": width, "height": height}


def _with_sentence(finding: Finding, width: int, height: int) -> Finding:
    former = {new: old for old, new in RENAMED.items()}
    made = {former.get(name, name): value for name, value in finding.items()}
    made = {name: value for name, value in made.items() if name not in ("width", "height")}
    sentence = SENTENCES.get(made.get("code") or "")
    return {"reason": sentence and sentence.format(width=width, height=height), **made}


def _code_of(reason: str) -> str | None:
    return next((code for start, code in BEGINNINGS.items() if reason.startswith(start)), None)


def _change(change: Callable[[Finding, int, int], Finding]) -> None:
    connection = op.get_bind()
    cells = sa.select(ANALYSES).where(ANALYSES.c.kind == "classification")
    for row in connection.execute(cells).all():
        finding = change(row.finding, row.width, row.height)
        changed = sa.update(ANALYSES).where(ANALYSES.c.id == row.id)
        connection.execute(changed.values(finding=finding))

"""Kept analyses of fields, made without a database."""

from __future__ import annotations

from datetime import UTC, datetime

from models.findings import Detection, FieldFindings
from records.analyses import DETECTION, Analysis

CELLS = (
    Detection((20.0, 30.0, 60.0, 80.0), "wbc", 0.97),
    Detection((100.0, 30.0, 150.0, 70.0), "blast", 0.55),
    Detection((200.0, 30.0, 240.0, 75.0), "rbc", 0.9),
    Detection((300.0, 0.0, 360.0, 50.0), "blast", 0.91),
    Detection((30.0, 200.0, 70.0, 240.0), "wbc", 0.41),
    Detection((100.0, 200.0, 110.0, 210.0), "platelet", 0.3),
)


def kept_field(
    cells: tuple[Detection, ...] = CELLS, file_name: str = "smear.png", side: int = 400
) -> Analysis:
    """The analysis of a square field of `side` pixels in which `cells` were found."""
    found = FieldFindings(side, side, cells, "2026.11.22-1")
    return Analysis(
        kind=DETECTION,
        created_at=datetime(2026, 11, 22, 20, 5, tzinfo=UTC),
        file_name=file_name,
        sha256="ab" * 32,
        width=side,
        height=side,
        finding=found.as_dict(),
        model_version=found.model,
    )

"""The cells of an image under the labels that others learn from."""

from __future__ import annotations

from collections.abc import Collection

from core.taxonomy import DETECTOR_CODES, WHITE_CELLS
from models.findings import Detection
from records.analyses.analyses import Analysis, AnalysisKind
from services.analyses.findings import field_findings
from services.cases.snapshot import CaseSnapshot, CellSnapshot


def reviewed_cells(
    snapshot: CaseSnapshot, image: int, labels: Collection[str]
) -> list[CellSnapshot]:
    """Return the counted cells of the image of this number that have one of these `labels`."""
    of_image = (cell for cell in snapshot.cells if cell.image == image)
    return [cell for cell in of_image if cell.counted and cell.label in labels]


def detected_cells(analysis: Analysis) -> tuple[Detection, ...]:
    """Return the red cells and platelets of a field, which nobody reviews; none of other images."""
    if analysis.kind != AnalysisKind.DETECTION:
        return ()
    others = [code for code in DETECTOR_CODES if code not in WHITE_CELLS]
    return field_findings(analysis, others).detections

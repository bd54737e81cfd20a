"""Analyses as programs see them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, RootModel

from api.v1.common.answers import WITH_TAG, Tagged
from core.taxonomy import FIELD_CODES
from models.findings import Quality as JudgedQuality
from models.findings import QualityIssue, Verdict
from records.analyses.analyses import Analysis as KeptAnalysis
from records.analyses.analyses import AnalysisKind
from records.analyses.cell_tasks import CellTask
from records.analyses.field_tasks import FieldTask
from records.tasks import TaskState
from services.analyses.findings import image_quality


class Quality(BaseModel):
    """Give the quality-control verdict on an image, its most serious issue first."""

    verdict: Verdict
    reasons: list[QualityIssue]


class Analysis(Tagged):
    """One image, and what the models say of it in short; all null but the first until it is read.

    The analysis of a field has the id that the field had while it waited.
    """

    id: str
    kind: AnalysisKind
    state: TaskState
    file_name: str
    created_at: datetime
    owner: str = Field(description="Name of the account that sent it.")
    batch_id: str
    case_id: str | None
    error: str | None = Field(description="Why it could not be read.")
    result: str | None = Field(
        description="Of a cell: all_blast, normal, uncertain or not_usable; of a field: blasts, "
        "uncertain_cells, no_blasts, no_white_cells or not_readable."
    )
    probability: float | None = Field(description="Of an ALL blast, 0 to 1; of a cell alone.")
    counts: dict[str, int] | None = Field(description="Cells of a field by class.")
    quality: Quality | None
    model: str | None = Field(description="Version of the network.")
    sha256: str | None = Field(description="Of the file as it was sent.")
    width: int | None = Field(description="Of the upright image, in pixels.")
    height: int | None


class Analyses(BaseModel):
    """A part of the analyses, newest first; `next` is the cursor of the next part."""

    items: list[Analysis]
    next: str | None


class Batch(Tagged):
    """Fields that were sent together, in the order of arrival."""

    id: str
    items: list[Analysis]


class Findings(RootModel[dict[str, Any]]):
    """All that the models found, as `python -m models detect` or `classify` prints it."""

    model_config = WITH_TAG


def describe(analysis: KeptAnalysis) -> Analysis:
    """Describe an analysis."""
    return Analysis(
        id=analysis.id,
        kind=analysis.kind,
        state=TaskState.DONE,
        file_name=analysis.file_name,
        created_at=analysis.created_at,
        owner=analysis.owner.name,
        batch_id=analysis.batch_id,
        case_id=analysis.case_id,
        error=None,
        result=analysis.result,
        probability=analysis.probability,
        counts=_counts(analysis.counts),
        quality=_quality(image_quality(analysis)),
        model=analysis.model_version,
        sha256=analysis.sha256,
        width=analysis.width,
        height=analysis.height,
    )


def describe_waiting(task: FieldTask | CellTask) -> Analysis:
    """Describe a field, or a cell image, that is not read."""
    of_cell = isinstance(task, CellTask)
    return Analysis(
        id=task.id,
        kind=AnalysisKind.CLASSIFICATION if of_cell else AnalysisKind.DETECTION,
        state=task.state,
        file_name=task.file_name,
        created_at=task.created_at,
        owner=task.owner.name,
        batch_id=task.batch_id,
        case_id=task.case_id,
        error=task.error,
        **dict.fromkeys(("result", "probability", "counts", "quality", "model")),
        sha256=task.sha256,
        width=None,
        height=None,
    )


def _counts(counts: dict[str, Any] | None) -> dict[str, int] | None:
    return counts and {label: counts.get(label, 0) for label in FIELD_CODES}


def _quality(quality: JudgedQuality | None) -> Quality | None:
    return quality and Quality(verdict=quality.verdict, reasons=list(quality.reasons))

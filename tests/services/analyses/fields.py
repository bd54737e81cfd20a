"""Kept analyses of fields, made without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from models.findings import Detection, FieldFindings, Namer
from records.analyses.analyses import Analysis, AnalysisKind
from services.analyses.findings import field_counts

CELLS = (
    Detection((20.0, 30.0, 60.0, 80.0), "wbc", 0.97),
    Detection((100.0, 30.0, 150.0, 70.0), "blast", 0.55),
    Detection((200.0, 30.0, 240.0, 75.0), "rbc", 0.9),
    Detection((300.0, 0.0, 360.0, 50.0), "blast", 0.91),
    Detection((30.0, 200.0, 70.0, 240.0), "wbc", 0.41),
    Detection((100.0, 200.0, 110.0, 210.0), "platelet", 0.3),
)


def twice_read(
    place: float, blast: float, white: float, second: float, second_label: str
) -> Detection:
    """A white cell with both opinions, `place` px from the left, called a blast from 0.25 on."""
    label, confidence = ("blast", blast) if blast >= 0.25 else ("wbc", white - blast)
    box = (place, 30.0, place + 40.0, 70.0)
    return Detection(box, label, confidence, blast, white, second, second_label)


READ_CELLS = (
    twice_read(0.0, 0.9, 0.98, 0.1, "normal"),
    twice_read(50.0, 0.05, 0.95, 0.6, "all_blast"),
    twice_read(100.0, 0.3, 0.9, 0.8, "all_blast"),
    twice_read(150.0, 0.2, 0.7, 0.25, "uncertain"),
    CELLS[2],
)
CANDIDATES = (twice_read(200.0, 0.12, 0.3, 0.05, "normal"),)
THRESHOLDS = {"blast": 0.25, "white": 0.4, "rbc": 0.25, "platelet": 0.25}


def read_field(**changes: Any) -> FieldFindings:
    """A field of 400 px, read twice: two blasts, two other white cells, a red and a doubtful one.

    The readers disagree about the first two.
    """
    read = {
        "width": 400,
        "height": 400,
        "detections": READ_CELLS,
        "candidates": CANDIDATES,
        "model": "2026.11.22-1",
        "classifier": "2026.11.23-1",
        "thresholds": THRESHOLDS,
        "red_cell": 41.3,
    }
    return FieldFindings(**{**read, **changes})


NAMED_THRESHOLDS = {**THRESHOLDS, "blast": 0.5, "detector_blast": 0.25}


def named_cell(place: float, probability: float, detector: float) -> Detection:
    """A white cell that the classifier named: uncertain from 0.3, a blast from 0.5 on."""
    is_blast = probability >= 0.5
    opinion = "uncertain" if 0.3 <= probability < 0.5 else "all_blast" if is_blast else "normal"
    box = (place, 30.0, place + 40.0, 70.0)
    label, of_label = ("blast", probability) if is_blast else ("wbc", 1 - probability)
    return Detection(box, label, of_label, detector, 0.95, probability, opinion)


NAMED_CELLS = (
    named_cell(0.0, 0.9, 0.8),
    named_cell(50.0, 0.6, 0.1),
    named_cell(100.0, 0.4, 0.2),
    named_cell(150.0, 0.1, 0.7),
    CELLS[2],
)
NAMED_CANDIDATES = (replace(named_cell(200.0, 0.7, 0.05), white=0.3),)


def named_field(**changes: Any) -> FieldFindings:
    """A field of 400 px whose cells the classifier named: two blasts, two others, a candidate.

    The models disagree about the second and the fourth.
    """
    named = {
        "detections": NAMED_CELLS,
        "candidates": NAMED_CANDIDATES,
        "thresholds": NAMED_THRESHOLDS,
        "named_by": Namer.CLASSIFIER,
    }
    return read_field(**{**named, **changes})


def kept_field(
    cells: tuple[Detection, ...] = CELLS, file_name: str = "smear.png", side: int = 400
) -> Analysis:
    """The analysis of a square field of `side` pixels in which `cells` were found."""
    return kept(FieldFindings(side, side, cells, "2026.11.22-1"), file_name)


def older_field() -> Analysis:
    """An analysis as it was kept when cells were read once."""
    analysis = kept_field()
    counts = analysis.finding["counts"]
    once = ("box", "label", "confidence")
    detections = [{name: getattr(cell, name) for name in once} for cell in CELLS]
    analysis.finding = {
        **{"width": 400, "height": 400, "model": "2026.11.22-1"},
        **{"detections": detections, "counts": counts},
    }
    return analysis


def kept(found: FieldFindings, file_name: str = "smear.png") -> Analysis:
    """The analysis of a field of which this was said."""
    return Analysis(
        kind=AnalysisKind.DETECTION,
        created_at=datetime(2026, 11, 22, 20, 5, tzinfo=UTC),
        file_name=file_name,
        sha256="ab" * 32,
        width=found.width,
        height=found.height,
        finding=found.to_dict(),
        counts=field_counts(found),
        model_version=found.model,
    )

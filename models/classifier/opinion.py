"""The classifier names every white cell that the detector found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from core.taxonomy import BLAST, SMUDGE, WBC, WHITE_CELLS
from imaging.images import RgbImage
from models.classifier.cell_views import View, context_window, cut
from models.classifier.classifier import Classifier, Opinion
from models.findings import ALL_BLAST, DETECTOR_BLAST, Detection, FieldFindings, Namer, Progress

VIEW = View.CONTEXT
"""How cells of a field are seen."""

AT_ONCE = 16
"""Cells cut out and read at a time: what is in memory however many there are."""


def name_cells(
    rgb: RgbImage, findings: FieldFindings, classifier: Classifier, progress: Progress
) -> FieldFindings:
    """Name every white cell of a field by the classifier's probability.

    The detector's own stays in `Detection.blast`.

    Args:
        rgb: uint8 (h, w, 3) RGB.
        findings: What the detector found in it.
        classifier: Reads the cells.
        progress: Is told the cells read and their number after each `AT_ONCE`, and once where
            there is nothing to read.
    """
    cells = (*findings.detections, *findings.candidates)
    white = [index for index, cell in enumerate(cells) if cell.label in WHITE_CELLS]
    named = list(cells)
    for index, cell in zip(
        white, _named(rgb, [cells[index] for index in white], classifier, progress), strict=True
    ):
        named[index] = cell
    if not white:
        progress(1, 1)
    counted = len(findings.detections)
    return replace(
        findings,
        detections=tuple(sorted(named[:counted], key=lambda cell: -cell.confidence)),
        candidates=tuple(named[counted:]),
        thresholds=_thresholds(findings.thresholds, classifier.threshold(VIEW)),
        classifier=classifier.version,
        named_by=Namer.CLASSIFIER,
    )


def _named(
    rgb: RgbImage, cells: Sequence[Detection], classifier: Classifier, progress: Progress
) -> Iterator[Detection]:
    for start in range(0, len(cells), AT_ONCE):
        part = cells[start : start + AT_ONCE]
        windows = [cut(rgb, context_window(cell.box), VIEW) for cell in part]
        for cell, opinion in zip(part, classifier.opinions(windows, VIEW), strict=True):
            yield _renamed(cell, opinion)
        progress(start + len(part), len(cells))


def _renamed(cell: Detection, opinion: Opinion) -> Detection:
    label, of_label = _label(opinion)
    white = 1.0 if cell.white is None else cell.white
    return replace(
        cell,
        label=label,
        confidence=white * of_label,
        classifier_probability=opinion.probability,
        classifier_label=opinion.label,
        kind=opinion.kind,
        kind_probability=opinion.kind_probability,
    )


def _label(opinion: Opinion) -> tuple[str, float]:
    """Return what a cell is called, and the probability of it."""
    if opinion.kind == SMUDGE:
        return SMUDGE, opinion.kind_probability or 0.0
    if opinion.label == ALL_BLAST:
        return BLAST, opinion.probability
    return WBC, 1 - opinion.probability


def _thresholds(detectors: Mapping[str, float], classifiers: float) -> dict[str, float]:
    """Return the operating point, with either network's threshold of a blast."""
    own = {DETECTOR_BLAST: detectors[BLAST]} if BLAST in detectors else {}
    return {**detectors, **own, BLAST: classifiers}

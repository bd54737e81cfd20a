"""The classifier names every white cell that the detector found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from core.geometry import Box
from core.taxonomy import BLAST, SMUDGE, WBC, WHITE_CELLS
from imaging.images import RgbImage
from models.classifier.cell_views import View, context_window, cut
from models.classifier.classifier import Opinion
from models.findings import ALL_BLAST, DETECTOR_BLAST, Detection, FieldFindings, Namer, Progress

VIEW = View.CONTEXT
"""How cells of a field are seen."""

AT_ONCE = 16
"""Cells cut out and read at a time: what is in memory however many there are."""


class CellReader(Protocol):
    """Reads cut-out cells: the classifier, or one that a laboratory's head corrects."""

    @property
    def version(self) -> str:
        """Version of the weights."""
        ...

    def opinions(self, windows: Sequence[RgbImage], view: str) -> list[Opinion]:
        """Read several cells, from `cell_views.cut`, at once."""
        ...

    def threshold(self, view: str) -> float:
        """Return the probability from which on a cell of a view counts as a blast."""
        ...


def name_cells(
    rgb: RgbImage, findings: FieldFindings, reader: CellReader, progress: Progress
) -> FieldFindings:
    """Name every white cell of a field by the classifier's probability.

    The detector's own stays in `Detection.blast`.

    Args:
        rgb: uint8 (h, w, 3) RGB.
        findings: What the detector found in it.
        reader: Reads the cells.
        progress: Is told the cells read and their number after each `AT_ONCE`, and once where
            there is nothing to read.
    """
    boxes = [cell.box for cell in white_cells(findings)]
    opinions = list(_opinions(rgb, boxes, reader, progress))
    if not boxes:
        progress(1, 1)
    return with_opinions(findings, opinions, reader)


def white_cells(findings: FieldFindings) -> list[Detection]:
    """Return the cells that the classifier is asked about: those that count, then candidates."""
    cells = (*findings.detections, *findings.candidates)
    return [cell for cell in cells if cell.label in WHITE_CELLS]


def windows_of(rgb: RgbImage, boxes: Sequence[Box]) -> list[RgbImage]:
    """Cut cells out of a field, uint8 (side, side, 3) RGB each, as the classifier sees them."""
    return [cut(rgb, context_window(box), VIEW) for box in boxes]


def with_opinions(
    findings: FieldFindings, opinions: Sequence[Opinion], reader: CellReader
) -> FieldFindings:
    """Name the white cells by the opinions on them, in the order of `white_cells`."""
    coming = iter(opinions)
    named = [
        _renamed(cell, next(coming)) if cell.label in WHITE_CELLS else cell
        for cell in (*findings.detections, *findings.candidates)
    ]
    counted = len(findings.detections)
    return replace(
        findings,
        detections=tuple(sorted(named[:counted], key=lambda cell: -cell.confidence)),
        candidates=tuple(named[counted:]),
        thresholds=_thresholds(findings.thresholds, reader.threshold(VIEW)),
        classifier=reader.version,
        named_by=Namer.CLASSIFIER,
    )


def _opinions(
    rgb: RgbImage, boxes: Sequence[Box], reader: CellReader, progress: Progress
) -> Iterator[Opinion]:
    for start in range(0, len(boxes), AT_ONCE):
        part = boxes[start : start + AT_ONCE]
        yield from reader.opinions(windows_of(rgb, part), VIEW)
        progress(start + len(part), len(boxes))


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
        morphology=opinion.morphology,
        morphology_probabilities=_rounded(opinion.morphology_probabilities),
        in_distribution=opinion.in_distribution,
    )


def _rounded(shares: Mapping[str, float]) -> dict[str, float]:
    """Round to three decimals: eleven a cell are kept, for hundreds of cells of a field."""
    return {name: round(share, 3) for name, share in shares.items()}


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

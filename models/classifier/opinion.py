"""The classifier's opinion on every white cell that the detector found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from core.taxonomy import WHITE_CELLS
from imaging.images import RgbImage
from models.classifier.cell_views import View, context_window, cut
from models.classifier.classifier import Classifier
from models.findings import Detection, FieldFindings, Progress

VIEW = View.CONTEXT
"""How cells of a field are seen."""

AT_ONCE = 16
"""Cells cut out and read at a time: what is in memory however many there are."""


def read_cells(
    rgb: RgbImage, findings: FieldFindings, classifier: Classifier, progress: Progress
) -> FieldFindings:
    """Add the classifier's opinion of every white cell of a field.

    Args:
        rgb: uint8 (h, w, 3) RGB.
        findings: What the detector found in it.
        classifier: Reads the cells.
        progress: Is told the cells read and their number after each `AT_ONCE`, and once where
            there is nothing to read.

    Returns:
        The findings with an opinion of every white cell.
    """
    cells = (*findings.detections, *findings.candidates)
    white = [index for index, cell in enumerate(cells) if cell.label in WHITE_CELLS]
    opinions = _opinions(rgb, [cells[index] for index in white], classifier, progress)
    read = list(cells)
    for index, cell in zip(white, opinions, strict=True):
        read[index] = cell
    if not white:
        progress(1, 1)
    counted = len(findings.detections)
    return replace(
        findings,
        detections=tuple(read[:counted]),
        candidates=tuple(read[counted:]),
        second_model=classifier.version,
    )


def _opinions(
    rgb: RgbImage, cells: Sequence[Detection], classifier: Classifier, progress: Progress
) -> Iterator[Detection]:
    for start in range(0, len(cells), AT_ONCE):
        part = cells[start : start + AT_ONCE]
        windows = [cut(rgb, context_window(cell.box), VIEW) for cell in part]
        for cell, probability in zip(part, classifier.probabilities(windows, VIEW), strict=True):
            label = classifier.label(float(probability), VIEW)
            yield replace(cell, second=float(probability), second_label=label)
        progress(start + len(part), len(cells))

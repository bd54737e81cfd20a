"""Run the networks on labelled images, and match detections with the labelled cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.average_precision import matched_truth
from core.geometry import Boxes, contained_shares
from core.taxonomy import WHITE_CELLS
from imaging.images import RgbImage, read_image
from models.classifier.cell_views import cut
from models.classifier.classifier import Classifier
from models.classifier.opinion import white_cells
from models.findings import Detection
from models.laboratory.cells import CellReadings, joined, read_boxes, read_cells
from models.laboratory.embedder import Embedder
from models.laboratory.folders import LabelledField
from models.quality_control.checks import examine
from models.quality_control.fields import examine_field
from models.registry import Models

NO_CELL = "no_cell"
"""Label of a found box that lies clear of all labelled cells."""

UNCLEAR = "unclear"
"""Label of a found box that overlaps a labelled cell, but not well enough to be it."""

_CLEAR = 0.3
"""Share of a box in a labelled one up to which it is clear of it."""


@dataclass(frozen=True)
class Networks:
    """All that reads a cell."""

    models: Models
    embedder: Embedder

    @property
    def classifier(self) -> Classifier:
        """The base model."""
        return self.models.classifier


@dataclass(frozen=True)
class ObservedField:
    """A labelled field with the networks' output.

    Attributes:
        found: The white cells found, not named yet: those that count, then the candidates.
        counted: Number of those that count.
        readings: Of `found`, then of the labelled cells that were not found; None without any.
        labels: Of the cells that were read: a labelled cell's, `NO_CELL` or `UNCLEAR`.
        true_boxes: Of the labelled cells, in pixels (m, 4).
        true_labels: Their labels.
    """

    found: tuple[Detection, ...]
    counted: int
    readings: CellReadings | None
    labels: tuple[str, ...]
    true_boxes: Boxes
    true_labels: tuple[str, ...]


@dataclass(frozen=True)
class SingleCells:
    """Labelled single cells that are seen alike.

    Attributes:
        view: How, one of `cell_views.VIEWS`.
        readings: Of the n cells.
        labels: (n,).
    """

    view: str
    readings: CellReadings
    labels: NDArray[np.str_]


def observe_field(field: LabelledField, networks: Networks) -> ObservedField:
    """Read a labelled field; raises `ImageError` where the file cannot be read.

    Its quality keeps nothing back: the laboratory has named the cells in it.
    """
    rgb = read_image(field.path.read_bytes(), file_name=field.path.name).rgb
    findings = examine_field(rgb, networks.models.detector, override=True)
    found = white_cells(findings)
    true_boxes, true_labels = _truth(field, rgb)
    matched = _matched(found, true_boxes)
    missed = sorted(set(range(len(true_labels))) - set(matched.tolist()))
    boxes = [*(cell.box for cell in found), *(tuple(true_boxes[row]) for row in missed)]
    labels = (
        *_labels(found, matched, true_boxes, true_labels),
        *(true_labels[row] for row in missed),
    )
    readings = read_boxes(rgb, boxes, networks.classifier, networks.embedder)
    counted = sum(cell.label in WHITE_CELLS for cell in findings.detections)
    return ObservedField(tuple(found), counted, readings, labels, true_boxes, true_labels)


class NotOneCellError(Exception):
    """An image without a white cell, or with several."""

    def __init__(self) -> None:
        super().__init__("It shows no single white cell.")


def observe_cell(path: Path, label: str, networks: Networks) -> SingleCells:
    """Read a labelled single-cell image.

    Raises:
        ImageError: The file cannot be read.
        NotOneCellError: It does not show one cell.
    """
    rgb = read_image(path.read_bytes(), file_name=path.name).rgb
    seen = examine(rgb, networks.models.detector)
    if seen.window is None or seen.view is None:
        raise NotOneCellError
    windows = [cut(rgb, seen.window, seen.view)]
    readings = read_cells(windows, networks.classifier, networks.embedder, seen.view)
    return SingleCells(seen.view, readings, np.array([label]))


def joined_by_view(cells: Sequence[SingleCells]) -> list[SingleCells]:
    """Join single cells that are seen alike."""
    return [
        SingleCells(
            view,
            joined([one.readings for one in cells if one.view == view]),
            np.concatenate([one.labels for one in cells if one.view == view]),
        )
        for view in sorted({one.view for one in cells})
    ]


def _truth(field: LabelledField, rgb: RgbImage) -> tuple[Boxes, tuple[str, ...]]:
    height, width = rgb.shape[:2]
    fractions = np.array([cell.box for cell in field.cells]).reshape(-1, 4)
    return fractions * (width, height, width, height), tuple(cell.label for cell in field.cells)


def _matched(found: Sequence[Detection], true_boxes: Boxes) -> NDArray[np.int64]:
    if not found:
        return np.empty(0, np.int64)
    boxes = np.array([cell.box for cell in found])
    return matched_truth(boxes, np.array([white_share(cell) for cell in found]), true_boxes)


def white_share(cell: Detection) -> float:
    """Return the detector's P(white cell) in 0..1 of a white cell."""
    return cell.confidence if cell.white is None else cell.white


def _labels(
    found: Sequence[Detection],
    matched: NDArray[np.int64],
    true_boxes: Boxes,
    true_labels: Sequence[str],
) -> list[str]:
    labels = []
    for cell, row in zip(found, matched.tolist(), strict=True):
        if row >= 0:
            labels.append(true_labels[row])
            continue
        shares = (
            contained_shares(np.array(cell.box), true_boxes) if len(true_boxes) else np.zeros(1)
        )
        labels.append(NO_CELL if shares.max() <= _CLEAR else UNCLEAR)
    return labels

"""Time for all cells of a field: 100 crops through EfficientNetB3, 3,000 boxes to one a cell."""

from __future__ import annotations

import numpy as np
import torch
from torchvision.ops import nms

from benchmarks.answers import WEIGHTS
from benchmarks.keras_model import efficientnet, predict
from benchmarks.timing import Way, median_milliseconds, report
from imaging.images import classifier_input
from models.classifier.cell_views import context_window, cut
from models.classifier.classifier import Classifier
from models.classifier.opinion import AT_ONCE, VIEW, name_cells
from models.detector.boxes import Found, suppress
from models.findings import Detection, FieldFindings
from models.versions import active_folder

CELLS, SIDE = 100, 150
BOXES_EACH = 5


def main() -> None:
    """Print both comparisons; weights of the Keras network do not change its speed."""
    report(f"The classifier, {CELLS} cells", median_milliseconds(reader_ways(), 3), "ms")
    report("3,000 boxes of 600 cells", median_milliseconds(suppression_ways()), "ms")


def reader_ways() -> dict[str, Way]:
    """Ways to read the white cells of one field, the served one first."""
    rgb = np.random.default_rng(0).integers(0, 256, (2000, 2000, 3), np.uint8)
    cells = [_cell(200 * (n % 10), 200 * (n // 10)) for n in range(CELLS)]
    findings = FieldFindings(2000, 2000, tuple(cells), "none")
    classifier = Classifier.load(active_folder(WEIGHTS, "classifier"))
    windows = [cut(rgb, context_window(cell.box), VIEW) for cell in cells]
    model = efficientnet()

    def keras_predict(at_once: int) -> None:
        batch = np.stack([classifier_input(window) for window in windows])
        for start in range(0, CELLS, at_once):
            predict(model, batch[start : start + at_once])

    return {
        f"Leukoscope, {AT_ONCE} at once": lambda: name_cells(
            rgb, findings, classifier, lambda done, total: None
        ),
        "Leukoscope, one by one": lambda: [
            classifier.probabilities([window], VIEW) for window in windows
        ],
        f"Keras predict, {AT_ONCE} at once": lambda: keras_predict(AT_ONCE),
        "Keras predict, one by one": lambda: keras_predict(1),
    }


def suppression_ways() -> dict[str, Way]:
    """Ways to leave one box a cell, of cells that were each found several times."""
    rng = np.random.default_rng(0)
    centres = np.repeat(rng.uniform(0, 1500, (600, 2)), BOXES_EACH, axis=0)
    centres += rng.normal(0, 3, centres.shape)
    boxes = np.concatenate([centres - 20, centres + 20], axis=1).astype(np.float32)
    found = Found(boxes, rng.dirichlet([1, 1, 1, 1], len(boxes)))
    as_torch = torch.from_numpy(boxes), torch.from_numpy(found.best.astype(np.float32))
    return {
        "Leukoscope, with parts of white cells": lambda: suppress(found, 0.5),
        "torchvision nms, without": lambda: nms(*as_torch, 0.5),
    }


def _cell(left: float, top: float) -> Detection:
    return Detection((left + 25, top + 25, left + 25 + SIDE, top + 25 + SIDE), "wbc", 0.9)


if __name__ == "__main__":
    main()

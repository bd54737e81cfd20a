"""Run the classifier and the embedder on white cells, the input of learning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.geometry import Box
from core.taxonomy import SMUDGE
from imaging.images import RgbImage
from models.classifier.classifier import CellOutputs, Classifier
from models.classifier.opinion import AT_ONCE, VIEW, windows_of
from models.findings import Progress, ignore_progress
from models.laboratory.embedder import Embedder
from models.laboratory.kinds import KINDS

INPUTS = ("blast", "smudge", "features", "kinds")
"""Attributes of `HeadInputs`, in their order."""


@dataclass(frozen=True)
class HeadInputs:
    """Inputs of a head for n cells; the attributes are those of `CellReadings`."""

    blast: NDArray[np.float64]
    smudge: NDArray[np.float64]
    features: NDArray[np.float16]
    kinds: NDArray[np.floating]

    def __len__(self) -> int:
        return len(self.blast)

    def of(self, rows: NDArray[np.integer]) -> HeadInputs:
        """Return the inputs of some cells."""
        return HeadInputs(*(getattr(self, name)[rows] for name in INPUTS))


@dataclass(frozen=True)
class CellReadings:
    """Outputs of both networks for n cells.

    Attributes:
        outputs: The classifier's, one a cell.
        blast: Its calibrated P(ALL blast) in 0..1, (n,).
        smudge: Its P(smudge) in 0..1, (n,); 0 in a view that does not tell.
        features: The embedder's, float16 (n, features).
        kinds: The classifier's probability of each of `kinds.KINDS` in 0..1, (n, kinds); 0 of those
            that its weights do not know, and in a view that does not tell.
    """

    outputs: tuple[CellOutputs, ...]
    blast: NDArray[np.float64]
    smudge: NDArray[np.float64]
    features: NDArray[np.float16]
    kinds: NDArray[np.floating]

    def __len__(self) -> int:
        return len(self.outputs)

    @property
    def inputs(self) -> HeadInputs:
        """Inputs of a head for these cells."""
        return HeadInputs(*(getattr(self, name) for name in INPUTS))

    def of(self, rows: slice) -> CellReadings:
        """Return the readings of some cells."""
        return CellReadings(self.outputs[rows], *(getattr(self, name)[rows] for name in INPUTS))


def read_cells(
    windows: Sequence[RgbImage], classifier: Classifier, embedder: Embedder, view: str = VIEW
) -> CellReadings:
    """Ask both networks about cells.

    Args:
        windows: uint8 (side, side, 3) RGB each, from `cell_views.cut`; at least one.
        classifier: The base model.
        embedder: Computes the features.
        view: How the cells are seen, one of `cell_views.VIEWS`.
    """
    outputs = tuple(classifier.all_outputs(windows))
    told = [classifier.kinds(each) if view == VIEW else {} for each in outputs]
    kinds = np.array([[shares.get(kind, 0.0) for kind in KINDS] for shares in told])
    return CellReadings(
        outputs,
        np.array([classifier.probability(each, view) for each in outputs]),
        kinds[:, KINDS.index(SMUDGE)],
        embedder.embed(windows),
        kinds,
    )


def read_boxes(
    rgb: RgbImage,
    boxes: Sequence[Box],
    classifier: Classifier,
    embedder: Embedder,
    progress: Progress | None = None,
) -> CellReadings | None:
    """Ask both networks about the cells of a field, `AT_ONCE` at a time; None where it has none.

    `progress` is told the cells read and their number after each time, and once if there is none.
    """
    tell = progress or ignore_progress
    parts: list[CellReadings] = []
    for at in range(0, len(boxes), AT_ONCE):
        windows = windows_of(rgb, boxes[at : at + AT_ONCE])
        parts.append(read_cells(windows, classifier, embedder))
        tell(at + len(windows), len(boxes))
    if not parts:
        tell(1, 1)
        return None
    return joined(parts)


def joined(parts: Sequence[CellReadings]) -> CellReadings:
    """Concatenate the readings of one or more groups of cells."""
    return CellReadings(
        tuple(each for part in parts for each in part.outputs),
        *(np.concatenate([getattr(part, name) for part in parts]) for name in INPUTS),
    )


def joined_inputs(parts: Sequence[HeadInputs]) -> HeadInputs:
    """Concatenate the inputs of one or more groups of cells."""
    return HeadInputs(*(np.concatenate([getattr(part, name) for part in parts]) for name in INPUTS))

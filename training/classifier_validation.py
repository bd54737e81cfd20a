"""Cells of val subjects in both views, to watch training by and to calibrate on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from models.images import RgbImage, classifier_input
from training.classifier_data import (
    BLAST,
    NORMAL,
    CellSource,
    crop_sources,
    evaluation_crops,
    read_rgb,
    stored_sources,
)

View = Literal["black", "crops"]
_AT_ONCE = 32


@dataclass(frozen=True)
class Validation:
    """Cell images (RGB uint8, any size) and classes (n,) of each view."""

    images: dict[View, list[RgbImage]]
    classes: dict[View, np.ndarray]

    def logits(self, model: keras.Model, view: View, size: int) -> np.ndarray:
        """Return the network's answers (n, 2) at `size` pixels a side."""
        inputs = [classifier_input(image, size) for image in self.images[view]]
        parts = [np.stack(inputs[at : at + _AT_ONCE]) for at in range(0, len(inputs), _AT_ONCE)]
        return np.concatenate([model(part, training=False) for part in parts])

    def auroc(self, model: keras.Model, view: View, size: int) -> float:
        """Return the area under the ROC curve of blasts against all other cells of a view."""
        logits = self.logits(model, view, size)
        return float(roc_auc_score(self.classes[view], logits[:, BLAST] - logits[:, NORMAL]))


def make_validation(data: Path, composites: Path, cells: int) -> Validation:
    """Choose up to `cells` of each class and view of val subjects, always the same ones."""
    stored = _chosen(stored_sources(data, ("val",)), cells)
    cropped = _chosen(crop_sources(composites / "val", ("val",)), cells)
    return Validation(
        images={
            "black": [read_rgb(source.path) for source in stored],
            "crops": evaluation_crops(cropped),
        },
        classes={
            "black": np.array([source.blast for source in stored]),
            "crops": np.array([source.blast for source in cropped]),
        },
    )


def _chosen(sources: Sequence[CellSource], cells: int) -> list[CellSource]:
    rng = np.random.default_rng(0)
    chosen: list[CellSource] = []
    for blast in (NORMAL, BLAST):
        members = [source for source in sources if source.blast == blast]
        rng.shuffle(members)
        chosen.extend(members[:cells])
    return chosen

"""Cells of a round's strangers in both views, to watch its training by.

Nothing is chosen by them: the last step of every round is what is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from imaging.images import classifier_input
from training.classifier.data import BLAST, NORMAL, CellSource, Places, shown, strangers

_AT_ONCE = 32


@dataclass(frozen=True)
class Watched:
    """Cells of one view: squares as shown, uint8 RGB of any size, and classes (n,)."""

    images: list[np.ndarray]
    classes: np.ndarray

    def auroc(self, model: keras.Model, size: int) -> float:
        """Return the area under the ROC curve of blasts against all other cells."""
        logits = answers(model, [classifier_input(image, size) for image in self.images])
        return float(roc_auc_score(self.classes, logits[:, BLAST] - logits[:, NORMAL]))


def answers(model: keras.Model, inputs: Sequence[np.ndarray]) -> np.ndarray:
    """Return what a network of one output says of prepared images of one size, (n, ...)."""
    read = tf.function(lambda images: model(images, training=False), reduce_retracing=True)
    parts = [np.stack(inputs[at : at + _AT_ONCE]) for at in range(0, len(inputs), _AT_ONCE)]
    return np.concatenate([read(tf.constant(part)) for part in parts])


def make_watched(places: Places, held_out: str, cells: int) -> dict[str, Watched]:
    """Choose up to `cells` of each class and view of a round's strangers, always the same ones."""
    by_view = strangers(places, held_out)
    return {view: watched_cells(sample(sources, cells)) for view, sources in by_view.items()}


def watched_cells(sources: Sequence[CellSource]) -> Watched:
    """Read cells as they are shown."""
    return Watched([shown(s) for s in sources], np.array([s.blast for s in sources]))


def sample(sources: Sequence[CellSource], cells: int) -> list[CellSource]:
    """Choose up to `cells` of each class, always the same ones."""
    rng = np.random.default_rng(0)
    chosen: list[CellSource] = []
    for blast in (NORMAL, BLAST):
        members = [source for source in sources if source.blast == blast]
        rng.shuffle(members)
        chosen.extend(members[:cells])
    return chosen

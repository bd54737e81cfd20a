"""Cells of a fold's held-out subjects in both views, to watch its training by.

Nothing is chosen by them: the last step of every fold is what is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from imaging.images import classifier_input
from training.classifier.data import (
    BLAST,
    NORMAL,
    CellSource,
    Places,
    classifier_view,
    held_out_sources,
)
from training.metrics import scores

_BATCH = 32


@dataclass(frozen=True)
class Watched:
    """Cells of one view.

    Attributes:
        images: Squares as the classifier gets them, uint8 RGB of any size.
        classes: `BLAST` or `NORMAL`, (n,).
    """

    images: list[np.ndarray]
    classes: np.ndarray

    def auroc(self, model: keras.Model, size: int) -> float:
        """Return the area under the ROC curve of blasts against all other cells."""
        logits = predict(model, [classifier_input(image, size) for image in self.images])
        return scores.auroc(logits[:, BLAST] - logits[:, NORMAL], self.classes == BLAST)


def predict(model: keras.Model, inputs: Sequence[np.ndarray]) -> np.ndarray:
    """Return a network's output (n, ...) for prepared images of one size."""
    read = tf.function(lambda images: model(images, training=False), reduce_retracing=True)
    parts = [np.stack(inputs[at : at + _BATCH]) for at in range(0, len(inputs), _BATCH)]
    return np.concatenate([read(tf.constant(part)) for part in parts])


def make_watched(places: Places, held_out: str, cells: int) -> dict[str, Watched]:
    """Choose up to `cells` held-out cells of each class and view, always the same."""
    by_view = held_out_sources(places, held_out)
    return {view: watched_cells(sample(sources, cells)) for view, sources in by_view.items()}


def watched_cells(sources: Sequence[CellSource]) -> Watched:
    """Read cells as the classifier gets them."""
    return Watched([classifier_view(s) for s in sources], np.array([s.blast for s in sources]))


def sample(sources: Sequence[CellSource], cells: int) -> list[CellSource]:
    """Choose up to `cells` of each class, always the same."""
    rng = np.random.default_rng(0)
    chosen: list[CellSource] = []
    for blast in (NORMAL, BLAST):
        members = [source for source in sources if source.blast == blast]
        rng.shuffle(members)
        chosen.extend(members[:cells])
    return chosen


def limit_per_subject(sources: Sequence[CellSource], cells: int) -> list[CellSource]:
    """Choose up to `cells` of each subject (or kind), always the same ones."""
    members: dict[str, list[CellSource]] = {}
    for number in np.random.default_rng(0).permutation(len(sources)):
        source = sources[number]
        members.setdefault(source.subject or source.kind, []).append(source)
    return [source for group in members.values() for source in group[:cells]]

"""Probe in minutes what a random split of images leaks: linear heads on a frozen network.

A network that never saw a blood cell describes every C-NMC cell on black; what is learned is a
logistic regression on these descriptions, to its end, under both protocols of `compare`. The same
descriptions are used to recognise whose cell it is, among the subjects of the training cells: a
random split rewards that, held-out subjects do not. With --record the tables go into
docs/studies.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from imaging.images import classifier_input
from training.classifier.architectures import ARCHITECTURES, build, operations, with_features
from training.classifier.data import CellSource, classifier_view, stored_sources
from training.classifier.options import DEFAULT_INIT
from training.commands import option
from training.data import DEFAULT_DATA, PROJECT
from training.documents import replace_between
from training.metrics.estimates import Estimate, estimate, format_estimate
from training.metrics.scores import subject_samples
from training.studies.compare import divide
from training.studies.compare_report import (
    AREA,
    SPLITS,
    Predictions,
    by_area,
    comparison_table,
    folds_table,
    rows_of,
)

_BATCH = 32
_STEPS = 2000
_NAME = "{}, frozen"
BOOTSTRAP_SAMPLES = 300


@dataclass(frozen=True)
class Options:
    """Options of `python -m training leakage`."""

    data: Path = option(DEFAULT_DATA, "folder of the image sets")
    init: Path = option(DEFAULT_INIT, "weights of the backbone")
    architecture: str = option("EfficientNetB3", choices=lambda: _with_pooled_head())
    size: int = option(128, "image side in pixels")
    seed: int = option(1, "of the random split")
    record: bool = option(False, "write the tables into docs")


def run(options: Options) -> None:
    """Describe all cells, fit and test the heads, print the tables."""
    keras.utils.set_random_seed(options.seed)
    model = build(options.architecture, options.init)
    sources = stored_sources(options.data)
    described = dict(zip(sources, features(model, sources, options.size), strict=True))
    name = _NAME.format(options.architecture)
    tests = {split: classify(described, *divide(sources, split, options.seed)) for split in SPLITS}
    results = {name: tests, AREA: by_area(tests, options.data)}
    rows = [row for each, of_one in results.items() for row in rows_of(each, of_one)]
    cost = {"parameters": model.count_params(), "operations": operations(model, options.size)}
    known, guess = recognise(described, *divide(sources, SPLITS[0], options.seed))
    text = "\n\n".join(
        (
            f"`python -m training leakage`: logistic regression, images of {options.size} px:",
            comparison_table(rows, {name: cost}),
            folds_table(results),
            f"From the same features the subject is recognised for {format_estimate(known)} of the "
            f"cells of the random split; always naming the subject with most cells is right for "
            f"{guess:.3f}.",
        )
    )
    print(text)
    if options.record:
        replace_between(PROJECT / "docs" / "studies.md", "leakage", text)


def _with_pooled_head() -> list[str]:
    return [name for name, row in ARCHITECTURES.items() if not row.flatten]


def features(model: keras.Model, sources: Sequence[CellSource], size: int) -> np.ndarray:
    """Return the pooled features of each cell, float32 (n, d)."""
    described = with_features(model)
    read = tf.function(lambda images: described(images, training=False)[1], reduce_retracing=True)
    parts = [sources[at : at + _BATCH] for at in range(0, len(sources), _BATCH)]
    return np.concatenate(
        [
            read(
                tf.constant(
                    np.stack([classifier_input(classifier_view(cell), size) for cell in part])
                )
            )
            for part in tqdm(parts, "cells", mininterval=10)
        ]
    )


def classify(
    described: dict[CellSource, np.ndarray],
    learned: Sequence[CellSource],
    tested: Sequence[CellSource],
) -> Predictions:
    """Learn blasts from some cells' features; predict others."""
    head = _head(described, learned, [cell.blast for cell in learned])
    return Predictions(
        probabilities=head.predict_proba(_rows(described, tested))[:, 1],
        blasts=np.array([bool(cell.blast) for cell in tested]),
        subjects=np.array([cell.subject for cell in tested]),
        files=np.array([cell.path.name for cell in tested]),
    )


def recognise(
    described: dict[CellSource, np.ndarray],
    learned: Sequence[CellSource],
    tested: Sequence[CellSource],
) -> tuple[Estimate, float]:
    """Return the share of cells whose subject is recognised, and that of a guess.

    The guess is the subject with most cells, for all.
    """
    names = np.array([cell.subject for cell in learned])
    truth = np.array([cell.subject for cell in tested])
    right = _head(described, learned, names).predict(_rows(described, tested)) == truth
    blasts = np.array([bool(cell.blast) for cell in tested])
    draws = subject_samples(blasts, truth, BOOTSTRAP_SAMPLES)
    known = estimate(lambda rows: float(right[rows].mean()), np.arange(len(right)), draws)
    subjects, counts = np.unique(names, return_counts=True)
    return known, float(np.mean(truth == subjects[counts.argmax()]))


def _head(
    described: dict[CellSource, np.ndarray],
    cells: Sequence[CellSource],
    names: Sequence[object] | np.ndarray,
) -> Pipeline:
    regression = LogisticRegression(class_weight="balanced", max_iter=_STEPS)
    return make_pipeline(StandardScaler(), regression).fit(_rows(described, cells), names)


def _rows(described: dict[CellSource, np.ndarray], cells: Sequence[CellSource]) -> np.ndarray:
    return np.stack([described[cell] for cell in cells])

"""Show in minutes what a random split of images leaks: linear heads on a frozen network.

A network that never saw a blood cell describes every C-NMC cell on black; what is learned is a
logistic regression on these descriptions, to its end, under both protocols of `compare`. The same
descriptions are asked whose cell it is, among the people of the training cells: what they know of
that, a random split rewards and a stranger does not. With --record the tables go into
docs/studies.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
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
from training.classifier.data import CellSource, shown, stored_sources
from training.classifier.options import DEFAULT_INIT
from training.data import DEFAULT_DATA, PROJECT
from training.documents import replace_between
from training.metrics.estimates import Figure, estimate, told
from training.metrics.scores import subject_samples
from training.studies.compare import divide
from training.studies.compare_report import (
    AREA,
    SPLITS,
    Answers,
    by_area,
    comparison_table,
    rounds_table,
    rows_of,
)

_AT_ONCE = 32
_STEPS = 2000
_NAME = "{}, frozen"
_ROUNDS_OF_BOOTSTRAP = 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training leak`."""
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the image sets")
    parser.add_argument("--init", type=Path, default=DEFAULT_INIT, help="weights of the backbone")
    names = sorted(name for name, row in ARCHITECTURES.items() if not row.flatten)
    parser.add_argument("--architecture", choices=names, default="EfficientNetB3")
    parser.add_argument("--size", type=int, default=128, help="image side in pixels (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the random split (%(default)s)")
    parser.add_argument("--record", action="store_true", help="write the tables into docs")


def run(args: argparse.Namespace) -> None:
    """Describe all cells, fit and test the heads, print the tables."""
    keras.utils.set_random_seed(args.seed)
    model = build(args.architecture, args.init)
    sources = stored_sources(args.data)
    described = dict(zip(sources, features(model, sources, args.size), strict=True))
    name = _NAME.format(args.architecture)
    tests = {split: answer(described, *divide(sources, split, args.seed)) for split in SPLITS}
    results = {name: tests, AREA: by_area(tests, args.data)}
    rows = [row for each, found in results.items() for row in rows_of(each, found)]
    cost = {"parameters": model.count_params(), "operations": operations(model, args.size)}
    known, guess = recognised(described, *divide(sources, SPLITS[0], args.seed))
    text = "\n\n".join(
        (
            f"`python -m training leak`: logistic regression, images of {args.size} px:",
            comparison_table(rows, {name: cost}),
            rounds_table(results),
            f"Whose cell it is, the same features tell of {told(known)} of the cells of the random "
            f"split; naming the person with most cells each time would be right for {guess:.3f}.",
        )
    )
    print(text)
    if args.record:
        replace_between(PROJECT / "docs" / "studies.md", "leak", text)


def features(model: keras.Model, sources: Sequence[CellSource], size: int) -> np.ndarray:
    """Return the pooled features of each cell as it is shown, float32 (n, d)."""
    described = with_features(model)
    read = tf.function(lambda images: described(images, training=False)[1], reduce_retracing=True)
    parts = [sources[at : at + _AT_ONCE] for at in range(0, len(sources), _AT_ONCE)]
    return np.concatenate(
        [
            read(tf.constant(np.stack([classifier_input(shown(cell), size) for cell in part])))
            for part in tqdm(parts, "cells", mininterval=10)
        ]
    )


def answer(
    described: dict[CellSource, np.ndarray],
    learned: Sequence[CellSource],
    tested: Sequence[CellSource],
) -> Answers:
    """Learn blasts from some cells' features; return what that says of others."""
    head = _head(described, learned, [cell.blast for cell in learned])
    return Answers(
        probabilities=head.predict_proba(_rows(described, tested))[:, 1],
        blasts=np.array([bool(cell.blast) for cell in tested]),
        subjects=np.array([cell.subject for cell in tested]),
        files=np.array([cell.path.name for cell in tested]),
    )


def recognised(
    described: dict[CellSource, np.ndarray],
    learned: Sequence[CellSource],
    tested: Sequence[CellSource],
) -> tuple[Figure, float]:
    """Return the share of cells whose subject the features tell, and that of one name for all."""
    names = np.array([cell.subject for cell in learned])
    truth = np.array([cell.subject for cell in tested])
    right = _head(described, learned, names).predict(_rows(described, tested)) == truth
    blasts = np.array([bool(cell.blast) for cell in tested])
    samples = subject_samples(blasts, truth, _ROUNDS_OF_BOOTSTRAP)
    known = estimate(float(right.mean()), [float(right[drawn].mean()) for drawn in samples])
    subjects, counts = np.unique(names, return_counts=True)
    return known, float(np.mean(truth == subjects[counts.argmax()]))


def _head(
    described: dict[CellSource, np.ndarray], cells: Sequence[CellSource], names: Sequence[object]
) -> Pipeline:
    regression = LogisticRegression(class_weight="balanced", max_iter=_STEPS)
    return make_pipeline(StandardScaler(), regression).fit(_rows(described, cells), names)


def _rows(described: dict[CellSource, np.ndarray], cells: Sequence[CellSource]) -> np.ndarray:
    return np.stack([described[cell] for cell in cells])

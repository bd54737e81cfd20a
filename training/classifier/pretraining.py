"""A start for the classifier: the kinds of normal white cells (PBC), learned before ALL.

Writes --out/backbone.weights.h5, to start the classifier from: `classifier --init` names it. A file
that is there is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from models.classifier.cell_views import context_window
from training.classifier import options as classifier_options
from training.classifier.architectures import build
from training.classifier.data import CellSource, Group, Pool
from training.classifier.train import Course, Stage, Trainer, fit
from training.commands import option
from training.data import PROJECT, PbcTile, read_pbc


@dataclass(frozen=True)
class Options(classifier_options.Options):
    """Options of `python -m training kinds`: those of the classifier's first stage."""

    out: Path = option(PROJECT / "runs" / "kinds", "folder of the run")
    steps: int = option(300, "steps")


def run(options: Options) -> None:
    """Learn the kinds, and print where the backbone's weights are."""
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    print(pretrain(options, options.out))


def pool_of_kinds(data: Path) -> Pool:
    """Collect the train tiles of PBC, every kind a class, in alphabetical order.

    Raises:
        DataError: The set is missing.
    """
    by_kind: dict[str, list[CellSource]] = {}
    for tile in read_pbc(data):
        if tile.split == "train":
            by_kind.setdefault(tile.kind, []).append(_source(tile))
    classes = tuple((Group(tuple(by_kind[kind]), 1.0),) for kind in sorted(by_kind))
    return Pool(crops=classes, on_black=(), black_share=0.0)


def _source(tile: PbcTile) -> CellSource:
    return CellSource(tile.path, context_window(tile.box), blast=0, kind=tile.kind, subject="")


def pretrain(options: classifier_options.Options, out: Path) -> Path:
    """Learn the kinds, unless that is done; return the backbone's weights in `out`."""
    weights = out / "backbone.weights.h5"
    if weights.exists():
        return weights
    out.mkdir(parents=True, exist_ok=True)
    pool = pool_of_kinds(options.places.data)
    model = build(options.architecture, options.start, classes=len(pool.crops))
    trainer = Trainer(model, out)
    stage = Stage("kinds", options.steps, options.size, options.batch, options.rate)
    course = Course((stage,), options.every, options.seed, options.augmentation)
    fit(trainer, pool, course, lambda size: {}, out)
    trainer.model.get_layer("backbone").save_weights(weights)
    return weights

"""A start for the classifier: the kinds of normal white cells (PBC), learned before ALL.

Writes --out/backbone.weights.h5, to start the classifier from: `classifier --init` names it. A file
that is there is kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import tensorflow as tf

from models.classifier.cell_views import context_window
from training.classifier import options
from training.classifier.architectures import build
from training.classifier.data import CellSource, Group, Pool
from training.classifier.options import start_of
from training.classifier.train import Stage, Trainer, fit
from training.data import PROJECT, PbcTile, read_pbc


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training kinds`: those of the classifier's first stage."""
    options.add_arguments(parser)
    parser.set_defaults(out=PROJECT / "runs" / "kinds", steps=300)


def run(args: argparse.Namespace) -> None:
    """Learn the kinds, and say where the backbone's weights are."""
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    print(pretrain(args, args.out))


def pool_of_kinds(data: Path) -> Pool:
    """Collect the train tiles of PBC, every kind a class of its own, in the order of their names.

    Raises DataError where the set is missing.
    """
    by_kind: dict[str, list[CellSource]] = {}
    for tile in read_pbc(data):
        if tile.split == "train":
            by_kind.setdefault(tile.kind, []).append(_source(tile))
    classes = tuple((Group(tuple(by_kind[kind]), 1.0),) for kind in sorted(by_kind))
    return Pool(crops=classes, on_black=(), black_share=0.0)


def _source(tile: PbcTile) -> CellSource:
    return CellSource(tile.path, context_window(tile.box), blast=0, kind=tile.kind, subject="")


def pretrain(args: argparse.Namespace, out: Path) -> Path:
    """Learn the kinds by the classifier's options `args`; return the backbone's weights in `out`.

    What is there is kept.
    """
    weights = out / "backbone.weights.h5"
    if weights.exists():
        return weights
    out.mkdir(parents=True, exist_ok=True)
    pool = pool_of_kinds(args.data)
    trainer = Trainer(build(args.architecture, start_of(args), classes=len(pool.crops)), out)
    stage = Stage("kinds", args.steps, args.size, args.batch, args.rate)
    fit(trainer, pool, [stage], lambda size: {}, args, out)
    trainer.model.get_layer("backbone").save_weights(weights)
    return weights

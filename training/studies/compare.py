"""Train every architecture of the paper under one budget and two protocols, and compare them.

Cells of C-NMC on black, random starting weights for all, the paper's augmentation (shear, zoom,
flips). The paper's protocol splits images at random, so that cells of one person stand on both
sides; ours leaves one normal subject and a group of those with blasts out, three times. Each
training is kept in --out when it is done, so that an interrupted comparison goes on. With --record
the table goes into docs/studies.md and the charts into docs/charts, under a name of their own if
one is given.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from imaging.images import classifier_input
from models.classifier.classifier import softmax
from training.classifier import augmentation
from training.classifier.architectures import ARCHITECTURES, build, operations
from training.classifier.augmentation import Augmentation
from training.classifier.data import BLAST, CellSource, pool_on_black, shown, stored_sources
from training.classifier.predictions import at_most
from training.classifier.train import Stage, Trainer, fit
from training.classifier.validation import answers, sample, watched_cells
from training.data import DEFAULT_DATA, PROJECT, round_of
from training.studies.compare_report import ANSWERS, COST, SPLITS, report

PAPERS_AUGMENTATION = Augmentation(
    rotate=0, shear=0.12, zoom=0.12, restain=0, vary=0, grey=0, compress=0
)
_TEST_SHARE = 0.2


@dataclass(frozen=True)
class Job:
    """One training: an architecture, and a split of `SPLITS` that says who is tested."""

    architecture: str
    split: str

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"{self.architecture}-{self.split}"


def divide(
    sources: Sequence[CellSource], split: str, seed: int
) -> tuple[list[CellSource], list[CellSource]]:
    """Return the cells to train on and those to test on: at random, or by the subjects of a round.

    A fifth is tested at random, as the paper does.
    """
    if split == "random":
        tested = np.random.default_rng(seed).random(len(sources)) < _TEST_SHARE
    else:
        tested = np.array([round_of(source.subject) == split for source in sources])
    return (
        [source for source, test in zip(sources, tested, strict=True) if not test],
        [source for source, test in zip(sources, tested, strict=True) if test],
    )


def train(job: Job, args: argparse.Namespace) -> None:
    """Train and test one network, unless that is done; its answers are kept as answers.npz."""
    out = args.out / job.name
    if (out / ANSWERS).exists():
        return
    out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(args.seed)
    learned, tested = divide(stored_sources(args.data), job.split, args.seed)
    tested = at_most(tested, args.test_cells)
    trainer = Trainer(build(job.architecture, size=args.size), out)
    watched = watched_cells(sample(tested, args.watch_cells))

    def watch(size: int) -> dict[str, float]:
        return {"val_auroc_black": round(watched.auroc(trainer.model, size), 4)}

    rate = ARCHITECTURES[job.architecture].rate
    stage = Stage("compare", args.steps, args.size, args.batch, rate)
    fit(trainer, pool_on_black(learned), [stage], watch, args, out)
    _keep(trainer.model, tested, args.size, out)
    # Weights of networks that serve nobody, by far the most of what a training leaves.
    shutil.rmtree(out / "checkpoints")


def _keep(model: keras.Model, tested: list[CellSource], size: int, out: Path) -> None:
    cost = {"parameters": model.count_params(), "operations": operations(model, size)}
    (out / COST).write_text(json.dumps(cost))
    logits = answers(model, [classifier_input(shown(source), size) for source in tested])
    np.savez(
        out / ANSWERS,
        probabilities=softmax(logits.astype(np.float64))[:, BLAST],
        blasts=np.array([bool(source.blast) for source in tested]),
        subjects=np.array([source.subject for source in tested]),
        files=np.array([source.path.name for source in tested]),
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training compare`."""
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the image sets")
    parser.add_argument("--out", type=Path, default=PROJECT / "runs" / "compare")
    names = sorted(ARCHITECTURES)
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="(all)")
    numbers = {
        "steps": (150, "steps of each training"),
        "size": (128, "image side in pixels"),
        "batch": (32, "images a step"),
        "every": (25, "steps between looks at a part of the test cells"),
        "watch-cells": (40, "cells of each class in that part"),
        "test-cells": (100, "cells to test of each subject, at most"),
        "workers": (2, "trainings at a time, one thread each"),
        "seed": (1, "seed of all that is drawn"),
    }
    for name, (value, meaning) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value, help=f"{meaning} (%(default)s)")
    parser.add_argument(
        "--record",
        nargs="?",
        const="compare",
        metavar="NAME",
        help="write table and charts into docs, as NAME (%(const)s)",
    )
    augmentation.add_arguments(parser)
    parser.set_defaults(resume=False, **vars(PAPERS_AUGMENTATION))


def run(args: argparse.Namespace) -> None:
    """Train what is not trained yet, then print and draw the comparison."""
    jobs = [Job(name, split) for name in args.only for split in SPLITS]
    context = multiprocessing.get_context("spawn")
    # A process for each training: TensorFlow gives no memory back.
    with ProcessPoolExecutor(args.workers, context, one_thread, max_tasks_per_child=1) as pool:
        for done in [pool.submit(train, job, args) for job in jobs]:
            done.result()
    report(args)


def one_thread() -> None:
    """Let this process compute in one thread: others train beside it."""
    tf.config.threading.set_intra_op_parallelism_threads(1)

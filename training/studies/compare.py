"""Train every architecture of the paper under one budget and two protocols, and compare them.

Cells of C-NMC on black, random starting weights for all, the paper's augmentation (shear, zoom,
flips). The paper's protocol splits images at random, so that cells of one subject are on both
sides; ours holds out one normal subject and a group of those with blasts, three times. Each
training is kept in --out when it is done, so that an interrupted comparison goes on. With --record
the table goes into docs/studies.md and the charts into docs/charts, under a name of their own if
one is given.
"""

from __future__ import annotations

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
from scipy.special import softmax

from imaging.images import classifier_input
from training.classifier.architectures import ARCHITECTURES, build, operations
from training.classifier.augmentation import Augmentation
from training.classifier.data import (
    BLAST,
    CellSource,
    classifier_view,
    pool_on_black,
    stored_sources,
)
from training.classifier.train import Course, Stage, Trainer, fit
from training.classifier.validation import limit_per_subject, predict, sample, watched_cells
from training.commands import group, option
from training.data import DEFAULT_DATA, PROJECT, fold_of
from training.documents import replace_between
from training.studies.compare_report import (
    AREA,
    COST,
    PREDICTIONS,
    SPLITS,
    by_area,
    comparison_table,
    draw,
    folds_table,
    read_predictions,
    rows_of,
)

PAPERS_AUGMENTATION = Augmentation(
    rotate=0, shear=0.12, zoom=0.12, restain=0, vary=0, grey=0, compress=0
)
_TEST_SHARE = 0.2


@dataclass(frozen=True)
class Job:
    """One training: an architecture, and a split of `SPLITS`."""

    architecture: str
    split: str

    @property
    def name(self) -> str:
        """Return the name of its folder."""
        return f"{self.architecture}-{self.split}"


def divide(
    sources: Sequence[CellSource], split: str, seed: int
) -> tuple[list[CellSource], list[CellSource]]:
    """Divide cells into those to train on and those to test on.

    Args:
        sources: All cells.
        split: "random" for a fifth of the images at random, as the paper does; else the fold whose
            subjects are held out.
        seed: Of the random split.
    """
    if split == "random":
        tested = np.random.default_rng(seed).random(len(sources)) < _TEST_SHARE
    else:
        tested = np.array([fold_of(source.subject) == split for source in sources])
    return (
        [source for source, test in zip(sources, tested, strict=True) if not test],
        [source for source, test in zip(sources, tested, strict=True) if test],
    )


@dataclass(frozen=True)
class Options:
    """Options of `python -m training compare`."""

    data: Path = option(DEFAULT_DATA, "folder of the image sets")
    out: Path = option(PROJECT / "runs" / "compare", "folder of the trainings")
    only: tuple[str, ...] = option(
        tuple(sorted(ARCHITECTURES)), "(all)", choices=lambda: ARCHITECTURES
    )
    steps: int = option(150, "steps of each training")
    size: int = option(128, "image side in pixels")
    batch: int = option(32, "images a step")
    every: int = option(25, "steps between validations on some of the test cells")
    watch_cells: int = option(40, "cells of each class among these")
    test_cells: int = option(100, "cells to test of each subject, at most")
    workers: int = option(2, "trainings at a time, one thread each")
    seed: int = option(1, "seed of all that is drawn")
    record: str | None = option(
        None, "write table and charts into docs, as RECORD (compare)", const="compare"
    )
    augmentation: Augmentation = group(PAPERS_AUGMENTATION, "augmentation (0 switches one off)")


def train(job: Job, options: Options) -> None:
    """Train and test one network, unless that is done; keep its predictions."""
    out = options.out / job.name
    if (out / PREDICTIONS).exists():
        return
    out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(options.seed)
    learned, tested = divide(stored_sources(options.data), job.split, options.seed)
    tested = limit_per_subject(tested, options.test_cells)
    trainer = Trainer(build(job.architecture, size=options.size), out)
    watched = watched_cells(sample(tested, options.watch_cells))

    def watch(size: int) -> dict[str, float]:
        return {"val_auroc_black": round(watched.auroc(trainer.model, size), 4)}

    rate = ARCHITECTURES[job.architecture].rate
    stage = Stage("compare", options.steps, options.size, options.batch, rate)
    course = Course((stage,), options.every, options.seed, options.augmentation)
    fit(trainer, pool_on_black(learned), course, watch, out)
    _keep(trainer.model, tested, options.size, out)
    # Weights of networks that are never served, by far the most of what a training leaves.
    shutil.rmtree(out / "checkpoints")


def _keep(model: keras.Model, tested: list[CellSource], size: int, out: Path) -> None:
    cost = {"parameters": model.count_params(), "operations": operations(model, size)}
    (out / COST).write_text(json.dumps(cost))
    logits = predict(model, [classifier_input(classifier_view(each), size) for each in tested])
    np.savez(
        out / PREDICTIONS,
        probabilities=softmax(logits.astype(np.float64), axis=1)[:, BLAST],
        blasts=np.array([bool(source.blast) for source in tested]),
        subjects=np.array([source.subject for source in tested]),
        files=np.array([source.path.name for source in tested]),
    )


def run(options: Options) -> None:
    """Train what is not trained yet, then print and draw the comparison."""
    jobs = [Job(name, split) for name in options.only for split in SPLITS]
    context = multiprocessing.get_context("spawn")
    # A process for each training: TensorFlow gives no memory back.
    with ProcessPoolExecutor(options.workers, context, one_thread, max_tasks_per_child=1) as pool:
        for done in [pool.submit(train, job, options) for job in jobs]:
            done.result()
    report(options)


def report(options: Options) -> None:
    """Print and draw the comparison of all architectures trained under every split."""
    results = {
        name: {split: read_predictions(options.out / f"{name}-{split}") for split in SPLITS}
        for name in options.only
    }
    results[AREA] = by_area(next(iter(results.values())), options.data)
    rows = [row for name, tests in results.items() for row in rows_of(name, tests)]
    costs = {
        name: json.loads((options.out / f"{name}-random" / COST).read_text())
        for name in options.only
    }
    heading = (
        f"`python -m training compare`: {options.steps} steps of {options.batch} images of "
        f"{options.size} px:"
    )
    text = "\n\n".join((heading, comparison_table(rows, costs), folds_table(results)))
    print(text)
    charts_folder = PROJECT / "docs" / "charts" if options.record else options.out
    draw(results, rows, options.out, charts_folder, options.record or "compare")
    if options.record:
        replace_between(PROJECT / "docs" / "studies.md", options.record, text)


def one_thread() -> None:
    """Let this process compute in one thread: others train beside it."""
    tf.config.threading.set_intra_op_parallelism_threads(1)

"""Train the classifier (EfficientNetB3) on cells on black and on cells cropped from composites.

Stage 1 learns at a small image size, stage 2 finishes at the size that is served; both on cells of
train subjects alone. Then temperature and uncertain band are fitted on cells of val subjects, and
the network for serving is written to --weights-out. Logs, curves and checkpoints go to --out;
`--resume` goes on from the last checkpoint.
"""

from __future__ import annotations

import argparse
import csv
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from training import augmentation, classifier_export
from training.architectures import ARCHITECTURES, build
from training.charts import training_curves
from training.classifier_data import Pool, make_pool, training_batch
from training.classifier_validation import Validation, make_validation
from training.composites import DEFAULT_CACHE
from training.composites import DEFAULT_OUT as DEFAULT_COMPOSITES
from training.data import DEFAULT_DATA, PROJECT

DEFAULT_INIT = PROJECT.parent / "shared" / "init" / "efficientnetb3_notop.weights.h5"

_WARM_UP_STEPS = 100
_LAST_RATE = 0.02
_LABEL_SMOOTHING = 0.05
_BATCHES_AHEAD = 4

Batch = tuple[np.ndarray, np.ndarray]
Columns = ("step", "stage", "size", "loss", "val_auroc_black", "val_auroc_crops", "seconds")


@dataclass(frozen=True)
class Stage:
    """A part of the training: `steps` of `batch` images of `size` pixels a side."""

    name: str
    steps: int
    size: int
    batch: int
    rate: float


class Trainer:
    """A network, its optimiser, and how far they are: all that a checkpoint holds."""

    def __init__(self, model: keras.Model, out: Path) -> None:
        self.model = model
        self.optimizer = keras.optimizers.AdamW(1e-3, weight_decay=1e-4, clipnorm=1.0)
        self.optimizer.build(model.trainable_variables)
        self._loss = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=_LABEL_SMOOTHING
        )
        self.step = tf.Variable(0, dtype=tf.int64)
        state = tf.train.Checkpoint(model=model, optimizer=self.optimizer, step=self.step)
        self._checkpoints = tf.train.CheckpointManager(state, str(out / "checkpoints"), 1)
        self._graph = tf.function(self._train, reduce_retracing=True)

    def restore(self) -> bool:
        """Go on from the last checkpoint; False where there is none."""
        return self._checkpoints.restore_or_initialize() is not None

    def save(self) -> None:
        """Write a checkpoint; the one before goes when this one is complete."""
        self._checkpoints.save()

    def train(self, batch: Batch, rate: float) -> float:
        """Take one step on images and classes at learning rate `rate`; returns the loss."""
        self.optimizer.learning_rate.assign(rate)
        images, classes = batch
        loss = self._graph(tf.constant(images), tf.one_hot(classes, 2))
        self.step.assign_add(1)
        return float(loss)

    def _train(self, images: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = self._loss(targets, self.model(images, training=True))
        variables = self.model.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss


class Log:
    """metrics.csv of a run, one row a validation."""

    def __init__(self, path: Path, *, anew: bool) -> None:
        self._path = path
        if anew or not path.exists():
            path.write_text(",".join(Columns) + "\n")

    def add(self, **values: object) -> None:
        """Append a row."""
        with self._path.open("a", newline="") as stream:
            csv.DictWriter(stream, Columns).writerow(values)


def rate_at(stage: Stage, step: int) -> float:
    """Learning rate of a step of a stage: a short rise, then a half cosine to nearly nothing."""
    rise = min(1.0, (step + 1) / min(_WARM_UP_STEPS, max(1, stage.steps // 5)))
    fall = (1 + np.cos(np.pi * step / stage.steps)) / 2
    return stage.rate * rise * (_LAST_RATE + (1 - _LAST_RATE) * fall)


def remaining(stages: list[Stage], done: int) -> Iterator[tuple[Stage, int]]:
    """Give each step that is still to do as its stage and its number in it."""
    for stage in stages:
        for step in range(min(done, stage.steps), stage.steps):
            yield stage, step
        done = max(0, done - stage.steps)


def ahead(make: Iterator[Batch]) -> Iterator[Batch]:
    """Make batches in a thread, some ahead of their use; raises what making them raises."""
    made: queue.Queue[Batch | BaseException | None] = queue.Queue(_BATCHES_AHEAD)

    def work() -> None:
        try:
            for batch in make:
                made.put(batch)
            made.put(None)
        except BaseException as error:  # whatever it is, the one who waits must hear of it
            made.put(error)

    threading.Thread(target=work, daemon=True).start()
    while (item := made.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item


def batches(
    pool: Pool, plan: list[tuple[Stage, int]], seed: int, strength: augmentation.Augmentation
) -> Iterator[Batch]:
    """Make the batch of each planned step; it depends on seed, stage and step alone."""
    for stage, step in plan:
        rng = np.random.default_rng((seed, stage.size, step))
        yield training_batch(pool, stage.batch, stage.size, rng, strength)


def fit(
    trainer: Trainer,
    pool: Pool,
    stages: list[Stage],
    validate: Callable[[int], dict[str, float]],
    args: argparse.Namespace,
) -> None:
    """Train all steps that are left, validating and saving every `args.every` steps."""
    log = Log(args.out / "metrics.csv", anew=not args.resume)
    plan = list(remaining(stages, int(trainer.step)))
    made = ahead(batches(pool, plan, args.seed, augmentation.from_arguments(args)))
    losses: list[float] = []
    start = time.monotonic()
    for (stage, step), batch in zip(tqdm(plan, "steps", mininterval=10), made, strict=True):
        losses.append(trainer.train(batch, rate_at(stage, step)))
        if (step + 1) % args.every == 0 or step + 1 == stage.steps:
            trainer.save()
            log.add(
                step=int(trainer.step),
                stage=stage.name,
                size=stage.size,
                loss=round(float(np.mean(losses)), 4),
                seconds=round(time.monotonic() - start),
                **validate(stage.size),
            )
            losses.clear()


def stages_of(args: argparse.Namespace) -> list[Stage]:
    """Return the stages that the options ask for."""
    served = ARCHITECTURES[args.architecture].served_size
    return [
        Stage("learn", args.steps, args.size, args.batch, args.rate),
        Stage(
            "finish",
            args.finish_steps,
            args.finish_size or served,
            args.finish_batch,
            args.rate / 4,
        ),
    ]


def run(args: argparse.Namespace) -> None:
    """Train, calibrate, export."""
    args.out.mkdir(parents=True, exist_ok=True)
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    keras.utils.set_random_seed(args.seed)
    stages = stages_of(args)
    pool = make_pool(args.data, args.composites, args.cutouts, ("train",))
    validation = make_validation(args.data, args.composites, args.val_cells)
    trainer = Trainer(build(args.architecture, None if args.scratch else args.init), args.out)
    if args.resume:
        trainer.restore()
    fit(trainer, pool, stages, lambda size: _scores(trainer.model, validation, size), args)
    trainer.model.save(args.out / "model.keras")
    training_curves(args.out / "metrics.csv", args.out / "curves.svg")
    classifier_export.export(trainer.model, validation, stages[-1].size, args)


def _scores(model: keras.Model, validation: Validation, size: int) -> dict[str, float]:
    return {
        "val_auroc_black": round(validation.auroc(model, "black", size), 4),
        "val_auroc_crops": round(validation.auroc(model, "crops", size), 4),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training classifier`."""
    _add_places(parser.add_argument_group("places"))
    _add_training(parser.add_argument_group("training"))
    augmentation.add_arguments(parser)


def _add_places(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the image sets")
    group.add_argument(
        "--composites",
        type=Path,
        default=DEFAULT_COMPOSITES,
        help="folder with train/ and val/ made by `python -m training composites`",
    )
    group.add_argument("--cutouts", type=Path, default=DEFAULT_CACHE, help="cache of cut-out cells")
    group.add_argument("--init", type=Path, default=DEFAULT_INIT, help="backbone to start from")
    group.add_argument("--out", type=Path, default=PROJECT / "runs" / "classifier")
    group.add_argument(
        "--weights-out", type=Path, default=classifier_export.DEFAULT_WEIGHTS, help="served network"
    )


def _add_training(group: argparse._ArgumentGroup) -> None:
    numbers = {
        "steps": (1000, "steps of the first stage"),
        "size": (128, "image side in pixels of the first stage"),
        "batch": (32, "images a step of the first stage"),
        "finish-steps": (300, "steps of the second stage"),
        "finish-size": (0, "image side of the second stage and of serving; 0: the architecture's"),
        "finish-batch": (16, "images a step of the second stage"),
        "every": (100, "steps between validations and checkpoints"),
        "val-cells": (300, "cells of each class and view to validate and calibrate on"),
        "threads": (2, "processor threads"),
        "seed": (1, "seed of all that is drawn"),
    }
    for name, (value, meaning) in numbers.items():
        group.add_argument(f"--{name}", type=int, default=value, help=f"{meaning} (%(default)s)")
    group.add_argument("--rate", type=float, default=1e-3, help="learning rate (%(default)s)")
    group.add_argument("--architecture", choices=sorted(ARCHITECTURES), default="EfficientNetB3")
    group.add_argument("--scratch", action="store_true", help="start from random weights")
    group.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    group.add_argument("--version", default="", help="of the weights: today's date and -1")

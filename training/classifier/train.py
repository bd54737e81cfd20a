"""Train the classifier (EfficientNetB3) on cells on black and on cells cropped from composites.

Three rounds (data.ROUNDS), each without one normal subject and a group of those with blasts,
give three networks, each with strangers of its own. Stage 1 learns at a small image size, stage 2
finishes at the size that is served. When all rounds are trained, `export classifier` joins them to
the network for serving. Logs, curves and checkpoints go to --out/ROUND; `--resume` goes on from the
last checkpoints.
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

from training.charts import training_curves
from training.classifier import augmentation, export
from training.classifier.architectures import ARCHITECTURES, build
from training.classifier.data import Pool, make_pool, training_batch
from training.classifier.options import add_arguments, places_of, start_of
from training.classifier.validation import make_watched
from training.data import ROUNDS

_WARM_UP_STEPS = 100
_LAST_RATE = 0.02
_LABEL_SMOOTHING = 0.05
_BATCHES_AHEAD = 4

__all__ = ("add_arguments", "run")

Batch = tuple[np.ndarray, np.ndarray]


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
        loss = self._graph(tf.constant(images), tf.one_hot(classes, self.model.output_shape[-1]))
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
        if anew:
            path.unlink(missing_ok=True)

    def add(self, **values: object) -> None:
        """Append a row; the first one names the columns."""
        first = not self._path.exists()
        with self._path.open("a", newline="") as stream:
            writer = csv.DictWriter(stream, list(values))
            if first:
                writer.writeheader()
            writer.writerow(values)


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
    out: Path,
) -> None:
    """Train all steps that are left, validating and saving every `args.every` steps."""
    log = Log(out / "metrics.csv", anew=not args.resume)
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
    """Train the rounds that are asked for; export when all are trained."""
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    for held_out in args.rounds:
        train_round(args, held_out)
    if tuple(args.rounds) == ROUNDS:
        export.run(args)


def train_round(args: argparse.Namespace, held_out: str) -> keras.Model:
    """Train one network, to which the subjects of the group `held_out` remain strangers."""
    out = args.out / held_out
    out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(args.seed)
    places = places_of(args)
    watched = make_watched(places, held_out, args.watch_cells)
    trainer = Trainer(build(args.architecture, start_of(args)), out)
    if args.resume:
        trainer.restore()

    def watch(size: int) -> dict[str, float]:
        return {
            f"val_auroc_{v}": round(w.auroc(trainer.model, size), 4) for v, w in watched.items()
        }

    fit(trainer, make_pool(places, held_out, args.black_share), stages_of(args), watch, args, out)
    trainer.model.save(out / "model.keras")
    training_curves(out / "metrics.csv", out / "curves.svg")
    return trainer.model

"""Train the classifier (EfficientNetB3) on cells on black and on cells cropped from composites.

Three folds (`training.data.FOLDS`), each holding out one normal subject and a group of those with
blasts, give three networks. Stage 1 learns at a small image size, stage 2 finishes at the size that
--architecture is meant for. None is served: that network comes from `python -m training.cells`.
Logs, curves and checkpoints go to --out/FOLD; `--resume` goes on from the last checkpoints.
"""

from __future__ import annotations

import csv
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from training.charts import training_curves
from training.classifier.architectures import build
from training.classifier.augmentation import Augmentation
from training.classifier.data import Pool, make_pool, training_batch
from training.classifier.options import Options
from training.classifier.validation import make_watched

_WARM_UP_STEPS = 100
_LAST_RATE = 0.02
_LABEL_SMOOTHING = 0.05
_BATCHES_AHEAD = 4

__all__ = ("Options", "run")

Batch = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Stage:
    """A part of the training.

    Attributes:
        name: In the log.
        steps: How many.
        size: Side of the images in pixels.
        batch: Images of a step.
        rate: Highest learning rate.
    """

    name: str
    steps: int
    size: int
    batch: int
    rate: float


@dataclass(frozen=True)
class Course:
    """How a training runs, whatever it learns.

    Attributes:
        stages: Its parts, one after the other.
        every: Steps between validations and checkpoints.
        seed: Of all that is drawn.
        augmentation: How much images are varied.
        resume: Add to the log that is there.
    """

    stages: tuple[Stage, ...]
    every: int
    seed: int
    augmentation: Augmentation
    resume: bool = False


class Trainer:
    """Hold what a checkpoint holds: a network, its optimiser, and the step."""

    def __init__(self, model: keras.Model, out: Path) -> None:
        self.model = model
        self.optimizer = keras.optimizers.AdamW(1e-3, weight_decay=1e-4, clipnorm=1.0)
        self.optimizer.build(model.trainable_variables)
        self._rate: Any = self.optimizer.learning_rate  # a variable
        self._loss = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=_LABEL_SMOOTHING
        )
        self.step = tf.Variable(tf.constant(0, tf.int64))
        state = tf.train.Checkpoint(model=model, optimizer=self.optimizer, step=self.step)
        self._checkpoints = tf.train.CheckpointManager(state, str(out / "checkpoints"), 1)
        self._graph = tf.function(self._train, reduce_retracing=True)

    def restore(self) -> bool:
        """Load the last checkpoint; return False where there is none."""
        return self._checkpoints.restore_or_initialize() is not None

    def save(self) -> None:
        """Write a checkpoint; the one before goes when this one is complete."""
        self._checkpoints.save()

    def train(self, batch: Batch, rate: float) -> float:
        """Take one step at a learning rate; return the loss."""
        self._rate.assign(rate)
        images, classes = batch
        loss = self._graph(tf.constant(images), tf.one_hot(classes, self.model.output_shape[-1]))
        self.step.assign_add(1)
        return float(loss)

    def _train(self, images: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss: Any = self._loss(targets, self.model(images, training=True))
        variables = self.model.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss


class Log:
    """Write metrics.csv of a run, one row a validation."""

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
    """Return the learning rate of a step: a short rise, then a half cosine."""
    rise = min(1.0, (step + 1) / min(_WARM_UP_STEPS, max(1, stage.steps // 5)))
    fall = (1 + np.cos(np.pi * step / stage.steps)) / 2
    return stage.rate * rise * (_LAST_RATE + (1 - _LAST_RATE) * fall)


def remaining(stages: Sequence[Stage], done: int) -> Iterator[tuple[Stage, int]]:
    """Give each step that is still to do as its stage and its number in it."""
    for stage in stages:
        for step in range(min(done, stage.steps), stage.steps):
            yield stage, step
        done = max(0, done - stage.steps)


def ahead(make: Iterator[Batch]) -> Iterator[Batch]:
    """Make batches ahead of their use, in a thread; raise what that raises."""
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


def batches(pool: Pool, plan: list[tuple[Stage, int]], course: Course) -> Iterator[Batch]:
    """Make the batch of each planned step, by seed, stage and step alone."""
    for stage, step in plan:
        rng = np.random.default_rng((course.seed, stage.size, step))
        yield training_batch(pool, stage.batch, stage.size, rng, course.augmentation)


def fit(
    trainer: Trainer,
    pool: Pool,
    course: Course,
    validate: Callable[[int], dict[str, float]],
    out: Path,
) -> None:
    """Train all steps that are left.

    Args:
        trainer: The network, and how far it is.
        pool: What batches are drawn from.
        course: The steps.
        validate: Returns metrics for the log, at an image size.
        out: Folder of metrics.csv.
    """
    log = Log(out / "metrics.csv", anew=not course.resume)
    plan = list(remaining(course.stages, int(trainer.step)))
    made = ahead(batches(pool, plan, course))
    losses: list[float] = []
    start = time.monotonic()
    for (stage, step), batch in zip(tqdm(plan, "steps", mininterval=10), made, strict=True):
        losses.append(trainer.train(batch, rate_at(stage, step)))
        if (step + 1) % course.every == 0 or step + 1 == stage.steps:
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


def course_of(options: Options) -> Course:
    """Return the course of training that the options ask for."""
    finish = (options.finish_steps, options.served_size, options.finish_batch, options.rate / 4)
    return Course(
        (
            Stage("learn", options.steps, options.size, options.batch, options.rate),
            Stage("finish", *finish),
        ),
        options.every,
        options.seed,
        options.augmentation,
        options.resume,
    )


def run(options: Options) -> None:
    """Train the folds that are asked for."""
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    for held_out in options.folds:
        train_fold(options, held_out)


def train_fold(options: Options, held_out: str) -> keras.Model:
    """Train the network of one fold, of `FOLDS`."""
    out = options.out / held_out
    out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(options.seed)
    watched = make_watched(options.places, held_out, options.watch_cells)
    trainer = Trainer(build(options.architecture, options.start), out)
    if options.resume:
        trainer.restore()

    def watch(size: int) -> dict[str, float]:
        return {
            f"val_auroc_{v}": round(w.auroc(trainer.model, size), 4) for v, w in watched.items()
        }

    pool = make_pool(options.places, held_out, options.black_share)
    fit(trainer, pool, course_of(options), watch, out)
    trainer.model.save(out / "model.keras")
    training_curves(out / "metrics.csv", out / "curves.svg")
    return trainer.model

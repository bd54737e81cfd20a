"""Take the classifier's choices back one at a time, train again, and measure the difference.

Every variant is trained for all three folds under one small budget, and tested on the held-out
subjects of each. Each training is kept in --out when it is done, so that an interrupted ablation
goes on. With --record the table goes into docs/studies.md.
"""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from imaging.images import classifier_input
from models.classifier.cell_views import VIEWS
from training.classifier import options as classifier_options
from training.classifier.architectures import build
from training.classifier.data import (
    CellSource,
    Group,
    Pool,
    classifier_view,
    held_out_sources,
    make_pool,
)
from training.classifier.pretraining import pretrain
from training.classifier.train import Trainer, course_of, fit
from training.classifier.validation import limit_per_subject, predict
from training.commands import option
from training.data import FOLDS, PROJECT
from training.documents import replace_between
from training.studies.ablation_report import PREDICTIONS, ablation_table
from training.studies.compare import one_thread
from training.studies.reinhard import Reinhard

_REFERENCE_CELLS = 40
_KINDS = "kinds"
_LARGER_SIZE = 200
_NO_STAIN_JITTER = {"restain": 0.0, "grey": 0.0}


def _unchanged(pool: Pool) -> Pool:
    return pool


def _unbalanced(pool: Pool) -> Pool:
    """Draw every cell as often as any other of its class."""

    def even(classes: tuple[tuple[Group, ...], ...]) -> tuple[tuple[Group, ...], ...]:
        return tuple(
            tuple(replace(group, weight=len(group.cells)) for group in groups) for groups in classes
        )

    return replace(pool, crops=even(pool.crops), on_black=even(pool.on_black))


def _one_stain(pool: Pool) -> Pool:
    """Bring every image to the mean colours of some of the pool's cells."""
    cells = [cell for groups in pool.crops for group in groups for cell in group.cells]
    drawn = np.random.default_rng(0).integers(len(cells), size=_REFERENCE_CELLS)
    colours = Reinhard.learn(classifier_view(cells[number])[..., ::-1] for number in drawn)
    return replace(pool, prepare=colours)


@dataclass(frozen=True)
class Variant:
    """What a variant changes.

    Attributes:
        meaning: For the table.
        options: Of the training.
        augmentation: Of its augmentation.
        finish_share: Share of the steps that is added at 200 px.
        change: Of the training cells.
    """

    meaning: str
    options: Mapping[str, Any] = field(default_factory=dict)
    augmentation: Mapping[str, float] = field(default_factory=dict)
    finish_share: float = 0.0
    change: Callable[[Pool], Pool] = _unchanged


VARIANTS = {
    "chosen": Variant("as chosen"),
    "black": Variant("no composites: cells on black alone", {"black_share": 1.0}),
    "crops": Variant("composites alone, no cells on black", {"black_share": 0.0}),
    "stain": Variant("no stain jitter, no grey images", augmentation=_NO_STAIN_JITTER),
    "reinhard": Variant(
        "Reinhard's colours in place of stain jitter",
        augmentation=_NO_STAIN_JITTER,
        change=_one_stain,
    ),
    "size": Variant("size hidden: zoom by up to 1.4", augmentation={"zoom": 0.35}),
    _KINDS: Variant("first trained on the kinds of PBC", {"scratch": False}),
    "scratch": Variant("from random weights", {"scratch": True}),
    "larger": Variant("a third of the steps more, at 200 px", finish_share=1 / 3),
    "balance": Variant("subjects not balanced", change=_unbalanced),
    "light": Variant(
        "no change of light, focus, compression", augmentation={"vary": 0.0, "compress": 0.0}
    ),
}


@dataclass(frozen=True)
class Options(classifier_options.Options):
    """Options of `python -m training ablation`; the classifier's are "as chosen"."""

    out: Path = option(PROJECT / "runs" / "ablation", "folder of the trainings")
    steps: int = option(60, "steps of each training")
    finish_steps: int = option(0, "steps of a second stage")
    threads: int = option(1, "processor threads")
    only: tuple[str, ...] = option(tuple(VARIANTS), "(all)", choices=lambda: VARIANTS)
    workers: int = option(2, "trainings at a time")
    test_cells: int = option(60, "held-out cells of each subject and view")
    record: bool = option(False, "write the table into docs")


def run(options: Options) -> None:
    """Train what is not trained yet, then print the table."""
    context = multiprocessing.get_context("spawn")
    # A process for each training: TensorFlow gives no memory back.
    with ProcessPoolExecutor(options.workers, context, one_thread, max_tasks_per_child=1) as pool:
        if _KINDS in options.only:
            pool.submit(pretrain, options, options.out / "pbc").result()
        jobs = [(name, held_out) for name in options.only for held_out in FOLDS]
        for done in [pool.submit(train, *job, options) for job in jobs]:
            done.result()
    heading = (
        f"`python -m training ablation`: {options.steps} steps of {options.batch} images of "
        f"{options.size} px, AUROC on held-out subjects"
    )
    meanings = {name: VARIANTS[name].meaning for name in options.only}
    text = f"{heading}:\n\n{ablation_table(meanings, options.out)}"
    print(text)
    if options.record:
        replace_between(PROJECT / "docs" / "studies.md", "ablation", text)


def options_of(name: str, options: Options) -> Options:
    """Return the training's options for a variant."""
    variant = VARIANTS[name]
    steps = round(options.steps * variant.finish_share)
    own = {"init": options.out / "pbc" / "backbone.weights.h5"} if name == _KINDS else {}
    return replace(
        options,
        **variant.options,
        **own,
        augmentation=replace(options.augmentation, **variant.augmentation),
        finish_steps=steps,
        finish_size=_LARGER_SIZE if steps else options.size,
    )


def train(name: str, held_out: str, options: Options) -> None:
    """Train and test one variant of one fold, unless that is done; keep its predictions."""
    out = options.out / name / held_out
    if all((out / PREDICTIONS.format(view)).exists() for view in VIEWS):
        return
    out.mkdir(parents=True, exist_ok=True)
    own = options_of(name, options)
    keras.utils.set_random_seed(own.seed)
    pool = VARIANTS[name].change(make_pool(own.places, held_out, own.black_share))
    trainer = Trainer(build(own.architecture, own.start), out)
    course = course_of(replace(own, resume=trainer.restore()))
    fit(trainer, pool, course, lambda size: {}, out)
    size = max(stage.size for stage in course.stages if stage.steps)
    for view, sources in held_out_sources(own.places, held_out).items():
        tested = limit_per_subject(sources, own.test_cells)
        _keep(trainer.model, tested, pool, size, out / PREDICTIONS.format(view))
    # Weights of networks that are never served, by far the most of what a training leaves.
    shutil.rmtree(out / "checkpoints")


def _keep(model: keras.Model, sources: list[CellSource], pool: Pool, size: int, path: Path) -> None:
    views = [np.ascontiguousarray(classifier_view(source)[..., ::-1]) for source in sources]
    prepared = [np.ascontiguousarray(pool.prepare(bgr)[..., ::-1]) for bgr in views]
    np.savez(
        path,
        logits=predict(model, [classifier_input(rgb, size) for rgb in prepared]),
        blasts=np.array([bool(source.blast) for source in sources]),
        kinds=np.array([source.kind for source in sources]),
        subjects=np.array([source.subject or source.path.name for source in sources]),
    )

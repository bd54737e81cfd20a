"""Take the classifier's choices back one at a time, train again, and see what each one bought.

Every variant is trained for all three rounds under one small budget, and read on the strangers of
each. Each training is kept in --out when it is done, so that an interrupted ablation goes on. With
--record the table goes into docs/studies.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import keras
import numpy as np

from imaging.images import classifier_input
from models.classifier.cell_views import VIEWS
from training.classifier import options
from training.classifier.architectures import build
from training.classifier.data import CellSource, Group, Pool, make_pool, shown, strangers
from training.classifier.options import places_of, start_of
from training.classifier.predictions import at_most
from training.classifier.pretraining import pretrain
from training.classifier.train import Trainer, fit, stages_of
from training.classifier.validation import answers
from training.data import PROJECT, ROUNDS
from training.studies.ablation_report import READINGS, report
from training.studies.compare import one_thread
from training.studies.reinhard import Reinhard

_REFERENCE_CELLS = 40
_KINDS = "kinds"


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
    colours = Reinhard.learn(shown(cells[number])[..., ::-1] for number in drawn)
    return replace(pool, prepare=colours)


@dataclass(frozen=True)
class Variant:
    """What is done otherwise: a sentence for the table, options of the training, the pool."""

    meaning: str
    options: Mapping[str, object] = field(default_factory=dict)
    change: Callable[[Pool], Pool] = _unchanged


VARIANTS = {
    "chosen": Variant("as chosen"),
    "black": Variant("no composites: cells on black alone", {"black_share": 1.0}),
    "crops": Variant("composites alone, no cells on black", {"black_share": 0.0}),
    "stain": Variant("no stain jitter, no grey images", {"restain": 0.0, "grey": 0.0}),
    "reinhard": Variant(
        "Reinhard's colours in place of stain jitter", {"restain": 0.0, "grey": 0.0}, _one_stain
    ),
    "size": Variant("size hidden: zoom by up to 1.4", {"zoom": 0.35}),
    _KINDS: Variant("first trained on the kinds of PBC", {"scratch": False}),
    "scratch": Variant("from random weights", {"scratch": True}),
    "larger": Variant(
        "a third of the steps more, at 200 px", {"finish_share": 1 / 3, "finish_size": 200}
    ),
    "balance": Variant("subjects not balanced", {}, _unbalanced),
    "light": Variant("no change of light, focus, compression", {"vary": 0.0, "compress": 0.0}),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training ablation`: those of the classifier, and its own.

    The classifier's options say what "as chosen" is.
    """
    options.add_arguments(parser)
    group = parser.add_argument_group("ablation")
    group.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS), help="(all)")
    group.add_argument("--workers", type=int, default=2, help="trainings at a time (%(default)s)")
    group.add_argument(
        "--test-cells", type=int, default=60, help="strangers of a subject and view (%(default)s)"
    )
    group.add_argument("--record", action="store_true", help="write the table into docs")
    parser.set_defaults(
        out=PROJECT / "runs" / "ablation", steps=60, finish_share=0.0, finish_steps=0, threads=1
    )


def run(args: argparse.Namespace) -> None:
    """Train what is not trained yet, then print the table."""
    context = multiprocessing.get_context("spawn")
    # A process for each training: TensorFlow gives no memory back.
    with ProcessPoolExecutor(args.workers, context, one_thread, max_tasks_per_child=1) as pool:
        if _KINDS in args.only:
            pool.submit(pretrain, args, args.out / "pbc").result()
        jobs = [(name, held_out) for name in args.only for held_out in ROUNDS]
        for done in [pool.submit(train, *job, args) for job in jobs]:
            done.result()
    report({name: VARIANTS[name].meaning for name in args.only}, args)


def options_of(name: str, args: argparse.Namespace) -> argparse.Namespace:
    """Return the training's options for a variant."""
    options = argparse.Namespace(**{**vars(args), **VARIANTS[name].options})
    options.finish_steps = round(args.steps * options.finish_share)
    options.finish_size = options.finish_size if options.finish_steps else options.size
    if name == _KINDS:
        options.init = args.out / "pbc" / "backbone.weights.h5"
    return options


def train(name: str, held_out: str, args: argparse.Namespace) -> None:
    """Train and read one variant of one round, unless that is done; its answers are kept."""
    out = args.out / name / held_out
    if all((out / READINGS.format(view)).exists() for view in VIEWS):
        return
    out.mkdir(parents=True, exist_ok=True)
    options = options_of(name, args)
    keras.utils.set_random_seed(options.seed)
    places = places_of(options)
    pool = VARIANTS[name].change(make_pool(places, held_out, options.black_share))
    trainer = Trainer(build(options.architecture, start_of(options)), out)
    options.resume = trainer.restore()
    stages = stages_of(options)
    fit(trainer, pool, stages, lambda size: {}, options, out)
    size = max(stage.size for stage in stages if stage.steps)
    for view, sources in strangers(places, held_out).items():
        _keep(
            trainer.model,
            at_most(sources, args.test_cells),
            pool,
            size,
            out / READINGS.format(view),
        )
    # Weights of networks that serve nobody, by far the most of what a training leaves.
    shutil.rmtree(out / "checkpoints")


def _keep(model: keras.Model, sources: list[CellSource], pool: Pool, size: int, path: Path) -> None:
    prepared = [np.ascontiguousarray(shown(s)[..., ::-1]) for s in sources]
    rgb = [cv2.cvtColor(pool.prepare(bgr), cv2.COLOR_BGR2RGB) for bgr in prepared]
    np.savez(
        path,
        logits=answers(model, [classifier_input(image, size) for image in rgb]),
        blasts=np.array([bool(source.blast) for source in sources]),
        kinds=np.array([source.kind for source in sources]),
        subjects=np.array([source.subject or source.path.name for source in sources]),
    )

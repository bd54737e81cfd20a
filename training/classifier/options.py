"""Options of the classifier's training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.classifier.architectures import ARCHITECTURES
from training.classifier.augmentation import Augmentation
from training.classifier.data import Places
from training.commands import group, option
from training.data import FOLDS, PROJECT

DEFAULT_INIT = PROJECT.parent / "shared" / "init" / "efficientnetb3_notop.weights.h5"


@dataclass(frozen=True)
class Options:
    """Options of `python -m training classifier`."""

    places: Places = group(Places(), "folders")
    init: Path = option(DEFAULT_INIT, "backbone to start from")
    out: Path = option(PROJECT / "runs" / "classifier", "folder of the run")
    steps: int = option(1000, "steps of the first stage")
    size: int = option(128, "image side in pixels of the first stage")
    batch: int = option(32, "images a step of the first stage")
    finish_steps: int = option(300, "steps of the second stage")
    finish_size: int = option(0, "image side of the second stage; 0: as the architecture's")
    finish_batch: int = option(16, "images a step of the second stage")
    every: int = option(100, "steps between validations and checkpoints")
    watch_cells: int = option(100, "held-out cells of each class and view to watch")
    threads: int = option(2, "processor threads")
    seed: int = option(1, "seed of all that is drawn")
    folds: tuple[str, ...] = option(FOLDS, "(all)", choices=lambda: FOLDS)
    black_share: float = option(0.5, "share of cells on black")
    rate: float = option(1e-3, "learning rate")
    architecture: str = option("EfficientNetB3", choices=lambda: ARCHITECTURES)
    scratch: bool = option(False, "start from random weights")
    resume: bool = option(False, "go on from the last checkpoint")
    augmentation: Augmentation = group(Augmentation(), "augmentation (0 switches one off)")

    @property
    def start(self) -> Path | None:
        """Return the backbone's weights to start from, None for random ones."""
        return None if self.scratch else self.init

    @property
    def served_size(self) -> int:
        """Return the image side in pixels of the second stage."""
        return self.finish_size or ARCHITECTURES[self.architecture].served_size

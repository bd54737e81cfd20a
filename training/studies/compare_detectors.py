"""Train YOLOv5 and YOLOv8 under one budget, as served, and compare them.

Both see the same images in the same steps, from COCO weights, and are measured as they would be
served: on TXL-PBC's test fields and on composites of held-out subjects. The larger ones of the
paper (YOLOv5x6, YOLOv8s and m) are built and trained for one short epoch of small images, which
proves that they run and says what they cost. What is trained is kept in --out, so that an
interrupted comparison goes on. With --record the tables go into docs/studies.md and the bars
into docs/charts.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training.commands import option
from training.data import PROJECT
from training.detector import export
from training.detector import train as detector_training
from training.detector.calibration import load_uncalibrated
from training.detector.data import prepare
from training.detector.evaluation import read_fields
from training.detector.ground_truth import for_evaluation, txl_ground_truth
from training.documents import replace_between
from training.studies.compare_detectors_report import (
    SECONDS,
    comparison_table,
    cost_table,
    draw,
    frame_times,
    rows_of,
)
from training.synthesis.composites import DEFAULT_CACHE, Folders, held_out_composites

_INIT = PROJECT.parent / "shared" / "init"
_PROOF: dict[str, Any] = {"epochs": 1, "batch": 4, "imgsz": 128}
_PROOF_SHARE = 0.01


@dataclass(frozen=True)
class Candidate:
    """A detector to compare.

    Attributes:
        start: Weights to start from, or ultralytics' name of it where there are none.
        served: Whether it is trained and measured, or only proven to run.
    """

    start: Path
    served: bool = True


CANDIDATES = {
    "YOLOv5n": Candidate(_INIT / "yolov5n_coco_backbone.pt"),
    "YOLOv8n": Candidate(_INIT / "yolov8n_coco.pt"),
    "YOLOv8s": Candidate(Path("yolov8s.yaml"), served=False),
    "YOLOv8m": Candidate(Path("yolov8m.yaml"), served=False),
    "YOLOv5x6": Candidate(Path("yolov5x-p6.yaml"), served=False),
}


@dataclass(frozen=True)
class Budget(detector_training.Options):
    """Options of any comparison of trainings: of how many images, and how measured."""

    epochs: int = option(1)
    composites_used: int = option(3000, "composites an epoch")
    cutouts: Path = option(DEFAULT_CACHE, "cache of cut-out cells")
    samples: int = option(200, "bootstrap samples")
    record: bool = option(False, "write the results into docs")

    @property
    def folders(self) -> Folders:
        """Return where held-out composites are, and what they are made of."""
        return Folders(self.data, self.composites, self.cutouts)


@dataclass(frozen=True)
class Options(Budget):
    """Options of `python -m training compare-detectors`, those of training too."""

    out: Path = option(PROJECT / "runs" / "compare-detectors", "folder of the trainings")
    only: tuple[str, ...] = option(tuple(CANDIDATES), "(all)", choices=lambda: CANDIDATES)


def run(options: Options) -> None:
    """Train what is not trained yet, then measure, print and draw the comparison."""
    for name in options.only:
        train(name, options)
    fields = {
        "txl": txl_ground_truth(options.data, "test"),
        "composites": for_evaluation(held_out_composites(options.folders)),
    }
    served = [name for name in options.only if CANDIDATES[name].served]
    proven = [name for name in options.only if not CANDIDATES[name].served]
    detectors = {name: load_uncalibrated(options.out / name / "served") for name in served}
    rows = [
        row
        for name, detector in detectors.items()
        for which, truth in fields.items()
        for row in rows_of(name, which, read_fields(detector, truth), options.samples)
    ]
    costs = cost_table([*served, *proven], options.out, frame_times(detectors))
    text = "\n\n".join((heading("compare-detectors", options), comparison_table(rows), costs))
    print(text)
    docs = PROJECT / "docs"
    draw(rows, (docs / "charts" if options.record else options.out) / "compare-detectors.svg")
    if options.record:
        replace_between(docs / "studies.md", "compare-detectors", text)


def heading(command: str, options: Budget) -> str:
    """Return a command and the budget of each of its trainings, as a heading."""
    return (
        f"`python -m training {command}`: {options.epochs} × ({options.composites_used} "
        f"composites and TXL-PBC's train fields twice), {options.imgsz} px:"
    )


def train(name: str, options: Options) -> None:
    """Train one candidate, unless that is done; keep its weights for serving."""
    own = options_of(name, options)
    if CANDIDATES[name].served:
        train_once(own, version=f"{name} compared")
    else:
        train_once(own, fraction=_PROOF_SHARE)


def train_once(options: Budget, *, version: str | None = None, fraction: float = 1.0) -> None:
    """Train a detector, unless its folder holds that training already.

    Args:
        options: Of the training; `out` is its folder.
        version: Of the network for serving, kept below that folder; none is written without.
        fraction: Share of the images of an epoch that is trained on, 0..1.
    """
    out = options.out
    if (out / SECONDS).exists():
        return
    recipe = prepare(options.data, options.composites, out / "dataset", options.composites_used)
    overrides = {**detector_training.overrides(options, recipe), "fraction": fraction}
    trainer = detector_training.CpuTrainer(overrides=overrides)
    trainer.threads, trainer.bf16 = options.threads, options.bf16
    begin = time.monotonic()
    trainer.train()
    seconds = time.monotonic() - begin
    if version is not None:
        export.export(out, out / "served", version=version)
    # Written last: it says that all is there.
    (out / SECONDS).write_text(f"{seconds:.0f}\n")


def options_of(name: str, options: Options) -> Options:
    """Return a candidate's options; a short epoch where it is not served."""
    candidate = CANDIDATES[name]
    proof = {} if candidate.served else _PROOF
    return replace(options, **proof, init=candidate.start, out=options.out / name, resume=False)

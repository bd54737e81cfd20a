"""Train YOLOv5 and YOLOv8 under one budget, as served, and compare them.

Both see the same images in the same steps, from COCO weights, and are measured as they would be
served: on TXL-PBC's test fields and on composites of held-out subjects. The larger ones of the
paper (YOLOv5x6, YOLOv8s and m) are built and trained for one short epoch of small images, which
proves that they run and says what they cost. What is trained is kept in --out, so that an
interrupted comparison goes on. With --record the tables go into docs/studies.md and the bars
into docs/charts.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

from training.data import PROJECT
from training.detector import export
from training.detector import train as detector_training
from training.detector.data import prepare
from training.studies.compare_detectors_report import SECONDS, report
from training.synthesis.composites import DEFAULT_CACHE, held_out_composites

_INIT = PROJECT.parent / "shared" / "init"
_PROOF = {"epochs": 1, "batch": 4, "imgsz": 128}
_PROOF_SHARE = 0.01


@dataclass(frozen=True)
class Contestant:
    """A detector: the weights it starts from, or ultralytics' name of it where there are none."""

    start: Path
    served: bool = True


CONTESTANTS = {
    "YOLOv5n": Contestant(_INIT / "yolov5n_coco_backbone.pt"),
    "YOLOv8n": Contestant(_INIT / "yolov8n_coco.pt"),
    "YOLOv8s": Contestant(Path("yolov8s.yaml"), served=False),
    "YOLOv8m": Contestant(Path("yolov8m.yaml"), served=False),
    "YOLOv5x6": Contestant(Path("yolov5x-p6.yaml"), served=False),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training compare-detectors`, those of training too."""
    detector_training.add_arguments(parser)
    group = parser.add_argument_group("comparison")
    names = list(CONTESTANTS)
    add_budget(group, names, composites_used=3000)
    parser.set_defaults(out=PROJECT / "runs" / "compare-detectors", epochs=1)


def add_budget(group: argparse._ArgumentGroup, names: list[str], composites_used: int) -> None:
    """Declare what any comparison of trainings asks: which, of how many images, how measured."""
    group.add_argument("--only", nargs="+", choices=names, default=names, help="(all)")
    group.add_argument(
        "--composites-used",
        type=int,
        default=composites_used,
        help="composites an epoch (%(default)s)",
    )
    group.add_argument("--cutouts", type=Path, default=DEFAULT_CACHE)
    group.add_argument("--rounds", type=int, default=200, help="bootstrap samples (%(default)s)")
    group.add_argument("--record", action="store_true", help="write what is found into docs")


def run(args: argparse.Namespace) -> None:
    """Train what is not trained yet, then measure, print and draw the comparison."""
    for name in args.only:
        train(name, args)
    held_out = held_out_composites(args.data, args.composites, args.cutouts)
    served = [name for name in args.only if CONTESTANTS[name].served]
    proven = [name for name in args.only if not CONTESTANTS[name].served]
    report(served, proven, held_out, args)


def train(name: str, args: argparse.Namespace) -> None:
    """Train one contestant, unless that is done; its weights for serving are kept."""
    served = CONTESTANTS[name].served
    options = options_of(name, args)
    if served:
        train_once(options, version=f"{name} compared")
    else:
        train_once(options, fraction=_PROOF_SHARE)


def train_once(
    options: argparse.Namespace, *, version: str | None = None, fraction: float = 1.0
) -> None:
    """Train with a detector's options, unless `options.out` holds that training already.

    With a `version` the network for serving is kept below it. `fraction` (0..1) of the images of
    an epoch are trained on.
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


def options_of(name: str, args: argparse.Namespace) -> argparse.Namespace:
    """Return the detector's options for a contestant; a short epoch where it is not served."""
    proof = {} if CONTESTANTS[name].served else _PROOF
    own = {"init": CONTESTANTS[name].start, "out": args.out / name, "resume": False}
    return argparse.Namespace(**{**vars(args), **proof, **own})

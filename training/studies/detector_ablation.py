"""Leave one element of the composites out, or halve the images, and see what the detector loses.

Every variant is trained from the same weights for as many images, on composites made for it, and
read on TXL-PBC's test fields and on held-out composites that have every element. What is made and
trained is kept in --out, so that an interrupted ablation goes on. With --record the table goes into
docs/studies.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.detector.detector import Detector
from training.data import PROJECT, Split
from training.detector import train as detector_training
from training.detector.evaluation import LOW_ZOOM, Measure, Reading, ap, read_fields
from training.detector.ground_truth import Field, evaluated, txl_ground_truth
from training.documents import replace_between, table
from training.metrics.estimates import told, with_interval
from training.studies.compare_detectors import add_budget, train_once
from training.studies.compare_detectors_report import heading
from training.synthesis.composites import COUNTS, DEFAULT_SEED, held_out_composites, make_composites
from training.synthesis.elements import ELEMENTS, EVERYTHING

Readings = Sequence[Reading]


@dataclass(frozen=True)
class Variant:
    """What is done otherwise: words for the table, elements left out, the share of `--imgsz`."""

    meaning: str
    without: tuple[str, ...] = ()
    size: float = 1.0


def _left_out(*names: str) -> Variant:
    return Variant("without " + "; ".join(ELEMENTS[name] for name in names), names)


VARIANTS = {
    "chosen": Variant("all elements"),
    "shared-stain": _left_out("shared_stain"),
    "clusters": _left_out("clusters", "crowds"),
    "rim": _left_out("rim"),
    "smudges": _left_out("smudges"),
    "scale-range": _left_out("scale_range"),
    "camera": _left_out("light", "defocus", "jpeg"),
    "image-size": Variant("images of five eighths of the size", size=5 / 8),
}

COLUMNS: dict[str, tuple[str, Measure]] = {
    "blasts: AP50": ("composites", ap("blast")),
    "other white cells: AP50": ("composites", ap("wbc")),
    "any white cell: AP50": ("composites", ap("white")),
    "TXL-PBC mAP50": ("txl", ap("white", "rbc", "platelet")),
    f"TXL-PBC at {LOW_ZOOM}, white cells: AP50": ("small", ap("white")),
}
"""What is measured, by the title of its column: on which images, and how."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training ablate-detector`, those of training too."""
    detector_training.add_arguments(parser)
    group = parser.add_argument_group("ablation")
    add_budget(group, list(VARIANTS), composites_used=1200)
    group.add_argument("--workers", type=int, default=2, help="processes that paint (%(default)s)")
    parser.set_defaults(out=PROJECT / "runs" / "ablate-detector", epochs=1)


def run(args: argparse.Namespace) -> None:
    """Train what is not trained yet, then measure all and print the table."""
    for name in args.only:
        train(name, args)
    held_out = evaluated(held_out_composites(args.data, args.composites, args.cutouts))
    txl = txl_ground_truth(args.data, "test")
    lines = [
        (VARIANTS[name].meaning, *line(args.out / name / "served", held_out, txl, args.rounds))
        for name in args.only
    ]
    text = f"{heading('ablate-detector', args)}\n\n{table(('composites', *COLUMNS), lines)}"
    print(text)
    if args.record:
        replace_between(PROJECT / "docs" / "studies.md", "ablate-detector", text)


def train(name: str, args: argparse.Namespace) -> None:
    """Make a variant's composites and train on them, unless that is done."""
    options = options_of(name, args)
    if VARIANTS[name].without:
        for split, count in _counts(args).items():
            _compose(name, split, count, options)
    train_once(options, version=f"{name} of the ablation")


def options_of(name: str, args: argparse.Namespace) -> argparse.Namespace:
    """Return the detector's options for a variant: its composites, its size, its folder."""
    variant, out = VARIANTS[name], args.out / name
    composites = out / "composites" if variant.without else args.composites
    # A network's input is a multiple of 32 pixels.
    side = 32 * round(args.imgsz * variant.size / 32)
    own = {"composites": composites, "imgsz": side, "out": out, "resume": False}
    return argparse.Namespace(**{**vars(args), **own})


def line(served: Path, held_out: Sequence[Field], txl: Sequence[Field], rounds: int) -> list[str]:
    """Return a variant's row: `COLUMNS` of the network in `served`, with intervals."""
    network = Detector.load(served)
    readings: dict[str, Readings] = {
        "composites": read_fields(network, held_out),
        "txl": read_fields(network, txl),
        "small": read_fields(network, txl, LOW_ZOOM),
    }
    return [
        told(with_interval(measure, readings[which], rounds)) for which, measure in COLUMNS.values()
    ]


def _counts(args: argparse.Namespace) -> dict[Split, int]:
    return {"train": args.composites_used, "val": min(COUNTS["val"], args.composites_used // 10)}


def _compose(name: str, split: Split, count: int, options: argparse.Namespace) -> None:
    realism = EVERYTHING.without(VARIANTS[name].without)
    places = (options.data, options.composites, options.cutouts)
    make_composites(*places, split, count, DEFAULT_SEED, options.workers, realism)

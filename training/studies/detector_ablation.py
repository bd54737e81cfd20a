"""Leave one element of the composites out, or shrink the images, and measure the loss.

Every variant is trained from the same weights for as many images, on composites made for it, and
tested on TXL-PBC's test fields and on held-out composites that have every element. What is made and
trained is kept in --out, so that an interrupted ablation goes on. With --record the table goes into
docs/studies.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from training.commands import option
from training.data import PROJECT, Split
from training.detector.calibration import load_uncalibrated
from training.detector.evaluation import LOW_ZOOM, Measure, Reading, ap, read_fields
from training.detector.ground_truth import Field, for_evaluation, txl_ground_truth
from training.documents import replace_between, table
from training.metrics.estimates import bootstrap, format_estimate
from training.studies.compare_detectors import Budget, heading, train_once
from training.synthesis.composites import COUNTS, DEFAULT_SEED, held_out_composites, make_composites
from training.synthesis.elements import ALL_ELEMENTS, ELEMENTS

Readings = Sequence[Reading]


@dataclass(frozen=True)
class Variant:
    """What a variant changes.

    Attributes:
        meaning: For the table.
        without: Elements left out.
        size: Factor of `--imgsz`.
    """

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
"""Which images are measured, and how, by the title of the column."""


@dataclass(frozen=True)
class Options(Budget):
    """Options of `python -m training ablate-detector`, those of training too."""

    out: Path = option(PROJECT / "runs" / "ablate-detector", "folder of the trainings")
    composites_used: int = option(1200, "composites an epoch")
    only: tuple[str, ...] = option(tuple(VARIANTS), "(all)", choices=lambda: VARIANTS)
    workers: int = option(2, "processes that make composites")


def run(options: Options) -> None:
    """Train what is not trained yet, then measure all and print the table."""
    for name in options.only:
        train(name, options)
    held_out = for_evaluation(held_out_composites(options.folders))
    txl = txl_ground_truth(options.data, "test")
    lines = [
        (
            VARIANTS[name].meaning,
            *line(options.out / name / "served", held_out, txl, options.samples),
        )
        for name in options.only
    ]
    text = f"{heading('ablate-detector', options)}\n\n{table(('composites', *COLUMNS), lines)}"
    print(text)
    if options.record:
        replace_between(PROJECT / "docs" / "studies.md", "ablate-detector", text)


def train(name: str, options: Options) -> None:
    """Make a variant's composites and train on them, unless that is done."""
    own = options_of(name, options)
    if VARIANTS[name].without:
        for split, count in _counts(options).items():
            _compose(name, split, count, own)
    train_once(own, version=f"{name} of the ablation")


def options_of(name: str, options: Options) -> Options:
    """Return a variant's options: its composites, its size, its folder."""
    variant, out = VARIANTS[name], options.out / name
    return replace(
        options,
        composites=out / "composites" if variant.without else options.composites,
        # A network's input is a multiple of 32 pixels.
        imgsz=32 * round(options.imgsz * variant.size / 32),
        out=out,
        resume=False,
    )


def line(served: Path, held_out: Sequence[Field], txl: Sequence[Field], samples: int) -> list[str]:
    """Return a variant's row: `COLUMNS` of the network in `served`, with intervals."""
    network = load_uncalibrated(served)
    readings: dict[str, Readings] = {
        "composites": read_fields(network, held_out),
        "txl": read_fields(network, txl),
        "small": read_fields(network, txl, LOW_ZOOM),
    }
    return [
        format_estimate(bootstrap(measure, readings[which], samples))
        for which, measure in COLUMNS.values()
    ]


def _counts(options: Options) -> dict[Split, int]:
    used = options.composites_used
    return {"train": used, "val": min(COUNTS["val"], used // 10)}


def _compose(name: str, split: Split, count: int, options: Options) -> None:
    elements = ALL_ELEMENTS.without(VARIANTS[name].without)
    places = (options.data, options.composites, options.cutouts)
    make_composites(*places, split, count, DEFAULT_SEED, options.workers, elements)

"""Measure the served detector on images never trained on.

TXL-PBC's test fields are real, but hold no blast. Composites of the test split have blasts, of
subjects whose cells were never trained on, but pasted; they are made if they are not there.
Intervals are 95%, by bootstrap over images. With --record the figures also go into
docs/validation.md, into the model card and manifest of the weights, and the charts beside them.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from core.geometry import iou
from imaging.images import RgbImage, read_image, resize
from models.detector.detector import Detector
from models.findings import Detection
from training import charts
from training.data import DEFAULT_DATA, PROJECT
from training.detector.calibration import LOWEST_CONFIDENCE, blast_curve, held_against
from training.detector.export import DEFAULT_WEIGHTS
from training.detector.ground_truth import Field, TrueCell, evaluated, txl_ground_truth
from training.documents import record
from training.metrics.average_precision import (
    Matches,
    average_precision,
    match,
    precision_and_recall,
)
from training.metrics.estimates import Figure, Sets, as_plain, as_tables, share, with_interval
from training.synthesis.composites import DEFAULT_CACHE, held_out_composites
from training.synthesis.composites import DEFAULT_OUT as DEFAULT_COMPOSITES

LOW_ZOOM = 0.3
"""How much smaller red cells are in a camera's whole field (24 to 43 px) than in TXL-PBC's fields,
which are cut close about a white cell."""

# What a class is called on both sides: detections and true cells that count as it.
_GROUPS = {
    "white": ("blast", "wbc"),
    **{label: (label,) for label in ("blast", "wbc", "rbc", "platelet")},
}


@dataclass(frozen=True)
class Reading:
    """What the detector made of one field: boxes matched by group, all and those counted as served,
    (part, whole) counts by name; all boxes and the true cells.
    """

    matches: dict[str, Matches]
    served: dict[str, Matches]
    counts: dict[str, tuple[int, int]]
    found: tuple[Detection, ...] = ()
    ground_truth: tuple[TrueCell, ...] = ()


Measure = Callable[[Sequence[Reading]], float]


def shrunk(
    rgb: RgbImage, ground_truth: list[TrueCell], scale: float
) -> tuple[RgbImage, list[TrueCell]]:
    """Return a field and its cells at `scale` (0..1) of their size."""
    height, width = rgb.shape[:2]
    small = resize(rgb, round(width * scale), round(height * scale))
    moved = [replace(cell, box=tuple(edge * scale for edge in cell.box)) for cell in ground_truth]
    return small, moved


def read_field(detector: Detector, rgb: RgbImage, ground_truth: list[TrueCell]) -> Reading:
    """Run the served detector on one field and judge what it finds."""
    raw = detector.raw_predictions(rgb, LOWEST_CONFIDENCE)
    found = detector.findings(raw, LOWEST_CONFIDENCE).detections
    shown = detector.findings(raw).detections
    labels = np.array([cell.label for cell in shown])
    return Reading(
        matches=_match(found, ground_truth),
        served=_match(shown, ground_truth),
        counts=_counts(_boxes(cell.box for cell in shown), labels, ground_truth),
        found=found,
        ground_truth=tuple(ground_truth),
    )


def _match(found: Sequence[Detection], ground_truth: list[TrueCell]) -> dict[str, Matches]:
    matches = {}
    for name, labels in _GROUPS.items():
        ours = [cell for cell in found if cell.label in labels]
        matches[name] = match(
            _boxes(cell.box for cell in ours),
            np.array([cell.confidence for cell in ours]),
            _boxes(truth.box for truth in ground_truth if truth.label in labels),
        )
    return matches


def _counts(
    boxes: np.ndarray, labels: np.ndarray, ground_truth: list[TrueCell]
) -> dict[str, tuple[int, int]]:
    """Count, at the operating point, what precision and recall do not tell."""
    called = [_called(boxes, labels, truth) for truth in ground_truth]
    blasts = [n for n, truth in enumerate(ground_truth) if truth.label == "blast"]
    normal = [n for n, truth in enumerate(ground_truth) if truth.label == "wbc"]
    groups = {
        "isolated blasts": [n for n in blasts if not ground_truth[n].clustered],
        "clustered blasts": [n for n in blasts if ground_truth[n].clustered],
        "hem": [n for n in normal if ground_truth[n].kind == "hem"],
        "other normal": [n for n in normal if ground_truth[n].kind != "hem"],
    }
    counts = {
        name: (sum(called[n] == "blast" for n in chosen), len(chosen))
        for name, chosen in groups.items()
    }
    false_blasts = (0, 0) if blasts else (int((labels == "blast").sum()), 1)
    return {**counts, "blast-free fields": false_blasts}


def _called(boxes: np.ndarray, labels: np.ndarray, truth: TrueCell) -> str | None:
    """Return the label of the box that overlaps a true cell most, None if none does by half."""
    overlaps = iou(np.array(truth.box, np.float32), boxes)
    if not overlaps.size or overlaps.max() < 0.5:
        return None
    return str(labels[overlaps.argmax()])


def _boxes(boxes: Iterable[tuple[float, ...]]) -> np.ndarray:
    return np.array(list(boxes), np.float64).reshape(-1, 4)


def ap(*groups: str, strictness: slice = slice(0, 1)) -> Measure:
    """Measure mean average precision over groups, at the overlaps that `strictness` selects."""

    def measure(readings: Sequence[Reading]) -> float:
        each = [
            average_precision([reading.matches[group] for reading in readings])[strictness].mean()
            for group in groups
        ]
        return float(np.mean(each))

    return measure


def at_confidence(*groups: str, which: int, floor: float) -> Measure:
    """Measure precision (`which` 0) or recall (1) of boxes from `floor` on, the mean of groups."""

    def measure(readings: Sequence[Reading]) -> float:
        each = [
            precision_and_recall([reading.matches[group] for reading in readings], floor)[which]
            for group in groups
        ]
        return float(np.mean(each))

    return measure


def _as_served(group: str, which: int) -> Measure:
    """Measure precision (`which` 0) or recall (1) of what is counted at the operating point."""

    def measure(readings: Sequence[Reading]) -> float:
        return precision_and_recall([reading.served[group] for reading in readings], 0.0)[which]

    return measure


def _counted(name: str) -> Measure:
    def measure(readings: Sequence[Reading]) -> float:
        parts = np.array([reading.counts[name] for reading in readings])
        return share(*parts.sum(axis=0))

    return measure


def _both(groups: dict[str, str]) -> dict[str, Measure]:
    """Return precision and recall measures of groups, by group and title."""
    return {
        f"{title}: {kind} as served": _as_served(group, which)
        for group, title in groups.items()
        for which, kind in enumerate(("precision", "recall"))
    }


def txl_measures() -> dict[str, Measure]:
    """Return what is measured on real fields without blasts, by title."""
    whites = "white cells (`wbc` or `blast` box)"
    return {
        "mAP50 of white cells, red cells, platelets": ap("white", "rbc", "platelet"),
        "mAP50-95 of these": ap("white", "rbc", "platelet", strictness=slice(None)),
        "mAP50, only `wbc` boxes counting as white cells": ap("wbc", "rbc", "platelet"),
        f"{whites}: AP50": ap("white"),
        "white cells, only `wbc` boxes: AP50": ap("wbc"),
        "red cells: AP50": ap("rbc"),
        "platelets: AP50": ap("platelet"),
        **_both({"white": whites, "rbc": "red cells", "platelet": "platelets"}),
        "white cells called `blast`, as a share": _counted("other normal"),
        "false `blast` boxes a field": _counted("blast-free fields"),
    }


def composite_measures() -> dict[str, Measure]:
    """Return what is measured on composites, by title."""
    return {
        "mAP50 of blasts, other white cells": ap("blast", "wbc"),
        "mAP50-95 of these": ap("blast", "wbc", strictness=slice(None)),
        "blasts: AP50": ap("blast"),
        "other white cells: AP50": ap("wbc"),
        "all white cells, whatever they are called: AP50": ap("white"),
        **_both({"blast": "blasts", "wbc": "other white cells", "white": "all white cells"}),
        "blasts that stand alone, called `blast`": _counted("isolated blasts"),
        "blasts that touch another white cell, called `blast`": _counted("clustered blasts"),
        "normal precursors (HEM) called `blast`": _counted("hem"),
        "other normal white cells called `blast`": _counted("other normal"),
        "false `blast` boxes a blast-free field": _counted("blast-free fields"),
    }


def read_fields(detector: Detector, fields: Sequence[Field], scale: float = 1.0) -> list[Reading]:
    """Read all fields, shrunk by `scale`, and judge them."""
    return [
        read_field(detector, *shrunk(read_image(path.read_bytes()).rgb, ground_truth, scale))
        for path, ground_truth in tqdm(fields, mininterval=5)
    ]


def figures(
    readings: Sequence[Reading], measures: dict[str, Measure], rounds: int
) -> dict[str, Figure]:
    """Return the figures of read fields by title."""
    return {name: with_interval(measure, readings, rounds) for name, measure in measures.items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training evaluate detector`."""
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the image sets")
    parser.add_argument("--composites", type=Path, default=DEFAULT_COMPOSITES)
    parser.add_argument("--cutouts", type=Path, default=DEFAULT_CACHE)
    parser.add_argument("--out", type=Path, default=PROJECT / "runs" / "detector-evaluation.json")
    parser.add_argument("--rounds", type=int, default=500, help="bootstrap samples (%(default)s)")
    parser.add_argument("--record", action="store_true", help="write the figures into documents")


def run(args: argparse.Namespace) -> None:
    """Measure, print, draw, and write the figures."""
    detector = Detector.load(args.weights)
    txl = txl_ground_truth(args.data, "test")
    composites = evaluated(held_out_composites(args.data, args.composites, args.cutouts))
    real, pasted = read_fields(detector, txl), read_fields(detector, composites)
    small = read_fields(detector, txl, LOW_ZOOM)
    real_title = f"TXL-PBC test, {len(txl)} real fields without blasts"
    small_title = f"The same fields shrunk to {LOW_ZOOM:g}, as at low zoom"
    sets = {
        real_title: figures(real, txl_measures(), args.rounds),
        small_title: figures(small, txl_measures(), args.rounds),
        f"{len(composites)} composites of held-out subjects": figures(
            pasted, composite_measures(), args.rounds
        ),
    }
    text = (
        f"Detector {detector.version}, `python -m training evaluate detector`:\n\n{as_tables(sets)}"
    )
    print(text)
    _write(args, sets, text)
    threshold = detector.manifest.thresholds.get("blast")
    draw(pasted, real, threshold, args.weights / "charts" if args.record else args.out.parent)


def draw(
    composites: Sequence[Reading], txl: Sequence[Reading], threshold: float | None, folder: Path
) -> None:
    """Draw the FROC curve and how far the stated probabilities can be trusted."""
    pasted, real = (
        held_against(((reading.found, reading.ground_truth) for reading in readings), "white")
        for readings in (composites, txl)
    )
    curves = {
        "composites of held-out subjects": blast_curve(pasted, pasted, len(composites)),
        "false blasts on TXL-PBC test, free of blasts": blast_curve(pasted, real, len(txl)),
    }
    charts.froc_chart(curves, threshold, folder / "froc.svg")
    found = pasted.chosen(pasted.found)
    stated = {
        "blast": (found.present * found.blast, found.truth == "blast"),
        "any white cell": (found.present, found.truth != ""),
    }
    charts.reliability_chart(stated, folder / "reliability.svg", "boxes that are it", "confidence")


def _write(args: argparse.Namespace, sets: Sets, text: str) -> None:
    plain = as_plain(sets)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(plain, indent=2) + "\n")
    if args.record:
        record("detector", args.weights, PROJECT / "docs", plain, text)

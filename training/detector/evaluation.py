"""Measure the served detector on images never trained on.

TXL-PBC's test fields are real, but hold no blast. Composites of the test split have blasts, of
subjects whose cells were never trained on, but composited; they are made if they are missing.
Intervals are 95%, by bootstrap over images. With --record the metrics go into the manifest and the
card of staged weights, and the charts beside them; else nothing of the weights is changed.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from core.average_precision import (
    Matches,
    average_precision,
    match,
    precision_and_recall,
)
from core.geometry import iou
from core.statistics import share
from core.taxonomy import SMUDGE, WHITE_CELLS
from imaging.images import RgbImage, read_image, resize
from models.detector.detector import Detector
from models.findings import Box, Detection
from training import charts
from training.commands import group, option
from training.data import PROJECT
from training.detector.calibration import LOWEST_CONFIDENCE, blast_curve, match_detections
from training.detector.card import write_card
from training.detector.export import DEFAULT_STAGED
from training.detector.ground_truth import Field, TrueCell, for_evaluation, txl_ground_truth
from training.manifest import add_phase
from training.metrics.estimates import (
    Estimate,
    bootstrap,
    format_tables,
    to_dict,
)
from training.phases import phase
from training.staging import check_staged
from training.synthesis.composites import Folders, held_out_composites

LOW_ZOOM = 0.3
"""How much smaller red cells are in a camera's whole field (24 to 43 px) than in TXL-PBC's fields,
which are cut close about a white cell."""

# Labels of detections and of true cells that count as a class.
_GROUPS = {
    "white": ("blast", "wbc"),
    **{label: (label,) for label in ("blast", "wbc", "rbc", "platelet")},
}


@dataclass(frozen=True)
class Reading:
    """The detections of one field, matched with the ground truth.

    Attributes:
        matches: All boxes, by group of labels.
        served: Those that count at the operating point.
        counts: (part, whole) by name, at the operating point.
        detections: All boxes.
        ground_truth: The true cells.
    """

    matches: dict[str, Matches]
    served: dict[str, Matches]
    counts: dict[str, tuple[int, int]]
    detections: tuple[Detection, ...] = ()
    ground_truth: tuple[TrueCell, ...] = ()


Measure = Callable[[Sequence[Reading]], float]


def shrunk(
    rgb: RgbImage, ground_truth: list[TrueCell], scale: float
) -> tuple[RgbImage, list[TrueCell]]:
    """Return a field and its cells at a scale (0..1) of their size."""
    height, width = rgb.shape[:2]
    small = resize(rgb, round(width * scale), round(height * scale))
    return small, [replace(cell, box=_scaled(cell.box, scale)) for cell in ground_truth]


def _scaled(box: Box, scale: float) -> Box:
    x1, y1, x2, y2 = box
    return x1 * scale, y1 * scale, x2 * scale, y2 * scale


def read_field(detector: Detector, rgb: RgbImage, ground_truth: list[TrueCell]) -> Reading:
    """Run the served detector on one field and match its boxes."""
    raw_predictions = detector.raw_predictions(rgb, LOWEST_CONFIDENCE)
    detections = detector.findings(raw_predictions, LOWEST_CONFIDENCE).detections
    served = detector.findings(raw_predictions).detections
    labels = np.array([cell.label for cell in served])
    return Reading(
        matches=_match(detections, ground_truth),
        served=_match(served, ground_truth),
        counts=_counts(_boxes(cell.box for cell in served), labels, ground_truth),
        detections=detections,
        ground_truth=tuple(ground_truth),
    )


def _match(detections: Sequence[Detection], ground_truth: list[TrueCell]) -> dict[str, Matches]:
    matches = {}
    for name, labels in _GROUPS.items():
        of_group = [cell for cell in detections if cell.label in labels]
        matches[name] = match(
            _boxes(cell.box for cell in of_group),
            np.array([cell.confidence for cell in of_group]),
            _boxes(truth.box for truth in ground_truth if truth.label in labels),
        )
    return matches


def _counts(
    boxes: np.ndarray, labels: np.ndarray, ground_truth: list[TrueCell]
) -> dict[str, tuple[int, int]]:
    """Count, at the operating point, what precision and recall do not cover."""
    called = [_called(boxes, labels, truth) for truth in ground_truth]
    smudges = [n for n, truth in enumerate(ground_truth) if truth.kind == SMUDGE]
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
    found = sum(called[n] in WHITE_CELLS for n in smudges)
    return {**counts, "blast-free fields": false_blasts, "smudges": (found, len(smudges))}


def _called(boxes: np.ndarray, labels: np.ndarray, truth: TrueCell) -> str | None:
    """Return the label of the box that overlaps a true cell most, and by half."""
    overlaps = iou(np.array(truth.box, np.float32), boxes)
    if not overlaps.size or overlaps.max() < 0.5:
        return None
    return str(labels[overlaps.argmax()])


def _boxes(boxes: Iterable[tuple[float, ...]]) -> np.ndarray:
    return np.array(list(boxes), np.float64).reshape(-1, 4)


def ap(*groups: str, strictness: slice = slice(0, 1)) -> Measure:
    """Measure mean average precision over groups.

    Args:
        groups: Groups of labels.
        strictness: Which of the overlaps `IOUS`; 0.5 alone by default.
    """

    def measure(readings: Sequence[Reading]) -> float:
        each = [
            average_precision([reading.matches[group] for reading in readings])[strictness].mean()
            for group in groups
        ]
        return float(np.mean(each))

    return measure


def at_confidence(*groups: str, which: int, floor: float) -> Measure:
    """Measure precision (`which` 0) or recall (1) from a confidence on, the mean of groups."""

    def measure(readings: Sequence[Reading]) -> float:
        each = [
            precision_and_recall([reading.matches[group] for reading in readings], floor)[which]
            for group in groups
        ]
        return float(np.mean(each))

    return measure


def as_served(group: str, which: int) -> Measure:
    """Measure precision (`which` 0) or recall (1) of a group at the operating point."""

    def measure(readings: Sequence[Reading]) -> float:
        return precision_and_recall([reading.served[group] for reading in readings], 0.0)[which]

    return measure


def counted(name: str) -> Measure:
    """Measure a share that was counted at the operating point."""

    def measure(readings: Sequence[Reading]) -> float:
        parts = np.array([reading.counts[name] for reading in readings])
        return share(*parts.sum(axis=0))

    return measure


def _both(groups: dict[str, str]) -> dict[str, Measure]:
    """Return precision and recall measures of groups, by group and title."""
    return {
        f"{title}: {kind} as served": as_served(group, which)
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
        "white cells called `blast`, as a share": counted("other normal"),
        "false `blast` boxes a field": counted("blast-free fields"),
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
        "blasts that stand alone, called `blast`": counted("isolated blasts"),
        "blasts that touch another white cell, called `blast`": counted("clustered blasts"),
        "normal precursors (HEM) called `blast`": counted("hem"),
        "other normal white cells called `blast`": counted("other normal"),
        "false `blast` boxes a blast-free field": counted("blast-free fields"),
    }


def read_fields(detector: Detector, fields: Sequence[Field], scale: float = 1.0) -> list[Reading]:
    """Detect the cells of all fields at a scale, and match them."""
    return [
        read_field(detector, *shrunk(read_image(path.read_bytes()).rgb, ground_truth, scale))
        for path, ground_truth in tqdm(fields, mininterval=5)
    ]


def estimates(
    readings: Sequence[Reading], measures: dict[str, Measure], samples: int
) -> dict[str, Estimate]:
    """Take measures of read fields, each with its interval over so many samples."""
    return {name: bootstrap(measure, readings, samples) for name, measure in measures.items()}


@dataclass(frozen=True)
class Options:
    """Options of `python -m training evaluate detector`."""

    weights: Path = option(DEFAULT_STAGED, "folder of the weights, staged or published")
    folders: Folders = group(Folders(), "folders")
    out: Path = option(PROJECT / "runs" / "detector-evaluation.json", "file of the metrics")
    samples: int = option(500, "bootstrap samples")
    record: bool = option(False, "write the metrics into staged weights")


def run(options: Options) -> None:
    """Measure, print, draw, and write the metrics."""
    if options.record:
        check_staged(options.weights)
    detector = Detector.load(options.weights)
    txl = txl_ground_truth(options.folders.data, "test")
    composites = for_evaluation(held_out_composites(options.folders))
    real, composited = read_fields(detector, txl), read_fields(detector, composites)
    small = read_fields(detector, txl, LOW_ZOOM)
    real_title = f"TXL-PBC test, {len(txl)} real fields without blasts"
    small_title = f"The same fields shrunk to {LOW_ZOOM:g}, as at low zoom"
    sets = {
        real_title: estimates(real, txl_measures(), options.samples),
        small_title: estimates(small, txl_measures(), options.samples),
        f"{len(composites)} composites of held-out subjects": estimates(
            composited, composite_measures(), options.samples
        ),
    }
    print(f"Detector {detector.version}:\n\n{format_tables(sets)}")
    plain = to_dict(sets)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(plain, indent=2) + "\n")
    charts_folder = options.weights / "charts" if options.record else options.out.parent
    draw(composited, real, detector.manifest.thresholds.get("blast"), charts_folder)
    if options.record:
        counts = {"samples": options.samples, "txl_test": len(txl), "composites": len(composites)}
        done = phase("evaluate", "python -m training evaluate detector", counts)
        add_phase(options.weights, done, metrics=plain)
        write_card(options.weights)


def draw(
    composites: Sequence[Reading], txl: Sequence[Reading], threshold: float | None, folder: Path
) -> None:
    """Draw the FROC curve and the reliability of the probabilities."""
    composited, real = (
        match_detections(
            ((reading.detections, reading.ground_truth) for reading in readings), "white"
        )
        for readings in (composites, txl)
    )
    curves = {
        "composites of held-out subjects": blast_curve(composited, composited, len(composites)),
        "false blasts on TXL-PBC test, free of blasts": blast_curve(composited, real, len(txl)),
    }
    charts.froc_chart(curves, threshold, folder / "froc.svg")
    boxes = composited.select(composited.found)
    stated = {
        "blast": (boxes.present * boxes.blast, boxes.truth == "blast"),
        "any white cell": (boxes.present, boxes.truth != ""),
    }
    charts.reliability_chart(stated, folder / "reliability.svg", "boxes that are it", "confidence")

"""Make the detector's confidences probabilities, and choose the thresholds that it is served with.

Fitted on composites of held-out subjects that the evaluation does not use (other images; the
donors are the same, there are no more) and on TXL-PBC's val fields, by Platt's logistic scaling: a
slope and an offset for each question. The threshold for blasts is the highest that still finds the
stated share of them; the other kinds get the one of the best F1. All goes into the manifest.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve
from tqdm import tqdm

from core.taxonomy import WHITE_CELLS
from imaging.images import read_image
from models.detector.detector import Detector, load_network
from models.detector.operating_point import OperatingPoint, log_odds, platt
from models.findings import Detection
from models.manifest import load_manifest
from training.columns import Columns
from training.data import DEFAULT_DATA, DataError
from training.detector.export import DEFAULT_WEIGHTS
from training.detector.ground_truth import Cells, Field, calibrating, txl_ground_truth
from training.manifest import amend
from training.metrics.average_precision import matched_truth
from training.synthesis.composites import DEFAULT_CACHE, held_out_composites
from training.synthesis.composites import DEFAULT_OUT as DEFAULT_COMPOSITES

SENSITIVITY = 0.90
"""Share of the calibration's blasts that are called blasts at the chosen threshold."""

KINDS = {"white": WHITE_CELLS, "rbc": ("rbc",), "platelet": ("platelet",)}
"""What a box can be before a white cell is called a blast or not: labels of each kind."""

LOWEST_CONFIDENCE = 0.01
"""From which on boxes are kept to be matched."""

_EDGE = 1e-6
_MISSED = 0.0


@dataclass(frozen=True)
class Scale:
    """Platt's scaling (1999): sigmoid(slope * logit(p) + offset)."""

    slope: float
    offset: float

    def __call__(self, probabilities: np.ndarray) -> np.ndarray:
        """Return scaled probabilities (n,)."""
        return platt(log_odds(probabilities), self.slope, self.offset)

    @classmethod
    def fit(cls, probabilities: np.ndarray, true: np.ndarray) -> Scale:
        """Fit to what turned out to be true (n,); raises DataError where scores tell nothing."""
        if true.all() or not true.any():
            raise DataError("The calibration needs boxes of both kinds, right ones and wrong ones.")
        model = LogisticRegression(C=np.inf).fit(log_odds(probabilities)[:, None], true)
        slope = float(model.coef_[0, 0])
        if slope <= 0:
            raise DataError("The detector's scores do not rise with the truth: train it longer.")
        return cls(slope, float(model.intercept_[0]))


@dataclass(frozen=True)
class Candidates(Columns):
    """Boxes of one kind and missed cells, arrays (n,): P(a cell of this kind), 0 for those missed;
    P(blast) if it is one; the label of the true cell, "" where there is none.
    """

    present: np.ndarray
    blast: np.ndarray
    truth: np.ndarray

    @property
    def found(self) -> np.ndarray:
        """Mask (n,) of those that have a box."""
        return self.present > _MISSED


def candidates(
    detector: Detector, fields: Sequence[Field], kinds: Sequence[str]
) -> dict[str, Candidates]:
    """Read fields whose cells of `kinds` are all labelled, and hold every box against the truth."""
    pairs = [
        (detector.find(read_image(path.read_bytes()).rgb, LOWEST_CONFIDENCE).detections, cells)
        for path, cells in tqdm(fields, mininterval=5)
    ]
    return {kind: held_against(pairs, kind) for kind in kinds}


def held_against(pairs: Iterable[tuple[Sequence[Detection], Cells]], kind: str) -> Candidates:
    """Hold boxes of one kind against the true cells, both given for each field."""
    rows: list[tuple[float, float, str]] = []
    for found, cells in pairs:
        ours = [cell for cell in found if cell.label in KINDS[kind]]
        rows += _matched(ours, [cell for cell in cells if cell.label in KINDS[kind]])
    return Candidates(*_columns(rows))


def _matched(ours: Sequence[Detection], true: Sequence[Any]) -> Iterator[tuple]:
    present = np.array([_present(cell) for cell in ours])
    matched = matched_truth(_boxes(ours), present, _boxes(true))
    for cell, row in zip(ours, matched, strict=True):
        label = true[row].label if row >= 0 else ""
        yield _present(cell), _blast_if_white(cell), label
    for missed in set(range(len(true))) - set(matched):
        yield _MISSED, 0.0, true[missed].label


def _present(cell: Detection) -> float:
    return cell.confidence if cell.white is None else cell.white


def _blast_if_white(cell: Detection) -> float:
    return 0.0 if cell.white is None else cell.blast / cell.white


def _boxes(cells: Sequence[Any]) -> np.ndarray:
    return np.array([cell.box for cell in cells], np.float64).reshape(-1, 4)


def _columns(rows: list[tuple[float, float, str]]) -> list[np.ndarray]:
    present, blast, truth = zip(*rows, strict=True) if rows else ((), (), ())
    return [np.array(present, float), np.array(blast, float), np.array(truth, str)]


def fit(by_kind: dict[str, Candidates], with_blasts: Candidates) -> dict[str, Scale]:
    """Fit a scale for each kind of cell, and one for blasts among the true white cells found."""
    scales = {}
    for kind, cells in by_kind.items():
        scales[kind] = Scale.fit(cells.present[cells.found], (cells.truth != "")[cells.found])
    white = with_blasts.found & (with_blasts.truth != "")
    scales["blast"] = Scale.fit(with_blasts.blast[white], with_blasts.truth[white] == "blast")
    return scales


def thresholds(
    by_kind: dict[str, Candidates], with_blasts: Candidates, scales: dict[str, Scale]
) -> dict[str, float]:
    """Choose the threshold of each label of a box, in calibrated probabilities."""
    chosen = {
        kind: best_f1(_scaled(cells.present, scales[kind]), cells.truth != "")
        for kind, cells in by_kind.items()
    }
    blasts = with_blasts.truth == "blast"
    probabilities = _scaled(with_blasts.present, scales["white"]) * scales["blast"](
        with_blasts.blast
    )
    return {**chosen, "blast": reached_by(probabilities[blasts], SENSITIVITY)}


def blast_curve(
    with_blasts: Candidates, healthy: Candidates, fields: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return false blasts a field, sensitivity and threshold (n,) for falling thresholds: FROC.

    Sensitivity is that on `with_blasts`; false blasts are those of `healthy`, found in so many
    `fields` (the same candidates, if all fields hold blasts).
    """
    called, wrongly = (
        np.sort((cells.present * cells.blast)[(cells.truth == "blast") == is_blast])
        for cells, is_blast in ((with_blasts, True), (healthy, False))
    )
    limits = np.linspace(1, LOWEST_CONFIDENCE, 200)
    reached = len(called) - np.searchsorted(called, limits)
    false = len(wrongly) - np.searchsorted(wrongly, limits)
    return false / fields, reached / len(called), limits


def _scaled(present: np.ndarray, scale: Scale) -> np.ndarray:
    """Scale probabilities; what has no box keeps 0."""
    return np.where(present > _MISSED, scale(present), _MISSED)


def best_f1(probabilities: np.ndarray, true: np.ndarray) -> float:
    """Return the threshold of the best F1; cells without a box have probability 0 and are true."""
    precision, recall, limits = precision_recall_curve(true, probabilities)
    f1 = 2 * precision * recall / np.maximum(precision + recall, _EDGE)
    above = limits > _MISSED
    return float(limits[above][f1[:-1][above].argmax()])


def reached_by(probabilities: np.ndarray, share: float) -> float:
    """Return the highest threshold that at least `share` (0..1) of probabilities (n,) reach."""
    rank = floor(len(probabilities) * (1 - share) + _EDGE)
    return float(np.sort(probabilities)[rank])


def calibrate(weights: Path, composites: Sequence[Field], txl: Sequence[Field]) -> dict[str, Any]:
    """Fit all to the network in `weights`; return what the manifest is to say of it."""
    manifest = load_manifest(weights, "detector")
    raw = Detector(load_network(manifest), manifest.model_copy(update={"calibration": {}}))
    point = OperatingPoint.of(manifest.thresholds)
    pasted = candidates(raw, composites, ["white"])["white"]
    real = candidates(raw, txl, list(KINDS))
    by_kind = {**real, "white": Candidates.joined([pasted, real["white"]])}
    scales = fit(by_kind, pasted)
    chosen = thresholds(by_kind, pasted, scales)
    return {
        "calibration": {name: vars(scale) for name, scale in scales.items()},
        "thresholds": {
            **{name: round(value, 4) for name, value in chosen.items()},
            "iou": point.iou,
            "floor": point.floor,
        },
        "operating_point": {"blast_sensitivity": SENSITIVITY, "composites": len(composites)},
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training calibrate detector`."""
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the image sets")
    parser.add_argument("--composites", type=Path, default=DEFAULT_COMPOSITES)
    parser.add_argument("--cutouts", type=Path, default=DEFAULT_CACHE)


def run(args: argparse.Namespace) -> None:
    """Fit, write into the manifest, and print."""
    composites = calibrating(held_out_composites(args.data, args.composites, args.cutouts))
    found = calibrate(args.weights, composites, txl_ground_truth(args.data, "val"))
    amend(args.weights, **found)
    for name, values in found.items():
        print(name, values)

"""Calibrate the detector's confidences, and choose the thresholds that it is served with.

Fitted on composites of held-out subjects that the evaluation does not use (other images; the
donors are the same, there are no more) and on TXL-PBC's val fields, by Platt's logistic scaling: a
slope and an offset for each question. The threshold for blasts is the highest that still finds the
stated share of them; the other kinds get the one of the best F1. All goes into the manifest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve
from tqdm import tqdm

from core.average_precision import matched_truth
from core.taxonomy import WHITE_CELLS
from imaging.images import read_image
from models.detector.detector import Detector, load_network
from models.detector.operating_point import OperatingPoint, log_odds, platt
from models.findings import Detection
from models.manifest import load_manifest
from training.columns import Columns
from training.commands import group, option
from training.data import DataError
from training.detector.card import write_card
from training.detector.export import DEFAULT_STAGED
from training.detector.ground_truth import Field, TrueCell, for_calibration, txl_ground_truth
from training.manifest import add_phase
from training.phases import phase
from training.staging import check_staged
from training.synthesis.composites import Folders, held_out_composites

SENSITIVITY = 0.90
"""Share of the calibration's blasts that are called blasts at the chosen threshold."""

KINDS = {"white": WHITE_CELLS, "rbc": ("rbc",), "platelet": ("platelet",)}
"""What a box can be before a white cell is called a blast or not: labels of each kind."""

LOWEST_CONFIDENCE = 0.01
"""Confidence from which on boxes are kept to be matched."""

_EDGE = 1e-6
_MISSED = 0.0


@dataclass(frozen=True)
class Scale:
    """Scale probabilities: sigmoid(slope * logit(p) + offset), after Platt (1999)."""

    slope: float
    offset: float

    def __call__(self, probabilities: np.ndarray) -> np.ndarray:
        """Return scaled probabilities (n,)."""
        return platt(log_odds(probabilities), self.slope, self.offset)

    @classmethod
    def fit(cls, probabilities: np.ndarray, true: np.ndarray) -> Scale:
        """Fit a scale by logistic regression.

        Args:
            probabilities: As the network gives them, (n,) in 0..1.
            true: What turned out to be right, bool (n,).

        Raises:
            DataError: One class is missing, or the probabilities do not rise with the truth.
        """
        if true.all() or not true.any():
            raise DataError("The calibration needs boxes of both kinds, right ones and wrong ones.")
        model = LogisticRegression(C=np.inf).fit(log_odds(probabilities)[:, None], true)
        slope = float(model.coef_[0, 0])
        if slope <= 0:
            raise DataError("The detector's scores do not rise with the truth: train it longer.")
        return cls(slope, float(model.intercept_[0]))


@dataclass(frozen=True)
class MatchedCells(Columns):
    """Boxes of one kind and missed cells, arrays (n,).

    Attributes:
        present: P(a cell of this kind), 0..1; 0 for a missed cell.
        blast: P(blast) if it is one, 0..1.
        truth: Label of the true cell, empty where there is none.
    """

    present: np.ndarray
    blast: np.ndarray
    truth: np.ndarray

    @property
    def found(self) -> np.ndarray:
        """Return the mask (n,) of those that have a box."""
        return self.present > _MISSED


def match_fields(
    detector: Detector, fields: Sequence[Field], kinds: Sequence[str]
) -> dict[str, MatchedCells]:
    """Detect the cells of fields, and match every box with the ground truth.

    Args:
        detector: Uncalibrated, to be calibrated.
        fields: Their cells of `kinds` are all labelled.
        kinds: Of `KINDS`.
    """
    pairs = [
        (detector.find(read_image(path.read_bytes()).rgb, LOWEST_CONFIDENCE).detections, cells)
        for path, cells in tqdm(fields, mininterval=5)
    ]
    return {kind: match_detections(pairs, kind) for kind in kinds}


def match_detections(
    fields: Iterable[tuple[Sequence[Detection], Sequence[TrueCell]]], kind: str
) -> MatchedCells:
    """Match the boxes of one kind with the true cells, both given for each field."""
    rows: list[tuple[float, float, str]] = []
    for detections, cells in fields:
        of_kind = [cell for cell in detections if cell.label in KINDS[kind]]
        rows += _match(of_kind, [cell for cell in cells if cell.label in KINDS[kind]])
    return MatchedCells(*_columns(rows))


def _match(
    detections: Sequence[Detection], true: Sequence[TrueCell]
) -> Iterator[tuple[float, float, str]]:
    present = np.array([_present(cell) for cell in detections])
    matched = matched_truth(_boxes(detections), present, _boxes(true))
    for cell, row in zip(detections, matched, strict=True):
        yield _present(cell), _blast_if_white(cell), true[row].label if row >= 0 else ""
    for missed in set(range(len(true))) - set(matched):
        yield _MISSED, 0.0, true[missed].label


def _present(cell: Detection) -> float:
    return cell.confidence if cell.white is None else cell.white


def _blast_if_white(cell: Detection) -> float:
    return 0.0 if cell.white is None or cell.blast is None else cell.blast / cell.white


def _boxes(cells: Sequence[Detection] | Sequence[TrueCell]) -> np.ndarray:
    return np.array([cell.box for cell in cells], np.float64).reshape(-1, 4)


def _columns(rows: list[tuple[float, float, str]]) -> list[np.ndarray]:
    present, blast, truth = zip(*rows, strict=True) if rows else ((), (), ())
    return [np.array(present, float), np.array(blast, float), np.array(truth, str)]


def fit(by_kind: dict[str, MatchedCells], with_blasts: MatchedCells) -> dict[str, Scale]:
    """Fit a scale for each kind of cell, and for blasts among white cells."""
    scales = {}
    for kind, cells in by_kind.items():
        scales[kind] = Scale.fit(cells.present[cells.found], (cells.truth != "")[cells.found])
    white = with_blasts.found & (with_blasts.truth != "")
    scales["blast"] = Scale.fit(with_blasts.blast[white], with_blasts.truth[white] == "blast")
    return scales


def thresholds(
    by_kind: dict[str, MatchedCells], with_blasts: MatchedCells, scales: dict[str, Scale]
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
    with_blasts: MatchedCells, healthy: MatchedCells, fields: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the FROC curve of blasts (Bunch et al. 1977).

    Args:
        with_blasts: Where the sensitivity is measured.
        healthy: Where false blasts are counted; the same cells, if all fields hold blasts.
        fields: How many fields the latter are of.

    Returns:
        False blasts a field, sensitivity (0..1) and threshold (0..1), each (n,), for falling
        thresholds.
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
    """Return the threshold of the best F1, where missed cells are true with probability 0."""
    precision, recall, limits = precision_recall_curve(true, probabilities)
    f1 = 2 * precision * recall / np.maximum(precision + recall, _EDGE)
    above = limits > _MISSED
    return float(limits[above][f1[:-1][above].argmax()])


def reached_by(probabilities: np.ndarray, share: float) -> float:
    """Return the highest threshold that a share (0..1) of probabilities (n,) reaches."""
    rank = floor(len(probabilities) * (1 - share) + _EDGE)
    return float(np.sort(probabilities)[rank])


def load_uncalibrated(weights: Path) -> Detector:
    """Load a detector whose probabilities are its network's scores, to calibrate or compare it."""
    manifest = load_manifest(weights, "detector")
    return Detector(load_network(manifest), manifest.model_copy(update={"calibration": {}}))


def calibrate(weights: Path, composites: Sequence[Field], txl: Sequence[Field]) -> dict[str, Any]:
    """Fit scales and thresholds to a network; return its manifest's entries."""
    raw = load_uncalibrated(weights)
    point = OperatingPoint.of(raw.manifest.thresholds)
    composited = match_fields(raw, composites, ["white"])["white"]
    real = match_fields(raw, txl, list(KINDS))
    by_kind = {**real, "white": MatchedCells.concatenate([composited, real["white"]])}
    scales = fit(by_kind, composited)
    chosen = thresholds(by_kind, composited, scales)
    return {
        "calibration": {name: vars(scale) for name, scale in scales.items()},
        "thresholds": {
            **{name: round(value, 4) for name, value in chosen.items()},
            "iou": point.iou,
            "floor": point.floor,
        },
        "operating_point": {"blast_sensitivity": SENSITIVITY, "composites": len(composites)},
    }


@dataclass(frozen=True)
class Options:
    """Options of `python -m training calibrate detector`."""

    staged: Path = option(DEFAULT_STAGED, "folder of the staged weights")
    folders: Folders = group(Folders(), "folders")


def run(options: Options) -> None:
    """Fit, write into manifest and card, and print; earlier metrics no longer count."""
    check_staged(options.staged)
    composites = for_calibration(held_out_composites(options.folders))
    txl = txl_ground_truth(options.folders.data, "val")
    entries = calibrate(options.staged, composites, txl)
    done = phase(
        "calibrate",
        "python -m training calibrate detector",
        {"blast_sensitivity": SENSITIVITY, "composites": len(composites), "txl_val": len(txl)},
    )
    add_phase(options.staged, done, **entries, metrics={})
    write_card(options.staged)
    for name, values in entries.items():
        print(name, values)

"""Network scores to calibrated probabilities, and these to what is counted."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.taxonomy import BLAST, DETECTOR_CODES, WBC, WHITE_CELLS
from models.manifest import Manifest, Numbers, WeightsError, uncalibrated

WHITE = "white"
"""Any white cell, blast or not."""

KINDS = tuple(WHITE if code == WBC else code for code in DETECTOR_CODES)
"""What has a threshold of its own: the detector's classes, but any white cell instead of `WBC`."""

DECIMALS = 6
"""Decimals of a probability: labels are given and kept with the same ones."""

_EDGE = 10.0**-DECIMALS
_IDENTITY = {"slope": 1.0, "offset": 0.0}


@dataclass(frozen=True)
class OperatingPoint:
    """Calibrated probabilities (0..1) from which on a box counts.

    Attributes:
        kinds: The threshold of each of `KINDS`.
        iou: Intersection over union (0..1) above which two boxes are one cell.
        floor: The P(white) from which on a white cell is kept as a candidate.
    """

    kinds: dict[str, float]
    iou: float = 0.5
    floor: float = 0.05

    @classmethod
    def of(cls, thresholds: dict[str, float]) -> OperatingPoint:
        """Read a manifest's thresholds.

        Args:
            thresholds: By kind; `confidence` stands for those of kinds not named.

        Raises:
            WeightsError: A kind has none, or there is a threshold of something unknown.
        """
        given = dict(thresholds)
        usual = given.pop("confidence", None)
        others = {name: given.pop(name) for name in ("iou", "floor") if name in given}
        kinds = {kind: given.pop(kind, usual) for kind in KINDS}
        known = {kind: value for kind, value in kinds.items() if value is not None}
        wrong = [*given, *(kind for kind in KINDS if kind not in known)]
        if wrong:
            names = ", ".join(wrong)
            raise WeightsError(f"The detector's manifest has other thresholds: {names}.")
        return cls(known, **others)

    def of_class(self, code: str) -> float:
        """Return the threshold of a detector's class; NaN where it has none."""
        return self.kinds.get(code, nan)


def check_calibrated(manifest: Manifest) -> None:
    """Check that every kind has its scaling and threshold, in range; raises `WeightsError`."""
    thresholds = manifest.thresholds
    faults = [
        f"calibration.{kind} must have an offset, and a slope above 0"
        for kind in KINDS
        if not _is_scaling(manifest.calibration.get(kind, {}))
    ]
    faults += [
        f"thresholds.{kind} must be above 0, and at most 1"
        for kind in KINDS
        if not 0 < thresholds.get(kind, 0.0) <= 1
    ]
    faults += [
        f"thresholds.{name} must lie between 0 and 1"
        for name in ("iou", "floor")
        if not 0 <= thresholds.get(name, 0.0) <= 1
    ]
    if faults:
        raise uncalibrated(manifest, faults)


def _is_scaling(scaling: Numbers) -> bool:
    return set(scaling) == set(_IDENTITY) and scaling["slope"] > 0


def calibrated(
    scores: NDArray[np.floating[Any]], calibration: dict[str, dict[str, float]]
) -> NDArray[np.float64]:
    """Turn scores into probabilities by Platt's scaling (1999).

    Asked first is whether a box holds a white cell ("white", of the summed scores of blast and
    wbc), then whether such a one is a blast ("blast", of their difference in log odds), so that
    both together are P(white). A question not in `calibration` keeps its score.

    Args:
        scores: (n, classes) in 0..1, columns `DETECTOR_CODES`.
        calibration: Slope and offset of each question.

    Returns:
        (n, classes) in 0..1, with `DECIMALS` decimals.
    """
    score = dict(zip(DETECTOR_CODES, scores.astype(np.float64).T, strict=True))

    def asked(kind: str, odds: NDArray[np.float64]) -> NDArray[np.float64]:
        return platt(odds, **calibration.get(kind, _IDENTITY))

    white = asked(WHITE, log_odds(score[BLAST] + score[WBC]))
    if_white = asked(BLAST, log_odds(score[BLAST]) - log_odds(score[WBC]))
    others = (code for code in DETECTOR_CODES if code not in WHITE_CELLS)
    probabilities = {
        BLAST: white * if_white,
        WBC: white * (1 - if_white),
        **{code: asked(code, log_odds(score[code])) for code in others},
    }
    return np.stack([probabilities[code] for code in DETECTOR_CODES], axis=1).round(DECIMALS)


def platt(odds: NDArray[np.float64], slope: float, offset: float) -> NDArray[np.float64]:
    """Turn log odds (n,) into calibrated probabilities (n,): Platt's scaling."""
    from scipy.special import expit

    return expit(slope * odds + offset)


def log_odds(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log odds (n,) of probabilities (n,), kept off 0 and 1."""
    from scipy.special import logit

    return logit(scores.clip(_EDGE, 1 - _EDGE))

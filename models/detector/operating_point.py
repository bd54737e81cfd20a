"""Network scores to calibrated probabilities, and these to what is counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from models.manifest import WeightsError

KINDS = ("blast", "white", "rbc", "platelet")
"""What has a threshold of its own: the labels, but any white cell instead of "wbc"."""

DECIMALS = 6
"""Decimals of a probability: labels are given and kept with the same ones."""

_EDGE = 10.0**-DECIMALS
_IDENTITY = {"slope": 1.0, "offset": 0.0}


@dataclass(frozen=True)
class OperatingPoint:
    """Calibrated probabilities (0..1) from which on a box is counted as what it is.

    `floor` is the P(white) from which on a white cell is kept as doubtful, `iou` the overlap above
    which two boxes are one cell.
    """

    blast: float
    white: float
    rbc: float
    platelet: float
    iou: float = 0.5
    floor: float = 0.05

    @classmethod
    def of(cls, thresholds: dict[str, float]) -> OperatingPoint:
        """Read a manifest's thresholds; `confidence` stands for those of kinds not named.

        Raises `WeightsError` when neither is given.
        """
        usual = {kind: thresholds["confidence"] for kind in KINDS if "confidence" in thresholds}
        known = {name: value for name, value in thresholds.items() if name != "confidence"}
        try:
            return cls(**{**usual, **known})
        except TypeError as error:
            raise WeightsError(f"The detector's manifest has other thresholds: {error}.") from None

    @property
    def kinds(self) -> dict[str, float]:
        """The threshold of "blast", "white", "rbc" and "platelet"."""
        return {kind: getattr(self, kind) for kind in KINDS}


def calibrated(
    scores: NDArray[np.float32], calibration: dict[str, dict[str, float]]
) -> NDArray[np.float64]:
    """Turn scores (n, 4) of `CELL_LABELS` into probabilities (n, 4) by Platt's scaling.

    Asked first is whether a box holds a white cell ("white", of the summed scores of blast and
    wbc), then whether such a one is a blast ("blast", of their difference in log odds), so that
    both together are P(white). A question not in `calibration` keeps its score.
    """
    blast, wbc, rbc, platelet = scores.astype(np.float64).T
    white = platt(log_odds(blast + wbc), **calibration.get("white", _IDENTITY))
    if_white = platt(log_odds(blast) - log_odds(wbc), **calibration.get("blast", _IDENTITY))
    others = (
        platt(log_odds(score), **calibration.get(kind, _IDENTITY))
        for kind, score in (("rbc", rbc), ("platelet", platelet))
    )
    columns = (white * if_white, white * (1 - if_white), *others)
    return np.stack(columns, axis=1).round(DECIMALS)


def platt(odds: NDArray[np.float64], slope: float, offset: float) -> NDArray[np.float64]:
    """Turn log odds (n,) into calibrated probabilities (n,): Platt's scaling."""
    return expit(slope * odds + offset)


def log_odds(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log odds (n,) of probabilities (n,), which are kept a little off 0 and 1."""
    return logit(scores.clip(_EDGE, 1 - _EDGE))

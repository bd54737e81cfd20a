"""Calibrate P(blast) on real cells that the networks never saw, and place the uncertain band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, softmax

from core.taxonomy import SMUDGE
from models.classifier.cell_views import View
from training.cells.data import KINDS
from training.cells.pack import Pack
from training.cells.predict import Predictions

SENSITIVITY = 0.9
"""Share of real blasts at or above the upper end of the band, from which a cell counts as one."""

DECIDED_ACCURACY = 0.8
"""Least accuracy of the cells on black outside the band."""

IN_DISTRIBUTION_SHARE = 0.99
"""Share of cells never seen that count as in the distribution."""

_BLASTS_CALLED_SMUDGE = 0.005
"""Most of the real blasts that may be called smudges."""

_LEAST_SMUDGE = 0.5
_SMUDGE = KINDS.index(SMUDGE)
_LOWER_SENSITIVITY = 0.975
_LEAST_SLOPE = 0.05
_SOURCES = {View.SEGMENTED: ("cnmc",), View.CONTEXT: ("lmu", "snam", "pbc", "txl")}


@dataclass(frozen=True)
class Limits:
    """Calibration of one view; the names are those of the manifest.

    Attributes:
        temperature: Divides the logit.
        offset: Is added to it then.
        uncertain_low: Lower end of the uncertain band, a probability.
        uncertain_high: Its upper end, from which a cell counts as a blast.
    """

    temperature: float
    offset: float
    uncertain_low: float = 0.0
    uncertain_high: float = 1.0

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return P(blast) in 0..1 of logits (n,)."""
        return expit(np.asarray(logits, np.float64) / self.temperature + self.offset)


def of_view(pack: Pack, predictions: Predictions, view: View) -> Predictions:
    """Return the predictions of intact cells that are seen so and known as blasts or not."""
    source, blast = pack.source[predictions.rows], pack.blast[predictions.rows]
    intact = pack.kind[predictions.rows] != _SMUDGE
    return predictions.select(np.isin(source, _SOURCES[view]) & (blast >= 0) & intact)


def calibrate_views(pack: Pack, predictions: Predictions) -> dict[View, Limits]:
    """Calibrate each view on its own cells."""
    return {view: calibrate(pack, of_view(pack, predictions, view), view) for view in View}


def calibrate(pack: Pack, predictions: Predictions, view: View) -> Limits:
    """Fit the scaling and the band of a view.

    Args:
        pack: All cells.
        predictions: Of cells that the networks never saw, of this view.
        view: Which.
    """
    fitted = fit_scaling(pack, predictions)
    probabilities = fitted.probabilities(predictions.blast)
    low, high = _band(pack, predictions, probabilities, view)
    return Limits(fitted.temperature, fitted.offset, low, high)


def fit_scaling(pack: Pack, predictions: Predictions) -> Limits:
    """Fit Platt's scaling (1999), the classes weighing alike, and the sets of a class too.

    It never sharpens what a network says: where one laboratory has all blasts and another all
    normal cells, they are far apart, and say nothing of how sure to be elsewhere.
    """
    blasts = pack.blast[predictions.rows] == 1
    weights = even_weights(pack.source[predictions.rows], blasts)
    signs = np.where(blasts, 1.0, -1.0)
    logits = predictions.blast.astype(np.float64)

    def loss(parameters: np.ndarray) -> float:
        slope, offset = parameters
        return float(
            np.average(np.logaddexp(0, -signs * (slope * logits + offset)), weights=weights)
        )

    found: Any = minimize(loss, (1.0, 0.0), bounds=((_LEAST_SLOPE, 1.0), (None, None)))
    slope, offset = found.x
    return Limits(1 / float(slope), float(offset))


def cross_fitted(pack: Pack, predictions: Predictions) -> np.ndarray:
    """Return P(blast) (n,) of each cell by the scaling that was fitted to the other folds.

    With one fold there is no other; its own scaling is taken.
    """
    probabilities = np.empty(len(predictions.rows))
    for fold in np.unique(predictions.folds):
        own = predictions.folds == fold
        others = predictions.select(~own) if not own.all() else predictions
        probabilities[own] = fit_scaling(pack, others).probabilities(predictions.blast[own])
    return probabilities


def in_distribution_limit(predictions: Predictions) -> float:
    """Return the out-of-distribution score up to which a cell counts as usual."""
    return float(np.quantile(predictions.ood_scores, IN_DISTRIBUTION_SHARE))


def smudge_limit(pack: Pack, predictions: Predictions) -> float:
    """Return P(smudge) from which a cell is called one: hardly a real blast never seen is so."""
    blasts = of_view(pack, predictions, View.CONTEXT)
    blasts = blasts.select(pack.blast[blasts.rows] == 1)
    return max(_LEAST_SMUDGE, float(np.quantile(smudge_shares(blasts), 1 - _BLASTS_CALLED_SMUDGE)))


def smudge_shares(predictions: Predictions) -> np.ndarray:
    """Return P(smudge) of each cell, (n,) in 0..1."""
    return softmax(predictions.kind.astype(np.float64), axis=1)[:, _SMUDGE]


def coverage_at(
    probabilities: np.ndarray, blasts: np.ndarray, weights: np.ndarray, accuracy: float
) -> tuple[float, float]:
    """Return the largest share of cells, the surest first, that are called right so often.

    Args:
        probabilities: P(blast), (n,).
        blasts: Ground truth, bool (n,).
        weights: Of the cells, (n,).
        accuracy: Least share called right at 0.5, in 0..1.

    Returns:
        The share, and how far from 0.5 the probabilities of these cells are at the least.
    """
    margins = np.abs(probabilities - 0.5)
    surest = np.argsort(-margins, kind="stable")
    weight = np.cumsum(weights[surest])
    right = np.cumsum((weights * ((probabilities >= 0.5) == blasts))[surest])
    enough = np.flatnonzero(right >= accuracy * weight)
    if not enough.size:
        return 0.0, 0.5
    return float(weight[enough[-1]] / weight[-1]), float(margins[surest[enough[-1]]])


def _band(
    pack: Pack, predictions: Predictions, probabilities: np.ndarray, view: View
) -> tuple[float, float]:
    blasts, sources = pack.blast[predictions.rows] == 1, pack.source[predictions.rows]
    if view == View.SEGMENTED:
        weights = even_weights(sources, blasts)
        _, margin = coverage_at(probabilities, blasts, weights, DECIDED_ACCURACY)
        return 0.5 - margin, 0.5 + margin
    of_set = [probabilities[blasts & (sources == name)] for name in np.unique(sources[blasts])]
    # The set whose blasts are hardest decides, so that no laboratory's are given up.
    low, high = (
        min(float(np.quantile(each, 1 - share)) for each in of_set)
        for share in (_LOWER_SENSITIVITY, SENSITIVITY)
    )
    return low, high


def even_weights(sources: np.ndarray, blasts: np.ndarray) -> np.ndarray:
    """Weigh cells (n,), mean 1, so that the classes count alike, and the sets of a class too."""
    weights = np.zeros(len(blasts))
    for called in (True, False):
        names = np.unique(sources[blasts == called])
        for name in names:
            part = (blasts == called) & (sources == name)
            weights[part] = len(blasts) / (2 * len(names) * part.sum())
    return weights

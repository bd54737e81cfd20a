"""Held-out predictions, each fold calibrated on the others."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from training.studies.held_out import (
    Predictions,
    auroc,
    cells_of,
    cross_fitted,
    fit_temperature,
    mean_auroc,
)


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(true):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 4, (20000, 2))
    blast = softmax(logits / true, axis=1)[:, 1]
    labels = (rng.random(20000) < blast).astype(int)
    assert fit_temperature(logits, labels) == pytest.approx(true, rel=0.05)


def test_faultless_logits_are_sharpened_to_the_limit_and_no_further():
    logits = np.array([[9.0, -9.0], [-9.0, 9.0]])
    assert 0.05 <= fit_temperature(logits, np.array([0, 1])) < 20


def test_a_temperature_needs_cells():
    with pytest.raises(ValueError, match="no cells"):
        fit_temperature(np.empty((0, 2)), np.empty(0))


def drawn_predictions(shift: float) -> Predictions:
    """Three folds of 40 cells; blasts lie 2 higher, all cells of H10 `shift` higher."""
    rng = np.random.default_rng(0)
    blasts = np.tile((True, False), 60)
    folds = np.repeat(("H22", "H14", "H10"), 40)
    scores = rng.normal(0, 1, 120) + 2 * blasts + shift * (folds == "H10")
    names = np.where(blasts, "33", folds)
    kinds = np.where(blasts, "all", "hem")
    return Predictions(np.stack((np.zeros(120), scores), axis=1), blasts, kinds, names, folds)


def test_a_fold_is_calibrated_on_the_others():
    plain, moved = (cross_fitted(drawn_predictions(shift)) for shift in (0.0, 50.0))
    own = moved.folds == "H10"
    assert (moved.probabilities[own] > 0.99).all()
    assert (plain.probabilities[plain.folds == "H10"] < 0.5).any()
    assert not np.array_equal(plain.probabilities[~own], moved.probabilities[~own])


def test_without_a_temperature_the_softmax_is_the_probability():
    predictions = drawn_predictions(0.0)
    expected = softmax(predictions.logits, axis=1)[:, 1]
    np.testing.assert_allclose(cells_of(predictions).probabilities, expected)


def test_all_folds_get_the_mean_area_under_the_curve():
    cells = cross_fitted(drawn_predictions(50.0))
    each = [auroc(cells.select(cells.folds == name)) for name in ("H22", "H14", "H10")]
    assert mean_auroc(cells) == pytest.approx(np.mean(each))
    assert auroc(cells) < mean_auroc(cells)

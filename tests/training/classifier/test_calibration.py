import numpy as np
import pytest
from scipy.special import softmax

from training.classifier.calibration import fit_temperature, uncertain_band


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


def test_the_band_lies_at_corrected_quantiles_of_each_class():
    blasts, normal = np.arange(1, 10) / 10, np.arange(1, 20) / 20 - 0.02
    probabilities = np.concatenate([blasts, normal])
    labels = np.repeat([1, 0], [9, 19])
    low, high = uncertain_band(probabilities, labels, 0.8, 0.8)
    assert low == pytest.approx(0.2)
    assert high == pytest.approx(0.78)
    assert np.mean(normal < high) >= 0.8
    assert np.mean(blasts >= low) >= 0.8


def test_a_normal_cell_on_the_upper_limit_is_not_called_a_blast():
    low, high = uncertain_band(np.repeat([0.1, 0.5], [5, 20]), np.repeat([1, 0], [5, 20]), 0.75)
    assert low == 0.1
    assert high > 0.5


def test_new_cells_are_covered():
    rng = np.random.default_rng(1)
    misses = []
    for _ in range(300):
        blasts, normal = rng.beta(3, 2, 60), rng.beta(2, 3, 60)
        labels = np.repeat([1, 0], [50, 50])
        low, high = uncertain_band(np.r_[blasts[:50], normal[:50]], labels, 0.9)
        misses.append((np.mean(blasts[50:] < low), np.mean(normal[50:] >= high)))
    assert np.all(np.mean(misses, axis=0) < 0.11)
    assert np.all(np.mean(misses, axis=0) > 0.07)


def test_classes_far_apart_leave_nothing_uncertain():
    probabilities = np.r_[np.linspace(0.8, 1, 50), np.linspace(0, 0.2, 50)]
    low, high = uncertain_band(probabilities, np.repeat([1, 0], 50))
    assert low == high
    assert 0.2 < low < 0.85


def test_too_few_cells_of_a_class_leave_its_rival_unnamed():
    low, high = uncertain_band(np.array([0.9, 0.1]), np.array([1, 0]))
    assert low == 0
    assert high > 1


def test_a_coverage_is_a_share():
    with pytest.raises(ValueError, match="coverage"):
        uncertain_band(np.array([0.5]), np.array([1]), 90)

import numpy as np
import pytest

from core.reliability import calibration_error, reliability


def test_bins_hold_probabilities_against_the_truth():
    probabilities = np.array([0.0, 0.02, 0.5, 0.5, 1.0])
    bins = reliability(probabilities, np.array([False, True, True, False, True]))
    assert bins.cells.tolist() == [2, 2, 1]
    assert bins.probabilities == pytest.approx([0.01, 0.5, 1.0])
    assert bins.blasts == pytest.approx([0.5, 0.5, 1.0])


def test_calibration_error_of_known_bins():
    probabilities = np.repeat([0.9, 0.1], 10)
    honest = np.repeat([True, False, True, False], [9, 1, 1, 9])
    assert calibration_error(probabilities, honest) == pytest.approx(0)
    assert calibration_error(probabilities, ~honest) == pytest.approx(0.8)

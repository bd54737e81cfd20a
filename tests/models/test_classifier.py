from __future__ import annotations

import numpy as np
import pytest

from models.classifier import Classifier, softmax
from models.images import classifier_input
from tests.networks import write_classifier
from tests.stand_ins import drawn_cell


@pytest.fixture
def classifier(tmp_path) -> Classifier:
    return Classifier.load(write_classifier(tmp_path / "classifier"), "f32")


def test_probability_is_the_softmax_after_temperature(classifier):
    logit = classifier_input(drawn_cell(), 32).mean()
    expected = 1 / (1 + np.exp(-logit / 2.0))
    result = classifier.classify(drawn_cell())
    assert result.probability == pytest.approx(expected, abs=1e-3)
    assert result.usable
    assert result.reason is None
    assert result.model == "test-1"


def test_unusable_images_get_a_reason_and_no_label(classifier):
    result = classifier.classify(np.full((90, 90, 3), 255, np.uint8))
    assert (result.label, result.probability, result.usable) == (None, None, False)
    assert "blank" in result.reason


@pytest.mark.parametrize(
    ("probability", "label"),
    [
        (0.0, "normal"),
        (0.39, "normal"),
        (0.4, "uncertain"),
        (0.59, "uncertain"),
        (0.6, "all_blast"),
        (1.0, "all_blast"),
    ],
)
def test_the_band_between_the_thresholds_is_uncertain(classifier, probability, label):
    assert classifier.label(probability) == label


def test_probabilities_reads_many(classifier):
    cells = [drawn_cell(), drawn_cell(chromatin=(20, 0, 60))]
    one_by_one = [classifier.probabilities([cell])[0] for cell in cells]
    np.testing.assert_array_equal(classifier.probabilities(cells), one_by_one)
    assert len(set(one_by_one)) == 2


def test_softmax_sums_to_one_without_overflow():
    np.testing.assert_allclose(softmax(np.array([1000.0, 1000.0])), [0.5, 0.5])
    np.testing.assert_allclose(softmax(np.array([0.0, np.log(3)])), [0.25, 0.75])

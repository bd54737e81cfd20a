from __future__ import annotations

import json

import numpy as np
import pytest

from imaging.images import classifier_input
from models.classifier.classifier import Classifier
from tests.networks import write_classifier
from tests.stand_ins import drawn_cell


@pytest.fixture
def classifier(tmp_path) -> Classifier:
    return Classifier.load(write_classifier(tmp_path / "classifier"), "f32")


@pytest.mark.parametrize(("view", "temperature"), [("black", 2.0), ("crop", 1.0)])
def test_probability_is_the_softmax_after_the_views_temperature(classifier, view, temperature):
    logit = classifier_input(drawn_cell(), 32).mean()
    expected = 1 / (1 + np.exp(-logit / temperature))
    assert classifier.read(drawn_cell(), view).probability == pytest.approx(expected, abs=1e-3)


def test_the_mean_of_the_activation_map_is_the_difference_of_the_logits(classifier):
    logit = classifier_input(drawn_cell(), 32).mean()
    places = classifier.activation_map(drawn_cell())
    assert places.shape == (2, 2)
    assert places.mean() == pytest.approx(logit, abs=1e-3)


def test_a_cell_far_from_those_trained_on_is_unfamiliar(tmp_path):
    folder = write_classifier(tmp_path / "classifier")
    content = json.loads((folder / "manifest.json").read_text())
    reading = Classifier.load(folder, "f32").read(drawn_cell(), "crop")
    assert reading.in_distribution
    content["thresholds"]["familiar"] = reading.ood_score - 0.01
    (folder / "manifest.json").write_text(json.dumps(content))
    assert Classifier.load(folder, "f32").read(drawn_cell(), "crop").in_distribution is False


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
    assert classifier.label(probability, "black") == label


def test_probabilities_reads_many(classifier):
    cells = [drawn_cell(), drawn_cell(chromatin=(20, 0, 60))]
    one_by_one = [classifier.read(cell, "crop").probability for cell in cells]
    np.testing.assert_array_equal(classifier.probabilities(cells, "crop"), one_by_one)
    assert len(set(one_by_one)) == 2

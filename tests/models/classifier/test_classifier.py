from __future__ import annotations

import json

import numpy as np
import pytest

from imaging.images import classifier_input
from models.classifier.classifier import Classifier
from models.manifest import read_manifest
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
    stricter = Classifier.load(folder, "f32")
    assert stricter.read(drawn_cell(), "crop").in_distribution is False
    assert stricter.opinions([drawn_cell()], "crop")[0].in_distribution is False


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


class KnownOutputs:
    """A network that says the same of every cell."""

    def __init__(self, **outputs):
        self._outputs = {name: np.array([values]) for name, values in outputs.items()}

    def run(self, batch):
        return {name: values.repeat(len(batch), 0) for name, values in self._outputs.items()}


def saying(tmp_path, blast, kinds, smudge=0.6, attributes=None, form=()):
    """A classifier whose answers are the logit of a blast and those of three kinds."""
    folder = write_classifier(tmp_path / "classifier")
    manifest = read_manifest(folder, "classifier")
    thresholds = {**manifest.thresholds, "smudge": smudge}
    named = manifest.model_copy(
        update={
            "kinds": ("blast", "lymphocyte", "smudge"),
            "thresholds": thresholds,
            "attributes": attributes or {},
        }
    )
    outputs = {"logits": (0.0, blast), "embedding": (0.0,), "kind": kinds, "attributes": form}
    return Classifier(KnownOutputs(**outputs), named)


def test_a_smudge_is_named_whatever_it_may_have_been_and_nothing_is_decided(tmp_path):
    reading = saying(tmp_path, blast=5.0, kinds=(2.0, 0.0, 4.0)).read(drawn_cell(), "crop")
    assert (reading.kind, reading.label) == ("smudge", "uncertain")
    assert reading.kind_probability == pytest.approx(0.867, abs=0.001)


def test_below_its_threshold_a_smudge_is_no_kind(tmp_path):
    classifier = saying(tmp_path, blast=-5.0, kinds=(2.0, 1.0, 2.5), smudge=0.9)
    reading = classifier.read(drawn_cell(), "crop")
    assert (reading.kind, reading.label) == ("lymphocyte", "normal")


def test_the_threshold_of_a_blast_decides_over_its_kind(tmp_path):
    called = saying(tmp_path, blast=5.0, kinds=(0.0, 3.0, 0.0)).read(drawn_cell(), "crop")
    assert (called.kind, called.label) == ("blast", "all_blast")


def test_kinds_are_named_for_cells_with_their_surroundings_alone(tmp_path):
    reading = saying(tmp_path, blast=5.0, kinds=(0.0, 0.0, 9.0)).read(drawn_cell(), "black")
    assert (reading.kind, reading.kind_probability, reading.label) == (None, None, "all_blast")


def test_each_attribute_of_the_form_comes_with_its_probability(tmp_path):
    attributes = {"cell_size": ("small", "big"), "granule_type": ("nil", "small", "coarse")}
    form = (0.0, 2.0, 1.0, 1.0, 3.0)
    classifier = saying(tmp_path, -5.0, (0.0, 3.0, 0.0), attributes=attributes, form=form)

    (opinion,) = classifier.opinions([drawn_cell()], "crop")
    assert opinion.morphology == {"cell_size": "big", "granule_type": "coarse"}
    assert opinion.morphology_probabilities == pytest.approx(
        {"cell_size": 0.881, "granule_type": 0.787}, abs=0.001
    )
    assert classifier.read(drawn_cell(), "crop").morphology == opinion.morphology
    assert classifier.opinions([drawn_cell()], "black")[0].morphology == {}

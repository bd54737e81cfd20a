from __future__ import annotations

import numpy as np
import pytest

from models.classifier.classifier import Classifier
from models.findings import ALL_BLAST, NORMAL, UNCERTAIN
from tests.networks import write_classifier
from tests.training.classifier.test_data import draw_composites
from tests.training.drawn import draw_sets
from training.classifier import data
from training.classifier.data import CellSource, Places
from training.classifier.predictions import (
    NORMAL_COVERAGE,
    SENSITIVITY,
    Limits,
    Predictions,
    calibrate,
    limit_per_subject,
    predict_held_out,
)
from training.data import DataError


@pytest.fixture(scope="module")
def readings() -> Predictions:
    """400 cells, blasts 2 higher than normal ones, all logits three times too sure."""
    rng = np.random.default_rng(0)
    blasts = np.tile((True, False), 200)
    scores = 3 * (rng.normal(0, 1, 400) + 2 * blasts - 1)
    columns = [np.full(400, name) for name in ("all", "33", "H22", "a.png")]
    return Predictions(np.stack((0 * scores, scores), 1), np.ones(400), blasts, *columns)


def test_limits_keep_what_they_promise(readings):
    limits = calibrate(readings)
    found = limits.probabilities(readings.logits)
    assert (found[readings.blasts] >= limits.uncertain_low).mean() >= SENSITIVITY
    assert (found[~readings.blasts] < limits.uncertain_high).mean() >= NORMAL_COVERAGE
    assert limits.temperature > 1


def test_labels_are_those_of_the_served_classifier(tmp_path):
    classifier = Classifier.load(write_classifier(tmp_path / "weights"))
    limits = Limits(**classifier.manifest.views["black"])
    shares = np.linspace(0, 1, 21)
    ours = limits.labels(shares).tolist()
    assert ours == [classifier.label(float(share), "black") for share in shares]
    assert {NORMAL, UNCERTAIN, ALL_BLAST} == set(ours)


def test_at_most_so_many_of_each_subject_or_kind():
    def cells(kind, subject, count):
        return [CellSource(None, None, 0, kind, subject)] * count

    chosen = limit_per_subject(cells("hem", "A", 5) + cells("hem", "B", 1) + cells("txl", "", 4), 2)
    names = sorted(source.subject or source.kind for source in chosen)
    assert names == ["A", "A", "B", "txl", "txl"]


@pytest.fixture
def places(tmp_path, monkeypatch) -> Places:
    monkeypatch.setattr(data, "_FOLD_COMPOSITES", 8)
    return Places(
        draw_sets(tmp_path / "data"),
        draw_composites(tmp_path / "composites"),
        tmp_path / "cutouts",
        tmp_path / "folds",
    )


def test_a_network_that_is_no_ensemble_is_an_error_with_its_remedy(tmp_path, places, monkeypatch):
    classifier = Classifier.load(write_classifier(tmp_path / "weights"))
    ensembles = classifier.outputs

    def without_members(window: np.ndarray) -> dict[str, np.ndarray]:
        return {name: values for name, values in ensembles(window).items() if name != "members"}

    monkeypatch.setattr(classifier, "outputs", without_members)
    with pytest.raises(DataError, match=r"training\.cells export"):
        predict_held_out(classifier, places, 4, 3)


def test_held_out_cells_of_every_fold_are_predicted_in_both_views(tmp_path, places):
    classifier = Classifier.load(write_classifier(tmp_path / "weights"))
    found = predict_held_out(classifier, places, 4, 3)
    assert sorted(zip(found["black"].folds, found["black"].subjects, strict=True)) == [
        *(("H10", "34"), ("H10", "H10")),
        *(("H14", "44"), ("H14", "H14")),
        *(("H22", "33"), ("H22", "H22")),
    ]
    assert set(found["crop"].folds) == {"H22", "H14", "H10"}
    assert found["crop"].logits.shape == (len(found["crop"].blasts), 2)
    assert (found["black"].ood_scores > 0).all()

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit

from models.classifier.cell_views import View
from training.cells.calibration import (
    Limits,
    calibrate,
    coverage_at,
    cross_fitted,
    even_weights,
    fit_scaling,
    of_view,
    smudge_limit,
    smudge_shares,
)
from training.cells.data import KINDS, UNKNOWN
from training.cells.predict import Predictions


def cells(logits, blasts, sources, folds=None) -> tuple[SimpleNamespace, Predictions]:
    """A pack of which only the labels are read, and the predictions of all its rows."""
    n = len(logits)
    kinds = np.full(len(sources), UNKNOWN)
    pack = SimpleNamespace(source=np.array(sources), blast=np.array(blasts, np.int8), kind=kinds)
    kind_logits = np.zeros((n, len(KINDS)), np.float32)
    nothing = np.zeros((n, 1), np.float32)
    folds = np.zeros(n, int) if folds is None else np.array(folds)
    made = Predictions(
        np.arange(n), folds, np.array(logits, np.float32), kind_logits, nothing, np.ones(n)
    )
    return pack, made


def overconfident(n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    true = rng.normal(0, 1.5, n)
    return 3 * true, (rng.random(n) < expit(true)).astype(int)


def test_an_overconfident_network_is_calmed():
    logits, blasts = overconfident()
    limits = fit_scaling(*cells(logits, blasts, ["cnmc"] * len(logits)))
    assert limits.temperature == pytest.approx(3, rel=0.15)
    assert limits.offset == pytest.approx(0, abs=0.15)


def test_sets_far_apart_do_not_make_a_network_surer():
    logits = np.r_[np.full(50, 2.0), np.full(50, -2.0)]
    sources = ["lmu"] * 50 + ["pbc"] * 50
    limits = fit_scaling(*cells(logits, [1] * 50 + [0] * 50, sources))
    assert limits.temperature == 1


def test_classes_and_the_sets_of_a_class_count_alike():
    sources = np.array(["lmu"] * 6 + ["snam"] * 2 + ["pbc"] * 2)
    blasts = np.array([True] * 8 + [False] * 2)
    weights = even_weights(sources, blasts)
    assert weights.mean() == pytest.approx(1)
    assert weights[blasts].sum() == pytest.approx(weights[~blasts].sum())
    assert weights[sources == "lmu"].sum() == pytest.approx(weights[sources == "snam"].sum())


def test_a_fold_is_calibrated_on_the_others():
    logits, blasts = overconfident(400)
    folds = np.arange(400) % 2
    pack, made = cells(logits, blasts, ["cnmc"] * 400, folds)
    other = fit_scaling(pack, made.select(folds == 1))
    expected = other.probabilities(logits[folds == 0])
    np.testing.assert_allclose(cross_fitted(pack, made)[folds == 0], expected, rtol=1e-5)


def test_coverage_is_the_share_of_the_surest_cells_that_are_right_often_enough():
    probabilities = np.array([0.99, 0.02, 0.9, 0.2, 0.6])
    blasts = np.array([True, False, True, True, False])
    even = np.ones(5)
    assert coverage_at(probabilities, blasts, even, 1.0) == (0.6, pytest.approx(0.4))
    assert coverage_at(probabilities, blasts, even, 0.75) == (0.8, pytest.approx(0.3))
    assert coverage_at(1 - probabilities, blasts, even, 0.9) == (0.0, 0.5)


def test_the_hardest_sets_blasts_place_the_operating_point():
    easy, hard, normal = np.linspace(3, 5, 100), np.linspace(-1, 1, 100), np.linspace(-5, -3, 100)
    sources = ["lmu"] * 100 + ["snam"] * 100 + ["pbc"] * 100
    pack, made = cells(np.r_[easy, hard, normal], [1] * 200 + [0] * 100, sources)
    limits = calibrate(pack, made, View.CONTEXT)
    probabilities = limits.probabilities(hard)
    assert (probabilities >= limits.uncertain_high).mean() == pytest.approx(0.9, abs=0.01)
    assert 0 < limits.uncertain_low < limits.uncertain_high


def test_the_band_on_black_is_round_an_even_chance():
    logits, blasts = overconfident()
    pack, made = cells(logits, blasts, ["cnmc"] * len(logits))
    limits = calibrate(pack, made, View.SEGMENTED)
    assert limits.uncertain_low + limits.uncertain_high == pytest.approx(1)
    assert limits.uncertain_low < 0.5


def test_each_view_has_its_sets_and_cells_without_a_truth_are_left_out():
    sources = ["cnmc", "lmu", "snam", "pbc", "txl", "cnmc"]
    pack, made = cells([0.0] * 6, [1, 1, 1, 0, 0, -1], sources)
    assert of_view(pack, made, View.SEGMENTED).rows.tolist() == [0]
    assert of_view(pack, made, View.CONTEXT).rows.tolist() == [1, 2, 3, 4]


def test_a_smudge_is_in_no_view():
    pack, made = cells([0.0] * 2, [0, 0], ["snam", "snam"])
    pack.kind[0] = KINDS.index("smudge")
    assert of_view(pack, made, View.CONTEXT).rows.tolist() == [1]


def test_hardly_a_real_blast_is_called_a_smudge():
    pack, made = cells([0.0] * 200, [1] * 200, ["lmu"] * 200)
    made.kind[0, KINDS.index("smudge")] = 9.0
    made.kind[1, KINDS.index("smudge")] = 5.0
    limit = smudge_limit(pack, made)
    assert (smudge_shares(made) >= limit).sum() <= 1
    pack.blast[:] = 1
    made.kind[:] = 0
    assert smudge_limit(pack, made) == 0.5


def test_probabilities_are_those_that_the_classifier_serves():
    limits = Limits(temperature=2.0, offset=0.5)
    assert limits.probabilities(np.array([1.0]))[0] == pytest.approx(expit(1.0))

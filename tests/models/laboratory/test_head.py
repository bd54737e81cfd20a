import numpy as np
import pytest

from core.statistics import auroc
from models.laboratory.head import (
    SENSITIVITY,
    Samples,
    TooFewCellsError,
    fit,
    operating_points,
)


def samples(cells=400, features=20, base_weight=1.0, feature_weight=3.0, seed=0, groups=20):
    """Make cells whose class the base knows a little and one feature knows more."""
    rng = np.random.default_rng(seed)
    positive = rng.random(cells) < 0.4
    signs = np.where(positive, 1.0, -1.0)
    base = 1 / (1 + np.exp(-(base_weight * signs + rng.normal(size=cells))))
    made = rng.normal(size=(cells, features))
    made[:, 0] += feature_weight * signs
    return Samples(base, made.astype(np.float16), positive, rng.integers(groups, size=cells))


def test_a_head_learns_what_the_base_does_not_see():
    taught, tested = samples(seed=1), samples(seed=2)
    head = fit(taught).head
    after = head.probabilities(tested.base, tested.features)
    assert auroc(after, tested.positive) > 0.98 > auroc(tested.base, tested.positive)


def test_a_head_of_uninformative_features_keeps_the_bases_order():
    taught, tested = samples(feature_weight=0, seed=1), samples(feature_weight=0, seed=2)
    after = fit(taught).head.probabilities(tested.base, tested.features)
    assert auroc(after, tested.positive) > auroc(tested.base, tested.positive) - 0.02


def test_few_cells_change_little():
    taught = samples(cells=24, seed=3)
    few, many = (
        fit(given, least=2, variances=[1.0]).head for given in (taught, samples(cells=2000, seed=3))
    )
    assert np.abs(few.weights).sum() < np.abs(many.weights).sum() / 2


def test_without_variance_the_features_have_no_say():
    head = fit(samples(), variances=[0.0]).head
    assert not head.weights.any()
    assert head.slope > 0


def test_what_is_said_out_of_fold_is_not_from_the_cell_itself():
    rng = np.random.default_rng(0)
    noise = Samples(
        np.full(100, 0.5), rng.normal(size=(100, 60)), rng.random(100) < 0.5, np.arange(100)
    )
    assert 0.3 < auroc(fit(noise).out_of_fold, noise.positive) < 0.7


@pytest.mark.parametrize(
    ("positive", "groups"),
    [
        (np.arange(30) < 3, np.arange(30)),
        (np.arange(30) >= 3, np.arange(30)),
        (np.arange(30) < 15, np.zeros(30, int)),
        (np.zeros(0, bool), np.zeros(0, int)),
    ],
)
def test_too_few_cells_or_groups_are_refused(positive, groups):
    given = Samples(np.full(len(positive), 0.5), np.zeros((len(positive), 4)), positive, groups)
    with pytest.raises(TooFewCellsError) as error:
        fit(given)
    assert error.value.positive == positive.sum()
    assert error.value.least == 10


def test_the_threshold_finds_nine_of_ten_blasts_and_the_band_starts_below():
    rng = np.random.default_rng(0)
    positive = rng.random(500) < 0.5
    said = 1 / (1 + np.exp(-rng.normal(np.where(positive, 1, -1))))
    threshold, lower = operating_points(said, positive)
    assert (said[positive] >= threshold).mean() >= SENSITIVITY
    assert (said[positive] >= lower).mean() >= 1 - (1 - SENSITIVITY) / 2
    assert lower <= threshold


def test_a_perfect_answer_puts_the_threshold_above_all_negative_cells():
    positive = np.arange(40) < 20
    said = np.where(positive, 0.8 + np.arange(40) / 1000, 0.1)
    threshold, _ = operating_points(said, positive)
    assert (said >= threshold).tolist() == positive.tolist()

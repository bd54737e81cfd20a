import numpy as np
import pytest

from training.metrics.scores import (
    accuracy,
    auroc,
    confusion,
    f1,
    precision,
    roc_band,
    sensitivity,
    specificity,
    subject_samples,
)

BLASTS = np.array([True, True, True, True, False, False])
CALLED = np.array([True, True, True, False, True, False])


def test_counted_scores():
    assert sensitivity(CALLED, BLASTS) == 3 / 4
    assert specificity(CALLED, BLASTS) == 1 / 2
    assert precision(CALLED, BLASTS) == 3 / 4
    assert accuracy(CALLED, BLASTS) == 4 / 6
    assert f1(np.array([True, False, True]), np.array([True, True, True])) == pytest.approx(0.8)
    assert confusion(CALLED, BLASTS).tolist() == [[1, 1], [1, 3]]


def test_scores_of_nothing_are_not_numbers():
    none = np.zeros(3, bool)
    assert np.isnan([sensitivity(none, none), precision(none, none), f1(none, none)]).all()
    assert np.isnan(specificity(none, ~none))
    empty = np.zeros(0, bool)
    for score in (sensitivity, specificity, precision, accuracy, f1):
        assert np.isnan(score(empty, empty))
    assert np.isnan([auroc(np.ones(3), none), auroc(np.ones(3), ~none)]).all()


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    scores = np.array([0.9, 0.4, 0.4, 0.1])
    assert auroc(scores, np.array([True, True, False, False])) == pytest.approx(3.5 / 4)
    assert auroc(scores * 1000, np.array([True, True, False, False])) == pytest.approx(3.5 / 4)


def test_samples_keep_the_number_of_subjects_of_each_kind():
    kinds = np.repeat(["all", "hem"], [20, 10])
    subjects = np.repeat(["1", "2", "H"], 10)
    samples = [subjects[sample] for sample in subject_samples(kinds, subjects, 50)]
    assert all((sample == "H").sum() == 10 for sample in samples)
    assert {(sample == "1").sum() for sample in samples} == {0, 10, 20}


def test_a_lone_subject_varies_by_its_cells_and_samples_repeat():
    kinds, subjects = np.full(30, "hem"), np.full(30, "H")
    once, again = (np.stack(list(subject_samples(kinds, subjects, 5))) for _ in range(2))
    assert (once == again).all()
    assert len(np.unique(once[0])) < 30
    assert (once[0] != once[1]).any()


def test_the_band_of_a_roc_curve_holds_the_curve_and_is_wider_for_fewer_cells():
    rng, widths = np.random.default_rng(0), []
    for cells in (40, 4000):
        blasts = np.arange(cells) % 2 == 0
        probabilities = blasts + rng.standard_normal(cells)
        samples = subject_samples(blasts, np.arange(cells), 50)
        places, curve, low, high = roc_band(probabilities, blasts, samples)
        assert (places[0], places[-1], curve[-1]) == (0, 1, 1)
        assert (low <= curve + 0.02).all()
        assert (curve <= high + 0.02).all()
        widths.append((high - low).mean())
    assert widths[0] > 3 * widths[1]


def test_a_band_without_samples_that_differ_is_the_curve():
    blasts = np.array([True, False, True, False])
    scores = np.array([0.9, 0.6, 0.5, 0.1])
    places, curve, low, high = roc_band(scores, blasts, [np.arange(4)])
    assert places[[0, 49, 50, 100]] == pytest.approx([0, 0.49, 0.5, 1])
    assert list(curve[[0, 49, 50, 100]]) == [0.5, 0.5, 1, 1]
    assert (low == curve).all()
    assert (high == curve).all()

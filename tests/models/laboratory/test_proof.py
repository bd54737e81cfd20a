"""Whether a head may be used is decided on patients that it was not fitted to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.laboratory import proof
from models.laboratory.head import Fit, Samples, TooFewCellsError, fit
from models.laboratory.proof import FIGURES, MOST_CHANGED, Change, prove

DRAWS = 60


def laboratory(patients: int, cells: int = 20, learnable: float = 2.0, seed: int = 0) -> Samples:
    """Cells of either class of each patient, whose base opinion is good but not perfect."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(patients), cells)
    positive = np.arange(patients * cells) % 2 == 0
    base = 1 / (1 + np.exp(-(np.where(positive, 1, -1) + rng.normal(0, 1.5, len(groups)))))
    features = rng.normal(0, 1, (len(groups), 8))
    features[:, 0] += learnable * positive
    return Samples(base, features, positive, groups)


def test_a_head_that_learns_passes_with_better_figures():
    proved = prove(laboratory(12), threshold=0.5, draws=DRAWS)
    assert set(proved.changes) == set(FIGURES)
    assert proved.passed
    assert proved.changes["auroc"].after > proved.changes["auroc"].before + 0.05
    assert proved.changes["auroc"].low > 0
    assert proved.tried.all()


def test_what_only_a_patient_tells_is_no_gain():
    cells = laboratory(12, learnable=0)
    # Of each patient all cells are of one class, and the features name the patient.
    positive = cells.groups % 2 == 0
    features = np.eye(12)[cells.groups] * 5
    leaking = Samples(cells.base, features, positive, cells.groups)
    proved = prove(leaking, threshold=0.5, draws=DRAWS)
    assert proved.changes["auroc"].after < proved.changes["auroc"].before + 0.1


def test_a_head_that_makes_the_answers_worse_does_not_pass(monkeypatch):
    def inverted(samples: Samples, *args, **kwargs) -> Fit:
        fitted = fit(samples, *args, **kwargs)
        return replace(fitted, head=replace(fitted.head, slope=-1.0, weights=0 * fitted.head.mean))

    monkeypatch.setattr(proof, "fit", inverted)
    worse = prove(laboratory(10, cells=40), threshold=0.5, draws=DRAWS)
    assert {"auroc", "specificity"} <= set(worse.failed)
    assert not worse.passed


@pytest.mark.parametrize(
    ("change", "passed"),
    [
        (Change(0.8, 0.9, 0.05, 0.15, rises=True), True),
        (Change(0.8, 0.79, -0.05, 0.03, rises=True), True),
        (Change(0.8, 0.7, -0.15, -0.05, rises=True), False),
        (Change(0.1, 0.2, 0.05, 0.15, rises=False), False),
        (Change(0.2, 0.1, -0.15, -0.05, rises=False), True),
        (Change(0.8, np.nan, np.nan, np.nan, rises=True), False),
        (Change(0.1, np.nan, np.nan, np.nan, rises=False), False),
    ],
)
def test_a_figure_passes_unless_it_is_worse_beyond_its_interval_or_unknown(change, passed):
    assert change.passed is passed


def test_two_patients_are_tried_on_each_other():
    proved = prove(laboratory(2, cells=40), threshold=0.5, draws=DRAWS)
    assert proved.tried.all()


def test_a_head_that_was_not_tried_on_every_patient_does_not_pass():
    cells = laboratory(3)
    # Two blasts beside the first patient's: no head can be fitted without that one.
    blasts = cells.positive & ((cells.groups == 0) | (np.arange(len(cells)) == 20))
    proved = prove(Samples(cells.base, cells.features, blasts, cells.groups), 0.5, draws=DRAWS)
    assert not proved.tried.all()
    assert not proved.passed


def test_too_few_cells_or_patients_are_refused():
    with pytest.raises(TooFewCellsError):
        prove(laboratory(1, cells=60), threshold=0.5, draws=DRAWS)
    with pytest.raises(TooFewCellsError):
        prove(laboratory(4, cells=4), threshold=0.5, draws=DRAWS)


def test_the_most_changed_cells_come_first():
    proved = prove(laboratory(6), threshold=0.5, draws=DRAWS)
    moved = np.abs(proved.after.probabilities - proved.before.probabilities)
    rows = proved.most_changed()
    assert len(rows) == MOST_CHANGED
    assert (np.diff(moved[rows]) <= 0).all()
    assert moved[rows[0]] == moved.max()

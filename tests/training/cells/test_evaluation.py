import numpy as np
import pytest

from tests.training.cells.test_calibration import cells
from training.cells.calibration import Limits
from training.cells.evaluation import _ON_BLACK, Cells, auroc, cells_of, measure


def test_cells_are_labelled_by_the_limits_that_are_served(pack):
    subjects = np.array(["1", "H2", "H2"])
    made_pack, made = cells([-2.0, 0.0, 2.0], [0, 0, 1], ["cnmc"] * 3)
    made_pack.subject, made_pack.group = subjects, subjects
    made_pack.area = np.array([5, 6, 7])
    labels = cells_of(made_pack, made, Limits(1.0, 0.0, 0.3, 0.7)).labels
    assert labels.tolist() == ["normal", "uncertain", "all_blast"]


def of_two_folds() -> Cells:
    """In each fold the order is right; between them the scale differs."""
    n = 8
    return Cells(
        probabilities=np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9]),
        labels=np.array(["normal", "normal", "uncertain", "all_blast"] * 2),
        blasts=np.array([False, False, True, True] * 2),
        sources=np.full(n, "cnmc"),
        subjects=np.array(["H1", "H1", "1", "1", "H2", "H2", "2", "2"]),
        folds=np.repeat([0, 1], 4),
        areas=np.arange(n),
    )


def test_the_area_under_the_curve_is_the_mean_of_the_folds():
    assert auroc(of_two_folds()) == 1.0


def test_uncertain_cells_are_neither_right_nor_wrong():
    estimates = measure(of_two_folds(), _ON_BLACK, 3)
    assert estimates["sensitivity at the operating point"].value == 0.5
    assert estimates["called uncertain, as a share"].value == 0.25
    assert estimates["accuracy of the rest"].value == 1.0
    assert estimates["AUROC of subjects' means"].value == pytest.approx(0.75)

"""Whether kinds get better or worse is measured on patients that a head was not fitted to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.laboratory import kinds_proof
from models.laboratory.kinds import KINDS, KindSamples, KindsHead, fit_kinds
from models.laboratory.kinds_proof import KIND_FIGURES, prove_kinds
from tests.models.laboratory.test_kinds import CLASSES, laboratory, nothing_to_learn

DRAWS = 60


def test_a_head_that_learns_passes_with_better_figures():
    proved = prove_kinds(laboratory(cells=30), draws=DRAWS)
    assert set(proved.changes) == set(KIND_FIGURES)
    assert proved.passed
    assert proved.changes["kinds_accuracy"].low > 0
    assert proved.head.classes == CLASSES
    assert set(proved.of_class) == set(CLASSES)
    assert proved.before.sum() == proved.after.sum() == proved.cells == 180
    at = proved.classes.index("monocyte")
    assert proved.after[at, at] > proved.before[at, at]


def test_what_only_a_patient_tells_is_no_gain():
    cells = laboratory(told=0.0, cells=30)
    leaking = replace(
        cells,
        features=5.0 * np.eye(6)[cells.groups],
        labels=np.array(CLASSES)[cells.groups % 3],
    )
    proved = prove_kinds(leaking, draws=DRAWS)
    change = proved.changes["kinds_accuracy"]
    assert change.after < change.before + 0.1


def test_a_head_that_names_kinds_worse_does_not_pass(monkeypatch):
    def inverted(*args, **kwargs) -> KindsHead:
        return replace(fit_kinds(*args, **kwargs), slope=-1.0)

    monkeypatch.setattr(kinds_proof, "fit_kinds", inverted)
    proved = prove_kinds(laboratory(told=0.5, base=3.0, cells=30), draws=DRAWS)
    assert not proved.passed


def test_where_nothing_is_corrected_nothing_changes():
    proved = prove_kinds(nothing_to_learn(), draws=DRAWS)
    assert proved.head is None
    assert proved.passed
    np.testing.assert_array_equal(proved.before, proved.after)


def test_a_rare_class_is_measured_and_not_moved():
    cells = laboratory(cells=30)
    labels = cells.labels.copy()
    labels[0] = "basophil"
    proved = prove_kinds(replace(cells, labels=labels), draws=DRAWS)
    assert "basophil" in proved.of_class
    assert "basophil" not in proved.head.classes
    assert proved.changes["kinds_accuracy"].after > proved.changes["kinds_accuracy"].before


def test_no_cells_or_no_kinds_give_no_proof():
    nothing = KindSamples(
        np.empty((0, len(KINDS))), np.empty((0, 3)), np.empty(0, str), np.empty(0, np.int64)
    )
    assert prove_kinds(nothing) is None
    cells = laboratory(cells=12)
    assert prove_kinds(replace(cells, base=np.zeros_like(cells.base))) is None

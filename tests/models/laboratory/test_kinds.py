"""The head over kinds learns from a laboratory's cells, and changes little where there are few."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.taxonomy import CLASS_OF_KIND
from models.laboratory.kinds import (
    KIND_CLASSES,
    KINDS,
    KindSamples,
    fit_kinds,
    likeliest_classes,
    movable_classes,
)

CLASSES = ("lymphocyte", "monocyte", "neutrophil")
FEATURES = 12


def laboratory(
    cells: int = 60, patients: int = 6, told: float = 2.0, base: float = 1.0, seed: int = 0
) -> KindSamples:
    """Cells of three classes in turn, of which the base knows a little and the features `told`."""
    rng = np.random.default_rng(seed)
    right = np.arange(cells * patients) % 3
    labels = np.array(CLASSES)[right]
    logits = rng.normal(size=(len(labels), len(KINDS)))
    for row, label in enumerate(labels.tolist()):
        kind = {"neutrophil": "neutrophil_segmented"}.get(label, label)
        logits[row, KINDS.index(kind)] += base
    shares = np.exp(logits)
    features = rng.normal(size=(len(labels), FEATURES))
    features[:, :3] += told * np.eye(3)[right]
    groups = np.repeat(np.arange(patients), cells)
    return KindSamples(shares / shares.sum(axis=1, keepdims=True), features, labels, groups)


def nothing_to_learn() -> KindSamples:
    """Cells whose classes are drawn as the base says; the features are noise."""
    made = laboratory(told=0.0, base=0.0)
    shares = np.stack(
        [
            made.base[:, [at for at, kind in enumerate(KINDS) if CLASS_OF_KIND[kind] == code]].mean(
                1
            )
            for code in CLASSES
        ],
        axis=1,
    )
    base = made.base.copy()
    for form in ("segmented", "band"):
        base[:, KINDS.index(f"neutrophil_{form}")] /= 2
    bounds = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    drawn = np.random.default_rng(0).random((len(bounds), 1))
    labels = np.array(CLASSES)[np.minimum((drawn > bounds).sum(axis=1), 2)]
    return replace(made, base=base, labels=labels)


def accuracy(samples: KindSamples, base: np.ndarray) -> float:
    return float((likeliest_classes(base) == samples.labels).mean())


def test_it_learns_what_the_base_does_not_see():
    taught, tested = laboratory(seed=1), laboratory(seed=2)
    head = fit_kinds(taught)
    assert head is not None
    assert head.classes == CLASSES
    after = head.corrected(tested.base, tested.features)
    assert accuracy(tested, after) > accuracy(tested, tested.base) + 0.1


def test_each_cell_keeps_its_mass_and_the_other_kinds_theirs():
    tested = laboratory(seed=2)
    after = fit_kinds(laboratory(seed=1)).corrected(tested.base, tested.features)
    np.testing.assert_allclose(after.sum(axis=1), 1)
    for kind in ("blast", "smudge", "basophil", "artefact"):
        column = KINDS.index(kind)
        np.testing.assert_array_equal(after[:, column], tested.base[:, column])
    segmented, band = (KINDS.index(f"neutrophil_{form}") for form in ("segmented", "band"))
    np.testing.assert_allclose(
        after[:, segmented] / after[:, band], tested.base[:, segmented] / tested.base[:, band]
    )


def test_few_cells_change_little():
    few, many = laboratory(cells=6, patients=5, seed=3), laboratory(cells=300, seed=3)
    tested = laboratory(seed=4)
    moved = []
    for taught in (few, many):
        head = fit_kinds(taught)
        after = tested.base if head is None else head.corrected(tested.base, tested.features)
        moved.append(np.abs(after - tested.base).mean())
    assert moved[0] < moved[1]


def test_where_nothing_is_to_be_learnt_nothing_is_corrected():
    assert fit_kinds(nothing_to_learn()) is None


@pytest.mark.parametrize(
    ("lymphocytes", "monocytes", "moved"),
    [(10, 10, ("lymphocyte", "monocyte")), (9, 10, ("monocyte",)), (0, 0, ())],
)
def test_only_classes_with_enough_cells_of_two_patients_are_moved(lymphocytes, monocytes, moved):
    labels = np.array(["lymphocyte"] * lymphocytes + ["monocyte"] * monocytes + ["basophil"] * 20)
    count = len(labels)
    # All basophils are of one patient.
    groups = np.where(labels == "basophil", 0, np.arange(count) % 2)
    samples = KindSamples(
        np.full((count, len(KINDS)), 1 / len(KINDS)), np.zeros((count, 2)), labels, groups
    )
    assert movable_classes(samples, 10, 2) == moved
    if len(moved) < 2:
        assert fit_kinds(samples) is None


def test_a_base_that_tells_no_kinds_stays_without():
    taught = laboratory()
    head = fit_kinds(taught)
    assert not head.corrected(np.zeros_like(taught.base), taught.features).any()


def test_blasts_and_smudges_are_decided_elsewhere():
    assert "blast" not in KIND_CLASSES
    assert "smudge" not in KIND_CLASSES
    base = np.full((1, len(KINDS)), 0.01)
    base[0, KINDS.index("blast")], base[0, KINDS.index("basophil")] = 0.8, 0.1
    assert likeliest_classes(base).tolist() == ["basophil"]

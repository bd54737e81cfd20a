from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.manifest import Manifest
from training.adaptation.card import proof_table
from training.adaptation.fine_tuning import held_out_rows
from training.adaptation.mixture import HELD_OUT, divide, with_laboratory
from training.adaptation.proof import prove
from training.cells.data import ATTRIBUTES, KINDS
from training.cells.predict import Predictions


@pytest.fixture(scope="module")
def joined(pack, own_cells):
    return with_laboratory(pack, own_cells, divide(own_cells, 1))


@pytest.fixture(scope="module")
def manifest():
    limits = {"temperature": 1.0, "offset": 0.0, "uncertain_low": 0.4, "uncertain_high": 0.6}
    content = {
        **{"model": "classifier", "version": "1", "classes": ["normal", "all_blast"]},
        **{"input": {"size": 160}, "thresholds": {"smudge": 0.5}, "files": {}},
        **{"views": {"black": limits, "crop": limits}, "folder": "1", "details": {}},
    }
    return Manifest.model_validate(content)


@pytest.fixture(scope="module")
def right(joined):
    """Answers that are right about every cell, though not equally sure."""
    rows = held_out_rows(joined, 100, 1)
    count = len(rows)
    kinds = np.full((count, len(KINDS)), -5.0)
    kinds[np.arange(count), np.maximum(joined.kind[rows], 0)] = 5.0
    form = np.zeros((count, sum(len(values) for values in ATTRIBUTES.values())))
    blast = np.where(joined.blast[rows] == 1, 3.0, -3.0) + np.linspace(0, 0.5, count)
    return Predictions(rows, np.zeros(count), blast, kinds, form, np.ones(count))


def proved(joined, manifest, before, after):
    return prove(joined, manifest, before, after, draws=50)


def test_the_same_answers_pass(joined, manifest, right):
    proof = proved(joined, manifest, right, right)
    assert proof.failed == []
    assert [title.split(":")[0] for title in proof.changes] == [
        "Laboratory, held out, with surroundings",
        "Open cells, held out, on black",
        "Open cells, held out, with surroundings",
    ]
    own = next(iter(proof.changes.values()))
    assert own["auroc"].after == own["sensitivity"].after == own["specificity"].after == 1
    assert next(iter(proof.metrics.values()))["auroc"].value == 1


def test_worse_in_the_laboratory_alone_fails_there_alone(joined, manifest, right):
    own = np.char.startswith(joined.source[right.rows], "laboratory")
    worse = replace(right, blast=np.where(own, -right.blast, right.blast))
    failed = proved(joined, manifest, right, worse).failed
    assert failed
    assert all("Laboratory" in name for name in failed)


def test_what_was_forgotten_of_the_open_cells_fails(joined, manifest, right):
    own = np.char.startswith(joined.source[right.rows], "laboratory")
    worse = replace(right, blast=np.where(own, right.blast, -right.blast))
    failed = proved(joined, manifest, right, worse).failed
    assert any("on black" in name for name in failed)
    assert not any("Laboratory" in name for name in failed)


def test_forgotten_kinds_and_new_smudges_fail(joined, manifest, right):
    smudges = np.full(right.kind.shape, -5.0)
    smudges[:, KINDS.index("smudge")] = 5.0
    failed = proved(joined, manifest, right, replace(right, kind=smudges)).failed
    assert {name.split(" (")[0] for name in failed} == {"kind right", "called smudge"}


def test_better_passes_and_is_told(joined, manifest, right):
    proof = proved(joined, manifest, replace(right, blast=-right.blast), right)
    assert proof.failed == []
    assert "| sensitivity | 0.000 | 1.000 |" in proof_table(proof.changes)


def test_open_cells_are_drawn_of_each_set_and_class_at_most(joined):
    rows = held_out_rows(joined, 1, 1)
    assert (joined.fold[rows] == HELD_OUT).all()
    opened = rows[~np.char.startswith(joined.source[rows], "laboratory")]
    kinds = list(zip(joined.source[opened], joined.blast[opened], strict=True))
    assert len(kinds) == len(set(kinds))
    assert {source for source, _ in kinds} >= {"cnmc", "pbc"}
    assert len(rows) - len(opened) == 10

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.detector.detector import Detector
from tests.networks import write_detector
from tests.training.adaptation.conftest import reading_of
from training.adaptation.card import proof_table
from training.adaptation.field_proof import FieldSet, ask, prove
from training.adaptation.proof import Proof
from training.detector.evaluation import Reading
from training.detector.ground_truth import TrueCell

WHITE = TrueCell("wbc", (10.0, 10.0, 30.0, 30.0))
BLAST = TrueCell("blast", (40.0, 10.0, 60.0, 30.0))
SMUDGE = TrueCell("wbc", (10.0, 40.0, 30.0, 60.0), "smudge")
RED = TrueCell("rbc", (70.0, 70.0, 80.0, 80.0))
NOTHING = TrueCell("wbc", (70.0, 10.0, 90.0, 30.0))
TRUTH = (WHITE, BLAST, SMUDGE)
COUNT = 6

OWN = FieldSet(
    "Laboratory, held out",
    tuple((Path(f"{n}.png"), list(TRUTH)) for n in range(COUNT)),
    tuple(f"patient:{n}" for n in range(COUNT)),
)


def readings(truth: Sequence[TrueCell], found: Sequence[TrueCell]) -> list[Reading]:
    return [reading_of(truth, found) for _ in range(COUNT)]


def proved(before: Sequence[TrueCell], after: Sequence[TrueCell]) -> Proof:
    return prove([OWN], [readings(TRUTH, before)], [readings(TRUTH, after)], draws=20)


def failed(proof: Proof) -> set[str]:
    return {name.split(" (")[0] for name in proof.failed}


def test_the_same_boxes_pass():
    proof = proved(TRUTH, TRUTH)
    assert proof.failed == []
    ((title, changes),) = proof.changes.items()
    assert title == "Laboratory, held out: 6 fields, 18 white cells"
    assert {name: change.after for name, change in changes.items()} == {
        "white cells, AP50": pytest.approx(1),
        "white cells found": 1,
        "false white cells a field": 0,
        "smudges, AP50": pytest.approx(1),
        "smudges found": 1,
    }
    assert proof.metrics[title]["white cells found"].value == 1


def test_white_cells_that_are_no_longer_found_fail():
    proof = proved(TRUTH, (WHITE, SMUDGE))
    assert failed(proof) == {"white cells, AP50", "white cells found"}


def test_smudges_that_are_no_longer_found_fail():
    assert {"smudges, AP50", "smudges found"} < failed(proved(TRUTH, (WHITE, BLAST)))


def test_false_white_cells_fail():
    proof = proved(TRUTH, (*TRUTH, NOTHING))
    assert "false white cells a field" in failed(proof)
    assert "| false white cells a field | 0.000 | 1.000 |" in proof_table(proof.changes)


def test_what_a_white_cell_is_called_is_the_classifiers_matter():
    assert proved(TRUTH, (replace(WHITE, label="blast"), BLAST, SMUDGE)).failed == []


def test_better_passes():
    assert proved((WHITE, NOTHING), TRUTH).failed == []


def test_red_cells_count_where_they_are_labelled():
    opened = FieldSet("TXL-PBC test", ((Path("a.png"), [WHITE, RED]),) * COUNT, OWN.groups)
    truth = (WHITE, RED)
    before, after = readings(truth, truth), readings(truth, (WHITE,))
    proof = prove([OWN, opened], [readings(TRUTH, TRUTH), before], [readings(TRUTH, TRUTH), after])
    assert proof.failed == ["red cells, AP50 (TXL-PBC test: 6 fields, 6 white cells)"]


def test_a_few_fields_worse_among_many_lie_within_the_interval():
    before = readings(TRUTH, TRUTH)
    after = [*before[:-1], reading_of(TRUTH, (WHITE, BLAST))]
    assert prove([OWN], [before], [after]).failed == []


def test_a_detector_is_asked_about_files(tmp_path):
    detector = Detector.load(write_detector(tmp_path / "1"))
    path = tmp_path / "field.png"
    cv2.imwrite(str(path), np.full((64, 64, 3), 200, np.uint8))
    truth = TrueCell("blast", (27.0, 27.0, 37.0, 37.0))
    (reading,) = ask(detector, [(path, [truth])])
    assert reading.served["white"].correct[:, 0].tolist() == [True]

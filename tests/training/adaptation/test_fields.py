from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.manifest import sha256_of
from tests.training.adaptation.conftest import write_field
from tests.training.drawn import draw_field
from training.adaptation.fields import (
    OwnField,
    divide_fields,
    open_fields,
    read_laboratory_fields,
)
from training.data import DataError
from training.detector.ground_truth import TrueCell

CELL = TrueCell("wbc", (0.0, 0.0, 9.0, 9.0))


def own(group: str, cells: int = 3, held_out: bool | None = None) -> OwnField:
    return OwnField(Path(f"{group}.png"), (CELL,) * cells, group, held_out)


def write_export(folder: Path, count: int = 4) -> None:
    """Write so many fields of each split with a blast, a white cell and a red cell."""
    for split in ("train", "val", "test"):
        for number in range(count):
            name = f"{split}{number}"
            image = folder / "txl_pbc" / "images" / split / f"{name}.png"
            label = folder / "txl_pbc" / "labels" / split / f"{name}.txt"
            for path in (image, label):
                path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(image), draw_field(200 + number, 200 + len(split), 40, True))
            lines = ("3 0.5 0.5 0.3 0.3", "0 0.2 0.2 0.1 0.1", "1 0.8 0.8 0.1 0.1")
            label.write_text("\n".join(lines))


def test_labels_are_the_detectors_and_smudges_are_white_cells_of_a_kind(tmp_path):
    write_field(tmp_path, "p1/a.png", 1)
    label = tmp_path / "labels" / "p1" / "a.txt"
    label.write_text(label.read_text() + "\n2 0.5 0.95 0.2 0.2")
    (field,) = read_laboratory_fields(tmp_path).fields
    assert [cell.label for cell in field.cells] == ["blast", "wbc", "wbc", "blast", "wbc"]
    assert [cell.kind for cell in field.cells] == ["", "", "", "", "smudge"]
    assert field.cells[0].box == (48, 48, 144, 144)
    assert field.cells[-1].box[3] == 384, "a box ends where the field does"
    assert (field.group, field.held_out, field.is_complete) == ("patient:p1", None, True)


def test_what_there_is_is_counted(archive):
    laboratory = read_laboratory_fields(archive)
    assert laboratory.counts == {
        **{"fields": 6, "white_cells": 24, "smudges": 0, "groups": 6},
        "patients_known": True,
    }
    assert len(laboratory.digests) == 6


def test_what_cannot_be_used_is_named(tmp_path):
    for name in ("a.png", "unlabelled.png", "damaged.png"):
        write_field(tmp_path, name, len(name))
    (tmp_path / "labels" / "unlabelled.txt").unlink()
    (tmp_path / "images" / "damaged.png").write_bytes(b"no image")
    laboratory = read_laboratory_fields(tmp_path)
    assert len(laboratory.fields) == 1
    assert {path.name for path in laboratory.left_out} == {"unlabelled.png", "damaged.png"}


def test_single_cells_are_no_fields(tmp_path):
    (tmp_path / "all" / "p1").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "all" / "p1" / "a.png"), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(DataError, match="has no labelled fields"):
        read_laboratory_fields(tmp_path)


def test_an_exports_patients_stay_on_the_side_that_they_were_dealt_to(tmp_path):
    write_export(tmp_path)
    laboratory = read_laboratory_fields(tmp_path)
    assert not any(one.is_complete for one in laboratory.fields)
    assert {cell.label for one in laboratory.fields for cell in one.cells} == {"blast", "wbc"}
    held_out = divide_fields(laboratory.fields, 1)
    for one, is_held_out in zip(laboratory.fields, held_out, strict=True):
        assert is_held_out == ("train" not in one.path.name)


@pytest.mark.parametrize("seed", range(4))
def test_about_a_third_of_the_patients_is_held_out_whole(seed):
    fields = [own(f"patient:{number // 2}") for number in range(12)]
    held_out = divide_fields(fields, seed)
    sides = [{f.group for f, out in zip(fields, held_out, strict=True) if out == s} for s in (1, 0)]
    assert not sides[0] & sides[1]
    assert [len(side) for side in sides] == [2, 4]


@pytest.mark.parametrize(
    "fields",
    [
        [own(f"patient:{number}", cells=1) for number in range(6)],
        [own(f"patient:{number}", cells=9) for number in range(3)],
        [own(f"field:{number}", held_out=number == 0) for number in range(6)],
    ],
    ids=["few cells", "few patients", "an export's patients on one side"],
)
def test_too_few_are_refused(fields):
    with pytest.raises(DataError, match="too few"):
        divide_fields(fields, 1)


def test_open_fields_leave_out_what_the_laboratory_has(drawn_sets, tmp_path):
    opened = open_fields(drawn_sets, 100, (), seed=1)
    assert {path.parent.name for path, _ in opened} == {"test"}
    # Drawn alike, all are the same file.
    assert open_fields(drawn_sets, 100, {sha256_of(opened[0][0])}, seed=1) == []
    shutil.copytree(drawn_sets / "txl_pbc", tmp_path / "txl_pbc")
    other = tmp_path / "txl_pbc" / "images" / "test" / "test-3.png"
    cv2.imwrite(str(other), draw_field(200, 200, 30, True))
    (kept,) = open_fields(tmp_path, 100, {sha256_of(opened[0][0])}, seed=1)
    assert kept[0] == other
    assert len(open_fields(tmp_path, 3, (), seed=1)) == 3

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest

from models.classifier.cell_views import View
from tests.stand_ins import drawn_cell
from tests.training.adaptation.conftest import picture, write_field
from tests.training.drawn import draw_cell_on_black
from training.adaptation.laboratory import answers_of, read_laboratory
from training.cells.data import KINDS, UNKNOWN
from training.cells.pack import CONTEXT_SIZE, SIZE
from training.data import DataError
from training.images import decode


def test_a_folder_is_a_patient_and_a_loose_field_stands_for_itself(tmp_path, detector):
    write_field(tmp_path, "p1/a.png", 1)
    write_field(tmp_path, "p1/b.png", 2)
    write_field(tmp_path, "c.png", 3)
    laboratory = read_laboratory(tmp_path, detector)
    groups = [cell.group for cell in laboratory.cells]
    assert sorted(set(groups)) == ["field:c.png", "patient:p1"]
    assert groups.count("patient:p1") == 8
    assert not laboratory.patients_known
    assert [cell.blast for cell in laboratory.cells[:4]] == [1, 0, 0, 1]
    assert {cell.view for cell in laboratory.cells} == {View.CONTEXT}


def test_a_cell_of_a_field_is_cut_as_it_is_served_with_some_more_around_it(tmp_path, detector):
    write_field(tmp_path, "p1/a.png", 1)
    cell = read_laboratory(tmp_path, detector).cells[0]
    pixels = decode(cell.picture)
    assert pixels.shape == (CONTEXT_SIZE, CONTEXT_SIZE, 3)
    # The box, a quarter of the field, is two thirds of what the network is shown.
    field = cv2.imread(str(tmp_path / "images" / "p1" / "a.png"))
    side = round(0.25 * field.shape[0] * 1.5 * CONTEXT_SIZE / SIZE)
    top = round(field.shape[0] / 4 - side / 2)
    expected = cv2.resize(field[top : top + side, top : top + side], pixels.shape[:2])
    assert np.abs(pixels.astype(int) - expected).mean() < 6


def cut_out(rgb: np.ndarray) -> np.ndarray:
    """Leave a round cell in the middle, on black and with a margin."""
    side = len(rgb)
    mask = cv2.circle(np.zeros((side, side), np.uint8), (side // 2,) * 2, int(0.34 * side), 1, -1)
    return np.pad(rgb * mask[..., None], ((side // 4,) * 2, (side // 4,) * 2, (0, 0)))


@pytest.mark.parametrize(
    ("image", "view", "side"),
    [
        (cut_out(drawn_cell(240)), View.SEGMENTED, SIZE),
        (drawn_cell(120), View.CONTEXT, CONTEXT_SIZE),
    ],
    ids=["on black", "with surroundings"],
)
def test_single_cells_are_of_their_folder(tmp_path, detector, image, view, side):
    folder = tmp_path / "all" / "p1"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "cell.png"), image[..., ::-1])
    laboratory = read_laboratory(tmp_path, detector)
    assert laboratory.left_out == {}
    (cell,) = laboratory.cells
    assert (cell.group, cell.blast, cell.view) == ("patient:p1", 1, view)
    assert decode(cell.picture).shape == (side, side, 3)


def test_single_cells_of_nobody_are_refused(tmp_path, detector):
    (tmp_path / "all").mkdir()
    cv2.imwrite(str(tmp_path / "all" / "cell.png"), draw_cell_on_black(70, 450))
    with pytest.raises(DataError, match=r"all/PATIENT/cell\.png"):
        read_laboratory(tmp_path, detector)


def test_one_image_of_two_patients_is_refused(tmp_path, detector):
    write_field(tmp_path, "p1/a.png", 1)
    write_field(tmp_path, "p2/b.png", 1)
    with pytest.raises(DataError, match="are the same image"):
        read_laboratory(tmp_path, detector)


def test_what_cannot_be_used_is_named(tmp_path, detector):
    write_field(tmp_path, "p1/a.png", 1)
    write_field(tmp_path, "p1/unlabelled.png", 2)
    (tmp_path / "labels" / "p1" / "unlabelled.txt").unlink()
    write_field(tmp_path, "p1/damaged.png", 3)
    (tmp_path / "images" / "p1" / "damaged.png").write_bytes(b"no image")
    black = tmp_path / "hem" / "p1"
    black.mkdir(parents=True)
    cv2.imwrite(str(black / "nothing.png"), np.zeros((200, 200, 3), np.uint8))
    laboratory = read_laboratory(tmp_path, detector)
    assert len(laboratory.cells) == 4
    assert {path.name for path in laboratory.left_out} == {
        *("unlabelled.png", "damaged.png", "nothing.png")
    }


def test_exported_cells_have_subjects_and_kinds(tmp_path, detector):
    images = tmp_path / "reviewed" / "images"
    images.mkdir(parents=True)
    with (tmp_path / "reviewed" / "manifest.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("file", "label", "subject", "x1", "y1", "x2", "y2"))
        for number, label in enumerate(("blast", "lymphocyte")):
            cv2.imwrite(str(images / f"{number}.png"), picture(label, number))
            writer.writerow((f"{number}.png", label, "s1", 56, 56, 136, 136))
    laboratory = read_laboratory(tmp_path, detector)
    assert laboratory.patients_known
    assert [(cell.group, cell.blast, KINDS[cell.kind]) for cell in laboratory.cells] == [
        ("patient:s1", 1, "blast"),
        ("patient:s1", 0, "lymphocyte"),
    ]


@pytest.mark.parametrize(
    ("label", "blast", "kind"),
    [
        ("blast", 1, "blast"),
        ("smudge", UNKNOWN, "smudge"),
        ("monocyte", 0, "monocyte"),
        ("neutrophil", 0, None),
        ("wbc", 0, None),
        ("own_bands", 0, None),
    ],
)
def test_labels_are_taught_as_far_as_they_say_something(label, blast, kind):
    assert answers_of(label) == (blast, UNKNOWN if kind is None else KINDS.index(kind))

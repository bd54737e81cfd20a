from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.detector.detector import Detector
from models.manifest import sha256_of
from tests.networks import write_detector
from training.adaptation.field_batches import (
    FieldSampler,
    TrainingField,
    open_training_fields,
    own_training_fields,
    piece,
)
from training.adaptation.fields import OwnField
from training.data import DataError, FieldBox
from training.detector.ground_truth import TrueCell
from training.synthesis.composites import SIDE, make_composites

CLASSES = ("blast", "wbc", "rbc", "platelet")


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    """A field of 300 x 200 px with a black square in it, and nothing else."""
    path = tmp_path_factory.mktemp("image") / "field.png"
    pixels = np.full((200, 300, 3), 230, np.uint8)
    pixels[50:90, 200:240] = 0
    cv2.imwrite(str(path), pixels)
    return path


@pytest.fixture
def field(image) -> TrainingField:
    return TrainingField(image, (FieldBox("wbc", 200 / 300, 50 / 200, 240 / 300, 90 / 200),))


def pieces(field: TrainingField, count: int = 24):
    rng = np.random.default_rng(1)
    return [piece(field, rng) for _ in range(count)]


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_boxes_lie_where_their_cells_do_however_a_piece_is_turned(field, scale):
    there = 0
    for pixels, boxes in pieces(replace(field, scale=scale)):
        assert pixels.shape == (SIDE, SIDE, 3)
        for box in boxes:
            there += 1
            edges = np.array([box.x1, box.y1, box.x2, box.y2]) * SIDE
            x1, y1, x2, y2 = edges.round().astype(int)
            assert pixels[y1 + 3 : y2 - 3, x1 + 3 : x2 - 3].max() < 40
        dark = (pixels.max(axis=2) < 40).sum()
        assert not boxes or dark == pytest.approx((scale * 40) ** 2, rel=0.5)
    assert there > 10


def test_a_cell_that_is_hardly_in_a_piece_is_not_labelled_there(field):
    # Nine times as large, and the piece lies anywhere: the cell is often outside.
    far = replace(field, scale=9.0, boxes=(replace(field.boxes[0], label="rbc"),))
    counts = Counter(len(boxes) for _, boxes in pieces(far))
    assert counts[0] > counts[1]


def test_most_pieces_of_a_large_field_have_a_white_cell(field):
    counts = Counter(len(boxes) for _, boxes in pieces(replace(field, scale=9.0)))
    assert counts[1] > counts[0]


def test_a_batch_is_as_the_loss_takes_it_and_numbers_are_the_networks(field):
    blast = replace(field, boxes=(replace(field.boxes[0], label="blast"),), group="patient:1")
    sampler = FieldSampler(CLASSES, [blast], [[field]], 0.5, seed=1)
    batch = sampler.batch(0, 4)
    assert batch["img"].shape == (4, 3, SIDE, SIDE)
    assert 0 <= batch["img"].min() < batch["img"].max() <= 1
    assert batch["bboxes"].shape == (4, 4)
    # The published network has blasts first; YOLO's label files have not.
    assert batch["cls"].flatten().tolist() == [0, 0, 1, 1]
    assert batch["batch_idx"].tolist() == [0, 1, 2, 3]


def test_a_batch_depends_on_seed_and_step_alone(field):
    first, again, other = (
        FieldSampler(CLASSES, [field], [[field]], 0.5, seed).batch(2, 2)["img"]
        for seed in (1, 1, 2)
    )
    assert first.equal(again)
    assert not first.equal(other)


def test_fields_without_a_cell_do_for_a_batch(field):
    batch = FieldSampler(CLASSES, [replace(field, boxes=())], [[]], 1.0, 1).batch(0, 2)
    assert batch["bboxes"].shape == (0, 4)


def test_patients_are_drawn_alike_and_so_are_the_open_sets(field):
    own = [replace(field, group="a"), *[replace(field, group="b")] * 9]
    opened = [[replace(field, group="c")], [replace(field, group="d")] * 9]
    sampler = FieldSampler(CLASSES, own, opened, 0.25, seed=1)
    drawn = Counter(one.group for step in range(60) for one in sampler.fields(step, 8))
    assert drawn["a"] + drawn["b"] == 60 * 2
    assert drawn["c"] + drawn["d"] == 60 * 6
    assert drawn["a"] == pytest.approx(drawn["b"], rel=0.4)
    assert drawn["c"] == pytest.approx(drawn["d"], rel=0.4)


@pytest.mark.parametrize(
    ("cells", "is_complete", "learnt"),
    [
        ((), True, []),
        ((), False, ["blast"]),
        ((TrueCell("wbc", (25.0, 25.0, 40.0, 38.0)),), False, ["wbc"]),
        ((TrueCell("wbc", (0.0, 0.0, 9.0, 9.0)),), False, ["wbc", "blast"]),
    ],
    ids=["nothing there", "an export's gap", "the same cell", "another cell"],
)
def test_what_an_export_leaves_out_stays_as_the_base_finds_it(tmp_path, cells, is_complete, learnt):
    # The stand-in network finds one blast in the middle of every field.
    base = Detector.load(write_detector(tmp_path / "1"))
    path = tmp_path / "field.png"
    cv2.imwrite(str(path), np.full((64, 64, 3), 200, np.uint8))
    own = OwnField(path, cells, "patient:1", is_complete=is_complete)
    (field,) = own_training_fields(base, [own])
    assert [box.label for box in field.boxes] == learnt
    assert (field.scale, field.group) == (1.0, "patient:1")


def test_open_fields_are_composites_and_training_fields(drawn_sets, tmp_path):
    make_composites(drawn_sets, tmp_path / "c", tmp_path / "cache", "train", 2, 1, 1)
    composited, txl = open_training_fields(drawn_sets, tmp_path / "c", ())
    assert (len(composited), len(txl)) == (2, 8)
    assert {one.path.parent.name for one in txl} == {"train"}
    assert txl[0].boxes[0].label == "wbc"
    known = sha256_of(txl[0].path)
    assert open_training_fields(drawn_sets, tmp_path / "c", {known})[1] == []


def test_missing_composites_are_named_with_their_command(drawn_sets, tmp_path):
    with pytest.raises(DataError, match="python -m training composites --split train"):
        open_training_fields(drawn_sets, tmp_path, ())

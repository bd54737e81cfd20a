from pathlib import Path

import cv2
import numpy as np
import pytest

from training.data import DataError
from training.synthesis.backgrounds import Box, Piece
from training.synthesis.compositing import SIDE, CellPool, Compositor, PlacedCell, _with_room
from training.synthesis.cutouts import CutOut, cut_all
from training.synthesis.elements import ALL_ELEMENTS
from training.synthesis.patches import Patch


@pytest.fixture(scope="module")
def compose(drawn_sets, tmp_path_factory):
    """Make composites of the val split with some elements left out."""
    cache = tmp_path_factory.mktemp("cache")
    cells = cut_all(drawn_sets, cache)

    def make(count, without=(), seed=1):
        elements = ALL_ELEMENTS.without(without)
        compositor = Compositor(drawn_sets, cache, cells, "val", seed, elements)
        return [compositor.compose(number)[:3] for number in range(count)]

    return make


@pytest.fixture(scope="module")
def usual(compose):
    """Make the first 30 composites with all elements."""
    return compose(30)


def test_the_same_number_gives_the_same_composite(compose, usual):
    for (image, *rest), (again, *same) in zip(compose(3), usual, strict=False):
        assert (image == again).all()
        assert rest == same


def test_another_seed_gives_others(compose, usual):
    assert (compose(1, seed=2)[0][0] != usual[0][0]).any()


def test_boxes_lie_inside_and_on_what_is_darker_than_plasma(compose):
    dark = []
    for image, boxes, _ in compose(8, ["light", "defocus"]):
        plasma = np.percentile(image[..., 1], 90)
        for box in boxes:
            assert 0 <= box.x1 < box.x2 <= SIDE
            assert 0 <= box.y1 < box.y2 <= SIDE
            part = image[int(box.y1) : int(box.y2) + 1, int(box.x1) : int(box.x2) + 1, 1]
            dark.append(np.percentile(part, 20) < 0.9 * plasma)
    assert np.mean(dark) > 0.97


def test_smudges_are_never_blasts_and_never_cut_from_one(usual):
    smudges = [row for *_, rows in usual for row in rows if row.kind == "smudge"]
    assert smudges
    assert {row.label for row in smudges} == {"wbc"}
    assert not any("_all" in row.source_file for row in smudges)


@pytest.mark.parametrize(
    ("element", "count"),
    [
        ("smudges", lambda boxes, rows: sum(row.kind == "smudge" for row in rows)),
        ("platelets", lambda boxes, rows: sum(box.label == "platelet" for box in boxes)),
        ("crowds", lambda boxes, rows: len(rows) > 30),
        ("clusters", lambda boxes, rows: sum(row.clustered for row in rows if row.subject)),
    ],
)
def test_an_element_is_there_and_can_be_left_out(compose, usual, element, count):
    without = compose(10, [element, "crowds"])
    assert sum(count(boxes, rows) for _, boxes, rows in usual) > 0
    assert sum(count(boxes, rows) for _, boxes, rows in without) == 0


@pytest.fixture
def half_hidden():
    """Draw a piece with red cells, and a white cell that hides most of one and touches another."""
    density = np.zeros((SIDE, SIDE, 3), np.float32)
    boxes = []
    for x, y in ((200, 205), (245, 200), (400, 400)):
        cv2.circle(density, (x, y), 15, (0.3, 0.3, 0.3), -1)
        boxes.append(Box("rbc", x - 15, y - 15, x + 15, y + 15))
    opacity = cv2.circle(np.zeros((80, 80), np.float32), (40, 40), 30, 1, -1)
    patch = Patch(np.ones((80, 80, 3), np.float32), opacity)
    cell = CutOut(Path("a.png"), "all", "34", "a", 50.0, "train")
    piece = Piece(density, np.full(3, 200.0), 30, tuple(boxes))
    return piece, [PlacedCell(cell, False, patch, (200.0, 200.0))]


def test_a_red_cell_that_is_mostly_hidden_goes_with_its_box(half_hidden):
    density, boxes = _with_room(*half_hidden, ALL_ELEMENTS, np.random.default_rng(0))
    assert len(boxes) == 2
    assert density[185:225, 195:205].max() < 0.05
    assert density[400, 400].min() > 0.25


def test_without_pushing_red_cells_stay_where_they_were(half_hidden):
    piece, pasted = half_hidden
    without = ALL_ELEMENTS.without(["pushed"])
    density, boxes = _with_room(piece, pasted, without, np.random.default_rng(0))
    assert (density == piece.density).all()
    assert boxes == list(piece.boxes[1:])


def test_a_red_cell_beside_a_white_one_is_pushed(half_hidden):
    moved = []
    for seed in range(6):
        _, boxes = _with_room(*half_hidden, ALL_ELEMENTS, np.random.default_rng(seed))
        moved.append((boxes[-2].x1 + boxes[-2].x2) / 2 - 245)
    assert max(moved) > 1
    assert min(moved) >= 0


def test_a_pool_without_blasts_is_refused(tmp_path):
    normal = CutOut(tmp_path / "a.png", "hem", "H10", "a", 100.0, "train")
    with pytest.raises(DataError, match="all, pbc"):
        CellPool([normal])


def test_no_subject_dominates(tmp_path):
    cells = [CutOut(tmp_path / "h.png", "hem", "H10", "h", 1.0, "train")]
    cells += [CutOut(tmp_path / "l.png", "lymphocyte", "", "l", 1.0, "train")]
    cells += [CutOut(tmp_path / "b.png", "all", "51", "b", 1.0, "train")] * 400
    cells += [CutOut(tmp_path / "c.png", "all", "16", "c", 1.0, "train")] * 100
    pool, rng = CellPool(cells), np.random.default_rng(0)
    drawn = [pool.draw(True, rng).subject for _ in range(600)]
    assert drawn.count("16") / 600 == pytest.approx(1 / 3, abs=0.07)

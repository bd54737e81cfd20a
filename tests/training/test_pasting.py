import cv2
import numpy as np
import pytest

from tests.training.drawn import PLASMA
from training.cutouts import CutOut
from training.pasting import extent, paste, ready
from training.stain import nucleus_density

STAIN = np.array([0.6, 1.6, 1.0], np.float32)
LIGHT = np.array(PLASMA, np.float64)


@pytest.fixture
def cut_out(tmp_path):
    """A cell of 100 px in a set where red cells are 50 px wide."""

    def make(kind):
        rgba = np.zeros((100, 100, 4), np.uint8)
        cv2.circle(rgba, (50, 50), 49, (120, 40, 80, 255), -1)
        rgba[::7, :, :3] += 20
        path = tmp_path / f"{kind}.png"
        cv2.imwrite(str(path), rgba)
        return CutOut(path, kind, "34", "cell.png", 50.0, "train")

    return make


@pytest.mark.parametrize("kind", ["all", "hem", "lymphocyte"])
def test_a_cell_is_sized_against_red_cells(cut_out, kind):
    radii = [
        ready(cut_out(kind), 20, STAIN, False, np.random.default_rng(seed)).radius
        for seed in range(20)
    ]
    assert np.median(radii) == pytest.approx(20, rel=0.12)


def test_blasts_and_others_are_stained_alike(cut_out):
    patches = [
        ready(cut_out(k), 40, STAIN, False, np.random.default_rng(3)) for k in ("all", "lymphocyte")
    ]
    for patch in patches:
        measured = nucleus_density(patch.density, patch.opacity > 0.9)
        assert measured == pytest.approx(STAIN, rel=0.3)


def test_some_blasts_get_a_pale_rim_and_some_do_not(cut_out):
    blast = cut_out("all")
    edges = []
    for seed in range(30):
        patch = ready(blast, 40, STAIN, False, np.random.default_rng(seed))
        ring = (patch.opacity > 0.5) & (
            cv2.erode((patch.opacity > 0.5).astype(np.uint8), np.ones((7, 7))) == 0
        )
        edges.append(float(patch.density[ring, 1].mean()))
    pale = sum(edge < 1.1 for edge in edges)
    assert 5 < pale < 25


def test_a_smudge_is_softer_than_its_cell(cut_out):
    cell, smudge = (
        ready(cut_out("lymphocyte"), 40, STAIN, smudge, np.random.default_rng(1))
        for smudge in (False, True)
    )
    assert (
        np.abs(np.diff(smudge.opacity, axis=0)).max() < np.abs(np.diff(cell.opacity, axis=0)).max()
    )


def test_pasting_changes_only_the_cells_box(cut_out):
    field = np.full((120, 120, 3), PLASMA, np.uint8)
    patch = ready(cut_out("lymphocyte"), 20, STAIN, False, np.random.default_rng(0))
    before = field.copy()
    paste(field, patch, (60, 50), LIGHT)
    x1, y1, x2, y2 = extent(patch, (60, 50))
    assert abs((x1 + x2) / 2 - 60) < 2
    assert abs((y1 + y2) / 2 - 50) < 2
    assert field[50, 60].sum() < before[50, 60].sum() - 200
    far = np.ones((120, 120), bool)
    far[y1 - 5 : y2 + 5, x1 - 5 : x2 + 5] = False
    assert (field[far] == before[far]).all()


def test_a_cell_at_the_edge_is_cut_off(cut_out):
    field = np.full((60, 60, 3), PLASMA, np.uint8)
    patch = ready(cut_out("lymphocyte"), 20, STAIN, False, np.random.default_rng(0))
    paste(field, patch, (0, 59), LIGHT)
    assert field[59, 0].sum() < sum(PLASMA) - 200

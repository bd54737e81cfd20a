from dataclasses import replace

import cv2
import numpy as np
import pytest

from training.synthesis.blending import Look, blend, draw_look, extent, prepare_patch, usable
from training.synthesis.cutouts import CutOut
from training.synthesis.elements import ALL_ELEMENTS
from training.synthesis.stain import nucleus_density

STAIN = np.array([0.6, 1.6, 1.0], np.float32)
PALE = 0.2 * STAIN
BARE = ALL_ELEMENTS.without(["rim"])


@pytest.fixture
def cut_out(tmp_path):
    """Return a cell of 100 px in a set where red cells are 50 px wide."""

    def make(kind, bits=()):
        rgba = np.zeros((100, 100, 4), np.uint8)
        cv2.circle(rgba, (50, 50), 49, (120, 40, 80, 255), -1)
        rgba[::7, :, :3] += 20
        for place, radius, colour in bits:
            cv2.circle(rgba, place, radius, colour, -1)
        path = tmp_path / f"{kind}-{len(bits)}.png"
        cv2.imwrite(str(path), rgba)
        return CutOut(path, kind, "34", "cell.png", 50.0, "train")

    return make


def _look(elements=BARE):
    return Look(STAIN, PALE, contrast=1.0, softness=0.02, size=1.0, elements=elements)


def _patches(cell, look, count=30, red_cell=40):
    return [
        prepare_patch(cell, red_cell, look, False, np.random.default_rng(n)) for n in range(count)
    ]


@pytest.mark.parametrize("kind", ["all", "hem", "lymphocyte"])
def test_a_cell_is_sized_against_red_cells(cut_out, kind):
    radii = [patch.radius for patch in _patches(cut_out(kind), _look(), red_cell=20)]
    assert np.median(radii) == pytest.approx(20, rel=0.15)


def test_a_blast_and_a_normal_precursor_are_drawn_alike(cut_out):
    look = _look(ALL_ELEMENTS)
    for blast, normal in zip(
        _patches(cut_out("all"), look), _patches(cut_out("hem"), look), strict=True
    ):
        assert (blast.density == normal.density).all()
        assert (blast.opacity == normal.opacity).all()


def test_blasts_and_others_are_stained_alike(cut_out):
    for kind in ("all", "lymphocyte"):
        patch = prepare_patch(cut_out(kind), 40, _look(), False, np.random.default_rng(3))
        measured = nucleus_density(patch.density, patch.opacity > 0.9)
        assert measured == pytest.approx(STAIN, rel=0.3)


def test_without_a_shared_stain_each_cell_has_its_own(cut_out):
    look = _look(BARE.without(["shared_stain"]))
    greens = [patch.density[..., 1].mean() for patch in _patches(cut_out("all"), look)]
    assert np.std(greens) > 0.2 * np.mean(greens)


def test_most_cells_from_black_get_a_pale_rim_and_some_do_not(cut_out):
    edges = []
    for patch in _patches(cut_out("all"), _look(ALL_ELEMENTS)):
        inside = (patch.opacity > 0.5).astype(np.uint8)
        ring = (inside > 0) & (cv2.erode(inside, np.ones((5, 5))) == 0)
        edges.append(float(patch.density[ring, 1].mean()))
    pale = sum(edge < 1.1 for edge in edges)
    assert 12 < pale < 29


def test_cells_with_cytoplasm_of_their_own_get_none(cut_out):
    cell = cut_out("lymphocyte")
    with_rims, without = _patches(cell, _look(ALL_ELEMENTS), 10), _patches(cell, _look(), 10)
    assert [p.radius for p in with_rims] == [p.radius for p in without]


def test_chromatin_gets_more_contrast_in_cells_from_black_and_less_in_others(cut_out):
    def spread(kind, elements):
        look = replace(_look(elements), contrast=3.0, softness=0.05)
        patch = prepare_patch(cut_out(kind), 40, look, False, np.random.default_rng(1))
        return patch.density[patch.opacity > 0.99, 1].std()

    plain = BARE.without(["chromatin"])
    assert spread("all", BARE) > 1.5 * spread("all", plain)
    assert spread("lymphocyte", BARE) < spread("lymphocyte", plain)


def test_bits_of_red_cells_are_taken_off(cut_out):
    red = ((50, 8), 14, (60, 70, 110, 255))
    clean, dirty = (
        prepare_patch(cut_out("all", bits), 40, _look(), False, np.random.default_rng(2))
        for bits in ((), (red,))
    )
    assert dirty.radius < 0.99 * clean.radius


def test_two_cells_in_one_cut_out_are_not_usable(cut_out):
    assert usable(cut_out("all"))
    waist = [((50, 0), 38, (0,) * 4), ((50, 99), 38, (0,) * 4)]
    assert not usable(cut_out("all", waist))


def test_a_smudge_is_softer_than_its_cell(cut_out):
    cell, smudge = (
        prepare_patch(cut_out("lymphocyte"), 40, _look(), smudge, np.random.default_rng(1))
        for smudge in (False, True)
    )
    assert smudge.density.max() < cell.density.max()
    assert (
        np.abs(np.diff(smudge.opacity, axis=0)).max() < np.abs(np.diff(cell.opacity, axis=0)).max()
    )


def test_a_look_without_chromatin_leaves_structure_alone():
    rng = np.random.default_rng(0)
    look = draw_look(STAIN, ALL_ELEMENTS.without(["chromatin"]), rng)
    assert (look.contrast, look.softness) == (1, 0)


def test_laying_changes_only_the_cells_box_and_nothing_shines_through(cut_out):
    density = np.full((120, 120, 3), 0.3, np.float32)
    patch = prepare_patch(cut_out("lymphocyte"), 20, _look(), False, np.random.default_rng(0))
    blend(density, patch, (60, 50))
    x1, y1, x2, y2 = extent(patch, (60, 50))
    assert abs((x1 + x2) / 2 - 60) < 2
    assert abs((y1 + y2) / 2 - 50) < 2
    over_plasma = np.zeros_like(density)
    blend(over_plasma, patch, (60, 50))
    assert density[50, 60] == pytest.approx(over_plasma[50, 60], abs=1e-3)
    far = np.ones((120, 120), bool)
    far[y1 - 5 : y2 + 5, x1 - 5 : x2 + 5] = False
    assert (density[far] == np.float32(0.3)).all()


def test_a_cell_at_the_edge_is_cut_off(cut_out):
    density = np.zeros((60, 60, 3), np.float32)
    patch = prepare_patch(cut_out("lymphocyte"), 20, _look(), False, np.random.default_rng(0))
    blend(density, patch, (0, 59))
    assert density[59, 0].sum() > 1
    blend(density, patch, (500, 500))

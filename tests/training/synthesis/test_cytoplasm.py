import cv2
import numpy as np
import pytest

from training.synthesis.cytoplasm import with_cytoplasm
from training.synthesis.patches import Patch

STAIN = np.array((0.1, 0.4, 0.45))


def _nucleus():
    inside = cv2.circle(np.zeros((120, 120), np.float32), (60, 60), 30, 1, -1)
    return Patch(np.full((120, 120, 3), 1.5, np.float32), inside)


def _made(width, seed):
    return with_cytoplasm(_nucleus(), 40, width, STAIN, np.random.default_rng(seed))


def test_a_broader_rim_makes_a_larger_cell():
    thin, broad = (np.mean([_made(w, seed).radius for seed in range(10)]) for w in (0.05, 0.25))
    assert _nucleus().radius < thin < broad
    assert broad - thin == pytest.approx(0.2 * 40, rel=0.5)


def test_the_nucleus_stays_and_the_rim_is_pale_and_blue():
    patch = _made(0.3, 3)
    assert patch.density[60, 60] == pytest.approx(1.5)
    rim = (patch.opacity > 0.95) & (_nucleus().opacity < 0.5)
    blue, green, red = patch.density[rim].mean(axis=0)
    assert blue < green < red < 1


def test_rims_are_uneven_and_differ():
    shapes = [_made(0.2, seed).opacity > 0.5 for seed in range(6)]
    for shape in shapes:
        y, x = np.nonzero(shape)
        reach = [
            np.hypot(x - 60, y - 60)[np.abs(np.arctan2(y - 60, x - 60) - a) < 0.1].max()
            for a in np.linspace(-3, 3, 12)
        ]
        assert np.std(reach) > 1
    assert any((one != shapes[0]).any() for one in shapes[1:])


def test_some_cells_have_bays_and_vacuoles():
    bays = sum(
        (_made(0.1, seed).density[..., 1][_nucleus().opacity > 0.5] < 0.7).any()
        for seed in range(40)
    )
    assert 4 < bays < 25

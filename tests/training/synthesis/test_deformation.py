import cv2
import numpy as np
import pytest

from training.synthesis.backgrounds import Box
from training.synthesis.deformation import Deformation, deform, deform_box

DISPLACED = Deformation(100, 100, inner=20, outer=60)


def _with_cell(x, y, radius=12):
    density = np.zeros((200, 200, 3), np.float32)
    cv2.circle(density, (x, y), radius, (0.3, 0.3, 0.3), -1)
    return density, Box("rbc", x - radius, y - radius, x + radius, y + radius)


@pytest.mark.parametrize("place", [(125, 100), (100, 70), (80, 118)])
def test_a_cell_is_displaced_and_its_box_follows(place):
    density, box = _with_cell(*place)
    deformed, moved = deform(density, [DISPLACED]), deform_box(box, [DISPLACED])
    y, x = np.nonzero(deformed[..., 0] > 0.15)
    assert np.hypot(x - 100, y - 100).min() >= 19
    found = x.min(), y.min(), x.max() + 1, y.max() + 1
    assert found == pytest.approx((moved.x1, moved.y1, moved.x2, moved.y2), abs=3)
    before, after = (
        np.hypot((b.x1 + b.x2) / 2 - 100, (b.y1 + b.y2) / 2 - 100) for b in (box, moved)
    )
    assert after > before + 3


def test_what_is_outside_the_disc_stays():
    density, box = _with_cell(180, 30)
    assert np.allclose(deform(density, [DISPLACED]), density, atol=1e-5)
    assert deform_box(box, [DISPLACED]) == box

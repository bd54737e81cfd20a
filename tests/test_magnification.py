"""Real fields at several magnifications, and across the seams of tiles, by the shipped detector."""

from __future__ import annotations

import numpy as np
import pytest

from imaging.images import RgbImage, read_image, resize
from models.detector.detector import Detector
from models.versions import active_folder
from settings import ROOT
from training.data import read_txl

ACROSS, DOWN = 5, 5
WIDTH, HEIGHT = 640, 480


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.load(active_folder(ROOT / "weights", "detector"))


@pytest.fixture(scope="module")
def mosaic(shared_data) -> tuple[RgbImage, int]:
    """Real fields of one size beside each other, and the number of their white cells."""
    pictures, white = [], 0
    for field in read_txl(shared_data, "test"):
        rgb = read_image(field.path.read_bytes()).rgb
        if rgb.shape == (HEIGHT, WIDTH, 3) and len(pictures) < ACROSS * DOWN:
            pictures.append(rgb)
            white += sum(box.label == "wbc" for box in field.boxes)
    rows = [np.concatenate(pictures[row * ACROSS :][:ACROSS], axis=1) for row in range(DOWN)]
    return np.concatenate(rows), white


def white_cells(found) -> int:
    return found.counts["wbc"] + found.counts["blast"]


@pytest.mark.parametrize("zoom", [0.2, 0.4, 1, 1.5])
def test_magnifications_in_range_need_one_reading_in_tiles_or_not(detector, mosaic, zoom):
    field, white = mosaic
    height, width = field.shape[:2]
    found = detector.find(resize(field, round(width * zoom), round(height * zoom)))
    assert white_cells(found) == pytest.approx(white, abs=0.1 * white)
    assert found.red_cell == pytest.approx(100 * zoom, rel=0.15)


@pytest.mark.parametrize("zoom", [0.06, 0.12])
def test_low_magnification_is_noticed_and_made_good(detector, mosaic, zoom):
    field, white = mosaic
    height, width = field.shape[:2]
    small = np.tile(resize(field, round(width * zoom), round(height * zoom)), (4, 4, 1))
    found = detector.find(small)
    assert found.scale > 1.5
    # what remains of the smallest red cells is not all found, so their median is too large
    assert 100 * zoom * 0.85 < found.red_cell < 100 * zoom * 1.6
    assert white_cells(found) >= 0.85 * 16 * white


def test_high_magnification_is_noticed(detector, mosaic):
    field, white = mosaic
    pictures = [
        field[top : top + HEIGHT, left : left + WIDTH]
        for top in range(0, DOWN * HEIGHT, HEIGHT)
        for left in range(0, ACROSS * WIDTH, WIDTH)
    ]
    found = [detector.find(resize(each, 2 * WIDTH, 2 * HEIGHT)) for each in pictures]
    noticed = [each for each in found if each.scale < 1]
    # A second reading that loses two of 16 red cells does not count.
    assert len(noticed) >= 0.8 * len(pictures)
    for each in noticed:
        assert each.red_cell == pytest.approx(200, rel=0.15)
    assert sum(map(white_cells, found)) == pytest.approx(white, abs=0.1 * white)

"""Where red cells lie side by side, on drawn smears and on real fields."""

from pathlib import Path

import numpy as np
import pytest

from imaging.images import RgbImage, read_image, resize
from imaging.slides.monolayer import MIN_SCORE, propose, sight
from imaging.slides.opening import open_slide
from imaging.slides.slide import Level, SlideInfo, read_scaled
from tests.slide_files import BLOCK, block, write_slide


def seen(zone: str) -> float:
    return sight(resize(block(zone), BLOCK // 2, BLOCK // 2), 0.5).score


def test_a_monolayer_scores_above_every_other_part():
    scores = {zone: seen(zone) for zone in ("glass", "thin", "monolayer", "thick")}
    assert scores["monolayer"] > 0.8
    assert max(score for zone, score in scores.items() if zone != "monolayer") < MIN_SCORE


def test_pale_stain_scores_less():
    pale = (255 - 0.15 * (255 - block("monolayer").astype(float))).astype(np.uint8)
    assert sight(pale[::2, ::2], 0.5).score < 0.5 * seen("monolayer")


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_flat_window_has_no_monolayer(value: int):
    assert sight(np.full((300, 300, 3), value, np.uint8), 0.5).score == 0


@pytest.mark.parametrize("micrometres", [0.25, None])
def test_windows_lie_where_the_monolayer_is(tmp_path: Path, micrometres):
    zones = ("glass", "thick", "monolayer", "thin", "glass")
    write_slide(
        tmp_path / "slide.tif",
        20 * BLOCK,
        layout=lambda _row, column: zones[min(4, column // 4)],
        height=8 * BLOCK,
        micrometres=micrometres,
    )
    slide = open_slide(tmp_path)

    def region(box: tuple[int, int, int, int], width: int, height: int) -> RgbImage:
        return read_scaled(slide, box, width, height)

    found = propose(region, slide.info, 4_000_000)
    slide.close()
    assert len(found) >= 3
    assert all(one.width * one.height <= 4_000_000 for one in found)
    shared = [min(one.left + one.width, 12 * BLOCK) - max(one.left, 8 * BLOCK) for one in found]
    # The best four lie wholly inside; a fifth one need not.
    assert sum(shared) >= 0.9 * sum(one.width for one in found)
    assert found == sorted(found, key=lambda one: -one.score)


def test_an_empty_slide_has_none():
    info = SlideInfo("TIFF", (Level(5000, 4000, 1.0),), 0.25)
    white = propose(
        lambda _box, width, height: np.full((height, width, 3), 240, np.uint8), info, 10**7
    )
    assert white == []


def test_real_fields_of_the_monolayer_are_recognised(shared_data: Path):
    """Fields of TXL-PBC have red cells of some 60 px, so that a pixel has about 0.125 µm."""
    files = sorted((shared_data / "txl_pbc" / "images" / "test").glob("*.jpg"))[::12]
    scores = [sight(read_image(file.read_bytes()).rgb, 0.125).score for file in files]
    assert np.mean(np.array(scores) >= MIN_SCORE) >= 0.8

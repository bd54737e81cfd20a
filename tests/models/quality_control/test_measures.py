import cv2
import numpy as np
import pytest

from imaging.images import RgbImage
from models.quality_control import measures
from models.quality_control.measures import (
    ImageMeasures,
    blockiness,
    sharpness,
    straight_lines,
)
from tests.models.quality_control import by_opencv
from tests.stand_ins import PLASMA, drawn_cell, drawn_field


def grained(rgb: RgbImage, scale: float = 3.0) -> RgbImage:
    """The image with a camera's grain."""
    noise = np.random.default_rng(0).normal(scale=scale, size=rgb.shape)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)


def as_jpeg(rgb: RgbImage, quality: int) -> RgbImage:
    _, encoded = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)


def test_the_empty_slide_tells_light_and_cast():
    measures = ImageMeasures.of(drawn_field())
    assert measures.light == max(PLASMA)
    assert measures.cast == pytest.approx((238 - 228) / 238, abs=0.01)
    assert measures.clipped == 0
    assert measures.green == 0
    dim = ImageMeasures.of(drawn_field() // 2)
    assert dim.light == 119
    assert dim.depth == pytest.approx(measures.depth, rel=0.05)


def test_what_is_lost_to_light_is_white():
    bright = np.clip(drawn_field().astype(int) * 2, 0, 255).astype(np.uint8)
    assert ImageMeasures.of(bright).clipped > 0.4


def test_a_large_image_is_measured_as_its_small_copy():
    small, large = (ImageMeasures.of(drawn_field(*size)) for size in ((480, 360), (1920, 1440)))
    assert large.light == pytest.approx(small.light, abs=2)
    assert large.cast == pytest.approx(small.cast, abs=0.01)


def test_only_what_is_present_is_measured():
    rgb = np.zeros((300, 400, 3), np.uint8)
    rgb[:, :200] = drawn_field(200, 300)
    present = np.zeros((300, 400), bool)
    present[:, :200] = True
    assert ImageMeasures.of(rgb, present).dark == pytest.approx(234, abs=1)
    assert ImageMeasures.of(rgb, present).plain < 0.8


def test_one_piece_on_a_plain_ground_is_connected():
    cut_out = np.pad(drawn_cell(), ((60, 60), (60, 60), (0, 0)))
    assert ImageMeasures.of(cut_out).lone > 0.99
    assert ImageMeasures.of(cut_out).plain_light == 0
    assert ImageMeasures.of(drawn_field()).lone < 0.5


@pytest.mark.parametrize("shift", [0, 3])
def test_blocks_show_at_any_phase_when_jpeg_is_strong(shift: int):
    field = grained(drawn_field())
    values = [blockiness(as_jpeg(field, quality)[shift:, shift:]) for quality in (98, 30, 8)]
    assert values[0] < 1.2
    assert values[0] < values[1] < values[2]


def test_blocks_of_an_image_of_few_pixels_are_not_measured():
    assert blockiness(np.zeros((20, 20, 3), np.uint8)) == 1


def test_lines_along_rows_and_columns_are_found_and_cells_are_not():
    field = drawn_field()
    assert straight_lines(field) == 0
    boxed = field.copy()
    cv2.rectangle(boxed, (100, 80), (220, 200), (255, 0, 0), 2)
    # Four sides, with an edge on either side of each, as long as the sides.
    assert straight_lines(boxed) > 4 * 2 * 120 / 480
    turned = np.ascontiguousarray(boxed.transpose(1, 0, 2))
    assert straight_lines(turned) == pytest.approx(straight_lines(boxed), rel=0.05)


def test_the_frame_of_a_picture_is_no_line():
    framed = drawn_field().copy()
    framed[:3] = framed[-3:] = framed[:, :3] = framed[:, -3:] = 0
    assert straight_lines(framed) == 0


def test_sharpness_falls_with_blur_and_does_not_change_with_contrast_or_size():
    box = (32, 32, 168, 168)
    cell = drawn_cell(200)
    sharp = sharpness(cell, box)
    values = [sharpness(cv2.GaussianBlur(cell, (0, 0), sigma), box) for sigma in (2, 5, 10)]
    assert sharp > values[0] > values[1] > values[2]
    assert sharpness(cell // 2, box) == pytest.approx(sharp, rel=0.1)
    assert sharpness(drawn_cell(400), (64, 64, 336, 336)) == pytest.approx(sharp, rel=0.1)


def test_a_bluer_stain_absorbs_more_red_light():
    field = drawn_field().astype(np.float32)
    usual, bluer = ImageMeasures.of(drawn_field()), field.copy()
    stained = field.min(axis=2) < 200
    bluer[stained, 0] *= 0.8
    assert 0 < usual.balance < 1
    assert ImageMeasures.of(bluer.astype(np.uint8)).balance > usual.balance + 0.1
    assert ImageMeasures.of(np.full((64, 64, 3), 230, np.uint8)).balance == 0


def test_every_colour_has_opencvs_grey():
    levels = np.arange(256, dtype=np.uint8)
    for red in np.array_split(levels, 16):
        colours = np.stack(np.meshgrid(red, levels, levels, indexing="ij"), axis=-1)
        flat = colours.reshape(-1, 1024, 3)
        assert (measures._grey(flat) == by_opencv.grey(flat)).all()


def streaked(seed: int) -> RgbImage:
    """Lines of any length along rows, many of them up to the border."""
    random = np.random.default_rng(seed)
    height, width = random.integers(20, 120, 2)
    rgb = np.zeros((height, width, 3), np.uint8)
    for _ in range(random.integers(1, 40)):
        start, end = sorted(random.integers(-10, width + 10, 2))
        rgb[random.integers(height), max(0, start) : end] = random.integers(0, 256, 3)
    return rgb


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("shortest", [2, 3, 8, 24, 25, 60])
def test_runs_are_as_long_as_opencv_says(seed: int, shortest: int):
    rgb = streaked(seed)
    for turned in (rgb, rgb.transpose(1, 0, 2)):
        expected = by_opencv.length_of_runs(turned, shortest, measures._LINE_STEP)
        assert measures._runs(turned, shortest) == expected


@pytest.mark.parametrize("share", [0.0, 0.5, 0.8, 0.95, 1.0])
@pytest.mark.parametrize("seed", range(12))
def test_the_largest_region_is_that_of_opencv(seed: int, share: float):
    random = np.random.default_rng(seed)
    mask = random.random(random.integers(1, 90, 2)) < share
    assert measures._largest_share(mask) == by_opencv.largest_share(mask)


@pytest.mark.parametrize("seed", range(40))
def test_a_mask_is_shrunk_as_by_opencv(seed: int):
    random = np.random.default_rng(seed)
    height, width = (int(length) for length in random.integers(320, 1500, 2))
    mask = random.random((height, width)) < 0.5
    small = measures.shrunk(np.zeros((height, width, 3), np.uint8), measures.SMALL_SIDE)
    expected = by_opencv.shrunk_mask(mask, *small.shape[:2])
    assert (measures._shrunk_mask(mask, small) == expected).all()

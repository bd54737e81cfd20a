import time
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from imaging.decoding.bounds import PLAIN_PIXELS, check_density
from imaging.decoding.errors import ImageError
from imaging.images import check_image, read_image
from tests.hostile_files import BOUNDED, REFUSED, jpeg_of_scans, tiff
from tests.uploads import encoded

COSTLY = 10
"""Seconds of processor time; each of these files takes well below one."""


@pytest.mark.parametrize("reader", [check_image, read_image])
@pytest.mark.parametrize("name", REFUSED)
def test_a_costly_file_is_refused_at_once(reader: Callable[[bytes], object], name: str):
    make, reason = REFUSED[name]
    data = make()
    start = time.process_time()
    with pytest.raises(ImageError, match=rf"{reason}.*\.$"):
        reader(data)
    assert time.process_time() - start < COSTLY


def test_a_tiff_with_a_jpeg_of_many_scans_is_refused_while_it_is_decoded():
    data = tiff(1, side=2_000, pixels=jpeg_of_scans(500, 2_000), compression=7)
    with pytest.raises(ImageError, match="scans"):
        read_image(data)
    assert read_image(tiff(1, side=64, pixels=jpeg_of_scans(5, 64), compression=7)).width == 64


@pytest.mark.parametrize("name", BOUNDED)
def test_what_the_bounds_let_through_is_read_or_refused_at_once(name: str):
    data = BOUNDED[name]()
    start = time.process_time()
    try:
        read_image(data)
    except ImageError as error:
        assert "several pictures" in str(error)
    assert time.process_time() - start < COSTLY


@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        ("PNG", {}),
        ("JPEG", {"quality": 30}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 30}),
    ],
)
@pytest.mark.parametrize("grain", [0, 1])
def test_a_blank_or_dark_field_of_a_camera_passes(file_format: str, options: dict, grain: int):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 1 + grain, (1_000, 2_500, 3), np.uint8)
    check_image(encoded(Image.fromarray(pixels), file_format, **options))


def test_only_beyond_a_cameras_field_data_is_asked_for():
    check_density(4_000, PLAIN_PIXELS // 4_000, 40)
    with pytest.raises(ImageError, match="4000 × 6001 pixels but holds almost no data"):
        check_density(4_000, PLAIN_PIXELS // 4_000 + 1, 7)


@pytest.mark.parametrize("size", [(16, 321), (321, 16), (1_500_000, 16)])
def test_a_line_is_refused_before_it_is_decoded(size: tuple[int, int]):
    with pytest.raises(ImageError, match=r"20 times as long as wide.*\.$"):
        check_image(encoded(Image.new("L", size), "PNG"))


def test_a_long_strip_passes():
    check_image(encoded(Image.new("L", (16, 320)), "PNG"))


def test_any_rgb_png_passes_however_blank():
    # Deflate makes 1,032 bytes of one at most.
    check_density(10_900, 10_900, 10_900 * 10_900 * 3 // 1_032)

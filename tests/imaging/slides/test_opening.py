"""Slides are told by their content; what is none is named, with what to do."""

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from imaging.decoding.color import adobe_rgb_profile
from imaging.slides.opening import open_slide
from imaging.slides.openslide_reader import OpenSlideReader
from imaging.slides.slide import SlideError
from imaging.slides.tiff_reader import TiffReader
from tests.known_pixels import known_adobe_rgb_in_srgb, known_rgb
from tests.slide_files import write_slide
from tests.uploads import encoded


def folder_with(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("name", "format_", "reader"),
    [
        ("plain", "TIFF", TiffReader),
        ("nested", "OME-TIFF", TiffReader),
        ("aperio", "SVS", OpenSlideReader),
    ],
)
def test_each_kind_is_opened_with_all_its_levels(slides, name, format_, reader):
    slide = open_slide(slides[name].parent)
    assert isinstance(slide, reader)
    assert slide.info.format == format_
    assert [level.width for level in slide.info.levels] == [7168, 3584, 1792, 896]
    assert slide.info.micrometres == pytest.approx(0.25)
    assert slide.info.objective == (40 if name == "aperio" else None)
    slide.close()


def test_both_libraries_read_the_same_pixels(slides: dict[str, Path]):
    readers = [OpenSlideReader(slides["plain"]), TiffReader(slides["nested"])]
    one, other = (reader.read(1, 1000, 1500, 700, 300) for reader in readers)
    assert np.abs(one.astype(int) - other).max() <= 1
    for reader in readers:
        reader.close()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.svs", b"", "empty"),
        ("a.svs", encoded(Image.new("RGB", (60, 60)), "PNG"), "a PNG image, not a whole slide"),
        ("a.jpg", encoded(Image.new("RGB", (60, 60)), "JPEG"), "under Detect"),
        ("a.tif", encoded(Image.new("RGB", (60, 60)), "TIFF"), "a plain TIFF image"),
        ("a.pdf", b"%PDF-1.7 and so on", "a PDF document"),
        ("a.mrxs", encoded(Image.new("RGB", (60, 60)), "JPEG"), "into one ZIP"),
        ("a.svs", b"something else", "No slide was found in this file"),
    ],
)
def test_what_is_no_slide_is_named(tmp_path: Path, name, content, sentence):
    with pytest.raises(SlideError, match=sentence):
        open_slide(folder_with(tmp_path, name, content))


def test_several_files_without_a_slide_are_refused(tmp_path: Path):
    folder_with(tmp_path, "one.dat", b"DICM" * 50)
    with pytest.raises(SlideError, match="No slide was found"):
        open_slide(folder_with(tmp_path, "two.mrxs", b"nothing"))


def test_a_large_file_without_smaller_copies_is_refused(tmp_path: Path):
    write_slide(tmp_path / "slide.tif", 7168, levels=1)
    with pytest.raises(SlideError, match="7168 × 7168 pixels but no smaller copies"):
        open_slide(tmp_path)


@pytest.mark.parametrize(
    ("options", "pixels"),
    [
        ({"photometric": "minisblack"}, np.zeros((2048, 2048), np.uint8)),
        ({"photometric": "rgb"}, np.zeros((2048, 2048, 3), np.uint16)),
    ],
)
def test_a_pyramid_of_other_pixels_is_refused(tmp_path: Path, options, pixels):
    with tifffile.TiffWriter(tmp_path / "slide.tif") as file:
        file.write(pixels, tile=(256, 256), subifds=1, metadata=None, **options)
        file.write(pixels[::2, ::2], tile=(256, 256), subfiletype=1, metadata=None, **options)
    with pytest.raises(SlideError, match="not 8-bit RGB"):
        open_slide(tmp_path)


@pytest.mark.parametrize("photometric", ["cielab", "ycbcr"])
def test_a_pyramid_of_other_colours_is_refused(tmp_path: Path, photometric: str):
    pixels = np.zeros((2048, 2048, 3), np.uint8)
    pyramid(tmp_path / "slide.tif", pixels, nested=True, photometric=photometric)
    with pytest.raises(SlideError, match="not 8-bit RGB"):
        open_slide(tmp_path)


@pytest.mark.parametrize("nested", [True, False])
def test_the_profile_of_a_scanner_is_applied(tmp_path: Path, nested: bool):
    pixels = np.kron(known_rgb(), np.ones((40, 40, 1), np.uint8))
    pyramid(tmp_path / "slide.tif", pixels, nested, iccprofile=adobe_rgb_profile())
    slide = open_slide(tmp_path)
    read = slide.read(0, 0, 0, pixels.shape[1], pixels.shape[0])
    wanted = np.kron(known_adobe_rgb_in_srgb(), np.ones((40, 40, 1)))
    assert np.abs(read - wanted).max() < 2
    slide.close()


def pyramid(path: Path, pixels: np.ndarray, nested: bool, **options) -> None:
    about = {"photometric": "rgb", "tile": (256, 256), "metadata": None, **options}
    with tifffile.TiffWriter(path) as file:
        file.write(pixels, subifds=int(nested), **about)
        file.write(pixels[::2, ::2], subfiletype=1, **about)


def test_a_pyramid_without_tiles_is_refused(tmp_path: Path):
    pixels = np.zeros((2048, 2048, 3), np.uint8)
    with tifffile.TiffWriter(tmp_path / "slide.tif") as file:
        file.write(pixels, photometric="rgb", subifds=1, metadata=None)
        file.write(pixels[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
    with pytest.raises(SlideError, match="not stored in tiles"):
        open_slide(tmp_path)


def test_a_file_that_does_not_tell_the_size_of_a_pixel_has_none(tmp_path: Path):
    write_slide(tmp_path / "slide.tif", 2048, micrometres=None)
    slide = open_slide(tmp_path)
    assert slide.info.micrometres is None
    slide.close()


def test_a_picture_that_is_not_a_slide_stays_what_it_was():
    """Pillow's own limit must not come back through another library."""
    Image.open(io.BytesIO(encoded(Image.new("L", (10, 10)), "PNG"))).load()
    assert Image.MAX_IMAGE_PIXELS is None

from __future__ import annotations

import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from imaging.decoding.errors import ImageError
from imaging.images import (
    ImageLimits,
    centre_square,
    classifier_input,
    detector_input,
    encode_png,
    min_max,
    read_image,
    resize,
)
from tests.stand_ins import drawn_cell


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def cell() -> Image.Image:
    return Image.fromarray(drawn_cell(64))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_lossless_formats_keep_every_pixel(cell, kind, options):
    data = encoded(cell, kind, **options)
    upload = read_image(data)
    assert upload.format == kind
    assert (upload.width, upload.height) == (64, 64)
    assert upload.sha256 == hashlib.sha256(data).hexdigest()
    assert upload.notes == ()
    np.testing.assert_array_equal(upload.rgb, np.asarray(cell))


def test_jpeg_is_close_to_what_was_saved(cell):
    upload = read_image(encoded(cell, "JPEG", quality=98))
    assert np.abs(upload.rgb.astype(int) - np.asarray(cell)).mean() < 4


def test_empty_file_is_refused():
    with pytest.raises(ImageError, match="empty"):
        read_image(b"")


def test_other_files_are_refused():
    with pytest.raises(ImageError, match="not an image"):
        read_image(b"hello, I am text" * 10)


def test_gif_is_refused(cell):
    with pytest.raises(ImageError, match=r"This is a GIF.*Save the image as PNG"):
        read_image(encoded(cell, "GIF"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_truncated_files_are_refused(kind):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    with pytest.raises(ImageError):
        read_image(data[: len(data) // 2])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_damaged_files_never_raise_anything_else(cell, kind):
    random = np.random.default_rng(1)
    data = np.frombuffer(encoded(cell, kind), np.uint8)
    for _ in range(60):
        damaged = data.copy()
        damaged[random.integers(8, len(data), 12)] = random.integers(0, 256, 12)
        try:
            assert read_image(damaged.tobytes()).rgb.dtype == np.uint8
        except ImageError as error:
            assert str(error).endswith(".")


def test_too_many_bytes_are_refused_before_anything_is_decoded():
    with pytest.raises(ImageError, match="MiB"):
        read_image(b"x" * 101, ImageLimits(max_bytes=100))


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises far more pixels than its few bytes hold."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def test_decompression_bomb_is_refused_by_its_header():
    with pytest.raises(ImageError, match="megapixels"):
        read_image(bomb(60_000, 60_000))


def test_webp_bomb_is_refused_by_its_header():
    one_colour_of_268_megapixels = bytes.fromhex(
        "524946461a000000574542505650384c0e0000002ffebfff0f071011fd0f4444ff03"
    )
    with pytest.raises(ImageError, match="16383 × 16383"):
        read_image(one_colour_of_268_megapixels)


def test_tiny_images_are_refused(cell):
    with pytest.raises(ImageError, match="only 8 × 40"):
        read_image(encoded(cell.resize((8, 40))))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_animations_and_pages_are_refused(cell, kind):
    other = cell.rotate(90)
    with pytest.raises(ImageError, match="several pictures"):
        read_image(encoded(cell, kind, save_all=True, append_images=[other]))


def test_cmyk_becomes_rgb(cell):
    upload = read_image(encoded(cell.convert("CMYK"), "TIFF"))
    assert np.abs(upload.rgb.astype(int) - np.asarray(cell)).max() <= 2
    assert upload.notes == ("CMYK colours were converted to RGB.",)


def test_sixteen_bit_grey_is_scaled():
    ramp = np.linspace(0, 65535, 32 * 32).astype(np.uint16).reshape(32, 32)
    upload = read_image(encoded(Image.fromarray(ramp)))
    assert (upload.rgb.min(), upload.rgb.max()) == (0, 255)
    assert (upload.rgb[..., 0] == upload.rgb[..., 2]).all()
    assert "16-bit" in upload.notes[0]


def test_palette_keeps_its_colours(cell):
    indexed = cell.quantize(16)
    upload = read_image(encoded(indexed))
    np.testing.assert_array_equal(upload.rgb, np.asarray(indexed.convert("RGB")))


def test_transparency_becomes_black(cell):
    rgba = cell.convert("RGBA")
    rgba.paste((0, 0, 0, 0), (0, 0, 64, 10))
    upload = read_image(encoded(rgba))
    assert upload.rgb[:10].max() == 0
    np.testing.assert_array_equal(upload.rgb[10:], np.asarray(cell)[10:])
    assert "black" in upload.notes[0]


def test_an_opaque_alpha_channel_changes_nothing(cell):
    upload = read_image(encoded(cell.convert("RGBA")))
    np.testing.assert_array_equal(upload.rgb, np.asarray(cell))
    assert upload.notes == ()


def test_exif_orientation_is_applied(cell):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: show turned clockwise
    wide = cell.crop((0, 0, 64, 40))
    upload = read_image(encoded(wide, "PNG", exif=exif))
    np.testing.assert_array_equal(upload.rgb, np.rot90(np.asarray(wide), -1))


def test_a_broken_profile_is_left_out_and_told(cell):
    upload = read_image(encoded(cell, "PNG", icc_profile=b"no profile at all"))
    np.testing.assert_array_equal(upload.rgb, np.asarray(cell))
    assert "damaged" in upload.notes[0]


def test_an_srgb_profile_changes_nothing(cell):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    upload = read_image(encoded(cell, "PNG", icc_profile=profile))
    np.testing.assert_array_equal(upload.rgb, np.asarray(cell))
    assert upload.notes == ()


def test_reencoding_drops_metadata(cell):
    exif = Image.Exif()
    exif[0x010E] = "name of a patient"
    upload = read_image(encoded(cell, "JPEG", exif=exif))
    clean = encode_png(upload.rgb)
    assert b"patient" not in clean
    assert not Image.open(io.BytesIO(clean)).getexif()


def test_centre_square_takes_the_middle():
    rgb = np.zeros((4, 10, 3), np.uint8)
    rgb[:, 3:7] = 9
    assert centre_square(rgb).shape == (4, 4, 3)
    assert (centre_square(rgb) == 9).all()


def test_min_max_spans_zero_to_one_and_survives_flat_images():
    values = min_max(np.array([[[10, 20, 60]]], np.uint8))
    np.testing.assert_allclose(values, [[[0, 0.2, 1]]])
    assert min_max(np.full((2, 2, 3), 7, np.uint8)).max() == 0


def test_classifier_input_has_the_networks_shape_and_range():
    pixels = classifier_input(drawn_cell(450))
    assert pixels.shape == (300, 300, 3)
    assert pixels.dtype == np.float32
    assert (pixels.min(), pixels.max()) == (0, 1)


def test_resize_averages_when_shrinking():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(resize(stripes, 8, 8).astype(int) - 127).max() < 20


def test_shrinking_by_blocks_first_changes_little():
    noise = np.random.default_rng(0).integers(0, 256, (540, 720, 3), np.uint8)
    plain, blocks = resize(noise, 200, 150), resize(noise, 200, 150, reducing_gap=1.3)
    assert blocks.shape == plain.shape
    assert np.abs(blocks.astype(int) - plain).mean() < 10


def test_a_field_lies_in_the_middle_of_a_grey_frame():
    letterbox = detector_input(np.zeros((100, 200, 3), np.uint8), (192, 320), 1.0)
    assert (letterbox.scale, letterbox.left, letterbox.top) == (1.0, 60, 46)
    assert letterbox.pixels.shape == (3, 192, 320)
    assert letterbox.pixels[0, 0, 0] == np.float32(114 / 255)
    assert letterbox.pixels[0, 96, 160] == 0


def test_boxes_of_a_shrunk_field_are_mapped_back():
    letterbox = detector_input(np.zeros((500, 1000, 3), np.uint8), (100, 100), 0.1)
    corners = np.array([[0, 25, 100, 75]], np.float32)
    np.testing.assert_allclose(letterbox.to_field(corners), [[0, 0, 1000, 500]])

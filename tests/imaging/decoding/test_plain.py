import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from imaging.decoding.color import adobe_rgb_profile
from imaging.decoding.errors import ImageError
from imaging.images import check_image, read_image
from tests.image_files import tiff_directory, tiff_tag
from tests.known_pixels import (
    as_bits,
    assert_reads,
    known_adobe_rgb_in_srgb,
    known_grey,
    known_rgb,
)
from tests.uploads import encoded


def fifth_bmp(profile: bytes) -> bytes:
    """A BMP of version 5 with an embedded profile, bottom row first."""
    pixels = np.ascontiguousarray(known_rgb()[::-1, :, ::-1]).tobytes()
    height, width = known_rgb().shape[:2]
    start = 14 + 124
    info = struct.pack("<IiiHHIIiiII", 124, width, height, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    rest = bytes(16) + b"DEBM" + bytes(36) + bytes(12)
    rest += struct.pack("<IIII", 4, 124 + len(pixels), len(profile), 0)
    head = struct.pack("<2sIHHI", b"BM", start + len(pixels) + len(profile), 0, 0, start)
    return head + info + rest + pixels + profile


def test_the_profile_of_a_bmp_is_applied():
    upload = assert_reads(fifth_bmp(adobe_rgb_profile()), known_adobe_rgb_in_srgb().round())
    assert upload.notes == ("Colours were converted to sRGB by the embedded profile.",)


@pytest.mark.parametrize(("kind", "options"), [("WEBP", {"lossless": True}), ("BMP", {})])
def test_grey_and_colours_without_loss(kind: str, options: dict):
    assert_reads(encoded(Image.fromarray(known_rgb()), kind, **options), known_rgb(), 0)
    assert_reads(encoded(Image.fromarray(known_grey()), kind, **options), known_grey(), 1)


@pytest.mark.parametrize("kind", ["WEBP", "JPEG"])
def test_a_profile_is_applied(kind: str):
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100, "subsampling": 0}
    data = encoded(Image.fromarray(known_rgb()), kind, icc_profile=adobe_rgb_profile(), **options)
    upload = read_image(data)
    error = np.abs(upload.rgb.astype(float) - known_adobe_rgb_in_srgb())
    assert error.mean() < 1
    assert upload.notes == ("Colours were converted to sRGB by the embedded profile.",)


def test_adobe_rgb_that_a_camera_only_marks_is_converted():
    # One directory leads to EXIF's, and that one to what marks the colours.
    first = tiff_directory([tiff_tag(0x8769, 4, 1, 8 + 18)])
    second = tiff_directory([tiff_tag(0xA005, 4, 1, 8 + 36)])
    third = tiff_directory([struct.pack("<HHI4s", 1, 2, 4, b"R03")])
    exif = b"Exif\0\0" + struct.pack("<2sHI", b"II", 42, 8) + first + second + third
    options = {"quality": 100, "subsampling": 0, "exif": exif}
    upload = read_image(encoded(Image.fromarray(known_rgb()), "JPEG", **options))
    assert np.abs(upload.rgb.astype(float) - known_adobe_rgb_in_srgb()).mean() < 1


def test_cmyk_is_converted_by_ideal_inks():
    inks = Image.fromarray(np.dstack([255 - known_rgb(), known_grey() * 0]), "CMYK")
    upload = read_image(encoded(inks, "JPEG", quality=100, subsampling=0))
    assert np.abs(upload.rgb.astype(int) - known_rgb()).mean() < 2
    assert upload.notes == ("CMYK colours were converted to RGB.",)


def test_a_jpeg_of_12_bits_is_refused_by_name():
    data = imagecodecs.jpeg8_encode(as_bits(known_rgb(), 12), bitspersample=12)
    for reader in (check_image, read_image):
        with pytest.raises(ImageError, match=r"a JPEG of 12 bits, extended.*Save the image as"):
            reader(data)


@pytest.mark.parametrize(
    ("encode", "name"),
    [(imagecodecs.ljpeg_encode, "lossless"), (imagecodecs.jpegls_encode, "JPEG-LS")],
)
def test_other_kinds_of_jpeg_are_refused_by_name(encode, name: str):
    with pytest.raises(ImageError, match=f"a JPEG of 8 bits, {name}"):
        read_image(encode(known_grey()))


def bmp(bits: int, compression: int, masks: tuple[int, ...] = ()) -> bytes:
    """A black BMP of any kind."""
    height, width = known_grey().shape
    body = bytes(height * width * bits // 8)
    start = 14 + 40 + 4 * len(masks)
    info = struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(body), 0, 0, 0, 0
    )
    head = struct.pack("<2sIHHI", b"BM", start + len(body), 0, 0, start)
    return head + info + struct.pack(f"<{len(masks)}I", *masks) + body


@pytest.mark.parametrize(
    ("bits", "compression", "masks"),
    [
        (32, 3, (0x3FF00000, 0xFFC00, 0x3FF)),
        (16, 3, (0xF00, 0xF0, 0xF)),
        (64, 0, ()),
        (0, 4, ()),
        (0, 5, ()),
    ],
)
def test_rare_kinds_of_bmp_are_refused_by_name(bits: int, compression: int, masks):
    for reader in (check_image, read_image):
        with pytest.raises(ImageError, match="a BMP of a rare kind"):
            reader(bmp(bits, compression, masks))


def test_inks_whose_polarity_is_unknown_are_refused():
    inks = Image.fromarray(np.dstack([255 - known_rgb(), known_grey() * 0]), "CMYK")
    data = encoded(inks, "JPEG")
    start = data.index(b"Adobe") - 4
    size = int.from_bytes(data[start + 2 : start + 4], "big")
    with pytest.raises(ImageError, match="does not state which end is white"):
        read_image(data[:start] + data[start + 2 + size :])


@pytest.mark.parametrize("numbers", [(1,), (1, 1, 2)], ids=["one missing", "one twice"])
def test_a_profile_in_wrong_parts_is_told(numbers: tuple[int, ...]):
    data = encoded(Image.fromarray(known_rgb()), "JPEG", quality=100, subsampling=0)
    halves = {1: adobe_rgb_profile()[:200], 2: adobe_rgb_profile()[200:]}
    parts = [b"ICC_PROFILE\0" + bytes([number, 2]) + halves[number] for number in numbers]
    written = b"".join(b"\xff\xe2" + struct.pack(">H", len(part) + 2) + part for part in parts)
    upload = read_image(data[:20] + written + data[20:])
    assert upload.notes == ("The embedded colour profile is damaged and was left out.",)


def test_a_webp_whose_end_was_never_copied_is_refused():
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    data = encoded(Image.fromarray(noise), "WEBP", quality=90)
    for share in (0.3, 0.8):
        kept = int(len(data) * share)
        with pytest.raises(ImageError, match="incomplete or damaged"):
            read_image(data[:kept] + bytes(len(data) - kept))

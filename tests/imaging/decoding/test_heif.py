import io
from pathlib import Path

import imagecodecs
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from imaging.decoding.color import adobe_rgb_profile
from imaging.decoding.errors import ImageError
from imaging.images import check_image, read_image
from tests.known_pixels import (
    as_bits,
    assert_reads,
    known_adobe_rgb_in_srgb,
    known_alpha,
    known_grey,
    known_rgb,
)
from tests.uploads import encoded

ON_BLACK = np.floor(known_rgb() * (known_alpha()[..., None] / 255) + 0.5)
KINDS = {
    "L": (known_grey(), known_grey()),
    "RGB": (known_rgb(), known_rgb()),
    "RGBA": (np.dstack([known_rgb(), known_alpha()]), ON_BLACK),
}
LOSSLESS = {"quality": -1, "chroma": 444, "matrix_coefficients": 0}


def heic(image: Image.Image | pillow_heif.HeifFile, **options) -> bytes:
    file = pillow_heif.from_pillow(image) if isinstance(image, Image.Image) else image
    buffer = io.BytesIO()
    file.save(buffer, **{**LOSSLESS, **options})
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_heic_of_8_bits(kind: str):
    pixels, wanted = KINDS[kind]
    upload = assert_reads(heic(Image.fromarray(pixels)), wanted)
    assert upload.format == "HEIF"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [10, 12])
def test_heic_of_more_bits(kind: str, bits: int, monkeypatch):
    monkeypatch.setattr(pillow_heif.options, "SAVE_HDR_TO_12_BIT", bits == 12)
    pixels, wanted = KINDS[kind]
    data = heic(pillow_heif.from_bytes(f"{kind};16", (48, 40), as_bits(pixels, 16).tobytes()))
    upload = assert_reads(data, wanted)
    assert upload.notes[0] == f"{bits}-bit HEIC, scaled from 0–{2**bits - 1}."
    assert upload.reading.stated


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_heic_is_turned_once(orientation: int):
    exif = Image.Exif()
    exif[0x0112] = orientation
    turns = {3: 2, 6: -1, 8: 1}[orientation]
    data = heic(Image.fromarray(known_rgb()), exif=exif.tobytes())
    assert_reads(data, np.rot90(known_rgb(), turns))


def test_the_profile_of_a_heic_is_applied():
    image = Image.fromarray(known_rgb())
    image.info["icc_profile"] = adobe_rgb_profile()
    upload = assert_reads(heic(image), known_adobe_rgb_in_srgb().round())
    assert upload.notes == ("Colours were converted to sRGB by the embedded profile.",)


def test_high_dynamic_range_is_refused_by_name():
    data = heic(Image.fromarray(known_rgb()), color_primaries=9, transfer_characteristics=16)
    with pytest.raises(ImageError, match=r"high dynamic range \(HEIC, PQ\)"):
        read_image(data)


def test_several_pictures_in_one_heic_are_refused():
    file = pillow_heif.from_pillow(Image.fromarray(known_rgb()))
    file.add_from_pillow(Image.fromarray(known_rgb()))
    buffer = io.BytesIO()
    file.save(buffer, save_all=True)
    for reader in (check_image, read_image):
        with pytest.raises(ImageError, match="several pictures"):
            reader(buffer.getvalue())


@pytest.mark.parametrize("kind", KINDS)
def test_avif_of_8_bits(kind: str):
    pixels, wanted = KINDS[kind]
    data = encoded(Image.fromarray(pixels), "AVIF", quality=100, subsampling="4:4:4")
    assert assert_reads(data, wanted, 4).format == "AVIF"


@pytest.mark.parametrize("bits", [10, 12])
def test_avif_of_more_bits(bits: int):
    data = imagecodecs.avif_encode(as_bits(known_rgb(), bits), level=100, bitspersample=bits)
    upload = assert_reads(data, known_rgb(), 2)
    assert upload.notes == (f"{bits}-bit AVIF, decoded to 8 bits.",)


@pytest.mark.parametrize("make", [heic, lambda image: encoded(image, "AVIF")])
def test_a_file_that_is_cut_off_is_refused(make):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = make(Image.fromarray(noise))
    for kept in (0.02, 0.2, 0.6, 0.9):
        with pytest.raises(ImageError, match=r"\.$"):
            read_image(data[: int(kept * len(data))])


def test_a_phones_photograph_is_read(shared_cases: Path):
    upload = read_image((shared_cases / "phone.heic").read_bytes(), file_name="phone.heic")
    assert upload.rgb.shape == (369, 366, 3)
    assert upload.rgb.mean() > 150


@pytest.mark.parametrize(
    "make", [lambda image: heic(image, quality=90), lambda image: encoded(image, "AVIF")]
)
def test_a_file_whose_end_was_never_copied_is_refused(make):
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    data = make(Image.fromarray(noise))
    for share in (0.4, 0.8):
        kept = int(len(data) * share)
        with pytest.raises(ImageError, match="incomplete or damaged"):
            read_image(data[:kept] + bytes(len(data) - kept))

"""JPEGs are whole or refused: decoders fill in grey for what is missing, and only warn."""

from collections.abc import Callable

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from imaging.decoding.errors import ImageError
from imaging.images import read_image
from tests.dicom_files import dicom
from tests.known_pixels import tiff
from tests.uploads import encoded

DICOM_JPEG = "1.2.840.10008.1.2.4.50"
NOISE = np.random.default_rng(0).integers(0, 256, (160, 160, 3), np.uint8)
END = b"\xff\xd9"


def jpeg(**options) -> bytes:
    return encoded(Image.fromarray(NOISE), "JPEG", **{"quality": 90, **options})


def restarts(data: bytes) -> list[int]:
    return [place for place in range(len(data) - 1) if data[place : place + 2] in RESTARTS]


RESTARTS = [bytes([0xFF, 0xD0 + number]) for number in range(8)]


def cut_and_closed(data: bytes) -> bytes:
    return data[: int(len(data) * 0.6)] + END


def sent_as_text(data: bytes) -> bytes:
    """As FTP does that takes a picture for text."""
    return data.replace(b"\n", b"\r\n")


def overwritten(data: bytes) -> bytes:
    place = len(data) // 2
    return data[:place] + bytes(range(255, -1, -1)) + data[place + 256 :]


def without_a_part(data: bytes) -> bytes:
    first, second = restarts(data)[2:4]
    return data[:first] + data[second:]


@pytest.mark.parametrize("damage", [cut_and_closed, sent_as_text, overwritten])
@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"optimize": True}, {"subsampling": 0}, {"grey": True}]
)
def test_damage_between_the_pixels_is_refused(damage: Callable[[bytes], bytes], options: dict):
    image = Image.fromarray(NOISE).convert("L" if options.pop("grey", False) else "RGB")
    data = encoded(image, "JPEG", quality=90, **options)
    read_image(data)
    with pytest.raises(ImageError, match="incomplete or damaged"):
        read_image(damage(data))


def test_a_missing_part_between_restarts_is_refused():
    data = jpeg(restart_marker_rows=1)
    read_image(data)
    with pytest.raises(ImageError, match="incomplete or damaged"):
        read_image(without_a_part(data))


@pytest.mark.parametrize("tables", [False, True])
def test_damage_inside_a_tiff_is_refused(tables: bool):
    if tables:
        data = encoded(Image.fromarray(NOISE), "TIFF", compression="jpeg")
    else:
        data = tiff(NOISE, photometric="rgb", compression="jpeg")
    read_image(data)
    with pytest.raises(ImageError, match="incomplete or damaged"):
        read_image(overwritten(data))


def test_damage_inside_a_dicom_file_is_refused():
    frame = imagecodecs.jpeg8_encode(NOISE, level=90)
    for content, whole in ((frame, True), (cut_and_closed(frame), False)):
        data = dicom(NOISE, "YBR_FULL_422", syntax=DICOM_JPEG, frame=content)
        if whole:
            read_image(data)
            continue
        with pytest.raises(ImageError, match="incomplete or damaged"):
            read_image(data)


@pytest.mark.parametrize(
    "odd",
    [
        lambda data: data[:-2] + bytes(7) + END,
        lambda data: data + bytes(3000),
        lambda data: data + b"PK\3\4 and more",
    ],
    ids=["filled up in front of its end", "filled up behind it", "more behind it"],
)
def test_what_cameras_add_to_a_jpeg_is_no_damage(odd: Callable[[bytes], bytes]):
    wanted = read_image(jpeg()).rgb
    assert (read_image(odd(jpeg())).rgb == wanted).all()


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_other_colours_are_checked_too(mode: str):
    data = encoded(Image.fromarray(NOISE).convert(mode), "JPEG", quality=90)
    read_image(data)
    with pytest.raises(ImageError, match="incomplete or damaged"):
        read_image(cut_and_closed(data))

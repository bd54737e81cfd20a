import struct
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

from imaging.decoding.errors import ImageError, decoder_errors_refused
from imaging.images import check_image, read_image
from tests.image_files import (
    REAL_FILES,
    damaged_files,
    tiff_directory,
    tiff_tag,
)
from tests.uploads import encoded

READERS = [check_image, read_image]


def tiff(directory: list[bytes], following: int = 0, behind: bytes = b"") -> bytes:
    """A TIFF of one 16 x 16 grey strip; `directory` is added to its tags."""
    pixels = bytes(256)
    tags = [
        tiff_tag(256, 3, 1, 16),
        tiff_tag(257, 3, 1, 16),
        tiff_tag(258, 3, 1, 8),
        tiff_tag(259, 3, 1, 1),
        tiff_tag(262, 3, 1, 1),
        tiff_tag(273, 4, 1, 8),
        tiff_tag(279, 4, 1, len(pixels)),
        *directory,
    ]
    start = struct.pack("<2sHI", b"II", 42, 8 + len(pixels))
    return start + pixels + tiff_directory(tags, following) + behind


FIRST = len(tiff([]))
DAMAGED_TIFFS = {
    "next directory outside": tiff([], following=10**6),
    "next directory inside the pixels": tiff([], following=9),
    "next directory without dimensions": tiff([], FIRST, tiff_directory([tiff_tag(258, 3, 1, 8)])),
    "next directory cut off": tiff([], FIRST, struct.pack("<H", 50) + b"x" * 30),
    "no directory": struct.pack("<2sHI", b"II", 42, 0),
    "only a signature": b"II*\0",
    "big and cut off": b"MM\0+\0\x08",
    "huge number of tags": tiff([], FIRST, b"\xff\xff" + bytes(100)),
}
RAISED = [
    struct.error("unpack requires a buffer of 4 bytes"),
    TypeError("Missing dimensions"),
    OverflowError("Python int too large to convert to C long"),
    RecursionError("maximum recursion depth exceeded"),
    AssertionError(),
    Image.DecompressionBombError("too many pixels"),
    UserWarning("Corrupt EXIF data"),
    EOFError(),
    MemoryError(),
]


@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: type(raised).__name__)
def test_whatever_a_decoder_raises_becomes_one_error(raised: Exception):
    with pytest.raises(ImageError, match=r"\.$") as refused, decoder_errors_refused():
        raise raised
    assert refused.value.__cause__ is raised


def test_a_refusal_and_an_interrupt_pass_unchanged():
    with pytest.raises(ImageError, match="too small"), decoder_errors_refused():
        raise ImageError("too small")
    with pytest.raises(KeyboardInterrupt), decoder_errors_refused():
        raise KeyboardInterrupt


@pytest.mark.parametrize("reader", READERS)
def test_damaged_tiffs_of_old_are_refused(
    reader: Callable[[bytes], object], damaged_tiffs: list[bytes]
):
    for data in damaged_tiffs:
        with pytest.raises(ImageError, match=r"\.$"):
            reader(data)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", DAMAGED_TIFFS)
def test_damaged_directories_are_refused(reader: Callable[[bytes], object], kind: str):
    with pytest.raises(ImageError, match=r"\.$"):
        reader(DAMAGED_TIFFS[kind])


def test_a_file_is_treated_alike_where_warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError):
            check_image(DAMAGED_TIFFS["next directory without dimensions"])


def test_a_profile_that_is_a_number_is_left_out():
    cell = Image.fromarray(np.full((16, 16, 3), 200, np.uint8))
    data = encoded(cell, "TIFF", icc_profile=b"no profile at all")
    tag = struct.pack("<HHI", 34675, 7, 17)
    assert data.count(tag) == 1
    as_number = data.replace(tag, struct.pack("<HHI", 34675, 4, 1))

    upload = read_image(as_number)

    assert upload.notes == ("The embedded colour profile is damaged and was left out.",)
    assert (upload.rgb == 200).all()


@pytest.mark.parametrize("kind", REAL_FILES)
def test_the_files_that_are_damaged_here_are_read_or_refused_for_their_pages(kind: str):
    if kind in {"png animated", "tiff pages", "webp animated"}:
        with pytest.raises(ImageError, match="several pictures"):
            read_image(REAL_FILES[kind])
    else:
        side = 160 if kind == "heif tiles" else 40
        assert read_image(REAL_FILES[kind]).rgb.shape == (side, side, 3)


@settings(max_examples=1_500, deadline=None, print_blob=True, database=None)
@given(damaged_files())
def test_damaged_files_are_read_or_refused_with_a_sentence(data: bytes):
    try:
        assert read_image(data).rgb.dtype == np.uint8
    except ImageError as error:
        assert str(error).endswith(".")

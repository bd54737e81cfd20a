import itertools
from pathlib import Path

import imagecodecs
import numpy as np
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

GRID = list(itertools.product((8, 10, 12, 14, 16), ("grey", "rgb"), ("JP2", "J2K"), (True, False)))


@pytest.mark.parametrize(("bits", "kind", "container", "stated"), GRID)
def test_every_depth(bits: int, kind: str, container: str, stated: bool):
    wanted = known_grey() if kind == "grey" else known_rgb()
    values = as_bits(wanted, bits, "u1" if bits == 8 else "u2")
    data = imagecodecs.jpeg2k_encode(
        values,
        level=0,
        codecformat=container,
        reversible=True,
        bitspersample=bits if stated else None,
    )
    upload = assert_reads(data, wanted)
    assert upload.format == "JPEG2000"
    assert bool(upload.notes) == (bits > 8)


def test_transparency_becomes_black():
    rgba = Image.fromarray(np.dstack([known_rgb(), known_alpha()]))
    wanted = np.floor(known_rgb() * (known_alpha()[..., None] / 255) + 0.5)
    assert_reads(encoded(rgba, "JPEG2000", irreversible=False), wanted)


def with_profile(data: bytes) -> bytes:
    """A JP2 whose colours are described by a profile in place of a number."""
    start = data.index(b"colr") - 4
    size = int.from_bytes(data[start : start + 4], "big")
    box = b"colr" + bytes([2, 0, 0]) + adobe_rgb_profile()
    outer = data.index(b"jp2h") - 4
    grown = int.from_bytes(data[outer : outer + 4], "big") + len(box) + 4 - size
    whole = data[:start] + (len(box) + 4).to_bytes(4, "big") + box + data[start + size :]
    return whole[:outer] + grown.to_bytes(4, "big") + whole[outer + 4 :]


@pytest.mark.parametrize("bits", [8, 12])
def test_a_profile_is_applied(bits: int):
    values = as_bits(known_rgb(), bits, "u1" if bits == 8 else "u2")
    data = imagecodecs.jpeg2k_encode(values, level=0, reversible=True, bitspersample=bits)
    upload = assert_reads(with_profile(data), known_adobe_rgb_in_srgb().round())
    assert "Colours were converted to sRGB by the embedded profile." in upload.notes


def test_colours_of_another_kind_are_refused_by_name():
    data = imagecodecs.jpeg2k_encode(known_rgb(), level=0)
    place = data.index(b"colr") + 7
    sycc = data[:place] + (18).to_bytes(4, "big") + data[place + 4 :]
    for reader in (check_image, read_image):
        with pytest.raises(ImageError, match="colours of kind 18"):
            reader(sycc)


def test_a_file_that_is_cut_off_is_refused():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = imagecodecs.jpeg2k_encode(noise, level=0, reversible=True)
    for kept in (0.005, 0.1, 0.5, 0.9, 0.99):
        with pytest.raises(ImageError, match="incomplete or damaged"):
            read_image(data[: int(kept * len(data))])


def test_a_header_of_a_million_tiles_is_refused():
    data = imagecodecs.jpeg2k_encode(known_rgb(), level=0, codecformat="J2K")
    tile = 8 + 16
    many = data[:tile] + (1).to_bytes(4, "big") * 2 + data[tile + 8 :]
    huge = many[:8] + (5_000).to_bytes(4, "big") * 2 + many[16:]
    with pytest.raises(ImageError, match="tiles"):
        check_image(huge)


def test_a_smear_is_read(shared_cases: Path):
    upload = read_image((shared_cases / "smear.jp2").read_bytes(), file_name="smear.jp2")
    wanted = read_image((shared_cases / "planar16_le_right_pixels.png").read_bytes()).rgb
    assert np.abs(upload.rgb.astype(int) - wanted).mean() < 4


def test_a_file_whose_end_was_never_copied_is_refused():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = imagecodecs.jpeg2k_encode(noise, level=0, reversible=True)
    for share in (0.4, 0.8):
        kept = int(len(data) * share)
        with pytest.raises(ImageError, match="incomplete or damaged"):
            read_image(data[:kept] + bytes(len(data) - kept))

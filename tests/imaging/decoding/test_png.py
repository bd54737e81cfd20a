import io
import itertools
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from imaging.decoding.color import adobe_rgb_profile
from imaging.decoding.errors import ImageError
from imaging.images import read_image
from tests.image_files import PNG_SIGNATURE, png_chunk
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
    "grey": (known_grey(), known_grey()),
    "rgb": (known_rgb(), known_rgb()),
    "rgba": (np.dstack([known_rgb(), known_alpha()]), ON_BLACK),
}


def with_chunk(data: bytes, kind: bytes, content: bytes) -> bytes:
    """A PNG with one further chunk behind its header."""
    behind_header = 8 + 25
    return data[:behind_header] + png_chunk(kind, content) + data[behind_header:]


def linear(values: np.ndarray) -> np.ndarray:
    encoded = values / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def with_profile(data: bytes) -> bytes:
    return with_chunk(data, b"iCCP", b"p\0\0" + zlib.compress(adobe_rgb_profile()))


@pytest.mark.parametrize(("kind", "bits"), list(itertools.product(KINDS, (8, 10, 12, 14, 16))))
def test_sixteen_bits(kind: str, bits: int):
    pixels, wanted = KINDS[kind]
    upload = assert_reads(imagecodecs.png_encode(as_bits(pixels, bits)), wanted)
    assert upload.reading.bits == bits
    assert upload.notes[0].endswith(f"scaled from 0–{2**bits - 1}.")


@pytest.mark.parametrize("kind", KINDS)
def test_eight_bits(kind: str):
    pixels, wanted = KINDS[kind]
    assert_reads(encoded(Image.fromarray(pixels), "PNG"), wanted, 0)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("kind", ["rgb", "rgba"])
def test_a_profile_is_applied_in_every_mode(bits: int, kind: str):
    pixels, _ = KINDS[kind]
    plain = encoded(Image.fromarray(pixels), "PNG")
    if bits > 8:
        plain = imagecodecs.png_encode(as_bits(pixels, bits))
    shown = known_adobe_rgb_in_srgb()
    wanted = shown if kind == "rgb" else shown * (known_alpha()[..., None] / 255)
    upload = assert_reads(with_profile(plain), np.floor(wanted + 0.5))
    assert "Colours were converted to sRGB by the embedded profile." in upload.notes


def test_a_profile_is_applied_to_a_palette():
    indexed = Image.fromarray(known_rgb()).quantize(64)
    flat = encoded(indexed.convert("RGB"), "PNG", icc_profile=adobe_rgb_profile())
    wanted = read_image(flat).rgb
    assert_reads(encoded(indexed, "PNG", icc_profile=adobe_rgb_profile()), wanted, 0)
    assert np.abs(wanted.astype(int) - np.asarray(indexed.convert("RGB"))).max() > 20


def test_a_profile_is_applied_beside_an_alpha_channel(shared_cases: Path):
    wanted = read_image((shared_cases / "works_adobe_rgb.png").read_bytes()).rgb
    assert_reads((shared_cases / "adobe_rgb_with_alpha.png").read_bytes(), wanted, 0)


def test_a_grey_profile_is_applied():
    profile = imagecodecs.cms_profile("gray", gamma=1.0)
    values = (linear(known_grey()) * 65535).round().astype(np.uint16)
    data = imagecodecs.png_encode(values)
    assert_reads(with_chunk(data, b"iCCP", b"p\0\0" + zlib.compress(profile)), known_grey())


@pytest.mark.parametrize("kind", ["grey", "rgb"])
def test_linear_light_is_brought_to_srgb(kind: str):
    wanted = KINDS[kind][1]
    data = imagecodecs.png_encode((linear(wanted) * 65535).round().astype(np.uint16))
    for chunk in ((b"gAMA", struct.pack(">I", 100_000)), (b"cICP", bytes([1, 8, 0, 1]))):
        upload = assert_reads(with_chunk(data, *chunk), wanted)
        assert "Linear light was converted to sRGB." in upload.notes


def test_the_usual_gamma_changes_nothing():
    data = encoded(Image.fromarray(known_rgb()), "PNG")
    upload = assert_reads(with_chunk(data, b"gAMA", struct.pack(">I", 45_455)), known_rgb(), 0)
    assert upload.notes == ()


def test_wide_colours_by_code_points_are_converted():
    to_p3 = np.array(
        [[0.8225, 0.1774, 0], [0.0332, 0.9669, 0], [0.0171, 0.0724, 0.9108]],
    )
    inside = (known_rgb() * 0.4 + 80).astype(np.uint8)
    light = linear(inside) @ to_p3.T
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    data = encoded(Image.fromarray((shown * 255).round().astype(np.uint8)), "PNG")
    upload = assert_reads(with_chunk(data, b"cICP", bytes([12, 13, 0, 1])), inside, 2)
    assert upload.notes != ()


@pytest.mark.parametrize(("transfer", "word"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_is_refused_by_name(transfer: int, word: str):
    data = encoded(Image.fromarray(known_rgb()), "PNG")
    with pytest.raises(ImageError, match=rf"high dynamic range \(PNG, {word}\)"):
        read_image(with_chunk(data, b"cICP", bytes([9, transfer, 0, 1])))


def test_a_deep_png_that_is_cut_off_is_refused():
    random = np.random.default_rng(0).integers(0, 65536, (64, 64, 3)).astype(np.uint16)
    data = imagecodecs.png_encode(random)
    for kept in (0.3, 0.7, 0.95):
        with pytest.raises(ImageError, match="incomplete or damaged"):
            read_image(data[: int(kept * len(data))])


def test_a_deep_png_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    deep = Image.fromarray(as_bits(known_grey(), 16))
    buffer = io.BytesIO()
    deep.save(buffer, "PNG", exif=exif)
    assert_reads(buffer.getvalue(), np.rot90(known_grey(), -1))


def test_an_image_that_is_transparent_everywhere_is_refused():
    rgba = np.dstack([known_rgb(), np.zeros_like(known_grey())])
    with pytest.raises(ImageError, match=r"transparent everywhere.*\.$"):
        read_image(encoded(Image.fromarray(rgba), "PNG"))


def grey_png(values: np.ndarray, bits: int, *before: tuple[bytes, bytes]) -> bytes:
    """A grey PNG of 1 to 8 bits."""
    height, width = values.shape
    spread = (values[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    packed = np.packbits(spread.reshape(height, -1).astype(np.uint8), axis=1)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in packed))
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), *before, (b"IDAT", body), (b"IEND", b""))
    return PNG_SIGNATURE + b"".join(png_chunk(*chunk) for chunk in chunks)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("end", ["black", "white"])
def test_the_grey_that_is_transparent_is_found_at_every_depth(bits: int, end: str):
    values = as_bits(known_grey(), bits, "u1")
    level = 0 if end == "black" else 2**bits - 1
    shown = np.where(values == level, 0, np.floor(values * (255 / (2**bits - 1)) + 0.5))
    data = grey_png(values, bits, (b"tRNS", struct.pack(">H", level)))
    assert assert_reads(data, shown).notes == ("Transparent parts were made black.",)


@pytest.mark.parametrize("deep", [False, True])
def test_damaged_pixels_are_refused_by_their_sum(deep: bool):
    pixels = np.kron(known_rgb(), np.ones((6, 6, 1), np.uint8))
    data = encoded(Image.fromarray(pixels), "PNG")
    if deep:
        data = imagecodecs.png_encode(as_bits(pixels, 16))
    start = data.index(b"IDAT") + 4
    for share in np.linspace(0.05, 0.95, 19):
        place = start + int(share * (len(data) - start - 16))
        damaged = data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]
        with pytest.raises(ImageError, match="incomplete or damaged"):
            read_image(damaged)


def test_a_colour_beyond_the_palette_is_refused():
    few = Image.fromarray(known_grey() % 20, "P")
    few.putpalette(bytes(range(30)))
    with pytest.raises(ImageError, match="incomplete or damaged"):
        read_image(encoded(few, "PNG"))


@pytest.mark.parametrize(
    ("chunk", "reason"),
    [
        ((b"CgBI", b"\x50\0\x20\2"), "a PNG with a part of an unknown kind"),
        ((b"cICP", bytes([1, 13, 0, 0])), "a PNG with the values of video"),
        ((b"gAMA", struct.pack(">I", 1)), "an unusual transfer function"),
    ],
)
def test_what_changes_the_pixels_in_ways_unknown_is_refused_by_name(chunk, reason: str):
    data = with_chunk(encoded(Image.fromarray(known_rgb()), "PNG"), *chunk)
    with pytest.raises(ImageError, match=reason):
        read_image(data)


def test_a_profile_that_cannot_be_unpacked_is_told():
    data = encoded(Image.fromarray(known_rgb()), "PNG")
    upload = assert_reads(with_chunk(data, b"iCCP", b"p\0\0damaged"), known_rgb(), 0)
    assert upload.notes == ("The embedded colour profile is damaged and was left out.",)


def chromaticities(*xy: float) -> bytes:
    return struct.pack(">8I", *(round(value * 100_000) for value in xy))


@pytest.mark.parametrize("bits", [8, 16])
def test_primaries_are_converted_unless_a_better_statement_is_there(bits: int):
    data = encoded(Image.fromarray(known_rgb()), "PNG")
    if bits == 16:
        data = imagecodecs.png_encode(as_bits(known_rgb(), 16))
    gamma = with_chunk(data, b"gAMA", struct.pack(">I", 45_455))
    adobe = chromaticities(0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
    wide = assert_reads(with_chunk(gamma, b"cHRM", adobe), known_adobe_rgb_in_srgb().round())
    assert "Colours were converted to sRGB by the embedded profile." in wide.notes
    usual = chromaticities(0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
    for chunks in ([(b"cHRM", usual)], [(b"cHRM", adobe), (b"sRGB", b"\0")]):
        same = gamma
        for chunk in chunks:
            same = with_chunk(same, *chunk)
        assert_reads(same, known_rgb())

import io
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from imaging.decoding.errors import ImageError
from imaging.images import check_image, read_image
from tests.known_pixels import (
    as_bits,
    assert_reads,
    known_adobe_rgb_in_srgb,
    known_grey,
    known_rgb,
    tiff,
)

LOSSLESS = [None, "lzw", "zlib", "packbits", "zstd", "lzma", "jpeg2000", "png", "jpegxl"]
SINGLE = {"rowsperstrip": 40, "photometric": "rgb"}
THREE = np.moveaxis(known_rgb(), -1, 0)


def several_pages(*pages: tuple[np.ndarray, dict], **whole) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, **whole) as writer:
        for pixels, options in pages:
            writer.write(pixels, **{"metadata": None, "contiguous": False, **options})
    return buffer.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(ImageError) as refused:
        read_image(data)
    with pytest.raises(ImageError):
        check_image(data)
    return str(refused.value)


@pytest.mark.parametrize("name", ["rgb_12bit_in_16.tif", "rgb_12bit_in_16.png"])
def test_a_12_bit_camera_is_read_over_its_range(shared_cases: Path, name: str):
    upload = read_image((shared_cases / name).read_bytes())
    assert upload.rgb.mean() > 150
    kind = name[-3:].upper().replace("TIF", "TIFF")
    assert upload.notes == (f"16-bit {kind} with 12-bit values, scaled from 0–4095.",)
    assert (upload.reading.bits, upload.reading.stated) == (12, False)


def test_planes_apart_are_read_as_one_picture(shared_cases: Path):
    wanted = read_image((shared_cases / "planar16_le_right_pixels.png").read_bytes()).rgb
    assert_reads((shared_cases / "planar16_le.tif").read_bytes(), wanted, 0)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("int16_grey.tif", "Signed 16-bit TIFF with 15-bit values, scaled from 0–32767."),
        ("float32_rgb.tif", "Floating-point 32-bit TIFF, scaled from 0–1."),
        ("imagej_composite.tif", "Its three channel pages were read as red, green and blue."),
    ],
)
def test_signed_float_and_channel_pages_are_read_and_told(shared_cases: Path, name: str, line: str):
    upload = read_image((shared_cases / name).read_bytes())
    assert upload.notes == (line,)
    assert upload.rgb.mean() > 150


@pytest.mark.parametrize("compression", LOSSLESS)
@pytest.mark.parametrize("kept", [0.5, 0.8, 0.97])
@pytest.mark.parametrize("rows", [7, 40])
def test_a_picture_that_is_cut_off_is_refused(compression: str | None, kept: float, rows: int):
    random = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    data = tiff(random, photometric="rgb", compression=compression, rowsperstrip=rows)
    with pytest.raises(ImageError, match="incomplete or damaged"):
        read_image(data[: int(kept * len(data))])


@pytest.mark.parametrize("compression", LOSSLESS)
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_strip_that_is_shorter_than_its_rows_is_refused(compression: str | None, share: float):
    random = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    data = tiff(random, photometric="rgb", compression=compression, rowsperstrip=40)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tag = file.pages.first.tags[279]
        (size,) = tag.value
        place = tag.offset + 8
    short = data[:place] + int(size * share).to_bytes(4, "little") + data[place + 4 :]
    with pytest.raises(ImageError, match="incomplete or damaged"):
        read_image(short)


def test_a_picture_without_one_of_its_strips_is_refused():
    data = tiff(known_rgb(), photometric="rgb", rowsperstrip=10)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        places = file.pages.first.tags[273].valueoffset
    for missing in range(4):
        start = places + 4 * missing
        with pytest.raises(ImageError, match="incomplete or damaged"):
            read_image(data[:start] + bytes(4) + data[start + 4 :])


@pytest.mark.parametrize(
    ("tags", "bits", "stated"),
    [
        ([(281, 3, 1, 4095, True)], 12, True),
        ([(281, 3, 3, (1023, 1023, 1023), True)], 10, True),
        ([(341, 3, 1, 16383, True)], 14, True),
        ([(340, 3, 1, 0, True), (341, 3, 1, 65535, True)], 8, False),
        ([(281, 3, 1, 201, True)], 8, False),
    ],
)
def test_what_a_file_says_of_its_range_goes_before_its_pixels(tags, bits, stated):
    dark = np.full((20, 30, 3), 200, np.uint16)
    upload = assert_reads(
        tiff(dark, photometric="rgb", extratags=tags),
        np.full((20, 30, 3), round(200 * 255 / (2**bits - 1))),
    )
    assert (upload.reading.bits, upload.reading.stated) == (bits, stated)


@pytest.mark.parametrize("dtype", ["u2", "u4", "u8", "i2", "i4", "i8", "f4", "f8"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_values_of_any_camera_are_read_in_any_larger_type(dtype: str, bits: int):
    upload = assert_reads(tiff(as_bits(known_rgb(), bits, dtype), photometric="rgb"), known_rgb())
    assert (upload.reading.bits, upload.reading.stated) == (bits, False)


def test_a_stated_range_of_signed_values_is_used():
    values = np.linspace(-1000, 1000, 40 * 48).reshape(40, 48)
    tags = [(340, 8, 1, -1000, True), (341, 8, 1, 1000, True)]
    upload = assert_reads(
        tiff(values.round().astype(np.int16), photometric="minisblack", extratags=tags),
        known_grey(),
    )
    assert upload.notes == ("Signed 16-bit TIFF, scaled from -1000–1000.",)


@pytest.mark.parametrize(
    ("pixels", "options", "reason"),
    [
        (
            np.full((20, 20), -5, np.int16),
            {},
            r"signed 16-bit TIFF \(LZW\) has.* -5.*no range",
        ),
        (np.full((20, 20), 90, np.int8), {}, r"signed 8-bit TIFF.*from 90 to 90.*no range"),
        (np.full((20, 20), 1.3, np.float32), {}, r"floating-point 32-bit.*from 1.3 to 1.3"),
        (np.full((20, 20), np.nan, np.float32), {}, "no numbers"),
        (np.full((20, 20), 70_000, np.uint32), {}, r"32-bit TIFF.*to 70000"),
        (np.full((20, 20), 1e9, np.float64), {}, r"floating-point 64-bit"),
        (np.full((20, 20), 1j, np.complex64), {}, "complex numbers"),
        (known_rgb(), {"photometric": "cielab"}, r"CIELab colours \(LZW, 8 bits, 3 samples\)"),
        (
            np.full((20, 20), 5000, np.uint16),
            {"extratags": [(341, 3, 1, 4095, True)]},
            "although it states 0 to 4095",
        ),
        (
            known_grey(),
            {"photometric": "cfa", "extratags": [(33421, 3, 2, (2, 2), True)]},
            "mosaic",
        ),
    ],
)
def test_what_cannot_be_read_exactly_is_refused_by_name(pixels, options, reason):
    whole = {"photometric": "minisblack", "compression": "lzw", **options}
    if pixels.dtype.kind in "fc":
        del whole["compression"]
    with pytest.raises(ImageError, match=reason) as refused:
        read_image(tiff(pixels, **whole))
    assert re.search(r"\. Save .*\.$", str(refused.value))


def test_reduced_copies_and_masks_are_left_out_and_told():
    full, half = known_rgb(), known_rgb()[::2, ::2]
    about = {"photometric": "rgb"}
    copies = several_pages((full, about), (half, {**about, "subfiletype": 1}))
    first = several_pages((half, {**about, "subfiletype": 1}), (full, about))
    below = several_pages((full, {**about, "subifds": 1}), (half, {**about, "subfiletype": 1}))
    mask = several_pages(
        (full, about), (known_grey() > 9, {"subfiletype": 4, "photometric": "minisblack"})
    )
    for data in (copies, first, below, mask):
        upload = assert_reads(data, full, 0)
        assert upload.notes == ("Reduced copies and masks in the file were left out.",)


def test_the_full_picture_below_a_preview_is_found():
    half, full = known_rgb()[::2, ::2], known_rgb()
    data = several_pages(
        (half, {"photometric": "rgb", "subfiletype": 1, "subifds": 1}),
        (full, {"photometric": "rgb"}),
    )
    assert_reads(data, full, 0)


def test_several_full_pages_are_refused():
    page = (known_rgb(), {"photometric": "rgb"})
    assert "several pictures (3 pages)" in refusal(several_pages(page, page, page))


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_channels_of_imagej_are_one_picture(bits: int):
    planes = as_bits(THREE, bits, "u1" if bits == 8 else "u2")
    data = tiff(planes, imagej=True, metadata={"axes": "CYX", "mode": "composite"})
    upload = assert_reads(data, known_rgb())
    assert "Its three channel pages were read as red, green and blue." in upload.notes


@pytest.mark.parametrize(
    ("shape", "metadata", "reason"),
    [
        ((3, 40, 48), {"axes": "ZYX"}, "several pictures .*3 focal planes"),
        ((3, 40, 48), {"axes": "TYX"}, "several pictures .*3 time points"),
        ((2, 40, 48), {"axes": "CYX", "mode": "composite"}, "2 channels that are not red, green"),
        ((3, 40, 48), {"axes": "CYX", "mode": "grayscale"}, "3 channels that are not red, green"),
        (
            (3, 40, 48),
            {
                "axes": "CYX",
                "mode": "composite",
                "LUTs": [np.repeat(np.arange(256, dtype=np.uint8)[None], 3, axis=0)] * 3,
            },
            "3 channels that are not red, green",
        ),
    ],
)
def test_stacks_and_other_channels_of_imagej_are_refused_by_name(shape, metadata, reason):
    data = tiff(np.zeros(shape, np.uint8), imagej=True, metadata=metadata)
    assert re.search(reason, refusal(data))


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"Channel": {"Name": ["Red", "Green", "Blue"]}},
        {"Channel": {"Color": [-16776961, 16711935, 65535]}},
    ],
)
def test_channels_of_ome_tiff_are_one_picture(metadata: dict):
    data = tiff(THREE, ome=True, photometric="minisblack", metadata={"axes": "CYX", **metadata})
    assert_reads(data, known_rgb(), 0)


def test_channels_of_ome_tiff_in_another_order_are_put_right():
    metadata = {"axes": "CYX", "Channel": {"Name": ["Blue", "Green", "Red"]}}
    data = tiff(THREE[::-1], ome=True, photometric="minisblack", metadata=metadata)
    assert_reads(data, known_rgb(), 0)


@pytest.mark.parametrize(
    ("pixels", "planes", "axes"),
    [(known_rgb(), "contig", "YXS"), (THREE, "separate", "SYX")],
)
def test_rgb_ome_tiffs_are_read(pixels, planes, axes):
    options = {"photometric": "rgb", "planarconfig": planes, "metadata": {"axes": axes}}
    assert_reads(tiff(pixels, ome=True, **options), known_rgb(), 0)


def test_the_significant_bits_of_an_ome_tiff_are_used():
    values = np.full((40, 48), 1000, np.uint16)
    data = tiff(values, ome=True, photometric="minisblack", metadata={"SignificantBits": 12})
    upload = assert_reads(data, np.full((40, 48), round(1000 * 255 / 4095)))
    assert upload.reading.stated


@pytest.mark.parametrize(
    ("shape", "metadata", "reason"),
    [
        ((4, 40, 48), {"axes": "ZYX"}, "OME-TIFF, 4 focal planes"),
        ((4, 40, 48), {"axes": "CYX"}, "4 channels that are not red, green and blue"),
        (
            (3, 40, 48),
            {"axes": "CYX", "Channel": {"Name": ["DAPI", "FITC", "Cy5"]}},
            "3 channels that are not red, green and blue",
        ),
    ],
)
def test_stacks_and_other_channels_of_ome_tiff_are_refused_by_name(shape, metadata, reason):
    data = tiff(np.zeros(shape, np.uint8), ome=True, photometric="minisblack", metadata=metadata)
    assert reason in refusal(data)


def test_a_whole_slide_image_is_refused_by_name():
    description = "Aperio Image Library v11.2.1\n46000x32914 (256x256) JPEG/RGB Q=70"
    data = tiff(known_rgb(), photometric="rgb", tile=(16, 16), description=description)
    assert "a whole-slide image (Aperio SVS)" in refusal(data)


@pytest.mark.parametrize(
    ("curve", "same"), [(2.2, True), (1.0, False)], ids=["usual gamma", "linear light"]
)
def test_a_transfer_function_of_linear_light_is_converted(curve: float, same: bool):
    table = tuple(int(v) for v in (np.linspace(0, 1, 256) ** curve * 65535).round())
    data = tiff(known_grey(), photometric="minisblack", extratags=[(301, 3, 256, table, True)])
    upload = read_image(data)
    assert (upload.rgb[..., 0] == known_grey()).all() == same
    assert upload.notes == (() if same else ("Linear light was converted to sRGB.",))


def renamed(data: bytes, tag: int, other: int) -> bytes:
    """A TIFF of which one tag of a single short has another number."""
    written, wanted = (struct.pack("<HHI", number, 3, 1) for number in (tag, other))
    assert data.count(written) == 1
    return data.replace(written, wanted)


@pytest.mark.parametrize(
    ("tag", "reason"), [(262, "unstated colours"), (258, "an unstated number of bits")]
)
def test_what_a_file_leaves_out_is_not_guessed(tag: int, reason: str):
    data = tiff(known_grey(), photometric="minisblack", byteorder="<")
    assert f"This is a TIFF with {reason} (" in refusal(renamed(data, tag, tag + 1))


@pytest.mark.parametrize("compression", [None, "packbits"])
def test_a_predictor_beside_a_compression_that_knows_none_is_refused(compression: str | None):
    tags = [(316, 3, 1, 2, True)]
    data = tiff(
        known_grey(),
        photometric="minisblack",
        byteorder="<",
        compression=compression,
        extratags=tags,
    )
    assert "with a predictor (" in refusal(renamed(data, 316, 317))


@pytest.mark.parametrize(
    ("kind", "white", "code"), [("u1", 255, 1), ("u2", 65535, 3), ("f4", 1.0, 11)]
)
def test_statistics_of_the_pixels_are_no_range(kind: str, white: float, code: int):
    pixels = np.clip(known_rgb(), 10, 200)
    values = (pixels * (white / 255)).astype(kind)
    tags = [
        (340, code, 1, values.min().item(), True),
        (341, code, 1, values.max().item(), True),
    ]
    assert_reads(tiff(values, photometric="rgb", extratags=tags), pixels)


@pytest.mark.parametrize(
    ("kind", "bits", "significant"), [("u2", 12, 16), ("i2", 14, 16), ("f4", 0, 32)]
)
def test_ome_tiff_that_states_all_bits_of_the_type_is_read_by_its_pixels(kind, bits, significant):
    values = as_bits(known_grey(), bits, kind) if bits else (known_grey() / 255).astype(kind)
    about = {"SignificantBits": significant}
    data = tiff(values, ome=True, photometric="minisblack", metadata=about)
    upload = assert_reads(data, known_grey())
    assert not upload.reading.stated


def test_a_part_of_an_ome_tiff_is_refused_by_name():
    description = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<BinaryOnly MetadataFile="field.companion.ome" UUID="urn:uuid:1"/></OME>'
    )
    data = tiff(known_grey(), photometric="minisblack", description=description)
    assert "a part of an OME-TIFF that another file describes" in refusal(data)


@pytest.mark.parametrize(
    "curve", [np.arange(255, -1, -1), (np.arange(256) / 255) ** 2 * 255], ids=["inverted", "bent"]
)
def test_channels_of_imagej_that_are_shown_otherwise_are_refused(curve: np.ndarray):
    tables = [np.zeros((3, 256), np.uint8) for _ in range(3)]
    for channel, table in enumerate(tables):
        table[channel] = curve
    metadata = {"axes": "CYX", "mode": "composite", "LUTs": tables}
    assert "3 channels that are not red, green" in refusal(
        tiff(THREE, imagej=True, metadata=metadata)
    )


def with_primaries(*xy: float) -> list[tuple]:
    white, primaries = (
        tuple(part for value in values for part in (round(value * 10_000), 10_000))
        for values in (xy[:2], xy[2:])
    )
    return [(318, 5, 2, white, True), (319, 5, 6, primaries, True)]


def test_primaries_in_place_of_a_profile_are_converted():
    adobe = with_primaries(0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
    upload = assert_reads(
        tiff(known_rgb(), photometric="rgb", extratags=adobe), known_adobe_rgb_in_srgb().round()
    )
    assert len(upload.notes) == 1
    usual = with_primaries(0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
    plain = assert_reads(tiff(known_rgb(), photometric="rgb", extratags=usual), known_rgb(), 0)
    assert plain.notes == ()


@pytest.mark.parametrize("compression", ["jpeg", "jpeg2000", "webp", "jpegxr"])
def test_a_strip_whose_end_was_never_copied_is_refused(compression: str):
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    data = tiff(noise, photometric="rgb", compression=compression)
    kept = len(data) // 2
    with pytest.raises(ImageError, match="incomplete or damaged"):
        read_image(data[:kept] + bytes(len(data) - kept))

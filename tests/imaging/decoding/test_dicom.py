import itertools
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.encoders import RLELosslessEncoder

from imaging.decoding.color import adobe_rgb_profile
from imaging.decoding.errors import ImageError
from imaging.images import check_image, read_image
from tests.dicom_files import dicom
from tests.known_pixels import (
    as_bits,
    assert_reads,
    known_adobe_rgb_in_srgb,
    known_grey,
    known_rgb,
)

IMPLICIT, EXPLICIT, DEFLATED, BIG = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
)
RLE = "1.2.840.10008.1.2.5"
JPEG, EXTENDED, LOSSLESS = (f"1.2.840.10008.1.2.4.{kind}" for kind in (50, 51, 70))
JPEG_LS, JPEG_2000 = (f"1.2.840.10008.1.2.4.{kind}" for kind in (80, 90))
NATIVE = (IMPLICIT, EXPLICIT, DEFLATED, BIG)
YCBCR = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


@pytest.mark.parametrize(("syntax", "planar"), list(itertools.product(NATIVE, (0, 1))))
def test_colours(syntax: str, planar: int):
    data = dicom(known_rgb(), syntax=syntax, PlanarConfiguration=planar)
    upload = assert_reads(data, known_rgb(), 0)
    assert (upload.format, upload.notes) == ("DICOM", ())


@pytest.mark.parametrize(
    ("stored", "colors", "syntax"),
    list(itertools.product((8, 10, 12, 14, 16), ("MONOCHROME1", "MONOCHROME2"), NATIVE)),
)
def test_grey_of_every_depth(stored: int, colors: str, syntax: str):
    wanted = known_grey()
    values = as_bits(255 - wanted if colors == "MONOCHROME1" else wanted, stored)
    upload = assert_reads(dicom(values, colors, stored, syntax), wanted)
    # 16 of 16 bits may be a camera's 12: its pixels tell.
    assert upload.reading.stated == (stored < 16)


@pytest.mark.parametrize("stored", [12, 16])
def test_colours_of_more_bits(stored: int):
    assert_reads(dicom(as_bits(known_rgb(), stored), stored=stored), known_rgb())


def test_signed_values_are_read_over_their_range():
    values = (as_bits(known_grey(), 12).astype(np.int16) - 2048).astype(np.int16)
    assert_reads(dicom(values, "MONOCHROME2", 12), known_grey())


def test_the_display_window_is_applied_and_told():
    values = (known_grey().astype(np.uint16)) + 1000
    window = {"WindowCenter": 1128, "WindowWidth": 256}
    upload = assert_reads(dicom(values, "MONOCHROME2", 12, **window), known_grey(), 1)
    assert "Its display window was applied." in upload.notes
    rescaled = {"WindowCenter": 128, "WindowWidth": 256, "RescaleSlope": 1}
    assert_reads(
        dicom(values, "MONOCHROME2", 12, RescaleIntercept=-1000, **rescaled), known_grey(), 1
    )


def test_ycbcr_is_converted():
    values = known_rgb() @ YCBCR.T + [0, 128, 128]
    pixels = np.clip(values.round(), 0, 255).astype(np.uint8)
    assert_reads(dicom(pixels, "YBR_FULL"), known_rgb(), 2)


def frame_of(kind: str, pixels: np.ndarray) -> bytes:
    if kind == "rle":
        dataset = Dataset()
        dataset.Rows, dataset.Columns = pixels.shape[:2]
        dataset.SamplesPerPixel = pixels.shape[2] if pixels.ndim == 3 else 1
        dataset.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
        dataset.PixelRepresentation, dataset.NumberOfFrames = 0, 1
        dataset.PlanarConfiguration = 0
        options = {
            "rows": pixels.shape[0],
            "columns": pixels.shape[1],
            "samples_per_pixel": dataset.SamplesPerPixel,
            "photometric_interpretation": dataset.PhotometricInterpretation,
            "bits_allocated": dataset.BitsAllocated,
            "bits_stored": dataset.BitsStored,
            "pixel_representation": 0,
            "number_of_frames": 1,
            "planar_configuration": 0,
        }
        return RLELosslessEncoder.encode(pixels, **options)
    return {
        "jpegls": imagecodecs.jpegls_encode,
        "ljpeg": lambda p: imagecodecs.jpeg8_encode(p, lossless=True, predictor=1),
        "j2k": lambda p: imagecodecs.jpeg2k_encode(p, level=0, reversible=True, codecformat="J2K"),
    }[kind](pixels)


@pytest.mark.parametrize(
    ("kind", "syntax", "colors"),
    [
        ("rle", RLE, "RGB"),
        ("jpegls", JPEG_LS, "RGB"),
        ("j2k", JPEG_2000, "YBR_RCT"),
        ("rle", RLE, "MONOCHROME2"),
        ("jpegls", JPEG_LS, "MONOCHROME2"),
        ("j2k", JPEG_2000, "MONOCHROME2"),
        ("ljpeg", LOSSLESS, "MONOCHROME2"),
    ],
)
@pytest.mark.parametrize("stored", [8, 12, 16])
def test_compressed_without_loss(kind: str, syntax: str, colors: str, stored: int):
    wanted = known_grey() if colors == "MONOCHROME2" else known_rgb()
    values = as_bits(wanted, stored, "u1" if stored == 8 else "u2")
    if kind == "ljpeg" and stored != 8:
        values = as_bits(wanted, 16)
        stored = 16
    frame = frame_of(kind, values)
    upload = assert_reads(dicom(values, colors, stored, syntax, frame), wanted)
    assert upload.reading.compression != "uncompressed"


@pytest.mark.parametrize("colors", ["YBR_FULL_422", "RGB"])
def test_jpeg(colors: str):
    inside = "ycbcr" if colors.startswith("YBR") else "rgb"
    frame = imagecodecs.jpeg8_encode(known_rgb(), level=98, colorspace="rgb", outcolorspace=inside)
    upload = read_image(dicom(known_rgb(), colors, syntax=JPEG, frame=frame))
    assert np.abs(upload.rgb.astype(int) - known_rgb()).mean() < 3


def test_jpeg_of_12_bits():
    values = as_bits(known_grey(), 12)
    frame = imagecodecs.jpeg8_encode(values, level=98, bitspersample=12)
    upload = read_image(dicom(values, "MONOCHROME2", 12, EXTENDED, frame))
    assert np.abs(upload.rgb[..., 0].astype(int) - known_grey()).mean() < 2


def test_the_profile_of_an_optical_path_is_applied():
    path = Dataset()
    path.ICCProfile = adobe_rgb_profile()
    upload = assert_reads(
        dicom(known_rgb(), OpticalPathSequence=[path]), known_adobe_rgb_in_srgb().round()
    )
    assert upload.notes == ("Colours were converted to sRGB by the embedded profile.",)


@pytest.mark.parametrize(
    ("further", "reason"),
    [
        ({"NumberOfFrames": 3}, r"several pictures \(3 frames in one DICOM file\)"),
        (
            {"NumberOfFrames": 3, "TotalPixelMatrixColumns": 90_000},
            r"a whole-slide image \(DICOM\)",
        ),
        ({"PhotometricInterpretation": "HSV"}, r"3 × 8 bits, HSV \(Explicit VR Little Endian\)"),
        ({"BitsAllocated": 32}, r"3 × 32 bits, RGB"),
        ({"HighBit": 3}, r"cannot be read exactly\. Export the picture"),
        ({"Rows": 50_000, "Columns": 50_000}, "megapixels"),
    ],
)
def test_what_cannot_be_read_exactly_is_refused_by_name(further: dict, reason: str):
    data = dicom(known_rgb(), **further)
    for reader in (check_image, read_image):
        with pytest.raises(ImageError, match=reason):
            reader(data)


@pytest.mark.parametrize(
    ("further", "reason"),
    [
        ({"VOILUTFunction": "SIGMOID"}, r"unusual display curve \(SIGMOID\)"),
        ({"RescaleSlope": -1, "RescaleIntercept": 4095}, "unusual display curve"),
        ({"PresentationLUTShape": "INVERSE"}, r"contradicts itself \(MONOCHROME2, INVERSE\)"),
    ],
)
def test_a_display_that_is_no_straight_line_is_refused_by_name(further: dict, reason: str):
    values = as_bits(known_grey(), 12)
    data = dicom(values, "MONOCHROME2", 12, WindowCenter=2048, WindowWidth=4096, **further)
    with pytest.raises(ImageError, match=reason):
        read_image(data)


def test_the_exact_window_is_wider_by_a_level():
    values = np.repeat(known_grey()[:, :1] % 3, 48, axis=1)
    window = {"WindowCenter": 1, "WindowWidth": 2, "VOILUTFunction": "LINEAR_EXACT"}
    assert_reads(dicom(values, "MONOCHROME2", **window), np.clip(values * 127.5, 0, 255))


def test_values_beyond_the_stated_bits_are_not_cut_off():
    data = dicom(as_bits(known_grey(), 16), "MONOCHROME2", 12)
    with pytest.raises(ImageError, match="from 0 to 65535 although it states 0 to 4095"):
        read_image(data)


def test_signed_values_without_their_upper_bits_are_read():
    values = (as_bits(known_grey(), 12).astype(np.int32) - 2048) & 0xFFF
    data = dicom(values.astype(np.uint16), "MONOCHROME2", 12, PixelRepresentation=1)
    assert_reads(data, known_grey())


@pytest.mark.parametrize(
    ("stated", "inside"), [("RGB", "ycbcr"), ("YBR_FULL_422", "rgb"), ("YBR_FULL", "rgb")]
)
def test_colours_that_contradict_the_jpeg_inside_are_refused(stated: str, inside: str):
    frame = imagecodecs.jpeg8_encode(known_rgb(), level=98, colorspace="rgb", outcolorspace=inside)
    with pytest.raises(ImageError, match=rf"contradicts itself \({stated}, "):
        read_image(dicom(known_rgb(), stated, syntax=JPEG, frame=frame))


def test_colours_that_contradict_the_jpeg_2000_inside_are_refused():
    data = dicom(known_rgb(), "YBR_FULL", syntax=JPEG_2000, frame=frame_of("j2k", known_rgb()))
    with pytest.raises(ImageError, match=r"contradicts itself \(YBR_FULL, RGB\)"):
        read_image(data)


def test_a_frame_whose_end_was_never_copied_is_refused():
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    frame = imagecodecs.jpeg8_encode(noise, level=90)
    kept = len(frame) // 2
    data = dicom(noise, "YBR_FULL_422", syntax=JPEG, frame=frame[:kept] + bytes(kept))
    with pytest.raises(ImageError, match="incomplete or damaged"):
        read_image(data)


def test_a_report_without_pixels_is_refused():
    data = dicom(known_rgb())
    place = data.rindex(b"\xe0\x7f\x10\x00")
    with pytest.raises(ImageError, match=r"holds no picture\. Export"):
        read_image(data[:place])


def test_a_file_that_is_cut_off_is_refused():
    for data in (
        dicom(known_rgb()),
        dicom(known_rgb(), "YBR_RCT", 8, JPEG_2000, frame_of("j2k", known_rgb())),
    ):
        for kept in (0.5, 0.9):
            with pytest.raises(ImageError, match=r"\.$"):
                read_image(data[: int(kept * len(data))])


def test_a_microscopes_picture_is_read(shared_cases: Path):
    upload = read_image((shared_cases / "vl_microscopic.dcm").read_bytes(), file_name="a.dcm")
    assert upload.rgb.shape == (369, 366, 3)
    assert upload.rgb.mean() > 150

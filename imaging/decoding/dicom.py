"""DICOM: one frame of visible light, read with pydicom and decoded with imagecodecs."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import FileDataset
from pydicom.encaps import generate_frames
from pydicom.multival import MultiValue
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from core.translatable import translatable
from imaging.decoding import jpeg
from imaging.decoding.bounds import Picture, check_end
from imaging.decoding.errors import DAMAGED, ImageError, overloaded, several, unread
from imaging.decoding.jpeg2000 import codestream_of, codestream_size, mixes_channels
from imaging.decoding.raster import ColorModel, Raster, Samples, in_memory

MAX_INFLATED = 256 * 2**20
"""Bytes of a deflated file."""

_META = 144
"""Offset of the file meta information in bytes, behind its length (PS3.10, 7.1)."""

_EXPLICIT, _DEFLATED = b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.1.99"
_READ = (
    "SOPClassUID",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "WindowCenter",
    "WindowWidth",
    "RescaleIntercept",
    "RescaleSlope",
    "VOILUTSequence",
    "VOILUTFunction",
    "PresentationLUTShape",
    "ModalityLUTSequence",
    "ICCProfile",
    "OpticalPathSequence",
    "TotalPixelMatrixColumns",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "PixelData",
)
"""All that is read; nothing that names a patient is."""

_NATIVE = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
)
_RUN_LENGTH = "1.2.840.10008.1.2.5"
_JPEG = tuple(f"1.2.840.10008.1.2.4.{kind}" for kind in (50, 51, 57, 70))
_JPEG_LS = tuple(f"1.2.840.10008.1.2.4.{kind}" for kind in (80, 81))
_JPEG_2000 = tuple(f"1.2.840.10008.1.2.4.{kind}" for kind in (90, 91))

_MODELS = {
    "MONOCHROME1": ColorModel.GREY,
    "MONOCHROME2": ColorModel.GREY,
    "RGB": ColorModel.RGB,
    "YBR_FULL": ColorModel.RGB,
    "YBR_FULL_422": ColorModel.RGB,
    "YBR_RCT": ColorModel.RGB,
    "YBR_ICT": ColorModel.RGB,
}
_SAVE = translatable("Export the picture from your viewer as PNG, JPEG or TIFF.")
_SHAPES = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}
_NARROWER = {"": 1, "LINEAR": 1, "LINEAR_EXACT": 0}
"""Levels by which a window is narrower than its width, by its function (PS3.3 C.11.2.1.3)."""


def open_dicom(data: bytes) -> Picture:
    """Read and check the header of a DICOM file.

    Raises:
        ImageError: If it has no picture or several, or is of a kind that is not read.
        Exception: Whatever pydicom raises.
    """
    dataset = pydicom.dcmread(io.BytesIO(_inflated(data)), specific_tags=list(_READ))
    if "PixelData" not in dataset:
        raise ImageError(translatable("This DICOM file holds no picture. {}").format(_SAVE))
    frames = int(dataset.get("NumberOfFrames") or 1)
    height, width = int(dataset.Rows), int(dataset.Columns)
    if "TotalPixelMatrixColumns" in dataset and frames > 1:
        raise unread(
            translatable("a whole-slide image (DICOM)"),
            translatable("Export the field that you mean as PNG or TIFF."),
        )
    if frames > 1:
        raise several(translatable("{} frames in one DICOM file").format(frames))
    _check(dataset)
    samples, allocated = int(dataset.SamplesPerPixel), int(dataset.BitsAllocated)
    return Picture(width, height, samples * allocated // 8, partial(_decode, dataset))


def _inflated(data: bytes) -> bytes:
    """Inflate a deflated file, as far as a file may be large; pydicom has no bound.

    Raises:
        ImageError: If it is larger.
    """
    (length,) = struct.unpack_from("<I", data, _META - 4)
    head, deflated = data[: _META + length], data[_META + length :]
    place = head.find(_DEFLATED)
    if place < 0:
        return data
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    content = inflating.decompress(deflated, MAX_INFLATED)
    if inflating.unconsumed_tail:
        raise overloaded("data")
    # Named as what it is now, with the same number of bytes.
    plain = _EXPLICIT.ljust(len(_DEFLATED), b"\0")
    return head[:place] + plain + head[place + len(plain) :] + content


def _check(dataset: FileDataset) -> None:
    syntax = dataset.file_meta.TransferSyntaxUID
    known = (*_NATIVE, _RUN_LENGTH, *_JPEG, *_JPEG_LS, *_JPEG_2000)
    colors, bits = str(dataset.PhotometricInterpretation), int(dataset.BitsAllocated)
    model = _MODELS.get(colors)
    samples = int(dataset.SamplesPerPixel)
    unusual = bits not in (8, 16) or not 1 <= int(dataset.BitsStored) <= bits
    if syntax not in known or model is None or unusual:
        raise _unread(dataset)
    if samples != (3 if model is ColorModel.RGB else 1):
        raise _unread(dataset)
    if colors.startswith("YBR_FULL") and (bits != 8 or syntax in _JPEG_LS):
        raise _unread(dataset)
    if colors in ("YBR_RCT", "YBR_ICT") and syntax not in _JPEG_2000:
        raise _unread(dataset)
    if colors == "YBR_FULL_422" and syntax not in _JPEG:
        raise _unread(dataset)
    if int(dataset.get("HighBit", int(dataset.BitsStored) - 1)) != int(dataset.BitsStored) - 1:
        raise _unread(dataset)
    if model is ColorModel.RGB and int(dataset.get("PixelRepresentation") or 0):
        raise _unread(dataset)


def _unread(dataset: FileDataset) -> ImageError:
    syntax = UID(dataset.file_meta.TransferSyntaxUID).name
    return unread(
        translatable("a DICOM file of {} × {} bits, {} ({})").format(
            dataset.get("SamplesPerPixel"),
            dataset.get("BitsAllocated"),
            dataset.get("PhotometricInterpretation"),
            syntax,
        ),
        _SAVE,
    )


def _contradiction(stated: str, found: str) -> ImageError:
    return unread(
        translatable("a DICOM file that contradicts itself ({}, {})").format(stated, found), _SAVE
    )


def _decode(dataset: FileDataset) -> Raster:
    samples = _samples(dataset)
    colors = str(dataset.PhotometricInterpretation)
    wanted = (int(dataset.Rows), int(dataset.Columns), int(dataset.SamplesPerPixel))
    samples = samples if samples.ndim == 3 else samples[..., None]
    if samples.shape != wanted:
        raise ImageError(DAMAGED)
    raster = Raster(
        *in_memory(samples),
        file_format="DICOM",
        model=_MODELS[colors],
        white_is_zero=colors == "MONOCHROME1",
        profile=_profile(dataset),
        compression=_compression(dataset),
    )
    if raster.model is ColorModel.GREY:
        _grey_range(raster, dataset)
    elif int(dataset.BitsStored) != 8 * samples.dtype.itemsize:
        raster.bits = int(dataset.BitsStored)
    return raster


def _samples(dataset: FileDataset) -> Samples:
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in _NATIVE or syntax == _RUN_LENGTH:
        samples = _as_stored(dataset)
        return _from_ycbcr(samples) if dataset.PhotometricInterpretation == "YBR_FULL" else samples
    decoders: dict[tuple[str, ...], Callable[[bytes], Samples]] = {
        _JPEG: partial(_decode_jpeg, str(dataset.PhotometricInterpretation)),
        _JPEG_LS: imagecodecs.jpegls_decode,
        _JPEG_2000: _decode_jpeg2000,
    }
    decode = next(decode for kinds, decode in decoders.items() if syntax in kinds)
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    check_end(frame)
    samples = decode(frame)
    if syntax in _JPEG_2000 and dataset.PhotometricInterpretation == "YBR_FULL":
        if mixes_channels(codestream_of(frame)):
            raise _contradiction("YBR_FULL", "RGB")
        samples = _from_ycbcr(samples)
    return _signed(samples, dataset)


def _decode_jpeg(colors: str, frame: bytes) -> Samples:
    jpeg.check(frame)
    jpeg.check_pixels(frame)
    if colors.startswith("MONOCHROME"):
        return imagecodecs.jpeg8_decode(frame)
    stated = colors.startswith("YBR")
    if jpeg.is_ycbcr(frame) is not (not stated):
        inside = "ycbcr" if stated else "rgb"
        return imagecodecs.jpeg8_decode(frame, colorspace=inside, outcolorspace="rgb")
    raise _contradiction(colors, "RGB" if stated else "YCbCr")


def _decode_jpeg2000(frame: bytes) -> Samples:
    codestream = codestream_of(frame)
    codestream_size(codestream)
    return imagecodecs.jpeg2k_decode(codestream)


def _as_stored(dataset: FileDataset) -> Samples:
    """Read samples that are not compressed with all their bits: pydicom would cut off others."""
    stored = int(dataset.BitsStored)
    dataset.BitsStored = dataset.BitsAllocated
    dataset.HighBit = dataset.BitsAllocated - 1
    samples = np.asarray(pixel_array(dataset, raw=True))
    dataset.BitsStored, dataset.HighBit = stored, stored - 1
    if samples.dtype.kind == "i":
        plain = samples.view(f"u{samples.dtype.itemsize}")
        return _signed(plain, dataset) if int(plain.max()) < 2**stored else samples
    return samples


def _signed(samples: Samples, dataset: FileDataset) -> Samples:
    """Give compressed samples their sign, which codecs that know none leave out."""
    if not int(dataset.get("PixelRepresentation") or 0) or samples.dtype.kind == "i":
        return samples
    shift = 8 * samples.dtype.itemsize - int(dataset.BitsStored)
    signed = samples.astype(f"i{samples.dtype.itemsize}")
    return (signed << shift) >> shift


def _from_ycbcr(samples: Samples) -> Samples:
    """Convert full-range YCbCr (ITU-R BT.601) to RGB."""
    y, cb, cr = (samples[..., channel].astype(np.float32) for channel in range(3))
    cb, cr = cb - 128, cr - 128
    rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=-1)
    return np.clip(np.floor(rgb + 0.5), 0, 255).astype(np.uint8)


def _check_curves(dataset: FileDataset) -> None:
    """Check that values become light along a straight line that rises."""
    colors, shape = str(dataset.PhotometricInterpretation), dataset.get("PresentationLUTShape")
    if shape and shape != _SHAPES[colors]:
        raise _contradiction(colors, shape)
    tables = [each for each in ("VOILUTSequence", "ModalityLUTSequence") if dataset.get(each)]
    function = str(dataset.get("VOILUTFunction") or "")
    unusual = tables + ([function] if function not in _NARROWER else [])
    if float(dataset.get("RescaleSlope") or 1) <= 0:
        unusual.append("RescaleSlope")
    if unusual:
        raise unread(
            translatable("a DICOM file with an unusual display curve ({})").format(unusual[0]),
            _SAVE,
        )


def _grey_range(raster: Raster, dataset: FileDataset) -> None:
    """Take the window, or else the stored bits, as the values of black and white."""
    _check_curves(dataset)
    slope = float(dataset.get("RescaleSlope") or 1)
    intercept = float(dataset.get("RescaleIntercept") or 0)
    signed, bits = int(dataset.get("PixelRepresentation") or 0), int(dataset.BitsStored)
    centre, width = (_first(dataset.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is not None and width is not None and width > 1:
        narrower = _NARROWER[str(dataset.get("VOILUTFunction") or "")]
        # In the values before they are rescaled.
        ends = (centre - width / 2, centre + width / 2 - narrower)
        raster.limits = ((ends[0] - intercept) / slope, (ends[1] - intercept) / slope)
        raster.clips = True
        raster.notes.append(translatable("Its display window was applied."))
    elif signed:
        raster.limits = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    elif bits != 8 * raster.dtype.itemsize:
        raster.bits = bits


def _first(value: str | float | MultiValue[float] | None) -> float | None:
    if value is None or value == "":
        return None
    return float(value[0] if isinstance(value, MultiValue) else value)


def _profile(dataset: FileDataset) -> bytes | None:
    paths = dataset.get("OpticalPathSequence") or []
    for holder in (dataset, *paths):
        if profile := holder.get("ICCProfile"):
            return bytes(profile)
    return None


def _compression(dataset: FileDataset) -> str:
    syntax = dataset.file_meta.TransferSyntaxUID
    names = {(_RUN_LENGTH,): "RLE", _JPEG: "JPEG", _JPEG_LS: "JPEG-LS", _JPEG_2000: "JPEG 2000"}
    return next((name for kinds, name in names.items() if syntax in kinds), "uncompressed")

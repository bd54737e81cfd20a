"""Samples of one page of a TIFF, whole or not at all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tifffile import COMPRESSION, PHOTOMETRIC, TiffPage

from core.translatable import translatable
from imaging.decoding import jpeg
from imaging.decoding.bounds import check_end
from imaging.decoding.color import primaries_profile, srgb_curve
from imaging.decoding.errors import DAMAGED, ImageError, unread
from imaging.decoding.jpeg2000 import codestream_of, codestream_size
from imaging.decoding.ranges import BITS_OF_CAMERAS
from imaging.decoding.raster import CHANNELS, Alpha, ColorModel, Raster, Samples, in_memory

EXTRA_LEFT_OUT = translatable("A further channel that is no transparency was left out.")

_COMPRESSIONS = {
    1: "uncompressed",
    2: "CCITT",
    3: "CCITT fax 3",
    4: "CCITT fax 4",
    5: "LZW",
    7: "JPEG",
    8: "Deflate",
    32773: "PackBits",
    32946: "Deflate",
    33005: "JPEG 2000",
    34712: "JPEG 2000",
    34887: "LERC",
    34925: "LZMA",
    34933: "PNG",
    34934: "JPEG XR",
    50000: "ZSTD",
    50001: "WebP",
    50002: "JPEG XL",
}
"""What is read, by the number in the tag."""

_JPEG, _FAX_3, _JPEG_2000 = 7, 3, (33005, 34712)
_WITHOUT_END = (_JPEG, *_JPEG_2000, 34934, 50001)
"""Compressions that are decoded even where the end is missing."""

_MODELS: dict[int, ColorModel] = {
    PHOTOMETRIC.MINISWHITE: ColorModel.GREY,
    PHOTOMETRIC.MINISBLACK: ColorModel.GREY,
    PHOTOMETRIC.RGB: ColorModel.RGB,
    PHOTOMETRIC.PALETTE: ColorModel.RGB,
    PHOTOMETRIC.SEPARATED: ColorModel.CMYK,
    PHOTOMETRIC.YCBCR: ColorModel.RGB,
}
_COLOR_WORDS: dict[int, str] = {
    PHOTOMETRIC.SEPARATED: translatable("inks other than CMYK"),
    PHOTOMETRIC.YCBCR: "YCbCr colours",
    PHOTOMETRIC.CIELAB: translatable("CIELab colours"),
    PHOTOMETRIC.ICCLAB: translatable("ICCLab colours"),
    PHOTOMETRIC.ITULAB: translatable("ITULab colours"),
    PHOTOMETRIC.CFA: translatable("a camera's raw mosaic"),
    PHOTOMETRIC.LINEAR_RAW: translatable("a camera's linear raw colours"),
    PHOTOMETRIC.LOGL: translatable("logarithmic luminance"),
    PHOTOMETRIC.LOGLUV: translatable("logarithmic colours"),
}
_WHOLE_BYTES = (8, 16, 32, 64)
_CCITT = (2, 3, 4)
_PREDICTED = (5, 8, 32946, 34925, 50000)
_PREMULTIPLIED, _STRAIGHT = 1, 2
_CMYK = 1
_BITS, _PHOTOMETRIC = 258, 262
_MAX_VALUE, _ORIENTATION, _T4_OPTIONS, _TRANSFER, _COLORMAP = 281, 274, 292, 301, 320
_WHITE_POINT, _PRIMARIES = 318, 319
_NTSC_GAMMA = 2.2
_INK_SET, _S_MIN, _S_MAX, _PROFILE, _DEPTH = 332, 340, 341, 34675, 32997


def check_page(page: TiffPage) -> None:
    """Check that a page is of a kind that is read exactly.

    Raises:
        ImageError: If it is not; it names compression, pixels and colours.
    """
    _check_stated(page)
    _check_samples(page)
    _check_compression(page)
    _check_colors(page)


def pixel_bytes(page: TiffPage) -> int:
    """Return the decoded bytes of one pixel of a page that was checked."""
    size = page.samplesperpixel * np.dtype(page.dtype).itemsize
    return size + 6 if page.photometric == PHOTOMETRIC.PALETTE else size


def decode_page(page: TiffPage) -> Samples:
    """Decode all strips or tiles of a page.

    Returns:
        (h, w, samples), of the file's type.

    Raises:
        ImageError: If any is missing, cut off or not as large as it should be.
        Exception: Whatever a decoder raises.
    """
    separate, _, height, width, contiguous = page.shaped
    out = np.empty((separate, height, width, contiguous), page.dtype)
    _check_segments(page, separate)
    file = page.parent.filehandle
    for index, (offset, size) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
        if offset <= 0 or size <= 0 or offset + size > file.size:
            raise ImageError(DAMAGED)
        file.seek(offset)
        _decode_segment(page, file.read(size), index, out)
    return out[0] if separate == 1 else np.moveaxis(out[..., 0], 0, -1)


def page_raster(page: TiffPage, samples: Samples) -> Raster:
    """Say of decoded samples what a page's tags say.

    Args:
        page: The page, or the first of several that are channels.
        samples: (h, w, samples).

    Raises:
        ImageError: If the transfer function is an unusual one.
    """
    joined = samples.shape[2] > page.samplesperpixel
    model = ColorModel.RGB if joined else _MODELS[page.photometric]
    notes: list[str] = []
    alpha = Alpha.NONE
    if page.photometric == PHOTOMETRIC.PALETTE:
        samples = _from_palette(page, samples)
    elif not joined:
        samples, alpha, notes = _with_alpha(page, samples, CHANNELS[model])
    bits = None if page.bitspersample in _WHOLE_BYTES else page.bitspersample
    raster = Raster(
        *in_memory(samples.astype(np.uint8) if samples.dtype == bool else samples),
        file_format="TIFF",
        model=model,
        alpha=alpha,
        bits=None if page.photometric == PHOTOMETRIC.PALETTE else bits or _bits_of_maximum(page),
        limits=_limits(page),
        white_is_zero=page.photometric == PHOTOMETRIC.MINISWHITE,
        profile=_profile(page),
        orientation=_orientation(page),
        compression=_COMPRESSIONS[page.compression],
        notes=notes,
    )
    if raster.profile is None:
        raster.gamma = _gamma(page)
        # Without a transfer function it is the exponent of NTSC (TIFF 6.0, section 20).
        gamma = raster.gamma if _TRANSFER in page.tags else _NTSC_GAMMA
        raster.profile = primaries_profile(*_chromaticities(page), gamma)
    return raster


def _check_stated(page: TiffPage) -> None:
    """Check that nothing is left to a default: zero as white, and one bit."""
    if _PHOTOMETRIC not in page.tags:
        raise _unread(page, translatable("unstated colours"))
    if _BITS not in page.tags and page.compression not in _CCITT:
        raise _unread(page, translatable("an unstated number of bits"))


def _check_samples(page: TiffPage) -> None:
    # tifffile gives a tuple where channels have different bits.
    if page.dtype is None or np.ndim(page.bitspersample):
        raise _unread(page, translatable("samples of {} bits").format(page.bitspersample))
    if np.dtype(page.dtype).kind not in "buif":
        raise _unread(page, translatable("complex numbers"))
    if page.imagedepth != 1 or page.tags.valueof(_DEPTH, 1) != 1:
        raise _unread(page, "a volume")
    # Where a compression knows none, some programs undo it and others, like libtiff, do not.
    unsure = page.bitspersample not in _WHOLE_BYTES or page.compression not in _PREDICTED
    if page.predictor != 1 and unsure:
        raise _unread(page, "a predictor")


def _check_compression(page: TiffPage) -> None:
    fax_of_two_dimensions = (
        page.compression == _FAX_3 and int(page.tags.valueof(_T4_OPTIONS, 0) or 0) & 1
    )
    if page.compression not in _COMPRESSIONS or fax_of_two_dimensions:
        raise _unread(page, translatable("a compression that is rarely used"))


def _check_colors(page: TiffPage) -> None:
    word = _COLOR_WORDS.get(
        page.photometric, translatable("colours of kind {}").format(page.photometric)
    )
    model = _MODELS.get(page.photometric)
    if model is None:
        raise _unread(page, word)
    of_jpeg = page.compression == _JPEG
    if page.photometric == PHOTOMETRIC.YCBCR and (not of_jpeg or page.planarconfig != 1):
        raise _unread(page, word)
    if page.photometric == PHOTOMETRIC.SEPARATED and page.tags.valueof(_INK_SET, _CMYK) != _CMYK:
        raise _unread(page, word)
    samples = page.samplesperpixel
    wanted = 1 if page.photometric == PHOTOMETRIC.PALETTE else CHANNELS[model]
    if samples < wanted or (page.photometric == PHOTOMETRIC.PALETTE and samples != 1):
        raise _unread(page, f"{samples} samples a pixel")
    if of_jpeg and (samples > wanted or model is ColorModel.CMYK):
        raise _unread(page, translatable("{} samples a pixel in JPEG").format(samples))


def _unread(page: TiffPage, what: str) -> ImageError:
    try:
        compression = COMPRESSION(page.compression).name.replace("_", " ")
    except ValueError:
        compression = f"compression {page.compression}"
    named = _COMPRESSIONS.get(page.compression, compression)
    bits = page.bitspersample
    return unread(f"a TIFF with {what} ({named}, {bits} bits, {page.samplesperpixel} samples)")


def _check_segments(page: TiffPage, separate: int) -> None:
    if page.is_tiled:
        number = math.ceil(page.imagewidth / page.tilewidth) * math.ceil(
            page.imagelength / page.tilelength
        )
    else:
        number = math.ceil(page.imagelength / page.rowsperstrip)
    if not len(page.dataoffsets) == len(page.databytecounts) == number * separate:
        raise ImageError(DAMAGED)


def _decode_segment(page: TiffPage, data: bytes, index: int, out: NDArray[Any]) -> None:
    """Decode one strip or tile into its place."""
    if page.compression in _WITHOUT_END:
        check_end(data)
    if page.compression == _JPEG:
        jpeg.check(data)
        tables = page.jpegtables
        jpeg.check_pixels(tables[:-2] + data[2:] if tables else data)
    elif page.compression in _JPEG_2000:
        data = codestream_of(data)
        codestream_size(data)
    decoded, (plane, _, top, left, _), _ = page.decode(
        data, index, jpegtables=page.jpegtables, jpegheader=page.jpegheader
    )
    if decoded is None:
        raise ImageError(DAMAGED)
    place = out[plane, top:, left:]
    height, width = (min(a, b) for a, b in zip(decoded.shape[1:3], place.shape, strict=False))
    # Fax codecs give bytes of 0 and 1 for bits.
    alike = decoded.dtype == out.dtype or (out.dtype == bool and decoded.dtype == np.uint8)
    if not alike or decoded.shape[3] != out.shape[3]:
        raise ImageError(DAMAGED)
    place[:height, :width] = decoded[0, :height, :width]


def _with_alpha(page: TiffPage, samples: Samples, colors: int) -> tuple[Samples, Alpha, list[str]]:
    """Keep the colours and the one channel that is their opacity."""
    extras = list(page.extrasamples)
    extras += [0] * (samples.shape[2] - colors - len(extras))
    kinds = {_PREMULTIPLIED: Alpha.PREMULTIPLIED, _STRAIGHT: Alpha.STRAIGHT}
    place = next((place for place, kind in enumerate(extras) if kind in kinds), None)
    left_out = [EXTRA_LEFT_OUT] if len(extras) > (place is not None) else []
    if place is None:
        return samples[..., :colors], Alpha.NONE, left_out
    kept = [*range(colors), colors + place]
    return samples[..., kept], kinds[extras[place]], left_out


def _from_palette(page: TiffPage, samples: Samples) -> Samples:
    table = np.asarray(page.tags[_COLORMAP].value, np.uint16).reshape(3, -1).T
    indices = samples[..., 0].astype(np.intp)
    if indices.max() >= len(table):
        raise ImageError(DAMAGED)
    # Some programs write bytes there, as libtiff's tools know too.
    eight = table if table.max() < 256 else (table.astype(np.uint32) + 128) // 257
    return eight.astype(np.uint8)[indices]


def _bits_of_maximum(page: TiffPage) -> int | None:
    """Take MaxSampleValue where it is the end of a camera's range and no mere statistic."""
    stated = page.tags.valueof(_MAX_VALUE)
    values = set(stated if isinstance(stated, tuple) else (stated,))
    return next((bits for bits in (10, 12, 14) if values == {2**bits - 1}), None)


def _limits(page: TiffPage) -> tuple[float, float] | None:
    """Take SMinSampleValue and SMaxSampleValue where they are a range and no mere statistic."""
    dtype = np.dtype(page.dtype)
    if dtype == np.uint8 or page.photometric == PHOTOMETRIC.PALETTE:
        return None
    ends = [page.tags.valueof(code) for code in (_S_MIN, _S_MAX)]
    low, high = ([float(v) for v in np.atleast_1d(end)] if end is not None else [] for end in ends)
    if not high:
        return None
    limits = min(low or [0.0]), max(high)
    if dtype.kind == "u":
        ranges = [(0, 2**bits - 1) for bits in BITS_OF_CAMERAS if bits < 8 * dtype.itemsize]
        return limits if limits in ranges else None
    within_the_usual = dtype.kind == "f" and limits[0] >= 0 and limits[1] <= 1
    return None if within_the_usual else limits


def _orientation(page: TiffPage) -> int:
    value = page.tags.valueof(_ORIENTATION, 1)
    return int(value) if isinstance(value, int) and 1 <= value <= 8 else 1


def _profile(page: TiffPage) -> bytes | None:
    if _PROFILE not in page.tags:
        return None
    value = page.tags.valueof(_PROFILE)
    return value if isinstance(value, bytes) else b"no bytes"


def _chromaticities(page: TiffPage) -> tuple[list[float], list[float]]:
    """Return x and y of white, and of red, green and blue; empty where they are not stated."""
    white, primaries = (
        np.ravel(page.tags.valueof(code, ())).astype(np.float64).reshape(-1, 2)
        for code in (_WHITE_POINT, _PRIMARIES)
    )
    quotients = (each[:, 0] / np.maximum(each[:, 1], 1) for each in (white, primaries))
    one, three = (each.tolist() for each in quotients)
    return one, three


def _gamma(page: TiffPage) -> float | None:
    """Tell linear light from a TransferFunction; the usual curves are left as they are."""
    stated = page.tags.valueof(_TRANSFER)
    if stated is None or np.size(stated) < 16:
        return None
    values = np.ravel(stated).astype(np.float64)
    length = values.size // 3 if values.size % 3 == 0 else values.size
    curve = values[:length] / 65535
    encoded = np.linspace(0, 1, length)
    if np.abs(curve - encoded).max() < 0.01:
        return 1.0
    if np.abs(srgb_curve(curve) - encoded).max() < 0.05:
        return None
    raise _unread(page, translatable("an unusual transfer function"))

"""JPEG 2000, by OpenJPEG through imagecodecs."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import partial

import imagecodecs
import numpy as np

from core.translatable import translatable
from imaging.decoding.bounds import Picture
from imaging.decoding.errors import DAMAGED, ImageError, overloaded, unread
from imaging.decoding.raster import Alpha, ColorModel, Raster, in_memory

MAX_TILES = 10_000
MAX_BOXES = 1_000

_START = b"\xff\x4f\xff\x51"
_CODING = b"\xff\x52"
_SRGB, _GREY = 16, 17
_OPACITY, _PREMULTIPLIED = 1, 2


@dataclass
class _Header:
    """What the boxes in front of the codestream say."""

    color: int | None = None
    profile: bytes | None = None
    palette: bool = False
    alpha: Alpha = Alpha.NONE
    codestream: int = 0


@dataclass(frozen=True)
class CodestreamSize:
    """What the SIZ marker of a codestream says (ISO/IEC 15444-1, A.5.1)."""

    width: int
    height: int
    components: int
    bits: int
    signed: bool


def open_jpeg2000(data: bytes) -> Picture:
    """Read and check the header of a JPEG 2000 file or bare codestream.

    Raises:
        ImageError: If it has too many parts or is of a kind that is not read.
        struct.error: If the header is incomplete.
    """
    header = _Header() if data.startswith(_START) else _read_boxes(data)
    size = codestream_size(data, header.codestream)
    if header.palette:
        raise unread(translatable("a JPEG 2000 image with a palette"))
    if header.color not in (None, _SRGB, _GREY):
        raise unread(translatable("a JPEG 2000 image with colours of kind {}").format(header.color))
    if size.components > 4 or (size.components in (2, 4) and header.alpha is Alpha.NONE):
        raise unread(
            translatable("a JPEG 2000 image of {} channels that are not RGB").format(
                size.components
            )
        )
    width = 1 if size.bits <= 8 else 2
    return Picture(
        size.width, size.height, width * size.components, partial(_decode, data, header, size)
    )


def codestream_of(data: bytes) -> bytes:
    """Return the bare codestream of a file that may have boxes around it.

    What decodes would apply a profile in the boxes by itself, and not tell.

    Raises:
        ImageError: If there is none.
    """
    start = data.find(_START)
    if start < 0:
        raise ImageError(DAMAGED)
    return data[start:]


def codestream_size(data: bytes, start: int = 0) -> CodestreamSize:
    """Read and check the SIZ marker of a codestream.

    Raises:
        ImageError: If there are too many tiles, or samples that are not read.
        struct.error: If the header is incomplete.
    """
    if data[start : start + 4] != _START:
        raise ImageError(DAMAGED)
    x1, y1, x0, y0, tile_x, tile_y, tile_x0, tile_y0 = struct.unpack_from(">8I", data, start + 8)
    (components,) = struct.unpack_from(">H", data, start + 40)
    parts = [struct.unpack_from("3B", data, start + 42 + 3 * each) for each in range(components)]
    if not parts or not tile_x or not tile_y or x1 <= x0 or y1 <= y0:
        raise ImageError(DAMAGED)
    if -(-(x1 - tile_x0) // tile_x) * -(-(y1 - tile_y0) // tile_y) > MAX_TILES:
        raise overloaded("tiles")
    depth = parts[0][0]
    bits, signed = (depth & 0x7F) + 1, bool(depth & 0x80)
    if len(set(parts)) > 1 or bits > 16 or signed:
        sort = (
            translatable("unlike or subsampled channels")
            if len(set(parts)) > 1
            else translatable("{}-bit samples").format(bits)
        )
        raise unread(
            translatable("a JPEG 2000 image with {}{}").format("signed " if signed else "", sort)
        )
    return CodestreamSize(x1 - x0, y1 - y0, components, bits, signed)


def mixes_channels(codestream: bytes) -> bool:
    """Tell by the COD marker whether the first three channels are transformed (A.6.1)."""
    place = codestream.find(_CODING)
    return place >= 0 and codestream[place + 8] == 1


def _decode(data: bytes, header: _Header, size: CodestreamSize) -> Raster:
    samples = np.asarray(imagecodecs.jpeg2k_decode(codestream_of(data[header.codestream :])))
    samples = samples if samples.ndim == 3 else samples[..., None]
    if samples.shape != (size.height, size.width, size.components):
        raise ImageError(DAMAGED)
    return Raster(
        *in_memory(samples),
        file_format="JPEG2000",
        model=ColorModel.RGB if size.components >= 3 else ColorModel.GREY,
        alpha=header.alpha,
        # A camera's 12 bits in a file of 16 are for the pixels to tell.
        bits=None if size.bits in (8, 16) else size.bits,
        profile=header.profile,
    )


def _read_boxes(data: bytes) -> _Header:
    header, place, end = _Header(), 0, len(data)
    for _ in range(MAX_BOXES):
        size, kind = struct.unpack_from(">I4s", data, place)
        inside = place + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, inside)
            inside += 8
        if kind == b"jp2c":
            header.codestream = inside
            return header
        if kind == b"jp2h":
            place = inside
            continue
        _take(data[inside : place + size], kind, header)
        if size < 8 or place + size >= end:
            break
        place += size
    raise ImageError(DAMAGED)


def _take(content: bytes, kind: bytes, header: _Header) -> None:
    if kind == b"colr" and header.color is None and header.profile is None:
        if content[0] == 1:
            (header.color,) = struct.unpack_from(">I", content, 3)
        else:
            header.profile = content[3:]
    elif kind == b"pclr":
        header.palette = True
    elif kind == b"cdef":
        header.alpha = _alpha_of(content)


def _alpha_of(content: bytes) -> Alpha:
    """Read which channel is opacity (ISO/IEC 15444-1, I.5.3.6)."""
    (number,) = struct.unpack_from(">H", content)
    channels = sorted(struct.unpack_from(">HHH", content, 2 + 6 * each) for each in range(number))
    in_order = [(place, 0, place + 1) for place in range(number)]
    if channels == in_order:
        return Alpha.NONE
    kinds = {_OPACITY: Alpha.STRAIGHT, _PREMULTIPLIED: Alpha.PREMULTIPLIED}
    kind = kinds.get(channels[-1][1]) if channels else None
    if channels[:-1] != in_order[:-1] or kind is None:
        raise unread(translatable("a JPEG 2000 image with channels in an unusual order"))
    return kind

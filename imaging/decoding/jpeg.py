"""JPEG: markers, scans and the bytes between them are counted, and damage in them is found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import simplejpeg

from core.translatable import translatable
from imaging.decoding.errors import DAMAGED, ImageError, overloaded

MAX_MARKERS = 2_000
"""Segments; a large colour profile takes 255 of them."""

MAX_SCANS = 32
"""Each costs a pass over the whole image; libjpeg writes at most 18, for progressive CMYK."""

MAX_STRAY_BYTES = 65_536
"""Bytes before the first scan that belong to no segment; Pillow skips them one by one."""

KINDS = {
    0xC0: "baseline",
    0xC1: "extended",
    0xC2: "progressive",
    0xC3: "lossless",
    0xC9: "arithmetic",
    0xCA: "arithmetic, progressive",
    0xCB: "arithmetic, lossless",
    0xF7: "JPEG-LS",
}
"""What each marker of a frame stands for."""

READ = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)
"""Kinds of frames that are read."""

_SCAN, _END = 0xDA, 0xD9
_JFIF, _ADOBE, _TRANSFORM = (0xE0, b"JFIF\0"), (0xEE, b"Adobe"), 13
_FRAMES = frozenset([*range(0xC0, 0xD0), 0xF7]) - {0xC4, 0xC8, 0xCC}
# What Pillow reads no length of: restarts, start and end, and what it skips as reserved.
_WITHOUT_LENGTH = frozenset([0x01, 0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)])
# Of what libjpeg warns of, the rest is no damage.
_DAMAGE = re.compile(r"(?i)premature end|bad \w+ code|instead of RST|before marker 0xd[0-7]")
_LEFT_OVER = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_USUALLY_LEFT_OVER = 16
_FILLING = b"\0\xff"
_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_MARKER_AFTER_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


@dataclass(frozen=True)
class _Segment:
    """A marker and where it lies: after what `gap` holds, and in front of its own data."""

    code: int
    gap: slice
    data: int


@dataclass(frozen=True)
class Frame:
    """What the header of the picture says: its marker, and the bits of each sample."""

    kind: int
    bits: int


def frame_of(data: bytes) -> Frame | None:
    """Return the first frame; None where there is none in front of the pixels."""
    for segment in _header(data):
        if segment.code in _FRAMES and segment.data + 2 < len(data):
            return Frame(segment.code, data[segment.data + 2])
    return None


def is_ycbcr(data: bytes) -> bool | None:
    """Tell by JFIF's or Adobe's segment whether three channels are YCbCr; None without either."""
    adobe = None
    for segment in _header(data):
        if segment.code == _JFIF[0] and data.startswith(_JFIF[1], segment.data + 2):
            return True
        if segment.code == _ADOBE[0] and data.startswith(_ADOBE[1], segment.data + 2):
            adobe = data[segment.data + _TRANSFORM] == 1
    return adobe


def check(data: bytes) -> None:
    """Check the number of segments, of scans and of stray bytes.

    Raises:
        ImageError: If there are too many.
    """
    position = markers = scans = stray = 0
    while found := (_MARKER_AFTER_SCAN if scans else _MARKER).search(data, position):
        code = found[0][1]
        if scans and code == _END:
            return
        stray += 0 if scans else found.start() - position
        markers, scans = markers + 1, scans + (code == _SCAN)
        _check_counts(markers, scans, stray)
        position = _end_of(code, found.end(), data)
    if not scans and stray + len(data) - position > MAX_STRAY_BYTES:
        raise overloaded(translatable("empty space"))


def check_pixels(data: bytes) -> None:
    """Check that no pixel is missing or damaged: decoders fill in grey for those, and only warn.

    Raises:
        ImageError: If any is.
    """
    if _has_stray_bytes(data):
        raise ImageError(DAMAGED)
    try:
        # At an eighth of the size all codes are read, and little else is done.
        simplejpeg.decode_jpeg(data, "RGB", min_height=1, min_width=1, min_factor=8, strict=True)
    except ValueError as error:
        if _DAMAGE.search(str(error)) or _is_left_over(data, str(error)):
            raise ImageError(DAMAGED) from error


def _has_stray_bytes(data: bytes) -> bool:
    """Tell whether more than filling lies between segments, as where line ends became two bytes."""
    return any(data[segment.gap].strip(_FILLING) for segment in _header(data))


def _header(data: bytes) -> Iterator[_Segment]:
    """Yield the segments up to the first scan, that included."""
    position = 0
    while found := _MARKER.search(data, position):
        segment = _Segment(found[0][1], slice(position, found.start()), found.end())
        yield segment
        if segment.code == _SCAN:
            return
        position = _end_of(segment.code, segment.data, data)


def _end_of(code: int, start: int, data: bytes) -> int:
    """Return where the data of a marker ends, which begins at `start` with its length, if any."""
    if code in _WITHOUT_LENGTH:
        return start
    return start + int.from_bytes(data[start : start + 2], "big")


def _is_left_over(data: bytes, warning: str) -> bool:
    """Tell whether pixels were complete long before their data ended, which is not filling."""
    found = _LEFT_OVER.search(warning)
    number = int(found[1]) if found else 0
    end = data.rfind(b"\xff\xd9")
    return number > _USUALLY_LEFT_OVER and bool(data[max(0, end - number) : end].strip(_FILLING))


def _check_counts(markers: int, scans: int, stray: int) -> None:
    if markers > MAX_MARKERS:
        raise overloaded("segments")
    if scans > MAX_SCANS:
        raise overloaded("scans")
    if stray > MAX_STRAY_BYTES:
        raise overloaded(translatable("empty space"))

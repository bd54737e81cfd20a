"""JPEG: markers, scans and the bytes between them are counted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.translatable import translatable
from imaging.decoding.errors import overloaded

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
_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_MARKER_AFTER_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


@dataclass(frozen=True)
class Frame:
    """What the header of the picture says: its marker, and the bits of each sample."""

    kind: int
    bits: int


def frame_of(data: bytes) -> Frame | None:
    """Return the first frame; None where there is none in front of the pixels."""
    position = 0
    while found := _MARKER.search(data, position):
        code, position = found[0][1], found.end()
        if code in _FRAMES and position + 2 < len(data):
            return Frame(code, data[position + 2])
        if code == _SCAN:
            return None
        if code not in _WITHOUT_LENGTH:
            position += int.from_bytes(data[position : position + 2], "big")
    return None


def is_ycbcr(data: bytes) -> bool | None:
    """Tell by JFIF's or Adobe's segment whether three channels are YCbCr; None without either."""
    position, adobe = 0, None
    while found := _MARKER.search(data, position):
        code, position = found[0][1], found.end()
        if code == _SCAN:
            break
        if code == _JFIF[0] and data.startswith(_JFIF[1], position + 2):
            return True
        if code == _ADOBE[0] and data.startswith(_ADOBE[1], position + 2):
            adobe = data[position + _TRANSFORM] == 1
        if code not in _WITHOUT_LENGTH:
            position += int.from_bytes(data[position : position + 2], "big")
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
        position = found.end()
        if code not in _WITHOUT_LENGTH:
            position += int.from_bytes(data[position : position + 2], "big")
    if not scans and stray + len(data) - position > MAX_STRAY_BYTES:
        raise overloaded(translatable("empty space"))


def _check_counts(markers: int, scans: int, stray: int) -> None:
    if markers > MAX_MARKERS:
        raise overloaded("segments")
    if scans > MAX_SCANS:
        raise overloaded("scans")
    if stray > MAX_STRAY_BYTES:
        raise overloaded(translatable("empty space"))

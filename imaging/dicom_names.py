"""What a DICOM file calls itself, read from its file meta information without decoding it."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

PREAMBLE = 128
MARK = b"DICM"
META_GROUP = 0x0002
SOP_CLASS, SOP_INSTANCE = 0x0002, 0x0003
"""Elements of that group: Media Storage SOP Class UID and SOP Instance UID (PS3.10, 7.1)."""

LONG = {b"OB", b"OW", b"UN", b"SQ", b"UT", b"OF", b"OD", b"OL", b"UC", b"UR"}
"""Kinds of values whose length has four bytes, behind two that are empty (PS3.5, 7.1.2)."""

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
LONGEST_UID = 64


@dataclass(frozen=True)
class DicomNames:
    """The UIDs of an instance: what it is, and which one."""

    sop_class: str
    sop_instance: str


def names_of(content: bytes) -> DicomNames | None:
    """Read the names of a DICOM file; None for anything else."""
    if content[PREAMBLE : PREAMBLE + len(MARK)] != MARK:
        return None
    try:
        found = _elements(content, PREAMBLE + len(MARK))
    except (struct.error, UnicodeDecodeError):
        return None
    names = [found.get(SOP_CLASS, ""), found.get(SOP_INSTANCE, "")]
    if not all(_UID.fullmatch(name) and len(name) <= LONGEST_UID for name in names):
        return None
    return DicomNames(*names)


def _elements(content: bytes, at: int) -> dict[int, str]:
    """Return the UIDs among the elements of the group, which is always explicit little endian."""
    found: dict[int, str] = {}
    while at + 8 <= len(content):
        group, element, kind = struct.unpack_from("<HH2s", content, at)
        if group != META_GROUP or SOP_INSTANCE in found:
            return found
        if kind in LONG:
            (length,) = struct.unpack_from("<I", content, at + 8)
            at += 12
        else:
            (length,) = struct.unpack_from("<H", content, at + 6)
            at += 8
        if kind == b"UI":
            value = content[at : at + min(length, LONGEST_UID)]
            found[element] = value.rstrip(b"\0 ").decode("ascii")
        at += length
    return found

"""Pages of ImageJ and OME-TIFF that are channels of one colour picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from tifffile import TiffFile

from core.translatable import translatable
from imaging.decoding.errors import overloaded, several, unread

MAX_DESCRIPTION = 4 * 2**20
"""Characters of OME's description; that of one field has some thousands."""

_RED_GREEN_BLUE = ("r", "g", "b")
_OME_COLORS = {"-16776961": "r", "4278190335": "r", "16711935": "g", "65535": "b"}
_CHANNELS = translatable("a picture of {} channels that are not red, green and blue ({})")
_IN_COLOR = translatable("Merge its channels to one RGB picture and save that.")
_MICROMANAGER = 51123


@dataclass(frozen=True)
class Channels:
    """How the pages of a file belong together.

    Attributes:
        order: Which page is red, green and blue; None where pages are no channels.
        bits: Used of each sample, where the program that wrote the file says so.
    """

    order: tuple[int, ...] | None = None
    bits: int | None = None


def channels_of(file: TiffFile, pages: int) -> Channels:
    """Tell from what ImageJ, OME-TIFF or Micro-Manager wrote how pages belong together.

    Args:
        file: The open file.
        pages: How many full pages it has.

    Raises:
        ImageError: If they are planes of a stack, or channels of other colours.
    """
    if file.is_ome:
        return _of_ome(str(file.ome_metadata), pages)
    if file.is_imagej:
        return _of_imagej(file.imagej_metadata or {}, pages)
    return Channels(bits=_bits_of_micromanager(file.pages.first.tags.valueof(_MICROMANAGER)))


def _of_imagej(about: dict[str, Any], pages: int) -> Channels:
    planes = {
        translatable("focal planes"): about.get("slices", 1),
        translatable("time points"): about.get("frames", 1),
    }
    _check_planes("ImageJ", planes)
    channels = int(about.get("channels", 1))
    if max(channels, int(about.get("images", 1))) != pages:
        raise several(
            translatable("an ImageJ stack of {} pictures").format(about.get("images", channels))
        )
    if channels == 1:
        return Channels()
    tables = about.get("LUTs")
    pure = not tables or [_pure(table) for table in tables] == list(_RED_GREEN_BLUE)
    if channels != 3 or about.get("mode") not in ("composite", "color") or not pure:
        raise unread(_CHANNELS.format(channels, "ImageJ"), _IN_COLOR)
    return Channels(order=(0, 1, 2))


def _pure(table: object) -> str | None:
    """Name the one of red, green and blue that a table of colours rises in, evenly."""
    columns = np.asarray(table).reshape(3, -1).astype(np.int64)
    risen = columns.max(axis=1) > 0
    if risen.sum() != 1:
        return None
    place = int(np.argmax(risen))
    even = np.linspace(0, 255, columns.shape[1])
    return _RED_GREEN_BLUE[place] if np.abs(columns[place] - even).max() <= 1 else None


def _of_ome(description: str, pages: int) -> Channels:
    if len(description) > MAX_DESCRIPTION:
        raise overloaded("metadata")
    root = ET.fromstring(description)  # noqa: S314 expat bounds entities, and this process is limited
    pixels = [each for each in root.iter() if each.tag.endswith("}Pixels")]
    if not pixels:
        raise unread(
            translatable("a part of an OME-TIFF that another file describes"),
            translatable("Export the field that you mean as PNG or TIFF."),
        )
    if len(pixels) != 1:
        raise several(f"an OME-TIFF of {len(pixels)} pictures")
    about = pixels[0].attrib
    planes = {
        translatable("focal planes"): about.get("SizeZ", 1),
        translatable("time points"): about.get("SizeT", 1),
    }
    _check_planes("OME-TIFF", planes)
    bits = _significant_bits(about)
    channels = [each for each in pixels[0] if each.tag.endswith("}Channel")]
    size = int(about.get("SizeC", 1))
    each_has = max([int(one.get("SamplesPerPixel", 1)) for one in channels] or [1])
    if pages == 1 and size in (1, each_has):
        return Channels(bits=bits)
    if size // each_has != pages:
        raise several(
            translatable("an OME-TIFF of {} channels, of which this file has {}").format(
                size, pages
            )
        )
    return Channels(_ome_order(pixels[0], channels, size), bits)


def _ome_order(pixels: ET.Element, channels: Sequence[ET.Element], size: int) -> tuple[int, ...]:
    moved = any(
        each.get("IFD", "0") != each.get("FirstC", each.get("IFD", "0"))
        for each in pixels
        if each.tag.endswith("}TiffData")
    )
    colors = [_ome_color(each) for each in channels]
    if not any(colors) and not any(each.get("Name") for each in channels):
        colors = list(_RED_GREEN_BLUE)
    if moved or size != 3 or sorted(map(str, colors)) != sorted(_RED_GREEN_BLUE):
        raise unread(_CHANNELS.format(size, "OME-TIFF"), _IN_COLOR)
    return tuple(colors.index(color) for color in _RED_GREEN_BLUE)


def _ome_color(channel: ET.Element) -> str | None:
    """Tell which of red, green and blue a channel is, by its colour or else by its name."""
    if color := channel.get("Color"):
        return _OME_COLORS.get(color)
    name = (channel.get("Name") or "").lower()
    return name[0] if name in ("r", "g", "b", "red", "green", "blue") else None


def _significant_bits(about: dict[str, str]) -> int | None:
    """Take the bits of a camera; where all of the type are stated, its pixels tell."""
    bits = int(about.get("SignificantBits", 0))
    whole = {"uint8": 8, "uint16": 16, "uint32": 32}.get(about.get("Type", ""), 0)
    return bits if 0 < bits < whole else None


def _bits_of_micromanager(about: object) -> int | None:
    bits = about.get("BitDepth") if isinstance(about, dict) else None
    return bits if isinstance(bits, int) and 8 < bits < 16 else None


def _check_planes(name: str, planes: dict[str, Any]) -> None:
    for word, number in planes.items():
        if int(number) > 1:
            raise several(f"{name}, {number} {word}")

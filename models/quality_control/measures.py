"""What can be measured of an image's quality without a network: plain figures, no verdict.

Light and colour are measured on a copy of `SMALL_SIDE` px, straight lines on one of `WORKING_SIDE`,
the blocks of JPEG on the grid of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from core.geometry import Box, pixels_in
from imaging.images import RgbImage, resize

SMALL_SIDE = 320
"""Longer side in pixels to which a larger image is brought for light and colour."""

WORKING_SIDE = 1024
"""The same for straight lines; blocks are looked for in the middle of this side."""

SHARPNESS_SIDE = 48
"""Pixels to which a cell's longer side is brought before its sharpness is measured."""

_BLOCK = 8
_CLIPPED = 253
_LINE_STEP = 45
_FRAME = 8
_PLAIN = 8
_FLAT = 0.5
_STAINED = 0.08
_LUMA_BITS = 15
_LUMA = np.array([9798, 19235, 3735], np.float32)
"""0.299, 0.587 and 0.114 of 2**15; they add up to it."""


@dataclass(frozen=True)
class ImageMeasures:
    """Light, colour and artefacts of an image; grey levels are of 0..255.

    Attributes:
        contrast: Standard deviation of the grey levels of all pixels, present or not.
        light: The brightest channel of the empty slide.
        dark: 99th percentile of the grey levels.
        bright: 1st percentile of the grey levels.
        clipped: Share (0..1) of the pixels that are at the end of the scale in green, which the
            stains absorb most.
        colour: Mean spread between a pixel's channels.
        depth: Optical density for green light that the densest twentieth of the pixels exceeds.
        cast: Spread between the channels of the empty slide, as a share of the brightest.
        balance: Optical density for red light as a share of that for green, the median of what is
            stained. Azure dyes absorb red, eosin green: a bluer stain has more.
        green: Share (0..1) of the pixels that absorb less green than red light.
        plain: Share (0..1) of the pixels that have the commonest colour.
        plain_light: Grey level of that colour.
        lone: Share (0..1) of all other pixels that the largest connected region of them holds.
        blocks: Steps at the edges of JPEG's blocks, against steps inside of them.
        lines: Length of straight, thin, horizontal or vertical lines, in longer sides of the image.
    """

    contrast: float
    light: float
    dark: float
    bright: float
    clipped: float
    colour: float
    depth: float
    cast: float
    balance: float
    green: float
    plain: float
    plain_light: float
    lone: float
    blocks: float
    lines: float

    @classmethod
    def of(cls, rgb: RgbImage, present: NDArray[np.bool_] | None = None) -> ImageMeasures:
        """Measure an image.

        Args:
            rgb: uint8 (h, w, 3) RGB of any size.
            present: Mask (h, w) of what belongs to the image; all of it unless given.
        """
        small = shrunk(rgb, SMALL_SIDE)
        inside = np.ones(small.shape[:2], bool) if present is None else _shrunk_mask(present, small)
        pixels = small[inside].astype(np.float32)
        grey = pixels.mean(axis=1)
        slide = np.percentile(pixels, 95, axis=0)
        density = np.log10((np.maximum(slide, 1) + 1) / (pixels + 1))
        plain, plain_light, lone = _plain(small, inside)
        return cls(
            contrast=float(small.mean(axis=2).std()),
            light=float(slide.max()),
            dark=float(np.percentile(grey, 99)),
            bright=float(np.percentile(grey, 1)),
            clipped=float((pixels[:, 1] >= _CLIPPED).mean()),
            colour=float((pixels.max(axis=1) - pixels.min(axis=1)).mean()),
            depth=float(np.percentile(density[:, 1], 95)),
            cast=float(np.ptp(slide) / max(1.0, slide.max())),
            balance=_balance(density),
            green=float((density[:, 1] < density[:, 0] - 0.05).mean()),
            plain=plain,
            plain_light=plain_light,
            lone=lone,
            blocks=blockiness(rgb),
            lines=straight_lines(shrunk(rgb, WORKING_SIDE)),
        )


def shrunk(rgb: RgbImage, side: int) -> RgbImage:
    """Reduce uint8 (h, w, 3) RGB to a longer side; smaller images stay."""
    return fitted(rgb, side) if max(rgb.shape[:2]) > side else rgb


def fitted(rgb: RgbImage, side: int) -> RgbImage:
    """Resize uint8 (h, w, 3) RGB until its longer side has `side` pixels."""
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    return resize(rgb, max(1, round(width * scale)), max(1, round(height * scale)))


def sharpness(rgb: RgbImage, box: Box) -> float:
    """Measure how steep a cell's edges are, at one size for every cell.

    The 99th percentile of the slope of its darkest channel, in grey levels a pixel where the cell
    is `SHARPNESS_SIDE` px long, as a share of the range from its dark to its bright parts.
    """
    cell = fitted(pixels_in(rgb, box), SHARPNESS_SIDE).min(axis=2).astype(np.float32)
    dark, bright = np.percentile(cell, (5, 95))
    down, across = np.gradient(cell)
    slopes = np.hypot(down, across)
    return float(np.percentile(slopes, 99) / max(1.0, bright - dark))


def coverage(rgb: RgbImage, boxes: Sequence[Box]) -> float:
    """Measure how much of what is stained lies in boxes of cells.

    Stained is what absorbs green light against the empty slide, from an optical density of
    `_STAINED` on. In a smear nearly all of that is cells; a detector that is shown something else
    finds a few.

    Args:
        rgb: uint8 (h, w, 3) RGB of any size.
        boxes: Of the cells, in pixels of it.

    Returns:
        Share (0..1); 1 where nothing is stained.
    """
    small = shrunk(rgb, SMALL_SIDE)
    green = small[..., 1].astype(np.float32)
    slide = np.percentile(green, 95)
    stained = np.log10((slide + 1) / (green + 1)) > _STAINED
    scale = max(small.shape[:2]) / max(rgb.shape[:2])
    covered = np.zeros(stained.shape, bool)
    for box in boxes:
        x1, y1, x2, y2 = (scale * edge for edge in box)
        covered[max(0, int(y1)) : ceil(y2), max(0, int(x1)) : ceil(x2)] = True
    return float(covered[stained].mean()) if stained.any() else 1.0


def blockiness(rgb: RgbImage) -> float:
    """Compare steps across the edges of 8 x 8 blocks with those inside of blocks.

    Strong JPEG compression leaves the mean of each block and little else, so that the levels jump
    where blocks meet: Wang, Sheikh, Bovik (2002), No-reference perceptual quality assessment of
    JPEG compressed images, ICIP, with the largest of the eight phases, as the image may be cut.
    """
    levels = _grey(_middle(rgb))
    ratios = [_phase_ratio(np.abs(np.diff(levels, axis=axis)), axis) for axis in (0, 1)]
    return float(np.mean(ratios))


def straight_lines(rgb: RgbImage) -> float:
    """Add up straight thin lines along the image's rows and columns, as overlays draw them.

    Nothing in a smear runs along one row of pixels for long: the edge of a disc of radius r stays
    in a row for 2 sqrt(2 r) px. A line is a run of pixels that differ alike from what lies a few
    pixels above and below, of at least a twelfth of the shorter side.

    Returns:
        Length in longer sides of the image.
    """
    shortest = max(24, min(rgb.shape[:2]) // 12)
    # The frame of a picture is no overlay.
    inner = rgb[_FRAME:-_FRAME, _FRAME:-_FRAME]
    if not inner.size or min(inner.shape[:2]) < shortest:
        return 0.0
    total = sum(_runs(turned, shortest) for turned in (inner, inner.transpose(1, 0, 2)))
    return total / max(rgb.shape[:2])


def _runs(rgb: RgbImage, shortest: int) -> float:
    """Return the length of the rows of edges that are `shortest` px long or longer."""
    from scipy import ndimage

    strong = _edges(rgb)
    # What lies outside counts as an edge, so that half a run is enough at the border.
    rows = strong[strong.sum(axis=1) >= shortest - shortest // 2]
    eroded = ndimage.minimum_filter1d(rows, shortest, axis=1, mode="constant", cval=1)
    runs = ndimage.maximum_filter1d(eroded, shortest, axis=1, mode="constant", cval=0)
    return float(runs.sum())


def _edges(rgb: RgbImage) -> NDArray[np.uint8]:
    """Mark with 1 what differs in some channel from two rows above, (h - 2, w)."""
    below, above = rgb[2:], rgb[:-2]
    far = np.maximum(below, above) - np.minimum(below, above) >= _LINE_STEP
    return (far[..., 0] | far[..., 1] | far[..., 2]).astype(np.uint8)


def _balance(density: NDArray[np.float32]) -> float:
    """Compare what is absorbed of red and of green light where at least half of `depth` is."""
    red, green = density[:, 0], density[:, 1]
    stained = green >= np.percentile(green, 95) / 2
    return float(np.median(red[stained] / np.maximum(green[stained], 0.01)))


def _plain(small: RgbImage, inside: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Measure the commonest colour: its share, its level, and how connected all else is."""
    pixels = small[inside]
    coarse = (pixels // 16).astype(np.int32) @ np.array([256, 16, 1])
    commonest = np.bincount(coarse, minlength=4096).argmax()
    colour = np.median(pixels[coarse == commonest], axis=0)
    away = np.abs(small.astype(np.int16) - colour.astype(np.int16)).max(axis=2) > _PLAIN
    other = away & inside
    share = 1 - other.sum() / max(1, inside.sum())
    return float(share), float(colour.mean()), _largest_share(other)


def _largest_share(mask: NDArray[np.bool_]) -> float:
    """Return the share of a mask, opened by 3 x 3 px, in its largest 8-connected region."""
    from scipy import ndimage

    square = np.ones((3, 3), bool)
    eroded = ndimage.binary_erosion(mask, square, border_value=1)
    labels = np.empty(mask.shape, np.int32)
    ndimage.label(ndimage.binary_dilation(eroded, square), square, labels)
    areas = np.bincount(labels.ravel())[1:]
    return float(areas.max() / areas.sum()) if len(areas) else 0.0


def _grey(rgb: RgbImage) -> NDArray[np.int16]:
    """Return the luma (h, w) of uint8 (h, w, 3) RGB by ITU-R BT.601, rounded."""
    # Whole numbers below 2**24 are exact in float32, and a product of matrices is fast.
    levels = rgb.astype(np.float32) @ _LUMA + 2 ** (_LUMA_BITS - 1)
    return (levels.astype(np.int32) >> _LUMA_BITS).astype(np.int16)


def _middle(rgb: RgbImage) -> RgbImage:
    """Cut the middle, at most `WORKING_SIDE` px a side."""
    top, left = (max(0, (length - WORKING_SIDE) // 2) for length in rgb.shape[:2])
    return rgb[top : top + WORKING_SIDE, left : left + WORKING_SIDE]


def _phase_ratio(steps: NDArray[np.int16], axis: int) -> float:
    profile = steps.mean(axis=1 - axis)
    if len(profile) < 4 * _BLOCK:
        return 1.0
    phases = np.array([profile[phase::_BLOCK].mean() for phase in range(_BLOCK)])
    largest = phases.argmax()
    return float(phases[largest] / max(_FLAT, np.delete(phases, largest).mean()))


def _shrunk_mask(present: NDArray[np.bool_], small: RgbImage) -> NDArray[np.bool_]:
    """Take the mask (h, w) where the pixels of a smaller copy begin."""
    rows, columns = (
        (np.arange(few) * (1 / (few / many))).astype(int)
        for many, few in zip(present.shape, small.shape[:2], strict=True)
    )
    return present[np.ix_(rows, columns)]

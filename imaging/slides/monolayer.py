"""Where red cells lie side by side: the part of a smear in which white cells are counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from imaging.images import RgbImage
from imaging.slides.slide import SlideInfo

Region = Callable[[tuple[int, int, int, int], int, int], RgbImage]
"""Reads a part (x1, y1, x2, y2 in pixels of the slide) at a width and height in pixels."""

USUAL_MICROMETRES = 0.25
"""Size of a pixel (µm) that is assumed where the file does not tell: a scanner's at 40x."""

WINDOW = 1_000.0
"""Side of a window in µm, where that is not too many pixels to be read at once."""

SAMPLE = 200.0
"""Side in µm of what is looked at in the middle of a window: some hundred red cells."""

SAMPLE_MICROMETRES = 0.5
"""Size of a pixel (µm) at which it is looked at: a red cell is 15 px wide, and gaps show."""

OVERVIEW_SIDE = 1_024
MAX_SAMPLES = 64
"""Windows that are looked at closely, of those that hold anything."""

MIN_STAIN = 0.02
"""Mean optical density of green, above that of glass, from which on a window holds something."""

DENSITY = (0.04, 0.25, 0.60, 0.90)
"""Shares of a window that red cells cover: too few, enough, still single, too many."""

CLUMP = 3.0
"""Red cells in one piece from which on they count as overlapping. Two or three often touch."""

CONTRAST = 0.08
"""Optical density by which red cells stand out in a well stained smear, at the least."""

MIN_SCORE = 0.25
MOST = 5

CLOSER = 12
"""Windows, the best by their middles, of which four more places are looked at."""

_PLACES = ((0.5, 0.5), (0.15, 0.15), (0.85, 0.15), (0.15, 0.85), (0.85, 0.85))

_RED_CELL = 7.5
_GLASS_PERCENTILE = 99
_DARKEST = 0.3
_FLAT = 1e-3


@dataclass(frozen=True)
class Proposal:
    """A window that may be read, in pixels of the slide, and how good it looks (0..1)."""

    left: int
    top: int
    width: int
    height: int
    score: float


@dataclass(frozen=True)
class Sight:
    """What is seen of the red cells in a window.

    Attributes:
        covered: Share of the window that cells cover, 0..1.
        clumped: Share of that in pieces of more than `CLUMP` red cells, 0..1.
        contrast: Optical density of green by which cells differ from what is between them.
    """

    covered: float
    clumped: float
    contrast: float

    @property
    def score(self) -> float:
        """How much it looks like a monolayer, 0..1: dense enough, not overlapping, stained."""
        density = float(np.interp(self.covered, DENSITY, (0.0, 1.0, 1.0, 0.0)))
        return density * (1 - self.clumped) * min(1.0, self.contrast / CONTRAST)


def propose(region: Region, info: SlideInfo, max_pixels: int) -> list[Proposal]:
    """Look for windows of the monolayer.

    An overview tells where anything is. The middles of at most `MAX_SAMPLES` such windows, evenly
    spread over the densities, are then read at `SAMPLE_MICROMETRES` and scored by `Sight`: red
    cells cover a quarter to three fifths of a monolayer and few are in one piece, while the
    feathered edge is emptier and the body of the smear is one piece. The best are looked at near
    their corners as well, and the mean counts. `tests/imaging/slides/test_monolayer.py` measures
    it on a drawn smear.

    Args:
        region: Reads the slide.
        info: Of the slide.
        max_pixels: Of a window.

    Returns:
        At most `MOST` windows of the same size that do not overlap, best first.
    """
    micrometres = info.micrometres or USUAL_MICROMETRES
    side = min(round(WINDOW / micrometres), int(sqrt(max_pixels)), info.width, info.height)
    windows = list(_windows(info, side))
    scores = {
        window: _score(region, window, side, micrometres, _PLACES[:1])
        for window in _spread(windows, _stains(region, info, windows))
    }
    closer = sorted(scores, key=lambda window: -scores[window])[:CLOSER]
    found = [
        Proposal(*window, side, side, _score(region, window, side, micrometres, _PLACES))
        for window in closer
        if scores[window] >= MIN_SCORE
    ]
    good = [one for one in found if one.score >= MIN_SCORE]
    return sorted(good, key=lambda one: -one.score)[:MOST]


def sight(rgb: RgbImage, micrometres: float) -> Sight:
    """Measure the red cells of a window.

    Args:
        rgb: uint8 (h, w, 3) RGB.
        micrometres: Of a pixel.
    """
    from scipy import ndimage

    density = ndimage.gaussian_filter(_optical_density(rgb), 0.7)
    # Nuclei and platelets are darker: the threshold is to part red cells from plasma.
    density = np.minimum(density, np.percentile(density, 5) + _DARKEST)
    if np.ptp(density) < _FLAT:
        return Sight(0.0, 0.0, 0.0)
    cells = density > _otsu(density)
    contrast = float(np.median(density[cells]) - np.median(density[~cells]))
    # The pale middle of a red cell is part of it.
    cells = np.asarray(ndimage.binary_fill_holes(cells))
    pieces = np.empty(cells.shape, np.int32)
    ndimage.label(cells, output=pieces)
    areas = np.bincount(pieces.ravel())[1:] * micrometres**2
    clumps = areas[areas > CLUMP * pi / 4 * _RED_CELL**2].sum() / areas.sum()
    return Sight(float(np.mean(cells)), float(clumps), contrast)


def _windows(info: SlideInfo, side: int) -> Iterator[tuple[int, int]]:
    """Cover a slide with windows beside each other, as far as whole ones fit."""
    for top in range(0, info.height - side + 1, side):
        for left in range(0, info.width - side + 1, side):
            yield left, top


def _stains(region: Region, info: SlideInfo, windows: list[tuple[int, int]]) -> NDArray[np.float32]:
    """Estimate from an overview how much stain the middle of each window has (n,)."""
    from scipy import ndimage

    scale = min(1.0, OVERVIEW_SIDE / max(info.width, info.height))
    width, height = max(1, round(info.width * scale)), max(1, round(info.height * scale))
    density = _optical_density(region((0, 0, info.width, info.height), width, height))
    glass = np.percentile(density, 100 - _GLASS_PERCENTILE)
    side = max(1, round((windows[1][0] - windows[0][0]) * scale)) if len(windows) > 1 else 1
    means = ndimage.uniform_filter(density, side)
    columns = [min(width - 1, round(left * scale) + side // 2) for left, _ in windows]
    rows = [min(height - 1, round(top * scale) + side // 2) for _, top in windows]
    return (means[rows, columns] - glass).astype(np.float32)


def _spread(windows: list[tuple[int, int]], stains: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Choose windows that hold something, evenly over how much that is."""
    order = [index for index in np.argsort(stains, kind="stable") if stains[index] >= MIN_STAIN]
    count = min(MAX_SAMPLES, len(order))
    places = np.linspace(0, len(order) - 1, count).round().astype(int) if count else []
    return [windows[order[place]] for place in places]


def _score(
    region: Region,
    window: tuple[int, int],
    side: int,
    micrometres: float,
    places: tuple[tuple[float, float], ...],
) -> float:
    """Look at some places of a window, given as shares of its free width and height."""
    wanted = min(side, round(SAMPLE / micrometres))
    # A slide that was scanned coarser is not enlarged.
    pixels = min(wanted, round(SAMPLE / SAMPLE_MICROMETRES))
    free, scores = side - wanted, []
    for across, down in places:
        x, y = (round(window[0] + across * free), round(window[1] + down * free))
        rgb = region((x, y, x + wanted, y + wanted), pixels, pixels)
        scores.append(sight(rgb, micrometres * wanted / pixels).score)
    return sum(scores) / len(scores)


def _optical_density(rgb: RgbImage) -> NDArray[np.float32]:
    """Compute the optical density of green (h, w), which Romanowsky stains absorb most."""
    return -np.log10((rgb[..., 1] + np.float32(1)) / np.float32(256)).astype(np.float32)


def _otsu(values: NDArray[np.float32]) -> float:
    """Return the threshold that parts values best into two classes (Otsu 1979)."""
    counts, edges = np.histogram(values, 128)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(edges[1:][np.nanargmax(between)])

"""Is this usable? What is asked of a cell image before the classifier answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from core.geometry import Box, pixels_in
from imaging.images import RgbImage, resize
from models.classifier.cell_views import (
    BLACK,
    View,
    Window,
    context_window,
    on_black,
    segmented_window,
)
from models.detector.detector import Detector
from models.findings import QualityIssue
from models.quality_control.stain import Stained, StainedCell, opened_regions

MIN_SIDE = 32
WORKING_SIDE = 256
"""Longer side in pixels to which an image is brought: the one cell in it, whether it fills a third
of the image or all of it, then has a size that the detector was trained on."""

MIN_CONTRAST = 4.0
"""Standard deviation of grey levels (0..255) under which an image shows nothing."""

MIN_COLOUR = 3.0
"""Mean spread between a pixel's channels (0..255), black left out, under which an image is grey."""

MIN_WHITE = 0.5
"""The detector's P(white cell) from which a cell counts, blast or not."""

MIN_NUCLEUS_SHARE = 0.12
"""Smallest share of a cell's box that its stained nucleus fills."""

MIN_NUCLEUS_SHARE_ON_BLACK = 0.4
"""The same for a cell that was cut out, of which little but the nucleus is left."""

MIN_TEXTURE = 1.5
"""Median deviation (0..255) of a nucleus from its median, under which it is drawn, not stained."""

MAX_BLUE = (0.45, 0.3)
"""Largest optical density for blue light, which the stains let pass, of a nucleus and of what is
about it in its box. Of a cell on black the background, and so its density, is not known."""

MAX_GREEN = 0.05
"""Largest share of an image that may let more green light pass than red: the stains absorb green
most, nucleus and red cells alike."""

MAX_CUT = 0.35
"""Largest stretch of the image's edge, against the cell's side, along which a nucleus is cut."""

SHARPNESS_SIDE = 48
"""Pixels to which a cell's longer side is brought before its sharpness is measured."""

MIN_SHARPNESS = 0.15
"""Sharpness under which a cell is out of focus."""


@dataclass(frozen=True)
class Examination:
    """What is known of the one cell before the classifier is asked.

    Attributes:
        code: What speaks against reading the image; None where it is fit to be read.
        can_override: Whether it can be read all the same, if a person wishes so.
        view: How the cell is seen, one of `models.classifier.cell_views.VIEWS`.
        window: The square to be read; None unless there is one cell.
        cells: How many white cells were found; None where none was looked for.
    """

    code: QualityIssue | None = None
    can_override: bool = False
    view: View | None = None
    window: Window | None = None
    cells: int | None = None


def examine(rgb: RgbImage, detector: Detector) -> Examination:
    """Look for the one white cell, and how well it can be seen.

    Args:
        rgb: uint8 (h, w, 3) RGB of any size.
        detector: Finds the cells, unless one was cut out on black.
    """
    if min(rgb.shape[:2]) < MIN_SIDE:
        return Examination(QualityIssue.TOO_SMALL)
    small = fitted(rgb, WORKING_SIDE)
    if code := _nothing_to_see(small):
        return Examination(code)
    view = View.SEGMENTED if on_black(rgb) else View.CONTEXT
    stained = Stained.of(small)
    cells = _whole_ones_first(_white_cells(stained, view, detector))
    if len(cells) != 1:
        none = _fault_of_light(small) or QualityIssue.NO_CELL
        code = QualityIssue.SEVERAL_CELLS if cells else none
        return Examination(code, view=view, cells=len(cells))
    code = _fault_of_light(small) or _fault_of_cell(small, cells[0], view)
    window = _window(rgb, cells[0].box, view)
    return Examination(code, code is not None, view, window, 1)


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


def fitted(rgb: RgbImage, side: int) -> RgbImage:
    """Resize uint8 (h, w, 3) RGB until its longer side has `side` pixels."""
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    return resize(rgb, max(1, round(width * scale)), max(1, round(height * scale)))


def _nothing_to_see(small: RgbImage) -> QualityIssue | None:
    foreground = small.max(axis=2) > BLACK
    if not foreground.any() or small.mean(axis=2).std() < MIN_CONTRAST:
        return QualityIssue.BLANK
    return QualityIssue.NO_COLOUR if np.ptp(small, axis=2)[foreground].mean() < MIN_COLOUR else None


def _fault_of_light(small: RgbImage) -> QualityIssue | None:
    grey = small.mean(axis=2)
    if np.quantile(grey, 0.01) > 245:
        return QualityIssue.OVER_EXPOSED
    return QualityIssue.DARK if np.quantile(grey, 0.99) < 40 else None


def _white_cells(stained: Stained, view: View, detector: Detector) -> list[StainedCell]:
    """Find the white cells: what was cut out, or detected, with a nucleus."""
    if stained.green_share > MAX_GREEN:
        return []
    if view == View.SEGMENTED:
        boxes, least = _cut_out(stained.rgb), MIN_NUCLEUS_SHARE_ON_BLACK
    else:
        boxes, least = _detected(stained.rgb, detector), MIN_NUCLEUS_SHARE
    cells = (stained.cell(box) for box in boxes)
    return [
        cell
        for cell in cells
        if cell.nucleus_share >= least
        and cell.texture >= MIN_TEXTURE
        and (view == View.SEGMENTED or all(np.array(cell.blue_density) <= MAX_BLUE))
    ]


def _cut_out(small: RgbImage) -> list[Box]:
    shapes = opened_regions(small.max(axis=2) > BLACK, iterations=2)
    return [
        (columns.start, rows.start, columns.stop, rows.stop)
        for rows, columns in ndimage.find_objects(shapes)
    ]


def _detected(small: RgbImage, detector: Detector) -> list[Box]:
    found = detector.find(small)
    cells = (*found.detections, *found.candidates)
    return [cell.box for cell in cells if (cell.white or 0) >= MIN_WHITE]


def _whole_ones_first(cells: list[StainedCell]) -> list[StainedCell]:
    """Select the cells that no edge cuts; all where there are none."""
    return [cell for cell in cells if not any(cell.at_edges)] or cells


def _fault_of_cell(small: RgbImage, cell: StainedCell, view: View) -> QualityIssue | None:
    if cell.cut_share > MAX_CUT:
        return QualityIssue.CUT_OFF
    # Of a cell that was cut out only the nucleus is left, whose edges tell too little of focus.
    is_blurred = view == View.CONTEXT and sharpness(small, cell.box) < MIN_SHARPNESS
    return QualityIssue.BLURRED if is_blurred else None


def _window(rgb: RgbImage, box: Box, view: View) -> Window:
    if view == View.SEGMENTED:
        return segmented_window(rgb)
    scale = max(rgb.shape[:2]) / WORKING_SIDE
    return context_window(tuple(edge * scale for edge in box))

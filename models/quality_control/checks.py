"""Is this usable? What is asked of a cell image before the classifier answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from core.geometry import Box
from imaging.images import RgbImage
from models.classifier.cell_views import (
    BLACK,
    View,
    Window,
    context_window,
    on_black,
    segmented_window,
)
from models.detector.detector import Detector
from models.findings import Quality, QualityIssue
from models.quality_control.eyepiece import FieldView
from models.quality_control.judgement import Judgement, judge_image
from models.quality_control.measures import ImageMeasures, fitted, sharpness
from models.quality_control.stain import Stained, StainedCell, opened_regions
from models.quality_control.thresholds import MIN_SHARPNESS

WORKING_SIDE = 256
"""Longer side in pixels to which an image is brought: the one cell in it, whether it fills a third
of the image or all of it, then has a size that the detector was trained on."""

_NOTHING_TO_SEE = (QualityIssue.TOO_SMALL, QualityIssue.BLANK, QualityIssue.NO_COLOUR)

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


@dataclass(frozen=True)
class Examination:
    """What is known of the one cell before the classifier is asked.

    Attributes:
        code: What speaks against reading the image; None where it is fit to be read.
        can_override: Whether it can be read all the same, if a person wishes so.
        judgement: What else is to be said of the image, `code` included.
        view: How the cell is seen, one of `models.classifier.cell_views.VIEWS`.
        window: The square to be read; None unless there is one cell.
        cells: How many white cells were found; None where none was looked for.
        cropped: The box of the eyepiece's circle that alone was looked at, in pixels.
    """

    code: QualityIssue | None = None
    can_override: bool = False
    judgement: Judgement = field(default_factory=Judgement)
    view: View | None = None
    window: Window | None = None
    cells: int | None = None
    cropped: Box | None = None

    def quality(self, override: bool = False) -> Quality:
        """Return the verdict; `override` where a person has the image read all the same."""
        judged = self.judgement.quality(override, self.cropped)
        return judged if override else replace(judged, can_override=self.can_override)


def examine(rgb: RgbImage, detector: Detector) -> Examination:
    """Look for the one white cell, and how well it can be seen.

    Args:
        rgb: uint8 (h, w, 3) RGB of any size. Of a view through an eyepiece only the circle is read.
        detector: Finds the cells, unless one was cut out on black.
    """
    seen = FieldView.of(rgb)
    view = View.SEGMENTED if seen.circle is None and on_black(rgb) else View.CONTEXT
    judged = _judged(seen, view)
    light = next(iter(judged.faults), None)
    if light in _NOTHING_TO_SEE:
        return Examination(light, judgement=judged, cropped=seen.cropped)
    stained = _stained(seen)
    cells = _whole_ones_first(_white_cells(stained, view, detector))
    if len(cells) != 1:
        code = QualityIssue.SEVERAL_CELLS if cells else light or QualityIssue.NO_CELL
        judged = _with(judged, code)
        return Examination(code, False, judged, view, cells=len(cells), cropped=seen.cropped)
    code = light or _fault_of_cell(stained.rgb, cells[0], view)
    window = _window(seen, cells[0].box, view)
    return Examination(
        code, code is not None, _with(judged, code), view, window, 1, cropped=seen.cropped
    )


def _judged(seen: FieldView, view: View) -> Judgement:
    """Judge the image; of a cell on black there is no slide that could tell cast or stain."""
    rgb = seen.rgb
    if view == View.CONTEXT:
        return judge_image(rgb, ImageMeasures.of(rgb, seen.present), of_field=False)
    present = rgb.max(axis=2) > BLACK
    if not present.any():
        return Judgement((QualityIssue.BLANK,))
    return Judgement(judge_image(rgb, ImageMeasures.of(rgb, present), of_field=False).faults)


def _stained(seen: FieldView) -> Stained:
    """Compute the stain at the size at which cells are looked for."""
    scale = WORKING_SIDE / max(seen.rgb.shape[:2])
    circle = seen.circle and seen.circle.within(seen.left, seen.top, scale)
    return Stained.of(fitted(seen.rgb, WORKING_SIDE), circle)


def _with(judged: Judgement, code: QualityIssue | None) -> Judgement:
    """Put what speaks against the cell first."""
    return judged if code is None else Judgement((code,)) + judged


def _white_cells(stained: Stained, view: View, detector: Detector) -> list[StainedCell]:
    """Find the white cells: what was cut out, or detected, with a nucleus."""
    if stained.green_share > MAX_GREEN:
        return []
    if view == View.SEGMENTED:
        boxes, least = _cut_out(stained.rgb), MIN_NUCLEUS_SHARE_ON_BLACK
    else:
        boxes, least = _detected(stained, detector), MIN_NUCLEUS_SHARE
    cells = (stained.cell(box) for box in boxes)
    return [
        cell
        for cell in cells
        if cell.nucleus_share >= least
        and cell.texture >= MIN_TEXTURE
        and (view == View.SEGMENTED or all(np.array(cell.blue_density) <= MAX_BLUE))
    ]


def _cut_out(small: RgbImage) -> list[Box]:
    from scipy import ndimage

    shapes = opened_regions(small.max(axis=2) > BLACK, iterations=2)
    return [
        (columns.start, rows.start, columns.stop, rows.stop)
        for rows, columns in ndimage.find_objects(shapes)
    ]


def _detected(stained: Stained, detector: Detector) -> list[Box]:
    found = detector.find(stained.rgb)
    cells = (*found.detections, *found.candidates)
    boxes = [cell.box for cell in cells if (cell.white or 0) >= MIN_WHITE]
    return [box for box in boxes if stained.circle is None or stained.circle.holds(box)]


def _whole_ones_first(cells: list[StainedCell]) -> list[StainedCell]:
    """Select the cells that no edge cuts; all where there are none."""
    return [cell for cell in cells if not cell.ends_at_edge] or cells


def _fault_of_cell(small: RgbImage, cell: StainedCell, view: View) -> QualityIssue | None:
    if cell.cut_share > MAX_CUT:
        return QualityIssue.CUT_OFF
    # Of a cell that was cut out only the nucleus is left, whose edges tell too little of focus.
    is_blurred = view == View.CONTEXT and sharpness(small, cell.box) < MIN_SHARPNESS
    return QualityIssue.BLURRED if is_blurred else None


def _window(seen: FieldView, box: Box, view: View) -> Window:
    """Return the square to be read, in pixels of the whole image."""
    if view == View.SEGMENTED:
        return segmented_window(seen.rgb)
    scale = max(seen.rgb.shape[:2]) / WORKING_SIDE
    window = context_window(tuple(edge * scale for edge in box))
    return replace(window, x=window.x + seen.left, y=window.y + seen.top)

"""Can this be relied on? One judgement of images, for Classify and Detect alike.

What is seen before any network is asked: light, colour, overlays, compression, cut-out cells. Of a
field that was read, the cells tell the rest: whether there are any, how sharp and how large the red
ones are. Nothing here is learnt; each measure is described where it is computed
(`models.quality_control.measures`), each threshold in `models.quality_control.thresholds`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from core.geometry import Box, clipped
from core.taxonomy import RBC, WHITE_CELLS
from imaging.images import RgbImage
from models.classifier.cell_views import BLACK
from models.detector.detector import SMALLEST_FIELD
from models.findings import Detection, FieldFindings, Quality, QualityIssue, Verdict
from models.quality_control import thresholds as limits
from models.quality_control.measures import ImageMeasures, coverage, sharpness

MIN_SIDE = 32
"""Pixels a side under which nothing is looked at."""

MEASURED = 40
"""Red cells whose focus is measured, the most confident ones."""

ENOUGH = 3
"""Red cells from which on they tell the focus of a field; else the white ones do."""

FOLLOWED = ("light", "depth", "balance", "cast")
"""Attributes of `ImageMeasures` that are kept of each field; `FOCUS` is kept beside them."""

FOCUS = "focus"
"""Name under which the median sharpness of a field's cells is kept."""

_MARGIN = 0.15
_WHITE_LEVEL = 244
_NOTHING_TO_READ = frozenset({QualityIssue.TOO_SMALL, QualityIssue.BLANK})


@dataclass(frozen=True)
class Judgement:
    """What speaks against an image.

    Attributes:
        faults: What makes it not readable, each alone.
        doubts: What makes it doubtful.
        measures: What is to be kept of what was measured, by name, as in `Quality`.
    """

    faults: tuple[QualityIssue, ...] = ()
    doubts: tuple[QualityIssue, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict, compare=False)

    def __add__(self, other: Judgement) -> Judgement:
        """Return what speaks against an image by either."""
        return Judgement(
            self.faults + other.faults,
            self.doubts + other.doubts,
            {**self.measures, **other.measures},
        )

    def quality(self, override: bool = False, cropped: Box | None = None) -> Quality:
        """Return the verdict.

        Args:
            override: Whether a person has the image read although it is not readable.
            cropped: The box that alone is read, if it is not all.
        """
        reasons = tuple(dict.fromkeys((*self.faults, *self.doubts)))
        verdict = Verdict.DOUBTFUL if self.doubts else Verdict.READABLE
        judged = Quality(verdict, reasons, cropped=cropped, measures=dict(self.measures))
        if not self.faults:
            return judged
        can_override = not _NOTHING_TO_READ & set(self.faults)
        if override and can_override:
            return replace(judged, verdict=Verdict.DOUBTFUL, overridden=True)
        return replace(judged, verdict=Verdict.NOT_READABLE, can_override=can_override)


def judge_image(rgb: RgbImage, measures: ImageMeasures, of_field: bool) -> Judgement:
    """Judge what can be told of an image without looking for cells.

    Args:
        rgb: uint8 (h, w, 3) RGB of any size.
        measures: Of the image.
        of_field: Whether it should show enough of the empty slide to tell light, cast and stain.
    """
    if min(rgb.shape[:2]) < MIN_SIDE:
        return Judgement((QualityIssue.TOO_SMALL,))
    if measures.contrast < limits.MIN_CONTRAST:
        return Judgement((_why_blank(measures, of_field),))
    if measures.colour < limits.MIN_COLOUR:
        return Judgement((QualityIssue.NO_COLOUR,))
    faults = {
        QualityIssue.OVER_EXPOSED: measures.bright > limits.OVER_EXPOSED,
        QualityIssue.DARK: measures.dark < limits.DARK,
    }
    doubts = {
        QualityIssue.OVER_EXPOSED: measures.clipped > limits.CLIPPED,
        QualityIssue.DARK: of_field and measures.light < limits.DIM,
        QualityIssue.PALE: of_field and measures.depth < limits.MIN_DEPTH,
        QualityIssue.COLOUR_CAST: of_field and measures.cast > limits.MAX_CAST,
        QualityIssue.OVERLAY: measures.lines > limits.MAX_LINES,
        QualityIssue.COMPRESSED: measures.blocks > limits.MAX_BLOCKS,
    }
    return Judgement(_named(faults), _named(doubts))


def _why_blank(measures: ImageMeasures, of_field: bool) -> QualityIssue:
    """Tell an image in which nothing can be seen from one that its light has spoilt."""
    if of_field and measures.contrast > limits.GRAIN:
        if measures.light < limits.DIM:
            return QualityIssue.DARK
        if measures.clipped > limits.CLIPPED:
            return QualityIssue.OVER_EXPOSED
    return QualityIssue.BLANK


def judge_field_image(rgb: RgbImage, measures: ImageMeasures) -> Judgement:
    """Judge an image that is to be read as a field, before its cells are looked for.

    Args:
        rgb: uint8 (h, w, 3) RGB of any size.
        measures: Of the image.
    """
    judged = replace(judge_image(rgb, measures, of_field=True), measures=_kept(measures))
    if set(judged.faults) & _NOTHING_TO_READ:
        return judged
    if is_cut_out(measures):
        return replace(judged, faults=(QualityIssue.CUT_OUT,), doubts=())
    if not judged.faults and measures.green > limits.MAX_GREEN:
        return replace(judged, faults=(QualityIssue.NOT_A_SMEAR,), doubts=())
    return judged


def _kept(measures: ImageMeasures) -> dict[str, float]:
    """Return what is followed from week to week, with the digits that mean something."""
    return {name: round(getattr(measures, name), 4) for name in FOLLOWED}


def judge_cells(rgb: RgbImage, found: FieldFindings) -> Judgement:
    """Judge a field by the cells that were found in it.

    Args:
        rgb: uint8 (h, w, 3) RGB, the field.
        found: Its cells, boxes in pixels of it.
    """
    red = [cell for cell in found.detections if cell.label == RBC]
    white = [cell for cell in found.detections if cell.label in WHITE_CELLS]
    if len(red) < ENOUGH and not white:
        # Among so few pixels cells would not be found.
        small = max(rgb.shape) < SMALLEST_FIELD
        few_pixels = (QualityIssue.LOW_RESOLUTION,) if small else ()
        return Judgement((QualityIssue.NOT_A_SMEAR, *few_pixels))
    focus = field_sharpness(rgb, red, white)
    judged = replace(_focus(focus, len(red) >= ENOUGH), measures={FOCUS: round(focus, 4)})
    if judged.faults:
        # Of a blurred field the detector finds too little to say more.
        return judged
    return judged + _resolution(_red_cell(found.red_cell, red, white)) + _contents(rgb, found)


def field_sharpness(rgb: RgbImage, red: Sequence[Detection], white: Sequence[Detection]) -> float:
    """Return the median sharpness of a field's red cells, of the white ones where there are few.

    Red cells are flat discs of much the same size in every field, so that the slope of their edge
    tells the focus, where texture would tell the cells' kind: Pertuz, Puig, Garcia (2013), Analysis
    of focus measure operators for shape-from-focus, Pattern Recognition 46, for such gradients.
    """
    height, width = rgb.shape[:2]
    chosen = red[:MEASURED] if len(red) >= ENOUGH else white or red
    boxes = [clipped(_widened(cell.box), width, height) for cell in chosen]
    return float(np.median([sharpness(rgb, box) for box in boxes]))


def is_cut_out(measures: ImageMeasures) -> bool:
    """Return whether an image is one piece on plain black or white."""
    plain = measures.plain_light <= BLACK or measures.plain_light >= _WHITE_LEVEL
    return plain and measures.plain >= limits.CUT_OUT_PLAIN and measures.lone >= limits.CUT_OUT_LONE


def _focus(value: float, by_red: bool) -> Judgement:
    issue = (QualityIssue.BLURRED,)
    if value < limits.BLURRED:
        return Judgement(issue)
    soft = limits.SOFT if by_red else limits.MIN_SHARPNESS
    return Judgement(doubts=issue if value < soft else ())


def _resolution(red_cell: float | None) -> Judgement:
    issue = (QualityIssue.LOW_RESOLUTION,)
    if red_cell is None or red_cell >= limits.FEW_PIXELS:
        return Judgement()
    return Judgement(issue) if red_cell < limits.TOO_FEW_PIXELS else Judgement(doubts=issue)


def _contents(rgb: RgbImage, found: FieldFindings) -> Judgement:
    """Judge whether what is seen is cells."""
    issue = (QualityIssue.NOT_A_SMEAR,)
    share = coverage(rgb, [cell.box for cell in (*found.detections, *found.candidates)])
    if share < limits.NO_COVERAGE:
        return Judgement(issue)
    return Judgement(doubts=issue if share < limits.MIN_COVERAGE else ())


def _red_cell(
    measured: float | None, red: Sequence[Detection], white: Sequence[Detection]
) -> float | None:
    """Return the diameter of the red cells (px), estimated where the detector measured too few.

    White cells are at the least as wide as red ones, and up to three times.
    """
    if measured is not None:
        return measured
    if len(red) >= ENOUGH:
        return float(np.median([_diameter(cell) for cell in red]))
    return float(np.median([_diameter(cell) for cell in white])) / 2 if white else None


def _diameter(cell: Detection) -> float:
    x1, y1, x2, y2 = cell.box
    return ((x2 - x1) * (y2 - y1)) ** 0.5


def _widened(box: Box) -> Box:
    x1, y1, x2, y2 = box
    across, down = _MARGIN * (x2 - x1), _MARGIN * (y2 - y1)
    return x1 - across, y1 - down, x2 + across, y2 + down


def _named(found: dict[QualityIssue, bool]) -> tuple[QualityIssue, ...]:
    return tuple(issue for issue, there in found.items() if there)

"""Is this field fit to be counted? Asked before the detector, and again of what it found."""

from __future__ import annotations

from dataclasses import replace

from imaging.images import RgbImage
from models.detector.detector import Detector
from models.findings import Detection, FieldFindings, Progress
from models.quality_control.eyepiece import FieldView
from models.quality_control.judgement import judge_cells, judge_field_image
from models.quality_control.measures import ImageMeasures


def examine_field(
    rgb: RgbImage,
    detector: Detector,
    progress: Progress | None = None,
    min_confidence: float | None = None,
    override: bool = False,
) -> FieldFindings:
    """Find the cells of a field, unless its quality speaks against it.

    Args:
        rgb: uint8 (h, w, 3) RGB of any size. Of a view through an eyepiece only the circle is read.
        detector: Finds the cells.
        progress: As for `Detector.find`.
        min_confidence: As for `Detector.find`.
        override: Find them also where the quality speaks against it.

    Returns:
        The cells, boxes in pixels of `rgb`, and the quality. No cells where it is not readable.
    """
    view = FieldView.of(rgb)
    judged = judge_field_image(view.rgb, ImageMeasures.of(view.rgb, view.present))
    quality = judged.quality(override, view.cropped)
    height, width = rgb.shape[:2]
    if quality.not_readable:
        return FieldFindings(width, height, (), detector.version, quality=quality)
    found = detector.find(view.rgb, min_confidence, progress)
    quality = (judged + judge_cells(view.rgb, found)).quality(override, view.cropped)
    if quality.not_readable:
        return replace(
            found, width=width, height=height, detections=(), candidates=(), quality=quality
        )
    return replace(
        found,
        width=width,
        height=height,
        detections=_moved(found.detections, view),
        candidates=_moved(found.candidates, view),
        quality=quality,
    )


def _moved(cells: tuple[Detection, ...], view: FieldView) -> tuple[Detection, ...]:
    """Put cells of a view back to where they lie in the image; those beyond the circle go."""
    if view.circle is None:
        return cells
    moved = [replace(cell, box=_shifted(cell, view)) for cell in cells]
    return tuple(cell for cell in moved if view.circle.holds(cell.box))


def _shifted(cell: Detection, view: FieldView) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = cell.box
    return x1 + view.left, y1 + view.top, x2 + view.left, y2 + view.top

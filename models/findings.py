"""What a model says of a cell or a field: the values that cross the border."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from core.geometry import Box
from core.taxonomy import DETECTOR_CODES

ALL_BLAST = "all_blast"
NORMAL = "normal"
UNCERTAIN = "uncertain"

Progress = Callable[[int, int], None]
"""Told how much of a task is done, and how much there is of it; what it raises ends the task."""


@dataclass(frozen=True)
class Classification:
    """One cell image read: label and calibrated P(ALL blast) in 0..1, or why it was not usable.

    `code` and `reason` tell what speaks against the image (`REASONS` of
    `models.quality_control.checks`), `can_insist` whether it may be read all the same, `insisted`
    whether it was. `view` is one of `VIEWS` in `models.classifier.cell_views`; `window` (x1, y1,
    x2, y2 in pixels of the upright image) is the square
    that was read, which may reach beyond the image; `cells` counts the white cells found.
    `familiar` is None where the weights do not measure it. Older kept findings end with `model`.
    """

    label: str | None
    probability: float | None
    usable: bool
    reason: str | None
    model: str
    code: str | None = None
    can_insist: bool = False
    insisted: bool = False
    view: str | None = None
    window: Box | None = None
    familiar: bool | None = None
    cells: int | None = None


@dataclass(frozen=True)
class Detection:
    """One found cell: box x1, y1, x2, y2 in pixels of the upright file, confidence in 0..1.

    `confidence` is the calibrated probability of `label`. White cells alone have those of being a
    `blast` and of being `white`, and what the classifier says of their crop: `second` is its
    P(ALL blast), `second_label` all_blast, normal or uncertain.
    """

    box: Box
    label: str
    confidence: float
    blast: float | None = None
    white: float | None = None
    second: float | None = None
    second_label: str | None = None


@dataclass(frozen=True)
class FieldFindings:
    """All cells found in one field of `width` x `height` pixels, most confident first.

    `doubtful` are white cells too unsure to be counted at the operating point, `thresholds` the
    calibrated probabilities (0..1) that it asks of "blast", "white", "rbc" and "platelet".
    `red_cell` is the median diameter of the red cells in pixels of the file, None where too few
    were found to tell; `scale` is the factor by which the file was resized beyond the usual
    reading because of it. `second_model` is the version of the classifier that read the white
    cells, if one did.
    """

    width: int
    height: int
    detections: tuple[Detection, ...]
    model: str
    doubtful: tuple[Detection, ...] = ()
    thresholds: dict[str, float] = field(default_factory=dict)
    red_cell: float | None = None
    scale: float = 1.0
    second_model: str | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Number of detections per label, every label present."""
        found = Counter(detection.label for detection in self.detections)
        return {label: found[label] for label in DETECTOR_CODES}

    def as_dict(self) -> dict[str, Any]:
        """The findings as JSON takes them: the fields of this class and `counts`."""
        return {**asdict(self), "counts": self.counts}

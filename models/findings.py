"""What a model says of a cell or a field: codes and values, no sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from core.geometry import Box, ends_at_edge
from core.taxonomy import FIELD_CODES, WHITE_CELLS

ALL_BLAST = "all_blast"
NORMAL = "normal"
UNCERTAIN = "uncertain"

DETECTOR_BLAST = "detector_blast"
"""Name of the detector's own threshold of a blast where the classifier names the cells."""

_KEPT_AS = {"candidates": "doubtful", "classifier": "second_model"}
_CELL_KEPT_AS = {"classifier_probability": "second", "classifier_label": "second_label"}
"""Attributes of a field and of a cell that the database and files have another name for."""


class Namer(StrEnum):
    """The network that decides whether a white cell in a field is a blast."""

    DETECTOR = "detector"
    CLASSIFIER = "classifier"


Progress = Callable[[int, int], None]
"""Told how much of a task is done, and how much there is of it; what it raises ends the task."""


def ignore_progress(done: int, total: int) -> None:
    """Do nothing, where nobody asked for progress."""


def halves(progress: Progress | None) -> tuple[Progress, Progress]:
    """Return the progress of two tasks in a row that each count as half of the way.

    Which of them takes longer is not known before.
    """
    tell = progress or ignore_progress
    return (
        lambda done, total: tell(done, 2 * total),
        lambda done, total: tell(total + done, 2 * total),
    )


class Verdict(StrEnum):
    """Whether what is counted in an image can be relied on, as far as its quality tells."""

    READABLE = "readable"
    DOUBTFUL = "doubtful"
    NOT_READABLE = "not_readable"


class QualityIssue(StrEnum):
    """What can speak against reading an image, as a single cell's or as a field."""

    TOO_SMALL = "too_small"
    BLANK = "blank"
    NO_COLOUR = "no_colour"
    NO_CELL = "no_cell"
    SEVERAL_CELLS = "several_cells"
    OVER_EXPOSED = "over_exposed"
    DARK = "dark"
    CUT_OFF = "cut_off"
    BLURRED = "blurred"
    NOT_A_SMEAR = "not_a_smear"
    CUT_OUT = "cut_out"
    PALE = "pale"
    COLOUR_CAST = "colour_cast"
    OVERLAY = "overlay"
    COMPRESSED = "compressed"
    LOW_RESOLUTION = "low_resolution"


@dataclass(frozen=True)
class Quality:
    """What quality control says of an image.

    Attributes:
        verdict: Whether it can be read.
        reasons: What speaks against it, what weighs most first; empty for a readable one.
        can_override: Whether a person may have it read although it is not readable.
        overridden: Whether a person did; the verdict is doubtful then.
        cropped: The box of the eyepiece's circle that alone was read, x1, y1, x2, y2 in pixels of
            the upright file; None where the whole image was.
        measures: What was measured of a field's light, stain and focus, by name
            (`models.quality_control.judgement.FOLLOWED` and `FOCUS`); empty of a cell image, and in
            findings of before.
    """

    verdict: Verdict
    reasons: tuple[QualityIssue, ...] = ()
    can_override: bool = False
    overridden: bool = False
    cropped: Box | None = None
    measures: dict[str, float] = field(default_factory=dict, compare=False)

    @property
    def doubtful(self) -> bool:
        """Whether what is counted in the image is to be taken with caution."""
        return self.verdict == Verdict.DOUBTFUL

    @property
    def not_readable(self) -> bool:
        """Whether nothing is counted in the image."""
        return self.verdict == Verdict.NOT_READABLE

    def to_dict(self) -> dict[str, Any]:
        """Serialise to values that JSON takes; without measures where there are none."""
        return {name: value for name, value in asdict(self).items() if value != {}}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Quality:
        """Read what `to_dict` wrote."""
        cropped = kept.get("cropped")
        return cls(
            verdict=Verdict(kept["verdict"]),
            reasons=tuple(QualityIssue(reason) for reason in kept["reasons"]),
            can_override=kept["can_override"],
            overridden=kept["overridden"],
            cropped=cropped and tuple(cropped),
            measures=dict(kept.get("measures", {})),
        )


def read_quality(kept: Mapping[str, Any]) -> Quality | None:
    """Read the quality of a kept finding; None in those of before it was judged."""
    quality = kept.get("quality")
    return quality and Quality.from_dict(quality)


@dataclass(frozen=True)
class Classification:
    """One cell image as the models read it.

    Attributes:
        label: `ALL_BLAST`, `NORMAL` or `UNCERTAIN`; None where the classifier was not asked.
        probability: Calibrated P(ALL blast) in 0..1; None where the classifier was not asked.
        usable: Whether the classifier was asked.
        model: Version of the classifier.
        code: What speaks against the image, if anything does.
        can_override: Whether a person may have it read all the same.
        overridden: Whether a person did.
        view: How the cell is seen, one of `models.classifier.cell_views.VIEWS`.
        window: The square that was read, x1, y1, x2, y2 in pixels of the upright image; it may
            reach beyond the image.
        in_distribution: Whether the cell is like those that the classifier was validated on; None
            where the weights do not measure it.
        kind: Kind of cell, one of `core.taxonomy.TRAINING_KINDS`; None where the weights or the
            view do not tell.
        kind_probability: Probability of that kind in 0..1.
        morphology: Value of each attribute of the cell's form, by attribute; empty likewise.
        morphology_probabilities: Probability of that value in 0..1, by attribute; empty likewise.
        cells: How many white cells were found; None where none was looked for.
        width: Of the upright image, in pixels.
        height: Of the upright image, in pixels.
        quality: What quality control says of it; None in findings of before.
    """

    label: str | None
    probability: float | None
    usable: bool
    model: str
    code: QualityIssue | None = None
    can_override: bool = False
    overridden: bool = False
    view: str | None = None
    window: Box | None = None
    in_distribution: bool | None = None
    kind: str | None = None
    kind_probability: float | None = None
    morphology: dict[str, str] = field(default_factory=dict)
    morphology_probabilities: dict[str, float] = field(default_factory=dict)
    cells: int | None = None
    width: int | None = None
    height: int | None = None
    quality: Quality | None = None

    def to_dict(self) -> dict[str, Any]:
        """Serialise to values that JSON takes."""
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Classification:
        """Read what `to_dict` wrote, in this version or an earlier one."""
        given = {each.name: kept[each.name] for each in fields(cls) if each.name in kept}
        code, window = given.get("code"), given.get("window")
        return cls(
            **{
                **given,
                "code": code and QualityIssue(code),
                "window": window and tuple(window),
                "quality": read_quality(kept),
            }
        )


@dataclass(frozen=True)
class Detection:
    """One cell that the detector found, and what the classifier says of it.

    Attributes:
        box: x1, y1, x2, y2 in pixels of the upright file.
        label: One of `core.taxonomy.FIELD_CODES`.
        confidence: Calibrated probability of `label`, in 0..1.
        blast: The detector's P(blast) in 0..1, of white cells alone.
        white: P(white cell), blast or not, in 0..1, of white cells alone.
        classifier_probability: The classifier's P(ALL blast) in 0..1, of white cells alone.
        classifier_label: The classifier's `ALL_BLAST`, `NORMAL` or `UNCERTAIN`.
        kind: Kind of white cell that the classifier takes it for, one of
            `core.taxonomy.TRAINING_KINDS`, where it tells.
        kind_probability: Probability of that kind in 0..1.
        morphology: Value of each attribute of the cell's form, by attribute, where it tells.
        morphology_probabilities: Probability of that value in 0..1, by attribute.
        in_distribution: Whether the cell is like those that the classifier was validated on, of
            white cells alone, where it tells.
    """

    box: Box
    label: str
    confidence: float
    blast: float | None = None
    white: float | None = None
    classifier_probability: float | None = None
    classifier_label: str | None = None
    kind: str | None = None
    kind_probability: float | None = None
    morphology: dict[str, str] = field(default_factory=dict, hash=False)
    morphology_probabilities: dict[str, float] = field(default_factory=dict, hash=False)
    in_distribution: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Serialise to values that JSON takes; without what was not told of the cell."""
        # Not asdict: it copies what cannot change, which takes ten times as long.
        told = {_CELL_KEPT_AS.get(name, name): value for name, value in vars(self).items()}
        if self.in_distribution is None:
            del told["in_distribution"]
        return {name: value for name, value in told.items() if value != {}}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Detection:
        """Read one cell that `FieldFindings.to_dict` wrote, in this version or an earlier one."""
        names = {each.name: _CELL_KEPT_AS.get(each.name, each.name) for each in fields(cls)}
        given = {name: kept[kept_as] for name, kept_as in names.items() if kept_as in kept}
        return cls(**{**given, "box": tuple(kept["box"])})


@dataclass(frozen=True)
class FieldFindings:
    """All cells found in one field, most confident first.

    Attributes:
        width: Of the upright field, in pixels.
        height: Of the upright field, in pixels.
        detections: The cells that count at the operating point.
        model: Version of the detector.
        candidates: White cells below the threshold, which do not count.
        thresholds: The operating point, a calibrated probability (0..1) of each of
            `models.detector.operating_point.KINDS`, and of `DETECTOR_BLAST`.
        red_cell: Median diameter of the red cells in pixels of the file; None where too few were
            found to tell.
        scale: By what the file was resized beyond the usual because of it.
        classifier: Version of the classifier that read the white cells, if one did.
        named_by: The network whose probability decides whether a white cell is a blast.
        quality: What quality control says of the field; None in findings of before. No cell of one
            that is not readable is kept.
    """

    width: int
    height: int
    detections: tuple[Detection, ...]
    model: str
    candidates: tuple[Detection, ...] = ()
    thresholds: dict[str, float] = field(default_factory=dict)
    red_cell: float | None = None
    scale: float = 1.0
    classifier: str | None = None
    named_by: Namer = Namer.DETECTOR
    quality: Quality | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Number of detections per label, every label present."""
        found = Counter(detection.label for detection in self.detections)
        return {label: found[label] for label in FIELD_CODES}

    def at_edge(self, cell: Detection) -> bool:
        """Say whether the edge of what was read may cut a cell."""
        cropped = self.quality and self.quality.cropped
        return ends_at_edge(cell.box, cropped or (0.0, 0.0, float(self.width), float(self.height)))

    def probability(self, cell: Detection) -> float | None:
        """Return the P(blast) in 0..1 that decides what a white cell is called."""
        by_classifier = self.named_by == Namer.CLASSIFIER
        return cell.classifier_probability if by_classifier else cell.blast

    def to_dict(self) -> dict[str, Any]:
        """Serialise to values that JSON takes: the attributes, `counts` and probabilities.

        The candidates go by "doubtful", the classifier and its opinion by "second", the names that
        files have for them.
        """
        made = {_KEPT_AS.get(name, name): value for name, value in vars(self).items()}
        for part in ("detections", "doubtful"):
            made[part] = [self._cell(cell) for cell in made[part]]
        quality = self.quality and self.quality.to_dict()
        return {
            **made,
            "thresholds": dict(self.thresholds),
            "quality": quality,
            "counts": self.counts,
        }

    @classmethod
    def from_dict(
        cls, kept: Mapping[str, Any], labels: Collection[str] = FIELD_CODES
    ) -> FieldFindings:
        """Read what `to_dict` wrote, in this version or an earlier one.

        Args:
            kept: The findings.
            labels: Which cells are wanted: a field has thousands of red ones.
        """
        names = {each.name: _KEPT_AS.get(each.name, each.name) for each in fields(cls)}
        given = {name: kept[kept_as] for name, kept_as in names.items() if kept_as in kept}
        for part in ("detections", "candidates"):
            cells = given.get(part, ())
            given[part] = tuple(Detection.from_dict(one) for one in cells if one["label"] in labels)
        named_by = Namer(given.get("named_by", Namer.DETECTOR))
        return cls(**{**given, "named_by": named_by, "quality": read_quality(kept)})

    def _cell(self, cell: Detection) -> dict[str, Any]:
        if cell.label not in WHITE_CELLS:
            return cell.to_dict()
        return {**cell.to_dict(), "probability": self.probability(cell)}

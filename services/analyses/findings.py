"""Kept findings of fields, as a reader wants them: in order, as a share, as a file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.statistics import wilson_interval
from core.tables import COMMA, Cell, write_csv
from core.taxonomy import BLAST, FIELD_CODES, REVIEWED, WHITE_CELLS
from models.detector.operating_point import OperatingPoint
from models.findings import (
    ALL_BLAST,
    DETECTOR_BLAST,
    UNCERTAIN,
    Classification,
    Detection,
    FieldFindings,
    Namer,
    Quality,
    read_quality,
)
from records.analyses.analyses import (
    BLASTS,
    NO_BLASTS,
    NO_WHITE_CELLS,
    NOT_READABLE,
    UNCERTAIN_CELLS,
    Analysis,
)
from records.analyses.slide_areas import SlideArea
from services.language import gettext, per_cent

USUAL_DIFFERENTIAL = 100
"""White cells that a differential counts at the least; a share of fewer says little."""

CANDIDATE = "candidate"
"""What a white cell is shown as that does not count at the model's threshold."""

LOWEST_THRESHOLD = OperatingPoint.floor
"""Where the slider ends: the P(white) from which on the detector keeps candidates."""

COLUMNS = (
    *("file", "cell", "label", "confidence", "x1", "y1", "x2", "y2", "model"),
    *("blast_probability", "blast_threshold"),
    *("classifier_label", "classifier_all_blast_probability", "classifier_model"),
    *("probability", "named_by", "kind"),
    *("image_quality", "image_quality_reasons"),
)

AREA_COLUMNS = ("slide", "slide_x", "slide_y", "diameter_um")
"""Columns behind these for an area of a slide: where the middle of the cell is, and its size."""


@dataclass(frozen=True)
class BlastShare:
    """Blasts among the white cells found, by one network.

    Cells that it is `uncertain` of are among the white cells and not among the blasts.
    """

    blasts: int
    white_cells: int
    uncertain: int = 0

    @property
    def share(self) -> float | None:
        """The share in 0..1, or None without white cells."""
        return self.blasts / self.white_cells if self.white_cells else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% interval of the share: see `wilson_interval`."""
        return wilson_interval(self.blasts, self.white_cells)

    @property
    def at_most(self) -> BlastShare:
        """The same, were every uncertain cell a blast."""
        return BlastShare(self.blasts + self.uncertain, self.white_cells)

    @property
    def reliable(self) -> bool:
        """Whether at least as many white cells were found as a differential counts."""
        return self.white_cells >= USUAL_DIFFERENTIAL


@dataclass(frozen=True)
class Opinions:
    """What the networks say of the blasts of a field.

    Attributes:
        named_by: The network whose probability names the cells.
        share: The blasts that it finds: what counts.
        other: The blasts that the other network finds; None where it was not asked.
    """

    named_by: Namer
    share: BlastShare
    other: int | None = None

    @property
    def differ(self) -> bool:
        """Whether the networks find unlike numbers of blasts."""
        return self.other is not None and self.other != self.share.blasts


@dataclass(frozen=True)
class WhiteCell:
    """A white cell of the gallery.

    Attributes:
        number: Its place on the sheet of cells, from 0.
        found: What the models say of it.
        counted: Whether it counts at the models' own threshold.
        probability: P(blast) in 0..1 that decides what it is called, where it was kept.
        disagreed: Whether detector and classifier say the opposite; uncertain is no opposite.
        at_edge: Whether the picture's edge may cut it.
    """

    number: int
    found: Detection
    counted: bool
    probability: float | None
    disagreed: bool
    at_edge: bool = False

    @property
    def shown_as(self) -> str:
        """Its label, or `CANDIDATE`."""
        return self.found.label if self.counted else CANDIDATE


def field_findings(analysis: Analysis, labels: Sequence[str] = FIELD_CODES) -> FieldFindings:
    """Read the findings as the models gave them; older ones lack newer fields.

    Only cells of some `labels`, if these are all that is wanted: a field has thousands of red ones.
    """
    return FieldFindings.from_dict(analysis.finding, labels)


def cell_finding(analysis: Analysis) -> Classification:
    """Read what the models said of a cell image; older findings lack newer fields."""
    return Classification.from_dict(analysis.finding)


def image_quality(analysis: Analysis) -> Quality | None:
    """Return what quality control said of the image; None where it was not asked then."""
    return read_quality({"quality": analysis.quality})


def doubtful_of(kept: Iterable[Analysis]) -> list[Analysis]:
    """Return the analyses whose image is of doubtful quality."""
    return [one for one in kept if (quality := image_quality(one)) and quality.doubtful]


def field_state(share: BlastShare, quality: Quality | None) -> str:
    """Return the state of a field, the worst of its cells; one of `RESULTS` of its kind.

    Args:
        share: Blasts and uncertain cells by the network that names the cells.
        quality: What quality control says of the field; None where it was not asked.
    """
    if quality and quality.not_readable:
        return NOT_READABLE
    if share.blasts:
        return BLASTS
    if share.uncertain:
        return UNCERTAIN_CELLS
    return NO_BLASTS if share.white_cells else NO_WHITE_CELLS


def field_counts(findings: FieldFindings) -> dict[str, Any]:
    """Return what lists tell of a field, as JSON: its findings are long to read."""
    share, other = blast_share(findings), other_share(findings)
    return {
        **findings.counts,
        "white": share.white_cells,
        "uncertain": share.uncertain,
        "named_by": findings.named_by,
        "other": other and other.blasts,
    }


def read_opinions(counts: Mapping[str, Any]) -> Opinions:
    """Return what the networks say of a field, from what `field_counts` wrote."""
    share = BlastShare(counts[BLAST], counts["white"], counts["uncertain"])
    return Opinions(Namer(counts["named_by"]), share, counts["other"])


def blast_share(findings: FieldFindings) -> BlastShare:
    """Return blasts as a share of white cells, as they are called."""
    white = _white_cells(findings)
    blasts = sum(cell.label == BLAST for cell in white)
    if findings.named_by == Namer.DETECTOR:
        return BlastShare(blasts, len(white))
    return BlastShare(blasts, len(white), _uncertain(white))


def other_share(findings: FieldFindings) -> BlastShare | None:
    """Return the share by the network that does not name the cells; None where there is none."""
    if findings.classifier is None:
        return None
    white = _white_cells(findings)
    blasts = sum(_other_says_blast(findings, cell) for cell in white)
    if findings.named_by == Namer.CLASSIFIER:
        return BlastShare(blasts, len(white))
    return BlastShare(blasts, len(white), _uncertain(white))


def _white_cells(findings: FieldFindings) -> list[Detection]:
    return [cell for cell in findings.detections if cell.label in WHITE_CELLS]


def _uncertain(cells: Sequence[Detection]) -> int:
    return sum(cell.classifier_label == UNCERTAIN for cell in cells)


def _other_says_blast(findings: FieldFindings, cell: Detection) -> bool:
    if findings.named_by == Namer.DETECTOR:
        return cell.classifier_label == ALL_BLAST
    threshold = findings.thresholds.get(DETECTOR_BLAST)
    return threshold is not None and cell.blast is not None and cell.blast >= threshold


def _disagreed(findings: FieldFindings, cell: Detection) -> bool:
    if cell.classifier_label in (None, UNCERTAIN):
        return False
    return _other_says_blast(findings, cell) != (cell.label == BLAST)


def format_share(share: float) -> str:
    """Write a share (0..1) in per cent, near the ends with a decimal.

    static/js/common/shares.js does the same.

    Halves are rounded up, as scripts do it.
    """
    if 0.1 <= share <= 0.9:
        return per_cent(f"{math.floor(100 * share + 0.5)}")
    return per_cent(f"{math.floor(1000 * share + 0.5) / 10:g}")


def format_interval(share: BlastShare) -> str:
    """Write the 95% interval of a share, as "3.1% to 14%"; empty without white cells."""
    if share.interval is None:
        return ""
    low, high = share.interval
    return gettext("%(low)s to %(high)s", low=format_share(low), high=format_share(high))


def most_suspicious_first(findings: FieldFindings) -> list[WhiteCell]:
    """Return the white cells, smudges and candidates too, in the order of review.

    First come those that either network calls a blast, then the others; each by the probability
    of a blast that decides its name. Where that was not kept, confident blasts come first and
    confident other white cells last. Kept sheets of cells are in this order, so another needs new
    sheets.
    """
    white = [(cell, True) for cell in findings.detections if cell.label in REVIEWED]
    white += [(cell, False) for cell in findings.candidates]
    white.sort(key=lambda one: _rank(one[0], findings.probability(one[0])), reverse=True)
    return [
        WhiteCell(
            number,
            cell,
            counted,
            findings.probability(cell),
            _disagreed(findings, cell),
            findings.at_edge(cell),
        )
        for number, (cell, counted) in enumerate(white)
    ]


def cell_numbers(findings: FieldFindings) -> dict[int, int]:
    """Return the number that each cell of a field goes by, from 1, by `id` of the detection.

    First come those that are reviewed, candidates too, in the order of review, then the others.
    """
    reviewed = [cell.found for cell in most_suspicious_first(findings)]
    others = [cell for cell in findings.detections if cell.label not in REVIEWED]
    return {id(cell): number for number, cell in enumerate((*reviewed, *others), start=1)}


def to_dict(analysis: Analysis, area: SlideArea | None = None) -> dict[str, Any]:
    """Return the findings as `python -m models detect` prints them, numbered, and the area."""
    made = {"file": analysis.file_name, **analysis.finding, **_numbered(analysis)}
    if area is None:
        return made
    place = {"slide": _slide_name(area), "box": area.box, "micrometres": area.micrometres}
    return {**made, "area": place}


def _numbered(analysis: Analysis) -> dict[str, Any]:
    """Return the kept cells with the number that each goes by."""
    findings = field_findings(analysis)
    numbers = cell_numbers(findings)
    parts = {"detections": findings.detections, "doubtful": findings.candidates}
    return {
        part: [
            {"cell": numbers[id(cell)], **kept}
            for cell, kept in zip(cells, analysis.finding[part], strict=True)
        ]
        for part, cells in parts.items()
        if part in analysis.finding
    }


def as_json(analysis: Analysis, area: SlideArea | None = None) -> str:
    """Write the findings as indented JSON, with the area of a slide that the field is."""
    return json.dumps(to_dict(analysis, area), indent=2) + "\n"


def as_csv(analysis: Analysis, area: SlideArea | None = None, separator: str = COMMA) -> str:
    """Write one counted cell a line, `COLUMNS`, of an area of a slide `AREA_COLUMNS` as well.

    `cell` is the number that the cell goes by on every page. Probabilities are in 0..1, boxes in
    pixels of the file, places in pixels of the slide.

    What a reader did not say of a cell is empty.
    """
    return "".join(write_csv(_rows(analysis, area), separator))


def suspicion(cell: WhiteCell) -> tuple[bool, float]:
    """Return a sort key: the higher, the sooner a cell should be reviewed."""
    return _rank(cell.found, cell.probability)


def _rank(cell: Detection, probability: float | None) -> tuple[bool, float]:
    is_blast = cell.label == BLAST
    if probability is None:
        probability = cell.confidence if is_blast else -cell.confidence
    return is_blast or cell.classifier_label == ALL_BLAST, probability


def _rows(analysis: Analysis, area: SlideArea | None) -> Iterator[Sequence[Cell]]:
    yield (*COLUMNS, *AREA_COLUMNS) if area else COLUMNS
    findings = field_findings(analysis)
    numbers = cell_numbers(findings)
    for cell in findings.detections:
        line = analysis.file_name, numbers[id(cell)], *_line(findings, cell)
        yield (*line, *_on_slide(area, cell)) if area else line


def _line(findings: FieldFindings, cell: Detection) -> list[Cell]:
    """All of a line of the table but its beginning."""
    return [
        *(cell.label, decimals(cell.confidence)),
        *(decimals(edge, 1) for edge in cell.box),
        *(findings.model, decimals(cell.blast), decimals(findings.thresholds.get(BLAST))),
        *(cell.classifier_label, decimals(cell.classifier_probability)),
        findings.classifier if cell.classifier_label else None,
        *_naming(findings, cell),
        *_quality(findings.quality),
    ]


def _on_slide(area: SlideArea, cell: Detection) -> list[Cell]:
    x1, y1, x2, y2 = area.on_slide(cell.box)
    middle = decimals((x1 + x2) / 2, 1), decimals((y1 + y2) / 2, 1)
    return [_slide_name(area), *middle, decimals(area.diameter(cell.box), 2)]


def _slide_name(area: SlideArea) -> str | None:
    return area.slide.file_name if area.slide else None


def _quality(quality: Quality | None) -> list[Cell]:
    return [quality.verdict, " ".join(quality.reasons)] if quality else [None, None]


def _naming(findings: FieldFindings, cell: Detection) -> list[Cell]:
    if cell.label not in WHITE_CELLS:
        return [None, None, None]
    return [decimals(findings.probability(cell)), findings.named_by, cell.kind]


def decimals(number: float | None, places: int = 4) -> Decimal | None:
    """Round a number to so many decimals; None stays None."""
    return None if number is None else Decimal(f"{number:.{places}f}")

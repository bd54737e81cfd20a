"""Kept findings of fields, as a reader wants them: in order, as a share, as a file."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.statistics import wilson_interval
from core.taxonomy import BLAST, DETECTOR_CODES, WHITE_CELLS
from models.detector.operating_point import OperatingPoint
from models.findings import (
    ALL_BLAST,
    NORMAL,
    UNCERTAIN,
    Classification,
    Detection,
    FieldFindings,
)
from records.analyses.analyses import Analysis

USUAL_DIFFERENTIAL = 100
"""White cells that a differential counts at the least; a share of fewer says little."""

CANDIDATE = "candidate"
"""What a white cell is shown as that does not count at the model's threshold."""

LOWEST_THRESHOLD = OperatingPoint.floor
"""Where the slider ends: the P(white) from which on the detector keeps candidates."""

COLUMNS = (
    *("file", "cell", "label", "confidence", "x1", "y1", "x2", "y2", "model"),
    *("blast_probability", "blast_threshold"),
    *("second_label", "second_all_blast_probability", "second_model"),
)

# A spreadsheet takes a cell that begins so for a formula; the last four are full-width letters.
_FORMULA_STARTS = (*"=+-@\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True)
class BlastShare:
    """Blasts among the white cells found, by one reader.

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
class WhiteCell:
    """A white cell of the gallery; `number`, from 0, is its place on the sheet of cells.

    It is `counted` where it counts at the model's own threshold.
    """

    number: int
    found: Detection
    counted: bool

    @property
    def shown_as(self) -> str:
        """Its label, or `CANDIDATE`."""
        return self.found.label if self.counted else CANDIDATE

    @property
    def disagreed(self) -> bool:
        """Whether the classifier says the opposite; uncertain is no opposite."""
        opposite = NORMAL if self.found.label == BLAST else ALL_BLAST
        return self.found.second_label == opposite


def field_findings(analysis: Analysis, labels: Sequence[str] = DETECTOR_CODES) -> FieldFindings:
    """Read the findings as the models gave them; older ones lack newer fields.

    Only cells of some `labels`, if these are all that is wanted: a field has thousands of red ones.
    """
    return FieldFindings.from_dict(analysis.finding, labels)


def cell_finding(analysis: Analysis) -> Classification:
    """Read what the models said of a cell image; older findings lack newer fields."""
    return Classification.from_dict(analysis.finding)


def blast_share(findings: FieldFindings) -> BlastShare:
    """Return blasts as a share of white cells, as the detector calls them."""
    counts = findings.counts
    return BlastShare(counts[BLAST], sum(counts[label] for label in WHITE_CELLS))


def second_share(findings: FieldFindings) -> BlastShare | None:
    """Return the classifier's share of ALL blasts among the same cells; None without it."""
    if findings.second_model is None:
        return None
    white = [cell for cell in findings.detections if cell.label in WHITE_CELLS]
    labels = Counter(cell.second_label for cell in white)
    return BlastShare(labels[ALL_BLAST], len(white), labels[UNCERTAIN])


def format_share(share: float) -> str:
    """Write a share (0..1) in per cent, near the ends with a decimal.

    static/js/common/shares.js does the same.

    Halves are rounded up, as scripts do it.
    """
    if 0.1 <= share <= 0.9:
        return f"{math.floor(100 * share + 0.5)}%"
    return f"{math.floor(1000 * share + 0.5) / 10:g}%"


def format_interval(share: BlastShare) -> str:
    """Write the 95% interval of a share, as "3.1% to 14%"; empty without white cells."""
    return " to ".join(format_share(bound) for bound in share.interval or ())


def most_suspicious_first(findings: FieldFindings) -> list[WhiteCell]:
    """Return the white cells, candidates too, in the order of review.

    First come those that either reader calls a blast, then the others; each by the detector's
    probability of a blast. Where that was not kept, confident blasts come first and confident
    other white cells last. Kept sheets of cells are in this order, so another needs new sheets.
    """
    white = [(cell, True) for cell in findings.detections if cell.label in WHITE_CELLS]
    white += [(cell, False) for cell in findings.candidates]
    white.sort(key=lambda one: suspicion(one[0]), reverse=True)
    return [WhiteCell(number, cell, counted) for number, (cell, counted) in enumerate(white)]


def to_dict(analysis: Analysis) -> dict[str, Any]:
    """Return the findings in the form that `python -m models detect` prints."""
    return {"file": analysis.file_name, **analysis.finding}


def as_json(analysis: Analysis) -> str:
    """Write the findings as indented JSON."""
    return json.dumps(to_dict(analysis), indent=2) + "\n"


def as_csv(analysis: Analysis) -> str:
    """Write one counted cell a line, `COLUMNS`.

    Probabilities are in 0..1, boxes in pixels of the file.

    What a reader did not say of a cell is empty.
    """
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer)
    table.writerow(COLUMNS)
    findings = field_findings(analysis)
    for number, cell in enumerate(findings.detections, start=1):
        table.writerow([harmless(analysis.file_name), number, *_line(findings, cell)])
    return buffer.getvalue()


def suspicion(cell: Detection) -> tuple[bool, float]:
    """Return a sort key: the higher, the sooner a cell should be reviewed."""
    is_blast = cell.label == BLAST
    probability = cell.blast
    if probability is None:
        probability = cell.confidence if is_blast else -cell.confidence
    return is_blast or cell.second_label == ALL_BLAST, probability


def _line(findings: FieldFindings, cell: Detection) -> list[str | None]:
    """All of a line of the table but its beginning."""
    return [
        *(cell.label, decimals(cell.confidence)),
        *(f"{edge:.1f}" for edge in cell.box),
        *(findings.model, decimals(cell.blast), decimals(findings.thresholds.get(BLAST))),
        *(cell.second_label, decimals(cell.second)),
        findings.second_model if cell.second_label else None,
    ]


def decimals(number: float | None) -> str | None:
    """Write a probability with four decimals; None stays None."""
    return None if number is None else f"{number:.4f}"


def harmless(text: str) -> str:
    """Make text safe: no spreadsheet takes it for a formula."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text

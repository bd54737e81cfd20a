"""Kept findings of fields, as a reader wants them: in order, as a share, as a file."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from typing import Any

from models.findings import WHITE_CELLS, Detection, FieldFindings
from records.analyses import Analysis

USUAL_DIFFERENTIAL = 100
"""White cells that a differential counts at the least; a share of fewer says little."""

Z_95 = 1.959964
"""Normal quantile that leaves 2.5% above it; static/js/threshold.js has the same."""

COLUMNS = ("file", "cell", "label", "confidence", "x1", "y1", "x2", "y2", "model")

# A spreadsheet takes a cell that begins so for a formula; the last four are full-width letters.
_FORMULA_STARTS = (*"=+-@\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True)
class BlastShare:
    """Blasts among the white cells found."""

    blasts: int
    white_cells: int

    @property
    def share(self) -> float | None:
        """The share in 0..1, or None without white cells."""
        return self.blasts / self.white_cells if self.white_cells else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% interval of the share: see `interval`."""
        return interval(self.blasts, self.white_cells)

    @property
    def reliable(self) -> bool:
        """Whether at least as many white cells were found as a differential counts."""
        return self.white_cells >= USUAL_DIFFERENTIAL


def field_findings(analysis: Analysis) -> FieldFindings:
    """The findings as the detector gave them."""
    kept = analysis.finding
    detections = tuple(
        Detection(tuple(each["box"]), each["label"], each["confidence"])
        for each in kept["detections"]
    )
    return FieldFindings(kept["width"], kept["height"], detections, kept["model"])


def blast_share(findings: FieldFindings) -> BlastShare:
    """Blasts as a share of white cells, with its denominator."""
    counts = findings.counts
    return BlastShare(counts["blast"], sum(counts[label] for label in WHITE_CELLS))


def interval(successes: int, total: int) -> tuple[float, float] | None:
    """95% interval (low, high) in 0..1 of a share, by Wilson's score; None when `total` is 0.

    Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212; method 3 of Newcombe, Stat. Med. 17 (1998) 857.
    """
    if not total:
        return None
    share, z2 = successes / total, Z_95**2
    middle = share + z2 / (2 * total)
    half = Z_95 * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    whole = 1 + z2 / total
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)


def most_suspicious_first(findings: FieldFindings) -> list[int]:
    """Places of the white cells among the detections, in the order in which to look at them.

    Blasts come first, the most confident one at the top. The other white cells follow, the least
    confident first: among those a blast that was missed is likeliest. Kept sheets of cells are
    in this order too, so another order needs new sheets.
    """
    numbered = list(enumerate(findings.detections))
    blasts = [(-cell.confidence, index) for index, cell in numbered if cell.label == "blast"]
    others = [(cell.confidence, index) for index, cell in numbered if cell.label == "wbc"]
    return [index for _, index in sorted(blasts) + sorted(others)]


def as_document(analysis: Analysis) -> dict[str, Any]:
    """The findings in the form that `python -m models detect` prints."""
    return {"file": analysis.file_name, **analysis.finding}


def as_json(analysis: Analysis) -> str:
    """The document of `as_document`, indented."""
    return json.dumps(as_document(analysis), indent=2) + "\n"


def as_csv(analysis: Analysis) -> str:
    """One detection a line: file, number, label, confidence (0..1), box in pixels, model."""
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer)
    table.writerow(COLUMNS)
    file_name = _harmless(analysis.file_name)
    for number, cell in enumerate(field_findings(analysis).detections, start=1):
        box = (f"{edge:.1f}" for edge in cell.box)
        confidence = f"{cell.confidence:.4f}"
        table.writerow([file_name, number, cell.label, confidence, *box, analysis.model_version])
    return buffer.getvalue()


def _harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text

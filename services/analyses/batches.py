"""What many fields of one person hold together: one combined count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.taxonomy import BLAST, DETECTOR_CODES, WHITE_CELLS
from records.analyses.analyses import Analysis
from records.analyses.field_tasks import FieldTask
from services.analyses.findings import BlastShare, blast_share, field_findings, second_share


@dataclass(frozen=True)
class BatchCount:
    """The cells of `fields` read fields by kind, and the blasts among the white ones by reader.

    `second` is None where a field has no opinion of the classifier.
    """

    fields: int
    counts: dict[str, int]
    share: BlastShare
    second: BlastShare | None


def counts_of(analysis: Analysis) -> dict[str, Any]:
    """Return what a batch adds up of one field, as JSON.

    It is kept apart because findings are long to read; here, too, only white cells are.
    """
    findings = field_findings(analysis, WHITE_CELLS)
    second = second_share(findings)
    said = second and {"blasts": second.blasts, "uncertain": second.uncertain}
    white = blast_share(findings).white_cells
    return {**analysis.finding["counts"], "white": white, "second": said}


def field_share(counts: dict[str, Any]) -> BlastShare:
    """Return the blasts among one field's white cells, as the detector calls them."""
    return BlastShare(counts[BLAST], counts["white"])


def combined(tasks: Iterable[FieldTask]) -> BatchCount:
    """Add up the fields that are read; the others do not count."""
    read = [task.counts for task in tasks if task.counts]
    counts = {label: sum(each.get(label, 0) for each in read) for label in DETECTOR_CODES}
    white = sum(each["white"] for each in read)
    return BatchCount(len(read), counts, BlastShare(counts[BLAST], white), _second(read, white))


def _second(read: list[dict[str, Any]], white: int) -> BlastShare | None:
    said = [each["second"] for each in read]
    if not all(said):
        return None
    return BlastShare(
        sum(each["blasts"] for each in said), white, sum(each["uncertain"] for each in said)
    )

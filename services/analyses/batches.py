"""What many fields of one person hold together: one combined count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.taxonomy import BLAST, FIELD_CODES
from models.findings import Verdict, read_quality
from records.analyses.analyses import Analysis
from records.analyses.field_tasks import FieldTask
from services.analyses.findings import BlastShare, read_opinions


@dataclass(frozen=True)
class BatchCount:
    """The cells of `fields` fields by kind, and the blasts among the white ones.

    Of these fields `doubtful` ones are counted with the others; the `not_readable` ones beside them
    are not.
    """

    fields: int
    counts: dict[str, int]
    share: BlastShare
    doubtful: int = 0
    not_readable: int = 0


def counts_of(analysis: Analysis) -> dict[str, Any]:
    """Return what a batch adds up of one field, as JSON."""
    return {**(analysis.counts or {}), "quality": analysis.quality}


def combined(tasks: Iterable[FieldTask]) -> BatchCount:
    """Add up the fields that are read; the others do not count."""
    kept = [task.counts for task in tasks if task.counts]
    qualities = Counter(quality.verdict for each in kept if (quality := read_quality(each)))
    read = [each for each in kept if not _is_not_readable(each)]
    counts = {label: sum(each.get(label, 0) for each in read) for label in FIELD_CODES}
    shares = [read_opinions(each).share for each in read]
    white = sum(share.white_cells for share in shares)
    uncertain = sum(share.uncertain for share in shares)
    share = BlastShare(counts[BLAST], white, uncertain)
    doubtful, not_readable = qualities[Verdict.DOUBTFUL], qualities[Verdict.NOT_READABLE]
    return BatchCount(len(read), counts, share, doubtful, not_readable)


def _is_not_readable(counts: dict[str, Any]) -> bool:
    quality = read_quality(counts)
    return quality is not None and quality.not_readable

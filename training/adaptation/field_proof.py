"""Is the fine-tuned detector worse anywhere? Asked as of a fine-tuned classifier.

Both networks are asked as they are served about fields that the fine-tuning never saw: the
laboratory's held-out ones, and TXL-PBC's test fields. What a white cell is called is the
classifier's matter; here it counts where white cells are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.average_precision import Matches, average_precision, match, matched_truth
from core.statistics import share
from core.taxonomy import SMUDGE, WHITE_CELLS
from imaging.images import read_image
from models.detector.detector import Detector
from models.laboratory.proof import DRAWS, Change, draw_groups
from training.adaptation.proof import Proof, compare
from training.detector.evaluation import Measure, Reading, ap, as_served, counted, read_field
from training.detector.ground_truth import Field
from training.metrics.estimates import Estimate


@dataclass(frozen=True)
class FieldSet:
    """Fields that both networks are asked about.

    Attributes:
        title: Of the set.
        fields: With all their white cells, and red cells and platelets if they have any.
        groups: The patient, or the field, of each.
    """

    title: str
    fields: tuple[Field, ...]
    groups: tuple[str, ...]


def ask(detector: Detector, fields: Sequence[Field]) -> list[Reading]:
    """Ask a detector, as it is served, about fields."""
    return [
        read_field(detector, read_image(path.read_bytes(), file_name=path.name).rgb, cells)
        for path, cells in fields
    ]


def prove(
    sets: Sequence[FieldSet],
    before: Sequence[Sequence[Reading]],
    after: Sequence[Sequence[Reading]],
    draws: int = DRAWS,
) -> Proof:
    """Compare both networks' readings.

    Args:
        sets: Of fields.
        before: The base network's readings of each.
        after: The fine-tuned one's.
        draws: Bootstrap samples of the intervals.
    """
    compared = {
        _titled(one): _compared(one, first, second, draws)
        for one, first, second in zip(sets, before, after, strict=True)
    }
    return Proof(
        {title: changes for title, (changes, _) in compared.items()},
        {title: metrics for title, (_, metrics) in compared.items()},
    )


def _titled(one: FieldSet) -> str:
    cells = sum(cell.label in WHITE_CELLS for _, cells in one.fields for cell in cells)
    return f"{one.title}: {len(one.fields)} fields, {cells} white cells"


def _compared(
    one: FieldSet, before: Sequence[Reading], after: Sequence[Reading], draws: int
) -> tuple[dict[str, Change], dict[str, Estimate]]:
    groups = np.unique(one.groups, return_inverse=True)[1]
    drawn = draw_groups(groups, draws, seed=0)
    samples = (([before[row] for row in rows], [after[row] for row in rows]) for rows in drawn)
    labelled = {name: of for name, of in _WHERE_LABELLED.items() if not np.isnan(of[0](before))}
    return compare({**_WHITE, **labelled}, (before, after), samples)


def _false_boxes(readings: Sequence[Reading]) -> float:
    """Count the white cells that are served and are none, for a field."""
    false = sum(int((~one.served["white"].correct[:, 0]).sum()) for one in readings)
    return share(false, len(readings))


def _smudges(reading: Reading) -> Matches:
    """Match boxes with smudges alone: what is on another white cell is neither right nor wrong."""
    boxes = [cell for cell in reading.detections if cell.label in WHITE_CELLS]
    cells = [cell for cell in reading.ground_truth if cell.label in WHITE_CELLS]
    places = np.array([cell.box for cell in boxes]).reshape(-1, 4)
    confidences = np.array([cell.confidence for cell in boxes])
    true = np.array([cell.box for cell in cells]).reshape(-1, 4)
    is_smudge = np.array([cell.kind == SMUDGE for cell in cells], bool)
    on = matched_truth(places, confidences, true)
    counts = np.array([row < 0 or is_smudge[row] for row in on], bool)
    return match(places[counts], confidences[counts], true[is_smudge])


def _smudge_ap(readings: Sequence[Reading]) -> float:
    return float(average_precision([_smudges(one) for one in readings])[0])


_WHITE: dict[str, tuple[Measure, bool]] = {
    "white cells, AP50": (ap("white"), True),
    "white cells found": (as_served("white", 1), True),
    "false white cells a field": (_false_boxes, False),
}
_WHERE_LABELLED: dict[str, tuple[Measure, bool]] = {
    "smudges, AP50": (_smudge_ap, True),
    "smudges found": (counted("smudges"), True),
    "red cells, AP50": (ap("rbc"), True),
    "platelets, AP50": (ap("platelet"), True),
}
"""The function that measures each figure, and whether higher is better."""

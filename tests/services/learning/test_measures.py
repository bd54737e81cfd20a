import numpy as np
import pytest

from core.taxonomy import BLAST, SMUDGE, WBC
from models.findings import Detection
from models.laboratory.cells import CellReadings
from models.laboratory.kinds import KINDS
from services.learning.measures import Answers, Measures, measure
from services.learning.observations import NO_CELL, ObservedField, SingleCells

FEATURES = 3


def readings(blasts, smudges=None):
    cells = len(blasts)
    return CellReadings(
        ({},) * cells,
        np.array(blasts, float),
        np.array(smudges or [0.0] * cells),
        np.zeros((cells, FEATURES), np.float16),
        np.zeros((cells, len(KINDS))),
    )


def box(at):
    return (100.0 * at, 0.0, 100.0 * at + 50, 50.0)


def field(cells, missed=(), candidates=0):
    """Make a field of (true label or `NO_CELL`, P(blast), P(smudge)) a found cell."""
    labels = [label for label, _, _ in cells]
    true = [(label, box(at)) for at, label in enumerate((*labels, *missed)) if label != NO_CELL]
    return ObservedField(
        found=tuple(Detection(box(at), WBC, 0.9, white=0.9) for at in range(len(cells))),
        counted=len(cells) - candidates,
        readings=readings([*(p for _, p, _ in cells), *(0.5 for _ in missed)]) if cells else None,
        labels=(*labels, *missed),
        true_boxes=np.array([of for _, of in true]).reshape(-1, 4),
        true_labels=tuple(label for label, _ in true),
    )


def answer(given, view):
    return Answers(given.blast, given.smudge, given.blast >= 0.5)


def test_fields_that_are_read_without_a_fault_measure_so():
    fields = [field([(BLAST, 0.9, 0), (WBC, 0.1, 0)]), field([(WBC, 0.2, 0)])]
    assert measure(fields, [], answer) == Measures(1, 1, 0, 1, 1)


def test_a_blast_that_was_not_found_lowers_the_sensitivity():
    measures = measure([field([(BLAST, 0.9, 0), (WBC, 0.1, 0)], missed=[BLAST])], [], answer)
    assert measures.sensitivity == 0.5
    assert measures.blast_ap50 == pytest.approx(0.5, abs=0.01)


def test_a_candidate_that_does_not_count_is_no_blast_that_was_called():
    measures = measure([field([(WBC, 0.1, 0), (BLAST, 0.9, 0)], candidates=1)], [], answer)
    assert measures.sensitivity == 0


def test_false_blasts_are_those_of_fields_without_blasts():
    blasts = field([(BLAST, 0.9, 0), (WBC, 0.9, 0)])
    without = field([(WBC, 0.9, 0), (NO_CELL, 0.8, 0), (WBC, 0.1, 0)])
    assert measure([blasts, without, field([])], [], answer).false_blasts_per_field == 1


def test_smudges_are_neither_blasts_nor_other_white_cells():
    smudged = field([(BLAST, 0.9, 0), (SMUDGE, 0.95, 0), (WBC, 0.1, 0)])
    measures = measure([smudged], [], answer)
    assert measures.auroc == 1
    assert measures.wbc_ap50 is not None
    assert measures.wbc_ap50 < 1


def test_single_cells_are_measured_by_their_names_alone():
    cells = SingleCells("black", readings([0.9, 0.2, 0.4]), np.array([BLAST, BLAST, WBC]))
    assert measure([], [cells], answer) == Measures(0.5, 0.5, None, None, None)


def test_nothing_measures_nothing():
    assert measure([], [], answer) == Measures(None, None, None, None, None)

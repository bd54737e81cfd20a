from __future__ import annotations

import numpy as np
import pytest

from models.classifier.cell_views import context_window, cut
from models.classifier.classifier import Classifier
from models.classifier.opinion import AT_ONCE, read_cells
from models.findings import Detection, FieldFindings
from tests.networks import write_classifier
from tests.stand_ins import StandInClassifier, drawn_field, stand_in_models

DARK, PALE, RED = (10.0, 10.0, 50.0, 50.0), (60.0, 10.0, 100.0, 50.0), (110.0, 10.0, 150.0, 50.0)


class Counts(StandInClassifier):
    """Remembers how many squares it was shown at a time, and how large they were."""

    def __init__(self) -> None:
        self.batches, self.bytes = [], []

    def probabilities(self, windows, view):
        self.batches.append(len(windows))
        self.bytes.append(sum(window.nbytes for window in windows))
        return super().probabilities(windows, view)


@pytest.fixture
def field() -> np.ndarray:
    rgb = np.full((60, 160, 3), 220, np.uint8)
    rgb[20:40, 20:40] = 5
    rgb[20:40, 70:90] = 70
    rgb[20:40, 120:140] = 5
    return rgb


def findings(*cells: Detection, candidates: tuple[Detection, ...] = ()) -> FieldFindings:
    return FieldFindings(160, 60, cells, "detector-1", candidates=candidates)


def nobody(done: int, total: int) -> None:
    pass


def test_white_cells_alone_get_a_second_opinion_each_its_own(field):
    found = findings(
        Detection(RED, "rbc", 0.95), Detection(DARK, "wbc", 0.9), Detection(PALE, "blast", 0.8)
    )
    red, dark, pale = read_cells(field, found, StandInClassifier(), nobody).detections
    assert red == found.detections[0]
    assert (dark.label, dark.second, dark.second_label) == ("wbc", 0.98, "all_blast")
    assert pale.label == "blast"
    assert pale.second == pytest.approx(0.1)
    assert pale.second_label == "normal"


def test_doubtful_cells_are_read_and_stay_doubtful(field):
    found = findings(Detection(PALE, "wbc", 0.9), candidates=(Detection(DARK, "wbc", 0.1),))
    read = read_cells(field, found, StandInClassifier(), nobody)
    assert [cell.second_label for cell in read.detections] == ["normal"]
    assert [cell.second_label for cell in read.candidates] == ["all_blast"]
    assert (read.model, read.second_model) == ("detector-1", "stand-in-1")


def test_a_field_without_white_cells_has_nothing_to_read(field):
    classifier = Counts()
    found = findings(Detection(RED, "rbc", 0.95))
    assert read_cells(field, found, classifier, nobody).detections == found.detections
    assert classifier.batches == []


def test_progress_ends_where_there_is_nothing_to_read(field):
    told = []
    read_cells(field, findings(), StandInClassifier(), lambda *parts: told.append(parts))
    assert told == [(1, 1)]


def test_thousands_of_cells_are_cut_out_a_few_at_a_time(field):
    classifier, calls = Counts(), []
    found = findings(*[Detection(DARK, "wbc", 0.9)] * 3000)
    read_cells(field, found, classifier, lambda *step: calls.append(step))
    assert max(classifier.batches) == AT_ONCE
    assert sum(classifier.batches) == 3000
    assert max(classifier.bytes) == AT_ONCE * 60 * 60 * 3
    assert calls[0] == (AT_ONCE, 3000)
    assert calls[-1] == (3000, 3000)


def test_the_classifier_is_shown_the_same_square_as_of_a_lone_cell(field, tmp_path):
    classifier = Classifier.load(write_classifier(tmp_path / "classifier"), "f32")
    (read,) = read_cells(
        field, findings(Detection(DARK, "wbc", 0.9)), classifier, nobody
    ).detections
    alone = classifier.read(cut(field, context_window(DARK), "crop"), "crop")
    assert read.second == pytest.approx(alone.probability, abs=1e-6)
    assert read.second_label == alone.label


def test_both_readers_share_the_progress():
    calls = []
    read = stand_in_models().read_field(drawn_field(), lambda *step: calls.append(step))
    # one tile, then two white cells and a doubtful one
    assert calls == [(1, 2), (6, 6)]
    assert read.second_model == "stand-in-1"
    assert all(cell.second is not None for cell in (*read.detections[:2], *read.candidates))


class StoppedError(Exception):
    """Raised by whoever has seen enough."""


def test_progress_may_stop_the_second_reader():
    def stop(done: int, total: int) -> None:
        if done == total:
            raise StoppedError

    with pytest.raises(StoppedError):
        stand_in_models().read_field(drawn_field(), stop)

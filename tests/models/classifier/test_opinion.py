from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.taxonomy import WHITE_CELLS
from models.classifier.cell_views import context_window, cut
from models.classifier.classifier import Classifier
from models.classifier.opinion import AT_ONCE, name_cells
from models.findings import Detection, FieldFindings
from tests.networks import write_classifier
from tests.stand_ins import StandInClassifier, drawn_field, stand_in_models

DARK, PALE, RED = (10.0, 10.0, 50.0, 50.0), (60.0, 10.0, 100.0, 50.0), (110.0, 10.0, 150.0, 50.0)


class Counts(StandInClassifier):
    """Remembers how many squares it was shown at a time, and how large they were."""

    def __init__(self) -> None:
        self.batches, self.bytes = [], []

    def opinions(self, windows, view):
        self.batches.append(len(windows))
        self.bytes.append(sum(window.nbytes for window in windows))
        return super().opinions(windows, view)


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


def test_the_classifier_names_the_white_cells_whatever_the_detector_says(field):
    found = findings(
        Detection(RED, "rbc", 0.95),
        Detection(DARK, "wbc", 0.9, blast=0.1, white=0.95),
        Detection(PALE, "blast", 0.8, blast=0.8, white=0.9),
    )
    named = name_cells(field, found, StandInClassifier(), nobody)
    by_box = {cell.box: cell for cell in named.detections}
    assert by_box[RED] == found.detections[0]
    assert by_box[DARK].label == "blast"
    assert by_box[DARK].confidence == pytest.approx(0.95 * 0.98)
    assert (by_box[DARK].classifier_label, by_box[DARK].blast) == ("all_blast", 0.1)
    assert by_box[PALE].label == "wbc"
    assert by_box[PALE].confidence == pytest.approx(0.9 * 0.9)
    assert (by_box[PALE].classifier_label, by_box[PALE].blast) == ("normal", 0.8)
    assert named.named_by == "classifier"


class SeesSmudges(StandInClassifier):
    """Takes every dark cell for a smudge."""

    def opinions(self, windows, view):
        return [
            replace(one, kind="smudge", kind_probability=0.8) if one.label == "all_blast" else one
            for one in super().opinions(windows, view)
        ]


def test_a_smudge_is_no_white_cell_and_no_blast(field):
    found = findings(
        Detection(DARK, "blast", 0.9, blast=0.9, white=0.95),
        Detection(PALE, "wbc", 0.8, blast=0.2, white=0.9),
    )
    named = name_cells(field, found, SeesSmudges(), nobody)
    by_box = {cell.box: cell for cell in named.detections}
    assert by_box[DARK].label == "smudge"
    assert by_box[DARK].confidence == pytest.approx(0.95 * 0.8)
    assert named.counts["smudge"] == named.counts["wbc"] == 1
    assert named.counts["blast"] == 0
    kept = {tuple(cell["box"]): cell for cell in named.to_dict()["detections"]}
    assert "probability" not in kept[DARK]
    assert kept[DARK]["kind_probability"] == 0.8


class SeesForm(StandInClassifier):
    """Reads the size of every cell."""

    def opinions(self, windows, view):
        form = {
            "morphology": {"cell_size": "big"},
            "morphology_probabilities": {"cell_size": 1 / 3},
        }
        return [replace(one, **form) for one in super().opinions(windows, view)]


def test_the_form_of_white_cells_is_kept_and_of_no_other(field):
    found = findings(Detection(RED, "rbc", 0.95), Detection(PALE, "wbc", 0.9))
    kept = name_cells(field, found, SeesForm(), nobody).to_dict()["detections"]
    by_box = {tuple(cell["box"]): cell for cell in kept}
    assert by_box[PALE]["morphology"] == {"cell_size": "big"}
    assert by_box[PALE]["morphology_probabilities"] == {"cell_size": 0.333}
    assert "morphology" not in by_box[RED]
    assert Detection.from_dict(by_box[PALE]).morphology == {"cell_size": "big"}


def test_named_cells_stay_in_the_order_of_their_confidence(field):
    found = findings(Detection(PALE, "wbc", 0.9), Detection(DARK, "wbc", 0.8))
    named = name_cells(field, found, StandInClassifier(), nobody).detections
    assert [cell.confidence for cell in named] == sorted(
        (cell.confidence for cell in named), reverse=True
    )


def test_one_threshold_and_the_detectors_own_beside_it(field):
    found = replace(findings(Detection(DARK, "wbc", 0.9)), thresholds={"blast": 0.4, "white": 0.3})
    named = name_cells(field, found, StandInClassifier(), nobody)
    assert named.thresholds == {"blast": 0.7, "white": 0.3, "detector_blast": 0.4}


def test_candidates_are_named_and_stay_candidates(field):
    found = findings(Detection(PALE, "wbc", 0.9), candidates=(Detection(DARK, "wbc", 0.1),))
    read = name_cells(field, found, StandInClassifier(), nobody)
    assert [cell.classifier_label for cell in read.detections] == ["normal"]
    assert [cell.classifier_label for cell in read.candidates] == ["all_blast"]
    assert (read.model, read.classifier) == ("detector-1", "stand-in-1")


def test_a_field_without_white_cells_has_nothing_to_read(field):
    classifier = Counts()
    found = findings(Detection(RED, "rbc", 0.95))
    assert name_cells(field, found, classifier, nobody).detections == found.detections
    assert classifier.batches == []


def test_progress_ends_where_there_is_nothing_to_read(field):
    told = []
    name_cells(field, findings(), StandInClassifier(), lambda *parts: told.append(parts))
    assert told == [(1, 1)]


def test_thousands_of_cells_are_cut_out_a_few_at_a_time(field):
    classifier, calls = Counts(), []
    found = findings(*[Detection(DARK, "wbc", 0.9)] * 3000)
    name_cells(field, found, classifier, lambda *step: calls.append(step))
    assert max(classifier.batches) == AT_ONCE
    assert sum(classifier.batches) == 3000
    assert max(classifier.bytes) == AT_ONCE * 60 * 60 * 3
    assert calls[0] == (AT_ONCE, 3000)
    assert calls[-1] == (3000, 3000)


def test_the_classifier_is_shown_the_same_square_as_of_a_lone_cell(field, tmp_path):
    classifier = Classifier.load(write_classifier(tmp_path / "classifier"), "f32")
    (read,) = name_cells(
        field, findings(Detection(DARK, "wbc", 0.9)), classifier, nobody
    ).detections
    alone = classifier.read(cut(field, context_window(DARK), "crop"), "crop")
    assert read.classifier_probability == pytest.approx(alone.probability, abs=1e-6)
    assert read.classifier_label == alone.label


def test_both_readers_share_the_progress():
    calls = []
    read = stand_in_models().read_field(drawn_field(), lambda *step: calls.append(step))
    # one tile, then two white cells and a doubtful one
    assert calls == [(1, 2), (6, 6)]
    assert read.classifier == "stand-in-1"
    white = [cell for cell in (*read.detections, *read.candidates) if cell.label in WHITE_CELLS]
    assert len(white) == 3
    assert all(cell.classifier_probability is not None for cell in white)


class StoppedError(Exception):
    """Raised by whoever has seen enough."""


def test_progress_may_stop_the_second_reader():
    def stop(done: int, total: int) -> None:
        if done == total:
            raise StoppedError

    with pytest.raises(StoppedError):
        stand_in_models().read_field(drawn_field(), stop)


class Unfamiliar(StandInClassifier):
    """Takes every cell for one unlike those that it knows."""

    def opinions(self, windows, view):
        return [replace(one, in_distribution=False) for one in super().opinions(windows, view)]


def test_a_cell_keeps_whether_it_is_like_those_known(field):
    found = findings(Detection(RED, "rbc", 0.95), Detection(DARK, "wbc", 0.9, white=0.95))
    kept = name_cells(field, found, Unfamiliar(), nobody).to_dict()["detections"]
    assert {cell["label"]: cell.get("in_distribution") for cell in kept} == {
        "rbc": None,
        "blast": False,
    }
    told = name_cells(field, found, StandInClassifier(), nobody).to_dict()["detections"]
    assert all("in_distribution" not in cell for cell in told)

"""Confidences made probabilities, and the thresholds chosen by them."""

import json

import numpy as np
import pytest
from PIL import Image
from scipy.special import expit, logit

from models.findings import Detection, FieldFindings
from tests.networks import write_detector
from training.__main__ import main
from training.data import DataError
from training.detector import calibration
from training.detector.calibration import (
    MatchedCells,
    Scale,
    best_f1,
    blast_curve,
    fit,
    match_fields,
    reached_by,
    thresholds,
)
from training.detector.ground_truth import TrueCell
from training.manifest import amend
from training.synthesis.composites import COUNTS

TRAINING = {"split": {"train": ["1"], "val": ["2"], "test": ["H22"]}, "note": ""}


class StandIn:
    """A detector that finds the same cells in every field."""

    def __init__(self, *cells: Detection) -> None:
        self._cells = cells

    def find(self, rgb: np.ndarray, min_confidence: float) -> FieldFindings:
        """Answer as `Detector.find` does."""
        return FieldFindings(rgb.shape[1], rgb.shape[0], self._cells, "1")


def white(x: float, present: float, blast: float) -> Detection:
    """Make a white cell at `x`, of P(white) `present` and P(blast if white) `blast`."""
    return Detection((x, 0, x + 10, 10), "wbc", present, blast=present * blast, white=present)


@pytest.fixture
def field(tmp_path):
    path = tmp_path / "field.png"
    Image.fromarray(np.full((64, 64, 3), 200, np.uint8)).save(path)
    return path


def drawn(rng: np.random.Generator, slope: float, offset: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and truths that come with the probability sigmoid(slope * logit + offset)."""
    scores = rng.uniform(0.02, 0.98, 6000)
    return scores, rng.random(6000) < expit(slope * logit(scores) + offset)


def test_a_scale_is_found_again():
    scale = Scale.fit(*drawn(np.random.default_rng(0), 0.6, -1.0))
    assert scale.slope == pytest.approx(0.6, abs=0.06)
    assert scale.offset == pytest.approx(-1.0, abs=0.1)
    assert scale(np.array([0.5]))[0] == pytest.approx(expit(scale.offset))


@pytest.mark.parametrize(
    ("scores", "true", "message"),
    [
        ([0.2, 0.8], [True, True], "both kinds"),
        ([0.2, 0.8, 0.3, 0.7], [True, False, True, False], "train it longer"),
    ],
)
def test_scores_that_tell_nothing_are_refused(scores, true, message):
    with pytest.raises(DataError, match=message):
        Scale.fit(np.array(scores), np.array(true))


def test_boxes_are_held_against_true_cells_and_missed_ones_are_kept(field):
    ground_truth = [TrueCell("blast", (0, 0, 10, 10)), TrueCell("wbc", (40, 0, 50, 10))]
    detector = StandIn(white(0, 0.9, 0.7), white(20, 0.4, 0.1))
    cells = match_fields(detector, [(field, ground_truth)], ["white"])["white"]
    assert cells.truth.tolist() == ["blast", "", "wbc"]
    assert cells.present.tolist() == [0.9, 0.4, 0.0]
    assert cells.blast[:2] == pytest.approx([0.7, 0.1])
    assert cells.found.tolist() == [True, True, False]


def test_each_kind_is_held_against_its_own(field):
    red = Detection((0, 0, 10, 10), "rbc", 0.8)
    ground_truth = [TrueCell("wbc", (0, 0, 10, 10)), TrueCell("rbc", (1, 0, 11, 10))]
    found = match_fields(StandIn(red), [(field, ground_truth)], ["white", "rbc"])
    assert found["white"].found.tolist() == [False]
    assert found["rbc"].truth.tolist() == ["rbc"]


def test_thresholds_are_in_calibrated_probabilities():
    rng = np.random.default_rng(1)
    present, real = drawn(rng, 1.0, 0.5)
    blast, is_blast = drawn(rng, 2.0, 0.0)
    truth = np.where(real, np.where(is_blast, "blast", "wbc"), "")
    missed = MatchedCells(np.zeros(20), np.zeros(20), np.full(20, "wbc"))
    cells = MatchedCells.concatenate([MatchedCells(present, blast, truth), missed])
    scales = fit({"white": cells}, cells)
    chosen = thresholds({"white": cells}, cells, scales)
    called = scales["white"](present) * scales["blast"](blast) >= chosen["blast"]
    assert called[truth == "blast"].mean() == pytest.approx(0.9, abs=0.01)
    assert 0 < chosen["white"] < 0.5


def test_the_best_f1_parts_what_can_be_parted():
    probabilities = np.array([0.0, 0.1, 0.2, 0.6, 0.7, 0.8])
    assert best_f1(probabilities, np.array([True, False, False, True, True, True])) == 0.6


def test_a_share_reaches_the_threshold():
    values = np.linspace(0.01, 1, 100)
    assert (values >= reached_by(values, 0.9)).mean() >= 0.9
    assert (values > reached_by(values, 0.9)).mean() < 0.9


def test_the_curve_counts_false_blasts_a_field():
    cells = MatchedCells(
        np.array([1.0, 1.0, 0.9, 0.0]),
        np.array([0.9, 0.3, 0.5, 0.0]),
        np.array(["blast", "blast", "wbc", "blast"]),
    )
    false, sensitivity, limits = blast_curve(cells, cells, 2)
    at = np.abs(limits - 0.4).argmin()
    assert (false[at], sensitivity[at]) == (0.5, pytest.approx(1 / 3))
    assert (false[-1], sensitivity[-1]) == (0.5, pytest.approx(2 / 3)), "a missed blast stays so"


def test_the_command_writes_into_the_manifest(drawn_sets, tmp_path, monkeypatch, capsys):
    weights = write_detector(tmp_path / "weights")
    amend(weights, metrics={"of": "before"}, phases=[], training=TRAINING)
    monkeypatch.setitem(COUNTS, "test", 2)
    said = {"calibration": {"white": {"slope": 1.0, "offset": 0.0}}, "thresholds": {"blast": 0.3}}
    monkeypatch.setattr(calibration, "calibrate", lambda *_: said)
    places = {"--staged": weights, "--composites": tmp_path / "c", "--cutouts": tmp_path / "cut"}
    options = [str(part) for pair in places.items() for part in pair]
    assert main(["calibrate", "detector", "--data", str(drawn_sets), *options]) == 0
    manifest = json.loads((weights / "manifest.json").read_text())
    assert manifest["thresholds"] == {"blast": 0.3}
    assert manifest["model"] == "detector"
    assert manifest["metrics"] == {}
    (done,) = manifest["phases"]
    assert done["phase"] == "calibrate"
    assert done["options"] == {"blast_sensitivity": 0.9, "composites": 0, "txl_val": 8}
    assert "Calibrate (`python -m training calibrate detector`)" in (
        (weights / "model_card.md").read_text()
    )
    assert "thresholds" in capsys.readouterr().out

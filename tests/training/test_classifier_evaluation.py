import json

import numpy as np
import pytest

from models.classifier import Classifier
from models.findings import ALL_BLAST, NORMAL, UNCERTAIN
from tests.networks import write_classifier
from training import classifier_evaluation
from training.__main__ import main
from training.classifier_data import CellSource
from training.classifier_evaluation import (
    CROP_MEASURES,
    STORED_MEASURES,
    Cells,
    by_kind,
    confusion,
    measured,
    read_cells,
    read_stored,
    tile_sources,
    weakness,
)
from training.composites import COUNTS

CHARTS = {"roc", "reliability", "confusion", "subjects"}


@pytest.fixture
def classifier(tmp_path):
    return Classifier.load(write_classifier(tmp_path / "weights"))


def make_cells(*rows: tuple[float, str, str, str, str]) -> Cells:
    """Rows: probability, label, kind, subject, and how often such a cell is there."""
    repeated = [row[:4] for row in rows for _ in range(int(row[4]))]
    probabilities, labels, kinds, subjects = map(np.array, zip(*repeated, strict=True))
    usable = np.ones(len(kinds), bool)
    return Cells(probabilities, labels, usable, kinds == "all", kinds, subjects)


CELLS = make_cells(
    (0.9, ALL_BLAST, "all", "33", "6"),
    (0.55, UNCERTAIN, "all", "38", "2"),
    (0.1, NORMAL, "all", "38", "2"),
    (0.55, UNCERTAIN, "hem", "H22", "1"),
    (0.1, NORMAL, "hem", "H22", "3"),
    (0.95, ALL_BLAST, "txl", "a.jpg", "1"),
    (0.1, NORMAL, "txl", "b.jpg", "5"),
)


def values(measures):
    return {name: figure.value for name, figure in measured(CELLS, measures, 5).items()}


def test_scores_at_a_half_and_outside_the_uncertain_band():
    found = values(STORED_MEASURES)
    assert found["sensitivity (recall) at 0.5"] == 8 / 10
    assert found["specificity at 0.5"] == 8 / 10
    assert found["accuracy at 0.5"] == 16 / 20
    assert found["called uncertain, as a share"] == 3 / 20
    assert found["sensitivity of the rest"] == 6 / 8
    assert found["specificity of the rest"] == 8 / 9
    assert found["usable by the gate, as a share"] == 1


def test_blasts_are_held_against_all_cells_and_against_their_like():
    found = values(CROP_MEASURES)
    of_hem = (6 * 4 + 2 * (0.5 + 3) + 2 * 3 / 2) / 40
    of_txl = (6 * 5 + 2 * 5 + 2 * 5 / 2) / 60
    assert found["AUROC, blasts against normal precursors (HEM)"] == pytest.approx(of_hem)
    together = found["AUROC, blasts against all other white cells"]
    assert together == pytest.approx(0.4 * of_hem + 0.6 * of_txl)


def test_specificity_of_each_kind_of_normal_cell():
    found = values(by_kind(CELLS))
    assert found == {
        "`hem` (4): specificity at 0.5": 3 / 4,
        "`txl` (6): specificity at 0.5": pytest.approx(5 / 6),
    }


def test_intervals_hold_what_another_draw_of_subjects_would_give():
    figure = measured(CELLS, STORED_MEASURES, 200)["sensitivity (recall) at 0.5"]
    assert (figure.low, figure.high) == (pytest.approx(0.5, abs=0.3), 1.0)


def test_confusion_counts_what_is_said():
    assert confusion(CELLS).tolist() == [[6, 2, 2], [1, 1, 8]]


def test_a_class_of_one_subject_is_named():
    cnmc = CELLS.chosen(CELLS.kinds != "txl")
    assert "normal precursors" in weakness(cnmc)
    assert "(H22)" in weakness(cnmc)
    assert "blasts" not in weakness(cnmc)
    assert not weakness(CELLS)


def test_what_the_gate_refuses_is_read_and_counted(classifier, tmp_path):
    grey = np.full((64, 64, 3), 128, np.uint8)
    source = CellSource(tmp_path / "a.png", None, 1, "all", "33")
    cells = read_cells(classifier, [source], [grey])
    assert cells.usable.tolist() == [False]
    assert cells.probabilities.tolist() == classifier.probabilities([grey]).tolist()
    assert cells.labels.tolist() == [classifier.label(cells.probabilities[0])]
    assert (cells.kinds[0], cells.subjects[0], cells.blasts[0]) == ("all", "33", True)


def test_only_test_subjects_are_read_and_areas_belong_to_their_cells(classifier, drawn_sets):
    cells, areas = read_stored(classifier, drawn_sets)
    assert set(cells.subjects) == {"33", "H22"}
    assert areas[cells.blasts].tolist() == [round(np.pi * 48**2)]
    assert areas[~cells.blasts].tolist() == [round(np.pi * 40**2)]


def test_tiles_are_those_of_the_test_split_about_their_cell(drawn_sets):
    sources = tile_sources(drawn_sets)
    assert 0 < len(sources) < 20
    assert not any(source.blast for source in sources)
    window = sources[0].window
    assert (window.x, window.y, window.side) == pytest.approx((90, 90, 64))


@pytest.fixture
def command(drawn_sets, classifier, tmp_path, monkeypatch):
    """The whole command with few composites; the words behind are added to it."""
    monkeypatch.setitem(COUNTS, "test", 8)
    monkeypatch.setattr(classifier_evaluation, "PROJECT", tmp_path)
    (tmp_path / "docs").mkdir()
    places = {name: str(tmp_path / name) for name in ("weights", "composites", "cutouts", "out")}
    options = [part for name, place in places.items() for part in (f"--{name}", place)]

    def evaluate(*words: str) -> int:
        usual = ("evaluate", "classifier", "--data", str(drawn_sets), "--rounds", "5")
        return main([*usual, *options, *words])

    return evaluate


def test_the_command_prints_and_writes_figures_and_charts(command, tmp_path, capsys):
    assert command() == 0
    printed = capsys.readouterr().out
    assert "| AUROC of the cell's area alone, without a network | 1.000 |" in printed
    assert "one subject (H22)" in printed
    out = tmp_path / "out"
    assert len(json.loads((out / "evaluation.json").read_text())) == 3
    assert {path.stem for path in out.glob("*.svg")} == CHARTS
    assert not list((tmp_path / "docs").iterdir())


def test_the_command_records_in_documents(command, tmp_path):
    card = tmp_path / "weights" / "model_card.md"
    card.write_text("<!-- classifier:begin -->\nNot measured yet.\n<!-- classifier:end -->\n")
    assert command("--record") == 0
    figures = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    manifest = json.loads((tmp_path / "weights" / "manifest.json").read_text())
    assert manifest["metrics"] == figures
    for document in (card, tmp_path / "docs" / "validation.md"):
        assert "| expected calibration error |" in document.read_text()
    assert "Not measured" not in card.read_text()
    assert {path.stem for path in (tmp_path / "weights" / "charts").glob("*.svg")} == CHARTS

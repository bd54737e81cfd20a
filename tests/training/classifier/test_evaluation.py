import json

import numpy as np
import pytest

from models.classifier.classifier import Classifier
from models.findings import ALL_BLAST, NORMAL, UNCERTAIN
from tests.networks import write_classifier
from tests.training.classifier.test_data import draw_composites
from training import charts
from training.__main__ import main
from training.classifier import data, evaluation
from training.classifier.evaluation import (
    _MEASURES,
    Cells,
    areas_of,
    by_kind,
    classify_tiles,
    confusion,
    cross_fitted,
    evaluate,
    measured,
    weakness,
)
from training.classifier.predictions import Predictions

CHARTS = {"roc", "reliability", "confusion", "subjects"}


@pytest.fixture
def classifier(tmp_path):
    return Classifier.load(write_classifier(tmp_path / "weights"))


def make_cells(*rows: tuple[float, str, str, str, str]) -> Cells:
    """Rows: probability, label, kind, subject, and how often such a cell is there."""
    repeated = [row[:4] for row in rows for _ in range(int(row[4]))]
    probabilities, labels, kinds, subjects = map(np.array, zip(*repeated, strict=True))
    folds = np.full(len(kinds), "H22")
    return Cells(probabilities, labels, kinds == "all", kinds, subjects, folds, subjects)


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
    return {name: estimate.value for name, estimate in measured(CELLS, measures, 5).items()}


def test_scores_at_a_half_and_outside_the_uncertain_band():
    found = values(_MEASURES["black"])
    assert found["sensitivity (recall) at 0.5"] == 8 / 10
    assert found["specificity at 0.5"] == 8 / 10
    assert found["accuracy at 0.5"] == 16 / 20
    assert found["called uncertain, as a share"] == 3 / 20
    assert found["sensitivity of the rest"] == 6 / 8
    assert found["specificity of the rest"] == 8 / 9


def test_the_operating_point_counts_all_that_is_not_called_normal():
    found = values(_MEASURES["black"])
    assert found["sensitivity at the operating point"] == 8 / 10
    assert found["specificity at the operating point"] == 8 / 10


def test_blasts_are_held_against_all_cells_and_against_their_like():
    found = values(_MEASURES["crop"])
    of_hem = (6 * 4 + 2 * (0.5 + 3) + 2 * 3 / 2) / 40
    of_txl = (6 * 5 + 2 * 5 + 2 * 5 / 2) / 60
    assert found["AUROC, blasts against normal precursors (HEM)"] == pytest.approx(of_hem)
    assert found["AUROC"] == pytest.approx(0.4 * of_hem + 0.6 * of_txl)


def test_specificity_of_each_kind_of_normal_cell():
    found = values(by_kind(CELLS))
    assert found == {
        "`hem` (4): specificity at 0.5": 3 / 4,
        "`txl` (6): specificity at 0.5": pytest.approx(5 / 6),
    }


def test_intervals_hold_what_another_draw_of_subjects_would_give():
    estimate = measured(CELLS, _MEASURES["black"], 200)["sensitivity (recall) at 0.5"]
    assert (estimate.low, estimate.high) == (pytest.approx(0.5, abs=0.3), 1.0)


def test_confusion_counts_what_is_said():
    assert confusion(CELLS).tolist() == [[6, 2, 2], [1, 1, 8]]


def test_the_few_normal_subjects_are_named():
    assert "of 1 subjects (H22)" in weakness(CELLS.select(CELLS.kinds != "txl"))


def drawn_predictions(shift: float) -> Predictions:
    """Three folds of 40 cells; blasts lie 2 higher, all cells of H10 `shift` higher."""
    rng = np.random.default_rng(0)
    blasts = np.tile((True, False), 60)
    folds = np.repeat(("H22", "H14", "H10"), 40)
    scores = rng.normal(0, 1, 120) + 2 * blasts + shift * (folds == "H10")
    names = np.where(blasts, "33", folds)
    kinds = np.where(blasts, "all", "hem")
    logits = np.stack((np.zeros(120), scores), axis=1)
    return Predictions(logits, np.ones(120), blasts, kinds, names, folds, names)


def test_a_fold_is_calibrated_on_the_others():
    plain, moved = (cross_fitted(drawn_predictions(shift)) for shift in (0.0, 50.0))
    own = moved.folds == "H10"
    assert set(moved.labels[own]) == {ALL_BLAST}
    assert NORMAL in plain.labels[plain.folds == "H10"]
    assert not np.array_equal(plain.probabilities[~own], moved.probabilities[~own])


def test_all_held_out_subjects_get_the_mean_area_under_the_curve():
    cells = cross_fitted(drawn_predictions(50.0))
    tiles = make_cells((0.1, NORMAL, "monocyte", "a.jpg", "3"))
    sets = evaluate({"black": cells, "crop": cells}, np.arange(120.0), tiles, 5)
    *parts, whole = (found for title, found in sets.items() if title.startswith("Cells on black"))
    assert len(parts) == 3
    mean = np.mean([found["AUROC"].value for found in parts])
    assert whole["AUROC"].value == pytest.approx(mean)


def test_areas_belong_to_their_cells(drawn_sets):
    areas = areas_of(["UID_33_all.png", "UID_H22_hem.png"], drawn_sets)
    assert areas.tolist() == [round(np.pi * 48**2), round(np.pi * 40**2)]


def test_tiles_are_those_of_the_test_split(classifier, drawn_sets):
    tiles = classify_tiles(classifier, drawn_sets)
    assert 0 < len(tiles.kinds) < 20
    assert not tiles.blasts.any()
    assert set(tiles.labels) <= {NORMAL, UNCERTAIN, ALL_BLAST}


@pytest.fixture
def command(drawn_sets, classifier, tmp_path, monkeypatch):
    """Run the whole command with few composites and further words."""
    monkeypatch.setattr(data, "_FOLD_COMPOSITES", 8)
    monkeypatch.setattr(evaluation, "PROJECT", tmp_path)
    (tmp_path / "docs").mkdir()
    draw_composites(tmp_path / "composites")
    names = ("weights", "composites", "cutouts", "out", "fold-composites")
    options = [part for name in names for part in (f"--{name}", str(tmp_path / name))]

    def run(*words: str) -> int:
        usual = ("evaluate", "classifier", "--data", str(drawn_sets), "--samples", "5")
        return main([*usual, *options, *words])

    return run


def test_the_command_prints_and_writes_metrics_and_charts(
    command, classifier, tmp_path, capsys, monkeypatch
):
    bands, draw = [], charts.subject_chart
    monkeypatch.setattr(
        charts, "subject_chart", lambda *given: bands.append(given[1]) or draw(*given)
    )
    assert command() == 0
    printed = capsys.readouterr().out
    limits = classifier.manifest.views["black"]
    assert bands == [(limits["uncertain_low"], limits["uncertain_high"])]
    assert "| AUROC of the cell's area alone, without a network | 1.000 |" in printed
    assert "of 3 subjects (H10, H14, H22)" in printed
    out = tmp_path / "out"
    assert len(json.loads((out / "evaluation.json").read_text())) == 9
    assert {path.stem for path in out.glob("*.svg")} == CHARTS
    assert not list((tmp_path / "docs").iterdir())


def test_the_command_records_in_documents(command, tmp_path):
    card = tmp_path / "weights" / "model_card.md"
    card.write_text("<!-- classifier:begin -->\nNot measured yet.\n<!-- classifier:end -->\n")
    assert command("--record") == 0
    metrics = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    manifest = json.loads((tmp_path / "weights" / "manifest.json").read_text())
    assert manifest["metrics"] == metrics
    for document in (card, tmp_path / "docs" / "validation.md"):
        assert "| expected calibration error |" in document.read_text()
    assert "Not measured" not in card.read_text()
    assert {path.stem for path in (tmp_path / "weights" / "charts").glob("*.svg")} == CHARTS

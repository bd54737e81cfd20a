"""A tiny comparison, from drawn images to table and charts."""

from __future__ import annotations

import json
from concurrent.futures import Future

import numpy as np
import pytest

from tests.training.classifier.test_architectures import small_backbone
from training.__main__ import main
from training.charts import Row
from training.classifier.architectures import ARCHITECTURES, Architecture
from training.classifier.data import CellSource, stored_sources
from training.data import fold_of
from training.metrics.estimates import Estimate
from training.studies import compare, compare_report
from training.studies.compare import divide
from training.studies.compare_report import (
    AREA,
    SPLITS,
    Predictions,
    averaged,
    by_area,
    comparison_table,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


class InThisProcess:
    """Runs what a pool of processes would, where the test's architecture is known."""

    def __init__(self, *_: object, **__: object) -> None:
        """Take what a pool takes."""

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to end."""

    def submit(self, work, *arguments) -> Future:
        done = Future()
        done.set_result(work(*arguments))
        return done


@pytest.fixture
def command(tmp_path, drawn_sets, monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "small", Architecture(small_backbone, 32))
    monkeypatch.setattr(compare, "ProcessPoolExecutor", InThisProcess)
    monkeypatch.setattr(compare, "PROJECT", tmp_path)
    monkeypatch.setattr(compare_report, "BOOTSTRAP_SAMPLES", 10)
    # Drawn sets hold one cell a subject: a random fifth of them may lack a class.
    monkeypatch.setattr(compare, "_TEST_SHARE", 0.5)
    (tmp_path / "docs").mkdir()

    def run(*words: str) -> int:
        options = ("--data", str(drawn_sets), "--out", str(tmp_path / "run"), "--only", "small")
        numbers = ("--steps", "2", "--batch", "4", "--size", "24", "--every", "1", "--seed", "0")
        return main(["compare", *options, *numbers, *words])

    return run


def test_the_command_prints_both_protocols_and_records(command, tmp_path, capsys):
    assert command("--record") == 0
    printed = capsys.readouterr().out
    assert "AUROC, random | AUROC, held-out" in printed
    assert f"| {AREA} |" in printed
    assert printed.strip() in (tmp_path / "docs" / "studies.md").read_text()
    charts = {path.stem for path in (tmp_path / "docs" / "charts").glob("*.svg")}
    assert charts == {f"compare-{name}" for name in ("bars", "confusion", "roc", "training")}


def test_what_is_trained_is_not_trained_again(command, tmp_path):
    assert command() == 0
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("answers.npz")}
    assert len(kept) == len(SPLITS)
    assert not list((tmp_path / "run").rglob("checkpoints"))
    assert command() == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_a_second_comparison_is_recorded_under_a_name_of_its_own(command, tmp_path):
    assert command("--record", "longer") == 0
    assert "<!-- longer:begin -->" in (tmp_path / "docs" / "studies.md").read_text()
    assert (tmp_path / "docs" / "charts" / "longer-bars.svg").exists()


def test_costs_are_kept(command, tmp_path):
    assert command() == 0
    cost = json.loads((tmp_path / "run" / "small-random" / "cost.json").read_text())
    assert cost["parameters"] == 3 * 3 * 3 * 8 + 8 + 4 * 8 + 8 * 2 + 2
    assert cost["operations"] > 0


def test_a_fold_tests_its_held_out_subjects_alone(drawn_sets):
    learned, tested = divide(stored_sources(drawn_sets), "H14", 1)
    assert {source.subject for source in tested} == {"44", "H14"}
    assert not {source.subject for source in learned} & {"44", "H14"}


def test_a_random_split_puts_a_subjects_cells_on_both_sides():
    cells = [CellSource(None, None, 0, "hem", "H10")] * 500
    learned, tested = divide(cells, "random", 1)
    assert len(learned) + len(tested) == 500
    assert 70 < len(tested) < 130


def answers(shift: float) -> Predictions:
    rng = np.random.default_rng(0)
    blasts = np.tile((True, False), 50)
    found = np.clip(rng.normal(0.5, 0.1, 100) + shift * (blasts - 0.5), 0, 1)
    return Predictions(found, blasts, np.where(blasts, "33", "H22"), np.arange(100).astype(str))


def test_tests_are_averaged_with_an_interval():
    sure, chance = averaged([answers(0.8)], 50), averaged([answers(0.8), answers(0.0)], 50)
    assert sure["auroc"].value == 1.0
    assert 0.6 < chance["auroc"].value < 0.9
    assert chance["auroc"].low < chance["auroc"].value < chance["auroc"].high


def test_area_answers_from_the_cells_that_a_training_learns_from(drawn_sets):
    files = np.array(["UID_44_all.png", "UID_H14_hem.png"])
    blasts = np.array([True, False])
    test = Predictions(np.zeros(2), blasts, np.array(["44", "H14"]), files)
    assert fold_of("44") == "H14"
    found = by_area({"H14": test}, drawn_sets)["H14"].probabilities
    assert found[0] > found[1]


def test_the_table_has_a_line_for_each_architecture():
    metrics = dict.fromkeys(("accuracy", "f1", "auroc"), Estimate(0.9, 0.8, 1.0))
    rows = [Row("B3", protocol, metrics) for protocol in ("random", "subjects")]
    text = comparison_table(rows, {"B3": {"parameters": 10_800_000, "operations": 330_000_000}})
    assert "| B3 | 10.8 M | 0.33 G | 0.900 (0.800 to 1.000) |" in text

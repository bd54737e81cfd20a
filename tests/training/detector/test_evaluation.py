import json

import numpy as np
import pytest
from PIL import Image

from models.detector.detector import Detector
from tests.networks import write_detector
from training.__main__ import main
from training.detector.evaluation import (
    composite_measures,
    estimates,
    read_fields,
    shrunk,
    txl_measures,
)
from training.detector.ground_truth import TrueCell
from training.manifest import amend
from training.synthesis.composites import COUNTS

TRAINING = {"split": {"train": ["1"], "val": ["2"], "test": ["H22"]}, "note": ""}

# The stand-in network answers every field with this one blast, of confidence 0.9.
ANSWER = (27.0, 27.0, 37.0, 37.0)


@pytest.fixture
def detector(tmp_path):
    return Detector.load(write_detector(tmp_path / "weights"))


@pytest.fixture
def field(tmp_path):
    path = tmp_path / "field.png"
    Image.fromarray(np.full((64, 64, 3), 200, np.uint8)).save(path)
    return path


def _values(detector, fields, measures):
    readings = read_fields(detector, fields)
    return {name: f.value for name, f in estimates(readings, measures, 20).items()}


def test_a_blast_box_on_a_normal_cell_counts_as_a_white_cell_and_as_a_false_blast(detector, field):
    values = _values(detector, [(field, [TrueCell("wbc", ANSWER)])], txl_measures())
    assert values["white cells (`wbc` or `blast` box): AP50"] == pytest.approx(1)
    assert values["white cells, only `wbc` boxes: AP50"] == 0
    assert values["white cells called `blast`, as a share"] == 1
    assert values["false `blast` boxes a field"] == 1


def test_blasts_and_their_neighbours_are_told_apart(detector, field):
    far = (0.0, 0.0, 10.0, 10.0)
    alone = (field, [TrueCell("blast", ANSWER, "all", clustered=False)])
    missed = (
        field,
        [TrueCell("blast", far, "all", clustered=True), TrueCell("wbc", ANSWER, "hem")],
    )
    values = _values(detector, [alone, missed], composite_measures())
    assert values["blasts: recall as served"] == 0.5
    assert values["blasts: precision as served"] == 0.5
    assert values["blasts that stand alone, called `blast`"] == 1
    assert values["blasts that touch another white cell, called `blast`"] == 0
    assert values["normal precursors (HEM) called `blast`"] == 1
    assert np.isnan(values["other normal white cells called `blast`"])
    assert np.isnan(values["false `blast` boxes a blast-free field"]), "there is no such field"


def test_cells_shrink_with_their_field():
    rgb, (cell,) = shrunk(
        np.zeros((100, 60, 3), np.uint8), [TrueCell("wbc", (10, 20, 30, 40))], 0.5
    )
    assert rgb.shape == (50, 30, 3)
    assert cell == TrueCell("wbc", (5, 10, 15, 20))


def test_the_command_prints_and_records(drawn_sets, detector, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(COUNTS, "test", 2)
    card = tmp_path / "weights" / "model_card.md"
    amend(tmp_path / "weights", phases=[], training=TRAINING)
    places = {
        "--weights": "weights",
        "--composites": "c",
        "--cutouts": "cut",
        "--out": "metrics.json",
    }
    options = [part for name, value in places.items() for part in (name, str(tmp_path / value))]
    command = ["evaluate", "detector", "--data", str(drawn_sets), "--samples", "5", "--record"]
    assert main([*command, *options]) == 0
    printed = capsys.readouterr().out
    assert "| blasts: AP50 |" in printed
    measured = json.loads((tmp_path / "metrics.json").read_text())
    assert len(measured) == 3
    assert json.loads((tmp_path / "weights" / "manifest.json").read_text())["metrics"] == measured
    (done,) = json.loads((tmp_path / "weights" / "manifest.json").read_text())["phases"]
    assert (done["phase"], done["options"]["samples"]) == ("evaluate", 5)
    assert "| blasts: AP50 |" in card.read_text()
    assert "Not measured" not in card.read_text()
    for name in ("froc", "reliability"):
        assert (tmp_path / "weights" / "charts" / f"{name}.svg").is_file()

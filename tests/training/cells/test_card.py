import pytest

from models.manifest import load_manifest
from models.versions import active_folder
from settings import ROOT
from training.cells.card import card, summary

METRICS = {
    "C-NMC, fold 0: 40 blasts, 37 normal cells": {
        "AUROC of the cell's area alone, without a network": {
            "value": 0.76,
            "low": 0.7,
            "high": 0.81,
        },
        "AUROC": {"value": 0.914, "low": 0.88, "high": 0.94},
        "sensitivity at the operating point": {"value": 0.95, "low": 0.93, "high": 0.97},
        "accuracy at 0.5": {"value": 0.62, "low": 0.55, "high": 0.7},
        "expected calibration error": {"value": 0.043, "low": 0.03, "high": 0.06},
    },
    "With surroundings: 0 blasts, 12 normal cells": {
        "AUROC": {"value": None, "low": None, "high": None},
        "specificity at the operating point": {"value": 0.9, "low": 0.8, "high": 1.0},
    },
}


@pytest.fixture
def manifest() -> dict:
    """That of the weights in the tree."""
    folder = active_folder(ROOT / "weights", "classifier")
    return dict(load_manifest(folder, "classifier").details)


def test_the_summary_has_a_row_for_each_set_and_no_empty_column():
    lines = summary(METRICS).splitlines()
    assert lines[0] == (
        "| tested on | AUROC | AUROC of the area alone | sensitivity | specificity "
        "| calibration error |"
    )
    assert lines[2] == (
        "| C-NMC, fold 0: 40 blasts, 37 normal cells | 0.91 (0.88 to 0.94) "
        "| 0.76 (0.70 to 0.81) | 95% (93 to 97) | – | 0.04 (0.03 to 0.06) |"
    )
    assert lines[3] == (
        "| With surroundings: 0 blasts, 12 normal cells | – | – | – | 90% (80 to 100) | – |"
    )


def test_the_card_has_what_a_clinician_asks_for(manifest):
    headings = [line[3:] for line in card(manifest).splitlines() if line.startswith("## ")]
    for wanted in ("What it is for", "What it is not for", "Calibration", "Limits", "All metrics"):
        assert wanted in headings


def test_numbers_are_those_of_the_manifest(manifest):
    views = {"black": {"temperature": 1.25, "offset": 0.5}, "crop": {"temperature": 2, "offset": 0}}
    for limits in views.values():
        limits |= {"uncertain_low": 0.31, "uncertain_high": 0.64}
    text = card(manifest | {"views": views, "metrics": METRICS, "version": "2026.1.1-1"})
    assert text.startswith("# Classifier 2026.1.1-1\n")
    assert "| cell cut out on black | 1.25 | 0.50 | 0.31 | 0.64 |" in text
    assert "| accuracy at 0.5 | 0.620 | 0.550 to 0.700 |" in text


def test_phases_and_note_are_told(manifest):
    phases = [{"phase": "train", "command": "train it", "options": {"steps": 7}}]
    training = manifest["training"] | {"note": "Begun on a Monday."}
    text = card(manifest | {"phases": phases, "training": training})
    assert "1. Train (`train it`): steps 7\n\nBegun on a Monday.\n\n## Metrics" in text
    silent = card(manifest | {"phases": phases, "training": training | {"note": ""}})
    assert "steps 7\n\n## Metrics" in silent


def test_what_was_not_measured_is_not_stated(manifest):
    assert card(manifest | {"metrics": {}}).count("Not measured yet.") == 2

import json

import pytest

from training.classifier.card import card, summary, write_card

LIMITS = {"temperature": 1.25, "uncertain_low": 0.31, "uncertain_high": 0.64}
METRICS = {
    "Fold 1, on black: 40 blasts, 37 normal cells": {
        "AUROC of the cell's area alone, without a network": {
            "value": 0.76,
            "low": 0.7,
            "high": 0.81,
        },
        "AUROC": {"value": 0.914, "low": 0.88, "high": 0.94},
        "sensitivity at the operating point": {"value": 0.95, "low": 0.93, "high": 0.97},
        "specificity at the operating point": {"value": 0.62, "low": 0.55, "high": 0.7},
        "sensitivity (recall) at 0.5": {"value": 0.88, "low": 0.8, "high": 0.9},
        "expected calibration error": {"value": 0.043, "low": 0.03, "high": 0.06},
    },
    "Fold 1, crops: 0 blasts, 12 normal cells": {
        "AUROC": {"value": None, "low": None, "high": None},
        "specificity at 0.5": {"value": 0.9, "low": 0.8, "high": 1.0},
    },
}


@pytest.fixture
def manifest() -> dict:
    return {
        "version": "2026.1.1-1",
        "input": {"size": 200},
        "views": {"black": LIMITS, "crop": LIMITS | {"uncertain_low": 0.42}},
        "thresholds": {"familiar": 1.875, "sensitivity": 0.95, "normal_coverage": 0.9},
        "training": {
            "split": {"test": ["H1", "7"], "train": ["H2", "8"]},
            "seed": 3,
            "arguments": {"steps": 420, "batch": 32},
        },
        "metrics": METRICS,
    }


def test_the_card_has_what_a_clinician_asks_for(manifest):
    headings = [line[3:] for line in card(manifest).splitlines() if line.startswith("## ")]
    assert headings == [
        "What it is for",
        "What it is not for",
        "What its answers mean",
        "Data",
        "How it was trained and tested",
        "Metrics",
        "Calibration",
        "Limits",
        "All metrics",
        "Licence",
    ]


def test_numbers_are_those_of_the_manifest(manifest):
    text = card(manifest)
    assert text.startswith("# Classifier 2026.1.1-1\n")
    for part in ("200 x 200 px", "- H1, 7\n- H2, 8\n", "Seed 3; options: steps 420, batch 32"):
        assert part in text
    assert "training cells, is above 1.88" in text
    assert "| cell cut out on black | 1.25 | 0.31 | 0.64 |" in text
    assert "| crop with surroundings | 1.25 | 0.42 | 0.64 |" in text
    assert "95% of the held-out blasts lie at or above it" in text
    assert "where 90% of\nthe held-out normal cells lie below" in text


def test_weights_without_a_measure_of_the_domain_say_so(manifest):
    del manifest["thresholds"]["familiar"]
    assert "These weights cannot detect" in card(manifest)


def test_what_was_not_measured_is_not_stated(manifest):
    assert card(manifest | {"metrics": {}}).count("Not measured yet.") == 2
    assert "AUROC" not in summary({})


def test_the_summary_has_a_row_for_each_set_and_no_empty_column():
    lines = summary(METRICS).splitlines()
    assert lines[0] == (
        "| tested on | AUROC | AUROC of the area alone | sensitivity | specificity "
        "| sensitivity at 0.5 | specificity at 0.5 | calibration error |"
    )
    assert lines[2] == (
        "| Fold 1, on black: 40 blasts, 37 normal cells | 0.91 (0.88 to 0.94) "
        "| 0.76 (0.70 to 0.81) | 95% (93 to 97) | 62% (55 to 70) | 88% (80 to 90) | – "
        "| 0.04 (0.03 to 0.06) |"
    )
    assert lines[3] == (
        "| Fold 1, crops: 0 blasts, 12 normal cells | – | – | – | – | – | 90% (80 to 100) | – |"
    )


def test_every_metric_is_in_the_card(manifest):
    text = card(manifest)
    assert "| sensitivity (recall) at 0.5 | 0.880 | 0.800 to 0.900 |" in text
    assert "| AUROC | – | – |" in text


def test_the_card_lies_beside_the_manifest(manifest, tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    write_card(tmp_path)
    assert (tmp_path / "model_card.md").read_text() == card(manifest)

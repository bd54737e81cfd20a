import pytest

from models.manifest import load_manifest
from models.versions import active_folder
from settings import ROOT
from training.detector.card import card

METRICS = {"3 fields": {"blasts: AP50": {"value": 0.5, "low": 0.4, "high": 0.6}}}
TRAIN = {"phase": "train", "command": "train it", "options": {"seed": 7}}
EVALUATE = {"phase": "evaluate", "command": "evaluate it", "options": {}}


@pytest.fixture
def manifest() -> dict:
    """That of the weights in the tree."""
    folder = active_folder(ROOT / "weights", "detector")
    return dict(load_manifest(folder, "detector").details)


def test_phases_and_metrics_are_those_of_the_manifest(manifest):
    text = card(manifest | {"phases": [TRAIN, EVALUATE], "metrics": METRICS, "version": "9"})
    assert text.startswith("# Detector 9\n")
    assert "1. Train (`train it`): seed 7\n2. Evaluate (`evaluate it`)\n" in text
    assert "| blasts: AP50 | 0.500 | 0.400 to 0.600 |" in text
    assert "on images never trained on.\n" in text


def test_what_was_measured_of_another_version_is_said_beside_the_metrics(manifest):
    noted = EVALUATE | {"note": "Of another version."}
    text = card(manifest | {"phases": [TRAIN, noted], "metrics": METRICS})
    assert "on images never trained on. Of another version.\n" in text


def test_what_was_not_measured_is_not_stated(manifest):
    assert "Not measured yet." in card(manifest | {"metrics": {}})

"""Weights that are not calibrated are refused, and what they lack is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.classifier.classifier import Classifier
from models.detector.detector import Detector
from models.manifest import WeightsError
from models.registry import load_models
from tests.networks import VERSION, write_weights


def change(weights: Path, model: str, entry: str, *path: str, to: object = None) -> None:
    """Replace one entry of a manifest, or remove it."""
    file = weights / model / VERSION / "manifest.json"
    content = json.loads(file.read_text())
    place = content
    for name in (entry, *path)[:-1]:
        place = place[name]
    last = (entry, *path)[-1]
    if to is None:
        del place[last]
    else:
        place[last] = to
    file.write_text(json.dumps(content))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return write_weights(tmp_path / "weights")


def load(weights: Path, model: str) -> None:
    kinds = {"classifier": Classifier, "detector": Detector}
    kinds[model].load(weights / model / VERSION, "f32")


@pytest.mark.parametrize("model", ["classifier", "detector"])
def test_calibrated_weights_are_loaded(weights, model):
    load(weights, model)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("views",), None, r"views\.black: temperature, uncertain_low, uncertain_high missing"),
        (("views", "crop"), None, r"views\.crop: temperature"),
        (("views", "black", "uncertain_low"), None, r"views\.black: uncertain_low missing"),
        (("views", "black", "temperature"), 0, "temperature must be above 0"),
        (("views", "black", "temperature"), -1, "temperature must be above 0"),
        (("views", "black", "uncertain_high"), 1.2, "must rise from 0 to 1"),
        (("views", "black", "uncertain_low"), 0.9, "must rise from 0 to 1"),
        (("views", "black", "uncertain_low"), -0.1, "must rise from 0 to 1"),
        (("thresholds",), {}, r"thresholds\.familiar"),
        (("thresholds", "familiar"), 0, r"thresholds\.familiar"),
        (("views", "black", "temperature"), float("nan"), "finite number"),
        (("views", "black", "offset"), float("inf"), "finite number"),
    ],
)
def test_what_a_classifiers_calibration_lacks_is_named(weights, path, value, told):
    change(weights, "classifier", *path, to=value)
    with pytest.raises(WeightsError, match=told):
        load(weights, "classifier")


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("calibration",), None, r"calibration\.blast .*calibration\.white"),
        (("calibration", "white"), None, r"calibration\.white must have"),
        (("calibration", "rbc", "slope"), 0, r"calibration\.rbc must have"),
        (("calibration", "rbc", "offset"), None, r"calibration\.rbc must have"),
        (("thresholds", "blast"), None, r"thresholds\.blast must be"),
        (("thresholds", "white"), 0, r"thresholds\.white must be"),
        (("thresholds", "platelet"), 1.5, r"thresholds\.platelet must be"),
        (("thresholds", "iou"), 2, r"thresholds\.iou must lie"),
        (("thresholds",), {"confidence": 0.25, "iou": 0.5}, r"thresholds\.blast must be"),
        (("calibration", "rbc", "slope"), float("nan"), "finite number"),
    ],
)
def test_what_a_detectors_calibration_lacks_is_named(weights, path, value, told):
    change(weights, "detector", *path, to=value)
    with pytest.raises(WeightsError, match=told):
        load(weights, "detector")


@pytest.mark.parametrize(("model", "entry"), [("classifier", "views"), ("detector", "calibration")])
def test_neither_model_is_served_uncalibrated(weights, model, entry):
    change(weights, model, entry)
    with pytest.raises(WeightsError, match=f"The {model} test-1 is not calibrated and cannot be"):
        load_models(weights, "f32")

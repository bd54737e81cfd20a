"""Tiny real OpenVINO networks with manifests, for tests of what surrounds a network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from models.weights import sha256_of

CLASSIFIER = {
    "model": "classifier",
    "classes": ["normal", "all_blast"],
    "input": {"size": 32, "layout": "NHWC", "range": "0..1", "colour": "RGB"},
    "thresholds": {"uncertain_low": 0.4, "uncertain_high": 0.6},
    "temperature": 2.0,
}
DETECTOR = {
    "model": "detector",
    "classes": ["blast", "wbc", "rbc", "platelet"],
    "input": {"size": 64, "layout": "NCHW", "range": "0..1", "colour": "RGB"},
    "thresholds": {"confidence": 0.25, "iou": 0.5},
}


def write_classifier(folder: Path) -> Path:
    """A network whose logits are (0, mean of the image), saved with its manifest."""
    image = ops.parameter([1, 32, 32, 3], np.float32)
    mean = ops.reshape(ops.reduce_mean(image, np.array([1, 2, 3])), [1, 1], False)
    logits = ops.concat([ops.multiply(mean, np.float32(0)), mean], 1)
    logits.output(0).set_names({"logits"})
    return _save(ov.Model([logits], [image]), folder, CLASSIFIER)


def write_detector(folder: Path) -> Path:
    """A network that answers every field with one blast of 10 x 10 px at its middle."""
    image = ops.parameter([1, 3, 64, 64], np.float32)
    nothing = ops.multiply(ops.reduce_mean(image, np.array([0, 1, 2, 3])), np.float32(0))
    head = np.array([32, 32, 10, 10, 0.9, 0.1, 0.0, 0.0], np.float32).reshape(1, 8, 1)
    return _save(ov.Model([ops.add(ops.constant(head), nothing)], [image]), folder, DETECTOR)


def write_weights(folder: Path) -> Path:
    """Both networks in the layout of weights/."""
    write_classifier(folder / "classifier")
    write_detector(folder / "detector")
    return folder


def _save(model: ov.Model, folder: Path, manifest: dict) -> Path:
    folder.mkdir(parents=True)
    ov.save_model(model, folder / "network.xml")
    files = {name: sha256_of(folder / name) for name in ("network.xml", "network.bin")}
    content = {**manifest, "version": "test-1", "files": files}
    (folder / "manifest.json").write_text(json.dumps(content))
    return folder

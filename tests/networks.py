"""Tiny real OpenVINO networks with manifests, for tests of what surrounds a network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from models.detector.operating_point import KINDS
from models.manifest import sha256_of

CLASSIFIER = {
    "model": "classifier",
    "classes": ["normal", "all_blast"],
    "input": {"size": 32, "layout": "NHWC", "range": "0..1", "colour": "RGB"},
    "thresholds": {"familiar": 1.5, "sensitivity": 0.95},
    "views": {
        "black": {"temperature": 2.0, "uncertain_low": 0.4, "uncertain_high": 0.6},
        "crop": {"temperature": 1.0, "uncertain_low": 0.3, "uncertain_high": 0.7},
    },
    "training": {"split": {"test": ["H1"]}, "seed": 1, "arguments": {}},
}
DETECTOR = {
    "model": "detector",
    "classes": ["blast", "wbc", "rbc", "platelet"],
    "input": {"size": 64, "layout": "NCHW", "range": "0..1", "colour": "RGB"},
    "thresholds": {**dict.fromkeys(KINDS, 0.25), "iou": 0.5},
    "calibration": {kind: {"slope": 1.0, "offset": 0.0} for kind in KINDS},
}
VERSION = "test-1"


LONE_CELL = 44
"""Side in pixels of the cell of `drawn_cell` where the detector's 64 px show it."""

GREY = ((0.0, 1 / 3),) * 3


def write_classifier(folder: Path, head: tuple[tuple[float, float], ...] = GREY) -> Path:
    """A network whose logits are (0, mean of the image), saved with its manifest.

    "cam" gives them for each quarter of the image; the embedding is the mean colour (3,). `head`
    has the weights (3, 2) of the colours.
    """
    image = ops.parameter([-1, 32, 32, 3], np.float32)
    quarters = ops.avg_pool(
        _channels_first(image), [16, 16], [0, 0], [0, 0], [16, 16], exclude_pad=False
    )
    cam = ops.matmul(_channels_last(quarters), np.array(head, np.float32), False, False)
    logits = ops.reduce_mean(cam, np.array([1, 2]))
    embedding = ops.reduce_mean(image, np.array([1, 2]))
    outputs = {"logits": logits, "cam": cam, "embedding": embedding}
    for name, node in outputs.items():
        node.output(0).set_names({name})
    return _save(ov.Model(list(outputs.values()), [image]), folder, CLASSIFIER)


def _channels_first(node: ov.Node) -> ov.Node:
    return ops.transpose(node, np.array([0, 3, 1, 2]))


def _channels_last(node: ov.Node) -> ov.Node:
    return ops.transpose(node, np.array([0, 2, 3, 1]))


def write_detector(folder: Path, side: int = 10) -> Path:
    """A network that answers every field with one blast of `side` px a side at its middle."""
    image = ops.parameter([1, 3, 64, 64], np.float32)
    nothing = ops.multiply(ops.reduce_mean(image, np.array([0, 1, 2, 3])), np.float32(0))
    head = np.array([32, 32, side, side, 0.9, 0.1, 0.0, 0.0], np.float32).reshape(1, 8, 1)
    return _save(ov.Model([ops.add(ops.constant(head), nothing)], [image]), folder, DETECTOR)


def write_weights(folder: Path) -> Path:
    """Both networks in the layout of weights/; the detector's cell is that of `drawn_cell`."""
    write_classifier(active(folder / "classifier"))
    write_detector(active(folder / "detector"), LONE_CELL)
    return folder


def active(model_folder: Path, version: str = VERSION) -> Path:
    """Point to a version of a model that is to be written; its folder."""
    model_folder.mkdir(parents=True, exist_ok=True)
    (model_folder / "active").write_text(f"{version}\n")
    return model_folder / version


def _save(model: ov.Model, folder: Path, manifest: dict) -> Path:
    folder.mkdir(parents=True)
    ov.save_model(model, folder / "network.xml")
    files = {name: sha256_of(folder / name) for name in ("network.xml", "network.bin")}
    content = {**manifest, "version": VERSION, "files": files}
    (folder / "manifest.json").write_text(json.dumps(content))
    return folder

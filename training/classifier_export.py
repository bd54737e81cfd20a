"""Write the classifier for serving: calibration, OpenVINO network, manifest and model card."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import openvino as ov

from models.classifier import softmax
from training.architectures import CLASSES, with_activation_map
from training.augmentation import from_arguments
from training.calibration import fit_temperature, uncertain_band
from training.classifier_card import write_card
from training.classifier_data import BLAST
from training.classifier_validation import Validation
from training.data import PROJECT
from training.manifest import DATA_SETS, subject_split, todays_version, write_manifest

DEFAULT_WEIGHTS = PROJECT / "weights" / "classifier"

_TOLD_ARGUMENTS = (
    *("architecture", "scratch", "steps", "size", "batch", "finish_steps", "finish_batch"),
    *("rate", "val_cells"),
)


def export(model: keras.Model, validation: Validation, size: int, args: argparse.Namespace) -> None:
    """Calibrate on val cells at `size` pixels and write `args.weights_out`."""
    args.weights_out.mkdir(parents=True, exist_ok=True)
    write_network(model, args.weights_out, size)
    temperature, thresholds = calibrated(model, validation, size)
    manifest = _manifest(args, size, temperature, thresholds)
    write_manifest(args.weights_out, manifest)
    write_card(args.weights_out)


def write_network(model: keras.Model, folder: Path, size: int) -> None:
    """Write network.xml and .bin (f16 weights): image (1, size, size, 3) to "logits" and "cam"."""
    with tempfile.TemporaryDirectory() as saved:
        with_activation_map(model).export(saved, verbose=False)
        network = ov.convert_model(saved, input=[1, size, size, 3])
    for port, name in zip(network.outputs, ("logits", "cam"), strict=True):
        port.get_tensor().set_names({name})
    network.set_rt_info("Keras", ["conversion_parameters", "input_model"])  # was a temporary path
    ov.save_model(network, folder / "network.xml", compress_to_fp16=True)


def calibrated(
    model: keras.Model, validation: Validation, size: int
) -> tuple[float, dict[str, float]]:
    """Fit temperature and uncertain band on the val cells of both views together."""
    logits = np.concatenate([validation.logits(model, view, size) for view in validation.images])
    classes = np.concatenate(list(validation.classes.values()))
    temperature = fit_temperature(logits, classes)
    low, high = uncertain_band(softmax(logits / temperature)[:, BLAST], classes)
    return temperature, {"uncertain_low": low, "uncertain_high": high}


def _manifest(
    args: argparse.Namespace, size: int, temperature: float, thresholds: dict[str, float]
) -> dict[str, Any]:
    return {
        "model": "classifier",
        "version": args.version or todays_version(),
        "classes": list(CLASSES),
        "input": {"size": size, "layout": "NHWC", "range": "0..1", "colour": "RGB"},
        "thresholds": thresholds,
        "temperature": temperature,
        "training": {
            "data": list(DATA_SETS),
            "split": subject_split(),
            "seed": args.seed,
            "steps": args.steps + args.finish_steps,
            "arguments": {name: getattr(args, name) for name in _TOLD_ARGUMENTS},
            "augmentation": vars(from_arguments(args)),
        },
        "metrics": {},
    }

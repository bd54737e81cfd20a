"""Join the networks of all rounds to the one for serving, and calibrate it on their strangers.

Writes --weights-out: network, manifest, model card. The joined network gives the mean of the
networks' logits; what a cell's stranger network alone says of it is among its outputs, so that
calibration and evaluation need nothing else.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import openvino as ov

from imaging.images import classifier_input
from models.classifier.classifier import Classifier
from training.classifier.architectures import ARCHITECTURES, CLASSES, with_features
from training.classifier.augmentation import from_arguments
from training.classifier.card import write_card
from training.classifier.data import Places, shown, strangers
from training.classifier.ensemble import OUTPUTS, Whitening, fit_whitening, joined
from training.classifier.options import add_arguments, places_of
from training.classifier.predictions import (
    NORMAL_COVERAGE,
    SENSITIVITY,
    Readings,
    at_most,
    calibrate,
    read_strangers,
)
from training.classifier.validation import answers
from training.data import ROUNDS
from training.manifest import DATA_SETS, round_subjects, todays_version, write_manifest

__all__ = ("add_arguments", "run")

FAMILIAR_SHARE = 0.99
"""Share of the cells of both views that count as familiar."""

_TOLD_ARGUMENTS = (
    *("architecture", "scratch", "steps", "size", "batch", "finish_steps", "finish_batch"),
    *("rate", "black_share", "note"),
)


def run(args: argparse.Namespace) -> None:
    """Write the weights for serving from the networks that `training classifier` left."""
    places = places_of(args)
    networks = [keras.models.load_model(args.out / name / "model.keras") for name in ROUNDS]
    size = args.finish_size or ARCHITECTURES[args.architecture].served_size
    args.weights_out.mkdir(parents=True, exist_ok=True)
    whitening = _whitening(networks, places, max(2, args.fit_cells // 6), size)
    write_network(networks, whitening, args.weights_out, size)
    unset = {"temperature": 1.0, "uncertain_low": 0.0, "uncertain_high": 1.0}
    manifest = {**_manifest(args, size), "views": {"black": unset, "crop": unset}}
    write_manifest(args.weights_out, manifest)
    classifier = Classifier.load(args.weights_out, "f32")
    readings = read_strangers(classifier, places, args.fit_cells, args.fit_cells)
    write_manifest(args.weights_out, {**manifest, **calibration(readings)})
    write_card(args.weights_out)


def calibration(readings: dict[str, Readings]) -> dict[str, Any]:
    """Return the manifest's "views" and "thresholds" from what was said of strangers."""
    distances = np.concatenate([of_view.distances for of_view in readings.values()])
    return {
        "views": {view: vars(calibrate(of_view)) for view, of_view in readings.items()},
        "thresholds": {
            "familiar": float(np.quantile(distances, FAMILIAR_SHARE)),
            "sensitivity": SENSITIVITY,
            "normal_coverage": NORMAL_COVERAGE,
        },
    }


def write_network(
    networks: Sequence[keras.Model], whitening: Whitening, folder: Path, size: int
) -> None:
    """Write network.xml and .bin (f16 weights) of the joined network, for any number of images."""
    whole = joined(networks, whitening)
    with tempfile.TemporaryDirectory() as saved:
        whole.export(saved, verbose=False)
        network = ov.convert_model(saved, input=[-1, size, size, 3])
    for port, name in zip(network.outputs, sorted(OUTPUTS), strict=True):
        port.get_tensor().set_names({name})
    network.set_rt_info("Keras", ["conversion_parameters", "input_model"])  # was a temporary path
    ov.save_model(network, folder / "network.xml", compress_to_fp16=True)


def _whitening(networks: Sequence[keras.Model], places: Places, cells: int, size: int) -> Whitening:
    """Fit the whitening to the networks' features of cells of both views, of all subjects."""
    sources = [
        s for name in ROUNDS for of_view in strangers(places, name).values() for s in of_view
    ]
    inputs = [classifier_input(shown(source), size) for source in at_most(sources, cells)]
    features = [answers(_features_of(network), inputs) for network in networks]
    return fit_whitening(np.concatenate(features, axis=1))


def _told(args: argparse.Namespace) -> dict[str, Any]:
    told = {name: getattr(args, name) for name in _TOLD_ARGUMENTS}
    return {name: value for name, value in told.items() if value != ""}


def _features_of(network: keras.Model) -> keras.Model:
    told = with_features(network)
    return keras.Model(told.inputs, told.outputs[1])


def _manifest(args: argparse.Namespace, size: int) -> dict[str, Any]:
    return {
        "model": "classifier",
        "version": args.version or todays_version(),
        "classes": list(CLASSES),
        "input": {"size": size, "layout": "NHWC", "range": "0..1", "colour": "RGB"},
        "thresholds": {},
        "training": {
            "data": list(DATA_SETS),
            "split": round_subjects(),
            "seed": args.seed,
            "arguments": _told(args),
            "augmentation": vars(from_arguments(args)),
        },
        "metrics": {},
    }

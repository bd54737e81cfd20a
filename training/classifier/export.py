"""Build the ensemble of all folds' networks, and calibrate it on held-out subjects.

Writes --weights-out: network, manifest, model card. The ensemble gives the mean of the networks'
logits; each network's own are among its outputs, so that calibration and evaluation on held-out
subjects need nothing else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import openvino as ov

from imaging.images import classifier_input
from models.classifier.classifier import Classifier
from training.classifier.architectures import CLASSES, with_features
from training.classifier.card import write_card
from training.classifier.data import Places, classifier_view, held_out_sources
from training.classifier.ensemble import OUTPUTS, Whitening, build_ensemble, fit_whitening
from training.classifier.options import Options
from training.classifier.predictions import (
    NORMAL_COVERAGE,
    SENSITIVITY,
    Predictions,
    calibrate,
    limit_per_subject,
    predict_held_out,
)
from training.classifier.validation import predict
from training.data import FOLDS, DataError
from training.manifest import DATA_SETS, fold_subjects, todays_version, write_manifest

__all__ = ("Options", "run")

IN_DISTRIBUTION_SHARE = 0.99
"""Share of the held-out cells of both views that count as in the distribution."""

_RECORDED_OPTIONS = (
    *("architecture", "scratch", "steps", "size", "batch", "finish_steps", "finish_batch"),
    *("rate", "black_share", "note"),
)


def run(options: Options) -> None:
    """Write the weights for serving from the networks that `training classifier` left."""
    networks = [_load(options.out / name / "model.keras") for name in FOLDS]
    places, weights, size = options.places, options.weights_out, options.served_size
    weights.mkdir(parents=True, exist_ok=True)
    whitening = _whitening(networks, places, max(2, options.fit_cells // 6), size)
    write_network(networks, whitening, weights, size)
    unset = {"temperature": 1.0, "uncertain_low": 0.0, "uncertain_high": 1.0}
    manifest = {**_manifest(options), "views": {"black": unset, "crop": unset}}
    write_manifest(weights, manifest)
    classifier = Classifier.load(weights, "f32")
    predictions = predict_held_out(classifier, places, options.fit_cells, options.fit_cells)
    write_manifest(weights, {**manifest, **calibration(predictions)})
    write_card(weights)


def _load(path: Path) -> keras.Model:
    if not path.is_file():
        raise DataError(f"There is no network {path}. Train it: python -m training classifier.")
    model: Any = keras.models.load_model(path)
    return model


def calibration(predictions: dict[str, Predictions]) -> dict[str, Any]:
    """Return the manifest's "views" and "thresholds" from held-out predictions."""
    ood_scores = np.concatenate([of_view.ood_scores for of_view in predictions.values()])
    return {
        "views": {view: vars(calibrate(of_view)) for view, of_view in predictions.items()},
        "thresholds": {
            "familiar": float(np.quantile(ood_scores, IN_DISTRIBUTION_SHARE)),
            "sensitivity": SENSITIVITY,
            "normal_coverage": NORMAL_COVERAGE,
        },
    }


def write_network(
    networks: Sequence[keras.Model], whitening: Whitening, folder: Path, size: int
) -> None:
    """Write the ensemble's network.xml and .bin (f16 weights) for any batch size."""
    ensemble = build_ensemble(networks, whitening)
    with tempfile.TemporaryDirectory() as saved:
        ensemble.export(saved, verbose=False)
        network = ov.convert_model(saved, input=[-1, size, size, 3])
    for port, name in zip(network.outputs, sorted(OUTPUTS), strict=True):
        port.get_tensor().set_names({name})
    network.set_rt_info("Keras", ["conversion_parameters", "input_model"])  # was a temporary path
    ov.save_model(network, folder / "network.xml", compress_to_fp16=True)


def _whitening(networks: Sequence[keras.Model], places: Places, cells: int, size: int) -> Whitening:
    """Fit the whitening to the networks' features of cells of both views, of all subjects."""
    sources = [
        s for name in FOLDS for of_view in held_out_sources(places, name).values() for s in of_view
    ]
    inputs = [
        classifier_input(classifier_view(source), size)
        for source in limit_per_subject(sources, cells)
    ]
    features = [predict(_features_of(network), inputs) for network in networks]
    return fit_whitening(np.concatenate(features, axis=1))


def _recorded(options: Options) -> dict[str, Any]:
    values = {name: getattr(options, name) for name in _RECORDED_OPTIONS}
    return {name: value for name, value in values.items() if value != ""}


def _features_of(network: keras.Model) -> keras.Model:
    model = with_features(network)
    return keras.Model(model.inputs, model.outputs[1])


def _manifest(options: Options) -> dict[str, Any]:
    return {
        "model": "classifier",
        "version": options.version or todays_version(),
        "classes": list(CLASSES),
        "input": {"size": options.served_size, "layout": "NHWC", "range": "0..1", "colour": "RGB"},
        "thresholds": {},
        "training": {
            "data": list(DATA_SETS),
            "split": fold_subjects(),
            "seed": options.seed,
            "arguments": _recorded(options),
            "augmentation": vars(options.augmentation),
        },
        "metrics": {},
    }

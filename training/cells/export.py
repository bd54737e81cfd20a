"""Publish a version of the classifier: network, calibration, metrics and card, all or nothing.

Everything is made in a staged folder, and checked as it will be served before it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.taxonomy import SMUDGE
from models.findings import ALL_BLAST, NORMAL
from models.manifest import read_manifest
from training.cells import calibration
from training.cells.card import write_card
from training.cells.data import ATTRIBUTES, KINDS
from training.cells.evaluation import draw_charts, evaluate
from training.cells.pack import DEFAULT_PACK, SIZE, Pack
from training.cells.predict import (
    DEFAULT_FOLDS,
    PREDICTIONS,
    WHITENING_CELLS,
    Predictions,
    features_of,
    load_trained,
    training_rows,
)
from training.cells.served import fit_whitening, write_network
from training.cells.train import settings_of
from training.commands import option
from training.data import PROJECT
from training.manifest import DATA_SETS, next_version, write_manifest
from training.metrics.estimates import to_dict
from training.phases import Phase, phase
from training.publishing import check_unpublished, publish, record
from training.staging import STAGED, new_stage

_TRAIN, _PREDICT, _EXPORT = (
    f"python -m training.cells {name}" for name in ("train", "predict", "export")
)
DEFAULT_WEIGHTS = PROJECT / "weights" / "classifier"
MUNICH = {
    "name": "AML-Cytomorphology_LMU",
    "licence": "see the collection",
    "source": "doi:10.7937/tcia.2019.36f5o9ld",
}
WBCATT = {"name": "WBCAtt", "licence": "MIT", "source": "arXiv:2306.13531"}


@dataclass(frozen=True)
class Options:
    """Options of `python -m training.cells export`."""

    pack: Path = option(DEFAULT_PACK, "file of the packed pictures")
    folder: Path = option(DEFAULT_FOLDS, "folder of the trained folds")
    network: str = option("final", "folder of the network to serve, in --folder")
    staged: Path = option(STAGED / "classifier", "folder to make the weights in")
    weights: Path = option(DEFAULT_WEIGHTS, "folder of the published versions")
    version: str = option("", "of the weights (today's next)")
    note: str = option("", "what else the card should say of the training")
    samples: int = option(500, "bootstrap samples")
    threads: int = option(2, "processor threads")
    record: bool = option(False, "write the metrics into docs/validation.md")


def run(options: Options) -> None:
    """Export, calibrate, measure and publish."""
    torch.set_num_threads(options.threads)
    version = options.version or next_version(options.weights)
    check_unpublished(options.weights, version)
    pack = Pack.load(options.pack)
    predictions = Predictions.load(options.folder / PREDICTIONS)
    new_stage(options.staged)
    _write(replace(options, version=version), pack, predictions, options.staged)
    published = publish(options.weights, options.staged)
    if options.record:
        record(published, PROJECT)


def _write(options: Options, pack: Pack, predictions: Predictions, folder: Path) -> None:
    network = load_trained(options.folder / options.network)
    training = training_rows(pack, _held_out(options.network), WHITENING_CELLS)
    write_network(network, fit_whitening(features_of(network, pack, training)), folder)
    limits = calibration.calibrate_views(pack, predictions)
    thresholds = _thresholds(pack, predictions)
    sets = evaluate(pack, predictions, limits, thresholds[SMUDGE], options.samples)
    write_manifest(
        folder,
        {
            **_manifest(options, pack),
            "phases": _phases(options, predictions),
            "views": {view: vars(of_view) for view, of_view in limits.items()},
            "thresholds": thresholds,
            "metrics": to_dict(sets),
        },
    )
    draw_charts(pack, predictions, limits, folder / "charts")
    write_card(folder)


def _phases(options: Options, predictions: Predictions) -> list[Phase]:
    """Describe all phases, the trainings as their checkpoints state them."""
    folds = np.unique(predictions.folds).tolist()
    limits = {
        "sensitivity": calibration.SENSITIVITY,
        "decided_accuracy": calibration.DECIDED_ACCURACY,
    }
    return [
        *_trainings(options, options.network),
        phase("predict", _PREDICT, {"folds": folds}),
        phase("export", _EXPORT, {"network": options.network}),
        phase("calibrate", _EXPORT, limits),
        phase("evaluate", _EXPORT, {"samples": options.samples}),
    ]


def _trainings(options: Options, network: str) -> list[Phase]:
    """Return the phases of a training and of those that it went on from, the first one first."""
    settings = settings_of(options.folder / network)
    plain = {name: value for name, value in settings.items() if name != "start"}
    start, published = settings.get("start", ""), settings.get("published", "")
    before: list[Phase] = []
    if start:
        before = _trainings(options, start)
    elif published:
        phases = read_manifest(options.weights / published, "classifier").details["phases"]
        before = [each for each in phases if each["phase"] == "train"]
    return [*before, phase("train", _TRAIN, {"network": network, **plain})]


def _held_out(network: str) -> int | None:
    return int(network.removeprefix("fold")) if network.startswith("fold") else None


def _thresholds(pack: Pack, predictions: Predictions) -> dict[str, float]:
    return {
        SMUDGE: calibration.smudge_limit(pack, predictions),
        "familiar": calibration.in_distribution_limit(predictions),
        "sensitivity": calibration.SENSITIVITY,
        "decided_accuracy": calibration.DECIDED_ACCURACY,
    }


def _manifest(options: Options, pack: Pack) -> dict[str, Any]:
    return {
        "model": "classifier",
        "version": options.version,
        "classes": [NORMAL, ALL_BLAST],
        "input": {
            **{"size": SIZE, "layout": "NHWC", "range": "0..1", "colour": "RGB"},
            "stretched": False,
        },
        "kinds": list(KINDS),
        "attributes": {name: list(values) for name, values in ATTRIBUTES.items()},
        "training": {
            "data": [*DATA_SETS, MUNICH, WBCATT],
            "split": _subjects_by_fold(pack),
            "note": options.note,
            "arguments": {
                "architecture": settings_of(options.folder / options.network)["architecture"],
                "held_out": _held_out(options.network),
            },
        },
    }


def _subjects_by_fold(pack: Pack) -> dict[str, list[str]]:
    cells = pack.source == "cnmc"
    return {
        f"fold {fold}": sorted(set(pack.subject[cells & (pack.fold == fold)].tolist()))
        for fold in sorted(set(pack.fold[cells].tolist()))
    }

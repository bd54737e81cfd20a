"""Write weights/classifier: the network, its calibration, its metrics and its card, all or nothing.

Everything is made in a folder beside it and loaded as it will be served, before it takes the place
of the weights of before.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from core.taxonomy import SMUDGE
from models.classifier.cell_views import View
from models.classifier.classifier import Classifier
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
from training.commands import option
from training.data import PROJECT
from training.documents import replace_between
from training.manifest import DATA_SETS, todays_version, write_manifest
from training.metrics.estimates import format_tables, from_dict, to_dict

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
    weights: Path = option(DEFAULT_WEIGHTS, "folder to write")
    version: str = option("", "of the weights (today's first)")
    note: str = option("", "what else the card should say of the training")
    samples: int = option(500, "bootstrap samples")
    threads: int = option(2, "processor threads")
    record: bool = option(False, "write the metrics into docs/validation.md")


def run(options: Options) -> None:
    """Export, calibrate, measure and publish."""
    torch.set_num_threads(options.threads)
    pack = Pack.load(options.pack)
    predictions = Predictions.load(options.folder / PREDICTIONS)
    staged = options.weights.with_name(f"{options.weights.name}.staged")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    _write(options, pack, predictions, staged)
    publish(staged, options.weights)
    if options.record:
        _record(options.weights)


def publish(staged: Path, weights: Path) -> None:
    """Put weights in the place of others; raises `WeightsError` where they do not load."""
    Classifier.load(staged, "f32")
    former = weights.with_name(f"{weights.name}.former")
    shutil.rmtree(former, ignore_errors=True)
    if weights.exists():
        weights.rename(former)
    staged.rename(weights)
    shutil.rmtree(former, ignore_errors=True)


def _write(options: Options, pack: Pack, predictions: Predictions, folder: Path) -> None:
    network = load_trained(options.folder / options.network)
    settings = _settings(options)
    training = training_rows(pack, settings["held_out"], WHITENING_CELLS)
    write_network(network, fit_whitening(features_of(network, pack, training)), folder)
    limits = {
        view: calibration.calibrate(pack, calibration.of_view(pack, predictions, view), view)
        for view in View
    }
    sets = evaluate(pack, predictions, limits, options.samples)
    write_manifest(
        folder,
        {
            **_manifest(options, pack, settings),
            "views": {view: vars(of_view) for view, of_view in limits.items()},
            "thresholds": _thresholds(pack, predictions),
            "metrics": to_dict(sets),
        },
    )
    draw_charts(pack, predictions, limits, folder / "charts")
    write_card(folder)


def _record(weights: Path) -> None:
    manifest = read_manifest(weights, "classifier")
    tables = format_tables(from_dict(manifest.details["metrics"]))
    heading = f"Classifier {manifest.version}, `python -m training.cells export`:"
    replace_between(PROJECT / "docs" / "validation.md", "classifier", f"{heading}\n\n{tables}")


def _settings(options: Options) -> dict[str, Any]:
    """Return how the network was trained, as its checkpoints state it."""
    phases = _phases(options.folder, options.network)
    name = options.network
    held_out = int(name.removeprefix("fold")) if name.startswith("fold") else None
    noted = {"note": options.note} if options.note else {}
    return {"seed": phases[-1]["seed"], "held_out": held_out, "phases": phases, **noted}


def _phases(folder: Path, network: str) -> list[dict[str, Any]]:
    """Return the settings of a training and of those that it went on from, the first one first."""
    settings = torch.load(folder / network / "checkpoint.pt", weights_only=True)["settings"]
    start = settings.get("start", "")
    plain = {name: value for name, value in settings.items() if name != "start"}
    return [*(_phases(folder, start) if start else []), plain]


def _thresholds(pack: Pack, predictions: Predictions) -> dict[str, float]:
    return {
        SMUDGE: calibration.smudge_limit(pack, predictions),
        "familiar": calibration.in_distribution_limit(predictions),
        "sensitivity": calibration.SENSITIVITY,
        "decided_accuracy": calibration.DECIDED_ACCURACY,
    }


def _manifest(options: Options, pack: Pack, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": "classifier",
        "version": options.version or todays_version(),
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
            "seed": settings["seed"],
            "arguments": {"architecture": settings["phases"][0]["architecture"], **settings},
        },
    }


def _subjects_by_fold(pack: Pack) -> dict[str, list[str]]:
    cells = pack.source == "cnmc"
    return {
        f"fold {fold}": sorted(set(pack.subject[cells & (pack.fold == fold)].tolist()))
        for fold in sorted(set(pack.fold[cells].tolist()))
    }

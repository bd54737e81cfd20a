"""List the versions of the weights that are on disk, or serve another one from the next start on.

python -m training weights
python -m training weights --activate 2026.11.29-1 --model detector
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.manifest import WeightsError, load_manifest
from models.versions import activate, active_folder, versions
from training.commands import option
from training.data import PROJECT, DataError
from training.publishing import MODELS, check_servable

DEFAULT_WEIGHTS = PROJECT / "weights"


@dataclass(frozen=True)
class Options:
    """Options of `python -m training weights`."""

    weights: Path = option(DEFAULT_WEIGHTS, "folder of all models")
    list: bool = option(False, "list the versions; done where nothing else is asked for")
    activate: str = option("", "version to serve")
    model: str = option("", "whose, where both have that version", choices=lambda: MODELS)


def run(options: Options) -> None:
    """Activate a version, and list all."""
    if options.activate:
        switch(options.weights, _model_of(options), options.activate)
    if options.list or not options.activate:
        print("\n".join(_lines(options.weights)))


def switch(weights: Path, model: str, version: str) -> None:
    """Serve a version of a model, once it has proved that it can be; raises `WeightsError`."""
    folder = weights / model
    if version in versions(folder):
        check_servable(load_manifest(folder / version, model))
    activate(folder, version)
    print(f"{model} {version} is served from the next start of the server on.")


def _model_of(options: Options) -> str:
    """Return the model that is meant; raises DataError where that is not clear."""
    if options.model:
        return options.model
    having = [model for model in MODELS if options.activate in versions(options.weights / model)]
    if len(having) > 1:
        raise DataError(f"Say which with --model: {' and '.join(having)} have {options.activate}.")
    if not having:
        raise DataError(f"No model has the version {options.activate}. See --list.")
    return having[0]


def _lines(weights: Path) -> list[str]:
    return [
        f"{model:10} {version}{'  active' if version == _active(weights, model) else ''}"
        for model in MODELS
        for version in versions(weights / model)
    ]


def _active(weights: Path, model: str) -> str | None:
    try:
        return active_folder(weights, model).name
    except WeightsError:
        return None

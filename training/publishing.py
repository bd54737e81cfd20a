"""Publish staged weights: check them as they will be served, then switch to them in one step."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import get_args

import numpy as np

from models.classifier.cell_views import VIEWS
from models.classifier.classifier import Classifier
from models.detector.detector import Detector, load_network
from models.detector.frames import frames
from models.laboratory.embedder import EMBEDDER, Embedder
from models.manifest import NETWORK, Manifest, WeightsError, load_manifest, read_manifest
from models.runtime import Precision
from models.versions import activate, version_folder
from training.cards import CARD, metrics_tables
from training.documents import point_links, replace_between

_GREY = np.full((64, 64, 3), 128, np.uint8)


def publish(model_folder: Path, staged: Path) -> Path:
    """Put staged weights beside the published versions, and serve them from the next start on.

    A failure leaves what was active, and the staged weights.

    Args:
        model_folder: Of the model, such as `weights/detector`.
        staged: Folder with network, manifest, card and charts; it is removed in the end.

    Returns:
        The folder of the new version.

    Raises:
        WeightsError: They cannot be served, are not calibrated or not measured, or their version
            is published already.
    """
    target = _placed(model_folder, staged)
    activate(model_folder, target.name)
    shutil.rmtree(staged)
    return target


def add_version(model_folder: Path, staged: Path) -> Path:
    """Put staged weights beside the published versions, and go on serving the active one.

    Arguments, result and errors are those of `publish`.
    """
    target = _placed(model_folder, staged)
    shutil.rmtree(staged)
    return target


def _placed(model_folder: Path, staged: Path) -> Path:
    model = model_folder.name
    version = read_manifest(staged, model).version
    target = check_unpublished(model_folder, version)
    # A copy beside the target: it takes its place by one rename, whatever disk the staged are on.
    draft = model_folder / f".{version}"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        shutil.copytree(staged, draft)
        check_publishable(draft, model)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def record(folder: Path, project: Path) -> None:
    """Write the metrics of a published version into docs/validation.md, and point links to it.

    Args:
        folder: Of the version.
        project: With docs/ and README.md.
    """
    manifest = read_manifest(folder, folder.parent.name)
    model, details = manifest.model, manifest.details
    command = details["phases"][-1]["command"]
    heading = f"{model.capitalize()} {manifest.version}, `{command}`:"
    text = f"{heading}\n\n{metrics_tables(details['metrics'])}"
    replace_between(project / "docs" / "validation.md", model, text)
    for document in (project / "README.md", *(project / "docs").rglob("*.md")):
        point_links(document, model, manifest.version)


def check_unpublished(model_folder: Path, version: str) -> Path:
    """Return the folder that a version will have; raises `WeightsError` where it has one."""
    target = version_folder(model_folder, version)
    if target.exists():
        raise WeightsError(
            f"{target} is published already. Give the new weights another version (--version)."
        )
    return target


def check_publishable(folder: Path, model: str) -> None:
    """Check that weights can be served, in every precision, and have been measured.

    Raises:
        WeightsError: They cannot, or have not.
    """
    manifest = load_manifest(folder, model)
    _check_files(manifest)
    check_servable(manifest)
    if model in MEASURED and not _is_measured(manifest):
        raise WeightsError(f"{folder} has no metrics in its manifest: evaluate it first.")
    if not (folder / CARD).is_file():
        raise WeightsError(f"{folder} has no {CARD}.")


def check_servable(manifest: Manifest) -> None:
    """Load a network as it is served, in every precision, and have it read a grey image.

    Raises:
        WeightsError: It cannot be loaded, is not calibrated, or gives something else than its
            manifest states.
    """
    for precision in get_args(Precision):
        try:
            _TRIALS[manifest.model](manifest, precision)
        except (ValueError, KeyError, IndexError) as error:
            raise WeightsError(
                f"{manifest.folder} cannot be served: its network does not give what its manifest "
                f"states ({error!r})."
            ) from error


def _check_files(manifest: Manifest) -> None:
    """Check that the manifest proves every file of a network that is there."""
    there = {path.name for path in manifest.folder.glob(f"{Path(NETWORK).stem}*")}
    unproved = ", ".join(sorted(there - set(manifest.files)))
    if unproved:
        raise WeightsError(
            f"{manifest.folder} has files that its manifest does not name: {unproved}."
        )


def _is_measured(manifest: Manifest) -> bool:
    metrics = manifest.details.get("metrics")
    if not isinstance(metrics, dict):
        return False
    values = [[each["value"] for each in estimates.values()] for estimates in metrics.values()]
    return bool(values) and all(any(one is not None for one in of_set) for of_set in values)


def _try_classifier(manifest: Manifest, precision: Precision) -> None:
    classifier = Classifier.load(manifest.folder, precision)
    for view in VIEWS:
        reading = classifier.read(_GREY, view)
        if not (isfinite(reading.probability) and isfinite(reading.ood_score)):
            raise ValueError("answers that are no numbers")
    classifier.activation_map(_GREY)


def _try_detector(manifest: Manifest, precision: Precision) -> None:
    Detector.load(manifest.folder, precision).find(_GREY)
    grey = np.full((1, 3, *frames(manifest.input_size)[-1]), 0.5, np.float32)
    (head,) = load_network(manifest, precision).run(grey).values()
    if head.shape[1] != 4 + len(manifest.classes) or not np.isfinite(head).all():
        raise ValueError("boxes that are no numbers, or of other classes")


def _try_embedder(manifest: Manifest, precision: Precision) -> None:
    if not np.isfinite(Embedder.load(manifest.folder, precision).embed([_GREY])).all():
        raise ValueError("features that are no numbers")


_TRIALS: dict[str, Callable[[Manifest, Precision], None]] = {
    "classifier": _try_classifier,
    "detector": _try_detector,
    EMBEDDER: _try_embedder,
}
MODELS = tuple(_TRIALS)
MEASURED = ("classifier", "detector")
"""Models that say something of a cell, and are measured before they are published."""

"""What the networks of this installation say of themselves: manifests, cards and charts."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from models.findings import FieldFindings, Namer
from models.manifest import VALIDATED_FOR, Manifest, WeightsError, read_manifest
from models.versions import active_folder

CLASSIFIER, DETECTOR = "classifier", "detector"
CARD, CHARTS = "model_card.md", "charts"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelCard:
    """One model: manifest and card (Markdown), None where they cannot be read; names of charts."""

    model: str
    manifest: Manifest | None
    text: str | None
    charts: frozenset[str]


def read_card(weights: Path, model: str) -> ModelCard:
    """Read what lies beside a network in `weights`; why something cannot be read is logged."""
    folder = _active_folder(weights, model)
    if folder is None:
        return ModelCard(model, None, None, frozenset())
    return ModelCard(model, _manifest(folder, model), _text(folder / CARD), _charts(folder))


def aimed_sensitivity(weights: Path, findings: FieldFindings) -> float | None:
    """Return the share of blasts (0..1) that the threshold of these findings aims at.

    None where that is not known: the network in `weights` is another, or does not tell.
    """
    if findings.named_by == Namer.CLASSIFIER:
        manifest = _of_version(weights, CLASSIFIER, findings.classifier)
        return manifest.thresholds.get("sensitivity") if manifest else None
    manifest = _of_version(weights, DETECTOR, findings.model)
    if manifest is None or manifest.thresholds.get("blast") != findings.thresholds.get("blast"):
        return None
    return manifest.details.get("operating_point", {}).get("blast_sensitivity")


def uncertain_band(weights: Path, version: str, view: str | None) -> tuple[float, float] | None:
    """Return between which probabilities (0..1) the classifier does not decide.

    None where that is unknown: another version is installed now, or the view has no limits.
    """
    manifest = _of_version(weights, CLASSIFIER, version)
    if manifest is None or view not in manifest.views:
        return None
    limits = manifest.views[view]
    return limits["uncertain_low"], limits["uncertain_high"]


def classifier_name(weights: Path, version: str | None = None) -> str:
    """Return what the classifier is called, as its manifest states it.

    Args:
        weights: Folder of the weights.
        version: That of the classifier meant; the installed one's unless given.

    Returns:
        Its architecture; "Classifier" where that is not known: another version is installed now.
    """
    manifest = _active_manifest(weights, CLASSIFIER)
    if manifest is None or version not in (None, manifest.version):
        return CLASSIFIER.capitalize()
    return manifest.name


def not_validated_for(weights: Path, specimen: str) -> tuple[str, ...]:
    """Return the installed models that were not validated for a kind of specimen."""
    installed = {model: _active_manifest(weights, model) for model in (DETECTOR, CLASSIFIER)}
    return tuple(
        model
        for model, manifest in installed.items()
        if specimen not in (manifest.specimens if manifest else VALIDATED_FOR)
    )


def read_chart(weights: Path, model: str, name: str) -> bytes:
    """Read an SVG that lies beside a network; raises FileNotFoundError for any other name."""
    folder = _active_folder(weights, model)
    if folder is None or name not in _charts(folder):
        raise FileNotFoundError(name)
    return (folder / CHARTS / name).read_bytes()


def _active_folder(weights: Path, model: str) -> Path | None:
    try:
        return active_folder(weights, model)
    except WeightsError as error:
        _log.warning("%s", error)
        return None


def _active_manifest(weights: Path, model: str) -> Manifest | None:
    folder = _active_folder(weights, model)
    return None if folder is None else _manifest(folder, model)


def _manifest(folder: Path, model: str) -> Manifest | None:
    try:
        return read_manifest(folder, model)
    except WeightsError as error:
        _log.warning("%s", error)
        return None


def _of_version(weights: Path, model: str, version: str | None) -> Manifest | None:
    """Return the installed manifest of a model, None where another version is installed."""
    manifest = _active_manifest(weights, model)
    return manifest if manifest and manifest.version == version else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        _log.warning("%s cannot be read: %s", path, error)
        return None


def _charts(folder: Path) -> frozenset[str]:
    return frozenset(path.name for path in (folder / CHARTS).glob("*.svg") if path.is_file())

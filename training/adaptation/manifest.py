"""The manifest of a fine-tuned network: its base's, and what was changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import Any

from models.laboratory.proof import Change
from models.manifest import Manifest
from training.adaptation.proof import Proof
from training.manifest import add_phase, write_manifest
from training.metrics.estimates import to_dict
from training.phases import phase

_INHERITED = (
    *("model", "classes", "input", "kinds", "attributes", "views"),
    *("calibration", "operating_point", "scale", "specimens"),
)


@dataclass(frozen=True)
class Adapted:
    """A fine-tuned network's origin.

    Attributes:
        version: Of the new weights.
        laboratory: How much it learnt of whom.
        options: Of its training, by name.
        thresholds: Those that are not its base's.
    """

    version: str
    laboratory: Mapping[str, int | bool]
    options: Mapping[str, Any]
    thresholds: Mapping[str, float] = field(default_factory=dict)


def write_adapted_manifest(folder: Path, base: Manifest, adapted: Adapted) -> None:
    """Write the manifest of a fine-tuned network; no file name or patient gets into it.

    Args:
        folder: Where the network is staged.
        base: Of the network that it was fine-tuned from; its calibration is kept.
        adapted: The origin.
    """
    details = base.details
    training = [one for one in details.get("phases", ()) if one["phase"] == "train"]
    write_manifest(
        folder,
        {
            **{name: details[name] for name in _INHERITED if name in details},
            "version": adapted.version,
            "thresholds": {**details["thresholds"], **adapted.thresholds},
            "training": {
                **details["training"],
                "base": base.version,
                "laboratory": dict(adapted.laboratory),
            },
            "phases": [*training, phase("train", command(base.model), adapted.options)],
            "metrics": {},
        },
    )


def add_proof(folder: Path, model: str, proof: Proof) -> None:
    """Write both networks' figures into the manifest of a staged network."""
    add_phase(
        folder,
        phase("evaluate", command(model), {}),
        metrics=to_dict(proof.metrics),
        proof={
            title: {name: _plain(change) for name, change in changes.items()}
            for title, changes in proof.changes.items()
        },
    )


def command(model: str) -> str:
    """Return the command that fine-tunes a model."""
    return f"python -m training adapt {model}"


def _plain(change: Change) -> dict[str, float | bool | None]:
    numbers = {name: getattr(change, name) for name in ("before", "after", "low", "high")}
    plain = {name: None if isnan(value) else float(value) for name, value in numbers.items()}
    return {**plain, "rises": change.rises, "passed": bool(change.passed)}

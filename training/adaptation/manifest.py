"""The manifest of a fine-tuned classifier: its base's, and what was changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

from models.classifier.calibration import IN_DISTRIBUTION_LIMIT
from models.laboratory.proof import Change
from models.manifest import Manifest
from training.adaptation.laboratory import Laboratory
from training.adaptation.proof import Proof
from training.cells.calibration import in_distribution_limit
from training.cells.data import UNKNOWN
from training.cells.predict import Predictions
from training.manifest import write_manifest
from training.metrics.estimates import to_dict
from training.phases import phase

_COMMAND = "python -m training adapt classifier"
_INHERITED = ("model", "classes", "input", "kinds", "attributes", "views")


@dataclass(frozen=True)
class Adapted:
    """A fine-tuned network's origin.

    Attributes:
        version: Of the new weights.
        laboratory: Whose cells it learnt.
        options: Of its training, by name.
    """

    version: str
    laboratory: Laboratory
    options: Mapping[str, Any]


def write_adapted_manifest(
    folder: Path, base: Manifest, adapted: Adapted, after: Predictions, proof: Proof
) -> None:
    """Write the manifest of a fine-tuned network; no file name or patient gets into it.

    Args:
        folder: Where the network is staged.
        base: Of the network that it was fine-tuned from; its calibration is kept.
        adapted: The origin.
        after: Its answers about cells that it never saw, which say what is usual.
        proof: Both networks measured.
    """
    details = base.details
    training = [one for one in details.get("phases", ()) if one["phase"] == "train"]
    write_manifest(
        folder,
        {
            **{name: details[name] for name in _INHERITED},
            "version": adapted.version,
            "thresholds": {
                **details["thresholds"],
                IN_DISTRIBUTION_LIMIT: in_distribution_limit(after),
            },
            "training": {
                **details["training"],
                "base": base.version,
                "laboratory": _counts(adapted.laboratory),
            },
            "phases": [
                *training,
                phase("train", _COMMAND, adapted.options),
                phase("evaluate", _COMMAND, {}),
            ],
            "metrics": to_dict(proof.metrics),
            "proof": {
                title: {name: _plain(change) for name, change in changes.items()}
                for title, changes in proof.changes.items()
            },
        },
    )


def _counts(laboratory: Laboratory) -> dict[str, Any]:
    blasts = [cell.blast for cell in laboratory.cells]
    return {
        "blasts": blasts.count(1),
        "others": blasts.count(0),
        "smudges": blasts.count(UNKNOWN),
        "groups": len({cell.group for cell in laboratory.cells}),
        "patients_known": laboratory.patients_known,
    }


def _plain(change: Change) -> dict[str, float | bool | None]:
    numbers = {name: getattr(change, name) for name in ("before", "after", "low", "high")}
    plain = {name: None if isnan(value) else float(value) for name, value in numbers.items()}
    return {**plain, "rises": change.rises, "passed": bool(change.passed)}

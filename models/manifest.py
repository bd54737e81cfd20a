"""The manifest beside a network: what it is, and proof that its files are the ones it names."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
NETWORK = "network.xml"


class WeightsError(RuntimeError):
    """Weights that are missing, altered or unreadable; its text is a sentence for the operator."""


@dataclass(frozen=True)
class Manifest:
    """What one network says of itself; `input_size` in pixels, the other numbers unitless.

    `views` holds the calibration of each view of a cell (a classifier's alone): temperature,
    uncertain_low, uncertain_high. A detector's `calibration` holds slope and offset of each
    question (`models.detector.operating_point`), its `scale` the red-cell diameters that it was
    trained on: red_cell_low, red_cell_high in pixels of its input.
    """

    folder: Path
    model: str
    version: str
    classes: tuple[str, ...]
    input_size: int
    thresholds: dict[str, float]
    views: dict[str, dict[str, float]]
    calibration: dict[str, dict[str, float]]
    scale: dict[str, float]
    files: dict[str, str]
    details: dict[str, Any] = field(repr=False)

    @property
    def network(self) -> Path:
        """Path of the OpenVINO network description."""
        return self.folder / NETWORK


def load_manifest(folder: Path, model: str) -> Manifest:
    """Read and check the manifest of `model` in `folder`; raises `WeightsError` with the reason."""
    manifest = read_manifest(folder, model)
    if manifest.model != model:
        raise WeightsError(f"{folder / MANIFEST} describes a {manifest.model}, not a {model}.")
    if NETWORK not in manifest.files:
        raise WeightsError(f"{folder / MANIFEST} names no {NETWORK}; {_remedy(model)}")
    for name, expected in manifest.files.items():
        _check_file(folder / name, expected, model)
    return manifest


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_manifest(folder: Path, model: str) -> Manifest:
    """Read what a manifest says, without a look at the files it names; raises `WeightsError`."""
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(
            folder=folder,
            model=content["model"],
            version=content["version"],
            classes=tuple(content["classes"]),
            input_size=int(content["input"]["size"]),
            thresholds=_numbers(content["thresholds"]),
            views=_tables(content.get("views", {})),
            calibration=_tables(content.get("calibration", {})),
            scale=_numbers(content.get("scale", {})),
            files=dict(content["files"]),
            details=content,
        )
    except FileNotFoundError:
        raise WeightsError(f"{path} is missing; {_remedy(model)}") from None
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise WeightsError(f"{path} cannot be read ({error!r}); {_remedy(model)}") from error


def _numbers(content: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in content.items()}


def _tables(content: dict[str, Any]) -> dict[str, dict[str, float]]:
    return {name: _numbers(numbers) for name, numbers in content.items()}


def _check_file(path: Path, expected: str, model: str) -> None:
    if not path.is_file():
        raise WeightsError(f"{path} is missing; {_remedy(model)}")
    if sha256_of(path) != expected:
        raise WeightsError(
            f"{path} is not the file that its manifest names (SHA-256 differs); {_remedy(model)}"
        )


def _remedy(model: str) -> str:
    return f"restore weights/{model} from the release, or train it: python -m training {model}."

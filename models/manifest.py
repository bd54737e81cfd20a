"""The manifest beside a network: what it is, and proof that its files are the ones it names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import (
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    TypeAdapter,
    ValidationError,
)

from core.coding import BLOOD

MANIFEST = "manifest.json"
NETWORK = "network.xml"

VALIDATED_FOR = (BLOOD,)
"""Kinds of specimen that a network was validated for, unless its manifest names others."""

Numbers = dict[str, FiniteFloat]

_OBJECT = TypeAdapter(dict[str, Any])


class WeightsError(RuntimeError):
    """Weights that cannot be used; its text is a sentence for the operator."""


class Manifest(BaseModel):
    """What one network says of itself.

    Attributes:
        folder: Where it lies.
        model: "classifier" or "detector".
        version: Version of the weights.
        classes: Codes of its outputs, in their order.
        input_size: Side in pixels of the square images that it takes in.
        thresholds: Numbers from which on something is said, by name.
        stretched: Whether a classifier's images are rescaled by their own minimum and maximum.
        kinds: Of cells that a classifier tells apart, in the order of its output; empty where it
            does not.
        attributes: Of a cell's form that it tells, and the values of each, in the order of its
            output.
        views: A classifier's calibration of each view of a cell: temperature, offset,
            uncertain_low, and uncertain_high, from which on a cell counts as a blast.
        calibration: A detector's slope and offset of each question
            (`models.detector.operating_point`).
        scale: The red-cell diameters that a detector was trained on: red_cell_low, red_cell_high
            in pixels of its input.
        files: SHA-256 of each file by its name.
        specimens: Kinds of specimen that it was validated for (`core.coding.SPECIMEN_CODES`).
        architecture: Of the network, where it is told.
        details: All that the file says.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path
    model: str
    version: str
    classes: tuple[str, ...]
    input_size: int = Field(validation_alias=AliasPath("input", "size"), gt=0)
    stretched: bool = Field(default=True, validation_alias=AliasPath("input", "stretched"))
    kinds: tuple[str, ...] = ()
    attributes: dict[str, tuple[str, ...]] = {}
    thresholds: Numbers
    views: dict[str, Numbers] = {}
    calibration: dict[str, Numbers] = {}
    scale: Numbers = {}
    files: dict[str, str]
    specimens: tuple[str, ...] = VALIDATED_FOR
    architecture: str | None = Field(
        default=None, validation_alias=AliasPath("training", "arguments", "architecture")
    )
    details: dict[str, Any] = Field(repr=False)

    @property
    def name(self) -> str:
        """What the network is called: its architecture, or else its part."""
        return self.architecture or self.model.capitalize()

    @property
    def network(self) -> Path:
        """Path of the OpenVINO network description."""
        return self.folder / NETWORK


def load_manifest(folder: Path, model: str) -> Manifest:
    """Read a manifest, and check the files that it names.

    Args:
        folder: Where the network lies.
        model: "classifier" or "detector".

    Raises:
        WeightsError: Something is missing, altered or unreadable.
    """
    manifest = read_manifest(folder, model)
    if manifest.model != model:
        raise WeightsError(f"{folder / MANIFEST} describes a {manifest.model}, not a {model}.")
    if NETWORK not in manifest.files:
        raise WeightsError(f"{folder / MANIFEST} names no {NETWORK}; {remedy(model)}")
    for name, expected in manifest.files.items():
        _check_file(folder / name, expected, model)
    return manifest


def sha256_of(path: Path) -> str:
    """Compute the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_manifest(folder: Path, model: str) -> Manifest:
    """Read what a manifest says, whatever files are there.

    Args:
        folder: Where the network lies.
        model: What it should be, to name a remedy.

    Raises:
        WeightsError: The manifest is missing or unreadable.
    """
    path = folder / MANIFEST
    try:
        content = _OBJECT.validate_json(path.read_bytes())
        return Manifest.model_validate({**content, "folder": folder, "details": content})
    except FileNotFoundError:
        raise WeightsError(f"{path} is missing; {remedy(model)}") from None
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error}); {remedy(model)}") from error
    except ValidationError as error:
        raise WeightsError(f"{path} cannot be read ({_told(error)}); {remedy(model)}") from error


def remedy(model: str) -> str:
    """Say what to do about weights that are missing or damaged."""
    return f"restore weights/{model} from the release, or train it: make train."


def uncalibrated(manifest: Manifest, faults: Sequence[str]) -> WeightsError:
    """Return the error of weights that must not be served, naming what their calibration lacks."""
    return WeightsError(
        f"The {manifest.model} {manifest.version} is not calibrated and cannot be served: "
        f"{'; '.join(faults)}. Activate another version (python -m training weights), or "
        "calibrate and publish this one (make train)."
    )


def _told(error: ValidationError) -> str:
    """Name each wrong entry and what is wrong with it."""
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, one["loc"])), one["msg"])))
        for one in error.errors(include_url=False)
    )


def _check_file(path: Path, expected: str, model: str) -> None:
    if not path.is_file():
        raise WeightsError(f"{path} is missing; {remedy(model)}")
    if sha256_of(path) != expected:
        raise WeightsError(
            f"{path} is not the file that its manifest names (SHA-256 differs); {remedy(model)}"
        )

"""A laboratory's head as the bytes that are kept of it, or exported: numbers alone, no image."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping

import numpy as np

from models.laboratory.adapted import LaboratoryHead
from models.laboratory.head import Head, Numbers
from models.laboratory.kinds import KIND_CLASSES, KindsHead

FORMAT = "leukoscope.head.2"
WITHOUT_KINDS = "leukoscope.head.1"
"""Format of before, in which a head has no `kinds`."""

CARD = "card"
"""What an exported head's card is called in its archive."""

_KINDS = "kinds"
_KINDS_ARRAYS = ("offsets", "weights", "mean", "scale")
_SMUDGE = "smudge"
_BLAST = "blast."
_ABOUT = "about"
_ARRAYS = ("weights", "mean", "scale")
_NUMBERS = ("slope", "offset", "threshold", "lower")


class HeadFileError(ValueError):
    """Bytes that are no head of this format."""


def to_bytes(head: LaboratoryHead) -> bytes:
    """Write a head as a NumPy archive."""
    parts = {f"{_BLAST}{view}": part for view, part in head.blast.items()}
    if head.smudge:
        parts[_SMUDGE] = head.smudge
    about = json.dumps(
        {
            "format": FORMAT,
            "version": head.version,
            "parts": sorted(parts),
            "kinds": head.kinds and list(head.kinds.classes),
        }
    )
    arrays: dict[str, Numbers] = {}
    for name, part in parts.items():
        arrays |= {f"{name}/{field}": getattr(part, field) for field in _ARRAYS}
        arrays[f"{name}/numbers"] = np.array([getattr(part, field) for field in _NUMBERS])
    if head.kinds:
        kinds = head.kinds
        arrays |= {f"{_KINDS}/{field}": getattr(kinds, field) for field in _KINDS_ARRAYS}
        arrays[f"{_KINDS}/slope"] = np.array([kinds.slope])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{_ABOUT: np.array(about)}, **arrays)
    return buffer.getvalue()


def with_card(content: bytes, card: str) -> bytes:
    """Add a card, a JSON text, to a head for whoever it is given to."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = dict(file)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{**arrays, CARD: np.array(card)})
    return buffer.getvalue()


def from_bytes(content: bytes) -> LaboratoryHead:
    """Read a head; raises `HeadFileError`."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            about = json.loads(str(file[_ABOUT]))
            if about["format"] not in (FORMAT, WITHOUT_KINDS):
                raise HeadFileError(about["format"])
            parts = {
                name: Head(
                    **{field: file[f"{name}/{field}"] for field in _ARRAYS},
                    **dict(zip(_NUMBERS, file[f"{name}/numbers"].tolist(), strict=True)),
                )
                for name in about["parts"]
            }
            kinds = _kinds(file, about.get("kinds"))
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise HeadFileError(str(error)) from error
    blast = {name[len(_BLAST) :]: part for name, part in parts.items() if name.startswith(_BLAST)}
    return LaboratoryHead(about["version"], blast, parts.get(_SMUDGE), kinds)


def _kinds(file: Mapping[str, Numbers], classes: list[str] | None) -> KindsHead | None:
    if classes is None:
        return None
    if unknown := set(classes) - set(KIND_CLASSES):
        raise HeadFileError(f"unknown classes: {', '.join(sorted(unknown))}")
    arrays = {field: file[f"{_KINDS}/{field}"] for field in _KINDS_ARRAYS}
    return KindsHead(tuple(classes), float(file[f"{_KINDS}/slope"][0]), **arrays)

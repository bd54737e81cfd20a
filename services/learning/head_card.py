"""The card of a laboratory model, which goes with its export: numbers, no cell and no case.

It is made field by field: nothing of a proof that names a case, a cell or a file gets in.
docs/adr/0053 describes the format.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from records.learning.heads import FittedHead

FORMAT = "leukoscope.head-card.1"

METHOD = (
    "Each cell is answered by a head fitted without its patient, and by the base model. Intervals "
    "are of 95%, by bootstrap over patients."
)
LIMITS = (
    "Fitted to one laboratory's microscope, stain and readers: elsewhere it is not proven.",
    "Corrects white cells in fields; images of single cells are read by the base model alone.",
    "Answers over the networks of `base_model` and no others.",
    "What the readers signed is taken for true: their errors are learnt.",
    "With few patients the intervals are wide, and rare kinds are measured on few cells.",
    "Not a medical device; it does not diagnose.",
)

_FIGURES = ("before", "after", "difference_low", "difference_high", "passed")
_OF_CURVE = ("cells", "auroc", "low", "high")
_OF_DATA = ("cells", "blasts", "cases", "patients", "signed_first", "signed_last")


def card_of(head: FittedHead) -> dict[str, Any]:
    """Return the card of a head that is fitted, as values that JSON takes."""
    proof = head.proof or {}
    return {
        "format": FORMAT,
        "version": f"lab{head.number}",
        "fitted": head.created_at.date().isoformat(),
        "base_model": {"classifier": head.classifier, "embedder": head.embedder},
        "data": {name: proof.get(name) for name in _OF_DATA},
        "proof": _proof(proof),
        "limits": list(LIMITS),
    }


def _proof(proof: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "method": METHOD,
        "passed": proof.get("passed"),
        "cells_tried": proof.get("tried"),
        "figures": {
            name: _some(change, _FIGURES) for name, change in proof.get("changes", {}).items()
        },
        "curve": [_some(point, _OF_CURVE) for point in proof.get("curve", ())],
        "kinds": _kinds(proof.get("kinds")),
    }


def _kinds(kinds: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if kinds is None:
        return None
    return {
        **_some(kinds, ("cells", "moved", "classes", "before", "after")),
        "of_class": {
            code: _some(change, ("cells", *_FIGURES)) for code, change in kinds["of_class"].items()
        },
    }


def _some(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values.get(name) for name in names}

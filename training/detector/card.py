"""The model card of the detector, written from the manifest beside the weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from models.manifest import MANIFEST
from training.cards import CARD, metrics_tables
from training.phases import note_of, phase_list

_TEMPLATE = Path(__file__).with_name("card.md")


def write_card(folder: Path) -> None:
    """Write the card of a folder's weights beside their manifest."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / CARD).write_text(card(manifest), encoding="utf-8")


def card(manifest: Mapping[str, Any]) -> str:
    """Return the card as Markdown.

    Args:
        manifest: As `training.detector.export` writes it, and the later phases amend it.
    """
    training = manifest["training"]
    split = training["split"]
    note = note_of(manifest["phases"], "evaluate")
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        version=manifest["version"],
        size=manifest["input"]["size"],
        trained=", ".join(split["train"] + split["val"]),
        held_out=", ".join(split["test"]),
        note=training["note"],
        phases=phase_list(manifest["phases"]),
        measured=f" {note}" if note else "",
        metrics=metrics_tables(manifest["metrics"]),
    )

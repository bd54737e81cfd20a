"""The model card of a fine-tuned network, and the table of its proof."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import nan
from pathlib import Path
from string import Template
from typing import Any

from models.laboratory.proof import Change
from models.manifest import MANIFEST
from training.cards import CARD, metrics_tables
from training.documents import table
from training.phases import phase_list

_FOLDER = Path(__file__).parent
_PARTS = ("before", "after", "low", "high")


def write_card(folder: Path) -> None:
    """Write the card of a folder's weights beside their manifest."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / CARD).write_text(card(manifest), encoding="utf-8")


def card(manifest: Mapping[str, Any]) -> str:
    """Return the card as Markdown.

    Args:
        manifest: As `training.adaptation.manifest` writes it.
    """
    training = manifest["training"]
    counts = dict(training["laboratory"])
    known = counts.pop("patients_known")
    template = _FOLDER / f"{manifest['model']}_card.md"
    return Template(template.read_text(encoding="utf-8")).substitute(
        counts,
        version=manifest["version"],
        base=training["base"],
        groups=f"{counts['groups']} {'patients' if known else 'patients or fields'}",
        phases=phase_list(manifest["phases"]),
        proof=proof_table(_changes(manifest["proof"])),
        flatters="" if known else _FLATTERS,
        metrics=metrics_tables(manifest["metrics"]),
    )


_FLATTERS = (
    "- Not every patient was known: fields of one patient may lie on both sides, which flatters.\n"
)


def proof_table(changes: Mapping[str, Mapping[str, Change]]) -> str:
    """Return all figures before and after as Markdown tables, one for each set of cells."""
    return "\n\n".join(
        table(
            (title, "before", "after", "change, 95%", "passed"),
            [(name, *_cells(change)) for name, change in of_set.items()],
        )
        for title, of_set in changes.items()
    )


def _cells(change: Change) -> tuple[str, ...]:
    return (
        f"{change.before:.3f}",
        f"{change.after:.3f}",
        f"{change.low:+.3f} to {change.high:+.3f}",
        "yes" if change.passed else "no",
    )


def _changes(proof: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Change]]:
    return {
        title: {
            name: Change(*(_number(plain[part]) for part in _PARTS), rises=plain["rises"])
            for name, plain in of_set.items()
        }
        for title, of_set in proof.items()
    }


def _number(plain: float | None) -> float:
    return nan if plain is None else plain

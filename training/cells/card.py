"""The model card of the classifier, written from the manifest beside the weights."""

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from models.manifest import MANIFEST
from training.classifier.card import CARD, limits_table, summary
from training.metrics.estimates import format_tables, from_dict

_TEMPLATE = Path(__file__).with_name("card.md")
_VIEWS = {"black": "cell cut out on black", "crop": "cell with its surroundings"}
_LIMITS = {
    "temperature": "temperature",
    "offset": "offset",
    "uncertain_low": "uncertain from",
    "uncertain_high": "blast from",
}


def write_card(folder: Path) -> None:
    """Write the card of a folder's weights beside their manifest."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / CARD).write_text(card(manifest), encoding="utf-8")


def card(manifest: Mapping[str, Any]) -> str:
    """Return the card as Markdown.

    Args:
        manifest: As `training.cells.export` writes it.
    """
    training, thresholds = manifest["training"], manifest["thresholds"]
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        version=manifest["version"],
        size=manifest["input"]["size"],
        ood_limit=f"{thresholds['familiar']:.2f}",
        sensitivity=f"{thresholds['sensitivity']:.0%}",
        decided=f"{thresholds['decided_accuracy']:.0%}",
        groups="\n".join(
            f"- {name}: {', '.join(people)}" for name, people in training["split"].items()
        ),
        served=_served(training["arguments"]["held_out"]),
        seed=training["seed"],
        phases=_phases(training["arguments"]),
        summary=summary(manifest["metrics"]),
        metrics=format_tables(from_dict(manifest["metrics"])),
        calibration=limits_table(manifest["views"], _VIEWS, _LIMITS),
    )


def _phases(arguments: Mapping[str, Any]) -> str:
    lines = [
        f"{number}. {', '.join(f'{name} {value}' for name, value in settings.items())}"
        for number, settings in enumerate(arguments["phases"], start=1)
    ]
    return "\n".join([*lines, *([f"\n{arguments['note']}"] if "note" in arguments else [])])


def _served(held_out: int | None) -> str:
    if held_out is None:
        return (
            "The network that is served was trained on all folds, so that no subject of C-NMC is "
            "left to measure it on; the folds' networks stand for it."
        )
    return (
        f"The network that is served is that of fold {held_out}: the people of fold {held_out} "
        "are unknown to it."
    )

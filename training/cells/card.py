"""The model card of the classifier, written from the manifest beside the weights."""

import json
from collections.abc import Mapping
from math import isnan
from pathlib import Path
from string import Template
from typing import Any

from models.manifest import MANIFEST
from training.cards import CARD, NOT_MEASURED, metrics_tables
from training.documents import table
from training.metrics.estimates import Estimate, PlainEstimates, from_dict
from training.phases import phase_list

SUMMARY = {
    "AUROC": "AUROC",
    "AUROC of the area alone": "AUROC of the cell's area alone, without a network",
    "sensitivity": "sensitivity at the operating point",
    "specificity": "specificity at the operating point",
    "uncertain": "called uncertain, as a share",
    "calibration error": "expected calibration error",
}
"""Columns of the summary, and the measures that they show."""

_NO_SHARES = ("AUROC", "calibration error")
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
        phases=phase_list(manifest["phases"]),
        note=_note(training.get("note", "")),
        summary=summary(manifest["metrics"]),
        metrics=metrics_tables(manifest["metrics"]),
        calibration=_limits(manifest["views"]),
    )


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


def _note(note: str) -> str:
    return f"\n{note}\n" if note else ""


def summary(metrics: PlainEstimates) -> str:
    """Return the metrics that matter most as Markdown.

    A row for each set, a column of SUMMARY wherever any set has such a metric.

    Args:
        metrics: By title of the set and of the measure, as the manifest has them.
    """
    if not metrics:
        return NOT_MEASURED
    sets = from_dict(metrics)
    columns = [
        title
        for title, measure in SUMMARY.items()
        if any(measure in estimates for estimates in sets.values())
    ]
    return table(
        ("tested on", *columns),
        [
            (name, *(_format(title, estimates.get(SUMMARY[title])) for title in columns))
            for name, estimates in sets.items()
        ],
    )


def _format(title: str, estimate: Estimate | None) -> str:
    if estimate is None or isnan(estimate.value):
        return "–"
    if title.startswith(_NO_SHARES):
        return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"
    return f"{estimate.value:.0%} ({100 * estimate.low:.0f} to {100 * estimate.high:.0f})"


def _limits(views: Mapping[str, Mapping[str, float]]) -> str:
    """Return the limits of each view as a table."""
    rows = [
        (_VIEWS[view], *(f"{limits[limit]:.2f}" for limit in _LIMITS))
        for view, limits in views.items()
    ]
    return table(("view", *_LIMITS.values()), rows)

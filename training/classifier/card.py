"""The classifier's model card, written from the manifest beside the weights."""

import json
from collections.abc import Mapping
from math import isnan
from pathlib import Path
from string import Template
from typing import Any

from models.manifest import MANIFEST
from training.documents import table
from training.metrics.estimates import Estimate, PlainEstimates, format_tables, from_dict

CARD = "model_card.md"

SUMMARY = {
    "AUROC": ("AUROC", "AUROC, blasts against all other white cells"),
    "AUROC of the area alone": ("AUROC of the cell's area alone, without a network",),
    "sensitivity": ("sensitivity at the operating point",),
    "specificity": ("specificity at the operating point",),
    "sensitivity at 0.5": ("sensitivity (recall) at 0.5",),
    "specificity at 0.5": ("specificity at 0.5",),
    "uncertain": ("called uncertain, as a share",),
    "calibration error": ("expected calibration error",),
}
"""Columns of the summary, and the measures that they show: the first of them that a set has."""

_TEMPLATE = Path(__file__).with_name("card.md")
_NOT_MEASURED = "Not measured yet."
_NO_SHARES = ("AUROC", "calibration error")
_VIEWS = {"black": "cell cut out on black", "crop": "crop with surroundings"}
_LIMITS = {
    "temperature": "temperature",
    "uncertain_low": "operating point, uncertain from",
    "uncertain_high": "ALL blast from",
}


def write_card(folder: Path) -> None:
    """Write the card of a folder's weights beside their manifest."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / CARD).write_text(card(manifest), encoding="utf-8")


def card(manifest: Mapping[str, Any]) -> str:
    """Return the card as Markdown.

    Args:
        manifest: Its version, input, views (limits of each), thresholds (sensitivity and
            normal_coverage that these limits were set to; familiar, the limit of the
            out-of-distribution score, if there is one), training (split, seed, arguments), metrics.
    """
    training, thresholds = manifest["training"], manifest["thresholds"]
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        version=manifest["version"],
        size=manifest["input"]["size"],
        domain=_domain(thresholds.get("familiar")),
        sensitivity=f"{thresholds['sensitivity']:.0%}",
        normal_coverage=f"{thresholds['normal_coverage']:.0%}",
        groups="\n".join(f"- {', '.join(people)}" for people in training["split"].values()),
        seed=training["seed"],
        options=", ".join(f"{name} {value}" for name, value in training["arguments"].items()),
        summary=summary(manifest["metrics"]),
        metrics=format_tables(from_dict(manifest["metrics"])) or _NOT_MEASURED,
        calibration=limits_table(manifest["views"], _VIEWS, _LIMITS),
    )


def summary(metrics: PlainEstimates) -> str:
    """Return the metrics that matter most as Markdown.

    A row for each set, a column of SUMMARY wherever any set has such a metric.

    Args:
        metrics: By title of the set and of the measure, as the manifest has them.
    """
    if not metrics:
        return _NOT_MEASURED
    sets = from_dict(metrics)
    rows = [[_first(of_set, names) for names in SUMMARY.values()] for of_set in sets.values()]
    columns = [i for i, column in enumerate(zip(*rows, strict=True)) if any(column)]
    titles = list(SUMMARY)
    return table(
        ("tested on", *(titles[i] for i in columns)),
        [
            (name, *(_format(titles[i], row[i]) for i in columns))
            for name, row in zip(sets, rows, strict=True)
        ],
    )


def _first(estimates: Mapping[str, Estimate], names: tuple[str, ...]) -> Estimate | None:
    return next((estimates[name] for name in names if name in estimates), None)


def _format(title: str, estimate: Estimate | None) -> str:
    if estimate is None or isnan(estimate.value):
        return "–"
    if title.startswith(_NO_SHARES):
        return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"
    return f"{estimate.value:.0%} ({100 * estimate.low:.0f} to {100 * estimate.high:.0f})"


def limits_table(
    views: Mapping[str, Mapping[str, float]], names: Mapping[str, str], titles: Mapping[str, str]
) -> str:
    """Return the limits of each view as a table.

    Args:
        views: Limits by view, as the manifest has them.
        names: Name of each view.
        titles: Column of each limit that is shown.
    """
    rows = [
        (names[view], *(f"{limits[limit]:.2f}" for limit in titles))
        for view, limits in views.items()
    ]
    return table(("view", *titles.values()), rows)


def _domain(limit: float | None) -> str:
    """Return the paragraph on the limit of the out-of-distribution score."""
    if limit is None:
        return "These weights cannot detect images unlike those that they were trained on."
    return (
        "**Outside the validated domain**: the out-of-distribution score, the distance from the "
        f"training cells, is above {limit:.2f}, the limit set on held-out subjects. The result is "
        "shown, but no measurement supports it."
    )

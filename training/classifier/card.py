"""The classifier's model card, for a clinician: written from the manifest beside the weights."""

import json
from collections.abc import Mapping
from math import isnan
from pathlib import Path
from string import Template
from typing import Any

from models.manifest import MANIFEST
from training.documents import table
from training.metrics.estimates import Figure, as_tables, from_plain

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
    """Write the card of the weights in `folder` beside their manifest."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / CARD).write_text(card(manifest), encoding="utf-8")


def card(manifest: Mapping[str, Any]) -> str:
    """Return the card as Markdown.

    Taken from the manifest: version, input, views (limits of each), thresholds (sensitivity and
    normal_coverage that these limits were set to, and the familiar distance, if there is one),
    training (split, seed, arguments), metrics.
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
        figures=as_tables(from_plain(manifest["metrics"])) or _NOT_MEASURED,
        calibration=_calibration(manifest["views"]),
    )


def summary(metrics: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> str:
    """Return the figures that matter most, by title of the set and of the measure, as Markdown.

    A row for each set, a column of SUMMARY wherever any set has such a figure.
    """
    if not metrics:
        return _NOT_MEASURED
    sets = from_plain(metrics)
    rows = [[_first(found, names) for names in SUMMARY.values()] for found in sets.values()]
    columns = [i for i, column in enumerate(zip(*rows, strict=True)) if any(column)]
    titles = list(SUMMARY)
    return table(
        ("tested on", *(titles[i] for i in columns)),
        [
            (name, *(_told(titles[i], row[i]) for i in columns))
            for name, row in zip(sets, rows, strict=True)
        ],
    )


def _first(found: Mapping[str, Figure], names: tuple[str, ...]) -> Figure | None:
    return next((found[name] for name in names if name in found), None)


def _told(title: str, figure: Figure | None) -> str:
    if figure is None or isnan(figure.value):
        return "–"
    if title.startswith(_NO_SHARES):
        return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"
    return f"{figure.value:.0%} ({100 * figure.low:.0f} to {100 * figure.high:.0f})"


def _calibration(views: Mapping[str, Mapping[str, float]]) -> str:
    """Return the limits of each view as a table."""
    rows = [
        (_VIEWS[view], *(f"{limits[name]:.2f}" for name in _LIMITS))
        for view, limits in views.items()
    ]
    return table(("view", *_LIMITS.values()), rows)


def _domain(familiar: float | None) -> str:
    if familiar is None:
        return "Whether an image is of a kind that it was trained on, these weights cannot tell."
    return (
        "**Outside the validated domain**: what the network sees lies farther from its training "
        f"cells than {familiar:.2f}, the limit that was set on strangers. The result is shown, and "
        "nothing that was measured speaks for it."
    )

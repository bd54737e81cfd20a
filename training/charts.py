"""Charts of training and of figures, as SVG files that are the same for the same numbers."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.scores import auroc, reliability, roc

Judged = tuple[np.ndarray, np.ndarray]
"""Probabilities (n,) in 0..1 of being a blast, and whether each cell is one, bool (n,)."""

BLAST_COLOUR, NORMAL_COLOUR = "#b2452a", "#2f6690"
_SERIES = (BLAST_COLOUR, NORMAL_COLOUR, "#5b8c5a", "#8a6fa8")
_STYLE = {
    "svg.hashsalt": "leukoscope",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": mpl.cycler(color=_SERIES),
    "legend.frameon": False,
}


def training_curves(metrics_csv: Path, out: Path) -> None:
    """Draw loss and validation AUROC by step; a new image size begins at a dotted line.

    `metrics_csv` has the columns step, size, loss, val_auroc_black and val_auroc_crops.
    """
    with metrics_csv.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    steps = [int(row["step"]) for row in rows]
    with _chart(out, 1, 2, (9, 3.6)) as (losses, scores):
        losses.plot(steps, [float(row["loss"]) for row in rows], marker=".")
        losses.set(xlabel="step", ylabel="training loss")
        for column, name in {"black": "cells on black", "crops": "crops of composites"}.items():
            values = [float(row[f"val_auroc_{column}"]) for row in rows]
            scores.plot(steps, values, marker=".", label=name)
        scores.set(xlabel="step", ylabel="AUROC on val subjects")
        scores.legend(loc="lower right")
        for axes in (losses, scores):
            _mark_sizes(axes, rows)


def roc_chart(sets: Mapping[str, Judged], out: Path) -> None:
    """Draw the ROC curve of each named set."""
    with _chart(out, 1, 1, (4.8, 4.6)) as (axes,):
        for name, (probabilities, blasts) in sets.items():
            area = auroc(probabilities, blasts)
            axes.plot(*roc(probabilities, blasts), label=f"{name}: {area:.3f}")
        axes.plot((0, 1), (0, 1), color="0.7", linestyle=":")
        axes.set(xlabel="1 - specificity", ylabel="sensitivity", title="ROC (area)")
        _legend_below(axes)


def reliability_chart(sets: Mapping[str, Judged], out: Path) -> None:
    """Draw, for each named set, the share of blasts over the probability that was stated."""
    with _chart(out, 1, 1, (4.8, 4.6)) as (axes,):
        axes.plot((0, 1), (0, 1), color="0.7", linestyle=":", label="as stated")
        for name, (probabilities, blasts) in sets.items():
            bins = reliability(probabilities, blasts)
            (line,) = axes.plot(bins.probabilities, bins.blasts, label=name)
            sizes = 4 + 90 * bins.cells / bins.cells.sum()
            axes.scatter(bins.probabilities, bins.blasts, sizes, color=line.get_color())
        axes.set(xlabel="stated P(ALL blast)", ylabel="share of blasts", title="Reliability")
        _legend_below(axes)


def confusion_chart(counts: Mapping[str, np.ndarray], columns: tuple[str, ...], out: Path) -> None:
    """Draw, for each named set, counts (2, columns): rows are blasts and normal cells."""
    with _chart(out, 1, len(counts), (4.2 * len(counts), 3)) as panels:
        for axes, (name, table) in zip(panels, counts.items(), strict=True):
            _draw_counts(axes, table)
            axes.set_xticks(range(len(columns)), columns)
            axes.set_yticks((0, 1), ("blast", "normal cell"))
            axes.set(xlabel="called", title=name)


def subject_chart(subjects: Mapping[str, Judged], band: tuple[float, float], out: Path) -> None:
    """Draw each subject's distribution of probabilities; `band` is the uncertain one."""
    with _chart(out, len(subjects), 1, (6, 0.6 + 1.15 * len(subjects)), sharex=True) as panels:
        for axes, (subject, (probabilities, blasts)) in zip(panels, subjects.items(), strict=True):
            colour = BLAST_COLOUR if blasts.any() else NORMAL_COLOUR
            axes.hist(probabilities, np.linspace(0, 1, 31), color=colour)
            axes.axvspan(*band, color="0.9", zorder=0)
            kind = "blasts" if blasts.any() else "normal cells"
            axes.set_title(f"subject {subject}: {len(blasts)} {kind}", loc="left", fontsize=9)
        panels[-1].set(xlabel="P(ALL blast); uncertain on grey", xlim=(0, 1))


@contextmanager
def _chart(
    out: Path, rows: int, columns: int, inches: tuple[float, float], *, sharex: bool = False
) -> Iterator[list[Axes]]:
    """Give axes to draw on; write them to `out` afterwards."""
    with mpl.rc_context(_STYLE):
        figure = Figure(inches, layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, sharex=sharex)
        yield list(axes.flat)
        out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(out, format="svg", metadata={"Date": None})


def _legend_below(axes: Axes) -> None:
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16))


def _mark_sizes(axes: Axes, rows: list[dict[str, str]]) -> None:
    for before, after in pairwise(rows):
        if before["size"] != after["size"]:
            axes.axvline(int(before["step"]), color="0.6", linestyle=":")
            note = f" {after['size']} px"
            axes.text(int(before["step"]), 0.02, note, transform=axes.get_xaxis_transform())


def _draw_counts(axes: Axes, table: np.ndarray) -> None:
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(table):
        colour = "white" if shares[row, column] > 0.6 else "black"
        axes.text(column, row, f"{int(count)}", ha="center", va="center", color=colour)
    axes.tick_params(length=0)

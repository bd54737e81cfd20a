"""Charts of training and of metrics, as SVG files, the same for the same numbers."""

import csv
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, isnan
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from core.reliability import BINS, reliability
from training.metrics.estimates import Estimate, format_estimate

Scored = tuple[np.ndarray, np.ndarray]
"""Probabilities (n,) in 0..1 of being a blast, and whether each cell is one, bool (n,)."""


@dataclass(frozen=True)
class Row:
    """One architecture under one protocol.

    Attributes:
        architecture: Its name.
        protocol: A key of `PROTOCOLS` or of what takes its place.
        metrics: Estimates in 0..1 by key, such as those of `METRICS`.
        confusion: [[tn, fp], [fn, tp]], if it is known.
        group: Class of cells that the metrics are of, if not of all.
    """

    architecture: str
    protocol: str
    metrics: Mapping[str, Estimate]
    confusion: np.ndarray | None = None
    group: str = ""


@dataclass(frozen=True)
class Curve:
    """A ROC curve.

    Attributes:
        name: In the legend.
        fpr: False positive rates, (n,) in 0..1.
        tpr: True positive rates there, (n,) in 0..1.
        auroc: The area below it, without an interval if none is to be shown.
        panel: Title of the axes that it shares.
        low: Lower end of the interval of `tpr`, (n,), if there is one.
        high: Its upper end.
    """

    name: str
    fpr: np.ndarray
    tpr: np.ndarray
    auroc: Estimate
    panel: str = "ROC (area)"
    low: np.ndarray | None = None
    high: np.ndarray | None = None


PROTOCOLS = {"random": "images split at random", "subjects": "held-out subjects"}
METRICS = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall (sensitivity)",
    "f1": "F1",
}

BLAST_COLOUR, NORMAL_COLOUR = "#b2452a", "#2f6690"
# Told apart by the colour-blind (those between after Okabe and Ito), and by their dashes.
_SERIES = (
    *(BLAST_COLOUR, NORMAL_COLOUR, "#e69f00", "#56b4e9"),
    *("#009e73", "#cc79a7", "#222222", "#808080", "#7b4fa3"),
)
_DASHES = (
    "-",
    "--",
    "-.",
    ":",
    (0, (5, 1, 1, 1, 1, 1)),
    (0, (1, 1)),
    (0, (8, 2)),
    (0, (3, 3)),
    "-.",
)
# Light and dark, so that they differ on paper too; the ink that is read on each.
_PROTOCOL_COLOURS = (("#a9cbe3", "black"), (NORMAL_COLOUR, "white"))
_VIEW = "val_auroc_"
_WIDTH = 7.2  # inches; nearly 700 px in a browser, where 10 pt are then 13 px
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "leukoscope",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=_SERIES, linestyle=_DASHES),
    "legend.frameon": False,
}


def training_curves(metrics_csv: Path, out: Path) -> None:
    """Draw loss and validation AUROC by step; a new image size begins at a dotted line.

    `metrics_csv` has the columns step, size, loss, and val_auroc_… for each view of the cells.
    """
    rows = _metrics(metrics_csv)
    with _chart(out, 1, 2, (_WIDTH, 3.4)) as (losses, scores):
        losses.plot(_column(rows, "step"), _column(rows, "loss"), marker=".")
        for view in _views(rows):
            name = view.removeprefix(_VIEW)
            scores.plot(_column(rows, "step"), _column(rows, view), marker=".", label=name)
        for axes in (losses, scores):
            _mark_sizes(axes, rows)
        _name_training(losses, scores)


def compared_training(runs: Mapping[str, Path], out: Path) -> None:
    """Draw loss and validation AUROC by step of several runs, by name.

    Each is a file with the columns step, loss, and one or more val_auroc_…, whose mean is drawn.
    """
    with _chart(out, 1, 2, (_WIDTH, 3.4 + 0.12 * len(runs))) as (losses, scores):
        for name, metrics_csv in runs.items():
            rows = _metrics(metrics_csv)
            losses.plot(_column(rows, "step"), _column(rows, "loss"), label=name)
            means = np.mean([_column(rows, view) for view in _views(rows)] or [[]], axis=0)
            scores.plot(_column(rows, "step"), means, label=name)
        _name_training(losses, scores)


def metric_bars(
    rows: Sequence[Row],
    out: Path,
    metrics: Mapping[str, str] = METRICS,
    protocols: Mapping[str, str] = PROTOCOLS,
) -> None:
    """Draw four metrics of each architecture, a bar for each of two protocols.

    Whiskers are intervals.

    Args:
        rows: Those without these metrics are left out.
        out: SVG file.
        metrics: Titles of four metrics by their keys.
        protocols: Titles of two protocols by their keys.
    """
    rows = [row for row in rows if all(metric in row.metrics for metric in metrics)]
    names = list(dict.fromkeys(row.architecture for row in rows))
    with _chart(out, 2, 2, (_WIDTH, 1.5 + 0.92 * max(len(names), 1)), sharey=True) as panels:
        for axes, (metric, title) in zip(panels, metrics.items(), strict=True):
            for number, (protocol, meaning) in enumerate(protocols.items()):
                of_one = {r.architecture: r.metrics[metric] for r in rows if r.protocol == protocol}
                _draw_bars(axes, names, of_one, number, meaning)
            axes.set(title=title, xlim=(0, 1.02), yticks=range(len(names)), yticklabels=names)
            axes.tick_params(axis="y", length=0)
        panels[0].invert_yaxis()
        handles, labels = panels[0].get_legend_handles_labels()
        figure = _figure(panels)
        figure.legend(handles, labels, loc="outside lower center", ncols=len(protocols))


def roc_curves(curves: Sequence[Curve], out: Path) -> None:
    """Draw ROC curves with their intervals as bands.

    Curves of one panel share axes; without a panel all stand in one.
    """
    panels: dict[str, list[Curve]] = {}
    for curve in curves:
        panels.setdefault(curve.panel, []).append(curve)
    rows, across = _grid(len(panels), 2)
    width = _WIDTH / 2 if across > 1 else 4.8
    entries = max(len(shown) for shown in panels.values())
    with _chart(out, rows, across, (width * across, rows * (width + 0.3 + 0.2 * entries))) as grid:
        for axes, (title, shown) in zip(grid, panels.items(), strict=False):
            for curve in shown:
                _draw_curve(axes, curve)
            axes.plot((0, 1), (0, 1), color="0.7", linestyle=":")
            axes.set(xlabel="1 - specificity", ylabel="sensitivity", title=title)
            axes.set_box_aspect(1)
            _legend_below(axes)


def reliability_chart(
    sets: Mapping[str, Scored],
    out: Path,
    found: str = "blasts",
    stated: str = "P(ALL blast)",
) -> None:
    """Draw the share that is right over the stated probability.

    Below it: how many cells were given each probability.

    Args:
        sets: By name.
        out: SVG file.
        found: What is right, in the plural.
        stated: Name of the probability.
    """
    with _chart(out, 2, 1, (4.8, 6), sharex=True, height_ratios=(3, 1)) as (shares, counts):
        shares.plot((0, 1), (0, 1), color="0.7", linestyle=":", label="as stated")
        for name, (probabilities, blasts) in sets.items():
            bins = reliability(probabilities, blasts)
            (line,) = shares.plot(bins.probabilities, bins.blasts, marker="o", label=name)
            cells = np.histogram(probabilities, np.linspace(0, 1, BINS + 1))[0]
            counts.stairs(
                *(cells, np.linspace(0, 1, BINS + 1)),
                color=line.get_color(),
                linestyle=line.get_linestyle(),
            )
        shares.set(ylabel=f"share of {found}", title="Reliability", xlim=(0, 1))
        shares.set_ylim(-0.02, 1.02)
        counts.set(xlabel=f"stated {stated}", ylabel="cells")
        figure = _figure((shares,))
        figure.legend(*shares.get_legend_handles_labels(), loc="outside lower center")


def froc_chart(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    threshold: float | None,
    out: Path,
) -> None:
    """Draw sensitivity for blasts over false blasts a field.

    Args:
        curves: False blasts a field, sensitivity and threshold (n,), by name.
        threshold: The one served, which is marked.
        out: SVG file.
    """
    with _chart(out, 1, 1, (4.8, 4.6)) as (axes,):
        for name, (false, sensitivity, limits) in curves.items():
            (line,) = axes.plot(false, sensitivity, label=name)
            if threshold is not None:
                at = np.abs(limits - threshold).argmin()
                label = f"at {threshold:.2f}: {sensitivity[at]:.2f}, {false[at]:.2f} a field"
                place = false[at], sensitivity[at]
                axes.plot(*place, "o", mfc="white", color=line.get_color(), label=label)
        axes.set(xlabel="false blasts a field", ylabel="sensitivity", title="FROC", ylim=(0, 1.02))
        axes.set_xscale("symlog", linthresh=0.1)
        axes.set_xlim(left=0)
        _legend_below(axes)


def confusion_chart(counts: Mapping[str, np.ndarray], columns: tuple[str, ...], out: Path) -> None:
    """Draw counts (2, columns) of each named set: rows are blasts and normal cells."""
    rows, across = _grid(len(counts), 4 if len(columns) == 2 else 2)
    inches = (_WIDTH if across > 1 else _WIDTH / 2, 0.4 + 2.1 * rows)
    with _chart(out, rows, across, inches) as panels:
        for axes, (name, table) in zip(panels, counts.items(), strict=False):
            _draw_counts(axes, table)
            axes.set_xticks(range(len(columns)), columns)
            axes.set_yticks((0, 1), ("blast", "normal"))
            axes.set_title(name, fontsize=10)
        _figure(panels).supxlabel("called", fontsize=10)


def confusion_matrices(rows: Sequence[Row], out: Path) -> None:
    """Draw the confusion matrix of each architecture under each protocol."""
    tables = {
        f"{row.architecture}\n{PROTOCOLS[row.protocol]}": np.flip(row.confusion)
        for row in rows
        if row.confusion is not None
    }
    confusion_chart(tables, ("blast", "normal"), out)


def subject_chart(subjects: Mapping[str, Scored], band: tuple[float, float], out: Path) -> None:
    """Draw each subject's distribution of probabilities over the uncertain band."""
    with _chart(out, len(subjects), 1, (_WIDTH, 0.6 + 1.15 * len(subjects)), sharex=True) as panels:
        for axes, (subject, (probabilities, blasts)) in zip(panels, subjects.items(), strict=True):
            colour = BLAST_COLOUR if blasts.any() else NORMAL_COLOUR
            axes.hist(probabilities, np.linspace(0, 1, 31).tolist(), color=colour)
            axes.axvspan(*band, color="0.9", zorder=0)
            kind = "blasts" if blasts.any() else "normal cells"
            axes.set_title(f"subject {subject}: {len(blasts)} {kind}", loc="left", fontsize=9)
        panels[-1].set(xlabel="P(ALL blast); uncertain on grey", xlim=(0, 1))


@contextmanager
def _chart(
    out: Path,
    rows: int,
    columns: int,
    inches: tuple[float, float],
    **layout: Any,  # noqa: ANN401  matplotlib's own
) -> Generator[list[Axes]]:
    """Give axes to draw on, and write the file afterwards."""
    with mpl.rc_context(_STYLE):
        figure = Figure(inches, layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **layout)
        yield list(axes.flat)
        for unused in (each for each in axes.flat if not each.has_data()):
            unused.set_axis_off()
        out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(out, format="svg", metadata={"Date": None})


def _figure(axes: Sequence[Axes]) -> Figure | SubFigure:
    figure = axes[0].get_figure()
    if figure is None:
        raise ValueError("These axes belong to no figure.")
    return figure


def _grid(panels: int, most_across: int) -> tuple[int, int]:
    """Return rows and columns of a grid that holds all panels."""
    across = min(max(panels, 1), most_across)
    return max(ceil(panels / across), 1), across


def _legend_below(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), fontsize=9)


def _metrics(metrics_csv: Path) -> list[dict[str, str]]:
    with metrics_csv.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _column(rows: list[dict[str, str]], name: str) -> list[float]:
    return [float(row[name]) for row in rows]


def _views(rows: list[dict[str, str]]) -> list[str]:
    return [column for column in (rows or [{}])[0] if column.startswith(_VIEW)]


def _name_training(losses: Axes, scores: Axes) -> None:
    losses.set(xlabel="step", ylabel="training loss")
    scores.set(xlabel="step", ylabel="AUROC on val subjects")
    _legend_below(scores)


def _draw_bars(
    axes: Axes, names: list[str], estimates: Mapping[str, Estimate], number: int, meaning: str
) -> None:
    """Draw a protocol's bar for each of the names, its value at its foot."""
    colour, ink = _PROTOCOL_COLOURS[number]
    side = 0.8 / len(_PROTOCOL_COLOURS)
    shift = side * (number - (len(_PROTOCOL_COLOURS) - 1) / 2)
    for place, name in enumerate(names):
        if name in estimates:
            each, y = estimates[name], place + shift
            label = meaning if place == 0 else None
            axes.barh(y, each.value, side, color=colour, label=label)
            axes.plot((each.low, each.high), (y, y), color="black", linestyle="-", linewidth=1)
            axes.text(0.03, y, f"{each.value:.2f}", va="center", color=ink, fontsize=9)


def _draw_curve(axes: Axes, curve: Curve) -> None:
    (line,) = axes.plot(curve.fpr, curve.tpr, label=f"{curve.name}: {_area(curve.auroc)}")
    if curve.low is not None and curve.high is not None:
        axes.fill_between(
            *(curve.fpr, curve.low, curve.high),
            color=line.get_color(),
            alpha=0.18,
            linewidth=0,
        )


def _area(area: Estimate) -> str:
    return f"{area.value:.3f}" if isnan(area.low) else format_estimate(area)


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

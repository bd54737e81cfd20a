"""What the comparison of detectors found, as tables and as charts."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ultralytics import YOLO
from ultralytics.utils.torch_utils import get_flops, get_num_params

from models.detector.detector import Detector
from training.charts import metric_bars
from training.data import PROJECT
from training.detector.evaluation import Measure, Reading, ap, at_confidence, read_fields
from training.detector.ground_truth import evaluated, txl_ground_truth
from training.documents import replace_between, table
from training.metrics.estimates import Figure, told, with_interval

SECONDS = "seconds.txt"
"""File in a contestant's folder that says how long it was trained."""

CONFIDENCE = 0.25
"""Confidence from which on precision and recall count a box, ultralytics' usual one."""

METRICS = {
    "precision": f"precision at {CONFIDENCE}",
    "recall": f"recall at {CONFIDENCE}",
    "map50": "mAP50",
    "map": "mAP50-95",
}
SETS = {"txl": "TXL-PBC test", "composites": "composites of held-out subjects"}
CLASSES = {
    "txl": {"white": "white cells", "rbc": "red cells", "platelet": "platelets"},
    "composites": {"blast": "blasts", "wbc": "other white cells"},
}
_FRAME = 960
_TIMED_RUNS = 20

Row = dict[str, Any]


def rows_of(name: str, which: str, readings: Sequence[Reading], rounds: int) -> list[Row]:
    """Measure what a detector read of one set: a row for each class, and one for all of them."""
    groups = CLASSES[which]
    chosen = {title: (group,) for group, title in groups.items()} | {"mean": tuple(groups)}
    return [
        {
            "architecture": name,
            "protocol": which,
            "class": title,
            **{
                metric: vars(with_interval(measure, readings, rounds))
                for metric, measure in _measures(names).items()
            },
        }
        for title, names in chosen.items()
    ]


def _measures(groups: tuple[str, ...]) -> dict[str, Measure]:
    return {
        "precision": at_confidence(*groups, which=0, floor=CONFIDENCE),
        "recall": at_confidence(*groups, which=1, floor=CONFIDENCE),
        "map50": ap(*groups),
        "map": ap(*groups, strictness=slice(None)),
    }


def comparison_table(rows: Sequence[Row]) -> str:
    """Return the measures as Markdown, detectors of one set and class below each other."""
    header = ("images", "class", "detector", *METRICS.values())
    ordered = sorted(rows, key=lambda row: (list(SETS).index(row["protocol"]),))
    by_class: dict[tuple[str, str], list[Row]] = {}
    for row in ordered:
        by_class.setdefault((row["protocol"], row["class"]), []).append(row)
    lines = [
        (
            SETS[which],
            title,
            row["architecture"],
            *(told(Figure(**row[metric])) for metric in METRICS),
        )
        for (which, title), of_class in by_class.items()
        for row in of_class
    ]
    return table(header, lines)


def cost_table(names: Sequence[str], out: Path, times: dict[str, float]) -> str:
    """Return parameters, operations and times of the contestants in `out` as Markdown.

    Times a frame are told against the last of `times`, because a machine is rarely quiet; only
    those that are served have one.
    """
    against = list(times)[-1]
    frame = f"a frame, served, against {against}"
    header = ("detector", "parameters", "operations at 960 px", "trained for", frame)
    ratios = {name: taken / times[against] for name, taken in times.items()}
    return table(header, [_cost(name, out / name, ratios.get(name)) for name in names])


def _cost(name: str, folder: Path, ratio: float | None) -> tuple[str, ...]:
    model = YOLO(folder / "weights" / "last.pt").model
    seconds = int((folder / SECONDS).read_text())
    return (
        name,
        f"{get_num_params(model) / 1e6:.1f} M",
        f"{get_flops(model, _FRAME):.0f} G",
        f"{seconds / 60:.1f} min",
        f"{ratio:.2f}" if ratio else "not served",
    )


def frame_times(detectors: dict[str, Detector]) -> dict[str, float]:
    """Return the median seconds that each takes for a frame, asked in turn."""
    frame = np.full((_FRAME, _FRAME, 3), 200, np.uint8)
    times: dict[str, list[float]] = {name: [] for name in detectors}
    for _ in range(_TIMED_RUNS):
        for name, detector in detectors.items():
            begin = time.perf_counter()
            detector.find(frame)
            times[name].append(time.perf_counter() - begin)
    return {name: float(np.median(taken)) for name, taken in times.items()}


def report(
    served: Sequence[str], proven: Sequence[str], held_out: Path, args: argparse.Namespace
) -> None:
    """Measure the served contestants; print and draw all, and record it if asked for."""
    detectors = {name: Detector.load(args.out / name / "served") for name in served}
    fields = {"txl": txl_ground_truth(args.data, "test"), "composites": evaluated(held_out)}
    rows = [
        row
        for name, detector in detectors.items()
        for which, ground_truth in fields.items()
        for row in rows_of(name, which, read_fields(detector, ground_truth), args.rounds)
    ]
    costs = cost_table([*served, *proven], args.out, frame_times(detectors))
    text = "\n\n".join((heading("compare-detectors", args), comparison_table(rows), costs))
    print(text)
    docs = PROJECT / "docs"
    charts = docs / "charts" if args.record else args.out
    means = [row for row in rows if row["class"] == "mean"]
    metric_bars(means, charts / "compare-detectors.svg", METRICS, SETS)
    if args.record:
        replace_between(docs / "studies.md", "compare-detectors", text)


def heading(command: str, args: argparse.Namespace) -> str:
    """Return the command and the budget of each of its trainings, to stand above a table."""
    return (
        f"`python -m training {command}`: {args.epochs} × ({args.composites_used} "
        f"composites and TXL-PBC's train fields twice), {args.imgsz} px:"
    )

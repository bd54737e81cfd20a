"""The results of the comparison of detectors, as tables and a chart."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ultralytics import YOLO
from ultralytics.utils.torch_utils import get_flops, get_num_params

from models.detector.detector import Detector
from training.charts import Row, metric_bars
from training.detector.evaluation import Measure, Reading, ap, at_confidence
from training.documents import table
from training.metrics.estimates import bootstrap, format_estimate

SECONDS = "seconds.txt"
"""File in a candidate's folder with the seconds of its training."""

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
_MEAN = "mean"


def rows_of(name: str, which: str, readings: Sequence[Reading], samples: int) -> list[Row]:
    """Measure a detector: a row for each class, and one for their mean.

    Args:
        name: The detector's.
        which: The set, of `SETS`.
        readings: Its fields, matched.
        samples: Bootstrap samples of each interval.
    """
    groups = CLASSES[which]
    chosen = {title: (group,) for group, title in groups.items()} | {_MEAN: tuple(groups)}
    return [
        Row(
            name,
            which,
            {
                metric: bootstrap(measure, readings, samples)
                for metric, measure in _measures(names).items()
            },
            group=title,
        )
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
    """Return the metrics as Markdown, detectors of one set and class below each other."""
    header = ("images", "class", "detector", *METRICS.values())
    ordered = sorted(rows, key=lambda row: list(SETS).index(row.protocol))
    by_class: dict[tuple[str, str], list[Row]] = {}
    for row in ordered:
        by_class.setdefault((row.protocol, row.group), []).append(row)
    lines = [
        (
            SETS[which],
            title,
            row.architecture,
            *(format_estimate(row.metrics[metric]) for metric in METRICS),
        )
        for (which, title), of_class in by_class.items()
        for row in of_class
    ]
    return table(header, lines)


def draw(rows: Sequence[Row], out: Path) -> None:
    """Draw the means over the classes as bars."""
    metric_bars([row for row in rows if row.group == _MEAN], out, METRICS, SETS)


def cost_table(names: Sequence[str], out: Path, times: dict[str, float]) -> str:
    """Return parameters, operations and times of the candidates as Markdown.

    Args:
        names: Of the candidates.
        out: Folder of their trainings.
        times: Seconds a frame of those that are served. They are given as a ratio to the last one,
            because a machine is rarely quiet.
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
    """Return each detector's median seconds for a frame, measured in turn."""
    frame = np.full((_FRAME, _FRAME, 3), 200, np.uint8)
    times: dict[str, list[float]] = {name: [] for name in detectors}
    for _ in range(_TIMED_RUNS):
        for name, detector in detectors.items():
            begin = time.perf_counter()
            detector.find(frame)
            times[name].append(time.perf_counter() - begin)
    return {name: float(np.median(taken)) for name, taken in times.items()}

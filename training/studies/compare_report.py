"""The results of the comparison of architectures, as tables and charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from sklearn.linear_model import LogisticRegression

from training import charts
from training.columns import Columns
from training.data import FOLDS, fold_of, manifest_rows
from training.documents import table
from training.metrics import scores
from training.metrics.estimates import Estimate, estimate_all, format_estimate

SPLITS = ("random", *FOLDS)
"""A training's split: images at random, or the fold that is held out."""

PREDICTIONS, COST = "answers.npz", "cost.json"
AREA = "cell area alone"
_EVEN = 0.5
BOOTSTRAP_SAMPLES = 300
_TABLE_METRICS = {"accuracy": "accuracy", "f1": "F1", "auroc": "AUROC"}


@dataclass(frozen=True)
class Predictions(Columns):
    """Cells of one test, arrays (n,).

    Attributes:
        probabilities: P(ALL blast), 0..1.
        blasts: Ground truth, bool.
        subjects: The person.
        files: Name of the image.
    """

    probabilities: np.ndarray
    blasts: np.ndarray
    subjects: np.ndarray
    files: np.ndarray


Measure = Callable[[Predictions], float]
T = TypeVar("T")


def _even(score: Callable[[np.ndarray, np.ndarray], T], cells: Predictions) -> T:
    return score(cells.probabilities >= _EVEN, cells.blasts)


MEASURES: dict[str, Measure] = {
    "accuracy": partial(_even, scores.accuracy),
    "precision": partial(_even, scores.precision),
    "recall": partial(_even, scores.sensitivity),
    "f1": partial(_even, scores.f1),
    "auroc": lambda cells: scores.auroc(cells.probabilities, cells.blasts),
}


def read_predictions(folder: Path) -> Predictions:
    """Read the predictions that a training left."""
    with np.load(folder / PREDICTIONS) as kept:
        return Predictions(**{name: kept[name] for name in kept.files})


def averaged(tests: Sequence[Predictions], samples: int) -> dict[str, Estimate]:
    """Return each metric's mean over tests, and the interval over subjects and cells."""
    draws = zip(
        *(scores.subject_samples(test.blasts, test.subjects, samples) for test in tests),
        strict=True,
    )
    drawn = ([test.select(rows) for test, rows in zip(tests, draw, strict=True)] for draw in draws)
    measures = {name: partial(_mean, measure) for name, measure in MEASURES.items()}
    return estimate_all(measures, tests, drawn)


def _mean(measure: Measure, tests: Sequence[Predictions]) -> float:
    return float(np.mean([measure(test) for test in tests]))


def by_area(tests: dict[str, Predictions], data: Path) -> dict[str, Predictions]:
    """Predict the same tests from each cell's area alone, by logistic regression.

    It is fitted to all cells that a training of the same split learns from.
    """
    rows = manifest_rows(data / "cnmc", ("file", "cell_pixels", "label", "subject"))
    areas = {row["file"]: float(row["cell_pixels"]) for row in rows}
    return {split: _area_predictions(split, test, rows, areas) for split, test in tests.items()}


def _area_predictions(
    split: str, test: Predictions, rows: list[dict[str, str]], areas: dict[str, float]
) -> Predictions:
    tested = set(test.files)
    learned = [
        row
        for row in rows
        if (row["file"] not in tested if split == "random" else fold_of(row["subject"]) != split)
    ]
    model = LogisticRegression(class_weight="balanced")
    labels = [row["label"] == "all" for row in learned]
    model.fit(_standard([areas[row["file"]] for row in learned]), labels)
    probabilities = model.predict_proba(_standard([areas[name] for name in test.files]))[:, 1]
    return Predictions(probabilities, test.blasts, test.subjects, test.files)


def _standard(areas: Sequence[float]) -> np.ndarray:
    """Bring areas in pixels near 1, as a column."""
    return np.array(areas)[:, None] / 30_000


def rows_of(name: str, tests: Mapping[str, Predictions]) -> list[charts.Row]:
    """Return a row for each protocol."""
    protocols = {"random": [tests["random"]], "subjects": [tests[split] for split in FOLDS]}
    return [
        charts.Row(
            name,
            protocol,
            averaged(of_one, BOOTSTRAP_SAMPLES),
            np.sum([_even(scores.confusion, test) for test in of_one], axis=0),
        )
        for protocol, of_one in protocols.items()
    ]


def comparison_table(rows: Sequence[charts.Row], costs: Mapping[str, dict[str, int]]) -> str:
    """Return the comparison as Markdown: both protocols side by side.

    Args:
        rows: Two of each architecture.
        costs: Number of `parameters` and of `operations`, by architecture, where known.
    """
    header = ("architecture", "parameters", "multiply-adds")
    columns = [
        f"{title}, {where}" for title in _TABLE_METRICS.values() for where in ("random", "held-out")
    ]
    names = dict.fromkeys(row.architecture for row in rows)
    lines = [_line(name, [r for r in rows if r.architecture == name], costs) for name in names]
    return table((*header, *columns), lines)


def _line(
    name: str, rows: Sequence[charts.Row], costs: Mapping[str, dict[str, int]]
) -> tuple[str, ...]:
    estimates = (format_estimate(row.metrics[metric]) for metric in _TABLE_METRICS for row in rows)
    if name not in costs:
        return (name, "–", "–", *estimates)
    parameters, operations = costs[name]["parameters"] / 1e6, costs[name]["operations"] / 1e9
    return (name, f"{parameters:.1f} M", f"{operations:.2f} G", *estimates)


def folds_table(results: dict[str, dict[str, Predictions]]) -> str:
    """Return the AUROC of every test as Markdown."""
    auroc = MEASURES["auroc"]
    header = ("AUROC", "images split at random", *(f"without {name}" for name in FOLDS))
    lines = [
        (name, *(f"{auroc(tests[split]):.3f}" for split in SPLITS))
        for name, tests in results.items()
    ]
    return table(header, lines)


def draw(
    results: Mapping[str, dict[str, Predictions]],
    rows: Sequence[charts.Row],
    runs: Path,
    charts_folder: Path,
    name: str,
) -> None:
    """Draw bars, confusion matrices, ROC and training curves.

    Args:
        results: Predictions by architecture and split.
        rows: Metrics of the same architectures.
        runs: Folder of the trainings.
        charts_folder: Where the charts go.
        name: Begins their file names.
    """
    charts.metric_bars(rows, charts_folder / f"{name}-bars.svg")
    charts.confusion_matrices(rows, charts_folder / f"{name}-confusion.svg")
    charts.roc_curves(_curves(results), charts_folder / f"{name}-roc.svg")
    logs = {each: runs / f"{each}-{FOLDS[0]}" / "metrics.csv" for each in results if each != AREA}
    charts.compared_training(logs, charts_folder / f"{name}-training.svg")


def _curves(results: Mapping[str, dict[str, Predictions]]) -> list[charts.Curve]:
    """Return a panel for each test; the chosen architecture and the area have intervals."""
    return [
        _curve(name, split, tests[split], banded=name in (AREA, "EfficientNetB3"))
        for split in SPLITS
        for name, tests in results.items()
    ]


def _curve(name: str, split: str, test: Predictions, *, banded: bool) -> charts.Curve:
    draws = scores.subject_samples(test.blasts, test.subjects, BOOTSTRAP_SAMPLES)
    places, rates, low, high = scores.roc_band(test.probabilities, test.blasts, draws)
    return charts.Curve(
        name=name,
        panel="images split at random" if split == "random" else f"held out: the group of {split}",
        fpr=places,
        tpr=rates,
        auroc=Estimate(scores.auroc(test.probabilities, test.blasts)),
        low=low if banded else None,
        high=high if banded else None,
    )

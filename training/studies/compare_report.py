"""What the comparison of architectures found, as a table and as charts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from sklearn.linear_model import LogisticRegression

from training import charts
from training.columns import Columns
from training.data import PROJECT, ROUNDS, manifest_rows, round_of
from training.documents import replace_between, table
from training.metrics import scores
from training.metrics.estimates import Figure, estimate, told

SPLITS = ("random", *ROUNDS)
"""A training's split: images at random, or the round whose group is tested."""

ANSWERS, COST = "answers.npz", "cost.json"
AREA = "cell area alone"
_EVEN = 0.5
BOOTSTRAP_SAMPLES = 300
_TOLD = {"accuracy": "accuracy", "f1": "F1", "auroc": "AUROC"}


@dataclass(frozen=True)
class Answers(Columns):
    """Cells of one test, arrays (n,): P(ALL blast), whether it is one, subject, file."""

    probabilities: np.ndarray
    blasts: np.ndarray
    subjects: np.ndarray
    files: np.ndarray


Measure = Callable[[Answers], float]
T = TypeVar("T")


def _even(score: Callable[[np.ndarray, np.ndarray], T], cells: Answers) -> T:
    return score(cells.probabilities >= _EVEN, cells.blasts)


MEASURES: dict[str, Measure] = {
    "accuracy": partial(_even, scores.accuracy),
    "precision": partial(_even, scores.precision),
    "recall": partial(_even, scores.sensitivity),
    "f1": partial(_even, scores.f1),
    "auroc": lambda cells: scores.auroc(cells.probabilities, cells.blasts),
}


def read_answers(folder: Path) -> Answers:
    """Read what a training left."""
    with np.load(folder / ANSWERS) as kept:
        return Answers(**{name: kept[name] for name in kept.files})


def averaged(tests: list[Answers], samples: int) -> dict[str, Figure]:
    """Return each measure's mean over tests, and the interval over subjects and their cells."""
    drawn = [
        [_means([test.chosen(rows) for test, rows in zip(tests, draw, strict=True)])]
        for draw in zip(*(_draws(test, samples) for test in tests), strict=True)
    ]
    columns = np.concatenate(drawn).T
    return {
        name: estimate(value, column)
        for name, value, column in zip(MEASURES, _means(tests), columns, strict=True)
    }


def _draws(test: Answers, samples: int) -> list[np.ndarray]:
    return list(scores.subject_samples(test.blasts, test.subjects, samples))


def _means(tests: list[Answers]) -> np.ndarray:
    return np.mean([[measure(test) for measure in MEASURES.values()] for test in tests], axis=0)


def by_area(tests: dict[str, Answers], data: Path) -> dict[str, Answers]:
    """Answer the same tests from each cell's area alone, by logistic regression on the others.

    "The others" are all cells that a training of the same split learns from.
    """
    rows = manifest_rows(data / "cnmc", ("file", "cell_pixels", "label", "subject"))
    areas = {row["file"]: float(row["cell_pixels"]) for row in rows}
    return {split: _area_answers(split, test, rows, areas) for split, test in tests.items()}


def _area_answers(
    split: str, test: Answers, rows: list[dict[str, str]], areas: dict[str, float]
) -> Answers:
    tested = set(test.files)
    learned = [
        row
        for row in rows
        if (row["file"] not in tested if split == "random" else round_of(row["subject"]) != split)
    ]
    model = LogisticRegression(class_weight="balanced")
    labels = [row["label"] == "all" for row in learned]
    model.fit(_standard([areas[row["file"]] for row in learned]), labels)
    found = model.predict_proba(_standard([areas[name] for name in test.files]))[:, 1]
    return Answers(found, test.blasts, test.subjects, test.files)


def _standard(areas: list[float]) -> np.ndarray:
    """Bring areas in pixels near 1, as a column."""
    return np.array(areas)[:, None] / 30_000


def rows_of(name: str, tests: dict[str, Answers]) -> list[dict[str, Any]]:
    """Return a row of each protocol, as `charts.metric_bars` and `confusion_matrices` take them."""
    protocols = {"random": [tests["random"]], "subjects": [tests[split] for split in ROUNDS]}
    return [
        {
            "architecture": name,
            "protocol": protocol,
            "confusion": sum(_even(scores.confusion, test) for test in of_one),
            **{
                metric: vars(figure)
                for metric, figure in averaged(of_one, BOOTSTRAP_SAMPLES).items()
            },
        }
        for protocol, of_one in protocols.items()
    ]


def comparison_table(rows: list[dict[str, Any]], costs: dict[str, dict[str, int]]) -> str:
    """Return the comparison as Markdown: of each measure both protocols side by side."""
    header = ("architecture", "parameters", "multiply-adds")
    measured = [
        f"{title}, {where}" for title in _TOLD.values() for where in ("random", "strangers")
    ]
    names = dict.fromkeys(row["architecture"] for row in rows)
    lines = [_line(name, [r for r in rows if r["architecture"] == name], costs) for name in names]
    return table((*header, *measured), lines)


def _line(
    name: str, rows: list[dict[str, Any]], costs: dict[str, dict[str, int]]
) -> tuple[str, ...]:
    figures = (told(Figure(**row[metric])) for metric in _TOLD for row in rows)
    if name not in costs:
        return (name, "–", "–", *figures)
    parameters, operations = costs[name]["parameters"] / 1e6, costs[name]["operations"] / 1e9
    return (name, f"{parameters:.1f} M", f"{operations:.2f} G", *figures)


def rounds_table(results: dict[str, dict[str, Answers]]) -> str:
    """Return the AUROC of every test as Markdown."""
    auroc = MEASURES["auroc"]
    header = ("AUROC", "images split at random", *(f"without {name}" for name in ROUNDS))
    lines = [
        (name, *(f"{auroc(tests[split]):.3f}" for split in SPLITS))
        for name, tests in results.items()
    ]
    return table(header, lines)


def draw(
    results: dict[str, dict[str, Answers]], rows: list[dict[str, Any]], args: argparse.Namespace
) -> None:
    """Draw bars, confusion matrices, ROC and training curves."""
    folder = PROJECT / "docs" / "charts" if args.record else args.out
    name = args.record or "compare"
    charts.metric_bars(rows, folder / f"{name}-bars.svg")
    charts.confusion_matrices(rows, folder / f"{name}-confusion.svg")
    charts.roc_curves(_curves(results), folder / f"{name}-roc.svg")
    logs = {
        each: args.out / f"{each}-{ROUNDS[0]}" / "metrics.csv" for each in results if each != AREA
    }
    charts.compared_training(logs, folder / f"{name}-training.svg")


def _curves(results: dict[str, dict[str, Answers]]) -> list[dict[str, Any]]:
    """Return a panel for each test; the chosen architecture and the area have their interval."""
    return [
        _curve(name, split, tests[split], banded=name in (AREA, "EfficientNetB3"))
        for split in SPLITS
        for name, tests in results.items()
    ]


def _curve(name: str, split: str, test: Answers, *, banded: bool) -> dict[str, Any]:
    panel = "images split at random" if split == "random" else f"strangers: the group of {split}"
    samples = scores.subject_samples(test.blasts, test.subjects, BOOTSTRAP_SAMPLES)
    places, rates, low, high = scores.roc_band(test.probabilities, test.blasts, samples)
    band = {"low": low, "high": high} if banded else {}
    area = {"value": scores.auroc(test.probabilities, test.blasts)}
    return {"name": name, "panel": panel, "fpr": places, "tpr": rates, "auroc": area, **band}


def report(args: argparse.Namespace) -> None:
    """Print and draw the comparison of all architectures that are trained under every split."""
    results = {name: _tests(name, args.out) for name in args.only}
    results[AREA] = by_area(next(iter(results.values())), args.data)
    rows = [row for name, tests in results.items() for row in rows_of(name, tests)]
    costs = {
        name: json.loads((args.out / f"{name}-random" / COST).read_text()) for name in args.only
    }
    told = (
        f"`python -m training compare`: {args.steps} steps of {args.batch} images of {args.size} px"
    )
    text = "\n\n".join((f"{told}:", comparison_table(rows, costs), rounds_table(results)))
    print(text)
    draw(results, rows, args)
    if args.record:
        replace_between(PROJECT / "docs" / "studies.md", args.record, text)


def _tests(name: str, folder: Path) -> dict[str, Answers]:
    return {split: read_answers(folder / f"{name}-{split}") for split in SPLITS}

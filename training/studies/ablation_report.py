"""What each of the classifier's choices bought, as a table."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from models.classifier.cell_views import VIEWS
from training.classifier.evaluation import Cells, auroc, cells_of, cross_fitted, mean_auroc
from training.classifier.predictions import Limits, Readings
from training.data import PROJECT, ROUNDS
from training.documents import replace_between, table
from training.metrics import scores
from training.metrics.estimates import Figure, estimate, told

READINGS = "{}.npz"
_ROUNDS_OF_BOOTSTRAP = 300
_AS_IT_COMES = Limits(temperature=1.0, uncertain_low=0.5, uncertain_high=0.5)

Measure = Callable[[Cells], float]


def read_readings(folder: Path, view: str) -> Readings:
    """Read what the three networks of a variant said of their strangers in one view."""
    parts = []
    for name in ROUNDS:
        with np.load(folder / name / READINGS.format(view)) as kept:
            columns = dict(kept)
        cells = len(columns["blasts"])
        parts.append(
            Readings(
                **columns,
                distances=np.full(cells, np.nan),
                rounds=np.full(cells, name),
                files=np.full(cells, ""),
            )
        )
    return Readings.joined(parts)


def with_interval(cells: Cells, measure: Measure) -> Figure:
    """Measure cells, with the 95% interval over the subjects of each round and their cells."""
    strata = np.char.add(cells.rounds, cells.blasts.astype(str))
    draws = scores.subject_samples(strata, cells.subjects, _ROUNDS_OF_BOOTSTRAP)
    return estimate(measure(cells), [measure(cells.chosen(drawn)) for drawn in draws])


def line(meaning: str, black: Cells, crops: Cells) -> tuple[str, ...]:
    """Return a variant's row: AUROC in every round and view, and calibration error."""
    each = (f"{auroc(black.chosen(black.rounds == name)):.3f}" for name in ROUNDS)
    precursors = crops.chosen(crops.blasts | (crops.kinds == "hem"))
    means = (told(with_interval(cells, mean_auroc)) for cells in (black, crops, precursors))
    errors = (f"{scores.calibration_error(*cells.judged):.3f}" for cells in (black, crops))
    return (meaning, *each, *means, *errors)


def ablation_table(meanings: Mapping[str, str], folder: Path) -> str:
    """Return a row for each variant, and one for the first of them without its temperature."""
    lines = []
    for number, (name, meaning) in enumerate(meanings.items()):
        readings = [read_readings(folder / name, view) for view in VIEWS]
        lines.append(line(meaning, *(cross_fitted(each) for each in readings)))
        if number == 0:
            raw = (cells_of(each, _AS_IT_COMES) for each in readings)
            lines.append(line(f"{meaning}, without temperature", *raw))
    header = (
        "choice",
        *(f"black, {name}" for name in ROUNDS),
        "black, mean",
        "crops, mean",
        "crops against HEM, mean",
        "ECE black",
        "ECE crops",
    )
    return table(header, lines)


def report(meanings: Mapping[str, str], args: argparse.Namespace) -> None:
    """Print the table, and record it if asked for."""
    told = (
        f"`python -m training ablation`: {args.steps} steps of {args.batch} images of "
        f"{args.size} px, AUROC on strangers"
    )
    text = f"{told}:\n\n{ablation_table(meanings, args.out)}"
    print(text)
    if args.record:
        replace_between(PROJECT / "docs" / "studies.md", "ablation", text)

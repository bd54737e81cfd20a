"""The results of the ablation of the classifier, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from core.reliability import calibration_error
from models.classifier.cell_views import VIEWS
from training.data import FOLDS
from training.documents import table
from training.metrics import scores
from training.metrics.estimates import Estimate, estimate, format_estimate
from training.studies.held_out import (
    Cells,
    Measure,
    Predictions,
    auroc,
    cells_of,
    cross_fitted,
    mean_auroc,
)

PREDICTIONS = "{}.npz"
BOOTSTRAP_SAMPLES = 300


def read_predictions(folder: Path, view: str) -> Predictions:
    """Read a variant's predictions for held-out subjects in one view."""
    parts = []
    for name in FOLDS:
        with np.load(folder / name / PREDICTIONS.format(view)) as kept:
            columns = dict(kept)
        parts.append(Predictions(**columns, folds=np.full(len(columns["blasts"]), name)))
    return Predictions.concatenate(parts)


def with_interval(cells: Cells, measure: Measure) -> Estimate:
    """Measure cells, with the interval over each fold's subjects and their cells."""
    strata = np.char.add(cells.folds, cells.blasts.astype(str))
    draws = scores.subject_samples(strata, cells.subjects, BOOTSTRAP_SAMPLES)
    return estimate(measure, cells, map(cells.select, draws))


def line(meaning: str, black: Cells, crops: Cells) -> tuple[str, ...]:
    """Return a variant's row: AUROC in every fold and view, and calibration error."""
    each = (f"{auroc(black.select(black.folds == name)):.3f}" for name in FOLDS)
    precursors = crops.select(crops.blasts | (crops.kinds == "hem"))
    means = (
        format_estimate(with_interval(cells, mean_auroc)) for cells in (black, crops, precursors)
    )
    errors = (f"{calibration_error(*cells.scored):.3f}" for cells in (black, crops))
    return (meaning, *each, *means, *errors)


def ablation_table(meanings: Mapping[str, str], folder: Path) -> str:
    """Return a row for each variant, and for the first without its temperature."""
    lines = []
    for number, (name, meaning) in enumerate(meanings.items()):
        predictions = [read_predictions(folder / name, view) for view in VIEWS]
        lines.append(line(meaning, *(cross_fitted(each) for each in predictions)))
        if number == 0:
            raw = (cells_of(each) for each in predictions)
            lines.append(line(f"{meaning}, without temperature", *raw))
    header = (
        "choice",
        *(f"black, {name}" for name in FOLDS),
        "black, mean",
        "crops, mean",
        "crops against HEM, mean",
        "ECE black",
        "ECE crops",
    )
    return table(header, lines)

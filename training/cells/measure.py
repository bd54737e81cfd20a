"""Measure trained folds on the cells that each held out, without publishing anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.cells.calibration import calibrate_views, smudge_limit
from training.cells.evaluation import evaluate
from training.cells.pack import DEFAULT_PACK, Pack
from training.cells.predict import DEFAULT_FOLDS, PREDICTIONS, Predictions
from training.cells.train import settings_of
from training.commands import option
from training.data import PROJECT
from training.documents import replace_between
from training.metrics.estimates import format_tables


@dataclass(frozen=True)
class Options:
    """Options of `python -m training.cells measure`."""

    pack: Path = option(DEFAULT_PACK, "file of the packed pictures")
    folder: Path = option(DEFAULT_FOLDS, "folder of the trained folds")
    samples: int = option(500, "bootstrap samples")
    document: Path = option(PROJECT / "docs" / "validation.md", "file that --record writes to")
    record: bool = option(False, "write the metrics into --document")


def run(options: Options) -> None:
    """Measure, print, and record where asked."""
    pack = Pack.load(options.pack)
    predictions = Predictions.load(options.folder / PREDICTIONS)
    limits = calibrate_views(pack, predictions)
    smudges = smudge_limit(pack, predictions)
    sets = evaluate(pack, predictions, limits, smudges, options.samples)
    text = f"{_trainings(options.folder, predictions)}\n\n{format_tables(sets)}"
    print(text)
    if options.record:
        replace_between(options.document, "folds", text)


def _trainings(folder: Path, predictions: Predictions) -> str:
    """Name the command and what the folds' trainings have in common."""
    folds = np.unique(predictions.folds).tolist()
    kinds = {
        (settings["architecture"], settings["steps"])
        for settings in (settings_of(folder / f"fold{fold}") for fold in folds)
    }
    trained = " and ".join(f"{name}, {steps} steps" for name, steps in sorted(kinds))
    return f"`python -m training.cells measure`, folds {', '.join(map(str, folds))}: {trained}:"

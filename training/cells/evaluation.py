"""Measure the networks of the folds, each on real cells that it never saw.

Intervals are 95%, by bootstrap over subjects and their cells (over images where people are
unknown).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.reliability import calibration_error
from core.taxonomy import SMUDGE
from models.classifier.cell_views import View
from models.findings import ALL_BLAST, NORMAL, UNCERTAIN
from training import charts
from training.cells.calibration import (
    Limits,
    coverage_at,
    cross_fitted,
    even_weights,
    of_view,
    smudge_shares,
)
from training.cells.data import ATTRIBUTES, KINDS, UNKNOWN
from training.cells.pack import Pack
from training.cells.predict import Predictions
from training.cells.validate import kind_f1
from training.columns import Columns
from training.metrics import scores
from training.metrics.estimates import Estimate, EstimatesBySet, estimate_all

_EVEN = 0.5
_AREA = "AUROC of the cell's area alone, without a network"
_CALLED = (ALL_BLAST, UNCERTAIN, NORMAL)


@dataclass(frozen=True)
class Cells(Columns):
    """Cells with their calibrated probabilities, arrays (n,).

    Attributes:
        probabilities: P(blast), 0..1, by the calibration of the other folds.
        labels: As the classifier gives them.
        blasts: Ground truth, bool.
        sources: The image set.
        subjects: The person, or the group of images where unknown.
        folds: Fold of the network.
        areas: Of the cell in pixels, for cells on black.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    blasts: np.ndarray
    sources: np.ndarray
    subjects: np.ndarray
    folds: np.ndarray
    areas: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        """Return the weights by which both classes, and the sets of each, count alike."""
        return even_weights(self.sources, self.blasts)


Measure = Callable[[Cells], float]


def cells_of(pack: Pack, predictions: Predictions, limits: Limits) -> Cells:
    """Return the cells of one view; their labels are by the limits that are served."""
    rows = predictions.rows
    served = limits.probabilities(predictions.blast)
    decided = np.where(served >= limits.uncertain_high, ALL_BLAST, NORMAL)
    between = (served >= limits.uncertain_low) & (served < limits.uncertain_high)
    return Cells(
        probabilities=cross_fitted(pack, predictions),
        labels=np.where(between, UNCERTAIN, decided),
        blasts=pack.blast[rows] == 1,
        sources=pack.source[rows],
        subjects=np.where(pack.subject[rows] == "", pack.group[rows], pack.subject[rows]),
        folds=predictions.folds,
        areas=pack.area[rows],
    )


def evaluate(
    pack: Pack,
    predictions: Predictions,
    limits: Mapping[View, Limits],
    smudge_limit: float,
    samples: int,
) -> EstimatesBySet:
    """Take all measures.

    Args:
        pack: All cells.
        predictions: Of the folds' networks.
        limits: The calibration that is served, by view.
        smudge_limit: P(smudge) from which a cell is called one.
        samples: Bootstrap samples of each interval.
    """
    black, context = (
        cells_of(pack, of_view(pack, predictions, view), limits[view])
        for view in (View.SEGMENTED, View.CONTEXT)
    )
    sets = {}
    for fold in np.unique(black.folds):
        part = black.select(black.folds == fold)
        title = f"C-NMC, subjects held out by fold {fold}: {_contents(part)}"
        sets[title] = measure(part, {**_AREA_ALONE, **_ON_BLACK}, samples)
    sets[f"C-NMC, all {len(np.unique(black.subjects))} held-out subjects: {_contents(black)}"] = (
        measure(black, {**_AREA_ALONE, **_ON_BLACK}, samples)
    )
    sets[f"Cells with their surroundings, never seen: {_contents(context)}"] = measure(
        context, _IN_CONTEXT, samples
    )
    of_pbc = predictions.select(pack.source[predictions.rows] == "pbc")
    sets[f"PBC, kinds and morphology, never seen: {len(of_pbc.rows)} cells"] = kinds_and_form(
        pack, of_pbc, samples
    )
    sets["Smudge cells, never seen"] = smudges(pack, predictions, smudge_limit, samples)
    return sets


def measure(cells: Cells, measures: Mapping[str, Measure], samples: int) -> dict[str, Estimate]:
    """Measure cells, with intervals over samples of subjects and their cells."""
    strata = np.char.add(cells.sources, np.where(cells.blasts, " blast", " normal"))
    draws = scores.subject_samples(strata, cells.subjects, samples)
    return estimate_all(measures, cells, map(cells.select, draws))


def kinds_and_form(pack: Pack, predictions: Predictions, samples: int) -> dict[str, Estimate]:
    """Measure the naming of kinds and of morphology, with intervals over cells."""
    kinds = pack.kind[predictions.rows]
    known = predictions.select(kinds != UNKNOWN)
    rng = np.random.default_rng(0)
    draws = [
        known.select(rng.integers(len(known.rows), size=len(known.rows))) for _ in range(samples)
    ]
    measures: dict[str, Callable[[Predictions], float]] = {
        "kind: macro-F1": lambda one: _kind_f1(pack, one)
    }
    for kind in np.unique(kinds[kinds != UNKNOWN]):
        measures[f"kind: {KINDS[kind]} found"] = _recall_of(pack, int(kind))
    for number, name in enumerate(ATTRIBUTES):
        measures[f"morphology: {name} right"] = _attribute_right(pack, number)
    measures["morphology: mean of all attributes"] = lambda one: float(
        np.mean([_attribute_right(pack, number)(one) for number in range(len(ATTRIBUTES))])
    )
    return estimate_all(measures, known, draws)


def smudges(
    pack: Pack, predictions: Predictions, limit: float, samples: int
) -> dict[str, Estimate]:
    """Measure which cells are called smudges, with intervals over cells.

    Args:
        pack: All cells.
        predictions: Of the folds' networks.
        limit: P(smudge) from which a cell is called one.
        samples: Bootstrap samples of each interval.
    """
    rng = np.random.default_rng(0)
    made: dict[str, Estimate] = {}
    for name, part in _might_be_smudges(pack, predictions).items():
        draws = [
            part.select(rng.integers(len(part.rows), size=len(part.rows))) for _ in range(samples)
        ]
        made |= estimate_all({name: lambda one: _called_smudge(one, limit)}, part, draws)
    return made


def _might_be_smudges(pack: Pack, predictions: Predictions) -> dict[str, Predictions]:
    sources, kinds = pack.source[predictions.rows], pack.kind[predictions.rows]
    blasts, real = pack.blast[predictions.rows] == 1, kinds == KINDS.index(SMUDGE)
    return {
        "SN-AM: smudges called smudge": predictions.select((sources == "snam") & real),
        "SN-AM: blasts called smudge": predictions.select((sources == "snam") & blasts),
        "LMU: blasts called smudge": predictions.select((sources == "lmu") & blasts),
        "PBC: other cells called smudge": predictions.select(sources == "pbc"),
        "TXL-PBC: other cells called smudge": predictions.select(sources == "txl"),
    }


def _called_smudge(predictions: Predictions, limit: float) -> float:
    return float((smudge_shares(predictions) >= limit).mean())


def draw_charts(
    pack: Pack, predictions: Predictions, limits: Mapping[View, Limits], folder: Path
) -> None:
    """Draw reliability, confusion and each subject's probabilities as SVG files."""
    folder.mkdir(parents=True, exist_ok=True)
    views = {view: cells_of(pack, of_view(pack, predictions, view), limits[view]) for view in View}
    titles = {View.SEGMENTED: "cells on black", View.CONTEXT: "cells with surroundings"}
    charts.reliability_chart(
        {titles[view]: (cells.probabilities, cells.blasts) for view, cells in views.items()},
        folder / "reliability.svg",
    )
    charts.confusion_chart(
        {titles[view]: _counts(cells) for view, cells in views.items()},
        _CALLED,
        folder / "confusion.svg",
    )
    black, band = views[View.SEGMENTED], limits[View.SEGMENTED]
    charts.subject_chart(
        {
            name: (part.probabilities, part.blasts)
            for name in np.unique(black.subjects)
            for part in (black.select(black.subjects == name),)
        },
        (band.uncertain_low, band.uncertain_high),
        folder / "subjects.svg",
    )


def _counts(cells: Cells) -> np.ndarray:
    """Count cells by truth, blasts first, and by `_CALLED`."""
    return np.array(
        [
            [np.sum((cells.blasts == truth) & (cells.labels == label)) for label in _CALLED]
            for truth in (True, False)
        ]
    )


def _contents(cells: Cells) -> str:
    return f"{cells.blasts.sum()} blasts, {(~cells.blasts).sum()} normal cells"


def auroc(cells: Cells) -> float:
    """Return the area under the ROC curve, the mean over folds."""
    areas = [
        scores.auroc(part.probabilities, part.blasts)
        for part in (cells.select(cells.folds == fold) for fold in np.unique(cells.folds))
    ]
    return float(np.mean(areas))


def _by_area(cells: Cells) -> float:
    return auroc(replace(cells, probabilities=cells.areas))


def _by_subject(cells: Cells) -> float:
    """Return the AUROC of the subjects' mean probabilities."""
    return scores.subject_auroc(cells.probabilities, cells.blasts, cells.subjects)


def _called(score: Callable[[np.ndarray, np.ndarray], float]) -> Measure:
    return lambda cells: score(cells.labels == ALL_BLAST, cells.blasts)


def _decided(cells: Cells) -> float:
    sure = cells.select(cells.labels != UNCERTAIN)
    return scores.accuracy(sure.labels == ALL_BLAST, sure.blasts)


def _uncertain(cells: Cells) -> float:
    return float((cells.labels == UNCERTAIN).mean())


def _coverage(accuracy: float) -> Measure:
    return lambda cells: coverage_at(cells.probabilities, cells.blasts, cells.weights, accuracy)[0]


def _even_accuracy(cells: Cells) -> float:
    return scores.accuracy(cells.probabilities >= _EVEN, cells.blasts)


def _calibration_error(cells: Cells) -> float:
    return calibration_error(cells.probabilities, cells.blasts, cells.weights)


def _share_called(source: str, blast: bool) -> Measure:
    def share_called(cells: Cells) -> float:
        part = cells.select((cells.sources == source) & (cells.blasts == blast))
        return float((part.labels == ALL_BLAST).mean())

    return share_called


_COMMON: dict[str, Measure] = {
    "AUROC": auroc,
    "sensitivity at the operating point": _called(scores.sensitivity),
    "specificity at the operating point": _called(scores.specificity),
    "called uncertain, as a share": _uncertain,
    "accuracy of the rest": _decided,
    "accuracy at 0.5": _even_accuracy,
    "share decided at an accuracy of 0.90": _coverage(0.90),
    "share decided at an accuracy of 0.95": _coverage(0.95),
    "expected calibration error": _calibration_error,
}
_AREA_ALONE: dict[str, Measure] = {_AREA: _by_area}
_ON_BLACK: dict[str, Measure] = {**_COMMON, "AUROC of subjects' means": _by_subject}
_IN_CONTEXT: dict[str, Measure] = {
    **_COMMON,
    "LMU: blasts called blast": _share_called("lmu", True),
    "SN-AM: blasts called blast": _share_called("snam", True),
    "PBC: normal cells called blast": _share_called("pbc", False),
    "TXL-PBC: normal cells called blast": _share_called("txl", False),
}


def _kind_f1(pack: Pack, predictions: Predictions) -> float:
    return kind_f1(pack.kind[predictions.rows], _named(predictions))


def _named(predictions: Predictions) -> np.ndarray:
    return predictions.kind.argmax(axis=1)


def _recall_of(pack: Pack, kind: int) -> Callable[[Predictions], float]:
    def found(predictions: Predictions) -> float:
        part = predictions.select(pack.kind[predictions.rows] == kind)
        return float((_named(part) == kind).mean()) if len(part.rows) else float("nan")

    return found


def _attribute_right(pack: Pack, number: int) -> Callable[[Predictions], float]:
    ends = np.cumsum([len(values) for values in ATTRIBUTES.values()])
    columns = slice(ends[number] - len(list(ATTRIBUTES.values())[number]), ends[number])

    def right(predictions: Predictions) -> float:
        real = pack.attributes[predictions.rows, number]
        known = real != UNKNOWN
        named = predictions.attributes[known, columns].argmax(axis=1)
        return float((named == real[known]).mean()) if known.any() else float("nan")

    return right

"""Measure the served classifier on held-out subjects.

Each fold's network is measured on the subjects that it never saw, in both views: C-NMC cells on
black as stored, and white cells cropped from composites. Temperature and uncertain band of a fold
are those fitted on the held-out subjects of the other folds. The ensemble is measured on normal
cells of the PBC tiles that none of its networks saw. Intervals are 95%, by bootstrap over subjects
and their cells. With --record the metrics also go into docs/validation.md and into the manifest and
model card of the weights, and the charts beside the weights.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.metrics import confusion_matrix

from models.classifier.cell_views import VIEWS, View, context_window
from models.classifier.classifier import Classifier
from models.findings import ALL_BLAST, NORMAL, UNCERTAIN
from training import charts
from training.classifier.card import write_card
from training.classifier.data import CellSource, Places, classifier_view
from training.classifier.options import DEFAULT_WEIGHTS
from training.classifier.predictions import Limits, Predictions, calibrate, predict_held_out
from training.columns import Columns
from training.commands import group, option
from training.data import FOLDS, PROJECT, PbcTile, manifest_rows, read_pbc
from training.documents import record
from training.metrics import scores
from training.metrics.estimates import (
    Estimate,
    EstimatesBySet,
    estimate_all,
    format_tables,
    to_dict,
)

_CALLED = (ALL_BLAST, UNCERTAIN, NORMAL)
_EVEN = 0.5
_CURVE_SAMPLES = 200
_TITLES = {"black": "Cells on black", "crop": "Crops of composites"}


@dataclass(frozen=True)
class Cells(Columns):
    """Classified cells, arrays (n,).

    Attributes:
        probabilities: P(ALL blast), 0..1.
        labels: As the served classifier gives them.
        blasts: Ground truth, bool.
        kinds: "all", "hem" or what a set calls the cell.
        subjects: The person, or the name of the image where unknown.
        folds: Fold of the network, empty for the ensemble.
        files: Name of the image.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    blasts: np.ndarray
    kinds: np.ndarray
    subjects: np.ndarray
    folds: np.ndarray
    files: np.ndarray

    @property
    def scored(self) -> charts.Scored:
        """Return probabilities and whether each cell is a blast."""
        return self.probabilities, self.blasts


Measure = Callable[[Cells], float]


def cross_fitted(predictions: Predictions) -> Cells:
    """Calibrate each fold on the held-out subjects of the other folds."""
    return Cells.concatenate(
        [_calibrate_fold(predictions, name) for name in np.unique(predictions.folds)]
    )


def _calibrate_fold(predictions: Predictions, name: str) -> Cells:
    own = predictions.folds == name
    return cells_of(predictions.select(own), calibrate(predictions.select(~own)))


def cells_of(predictions: Predictions, limits: Limits) -> Cells:
    """Apply a calibration to cells."""
    probabilities = limits.probabilities(predictions.logits)
    return Cells(
        probabilities=probabilities,
        labels=limits.labels(probabilities),
        blasts=predictions.blasts,
        kinds=predictions.kinds,
        subjects=np.where(predictions.subjects == "", predictions.files, predictions.subjects),
        folds=predictions.folds,
        files=predictions.files,
    )


def areas_of(files: Iterable[str], data: Path) -> np.ndarray:
    """Return the area of C-NMC cells in pixels, (n,)."""
    rows = manifest_rows(data / "cnmc", ("file", "cell_pixels"))
    areas = {row["file"]: float(row["cell_pixels"]) for row in rows}
    return np.array([areas[name] for name in files])


def classify_tiles(classifier: Classifier, data: Path) -> Cells:
    """Classify the PBC cells of the test split, all normal, with the ensemble."""
    tiles = [tile for tile in read_pbc(data) if tile.split == "test"]
    answers = [classifier.read(classifier_view(_tile_source(tile)), "crop") for tile in tiles]
    return Cells(
        probabilities=np.array([answer.probability for answer in answers]),
        labels=np.array([answer.label for answer in answers]),
        blasts=np.zeros(len(tiles), bool),
        kinds=np.array([tile.kind for tile in tiles]),
        subjects=np.array([tile.path.name for tile in tiles]),
        folds=np.full(len(tiles), ""),
        files=np.array([tile.path.name for tile in tiles]),
    )


def _tile_source(tile: PbcTile) -> CellSource:
    return CellSource(tile.path, context_window(tile.box), blast=0, kind=tile.kind, subject="")


def auroc(cells: Cells) -> float:
    """Return the area under the ROC curve of P(ALL blast)."""
    return scores.auroc(*cells.scored)


def mean_auroc(cells: Cells) -> float:
    """Return the mean of that area over the folds."""
    areas = [auroc(cells.select(cells.folds == name)) for name in np.unique(cells.folds)]
    return float(np.mean(areas))


def _at_point(score: Callable[[np.ndarray, np.ndarray], float]) -> Measure:
    """Score what lies at or above the operating point, that is not called normal."""
    return lambda cells: score(cells.labels != NORMAL, cells.blasts)


def _at_even(score: Callable[[np.ndarray, np.ndarray], float]) -> Measure:
    return lambda cells: score(cells.probabilities >= _EVEN, cells.blasts)


def _decided(score: Callable[[np.ndarray, np.ndarray], float]) -> Measure:
    """Score the cells outside the uncertain band."""

    def measure(cells: Cells) -> float:
        sure = cells.select(cells.labels != UNCERTAIN)
        return score(sure.labels == ALL_BLAST, sure.blasts)

    return measure


def _among(measure: Measure, *kinds: str) -> Measure:
    return lambda cells: measure(cells.select(np.isin(cells.kinds, kinds)))


_UNCERTAIN: dict[str, Measure] = {
    "called uncertain, as a share": lambda cells: float((cells.labels == UNCERTAIN).mean()),
}
_OF_NORMAL: dict[str, Measure] = {
    "specificity at the operating point": _at_point(scores.specificity),
    **_UNCERTAIN,
    "specificity of the rest": _decided(scores.specificity),
    "specificity at 0.5": _at_even(scores.specificity),
}
_OF_BOTH: dict[str, Measure] = {
    "sensitivity at the operating point": _at_point(scores.sensitivity),
    **_OF_NORMAL,
    "sensitivity of the rest": _decided(scores.sensitivity),
    "sensitivity (recall) at 0.5": _at_even(scores.sensitivity),
    "accuracy at 0.5": _at_even(scores.accuracy),
    "precision at 0.5": _at_even(scores.precision),
    "F1 at 0.5": _at_even(scores.f1),
    "expected calibration error": lambda cells: scores.calibration_error(*cells.scored),
}
_AGAINST_HEM = {"AUROC, blasts against normal precursors (HEM)": _among(auroc, "all", "hem")}
_MEASURES: dict[str, dict[str, Measure]] = {
    "black": {"AUROC": auroc, **_OF_BOTH},
    "crop": {"AUROC": auroc, **_AGAINST_HEM, **_OF_BOTH},
}
_AREA = "AUROC of the cell's area alone, without a network"


def by_kind(cells: Cells) -> dict[str, Measure]:
    """Return the specificity at 0.5 of each kind of normal cell, by title."""
    kinds, counts = np.unique(cells.kinds[~cells.blasts], return_counts=True)
    return {
        f"`{kind}` ({count}): specificity at 0.5": _among(_at_even(scores.specificity), kind)
        for kind, count in zip(kinds, counts, strict=True)
    }


def measured(cells: Cells, measures: dict[str, Measure], samples: int) -> dict[str, Estimate]:
    """Measure cells, with intervals over samples of subjects and their cells."""
    draws = scores.subject_samples(cells.kinds, cells.subjects, samples)
    return estimate_all(measures, cells, map(cells.select, draws))


def evaluate(
    views: Mapping[View, Cells], areas: np.ndarray, tiles: Cells, samples: int
) -> EstimatesBySet:
    """Take all measures.

    Args:
        views: Cells of held-out subjects by view.
        areas: Of the cells on black in pixels, (n,).
        tiles: Normal cells classified by the ensemble.
        samples: Bootstrap samples of each interval.
    """
    by_area = replace(views[View.SEGMENTED], probabilities=areas)
    sets = {}
    for view, cells in views.items():
        for name in FOLDS:
            own = cells.folds == name
            part = cells.select(own)
            estimates = measured(part, _MEASURES[view], samples)
            if view == View.SEGMENTED:
                area = measured(by_area.select(own), {_AREA: auroc}, samples)
                estimates = {**area, **estimates}
            title = f"{_TITLES[view]}, held-out subjects with {name}: {_contents(part)}"
            sets[title] = estimates
        sets[f"{_TITLES[view]}, all held-out subjects: {_contents(cells)}"] = _of_all(
            cells, by_area if view == View.SEGMENTED else None, samples
        )
    title = f"Crops of PBC tiles, the ensemble: {_contents(tiles)}"
    return {**sets, title: measured(tiles, {**_OF_NORMAL, **by_kind(tiles)}, samples)}


def _of_all(cells: Cells, by_area: Cells | None, samples: int) -> dict[str, Estimate]:
    """Measure all folds together; areas under the curve are means of the folds'."""
    mean: dict[str, Measure] = {"AUROC": mean_auroc}
    area = measured(by_area, {_AREA: mean_auroc}, samples) if by_area else {}
    kinds = {} if by_area else by_kind(cells)
    return {**area, **measured(cells, {**mean, **_OF_BOTH, **kinds}, samples)}


def _contents(cells: Cells) -> str:
    blasts = int(cells.blasts.sum())
    return f"{blasts} blasts, {len(cells.blasts) - blasts} normal cells"


def weakness(cells: Cells) -> str:
    """Describe how few subjects the normal cells are of, as a sentence."""
    normal = np.unique(cells.subjects[~cells.blasts])
    return (
        f"The normal precursors of C-NMC are of {len(normal)} subjects ({', '.join(normal)}), one "
        "a fold: the interval of a fold shows how far its cells vary, and not how far people do."
    )


def draw(views: Mapping[View, Cells], band: tuple[float, float], folder: Path) -> None:
    """Draw all charts.

    Args:
        views: Cells by view.
        band: The uncertain one of cells on black, as served.
        folder: Where the charts go.
    """
    scored = {_TITLES[view]: cells.scored for view, cells in views.items()}
    charts.roc_curves(
        [_curve(view, name, cells) for view, cells in views.items() for name in FOLDS],
        folder / "roc.svg",
    )
    charts.reliability_chart(scored, folder / "reliability.svg")
    charts.confusion_chart(
        {_TITLES[view]: confusion(cells) for view, cells in views.items()},
        ("ALL blast", "uncertain", "normal"),
        folder / "confusion.svg",
    )
    stored = views[View.SEGMENTED]
    by_subject = {
        name: stored.select(stored.subjects == name).scored for name in np.unique(stored.subjects)
    }
    charts.subject_chart(by_subject, band, folder / "subjects.svg")


def _curve(view: str, name: str, cells: Cells) -> charts.Curve:
    part = cells.select(cells.folds == name)
    draws = scores.subject_samples(part.kinds, part.subjects, _CURVE_SAMPLES)
    places, rates, low, high = scores.roc_band(*part.scored, draws)
    called = part.labels != NORMAL
    return charts.Curve(
        name=f"with {name}",
        panel=_TITLES[view],
        auroc=Estimate(auroc(part)),
        fpr=places,
        tpr=rates,
        low=low,
        high=high,
        operating_point=(
            1 - scores.specificity(called, part.blasts),
            scores.sensitivity(called, part.blasts),
        ),
    )


def confusion(cells: Cells) -> np.ndarray:
    """Count blasts and normal cells (rows) called ALL blast, uncertain, normal (columns)."""
    truth = np.where(cells.blasts, ALL_BLAST, NORMAL)
    return confusion_matrix(truth, cells.labels, labels=_CALLED)[[0, -1]]


@dataclass(frozen=True)
class Options:
    """Options of `python -m training evaluate classifier`."""

    weights: Path = option(DEFAULT_WEIGHTS, "folder of the network")
    places: Places = group(Places(), "folders")
    cells: int = option(400, "cells on black of each subject, at most")
    crops: int = option(50, "crops of each subject, or kind of unknown subject, at most")
    samples: int = option(500, "bootstrap samples")
    out: Path = option(
        PROJECT / "runs" / "classifier-evaluation",
        "folder for evaluation.json, and for the charts unless recorded",
    )
    record: bool = option(False, "write the metrics into documents")


def run(options: Options) -> None:
    """Measure, print, and write metrics and charts."""
    classifier = Classifier.load(options.weights)
    predictions = predict_held_out(classifier, options.places, options.cells, options.crops)
    views = {view: cross_fitted(predictions[view]) for view in VIEWS}
    data = options.places.data
    areas = areas_of(views[View.SEGMENTED].files, data)
    sets = evaluate(views, areas, classify_tiles(classifier, data), options.samples)
    heading = f"Classifier {classifier.version}, `python -m training evaluate classifier`:"
    text = "\n\n".join((heading, format_tables(sets), weakness(views[View.SEGMENTED])))
    print(text)
    _write(options, sets, text)
    limits = classifier.manifest.views[View.SEGMENTED]
    band = limits["uncertain_low"], limits["uncertain_high"]
    draw(views, band, options.weights / "charts" if options.record else options.out)


def _write(options: Options, sets: EstimatesBySet, text: str) -> None:
    plain = to_dict(sets)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "evaluation.json").write_text(json.dumps(plain, indent=2) + "\n")
    if options.record:
        record("classifier", options.weights, PROJECT / "docs", plain, text)
        write_card(options.weights)

"""Measure the served classifier on cells of people never trained on.

Each round's network is measured on its strangers, in both views: C-NMC cells on black as stored,
and white cells cropped from composites. Temperature and uncertain band of a round are those fitted
on the strangers of the other rounds. All networks together are measured on normal cells of the PBC
tiles that none of them saw. Intervals are 95%, by bootstrap over subjects and their cells. With
--record the figures also go into docs/validation.md and into the manifest and model card of the
weights, and the charts beside the weights.
"""

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.metrics import confusion_matrix

from models.classifier.cell_views import VIEWS, context_window
from models.classifier.classifier import Classifier
from models.findings import ALL_BLAST, NORMAL, UNCERTAIN
from training import charts
from training.classifier.card import write_card
from training.classifier.data import DEFAULT_ROUNDS, CellSource, Places, shown
from training.classifier.options import DEFAULT_WEIGHTS
from training.classifier.predictions import Limits, Readings, calibrate, read_strangers
from training.columns import Columns
from training.data import DEFAULT_DATA, PROJECT, ROUNDS, PbcTile, manifest_rows, read_pbc
from training.documents import record
from training.metrics import scores
from training.metrics.estimates import Figure, Sets, as_plain, as_tables, estimate
from training.synthesis.composites import DEFAULT_CACHE
from training.synthesis.composites import DEFAULT_OUT as DEFAULT_COMPOSITES

_CALLED = (ALL_BLAST, UNCERTAIN, NORMAL)
_EVEN = 0.5
_TITLES = {"black": "Cells on black", "crop": "Crops of composites"}


@dataclass(frozen=True)
class Cells(Columns):
    """Cells as they were read, arrays (n,): P(ALL blast) and label; whether each is a blast, of
    what kind, of which subject (the name of the image where no donor is known), its
    round and file.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    blasts: np.ndarray
    kinds: np.ndarray
    subjects: np.ndarray
    rounds: np.ndarray
    files: np.ndarray

    @property
    def judged(self) -> charts.Judged:
        """Probabilities and whether each cell is a blast."""
        return self.probabilities, self.blasts


Measure = Callable[[Cells], float]


def cross_fitted(readings: Readings) -> Cells:
    """Judge each round's strangers by limits that were fitted on the other rounds' strangers."""
    return Cells.joined([_judged_round(readings, name) for name in np.unique(readings.rounds)])


def _judged_round(readings: Readings, name: str) -> Cells:
    own = readings.rounds == name
    return cells_of(readings.chosen(own), calibrate(readings.chosen(~own)))


def cells_of(readings: Readings, limits: Limits) -> Cells:
    """Judge cells by the limits given."""
    probabilities = limits.probabilities(readings.logits)
    return Cells(
        probabilities=probabilities,
        labels=limits.labels(probabilities),
        blasts=readings.blasts,
        kinds=readings.kinds,
        subjects=np.where(readings.subjects == "", readings.files, readings.subjects),
        rounds=readings.rounds,
        files=readings.files,
    )


def areas_of(files: Iterable[str], data: Path) -> np.ndarray:
    """Return the area (n,) in pixels of C-NMC cells."""
    rows = manifest_rows(data / "cnmc", ("file", "cell_pixels"))
    areas = {row["file"]: float(row["cell_pixels"]) for row in rows}
    return np.array([areas[name] for name in files])


def read_tiles(classifier: Classifier, data: Path) -> Cells:
    """Read the PBC cells of the test split, all of them normal, with the joined network."""
    tiles = [tile for tile in read_pbc(data) if tile.split == "test"]
    read = [classifier.read(shown(_tile_source(tile)), "crop") for tile in tiles]
    return Cells(
        probabilities=np.array([reading.probability for reading in read]),
        labels=np.array([reading.label for reading in read]),
        blasts=np.zeros(len(tiles), bool),
        kinds=np.array([tile.kind for tile in tiles]),
        subjects=np.array([tile.path.name for tile in tiles]),
        rounds=np.full(len(tiles), ""),
        files=np.array([tile.path.name for tile in tiles]),
    )


def _tile_source(tile: PbcTile) -> CellSource:
    return CellSource(tile.path, context_window(tile.box), blast=0, kind=tile.kind, subject="")


def auroc(cells: Cells) -> float:
    """Return the area under the ROC curve of P(ALL blast)."""
    return scores.auroc(*cells.judged)


def mean_auroc(cells: Cells) -> float:
    """Return the mean of that area over the rounds."""
    return float(np.mean([auroc(cells.chosen(cells.rounds == n)) for n in np.unique(cells.rounds)]))


def _at_point(score: Callable[[np.ndarray, np.ndarray], float]) -> Measure:
    """Score what lies at or above the operating point: what is not called normal."""
    return lambda cells: score(cells.labels != NORMAL, cells.blasts)


def _at_even(score: Callable[[np.ndarray, np.ndarray], float]) -> Measure:
    return lambda cells: score(cells.probabilities >= _EVEN, cells.blasts)


def _decided(score: Callable[[np.ndarray, np.ndarray], float]) -> Measure:
    """Score what the classifier says outside its uncertain band."""

    def measure(cells: Cells) -> float:
        sure = cells.chosen(cells.labels != UNCERTAIN)
        return score(sure.labels == ALL_BLAST, sure.blasts)

    return measure


def _among(measure: Measure, *kinds: str) -> Measure:
    return lambda cells: measure(cells.chosen(np.isin(cells.kinds, kinds)))


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
    "expected calibration error": lambda cells: scores.calibration_error(*cells.judged),
}
_AGAINST_HEM = {"AUROC, blasts against normal precursors (HEM)": _among(auroc, "all", "hem")}
_MEASURES: dict[str, dict[str, Measure]] = {
    "black": {"AUROC": auroc, **_OF_BOTH},
    "crop": {"AUROC": auroc, **_AGAINST_HEM, **_OF_BOTH},
}
_AREA = "AUROC of the cell's area alone, without a network"


def by_kind(cells: Cells) -> dict[str, Measure]:
    """Return the specificity at 0.5 of each kind of normal cell, by title with their number."""
    kinds, counts = np.unique(cells.kinds[~cells.blasts], return_counts=True)
    return {
        f"`{kind}` ({count}): specificity at 0.5": _among(_at_even(scores.specificity), kind)
        for kind, count in zip(kinds, counts, strict=True)
    }


def measured(cells: Cells, measures: dict[str, Measure], rounds: int) -> dict[str, Figure]:
    """Measure cells, with intervals over `rounds` bootstrap samples of subjects and cells."""
    samples = [
        [measure(sample) for measure in measures.values()]
        for sample in map(cells.chosen, scores.subject_samples(cells.kinds, cells.subjects, rounds))
    ]
    columns = zip(*samples, strict=True)
    return {
        name: estimate(measure(cells), column)
        for (name, measure), column in zip(measures.items(), columns, strict=True)
    }


def evaluate(views: dict[str, Cells], areas: np.ndarray, tiles: Cells, rounds: int) -> Sets:
    """Return all figures, by title of the set; `areas` (n,) belong to the cells on black."""
    by_area = replace(views["black"], probabilities=areas)
    sets = {}
    for view, cells in views.items():
        for name in ROUNDS:
            own = cells.rounds == name
            part = cells.chosen(own)
            figures = measured(part, _MEASURES[view], rounds)
            if view == "black":
                figures = {**measured(by_area.chosen(own), {_AREA: auroc}, rounds), **figures}
            sets[f"{_TITLES[view]}, strangers with {name}: {_contents(part)}"] = figures
        sets[f"{_TITLES[view]}, all strangers: {_contents(cells)}"] = _of_all(
            cells, by_area if view == "black" else None, rounds
        )
    tiles_title = f"Crops of PBC tiles, all networks together: {_contents(tiles)}"
    return {**sets, tiles_title: measured(tiles, {**_OF_NORMAL, **by_kind(tiles)}, rounds)}


def _of_all(cells: Cells, by_area: Cells | None, rounds: int) -> dict[str, Figure]:
    """Measure all rounds together; areas under the curve are means of the rounds'."""
    mean = {"AUROC": mean_auroc}
    area = measured(by_area, {_AREA: mean_auroc}, rounds) if by_area else {}
    kinds = {} if by_area else by_kind(cells)
    return {**area, **measured(cells, {**mean, **_OF_BOTH, **kinds}, rounds)}


def _contents(cells: Cells) -> str:
    blasts = int(cells.blasts.sum())
    return f"{blasts} blasts, {len(cells.blasts) - blasts} normal cells"


def weakness(cells: Cells) -> str:
    """Say of how few subjects the classes of the rounds are, as a sentence."""
    normal = np.unique(cells.subjects[~cells.blasts])
    return (
        f"The normal precursors of C-NMC are of {len(normal)} subjects ({', '.join(normal)}), one "
        "a round: the interval of a round tells how far its cells vary, and nothing of how far "
        "people do."
    )


def draw(views: dict[str, Cells], band: tuple[float, float], folder: Path) -> None:
    """Draw all charts into `folder`; `band` is the uncertain one of cells on black, as served."""
    judged = {_TITLES[view]: cells.judged for view, cells in views.items()}
    charts.roc_curves(
        [_curve(view, name, cells) for view, cells in views.items() for name in ROUNDS],
        folder / "roc.svg",
    )
    charts.reliability_chart(judged, folder / "reliability.svg")
    charts.confusion_chart(
        {_TITLES[view]: confusion(cells) for view, cells in views.items()},
        ("ALL blast", "uncertain", "normal"),
        folder / "confusion.svg",
    )
    stored = views["black"]
    by_subject = {
        name: stored.chosen(stored.subjects == name).judged for name in np.unique(stored.subjects)
    }
    charts.subject_chart(by_subject, band, folder / "subjects.svg")


def _curve(view: str, name: str, cells: Cells) -> charts.Curve:
    part = cells.chosen(cells.rounds == name)
    samples = scores.subject_samples(part.kinds, part.subjects, 200)
    places, rates, low, high = scores.roc_band(*part.judged, samples)
    called = part.labels != NORMAL
    point = (1 - scores.specificity(called, part.blasts), scores.sensitivity(called, part.blasts))
    return {
        **{"name": f"with {name}", "panel": _TITLES[view], "auroc": {"value": auroc(part)}},
        **{"fpr": places, "tpr": rates, "low": low, "high": high, "operating_point": point},
    }


def confusion(cells: Cells) -> np.ndarray:
    """Count blasts and normal cells (rows) called ALL blast, uncertain, normal (columns)."""
    truth = np.where(cells.blasts, ALL_BLAST, NORMAL)
    return confusion_matrix(truth, cells.labels, labels=_CALLED)[[0, -1]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training evaluate classifier`."""
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the image sets")
    parser.add_argument("--composites", type=Path, default=DEFAULT_COMPOSITES)
    parser.add_argument("--round-composites", type=Path, default=DEFAULT_ROUNDS)
    parser.add_argument("--cutouts", type=Path, default=DEFAULT_CACHE)
    numbers = {
        "cells": (400, "cells on black of each subject, at most"),
        "crops": (50, "crops of each subject, or kind of unknown subject, at most"),
        "rounds": (500, "bootstrap samples"),
    }
    for name, (value, meaning) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value, help=f"{meaning} (%(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=PROJECT / "runs" / "classifier-evaluation",
        help="folder for evaluation.json, and for the charts unless recorded",
    )
    parser.add_argument("--record", action="store_true", help="write the figures into documents")


def run(args: argparse.Namespace) -> None:
    """Measure, print, and write figures and charts."""
    classifier = Classifier.load(args.weights)
    places = Places(args.data, args.composites, args.round_composites, args.cutouts)
    readings = read_strangers(classifier, places, args.cells, args.crops)
    views = {view: cross_fitted(readings[view]) for view in VIEWS}
    areas = areas_of(views["black"].files, args.data)
    sets = evaluate(views, areas, read_tiles(classifier, args.data), args.rounds)
    heading = f"Classifier {classifier.version}, `python -m training evaluate classifier`:"
    text = "\n\n".join((heading, as_tables(sets), weakness(views["black"])))
    print(text)
    _write(args, sets, text)
    limits = classifier.manifest.views["black"]
    band = limits["uncertain_low"], limits["uncertain_high"]
    draw(views, band, args.weights / "charts" if args.record else args.out)


def _write(args: argparse.Namespace, sets: Sets, text: str) -> None:
    plain = as_plain(sets)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "evaluation.json").write_text(json.dumps(plain, indent=2) + "\n")
    if args.record:
        record("classifier", args.weights, PROJECT / "docs", plain, text)
        write_card(args.weights)

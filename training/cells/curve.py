"""Measure what a laboratory's head gains with the number of cells that it is fitted to.

C-NMC stands for the laboratory, the only open set here with both classes from one microscope. Each
cell's base opinion is that of the network whose fold held its person out; a head is fitted to cells
of the persons of four folds, and tried on those of the fifth. Intervals are 95%, by bootstrap over
persons and their cells.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit
from tqdm import tqdm

from core.statistics import auroc
from models.laboratory.embedder import EMBEDDER, Embedder
from models.laboratory.head import Samples, fit
from models.versions import active_folder
from training.cells.pack import DEFAULT_PACK, Pack
from training.cells.predict import DEFAULT_FOLDS, PREDICTIONS, Predictions
from training.commands import option
from training.data import PROJECT, DataError
from training.documents import replace_between, table
from training.metrics import scores
from training.metrics.estimates import Estimate, estimate, format_parts

SIZES = (30, 60, 100, 200, 400, 800, 1600, 3200)
_SOURCE = "cnmc"
_BATCH = 64


@dataclass(frozen=True)
class Options:
    """Options of `python -m training.cells curve`."""

    pack: Path = option(DEFAULT_PACK, "file of the packed pictures")
    folder: Path = option(DEFAULT_FOLDS, "folder of the trained folds")
    weights: Path = option(PROJECT / "weights", "folder of the embedder's versions")
    sizes: tuple[int, ...] = option(SIZES, "cells that are labelled")
    repeats: int = option(5, "draws of the labelled cells, of each size and fold")
    samples: int = option(500, "bootstrap samples")
    document: Path = option(PROJECT / "docs" / "validation.md", "file that --record writes to")
    record: bool = option(False, "write the curve into --document")


@dataclass(frozen=True)
class Laboratory:
    """The cells of one laboratory, arrays (n, ...).

    Attributes:
        samples: With the base model's opinion; a group is a person.
        folds: Number of the fold that holds the person out.
        people: Name of the person.
    """

    samples: Samples
    folds: np.ndarray
    people: np.ndarray


@dataclass(frozen=True)
class Point:
    """One size of the labelled set.

    Attributes:
        cells: Labelled.
        auroc: Of the fifth that was held out, the mean over folds and repeats.
        seconds: That one fit took, the median, of the processor.
    """

    cells: int
    auroc: Estimate
    seconds: float


def run(options: Options) -> None:
    """Measure, print, and record where asked."""
    pack = Pack.load(options.pack)
    predictions = Predictions.load(options.folder / PREDICTIONS)
    embedder = Embedder.load(active_folder(options.weights, EMBEDDER))
    laboratory = read_laboratory(pack, predictions, embedder)
    text = _text(laboratory, list(measure(laboratory, options)))
    print(text)
    if options.record:
        replace_between(options.document, "curve", text)


def read_laboratory(pack: Pack, predictions: Predictions, embedder: Embedder) -> Laboratory:
    """Return the cells that were predicted, with their features.

    Raises:
        DataError: There are predictions of one fold only.
    """
    cells = predictions.select(pack.source[predictions.rows] == _SOURCE)
    if len(np.unique(cells.folds)) < 2:
        raise DataError("A curve needs two folds: python -m training.cells train, then predict.")
    rows = cells.rows
    parts = [rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH)]
    features = [
        embedder.embed(list(pack.rgb(part))) for part in tqdm(parts, "features", mininterval=5)
    ]
    people, groups = np.unique(pack.subject[rows], return_inverse=True)
    samples = Samples(
        base=expit(cells.blast.astype(np.float64)),
        features=np.concatenate(features),
        positive=pack.blast[rows] == 1,
        groups=groups,
    )
    return Laboratory(samples, cells.folds, people[groups])


def measure(laboratory: Laboratory, options: Options) -> Iterator[Point]:
    """Measure each size, the base model without a head first."""
    base = _estimate(laboratory, [laboratory.samples.base], options.samples)
    yield Point(0, base, 0.0)
    for size in options.sizes:
        drawn = [_repeat(laboratory, size, number) for number in range(options.repeats)]
        seconds = float(np.median([second for _, each in drawn for second in each]))
        answers = [probabilities for probabilities, _ in drawn]
        yield Point(size, _estimate(laboratory, answers, options.samples), seconds)


def _repeat(laboratory: Laboratory, size: int, number: int) -> tuple[np.ndarray, list[float]]:
    """Return P(blast) of each cell by a head that never saw its person, and seconds of each fit."""
    samples, seconds = laboratory.samples, []
    probabilities = np.zeros(len(samples))
    for fold in np.unique(laboratory.folds).tolist():
        held_out = laboratory.folds == fold
        rng = np.random.default_rng((number, fold, size))
        labelled = samples.of(_draw(samples, np.flatnonzero(~held_out), size, rng))
        start = time.process_time()
        head = fit(labelled).head
        seconds.append(time.process_time() - start)
        tried = samples.of(held_out)
        probabilities[held_out] = head.probabilities(tried.base, tried.features)
    return probabilities, seconds


def _draw(samples: Samples, rows: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw as many cells of each class, or all that there are."""
    classes = (rows[samples.positive[rows]], rows[~samples.positive[rows]])
    return np.concatenate([rng.permutation(each)[: size // 2] for each in classes])


def _estimate(laboratory: Laboratory, answers: Sequence[np.ndarray], samples: int) -> Estimate:
    """Return the mean AUROC over folds and repeats."""
    positive = laboratory.samples.positive
    strata = np.where(positive, "blast", "normal")
    draws = scores.subject_samples(strata, laboratory.people, samples)
    folds = np.unique(laboratory.folds)

    def mean_auroc(rows: np.ndarray) -> float:
        areas = [
            auroc(each[part], positive[part])
            for fold in folds
            for part in (rows[laboratory.folds[rows] == fold],)
            if 0 < positive[part].sum() < len(part)
            for each in answers
        ]
        return float(np.mean(areas))

    return estimate(mean_auroc, np.arange(len(positive)), draws)


def _text(laboratory: Laboratory, points: Sequence[Point]) -> str:
    cells, people = len(laboratory.samples), len(np.unique(laboratory.people))
    rows = [
        (
            str(point.cells) if point.cells else "none: the network alone",
            *format_parts(point.auroc),
            f"{point.seconds:.2f}" if point.cells else "–",
        )
        for point in points
    ]
    header = ("cells labelled", "AUROC", "95% interval", "seconds to fit")
    title = f"`python -m training.cells curve`, {cells} cells of {people} people of C-NMC:"
    return f"{title}\n\n{table(header, rows)}"

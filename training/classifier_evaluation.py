"""Measure the served classifier on cells never trained on.

Three sets: C-NMC cells of the test subjects, on black as stored; white cells cropped from the
composites of the test split, which are made if they are not there; normal cells cropped from the
PBC tiles of the test split. Intervals are 95%, by bootstrap over subjects and their cells. With
--record the figures also go into docs/validation.md, and into the model card and manifest of the
weights, and the charts beside these.
"""

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.cells import Window
from models.classifier import Classifier
from models.findings import ALL_BLAST, NORMAL, UNCERTAIN
from models.gate import reason_not_usable
from models.images import RgbImage
from training import charts, scores
from training.classifier_card import write_card
from training.classifier_data import (
    CellSource,
    crop_sources,
    evaluation_crops,
    read_rgb,
    stored_sources,
)
from training.composites import DEFAULT_CACHE, held_out_composites
from training.composites import DEFAULT_OUT as DEFAULT_COMPOSITES
from training.data import DEFAULT_DATA, PROJECT, PbcTile, manifest_rows, read_pbc
from training.documents import record
from training.figures import Figure, Sets, as_plain, as_tables, estimate

DEFAULT_WEIGHTS = PROJECT / "weights" / "classifier"
_CALLED = (ALL_BLAST, UNCERTAIN, NORMAL)
_EVEN = 0.5


@dataclass(frozen=True)
class Cells:
    """Cells as the classifier read them, arrays (n,): P(ALL blast) and label that it gave, whether
    the gate took the image; whether it is a blast, of what kind, of which subject (the name of the
    image where no donor is known).
    """

    probabilities: np.ndarray
    labels: np.ndarray
    usable: np.ndarray
    blasts: np.ndarray
    kinds: np.ndarray
    subjects: np.ndarray

    def chosen(self, where: np.ndarray) -> "Cells":
        """Return the cells of a mask or of indexes."""
        return Cells(*(getattr(self, field.name)[where] for field in fields(self)))

    @property
    def judged(self) -> charts.Judged:
        """Probabilities and whether each cell is a blast."""
        return self.probabilities, self.blasts


Measure = Callable[[Cells], float]


def read_cells(
    classifier: Classifier, sources: list[CellSource], images: Iterable[RgbImage]
) -> Cells:
    """Run the served network on the images of `sources`, those that the gate refuses too."""
    probabilities, usable = [], []
    for image in tqdm(images, total=len(sources), mininterval=5):
        probabilities.append(float(classifier.probabilities([image])[0]))
        usable.append(reason_not_usable(image) is None)
    return Cells(
        probabilities=np.array(probabilities),
        labels=np.array([classifier.label(probability) for probability in probabilities]),
        usable=np.array(usable),
        blasts=np.array([bool(source.blast) for source in sources]),
        kinds=np.array([source.kind for source in sources]),
        subjects=np.array([source.subject or source.path.name for source in sources]),
    )


def read_stored(classifier: Classifier, data: Path) -> tuple[Cells, np.ndarray]:
    """Read the C-NMC cells of the test subjects; also return their areas (n,) in pixels."""
    sources = stored_sources(data, ("test",))
    rows = manifest_rows(data / "cnmc", ("file", "cell_pixels"))
    areas = {row["file"]: float(row["cell_pixels"]) for row in rows}
    cells = read_cells(classifier, sources, (read_rgb(source.path) for source in sources))
    return cells, np.array([areas[source.path.name] for source in sources])


def read_crops(classifier: Classifier, sources: list[CellSource]) -> Cells:
    """Read cells cropped at 1.4 times their box."""
    return read_cells(classifier, sources, evaluation_crops(sources))


def tile_sources(data: Path) -> list[CellSource]:
    """List the PBC cells of the test split, all of them normal."""
    return [_tile_source(tile) for tile in read_pbc(data) if tile.split == "test"]


def _tile_source(tile: PbcTile) -> CellSource:
    x1, y1, x2, y2 = tile.box
    window = Window((x1 + x2) / 2, (y1 + y2) / 2, max(x2 - x1, y2 - y1))
    return CellSource(tile.path, window, blast=0, kind=tile.kind, subject="")


def _auroc(cells: Cells) -> float:
    return scores.auroc(*cells.judged)


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
_GATE: dict[str, Measure] = {
    "usable by the gate, as a share": lambda cells: float(cells.usable.mean()),
}
_OF_NORMAL: dict[str, Measure] = {
    "specificity at 0.5": _at_even(scores.specificity),
    **_UNCERTAIN,
    "specificity of the rest": _decided(scores.specificity),
    **_GATE,
}
_OF_BOTH: dict[str, Measure] = {
    "sensitivity (recall) at 0.5": _at_even(scores.sensitivity),
    "specificity at 0.5": _at_even(scores.specificity),
    **_UNCERTAIN,
    "sensitivity of the rest": _decided(scores.sensitivity),
    "specificity of the rest": _decided(scores.specificity),
    "accuracy at 0.5": _at_even(scores.accuracy),
    "precision at 0.5": _at_even(scores.precision),
    "F1 at 0.5": _at_even(scores.f1),
    "expected calibration error": lambda cells: scores.calibration_error(*cells.judged),
    **_GATE,
}
STORED_MEASURES: dict[str, Measure] = {"AUROC": _auroc, **_OF_BOTH}
CROP_MEASURES: dict[str, Measure] = {
    "AUROC, blasts against all other white cells": _auroc,
    "AUROC, blasts against normal precursors (HEM)": _among(_auroc, "all", "hem"),
    **_OF_BOTH,
}


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


def evaluate(stored: Cells, areas: np.ndarray, crops: Cells, tiles: Cells, rounds: int) -> Sets:
    """Return all figures, by title of the set."""
    area = measured(
        replace(stored, probabilities=areas),
        {"AUROC of the cell's area alone, without a network": _auroc},
        rounds,
    )
    return {
        f"C-NMC cells on black: {_contents(stored)}": {
            **area,
            **measured(stored, STORED_MEASURES, rounds),
        },
        f"Crops of test composites: {_contents(crops)}": measured(
            crops, {**CROP_MEASURES, **by_kind(crops)}, rounds
        ),
        f"Crops of PBC tiles: {_contents(tiles)}": measured(
            tiles, {**_OF_NORMAL, **by_kind(tiles)}, rounds
        ),
    }


def _contents(cells: Cells) -> str:
    blasts = int(cells.blasts.sum())
    return f"{blasts} blasts, {len(cells.blasts) - blasts} normal cells"


def weakness(stored: Cells) -> str:
    """Say which class of C-NMC cells has one subject alone, in a sentence each; often empty."""
    sentences = []
    for name, where in (("blasts", stored.blasts), ("normal precursors", ~stored.blasts)):
        subjects = np.unique(stored.subjects[where])
        if len(subjects) == 1:
            sentences.append(
                f"All {name} of C-NMC here are of one subject ({subjects[0]}): an interval tells "
                "how far its cells vary, and nothing of how far people do."
            )
    return " ".join(sentences)


def draw(stored: Cells, crops: Cells, band: tuple[float, float], folder: Path) -> None:
    """Draw all charts into `folder`."""
    sets = {"C-NMC cells on black": stored, "crops of composites": crops}
    judged = {name: cells.judged for name, cells in sets.items()}
    charts.roc_chart(judged, folder / "roc.svg")
    charts.reliability_chart(judged, folder / "reliability.svg")
    charts.confusion_chart(
        {name: confusion(cells) for name, cells in sets.items()},
        ("ALL blast", "uncertain", "normal"),
        folder / "confusion.svg",
    )
    by_subject = {
        name: stored.chosen(stored.subjects == name).judged for name in np.unique(stored.subjects)
    }
    charts.subject_chart(by_subject, band, folder / "subjects.svg")


def confusion(cells: Cells) -> np.ndarray:
    """Count blasts and normal cells (rows) called ALL blast, uncertain, normal (columns)."""
    return np.array(
        [
            [int((cells.labels[cells.blasts == blast] == label).sum()) for label in _CALLED]
            for blast in (True, False)
        ]
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training evaluate classifier`."""
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the image sets")
    parser.add_argument("--composites", type=Path, default=DEFAULT_COMPOSITES)
    parser.add_argument("--cutouts", type=Path, default=DEFAULT_CACHE)
    parser.add_argument(
        "--out",
        type=Path,
        default=PROJECT / "runs" / "classifier-evaluation",
        help="folder for evaluation.json, and for the charts unless recorded",
    )
    parser.add_argument("--rounds", type=int, default=500, help="bootstrap samples (%(default)s)")
    parser.add_argument("--record", action="store_true", help="write the figures into documents")


def run(args: argparse.Namespace) -> None:
    """Measure, print, and write figures and charts."""
    classifier = Classifier.load(args.weights)
    folder = held_out_composites(args.data, args.composites, args.cutouts)
    stored, areas = read_stored(classifier, args.data)
    crops = read_crops(classifier, crop_sources(folder, ("test",)))
    tiles = read_crops(classifier, tile_sources(args.data))
    sets = evaluate(stored, areas, crops, tiles, args.rounds)
    heading = f"Classifier {classifier.version}, `python -m training evaluate classifier`:"
    text = "\n\n".join(filter(None, (heading, as_tables(sets), weakness(stored))))
    print(text)
    _write(args, sets, text)
    limits = classifier.manifest.thresholds
    band = (limits["uncertain_low"], limits["uncertain_high"])
    draw(stored, crops, band, args.weights / "charts" if args.record else args.out)


def _write(args: argparse.Namespace, sets: Sets, text: str) -> None:
    plain = as_plain(sets)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "evaluation.json").write_text(json.dumps(plain, indent=2) + "\n")
    if args.record:
        record("classifier", args.weights, PROJECT / "docs", plain, text)
        write_card(args.weights)

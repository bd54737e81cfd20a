"""Measure what is served on real fields: the detector finds, the classifier names.

SN-AM's marrow fields of B-ALL, enlarged three times, say how many real blasts are found and called
so; TXL-PBC's test fields, which have none, how many other cells are called blasts. Neither set was
trained on. Intervals are 95%, by bootstrap over fields.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from core.average_precision import matched_truth
from core.statistics import share
from core.taxonomy import BLAST, WHITE_CELLS
from imaging.images import RgbImage, resize
from models.findings import UNCERTAIN, Detection
from models.registry import Models, load_models
from training.cells.data import KINDS, read_snam_cells
from training.commands import option
from training.data import DEFAULT_DATA, PROJECT
from training.detector.ground_truth import txl_ground_truth
from training.documents import replace_between
from training.images import read_rgb
from training.metrics.estimates import EstimatesBySet, bootstrap, format_tables

ENLARGED = 3
"""SN-AM's fields have red cells of about 15 px."""


@dataclass(frozen=True)
class NamedField:
    """One field's white cells.

    Attributes:
        blasts: What is said of each true blast: its label, None where it was not found.
        uncertain: How many true blasts the classifier is uncertain of.
        false_blasts: Boxes called blast that hold none.
    """

    blasts: tuple[str | None, ...]
    uncertain: int
    false_blasts: int


Measure = Callable[[Sequence[NamedField]], float]


@dataclass(frozen=True)
class Options:
    """Options of `python -m training.cells fields`."""

    data: Path = option(DEFAULT_DATA, "folder of the image sets")
    weights: Path = option(PROJECT / "weights", "folder of both networks")
    limit: int = option(0, "fields of each set, at most (all)")
    samples: int = option(500, "bootstrap samples")
    record: bool = option(False, "write the metrics into docs/validation.md")


def run(options: Options) -> None:
    """Measure, print, and record where asked."""
    models = load_models(options.weights)
    most = options.limit or None
    snam = [_named(models, *field) for field in tqdm(_snam(options.data)[:most], "SN-AM")]
    txl = [_named(models, *field) for field in tqdm(_txl(options.data)[:most], "TXL-PBC")]
    sets = _estimates(snam, txl, options.samples)
    versions = f"detector {models.detector.version}, classifier {models.classifier.version}"
    text = f"`python -m training.cells fields`, {versions}:\n\n{format_tables(sets)}"
    print(text)
    if options.record:
        replace_between(PROJECT / "docs" / "validation.md", "fields", text)


TrueBoxes = list[tuple[bool, tuple[float, float, float, float]]]
"""Whether each true white cell is a blast, and its box in pixels."""


def _snam(data: Path) -> list[tuple[Path, int, TrueBoxes]]:
    fields: dict[Path, TrueBoxes] = {}
    for cell in read_snam_cells(data):
        if cell.kind >= 0 and KINDS[cell.kind] == "smudge":
            continue
        if cell.box is not None:
            x1, y1, x2, y2 = (ENLARGED * edge for edge in cell.box)
            fields.setdefault(cell.path, []).append((cell.blast == 1, (x1, y1, x2, y2)))
    return [(path, ENLARGED, boxes) for path, boxes in fields.items()]


def _txl(data: Path) -> list[tuple[Path, int, TrueBoxes]]:
    return [
        (path, 1, [(False, cell.box) for cell in cells if cell.label in WHITE_CELLS])
        for path, cells in txl_ground_truth(data, "test")
    ]


def _named(models: Models, path: Path, enlarged: int, cells: TrueBoxes) -> NamedField:
    findings = models.read_field(_enlarge(read_rgb(path), enlarged))
    white = [one for one in findings.detections if one.label in WHITE_CELLS]
    found = _match(white, cells)
    blasts = [found.get(row) for row, (is_blast, _) in enumerate(cells) if is_blast]
    of_blasts = {id(one) for one in blasts if one is not None}
    return NamedField(
        blasts=tuple(one and one.label for one in blasts),
        uncertain=sum(one is not None and one.classifier_label == UNCERTAIN for one in blasts),
        false_blasts=sum(one.label == BLAST and id(one) not in of_blasts for one in white),
    )


def _match(white: Sequence[Detection], cells: TrueBoxes) -> dict[int, Detection]:
    """Return the detection of each true cell that one overlaps by half, by the cell's row."""
    if not white or not cells:
        return {}
    boxes = np.array([one.box for one in white])
    confidences = np.array([one.white or one.confidence for one in white])
    rows = matched_truth(boxes, confidences, np.array([box for _, box in cells]))
    return {int(row): one for row, one in zip(rows, white, strict=True) if row >= 0}


def _enlarge(rgb: RgbImage, factor: int) -> RgbImage:
    return resize(rgb, factor * rgb.shape[1], factor * rgb.shape[0])


def _estimates(
    snam: Sequence[NamedField], txl: Sequence[NamedField], samples: int
) -> EstimatesBySet:
    blasts = sum(len(field.blasts) for field in snam)
    return {
        f"SN-AM, {len(snam)} fields of B-ALL, {blasts} blasts": {
            name: bootstrap(measure, snam, samples) for name, measure in _WITH_BLASTS.items()
        },
        f"TXL-PBC test, {len(txl)} fields without blasts": {
            name: bootstrap(measure, txl, samples) for name, measure in _WITHOUT.items()
        },
    }


def _of_blasts(count: Callable[[NamedField], int]) -> Measure:
    return lambda fields: share(
        sum(count(field) for field in fields), sum(len(field.blasts) for field in fields)
    )


def _false_blasts(fields: Sequence[NamedField]) -> float:
    return sum(field.false_blasts for field in fields) / len(fields)


_WITH_BLASTS: dict[str, Measure] = {
    "blasts found": _of_blasts(lambda field: sum(one is not None for one in field.blasts)),
    "blasts called blast": _of_blasts(lambda field: sum(one == BLAST for one in field.blasts)),
    "blasts that the classifier is uncertain of": _of_blasts(lambda field: field.uncertain),
    "boxes called blast beside them, a field": _false_blasts,
}
_WITHOUT: dict[str, Measure] = {"boxes called blast, a field": _false_blasts}

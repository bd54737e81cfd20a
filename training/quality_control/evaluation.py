"""Measure quality control: of cells before the classifier, of fields before they are counted.

Tested are cells of held-out subjects and test splits, of which each image shows one, in both views;
drawings, text, noise, photographs and fields of red cells, which show none; fields with several;
and cells that were defocused or cut. Intervals are 95%, by bootstrap over images. Fields are good
ones of three sources, degraded copies of them, and what is no field. With --record the results also
go into docs/validation.md.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.statistics import share
from models.findings import Classification
from models.registry import Models, load_models
from training.commands import group, option
from training.data import PROJECT
from training.documents import replace_between, table
from training.metrics.estimates import Estimate, bootstrap, format_parts
from training.quality_control.field_evaluation import (
    evaluate_fields,
    fields_to_dict,
    format_fields,
)
from training.quality_control.images import (
    BLURRED,
    CELL,
    CUT_OFF,
    NO_CELL,
    SEVERAL,
    ImageSet,
    image_sets,
)
from training.synthesis.composites import Folders, held_out_composites

TARGETS = {CELL: 0.95, NO_CELL: 0.99}
"""Smallest shares of images, over all sets of that kind, that should be coded as expected."""

CELLS, FIELDS = "cells", "fields"
"""The two parts of the evaluation."""

_MARKERS = {CELLS: "quality-control", FIELDS: "field-quality"}

_EXPECTED = {
    CELL: "one cell: accepted",
    NO_CELL: "no cell: refused",
    SEVERAL: "several cells: sent to Detect",
    BLURRED: "defocused: called out of focus, or refused",
    CUT_OFF: "cut: called cut off, or refused",
}


@dataclass(frozen=True)
class SetResult:
    """The classifications of the images of one set, with quality control."""

    title: str
    expected: str
    classifications: tuple[Classification, ...]

    @property
    def codes(self) -> dict[str, int]:
        """Count the codes, the most frequent first; `CELL` where an image was accepted."""
        return dict(Counter(each.code or CELL for each in self.classifications).most_common())

    @property
    def in_distribution(self) -> float:
        """Return the share of the cells classified that are in the distribution, or NaN."""
        known = [
            each.in_distribution
            for each in self.classifications
            if each.in_distribution is not None
        ]
        return share(sum(known), len(known))


def classify_set(models: Models, images: ImageSet) -> SetResult:
    """Classify the images of a set."""
    classifications = tuple(
        models.classify(rgb) for rgb in tqdm(images.images(), images.title, mininterval=5)
    )
    return SetResult(images.title, images.expected, classifications)


def is_as_expected(classification: Classification, expected: str) -> bool:
    """Return whether an image was classified, sent to Detect or refused as expected."""
    if expected == SEVERAL:
        return classification.code == SEVERAL
    return classification.usable == (expected == CELL)


def shares(results: Sequence[SetResult], samples: int) -> dict[str, Estimate]:
    """Return the share as expected of every set, and of all sets of a kind, by title."""
    by_title = {each.title: (each,) for each in results}
    by_kind = {
        _total(expected): tuple(each for each in results if each.expected == expected)
        for expected in _EXPECTED
    }
    return {
        title: _share(chosen, samples) for title, chosen in (by_title | by_kind).items() if chosen
    }


def _total(expected: str) -> str:
    return f"All, {_EXPECTED[expected]}"


def _share(results: Iterable[SetResult], samples: int) -> Estimate:
    right = [
        is_as_expected(classification, each.expected)
        for each in results
        for classification in each.classifications
    ]
    return bootstrap(lambda chosen: share(sum(chosen), len(chosen)), right, samples)


def format_results(results: Sequence[SetResult], estimates: dict[str, Estimate]) -> str:
    """Return a table for every kind of image, and the totals against the targets."""
    kinds = [kind for kind in _EXPECTED if any(each.expected == kind for each in results)]
    parts = [_table(kind, results, estimates) for kind in kinds]
    verdicts = [_verdict(kind, estimates) for kind in kinds if kind in TARGETS]
    return "\n\n".join((*parts, *verdicts))


def _table(expected: str, results: Sequence[SetResult], estimates: dict[str, Estimate]) -> str:
    header = (
        _EXPECTED[expected].capitalize(),
        "images",
        "share",
        "95% interval",
        "codes",
        "in distribution",
    )
    rows = [
        (
            each.title,
            str(len(each.classifications)),
            *format_parts(estimates[each.title]),
            *_remarks(each),
        )
        for each in results
        if each.expected == expected
    ]
    total = _total(expected)
    return table(header, [*rows, (total, "", *format_parts(estimates[total]), "", "")])


def _remarks(result: SetResult) -> tuple[str, str]:
    """Return the codes with their numbers, and the share in the distribution."""
    codes = ", ".join(f"{code} {count}" for code, count in result.codes.items())
    return codes, "–" if isnan(result.in_distribution) else f"{result.in_distribution:.3f}"


def _verdict(expected: str, estimates: dict[str, Estimate]) -> str:
    value = estimates[_total(expected)].value
    met = "met" if value >= TARGETS[expected] else "not met"
    return f"{_EXPECTED[expected].capitalize()}: {value:.3f}, target {TARGETS[expected]:g}, {met}."


def to_dict(results: Sequence[SetResult], estimates: dict[str, Estimate]) -> dict[str, Any]:
    """Return everything as JSON takes it: estimates by title, and each set's codes."""
    return {
        "estimates": {title: asdict(estimate) for title, estimate in estimates.items()},
        "targets": TARGETS,
        "sets": {
            each.title: {
                "expected": each.expected,
                "codes": each.codes,
                "in_distribution": None if isnan(each.in_distribution) else each.in_distribution,
            }
            for each in results
        },
    }


@dataclass(frozen=True)
class Options:
    """Options of `python -m training evaluate quality-control`."""

    weights: Path = option(PROJECT / "weights", "folder of both networks")
    folders: Folders = group(Folders(), "folders")
    out: Path = option(PROJECT / "runs" / "quality-control-evaluation.json", "file of the results")
    only: str = option("", "judge nothing else", choices=lambda: ("", CELLS, FIELDS))
    limit: int = option(200, "cells of each set")
    fields: int = option(60, "good fields of each source")
    degraded: int = option(12, "fields that are degraded, and images of each other kind")
    samples: int = option(500, "bootstrap samples")
    record: bool = option(False, "write into docs/validation.md")


def run(options: Options) -> None:
    """Judge all images, print and write the results."""
    models = load_models(options.weights)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    parts = {CELLS: _run_cells, FIELDS: _run_fields}
    results = {}
    for name, judge in parts.items():
        if options.only in ("", name):
            versions = f"detector {models.detector.version}, classifier {models.classifier.version}"
            text, results[name] = judge(models, options)
            text = f"`python -m training evaluate quality-control`, {versions}:\n\n{text}"
            print(text)
            if options.record:
                replace_between(PROJECT / "docs" / "validation.md", _MARKERS[name], text)
    options.out.write_text(json.dumps(results, indent=2) + "\n")


def _run_cells(models: Models, options: Options) -> tuple[str, dict[str, Any]]:
    composites = held_out_composites(options.folders)
    sets = image_sets(options.folders.data, composites, options.limit)
    classified = (classify_set(models, images) for images in sets)
    results = [each for each in classified if each.classifications]
    estimates = shares(results, options.samples)
    return format_results(results, estimates), to_dict(results, estimates)


def _run_fields(models: Models, options: Options) -> tuple[str, dict[str, Any]]:
    data = options.folders.data
    results = evaluate_fields(models.detector, data, options.fields, options.degraded)
    return format_fields(results), fields_to_dict(results)

"""Publish the staged detector, calibrated and measured, and serve it from the next start on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.commands import option
from training.data import PROJECT
from training.detector.export import DEFAULT_STAGED, DEFAULT_WEIGHTS
from training.publishing import publish, record


@dataclass(frozen=True)
class Options:
    """Options of `python -m training publish detector`."""

    staged: Path = option(DEFAULT_STAGED, "folder of the staged weights")
    weights: Path = option(DEFAULT_WEIGHTS, "folder of the published versions")
    record: bool = option(False, "write the metrics into docs/validation.md, and point links there")


def run(options: Options) -> None:
    """Publish, and print where."""
    published = publish(options.weights, options.staged)
    if options.record:
        record(published, PROJECT)
    print(f"Published {published}.")

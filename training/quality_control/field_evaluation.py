"""Measure the judgement of fields: what becomes of good ones, and what of bad ones is noticed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.statistics import share
from imaging.images import RgbImage
from models.detector.detector import Detector
from models.findings import FieldFindings, Quality, Verdict
from models.quality_control.fields import examine_field
from training.documents import table
from training.quality_control.fields import (
    DEGRADED,
    chosen,
    good_fields,
    no_fields,
)
from training.quality_control.images import through_eyepiece

TARGETS = {Verdict.NOT_READABLE: 0.02, Verdict.DOUBTFUL: 0.10}
"""Largest shares of good fields that may get these verdicts."""

EYEPIECE = "through an eyepiece: cropped"
_USUAL_RED_CELL = 40.0


@dataclass(frozen=True)
class FieldResult:
    """The qualities of the images of one kind."""

    title: str
    qualities: tuple[Quality, ...]

    def rate(self, *verdicts: Verdict) -> float:
        """Return the share (0..1) of images with one of these verdicts."""
        return share(sum(one.verdict in verdicts for one in self.qualities), len(self.qualities))

    @property
    def cropped(self) -> float:
        """Return the share (0..1) of images of which an eyepiece's circle was read."""
        return share(sum(one.cropped is not None for one in self.qualities), len(self.qualities))

    @property
    def reasons(self) -> str:
        """List the reasons with their numbers, the most frequent first."""
        counts = Counter(reason for one in self.qualities for reason in one.reasons)
        return ", ".join(f"{reason} {count}" for reason, count in counts.most_common())


@dataclass(frozen=True)
class FieldResults:
    """All of it: good fields, copies of them in an eyepiece, degraded copies, other images."""

    good: tuple[FieldResult, ...]
    eyepiece: FieldResult
    degraded: tuple[FieldResult, ...]
    others: tuple[FieldResult, ...]

    @property
    def all_good(self) -> FieldResult:
        """Return the good fields of all sources together."""
        return FieldResult("All", tuple(one for each in self.good for one in each.qualities))


def evaluate_fields(detector: Detector, data: Path, limit: int, degraded: int) -> FieldResults:
    """Judge good fields, `degraded` of them once for each degradation, and other images.

    Args:
        detector: Finds the cells.
        data: Folder of the image sets.
        limit: Good fields of each source.
        degraded: Of all sources together those that are degraded, and images of each other kind.
    """
    good, kept = [], []
    for each in good_fields(data, limit):
        found = [(rgb, examine_field(rgb, detector)) for rgb in _told(each.images(), each.title)]
        good.append(FieldResult(each.title, tuple(_quality(one) for _, one in found)))
        # As many of each source: else the smallest one would hardly be among them.
        kept += chosen(found, -(-degraded // 3))
    made = {
        title: [make(rgb, one.red_cell or _USUAL_RED_CELL) for rgb, one in kept]
        for title, make in DEGRADED.items()
    }
    results = {title: _judged(detector, title, images) for title, images in made.items()}
    eyepiece = _judged(detector, EYEPIECE, [through_eyepiece(rgb) for rgb, _ in kept])
    others = (_judged(detector, title, make()) for title, make in no_fields(data, degraded).items())
    return FieldResults(tuple(good), eyepiece, tuple(results.values()), tuple(others))


def format_fields(results: FieldResults) -> str:
    """Return the tables, and the shares of good fields against the targets."""
    good = [_row(each) for each in (*results.good, results.all_good)]
    bad = [_row(each) for each in (*results.degraded, *results.others)]
    crop = f"{results.eyepiece.cropped:.3f}"
    eyepiece = [(*_row(results.eyepiece)[:-1], f"cropped {crop}; {results.eyepiece.reasons}")]
    columns = ("fields", "readable", "doubtful", "not readable", "reasons")
    parts = [
        table(("Good fields", *columns), [*good, *eyepiece]),
        table(("Degraded copies, and other images", *columns), bad),
        *(_verdict(results.all_good, verdict) for verdict in TARGETS),
    ]
    return "\n\n".join(parts)


def fields_to_dict(results: FieldResults) -> dict[str, Any]:
    """Return everything as JSON takes it, by title."""
    every = (*results.good, results.all_good, results.eyepiece, *results.degraded, *results.others)
    return {
        each.title: {
            "fields": len(each.qualities),
            **{verdict: each.rate(verdict) for verdict in Verdict},
            "cropped": each.cropped,
            "reasons": each.reasons,
        }
        for each in every
    }


def _judged(detector: Detector, title: str, images: Iterable[RgbImage]) -> FieldResult:
    found = (examine_field(rgb, detector) for rgb in _told(images, title))
    return FieldResult(title, tuple(_quality(one) for one in found))


def _quality(found: FieldFindings) -> Quality:
    if found.quality is None:
        raise TypeError("a field was read without being judged")
    return found.quality


def _row(result: FieldResult) -> tuple[str, ...]:
    rates = (f"{result.rate(verdict):.3f}" for verdict in Verdict)
    return result.title, str(len(result.qualities)), *rates, result.reasons or "–"


def _verdict(good: FieldResult, verdict: Verdict) -> str:
    rate, most = good.rate(verdict), TARGETS[verdict]
    met = "met" if rate <= most else "not met"
    name = verdict.replace("_", " ")
    return f"Good fields called {name}: {rate:.3f}, target at most {most:g}, {met}."


def _told(images: Iterable[RgbImage], title: str) -> Iterable[RgbImage]:
    return tqdm(images, title, mininterval=5)

"""The results of a report, coded once for every laboratory format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from core.taxonomy import BLAST, CELL_CLASSES, CLASS_NAMES, REPORTED, UNCLASSIFIED
from records.cases.cases import BLOOD
from services.cases.snapshot import CaseSnapshot, Tally

BLOOD_LOINC = {one.code: one.loinc for one in CELL_CLASSES if one.loinc}
"""LOINC code and name of the share of each class that has one, for blood."""


class Counter(StrEnum):
    """Who counted."""

    REVIEWERS = "reviewers"
    MODELS = "models"


@dataclass(frozen=True)
class Code:
    """A code of our own, what it means, and LOINC's code and name where they fit."""

    code: str
    meaning: str
    loinc: tuple[str, str] | None = None


@dataclass(frozen=True)
class Result:
    """One number of a report.

    Attributes:
        by: who counted.
        name: tells it from the other results of the same counter.
        code: what was counted or measured.
        value: a percentage (0..100) or a number of cells.
        unit: UCUM code of the unit.
        unit_name: the unit for people.
        bounds: the lower and upper bound of the 95% interval, in the same unit; else empty.
        note: a sentence on how far it can be relied on; empty where nothing is to be said.
    """

    by: Counter
    name: str
    code: Code
    value: float
    unit: str
    unit_name: str
    bounds: tuple[tuple[Code, float], ...] = ()
    note: str = ""


def results_of(snapshot: CaseSnapshot) -> list[Result]:
    """Return all results: those of reviewers, if anybody reviewed, before those of the models."""
    models = _of_tally(snapshot, Counter.MODELS, snapshot.by_models)
    if not snapshot.reviewed:
        return [*models]
    reviewers = _of_tally(snapshot, Counter.REVIEWERS, snapshot.by_reviewers)
    return [*reviewers, *_other_shares(snapshot), *models]


def all_reviewed(snapshot: CaseSnapshot) -> bool:
    """Return whether people reviewed every cell."""
    return snapshot.reviewed == snapshot.total


def format_counted(snapshot: CaseSnapshot) -> str:
    """Say how many blasts people counted, and how far they are."""
    if not snapshot.reviewed:
        return "No cells reviewed."
    tally = snapshot.by_reviewers
    blasts = f"Blasts: {tally.blasts.blasts} of {tally.white} white cells."
    return blasts if all_reviewed(snapshot) else f"{blasts} {_format_reviewed(snapshot)}"


def _format_reviewed(snapshot: CaseSnapshot) -> str:
    reviewed = f"{snapshot.reviewed} of {snapshot.total} cells reviewed"
    return f"{reviewed}; the others count as the models propose."


def _of_tally(snapshot: CaseSnapshot, by: Counter, tally: Tally) -> Iterator[Result]:
    """Yield the share of blasts with its interval, then the count of each class."""
    note = "" if by == Counter.MODELS or all_reviewed(snapshot) else _format_reviewed(snapshot)
    if tally.share is not None:
        code = _share_code(snapshot, BLAST, by)
        yield _share(by, "blast-share", code, tally.share, _bounds(tally), note)
    for label in REPORTED:
        code = Code(f"{label}-count", CLASS_NAMES[label])
        yield Result(by, label, code, tally.count(label), "{cells}", "cells", note=note)


def _other_shares(snapshot: CaseSnapshot) -> Iterator[Result]:
    """Yield the shares that only people can name, once they classified every cell."""
    tally = snapshot.by_reviewers
    if not tally.white or tally.count(UNCLASSIFIED) or not all_reviewed(snapshot):
        return
    for label in BLOOD_LOINC:
        if label != BLAST:
            code = _share_code(snapshot, label, Counter.REVIEWERS)
            share = tally.count(label) / tally.white
            yield _share(Counter.REVIEWERS, f"{label}-share", code, share)


def _share(
    by: Counter,
    name: str,
    code: Code,
    share: float,
    bounds: tuple[tuple[Code, float], ...] = (),
    note: str = "",
) -> Result:
    return Result(by, name, code, _percent(share), "%", "%", bounds, note)


def _share_code(snapshot: CaseSnapshot, label: str, by: Counter) -> Code:
    """Return our code, and LOINC's where people counted all cells of blood.

    What models counted is no manual count.
    """
    manual = by == Counter.REVIEWERS and all_reviewed(snapshot)
    fits = manual and snapshot.specimen.kind == BLOOD
    meaning = f"{CLASS_NAMES[label]}, share of white cells"
    return Code(f"{label}-share", meaning, BLOOD_LOINC[label] if fits else None)


def _bounds(tally: Tally) -> tuple[tuple[Code, float], ...]:
    names = ("lower", "upper")
    return tuple(
        (Code(f"{name}-95", f"{name.capitalize()} bound of the 95% interval"), _percent(bound))
        for name, bound in zip(names, tally.interval or (), strict=True)
    )


def _percent(share: float) -> float:
    return round(100 * share, 2)

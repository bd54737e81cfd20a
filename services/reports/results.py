"""The results of a report, coded once for every laboratory format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from core.coding import BLOOD
from core.taxonomy import (
    BLAST,
    ERYTHROBLAST,
    SMUDGE,
    UNCLASSIFIED,
    CellClass,
)
from services.analyses.findings import format_interval, format_share
from services.cases.snapshot import CaseSnapshot, Tally
from services.language import gettext
from services.reports.formatting import format_so_far, format_specimen

BESIDE = {ERYTHROBLAST: "nrbc", SMUDGE: "smudge"}
"""What stands beside the white cells, per 100 of them, by the beginning of its code."""


class Counter(StrEnum):
    """Who counted."""

    REVIEWERS = "reviewers"
    MODELS = "models"


@dataclass(frozen=True)
class Code:
    """A code of our own, what it means, and LOINC's code and name where they fit.

    Of a laboratory's own class LOINC's name is not known, and empty.
    """

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


def format_counted(snapshot: CaseSnapshot) -> str:
    """Say how many blasts people counted, and how far they are."""
    if not snapshot.reviewed:
        return gettext("No cells reviewed.")
    if not snapshot.complete:
        return f"{format_so_far(snapshot)}. {_format_reviewed(snapshot)}"
    tally = snapshot.by_reviewers
    return gettext(
        "Blasts: %(blasts)s of %(white)s white cells.",
        blasts=tally.blasts.blasts,
        white=tally.white,
    )


def format_result(snapshot: CaseSnapshot) -> str:
    """Say in one sentence what people counted, for the top of a report."""
    tally = snapshot.by_reviewers
    if not (snapshot.reviewed and snapshot.complete):
        return format_counted(snapshot)
    if tally.share is None:
        return gettext("No white cells.")
    interval = format_interval(tally.blasts)
    if not tally.blasts.blasts:
        return gettext(
            "No blasts among %(white)s white cells (95%% CI %(interval)s).",
            white=tally.white,
            interval=interval,
        )
    return gettext(
        "Blasts %(share)s: %(blasts)s of %(white)s white cells (95%% CI %(interval)s).",
        share=format_share(tally.share),
        blasts=tally.blasts.blasts,
        white=tally.white,
        interval=interval,
    )


def _format_reviewed(snapshot: CaseSnapshot) -> str:
    return gettext(
        "%(reviewed)s of %(total)s cells reviewed.",
        reviewed=snapshot.reviewed,
        total=snapshot.total,
    )


def _of_tally(snapshot: CaseSnapshot, by: Counter, tally: Tally) -> Iterator[Result]:
    """Yield the share of blasts with its interval, then the count of each class."""
    note = _note(snapshot, by)
    if tally.share is not None:
        code = _share_code(snapshot, BLAST, by)
        yield _share(by, "blast-share", code, tally.share, _bounds(tally), note)
    names = snapshot.classes.names
    for label in snapshot.classes.reported:
        code, count = Code(f"{label}-count", names[label]), _count(tally, label, by)
        if count is not None:
            yield Result(by, label, code, count, "{cells}", "cells", note=note)
    for label, code in _ratio_codes(snapshot, by):
        ratio = tally.per_100(label)
        if ratio is not None and _count(tally, label, by) is not None:
            value = round(ratio, 2)
            yield Result(by, code.code, code, value, "/100{WBCs}", "per 100 WBC", note=note)


def _count(tally: Tally, label: str, by: Counter) -> int | None:
    return tally.count(label) if by == Counter.REVIEWERS else tally.proposed(label)


def _ratio_codes(snapshot: CaseSnapshot, by: Counter) -> Iterator[tuple[str, Code]]:
    """Yield what is given per 100 white cells, with its code."""
    names = snapshot.classes.names
    for label in BESIDE:
        yield label, Code(f"{BESIDE[label]}-per-100-wbc", f"{names[label]}s per 100 white cells")
    for one in snapshot.classes.own if by == Counter.REVIEWERS else ():
        if not one.differential:
            meaning = f"{one.name} per 100 white cells"
            yield one.code, Code(f"{one.code}-ratio", meaning, _loinc(snapshot, one, by))


def _note(snapshot: CaseSnapshot, by: Counter) -> str:
    if by == Counter.MODELS:
        return format_specimen(snapshot)
    return "" if snapshot.complete else _format_reviewed(snapshot)


def _other_shares(snapshot: CaseSnapshot) -> Iterator[Result]:
    """Yield the shares that only people can name, once they classified every cell."""
    tally = snapshot.by_reviewers
    if not tally.white or tally.count(UNCLASSIFIED) or not snapshot.complete:
        return
    for one in snapshot.classes.every:
        if one.loinc and one.differential and one.code != BLAST:
            code = _share_code(snapshot, one.code, Counter.REVIEWERS)
            share = tally.count(one.code) / tally.white
            yield _share(Counter.REVIEWERS, f"{one.code}-share", code, share)


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
    """Return our code, and LOINC's where it fits."""
    one = next(one for one in snapshot.classes.every if one.code == label)
    return Code(f"{label}-share", f"{one.name}, share of white cells", _loinc(snapshot, one, by))


def _loinc(snapshot: CaseSnapshot, one: CellClass, by: Counter) -> tuple[str, str] | None:
    """Return LOINC's code and name of a class where people counted all cells of blood.

    What models counted is no manual count.
    """
    manual = by == Counter.REVIEWERS and snapshot.complete
    return one.loinc if manual and snapshot.specimen.kind == BLOOD else None


def _bounds(tally: Tally) -> tuple[tuple[Code, float], ...]:
    names = ("lower", "upper")
    return tuple(
        (Code(f"{name}-95", f"{name.capitalize()} bound of the 95% interval"), _percent(bound))
        for name, bound in zip(names, tally.interval or (), strict=True)
    )


def _percent(share: float) -> float:
    return round(100 * share, 2)

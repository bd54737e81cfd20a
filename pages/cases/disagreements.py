"""Cells of a case on which opinions differ, as the page of the sign-off shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import url_for

from core.taxonomy import NOT_A_CELL, OWN_PREFIX
from pages.common.formatting import percent
from records.cases.cases import Case
from services.analyses.thumbnails import COLUMNS, EACH, ROWS, SIDE
from services.cases.agreement import Difference
from services.cases.review import Cell, LeftOut
from services.cases.sign_off import Standing
from services.language import gettext, lower_first


@dataclass(frozen=True)
class Picture:
    """Where the picture of a cell is: a part of a sheet, `box` x, y, width and height there."""

    href: str
    width: int
    height: int
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class Disputed:
    """A cell to keep or to change: its name for people, its picture, and who says what of it."""

    cell: Cell
    name: str
    picture: Picture
    opinions: str


@dataclass(frozen=True)
class Call:
    """One reviewer's class for a cell: `label` is its code, `name` its name on the page."""

    label: str
    name: str


@dataclass(frozen=True)
class Differing:
    """A cell that two reviewers call differently, with what it is called now once decided."""

    cell: Cell
    name: str
    picture: Picture
    calls: tuple[Call, Call]
    decision: str | None
    by: str | None


def differing_of(case: Case, standing: Standing, texts: Mapping[str, str]) -> list[Differing]:
    """Return the cells on which two who read the case blind differ, those to decide first.

    Args:
        case: the case.
        standing: how it stands.
        texts: the name of each class, by code.
    """
    undecided = standing.undecided
    ordered = sorted(standing.differences, key=lambda one: one.cell.id not in undecided)
    present = [one for one in ordered if one.cell.id in standing.cells]
    return [_differing(case, standing, one, texts) for one in present]


def _differing(
    case: Case, standing: Standing, one: Difference, texts: Mapping[str, str]
) -> Differing:
    cell, decided = standing.cells[one.cell.id], one.cell.id not in standing.undecided
    return Differing(
        cell=cell,
        name=one.cell.name,
        picture=_picture(case, cell),
        calls=(_call(one.first, texts), _call(one.second, texts)),
        decision=texts[cell.label] if decided else None,
        by=cell.by if decided else None,
    )


def _call(label: str | None, texts: Mapping[str, str]) -> Call:
    """Word a call; who did not mark a cell at all takes it for none."""
    return Call(label, texts[label]) if label else Call(NOT_A_CELL, gettext("Not marked"))


def disputed_of(case: Case, standing: Standing, texts: Mapping[str, str]) -> list[Disputed]:
    """Return the cells that are not resolved, in the order of review; `texts` as above."""
    names = {cell.id: cell.name for cell in standing.snapshot.cells}
    return [
        Disputed(cell, names[cell.id], _picture(case, cell), _opinions(cell, texts))
        for cell in standing.unresolved
    ]


def _picture(case: Case, cell: Cell) -> Picture:
    if cell.number is None:
        href = url_for("reading.thumbnail", case_id=case.id, cell=cell.id)
        return Picture(href, SIDE, SIDE, (0, 0, SIDE, SIDE))
    if cell.left_out == LeftOut.SINGLE:
        href = url_for("history.thumbnail", analysis_id=cell.analysis_id)
        return Picture(href, SIDE, SIDE, (0, 0, SIDE, SIDE))
    sheet, place = divmod(cell.number, EACH)
    row, column = divmod(place, COLUMNS)
    href = url_for("reading.sheet", case_id=case.id, field=cell.analysis_id, number=sheet)
    box = column * SIDE, row * SIDE, SIDE, SIDE
    return Picture(href, COLUMNS * SIDE, ROWS * SIDE, box)


def _opinions(cell: Cell, texts: Mapping[str, str]) -> str:
    """Say what each network and the reviewer call a cell."""
    said = [f"{name} {percent(value)}" for name, value in _probabilities(cell) if value is not None]
    networks = gettext("Blast probability: %(listed)s.", listed=", ".join(said)) if said else ""
    return " ".join(filter(None, (_names(cell, texts), networks)))


def _names(cell: Cell, texts: Mapping[str, str]) -> str:
    models = (
        gettext("Models: %(label)s.", label=lower_first(texts[cell.proposed]))
        if cell.proposed
        else ""
    )
    if cell.review is None:
        return models
    return f"{models} {cell.by}: {_lower(cell.label, texts)}."


def _lower(label: str, texts: Mapping[str, str]) -> str:
    """Name a class within a sentence; an own one as it was typed."""
    return texts[label] if label.startswith(OWN_PREFIX) else lower_first(texts[label])


def _probabilities(cell: Cell) -> list[tuple[str, float | None]]:
    return [
        (lower_first(gettext("Detector")), cell.blast),
        (lower_first(gettext("Classifier")), cell.classifier_probability),
    ]

"""What is followed of each field from day to day, beside its finding, which is long to read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, ForeignKey, Index, Select, func, select
from sqlalchemy.orm import Mapped, mapped_column

from records import Model, db
from records.analyses.analyses import Analysis
from records.cases.cases import Case
from records.cases.signatures import Signature, first_final
from records.worklist.summaries import SignedCounts


class FieldMeasures(Model):
    """Of one field in which cells were counted; those of demo cases have no row.

    `day` is of UTC. `long_side` and `short_side` are those of the picture in pixels, None of an
    area of a slide, whose size a person chose. `light` to `focus` are the measures of
    `models.findings.Quality`, None in fields of before these were kept. `white_cells` and what is
    counted among them are as the models see them; `out_of_distribution` is None where they did not
    tell.
    """

    __tablename__ = "field_measures"
    __table_args__ = (
        Index("ix_field_measures_team_id_day", "team_id", "day"),
        # All that the list of series needs: rows are five times as long.
        Index(
            "ix_field_measures_team_id_long_side_short_side", "team_id", "long_side", "short_side"
        ),
    )

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True
    )
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="RESTRICT"))
    day: Mapped[date] = mapped_column(Date)
    long_side: Mapped[int | None]
    short_side: Mapped[int | None]
    light: Mapped[float | None]
    depth: Mapped[float | None]
    balance: Mapped[float | None]
    cast: Mapped[float | None]
    focus: Mapped[float | None]
    white_cells: Mapped[int]
    blasts: Mapped[int]
    uncertain: Mapped[int]
    out_of_distribution: Mapped[int | None]


MEASURED = ("light", "depth", "balance", "cast", "focus")
"""Columns of which a day has a mean."""

COUNTED = ("uncertain", "out_of_distribution")
"""Columns that are a share of the white cells."""

Size = tuple[int, int] | None
"""Longer and shorter side of pictures in pixels; None of areas of slides."""


@dataclass(frozen=True)
class Day:
    """The fields of one team and one size on one day.

    `sums` has by measure what was added up and by what that is to be divided: fields or cells.
    """

    day: date
    size: Size
    fields: int
    sums: dict[str, tuple[float, int]]


@dataclass(frozen=True)
class Blasts:
    """What the models counted on one day: `blasts` among `white_cells`."""

    day: date
    blasts: int
    white_cells: int


def days_of(team_id: str) -> Iterator[Day]:
    """Add up a team's fields by day and size, oldest first."""
    table = FieldMeasures
    sums = [part for name in (*MEASURED, *COUNTED) for part in _sums(name)]
    keys = table.day, table.long_side, table.short_side
    wanted = select(*keys, func.count(), *sums).where(table.team_id == team_id)
    for day, long_side, short_side, fields, *added in db.session.execute(
        wanted.group_by(*keys).order_by(table.day, *(key.nulls_first() for key in keys[1:]))
    ):
        pairs = zip(added[::2], added[1::2], strict=True)
        yield Day(
            day=day,
            size=None if long_side is None else (long_side, short_side),
            fields=fields,
            sums={
                name: (total or 0.0, number or 0)
                for name, (total, number) in zip((*MEASURED, *COUNTED), pairs, strict=True)
            },
        )


def sizes_of(team_ids: Collection[str]) -> dict[str, dict[Size, int]]:
    """Count the fields of teams by size, the most frequent first; a team without fields has none.

    In one query, however many teams there are.
    """
    table = FieldMeasures
    keys = table.team_id, table.long_side, table.short_side
    wanted = select(*keys, func.count()).where(table.team_id.in_(team_ids)).group_by(*keys)
    sides = [key.nulls_first() for key in keys[1:]]
    sizes: dict[str, dict[Size, int]] = {team_id: {} for team_id in team_ids}
    for team_id, long_side, short_side, number in db.session.execute(
        wanted.order_by(func.count().desc(), *sides)
    ):
        size = None if long_side is None or short_side is None else (long_side, short_side)
        sizes[team_id][size] = number
    return sizes


def working_days(team_id: str, since: date) -> list[date]:
    """Return the days from one on, in UTC, on which fields of a team were analysed."""
    wanted = select(FieldMeasures.day).where(
        FieldMeasures.team_id == team_id, FieldMeasures.day >= since
    )
    return list(db.session.scalars(wanted.distinct()))


def blasts_of_pseudonym(case: Case) -> list[Blasts]:
    """Count the cells of a case, and of its team's others of the same pseudonym, by day."""
    name = case.folded.partition("\n")[0]
    of_cases = select(Analysis.id).join(Case, Case.id == Analysis.case_id)
    of_cases = of_cases.where(
        Case.team_id == case.team_id, Case.folded.startswith(name + "\n", autoescape=True)
    )
    table = FieldMeasures
    wanted = select(table.day, func.sum(table.blasts), func.sum(table.white_cells))
    wanted = wanted.where(table.analysis_id.in_(of_cases)).group_by(table.day).order_by(table.day)
    return [Blasts(*row) for row in db.session.execute(wanted)]


def agreement_of(team_id: str) -> dict[date, tuple[int, int]]:
    """Add up, by day, on how many of the compared cells of signed cases all agree.

    A case counts on the day of its first final signature, in UTC.
    """
    rows = db.session.execute(_first_signed(team_id)).tuples()
    return {date.fromisoformat(str(day)): (agreed, compared) for day, agreed, compared in rows}


def _first_signed(team_id: str) -> Select[Any]:
    day = func.date(Signature.at)
    wanted = select(day, func.sum(SignedCounts.agreed), func.sum(SignedCounts.compared))
    wanted = (
        wanted.select_from(Signature)
        .join(Case, Case.id == Signature.case_id)
        .join(SignedCounts, SignedCounts.signature_id == Signature.id)
        .where(Case.team_id == team_id, ~Case.demo, first_final())
    )
    return wanted.group_by(day).order_by(day)


def _sums(name: str) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return what adds up a measure, and the number by which that is divided."""
    column = getattr(FieldMeasures, name)
    if name in MEASURED:
        return func.sum(column), func.count(column)
    white = func.sum(FieldMeasures.white_cells).filter(column.is_not(None))
    return func.sum(column), white

"""What is followed of a field, written down when its analysis is kept."""

from __future__ import annotations

from sqlalchemy import Connection, event, insert, select

from core.taxonomy import BLAST, WHITE_CELLS
from records.analyses.analyses import NOT_READABLE, Analysis, AnalysisKind
from records.analyses.slide_areas import SlideArea
from records.cases.cases import Case
from records.worklist.field_measures import MEASURED, FieldMeasures


def measures_of(analysis: Analysis, is_area: bool) -> FieldMeasures:
    """Take from a field what is followed; `is_area` where it is a part of a slide."""
    counts, quality = analysis.counts or {}, analysis.quality or {}
    kept = quality.get("measures", {})
    sides = sorted((analysis.width, analysis.height))
    return FieldMeasures(
        analysis_id=analysis.id,
        team_id=analysis.team_id,
        day=analysis.created_at.date(),
        long_side=None if is_area else sides[1],
        short_side=None if is_area else sides[0],
        **{name: kept.get(name) for name in MEASURED},
        white_cells=counts.get("white", 0),
        blasts=counts.get(BLAST, 0),
        uncertain=counts.get("uncertain", 0),
        out_of_distribution=_out_of_distribution(analysis),
    )


def _out_of_distribution(analysis: Analysis) -> int | None:
    """Count the white cells unlike those validated on; None where nobody asked, or none is."""
    cells = analysis.finding.get("detections", ())
    told = [
        cell["in_distribution"]
        for cell in cells
        if cell["label"] in WHITE_CELLS and "in_distribution" in cell
    ]
    return told.count(False) if told else None


def listen() -> None:
    """Have the measures of every field kept from now on, whoever keeps the field."""
    if not event.contains(Analysis, "after_insert", _measure):
        event.listen(Analysis, "after_insert", _measure)


def _measure(_mapper: object, connection: Connection, analysis: Analysis) -> None:
    """Keep the measures in the analysis's own transaction."""
    if analysis.kind != AnalysisKind.DETECTION or analysis.result == NOT_READABLE:
        return
    if connection.scalar(select(Case.demo).where(Case.id == analysis.case_id)):
        return
    area = connection.scalar(select(SlideArea.id).where(SlideArea.id == analysis.id))
    made = measures_of(analysis, area is not None)
    columns = FieldMeasures.__mapper__.column_attrs
    values = {column.key: getattr(made, column.key) for column in columns}
    connection.execute(insert(FieldMeasures).values(values))

"""What lists need of analyses and signatures, written down when these are kept."""

from __future__ import annotations

from sqlalchemy import Connection, event, insert

from core.folding import fold
from core.taxonomy import BLAST, BUILT_IN
from records import db
from records.analyses.analyses import Analysis
from records.worklist.summaries import AnalysisSummary, SignedCounts
from services.cases.review import differential, proposed_cells
from services.cases.snapshot import CaseSnapshot, CellSnapshot


def summary_of(analysis: Analysis) -> AnalysisSummary:
    """Count the white cells of an analysis as its models see them."""
    cells = proposed_cells(analysis)
    counted = differential(cells, BUILT_IN)
    candidates = [str(cell.number) for cell in cells if cell.candidate]
    return AnalysisSummary(
        analysis_id=analysis.id,
        folded_name=fold(analysis.file_name),
        cells=counted.total,
        white_cells=counted.models.white,
        blasts=counted.models.blasts.blasts,
        candidates=f",{','.join(candidates)}," if candidates else "",
    )


def add_signed_counts(signature_id: int, snapshot: CaseSnapshot) -> None:
    """Keep what lists and statistics need of a signed snapshot, not yet committed."""
    compared = [
        cell for cell in snapshot.cells if cell.seen and cell.proposed and not cell.doubtful
    ]
    counts = SignedCounts(
        signature_id=signature_id,
        cells=snapshot.total,
        white_cells=snapshot.by_reviewers.white,
        blasts=snapshot.by_reviewers.count(BLAST),
        compared=len(compared),
        agreed=sum(map(_agreed, compared)),
    )
    db.session.add(counts)
    db.session.flush()


def _agreed(cell: CellSnapshot) -> bool:
    return (cell.proposed == BLAST) == (cell.label == BLAST)


@event.listens_for(Analysis, "after_insert")
def _summarise(_mapper: object, connection: Connection, analysis: Analysis) -> None:
    """Summarise an analysis in its own transaction, whoever keeps it."""
    summary = summary_of(analysis)
    columns = AnalysisSummary.__mapper__.column_attrs
    values = {column.key: getattr(summary, column.key) for column in columns}
    connection.execute(insert(AnalysisSummary).values(values))

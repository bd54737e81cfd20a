"""Cases with fields and cells in them, made without reading an image; in the application."""

from __future__ import annotations

from typing import Any

from flask import has_app_context
from sqlalchemy import update

from models.findings import Classification, FieldFindings
from records import db
from records.accounts.accounts import Account, new_id
from records.analyses import analyses
from records.analyses.analyses import Analysis
from records.cases import cases
from records.cases.cases import Case
from records.cases.reviews import Review
from records.cases.signatures import Signature
from services.analyses.findings import blast_share, field_findings, field_state, image_quality
from services.cases.checks import CheckCode
from services.cases.review import Entry
from services.cases.sign_off import SignOff
from tests.people import PASSWORD
from tests.services.analyses.fields import kept, read_field

FILE = {
    "file_format": "PNG",
    "file_bytes": 1,
    "notes": [],
    "image_name": "image",
    "thumbnail_name": "thumbnail",
}


def open_case(owner_id: str, pseudonym: str = "Alder-7", **values: Any) -> Case:
    """A case of blood without anything in it."""
    case = Case(owner_id=owner_id, pseudonym=pseudonym, **{"specimen": "blood", **values})
    cases.add(case)
    db.session.commit()
    return case


def put_field(case: Case, found: FieldFindings | None = None, name: str = "smear.png") -> Analysis:
    """A field of the case, in which this was found or else what `read_field` tells."""
    analysis = kept(found or read_field(), name)
    result = field_state(blast_share(field_findings(analysis)), image_quality(analysis))
    values = {**FILE, "owner_id": case.owner_id, "case_id": case.id, "result": result}
    for column, value in {**values, "batch_id": new_id()}.items():
        setattr(analysis, column, value)
    analyses.add(analysis)
    return analysis


def put_cell(
    case: Case, result: str = analyses.ALL_BLAST, probability: float | None = 0.97
) -> Analysis:
    """A cell image of the case with this result."""
    called = None if result == analyses.NOT_USABLE else result
    window = (-5.0, 10.0, 95.0, 110.0)
    read = Classification(called, probability, called is not None, "2026.11.23-1", window=window)
    analysis = Analysis(
        **FILE,
        owner_id=case.owner_id,
        case_id=case.id,
        batch_id=new_id(),
        kind=analyses.AnalysisKind.CLASSIFICATION,
        file_name="cell.png",
        sha256="cd" * 32,
        width=120,
        height=100,
        result=result,
        probability=probability,
        finding=read.to_dict(),
        model_version=read.model,
    )
    analyses.add(analysis)
    return analysis


def entry(cell: str, label: str, **values: Any) -> Entry:
    """A correction with a key of its own, by somebody who sees the cell as it is kept now."""
    analysis_id, _, name = cell.partition(".")
    newest = db.select(db.func.max(Review.id)).filter_by(analysis_id=analysis_id, cell=name)
    unknown = {"based_on", "box"} & set(values) or not has_app_context()
    seen = None if unknown else db.session.scalar(newest)
    return Entry(**{"key": new_id(), "cell": cell, "label": label, "based_on": seen, **values})


def reasons(by: SignOff, case: Case, reader_id: str) -> dict[CheckCode, str]:
    """A reason for each warning that a person would have to pass over."""
    return dict.fromkeys(by.standing(case, reader_id).warnings, "No further field.")


def sign_case(by: SignOff, case: Case, reader: Account, conclusion: str = "Seen.") -> Signature:
    """Sign a case whose cells are reviewed, whatever else its checks warn of."""
    given = reasons(by, case, reader.id)
    seen = by.standing(case, reader.id).seen
    return by.sign(case, reader, PASSWORD, conclusion, seen, given)


def meanwhile(row: Analysis | Case, **values: object) -> None:
    """Somebody else's request, committed while this one has the row read already."""
    with db.engine.begin() as other:
        other.execute(update(type(row)).where(type(row).id == row.id).values(**values))

"""The forms in which a report is handed out, and the writing of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core.tables import SEMICOLON
from records.audit.audit import Event
from records.cases.cases import Case
from records.laboratory.laboratory import find_logo
from services.analyses.analysis import Analyst
from services.audit import audit
from services.cases.cases import about_case, check_real
from services.language import ENGLISH, in_language, language
from services.reports.cell_pictures import pictures_of
from services.reports.contents import ReportContents, collect_report
from services.reports.fhir import as_fhir, as_fhir_transaction
from services.reports.hl7 import as_hl7
from services.reports.text import as_csv, as_json

Make = Callable[[ReportContents, Analyst], bytes]

PDF = "pdf"


@dataclass(frozen=True)
class Format:
    """One form of the report: its name for people, the kind of file, and what makes it."""

    name: str
    mimetype: str
    make: Make


@dataclass(frozen=True)
class Report:
    """A report as a file."""

    content: bytes
    mimetype: str
    file_name: str


def without_pictures(make: Callable[[ReportContents], bytes]) -> Make:
    """Make a format that shows no image of what makes it of the contents alone."""
    return lambda contents, _analyst: make(contents)


def logo_of(contents: ReportContents) -> bytes | None:
    """Return the logo that is printed, as PNG."""
    head = contents.laboratory
    return find_logo(head.logo) if head and head.logo else None


def _with_pictures(contents: ReportContents, analyst: Analyst) -> bytes:
    # Here and not above: most servers print rarely.
    from services.reports.pdf import as_pdf

    return as_pdf(contents, pictures_of(contents.snapshot, analyst), logo_of(contents))


FHIR_JSON = "application/fhir+json"

FORMATS = {
    PDF: Format("PDF", "application/pdf", _with_pictures),
    "csv": Format("CSV", "text/csv", without_pictures(as_csv)),
    "semicolon.csv": Format(
        "CSV (;)", "text/csv", without_pictures(partial(as_csv, separator=SEMICOLON))
    ),
    "json": Format("JSON", "application/json", without_pictures(as_json)),
    "fhir.json": Format("FHIR", FHIR_JSON, without_pictures(as_fhir)),
    "transaction.fhir.json": Format(
        "FHIR (transaction)", FHIR_JSON, without_pictures(as_fhir_transaction)
    ),
    "hl7": Format("HL7 v2", "application/hl7-v2", without_pictures(as_hl7)),
}
"""By the suffix of the address."""


def contents_of(case: Case, weights: Path, version: int | None, account_id: str) -> ReportContents:
    """Collect what a report says, as `collect_report` does; raises `CaseError` for a demo."""
    check_real(case)
    return collect_report(case, weights, version, account_id)


def write(case: Case, contents: ReportContents, suffix: str, analyst: Analyst) -> Report:
    """Write a report in the format of a suffix, and note that it is handed out."""
    # What programs read is the same in every language.
    with in_language(language() if suffix == PDF else ENGLISH):
        made = FORMATS[suffix].make(contents, analyst)
    note(case, contents, suffix)
    name = f"report-{contents.snapshot.case_id[:8]}-v{contents.snapshot.version}.{suffix}"
    return Report(made, FORMATS[suffix].mimetype, name)


def note(case: Case, contents: ReportContents, suffix: str) -> None:
    """Note in the audit trail that a report is handed out."""
    audit.keep(
        Event.REPORT,
        about_case(case),
        format=suffix,
        version=contents.snapshot.version,
        status=contents.status,
        sha256=contents.sha256,
    )

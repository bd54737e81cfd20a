"""Reports of a case, to be kept or sent on."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, Response, abort, current_app, request, send_file

from core.tables import SEMICOLON
from pages.common.lookups import get_analyst, team_case
from pages.common.requires import requires
from records.accounts.accounts import Role
from records.audit.audit import Event
from records.cases.cases import Case
from services.audit import audit
from services.cases.cases import about_case
from services.cases.sign_off import SignOff
from services.cases.signed_contents import AlteredError
from services.learning.export_case import export_case
from services.reports.cell_pictures import pictures_of
from services.reports.contents import ReportContents, collect_report
from services.reports.fhir import as_fhir, as_fhir_transaction
from services.reports.hl7 import as_hl7
from services.reports.pdf import as_pdf
from services.reports.text import as_csv, as_json

blueprint = Blueprint("reports", __name__, url_prefix="/cases/<case_id>")


@dataclass(frozen=True)
class Format:
    """One form of the report: its name for people, the kind of file, and what makes it."""

    name: str
    mimetype: str
    make: Callable[[ReportContents], bytes]


def _with_pictures(contents: ReportContents) -> bytes:
    return as_pdf(contents, pictures_of(contents.snapshot, get_analyst()))


FORMATS = {
    "pdf": Format("PDF", "application/pdf", _with_pictures),
    "csv": Format("CSV", "text/csv", as_csv),
    "semicolon.csv": Format("CSV (;)", "text/csv", partial(as_csv, separator=SEMICOLON)),
    "json": Format("JSON", "application/json", as_json),
    "fhir.json": Format("FHIR", "application/fhir+json", as_fhir),
    "transaction.fhir.json": Format(
        "FHIR (transaction)", "application/fhir+json", as_fhir_transaction
    ),
    "hl7": Format("HL7 v2", "application/hl7-v2", as_hl7),
}
"""By the suffix of the address."""


def get_sign_off() -> SignOff:
    """Return the service that signs cases."""
    return current_app.extensions["leukoscope_sign_off"]


@blueprint.get(f"/report.<any({', '.join(map(repr, FORMATS))}):suffix>")
@requires(Role.VIEWER)
def report(case_id: str, suffix: str) -> Response:
    """Send the report of a version (`?version=`, else the current one)."""
    case = team_case(case_id)
    contents = _contents(case)
    made = FORMATS[suffix].make(contents)
    audit.keep(
        Event.REPORT,
        about_case(case),
        format=suffix,
        version=contents.snapshot.version,
        status=contents.status,
        sha256=contents.sha256,
    )
    name = f"report-{contents.snapshot.case_id[:8]}-v{contents.snapshot.version}.{suffix}"
    return send_file(
        io.BytesIO(made), FORMATS[suffix].mimetype, as_attachment=True, download_name=name
    )


@blueprint.get("/images-and-labels.zip")
@requires(Role.VIEWER, audit=Event.DOWNLOAD)
def labels(case_id: str) -> Response:
    """Send the images of the current version with labels for YOLO and COCO."""
    contents = _contents(team_case(case_id))
    # On disk, since a case may have gigabytes; closed by the server once it is sent.
    archive = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        export_case(contents, get_analyst(), archive)
    except FileNotFoundError:
        archive.close()
        abort(404)
    archive.seek(0)
    name = f"case-{contents.snapshot.case_id[:8]}-v{contents.snapshot.version}-labels.zip"
    return send_file(archive, "application/zip", as_attachment=True, download_name=name)


def _contents(case: Case) -> ReportContents:
    """Collect the report; 404 without such a version, 409 if it was altered."""
    asked = request.args.get("version")
    if asked and not (asked.isascii() and asked.isdecimal() and len(asked) < 7):
        abort(404)
    weights = current_app.config["LEUKOSCOPE"].weights_dir
    try:
        return collect_report(case, weights, int(asked) if asked else None)
    except LookupError:
        abort(404)
    except AlteredError as error:
        abort(409, str(error))

"""Reports of a case, and its images with labels."""

from __future__ import annotations

import io
import tempfile
from typing import Literal

from flask import Response, abort, current_app, send_file
from flask_login import current_user
from pydantic import BaseModel, Field

from api.v1.common.document import files, make_blueprint, problems
from api.v1.common.ids import CasePath
from pages.common.lookups import get_analyst, team_case
from pages.common.problems import ProblemError
from pages.common.requires import requires
from records.accounts.accounts import Role
from records.accounts.api_tokens import Scope
from records.audit.audit import Event
from services.cases.signed_contents import AlteredError
from services.learning.export_case import export_case
from services.reports import formats
from services.reports.contents import ReportContents
from services.reports.formats import FORMATS

blueprint = make_blueprint(
    "reports",
    __name__,
    "/cases/<case_id>",
    "Reports of a case, and its images with labels.",
)

Suffix = Literal["pdf", "csv", "semicolon.csv", "json", "fhir.json", "transaction.fhir.json", "hl7"]
"""The keys of `services.reports.formats.FORMATS`."""

TYPES = sorted({one.mimetype for one in FORMATS.values()})
NO_VERSION = "The case has no such version."


class ReportPath(CasePath):
    """The address of a report: its format is the suffix."""

    suffix: Suffix


class Version(BaseModel):
    """Choose the version of a case."""

    version: int = Field(0, ge=0, le=999_999, description="0 for the present one.")


@blueprint.get("/report.<suffix>", responses={**files(*TYPES), **problems(409)})
@requires(Role.VIEWER, scope=Scope.REPORT)
def report(path: ReportPath, query: Version) -> Response:
    """Return the report of a version, preliminary until it is signed."""
    case = team_case(path.case_id)
    made = formats.write(case, _contents(path.case_id, query), path.suffix, get_analyst())
    return send_file(
        io.BytesIO(made.content), made.mimetype, as_attachment=True, download_name=made.file_name
    )


@blueprint.get("/images-and-labels.zip", responses={**files("application/zip"), **problems(409)})
@requires(Role.VIEWER, audit=Event.DOWNLOAD, scope=Scope.REPORT)
def labels(path: CasePath, query: Version) -> Response:
    """Return the images of a version with labels for YOLO and COCO."""
    contents = _contents(path.case_id, query)
    # On disk, since a case may have gigabytes; closed by the server once it is sent.
    archive = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        export_case(contents, get_analyst(), archive)
    except FileNotFoundError:
        archive.close()
        abort(404)
    archive.seek(0)
    name = f"case-{path.case_id[:8]}-v{contents.snapshot.version}-labels.zip"
    return send_file(archive, "application/zip", as_attachment=True, download_name=name)


def _contents(case_id: str, query: Version) -> ReportContents:
    """Collect the report; 404 without such a version, 409 if it was altered or is of a demo."""
    weights = current_app.config["LEUKOSCOPE"].weights_dir
    try:
        return formats.contents_of(
            team_case(case_id), weights, query.version or None, current_user.id
        )
    except LookupError:
        raise ProblemError(404, NO_VERSION) from None
    except AlteredError as error:
        abort(409, str(error))

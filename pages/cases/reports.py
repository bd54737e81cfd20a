"""Reports of a case, to be kept or sent on."""

from __future__ import annotations

import io
import tempfile
from base64 import b64encode

from flask import Blueprint, Response, abort, current_app, render_template, request, send_file
from flask_login import current_user

from pages.common.lookups import get_analyst, team_case
from pages.common.requires import requires
from records.accounts.accounts import Role
from records.audit.audit import Event
from records.cases.cases import Case
from services.cases.sign_off import SignOff
from services.cases.signed_contents import AlteredError
from services.formatting import class_texts
from services.language import ENGLISH, gettext, in_language
from services.learning.export_case import export_case
from services.reports import formats, sections
from services.reports.cell_pictures import pictures_of
from services.reports.check_sentences import format_check
from services.reports.contents import (
    ASSISTS,
    ReportContents,
    shown_blasts,
    shown_others,
)
from services.reports.formats import FORMATS
from services.reports.formatting import (
    STATUS_NAMES,
    format_duplicates,
    format_later_version,
    format_model,
    format_qualities,
    format_specimen,
    signer_name,
)
from services.reports.results import format_result

blueprint = Blueprint("reports", __name__, url_prefix="/cases/<case_id>")


def get_sign_off() -> SignOff:
    """Return the service that signs cases."""
    return current_app.extensions["leukoscope_sign_off"]


@blueprint.get(f"/report.<any({', '.join(map(repr, FORMATS))}):suffix>")
@requires(Role.VIEWER)
def report(case_id: str, suffix: str) -> Response:
    """Send the report of a version (`?version=`, else the current one)."""
    case = team_case(case_id)
    made = formats.write(case, _contents(case), suffix, get_analyst())
    return send_file(
        io.BytesIO(made.content), made.mimetype, as_attachment=True, download_name=made.file_name
    )


@blueprint.get("/report")
@requires(Role.VIEWER)
def printed(case_id: str) -> str:
    """Show the report of a version (`?version=`, else the current one), to be printed."""
    case = team_case(case_id)
    contents = _contents(case)
    formats.note(case, contents, "html")
    snapshot, logo = contents.snapshot, formats.logo_of(contents)
    pictures = pictures_of(snapshot, get_analyst())
    return render_template(
        "cases/report.html",
        case=case,
        contents=contents,
        logo=logo and _data_url("image/png", logo),
        groups=[
            (gettext("Blasts"), shown_blasts(snapshot)),
            (gettext("Other white cells"), shown_others(snapshot)),
        ],
        pictures={name: _data_url("image/jpeg", one) for name, one in pictures.items()},
        warnings=[*format_duplicates(snapshot), *format_qualities(snapshot)],
        status=STATUS_NAMES[contents.status],
        later=format_later_version(contents.later),
        specimen_sentence=format_specimen(snapshot),
        signer_name=signer_name,
        labels=class_texts(snapshot.classes),
        sections=sections,
        format_result=format_result,
        format_check=format_check,
        format_model=format_model,
        assists=ASSISTS,
    )


def _data_url(mimetype: str, content: bytes) -> str:
    return f"data:{mimetype};base64,{b64encode(content).decode()}"


@blueprint.get("/images-and-labels.zip")
@requires(Role.VIEWER, audit=Event.DOWNLOAD)
def labels(case_id: str) -> Response:
    """Send the images of the current version with labels for YOLO and COCO."""
    contents = _contents(team_case(case_id))
    # On disk, since a case may have gigabytes; closed by the server once it is sent.
    archive = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        with in_language(ENGLISH):
            export_case(contents, get_analyst(), archive)
    except FileNotFoundError:
        archive.close()
        abort(404)
    archive.seek(0)
    name = f"case-{contents.snapshot.case_id[:8]}-v{contents.snapshot.version}-labels.zip"
    return send_file(archive, "application/zip", as_attachment=True, download_name=name)


def _contents(case: Case) -> ReportContents:
    """Collect the report; 404 without such a version, 409 if it was altered or is of a demo."""
    asked = request.args.get("version")
    if asked and not (asked.isascii() and asked.isdecimal() and len(asked) < 7):
        abort(404)
    weights = current_app.config["LEUKOSCOPE"].weights_dir
    try:
        return formats.contents_of(case, weights, int(asked) if asked else None, current_user.id)
    except LookupError:
        abort(404)
    except AlteredError as error:
        abort(409, str(error))

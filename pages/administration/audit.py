"""The administrator's page of the audit trail: searched, read and exported."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, stream_with_context

from pages.administration.audit_forms import AuditForm
from pages.common.pagination import page_number, query
from pages.common.requires import Audience, requires
from records import db, pagination
from records.audit import audit as records
from records.audit.audit import Event
from services.audit import audit
from services.audit.export import FORMATS

blueprint = Blueprint("audit", __name__, url_prefix="/admin/audit")

PAGE_SIZE = 50
PAGE_NAMES = {
    "batches.show": "batch",
    "cases.edit": "case description",
    "cases.show": "case",
    "classification.result": "cell result",
    "field.annotated": "annotated image",
    "field.document": "findings (JSON)",
    "field.result": "field result",
    "field.dicom": "field (DICOM)",
    "field.table": "findings (CSV)",
    "history.confirm": "deletion",
    "reading.show": "reading room",
    "reports.labels": "image set",
    "slides.confirm": "deletion of a slide",
    "slides.show": "slide",
    "sign_off.show": "sign-off",
}
"""The pages and files that people look at, by endpoint, as entries keep it."""

MIME_TYPES = {
    "csv": "text/csv",
    "semicolon.csv": "text/csv",
    "jsonl": "application/x-ndjson",
}


@blueprint.get("")
@requires(Audience.ADMINISTRATORS)
def index() -> str | tuple[str, int]:
    """Show the matching entries, newest first, a page at a time."""
    form = _form()
    if not form.validate():
        return render_template("administration/audit.html", form=form, page=None, query={}), 422
    page = pagination.page_of(records.matching(form.search), page_number(), PAGE_SIZE)
    shown = render_template(
        "administration/audit.html",
        form=form,
        page=page,
        query=query(),
        head=records.head(db.session()),
    )
    audit.keep(Event.AUDIT_SEARCH, page=page.number, **_looked_for(form))
    return shown


@blueprint.get("/export.<any(csv, 'semicolon.csv', jsonl):suffix>")
@requires(Audience.ADMINISTRATORS)
def export(suffix: str) -> Response | tuple[str, int]:
    """Send the matching entries, oldest first, as a file."""
    form = _form()
    if not form.validate():
        return render_template("administration/audit.html", form=form, page=None, query={}), 422
    audit.keep(Event.AUDIT_EXPORT, format=suffix, **_looked_for(form))
    lines = FORMATS[suffix](records.in_order(form.search))
    response = Response(stream_with_context(lines), mimetype=MIME_TYPES[suffix])
    response.headers["Content-Disposition"] = f"attachment; filename=audit.{suffix}"
    return response


@blueprint.app_context_processor
def _labels() -> dict[str, dict[str, str]]:
    labels = {event.value: event.label for event in Event}
    return {"event_labels": labels, "page_names": PAGE_NAMES}


def _form() -> AuditForm:
    form = AuditForm(request.args)
    form.offer(records.names())
    return form


def _looked_for(form: AuditForm) -> dict[str, str]:
    """Return the filters that were used."""
    return {field.name: str(field.data) for field in form if field.data}

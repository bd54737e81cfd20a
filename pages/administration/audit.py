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
from services.language import gettext, lazy_gettext

blueprint = Blueprint("audit", __name__, url_prefix="/admin/audit")

PAGE_SIZE = 50
MOST_COUNTED = 10_000
"""Entries that have numbered pages; a link leads to those behind them."""

PAGE_NAMES = {
    "batches.show": lazy_gettext("batch"),
    "cases.edit": lazy_gettext("case description"),
    "api_analyses.findings": lazy_gettext("findings (JSON)"),
    "api_cases.show": lazy_gettext("case"),
    "api_reports.labels": lazy_gettext("image set"),
    "cases.show": lazy_gettext("case"),
    "classification.result": lazy_gettext("cell result"),
    "field.annotated": lazy_gettext("annotated image"),
    "field.document": lazy_gettext("findings (JSON)"),
    "field.result": lazy_gettext("field result"),
    "field.dicom": lazy_gettext("field (DICOM)"),
    "field.table": lazy_gettext("findings (CSV)"),
    "history.confirm": lazy_gettext("deletion"),
    "reading.show": lazy_gettext("reading room"),
    "reports.labels": lazy_gettext("image set"),
    "slides.confirm": lazy_gettext("deletion of a slide"),
    "slides.show": lazy_gettext("slide"),
    "sign_off.show": lazy_gettext("sign-off"),
}
"""The pages and files that people look at, by endpoint, as entries keep it."""

MIME_TYPES = {
    "csv": "text/csv",
    "semicolon.csv": lazy_gettext("text/csv"),
    "jsonl": "application/x-ndjson",
}


@blueprint.get("")
@requires(Audience.ADMINISTRATORS)
def index() -> str | tuple[str, int]:
    """Show the matching entries, newest first, a page at a time."""
    form = _form()
    if not form.validate():
        return render_template("administration/audit.html", form=form, page=None, query={}), 422
    matching = records.matching(form.search)
    page = pagination.page_of(matching, page_number(), PAGE_SIZE, MOST_COUNTED)
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
    labels = {event.value: gettext(event.label) for event in Event}
    return {"event_labels": labels, "page_names": PAGE_NAMES}


def _form() -> AuditForm:
    form = AuditForm(request.args)
    form.offer(records.names())
    return form


def _looked_for(form: AuditForm) -> dict[str, str]:
    """Return the filters that were used."""
    return {field.name: str(field.data) for field in form if field.data}

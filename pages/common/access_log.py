"""Who looked at what: answers of the addresses in these tables leave a row in the audit trail."""

from __future__ import annotations

from flask import Flask, Response, request

from records.audit.audit import About, Actor, Event
from services.audit import audit

NOTED = {
    "classification.result": Event.VIEW,
    "classification.insist": Event.INSIST,
    "classification.detect": Event.DETECT_AGAIN,
    "explanation.make_shap": Event.EXPLANATION,
    "field.result": Event.VIEW,
    "field.annotated": Event.DOWNLOAD,
    "field.table": Event.DOWNLOAD,
    "field.document": Event.DOWNLOAD,
    "history.confirm": Event.VIEW,
    "batches.show": Event.VIEW,
    "cases.show": Event.VIEW,
    "cases.edit": Event.VIEW,
    "reading.show": Event.VIEW,
    "sign_off.show": Event.VIEW,
}
"""What a request for an analysis, a batch or a case is noted as, if it succeeds."""

PICTURES = {
    "classification.image",
    "explanation.window",
    "explanation.activation_map",
    "explanation.shap_picture",
    "field.image",
    "field.cells",
    "reading.cells",
    "reading.history",
    "reading.sheet",
    "reading.thumbnail",
}
"""Parts of a result: a look of their own only for somebody who did not open the result."""

UPLOADS = {"classification.create", "detection.create"}


def init_app(app: Flask) -> None:
    """Know who acts during a request, and note what was answered before it is sent."""
    app.before_request(_begin)
    app.after_request(_note)
    app.teardown_request(lambda _error: audit.act_as(audit.SERVER))


def _begin() -> None:
    """Nobody, from an address; the account follows when it is loaded."""
    audit.act_as(Actor(None, "", request.remote_addr or "", request.user_agent.string))


def _note(response: Response) -> Response:
    """An error here keeps the answer back: nobody sees what could not be noted."""
    if response.status_code >= 400 or audit.present().account_id is None:
        return response
    if request.endpoint in NOTED:
        audit.keep(NOTED[request.endpoint], _about(), page=request.endpoint)
    elif request.endpoint in PICTURES:
        audit.keep_picture(_about())
    elif request.endpoint in UPLOADS and request.method == "POST":
        audit.keep(Event.UPLOAD, files=len(request.files.getlist("images")))
    return response


def _about() -> About:
    kind = next(kind for kind in ("case", "analysis", "batch") if f"{kind}_id" in request.view_args)
    return About(kind, request.view_args[f"{kind}_id"])

"""Who looked at what: the answers of views that declare so leave a row in the audit trail."""

from __future__ import annotations

from flask import Flask, Response, g, request

from pages.common.requires import Look, requirement_of
from records.audit.audit import ADDRESS_LENGTH, About, Actor, Event
from services.audit import audit


def init_app(app: Flask) -> None:
    """Know who acts during a request, and note what was answered before it is sent."""
    app.before_request(_begin)
    app.after_request(_note)
    app.teardown_request(lambda _error: audit.act_as(audit.SERVER))


def _begin() -> None:
    """Set the actor to the address; the account follows when it is loaded."""
    address = (request.remote_addr or "")[:ADDRESS_LENGTH]
    audit.act_as(Actor(None, "", address, request.user_agent.string))


def _note(response: Response) -> Response:
    """Note the access; an error here withholds the response."""
    requirement = requirement_of(request.endpoint)
    # An answer that is given once more is no further act.
    if g.get("unnoted"):
        return response
    if response.status_code >= 400 or audit.present().account_id is None or requirement is None:
        return response
    if requirement.audit is Look.PICTURE:
        audit.keep_picture(_about())
    elif requirement.audit is Event.UPLOAD:
        audit.keep(Event.UPLOAD, files=_files())
    elif requirement.audit is not None:
        audit.keep(requirement.audit, _about(), page=request.endpoint)
    return response


def _files() -> int:
    """Count the images of an upload; one of a ZIP that came before is no file of the request.

    A view that reads its request by itself says how many there were (`g.files_sent`).
    """
    return g.get("files_sent") or len(request.files.getlist("images")) or 1


def _about() -> About:
    """Return the case, analysis or batch that the address names."""
    named = request.view_args or {}
    kind = next(kind for kind in ("case", "analysis", "slide", "batch") if f"{kind}_id" in named)
    return About(kind, named[f"{kind}_id"])

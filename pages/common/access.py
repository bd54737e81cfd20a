"""Who may use which address: one table, and an address that is not in it is nobody's."""

from __future__ import annotations

from enum import Enum

from flask import Flask, abort, current_app, flash, jsonify, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.common.errors import wants_json
from records.accounts import accounts
from records.accounts.accounts import READER, REVIEWER, VIEWER, Account
from records.analyses.analyses import Analysis
from records.analyses.field_tasks import FieldTask
from services.accounts.accounts import Accounts


class Need(Enum):
    """What an address asks of whoever uses it."""

    NOTHING = "nothing"
    SIGN_IN = "an account"
    VIEWER = VIEWER
    READER = READER
    REVIEWER = REVIEWER
    ADMINISTRATOR = "administrator"


NEEDS = {
    "static": Need.NOTHING,
    "bootstrap.static": Need.NOTHING,
    "home.health": Need.NOTHING,
    "accounts.sign_up": Need.NOTHING,
    "accounts.sign_in": Need.NOTHING,
    "accounts.code": Need.NOTHING,
    "accounts.key": Need.NOTHING,
    "accounts.sign_out": Need.NOTHING,
    "accounts.password": Need.SIGN_IN,
    "sessions.show": Need.SIGN_IN,
    "sessions.end": Need.SIGN_IN,
    "second_factor.show": Need.SIGN_IN,
    "second_factor.enrol": Need.SIGN_IN,
    "second_factor.renew": Need.SIGN_IN,
    "second_factor.remove": Need.SIGN_IN,
    "security_keys.new": Need.SIGN_IN,
    "security_keys.begin": Need.SIGN_IN,
    "security_keys.add": Need.SIGN_IN,
    "security_keys.confirm": Need.SIGN_IN,
    "security_keys.remove": Need.SIGN_IN,
    "home.index": Need.SIGN_IN,
    "model.index": Need.SIGN_IN,
    "model.card": Need.SIGN_IN,
    "model.chart": Need.SIGN_IN,
    "classification.new": Need.READER,
    "classification.create": Need.READER,
    "classification.result": Need.VIEWER,
    "classification.image": Need.VIEWER,
    "classification.insist": Need.READER,
    "classification.detect": Need.READER,
    "explanation.window": Need.VIEWER,
    "explanation.activation_map": Need.VIEWER,
    "explanation.shap": Need.VIEWER,
    "explanation.shap_picture": Need.VIEWER,
    "explanation.make_shap": Need.READER,
    "detection.new": Need.READER,
    "detection.create": Need.READER,
    "batches.show": Need.VIEWER,
    "batches.progress": Need.VIEWER,
    "batches.counts": Need.VIEWER,
    "batches.cancel_all": Need.READER,
    "batches.cancel": Need.READER,
    "batches.retry": Need.READER,
    "field.result": Need.VIEWER,
    "field.image": Need.VIEWER,
    "field.cells": Need.VIEWER,
    "field.annotated": Need.VIEWER,
    "field.table": Need.VIEWER,
    "field.document": Need.VIEWER,
    "cases.index": Need.VIEWER,
    "cases.new": Need.READER,
    "cases.create": Need.READER,
    "cases.show": Need.VIEWER,
    "cases.edit": Need.READER,
    "cases.save": Need.READER,
    "cases.choose": Need.READER,
    "cases.put": Need.READER,
    "cases.take_out": Need.READER,
    "reading.show": Need.VIEWER,
    "reading.cells": Need.VIEWER,
    "reading.history": Need.VIEWER,
    "reading.thumbnail": Need.VIEWER,
    "reading.sheet": Need.VIEWER,
    "reading.review": Need.READER,
    "reading.undo": Need.READER,
    "sign_out.show": Need.VIEWER,
    "sign_out.sign": Need.REVIEWER,
    "sign_out.amend": Need.REVIEWER,
    "reports.report": Need.VIEWER,
    "history.index": Need.VIEWER,
    "history.thumbnail": Need.VIEWER,
    "history.confirm": Need.READER,
    "history.delete": Need.READER,
    "admin.people": Need.ADMINISTRATOR,
    "admin.decide": Need.ADMINISTRATOR,
    "admin.place": Need.ADMINISTRATOR,
    "admin.reset_password": Need.ADMINISTRATOR,
    "admin.end_sessions": Need.ADMINISTRATOR,
    "admin.reset_second_factor": Need.ADMINISTRATOR,
    "admin.make_team": Need.ADMINISTRATOR,
    "admin.rename_team": Need.ADMINISTRATOR,
    "audit.index": Need.ADMINISTRATOR,
    "audit.export": Need.ADMINISTRATOR,
}
"""By endpoint. What shows patients' images asks for a viewer, what changes them for a reader, what
signs for a reviewer."""

NEEDED = {
    Need.VIEWER: "viewers, readers and reviewers",
    Need.READER: "readers and reviewers",
    Need.REVIEWER: "reviewers",
    Need.ADMINISTRATOR: "administrators",
}

CHANGING_PASSWORD = {"accounts.password", "accounts.sign_out"}
ENROLLING = CHANGING_PASSWORD | {"second_factor.show", "second_factor.enrol"}
MUST_ENROL = "Your account needs a second factor. Please set it up before you go on."
MUST_CHANGE = "Your password was given to you. Please choose one of your own before you go on."
MISSING = "This is for {} only. Who may change what you can do: {}."
UNDECLARED = "Nobody may use this address."
ROLE_WORDS = {
    accounts.NONE: "No images",
    accounts.VIEWER: "Viewer",
    accounts.READER: "Reader",
    accounts.REVIEWER: "Reviewer",
}
ROLE_MEANINGS = {
    accounts.NONE: "sees no patients' images",
    accounts.VIEWER: "sees the team's analyses",
    accounts.READER: "uploads and reads as well",
    accounts.REVIEWER: "deletes colleagues' analyses and signs out cases as well",
}


def init_app(app: Flask) -> None:
    """Guard every address, and tell the templates what may be used."""
    app.before_request(_guard)
    app.jinja_env.globals.update(
        may_use=may_use, may_delete=may_delete, role_words=ROLE_WORDS, role_meanings=ROLE_MEANINGS
    )


def _accounts() -> Accounts:
    return current_app.extensions["leukoscope_accounts"]


def may_use(endpoint: str) -> bool:
    """Whether the person of this request may use an address."""
    need = NEEDS[endpoint]
    if need is Need.NOTHING:
        return True
    return current_user.is_authenticated and _meets(current_user, need)


def may_delete(kept: Analysis | FieldTask) -> bool:
    """Whether the person of this request may delete an analysis or a field of the team that waits:
    one's own, or any as a reviewer."""
    own = kept.owner_id == current_user.id
    return may_use("history.delete") and (own or current_user.has_role(REVIEWER))


def _meets(account: Account, need: Need) -> bool:
    if need is Need.ADMINISTRATOR:
        return account.is_administrator
    return need is Need.SIGN_IN or account.has_role(need.value)


def _guard() -> AnyResponse | None:
    need = NEEDS.get(request.endpoint) if request.endpoint else Need.NOTHING
    if need is Need.NOTHING:
        return None
    if not current_user.is_authenticated:
        return current_app.login_manager.unauthorized()
    if current_user.must_change_password:
        if request.endpoint not in CHANGING_PASSWORD:
            return _first("accounts.password", MUST_CHANGE)
    elif request.endpoint not in ENROLLING and _accounts().must_enrol(current_user):
        return _first("second_factor.show", MUST_ENROL)
    if need is None or not _meets(current_user, need):
        abort(403, missing(need) if need else UNDECLARED)
    return None


def missing(need: Need) -> str:
    """Which role is missing, and whom to ask, in a sentence."""
    names = ", ".join(f"“{one.name}”" for one in accounts.administrators())
    return MISSING.format(NEEDED[need], names)


def _first(endpoint: str, why: str) -> AnyResponse:
    """Lead to what must be done before anything else."""
    if wants_json():
        response = jsonify(error=why)
        response.status_code = 403
        return response
    flash(why, "warning")
    return redirect(url_for(endpoint))

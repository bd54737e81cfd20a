"""Who may use which view, as it declares; a view that declares nothing is refused."""

from __future__ import annotations

from flask import Flask, abort, current_app, flash, jsonify, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.common.current_account import current_account
from pages.common.errors import wants_json
from pages.common.requires import Audience, Need, requirement_of
from records.accounts import accounts
from records.accounts.accounts import Account, Role
from records.analyses.analyses import Analysis
from records.analyses.field_tasks import FieldTask
from records.slides.slides import Slide
from services.accounts.accounts import Accounts

NEEDED: dict[Need, str] = {
    Role.VIEWER: "viewers, readers and reviewers",
    Role.READER: "readers and reviewers",
    Role.REVIEWER: "reviewers",
    Audience.ADMINISTRATORS: "administrators",
}

CHANGING_PASSWORD = {"accounts.password", "accounts.sign_out"}
ENROLLING = CHANGING_PASSWORD | {"second_factor.show", "second_factor.enrol"}
MUST_ENROL = "Your account needs a second factor. Set it up to continue."
MUST_CHANGE = "Choose your own password to continue: an administrator set this one."
MISSING = "Only {} can do this. Ask an administrator ({}) to change your role."
UNDECLARED = "Nobody can use this address."
ROLE_NAMES = {
    Role.NONE: "No images",
    Role.VIEWER: "Viewer",
    Role.READER: "Reader",
    Role.REVIEWER: "Reviewer",
}
ROLE_MEANINGS = {
    Role.NONE: "no image access",
    Role.VIEWER: "views",
    Role.READER: "uploads and reviews",
    Role.REVIEWER: "also signs off, deletes",
}


def init_app(app: Flask) -> None:
    """Guard every view, and tell the templates what may be used."""
    app.before_request(_guard)
    app.jinja_env.globals.update(
        may_use=may_use, may_delete=may_delete, role_names=ROLE_NAMES, role_meanings=ROLE_MEANINGS
    )


def _accounts() -> Accounts:
    return current_app.extensions["leukoscope_accounts"]


def may_use(endpoint: str) -> bool:
    """Return whether the person of this request may use a view."""
    requirement = requirement_of(endpoint)
    if requirement is None:
        raise LookupError(f"the view {endpoint} declares no requirement")
    if requirement.need is Audience.ANYBODY:
        return True
    return current_user.is_authenticated and _meets(current_account(), requirement.need)


def may_delete(kept: Analysis | FieldTask | Slide) -> bool:
    """Return whether the person may delete an analysis, waiting field or slide of the team.

    People may delete their own, reviewers any.
    """
    own = kept.owner_id == current_user.id
    return may_use("history.delete") and (own or current_user.has_role(Role.REVIEWER))


def _meets(account: Account, need: Need) -> bool:
    if isinstance(need, Role):
        return account.has_role(need)
    return need is not Audience.ADMINISTRATORS or account.is_administrator


def _guard() -> AnyResponse | None:
    requirement = requirement_of(request.endpoint)
    # No endpoint: the answer is 404 for everybody.
    if request.endpoint is None or (requirement and requirement.need is Audience.ANYBODY):
        return None
    if not current_user.is_authenticated:
        return current_app.extensions["leukoscope_login"].unauthorized()
    if current_user.must_change_password:
        if request.endpoint not in CHANGING_PASSWORD:
            return _first("accounts.password", MUST_CHANGE)
    elif request.endpoint not in ENROLLING and _accounts().must_enrol(current_account()):
        return _first("second_factor.show", MUST_ENROL)
    if requirement is None:
        abort(403, UNDECLARED)
    if not _meets(current_account(), requirement.need):
        abort(403, missing(requirement.need))
    return None


def missing(need: Need) -> str:
    """Say which role is missing and whom to ask."""
    names = ", ".join(one.name for one in accounts.administrators())
    return MISSING.format(NEEDED[need], names)


def _first(endpoint: str, why: str) -> AnyResponse:
    """Lead to what must be done before anything else."""
    if wants_json():
        response = jsonify(error=why)
        response.status_code = 403
        return response
    flash(why, "warning")
    return redirect(url_for(endpoint))

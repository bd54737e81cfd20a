"""Who may use which view, as it declares; a view that declares nothing is refused."""

from __future__ import annotations

from flask import Flask, abort, current_app, flash, jsonify, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.common.current_account import current_account
from pages.common.errors import wants_json
from pages.common.programs import of_program, token_of_request
from pages.common.requires import Audience, Need, Requirement, requirement_of
from records.accounts import accounts
from records.accounts.accounts import Account, Role
from records.analyses.analyses import Analysis
from records.analyses.field_tasks import FieldTask
from records.slides.slides import Slide
from services.accounts.accounts import Accounts
from services.language import lazy_gettext

NEEDED: dict[Need, str] = {
    Role.VIEWER: lazy_gettext("viewers, readers and reviewers"),
    Role.READER: lazy_gettext("readers and reviewers"),
    Role.REVIEWER: lazy_gettext("reviewers"),
    Audience.ADMINISTRATORS: lazy_gettext("administrators"),
    Audience.REVIEWERS_AND_ADMINISTRATORS: lazy_gettext("reviewers and administrators"),
}

CHANGING_PASSWORD = {"accounts.password", "accounts.sign_out"}
ENROLLING = CHANGING_PASSWORD | {"second_factor.show", "second_factor.enrol"}
OF_PASSWORDS = {"second_factor", "security_keys", "tokens", "webhooks"}
"""Blueprints for those who have a password here; as is the page that changes it."""
MUST_ENROL = lazy_gettext("Your account needs a second factor. Set it up to continue.")
MUST_CHANGE = lazy_gettext("Choose your own password to continue: an administrator set this one.")
ELSEWHERE = lazy_gettext(
    "You sign in with {}: your password and second factor are there, not here."
)
MISSING = lazy_gettext("Only {} can do this. Ask an administrator ({}) to change your role.")
OUT_OF_SCOPE = "This token is not for that: it lacks the scope “{}”."
UNDECLARED = lazy_gettext("Nobody can use this address.")
ROLE_NAMES = {
    Role.NONE: lazy_gettext("No images"),
    Role.VIEWER: lazy_gettext("Viewer"),
    Role.READER: lazy_gettext("Reader"),
    Role.REVIEWER: lazy_gettext("Reviewer"),
}
ROLE_MEANINGS = {
    Role.NONE: lazy_gettext("no image access"),
    Role.VIEWER: lazy_gettext("views"),
    Role.READER: lazy_gettext("uploads and reviews"),
    Role.REVIEWER: lazy_gettext("also signs off, deletes"),
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
    if need is Audience.REVIEWERS_AND_ADMINISTRATORS:
        return account.is_administrator or account.has_role(Role.REVIEWER)
    return need is not Audience.ADMINISTRATORS or account.is_administrator


def _guard() -> AnyResponse | None:
    requirement = requirement_of(request.endpoint)
    # No endpoint: the answer is 404 for everybody.
    if request.endpoint is None or (requirement and requirement.need is Audience.ANYBODY):
        return None
    if not current_user.is_authenticated:
        return abort(401) if of_program() else _login()
    before = _before_all_else()
    if before is not None:
        return before
    if requirement is None:
        abort(403, UNDECLARED)
    if not _meets(current_account(), requirement.need):
        abort(403, missing(requirement.need))
    _check_scope(requirement)
    return None


def _check_scope(requirement: Requirement) -> None:
    """Refuse what the token of a program is not for; people have none."""
    if not of_program():
        return
    token = token_of_request()
    if requirement.scope is None or token is None:
        abort(403, UNDECLARED)
    if requirement.scope not in token.scopes:
        abort(403, OUT_OF_SCOPE.format(requirement.scope))


def _login() -> AnyResponse:
    return current_app.extensions["leukoscope_login"].unauthorized()


def _before_all_else() -> AnyResponse | None:
    """Refuse what is about passwords to who has none here, and lead to what must be done first."""
    if current_user.is_external:
        if _is_about_passwords():
            abort(403, ELSEWHERE.format(current_app.config["LEUKOSCOPE"].identity_provider))
        return None
    if current_user.must_change_password:
        if request.endpoint not in CHANGING_PASSWORD:
            return _first("accounts.password", MUST_CHANGE)
    elif request.endpoint not in ENROLLING and _accounts().must_enrol(current_account()):
        return _first("second_factor.show", MUST_ENROL)
    return None


def _is_about_passwords() -> bool:
    return request.blueprint in OF_PASSWORDS or request.endpoint == "accounts.password"


def missing(need: Need) -> str:
    """Say which role is missing and whom to ask."""
    names = ", ".join(one.name for one in accounts.administrators())
    return MISSING.format(NEEDED[need], names)


def _first(endpoint: str, why: str) -> AnyResponse:
    """Lead to what must be done before anything else."""
    if of_program():
        abort(403, why)
    if wants_json():
        response = jsonify(error=str(why))
        response.status_code = 403
        return response
    flash(str(why), "warning")
    return redirect(url_for(endpoint))

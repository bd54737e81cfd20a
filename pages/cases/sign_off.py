"""Sign off a case, and reopen a signed one for amendment."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from core.taxonomy import CLASS_NAMES
from pages.cases.reports import FORMATS, get_sign_off
from pages.cases.sign_off_forms import AmendForm, SignForm
from pages.common import limits
from pages.common.current_account import current_account
from pages.common.lookups import team_case
from pages.common.requires import requires
from pages.common.text_fields import text_of
from records.accounts.accounts import Role
from records.audit.audit import Event
from records.cases import signatures
from records.cases.cases import Case
from records.cases.signatures import Amendment, Signature, SignatureRole
from services.cases import cases
from services.cases.sign_off import SignOffError, WrongPasswordError
from services.reports.formatting import SIGNER_NAMES, format_duplicates, format_qualities

SIGN_TEXTS = {
    SignatureRole.FIRST: "Signing makes you responsible for this reading and locks the case.",
    SignatureRole.SECOND: "You classified every cell as the first reviewer did. Signing makes you "
    "responsible for this reading and locks the case.",
    SignatureRole.ADJUDICATOR: "You classified some cells differently. Signing makes you "
    "responsible for this reading and locks the case with your classes. The report lists the "
    "differences.",
}
"""What signing means, by role."""

SIGN_FIRST_OF_TWO = (
    "Signing makes you responsible for this reading. The case is locked when a second reviewer "
    "has signed too."
)

MOST_LISTED = 60
"""Cells that are listed as not yet seen; the reading room has them all."""

blueprint = Blueprint("sign_off", __name__, url_prefix="/cases/<case_id>")


@dataclass(frozen=True)
class Version:
    """One version of a case: who signed it, and why it was opened (from version 2 on)."""

    number: int
    signatures: list[Signature]
    amendment: Amendment | None


@blueprint.get("/sign-off")
@requires(Role.VIEWER, audit=Event.VIEW)
def show(case_id: str) -> str:
    """Show what there is to sign, what is missing, and all versions."""
    return _page(team_case(case_id), SignForm(), AmendForm())


@blueprint.post("/sign-off")
@requires(Role.REVIEWER)
@limits.failures_of_account
def sign(case_id: str) -> AnyResponse | tuple[str, int]:
    """Sign the case."""
    case, form = team_case(case_id), SignForm()
    if not form.validate():
        return _page(case, form, AmendForm()), 422
    try:
        signature = get_sign_off().sign(
            case,
            current_account(),
            text_of(form.password),
            text_of(form.conclusion),
            text_of(form.seen),
        )
    except SignOffError as error:
        status = _refused(form, error)
        return _page(case, form, AmendForm()), status
    flash(_signed_message(signature), "success")
    return _back(case)


@blueprint.post("/sign-off/amend")
@requires(Role.REVIEWER)
def amend(case_id: str) -> AnyResponse | tuple[str, int]:
    """Open a signed case for a new version."""
    case, form = team_case(case_id), AmendForm()
    if not form.validate():
        return _page(case, SignForm(), form), 422
    try:
        opened = get_sign_off().amend(case, current_account(), text_of(form.reason))
    except SignOffError as error:
        abort(409, str(error))
    flash(f"Reopened as version {opened.version}. Earlier versions are kept.", "success")
    return _back(case)


@blueprint.route("/sign-out", methods=["GET", "POST"])
@requires(Role.VIEWER)
def old_address(case_id: str) -> AnyResponse:
    """Redirect bookmarks and open forms from the old address."""
    return _moved(url_for("sign_off.show", case_id=team_case(case_id).id))


@blueprint.post("/sign-out/amend")
@requires(Role.REVIEWER)
def old_amend(case_id: str) -> AnyResponse:
    """Redirect the form of an amendment from its old address."""
    return _moved(url_for("sign_off.amend", case_id=team_case(case_id).id))


def _moved(address: str) -> AnyResponse:
    # 308 makes the browser send the form again; 301 may turn it into a GET.
    return redirect(address, code=301 if request.method == "GET" else 308)


def _page(case: Case, form: SignForm, amending: AmendForm) -> str:
    standing = get_sign_off().standing(case, current_user.id)
    # The page shows the case as it is now; whoever signs next has seen this.
    form.seen.data = standing.seen
    return render_template(
        "cases/sign_off/show.html",
        case=case,
        standing=standing,
        state=standing.snapshot,
        duplicates=format_duplicates(standing.snapshot),
        qualities=format_qualities(standing.snapshot),
        form=form,
        amending=amending,
        versions=_versions(case, standing.snapshot.version),
        formats=FORMATS,
        case_state=cases.state_of(case),
        labels=CLASS_NAMES,
        roles=SIGNER_NAMES,
        sign_text=_sign_text(standing.role),
        most_listed=MOST_LISTED,
    )


def _sign_text(role: SignatureRole | None) -> str:
    if role is SignatureRole.FIRST and current_app.config["LEUKOSCOPE"].readers == 2:
        return SIGN_FIRST_OF_TWO
    return SIGN_TEXTS[role] if role else ""


def _refused(form: SignForm, error: SignOffError) -> int:
    """Say it where it belongs, and with which status."""
    if isinstance(error, WrongPasswordError):
        limits.note_failure()
        form.password.errors = [str(error)]
        return 422
    form.form_errors.append(str(error))
    return 409


def _signed_message(signature: Signature) -> str:
    if signature.final:
        return f"Version {signature.version} signed. The case is locked."
    return "Signed as first reviewer. A second reviewer must sign before it is final."


def _versions(case: Case, newest: int) -> list[Version]:
    """List all versions, newest first."""
    signed = signatures.of_case(case.id)
    opened = {amendment.version: amendment for amendment in signatures.amendments_of(case.id)}
    return [
        Version(number, [one for one in signed if one.version == number], opened.get(number))
        for number in range(newest, 0, -1)
    ]


def _back(case: Case) -> AnyResponse:
    return redirect(url_for("sign_off.show", case_id=case.id), code=303)

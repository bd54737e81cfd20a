"""Sign off a case, and reopen a signed one for amendment."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from core.ids import new_id
from pages.cases.disagreements import differing_of, disputed_of
from pages.cases.reports import get_sign_off
from pages.cases.sign_off_forms import SIGN_FORM, AmendForm, KeepForm, SignForm
from pages.cases.sign_off_identity import (
    ask_who_signs,
    is_confirmed,
    proof_of,
    sign_form,
    typed_before,
)
from pages.common import limits
from pages.common.current_account import current_account
from pages.common.lookups import team_case
from pages.common.printing import print_warning
from pages.common.requires import requires
from pages.common.text_fields import add_error, text_of
from records.accounts.accounts import Role
from records.audit.audit import Event
from records.cases import signatures
from records.cases.blinding import sight_of
from records.cases.cases import Case
from records.cases.signatures import Amendment, Signature, SignatureRole
from services.cases import cases
from services.cases import review as reviewing
from services.cases.blinding import Stage
from services.cases.checks import Check, CheckStatus
from services.cases.review import Entry, LockedError, ReviewError
from services.cases.sign_off import NoReasonError, SignOffError, Standing, WrongPasswordError
from services.cases.signed_contents import read_contents
from services.cases.snapshot import Agreement, classes_of
from services.formatting import class_texts
from services.laboratory import settings as laboratory_settings
from services.laboratory.classes import cell_classes
from services.language import gettext, lazy_gettext
from services.reports.check_sentences import CHECK_NAMES, format_check
from services.reports.formats import FORMATS
from services.reports.formatting import format_left_out, format_specimen, signer_name
from services.reports.printing import texts_of, texts_of_signature


@dataclass(frozen=True)
class CheckText:
    """What a check comes to, for people: its word and icon."""

    word: str
    icon: str


SIGN_TEXTS = {
    SignatureRole.FIRST: lazy_gettext(
        "Signing makes you responsible for this reading and locks the case."
    ),
    SignatureRole.SECOND: lazy_gettext(
        "You classified every cell as the first reviewer did. Signing makes you "
        "responsible for this reading and locks the case."
    ),
    SignatureRole.ADJUDICATOR: lazy_gettext(
        "You classified some cells differently. Signing makes you "
        "responsible for this reading and locks the case with your classes. The report lists the "
        "differences."
    ),
}
"""What signing means, by role."""

BLIND_TEXTS = {
    SignatureRole.FIRST: lazy_gettext(
        "Signing makes you responsible for your differential and keeps it. The "
        "second reviewer does not see it before signing."
    ),
    SignatureRole.SECOND: lazy_gettext(
        "Signing makes you responsible for your differential and keeps it. It is "
        "then compared with that of the first reviewer: if both agree, the case is locked."
    ),
    SignatureRole.ADJUDICATOR: lazy_gettext(
        "Every difference is decided. Signing makes you responsible for "
        "this reading and locks the case. The report lists the differences and decisions."
    ),
}
"""What signing means where two reviewers read blind."""

SIGN_FIRST_OF_TWO = lazy_gettext(
    "Signing makes you responsible for this reading. The case is locked when a second reviewer "
    "has signed too."
)

MOST_LISTED = 60
"""Cells that are listed as not yet seen, or disputed; the reading room has them all."""

CHECK_TEXTS = {
    CheckStatus.BLOCKING: CheckText(lazy_gettext("Blocks signing"), "x-circle"),
    CheckStatus.WARNING: CheckText(lazy_gettext("Warning"), "exclamation-triangle"),
    CheckStatus.OK: CheckText("OK", "check-circle"),
}

blueprint = Blueprint("sign_off", __name__, url_prefix="/cases/<case_id>")


@dataclass(frozen=True)
class CheckLine:
    """A check as a line of the list, with what a first reviewer gave as a reason."""

    check: Check
    name: str
    text: CheckText
    sentence: str
    first_reader: str
    first_reason: str


@dataclass(frozen=True)
class Version:
    """One version of a case: who signed it, and why it was opened (from version 2 on)."""

    number: int
    signatures: list[Signature]
    amendment: Amendment | None
    agreement: Agreement | None

    @property
    def labels(self) -> dict[str, str]:
        """The names of the classes as they were signed, by code."""
        snapshots = (read_contents(one).snapshot for one in self.signatures)
        return class_texts(classes_of(snapshots))


@blueprint.get("/sign-off")
@requires(Role.VIEWER, audit=Event.VIEW)
def show(case_id: str) -> str:
    """Show what there is to sign, what is missing, and all versions."""
    case = team_case(case_id)
    typed = typed_before(case) or {"conclusion": _earlier_conclusion(case)}
    return _page(case, sign_form(data=typed), AmendForm())


@blueprint.post("/sign-off")
@requires(Role.REVIEWER)
@limits.failures_of_account
def sign(case_id: str) -> AnyResponse | tuple[str, int]:
    """Sign the case."""
    case, form = team_case(case_id), sign_form()
    standing = get_sign_off().standing(case, current_user.id)
    if not _is_complete(form, standing):
        return _page(case, form, AmendForm()), 422
    proof = proof_of(case, form)
    if proof is None:
        return ask_who_signs(case, form)
    try:
        signature = get_sign_off().sign(
            case,
            current_account(),
            proof,
            text_of(form.conclusion),
            text_of(form.seen),
            form.reasons,
        )
    except SignOffError as error:
        status = _refused(form, error)
        return _page(case, form, AmendForm()), status
    flash(_signed_message(signature), "success")
    return _back(case)


def _is_complete(form: SignForm, standing: Standing) -> bool:
    """Return whether nothing is lacking; else say it in the form."""
    if not form.validate():
        form.ask_reasons(standing.warnings)
        return False
    if _print_warning(standing, form) and not form.with_boxes.data:
        add_error(form.with_boxes, gettext("Change the text, or tick this box."))
        return False
    if form.password is None:
        # Asked before the provider is, not after.
        form.ask_reasons(standing.warnings)
    return not form.errors


@blueprint.post("/sign-off/keep")
@requires(Role.READER)
def keep(case_id: str) -> tuple[str, int]:
    """Keep what a disputed cell is called, and show the page with what was typed in it."""
    case, kept, form = team_case(case_id), KeepForm(), sign_form()
    if not kept.validate():
        abort(422)
    entry = Entry(
        text_of(kept.key),
        text_of(kept.cell),
        text_of(kept.label),
        based_on=int(text_of(kept.based_on) or 0) or None,
    )
    try:
        reviewing.record(case, current_user.id, [entry])
    except ReviewError as error:
        form.form_errors.append(str(error))
        return _page(case, form, AmendForm()), 409 if isinstance(error, LockedError) else 422
    return _page(case, form, AmendForm()), 200


@blueprint.get("/sign-off/keep")
@requires(Role.VIEWER)
def after_keep(case_id: str) -> AnyResponse:
    """Redirect whoever loads the page again after a cell was kept."""
    return _back(team_case(case_id))


@blueprint.post("/sign-off/amend")
@requires(Role.REVIEWER)
def amend(case_id: str) -> AnyResponse | tuple[str, int]:
    """Open a signed case for a new version."""
    case, form = team_case(case_id), AmendForm()
    if not form.validate():
        return _page(case, sign_form(), form), 422
    try:
        opened = get_sign_off().amend(case, current_account(), text_of(form.reason))
    except SignOffError as error:
        abort(409, str(error))
    flash(
        gettext(
            "Reopened as version %(version)s. Earlier versions are kept.", version=opened.version
        ),
        "success",
    )
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
    texts = class_texts(cell_classes())
    # The page shows the case as it is now; whoever signs next has seen this.
    form.seen.data = standing.seen
    return render_template(
        "cases/sign_off/show.html",
        case=case,
        standing=standing,
        state=standing.snapshot,
        specimen_sentence=format_specimen(standing.snapshot),
        left_out=format_left_out(standing.snapshot.left_out),
        checks=[_line(standing, check) for check in standing.checks],
        print_warning=_print_warning(standing, form),
        phrases=_phrases(),
        disputed=disputed_of(case, standing, texts),
        differing=differing_of(case, standing, texts),
        sight=sight_of(case, current_user.id),
        new_key=new_id,
        sign_form=SIGN_FORM,
        check_names=CHECK_NAMES,
        form=form,
        confirmed=is_confirmed(case, form),
        amending=amending,
        versions=_versions(case, standing.snapshot.version),
        formats=FORMATS,
        case_state=cases.state_of(case),
        labels=texts,
        signer_name=signer_name,
        sign_text=_sign_text(standing),
        most_listed=MOST_LISTED,
    )


def _earlier_conclusion(case: Case) -> str:
    """Return the conclusion of the last version that was signed, for the next one to begin with."""
    final = [one for one in signatures.of_case(case.id) if one.final]
    return final[-1].conclusion if final else ""


def _phrases() -> tuple[str, ...]:
    values = laboratory_settings.present()
    return values.phrases if values else ()


def _print_warning(standing: Standing, form: SignForm) -> str:
    """Say what the PDF could not print if it were signed as it stands; empty where nothing."""
    account = current_account()
    texts = texts_of(standing.snapshot, standing.laboratory) + form.texts
    signed = texts_of_signature(standing.first) if standing.first else []
    return print_warning([*texts, *signed, account.name, account.full_name])


def _line(standing: Standing, check: Check) -> CheckLine:
    """Word a check, with the reason of the first reviewer where there is one."""
    first = standing.first
    signed = (first and first.checks) or ()
    given = (one.reason for one in signed if one.code == check.code)
    return CheckLine(
        check=check,
        name=CHECK_NAMES[check.code],
        text=CHECK_TEXTS[check.status],
        sentence=format_check(check, standing.snapshot),
        first_reader=first.reader if first else "",
        first_reason=next(given, None) or "",
    )


def _sign_text(standing: Standing) -> str:
    role = standing.role
    if role and standing.stage is not Stage.OPEN:
        return BLIND_TEXTS[role]
    if role is SignatureRole.FIRST and current_app.config["LEUKOSCOPE"].readers == 2:
        return SIGN_FIRST_OF_TWO
    return SIGN_TEXTS[role] if role else ""


def _refused(form: SignForm, error: SignOffError) -> int:
    """Say it where it belongs, and with which status."""
    if isinstance(error, WrongPasswordError):
        limits.note_failure()
        form.password.errors = [str(error)]
        return 422
    if isinstance(error, NoReasonError):
        form.ask_reasons(error.codes)
        return 422
    form.form_errors.append(str(error))
    return 409


def _signed_message(signature: Signature) -> str:
    if signature.final:
        return gettext("Version %(version)s signed. The case is locked.", version=signature.version)
    if signature.role == SignatureRole.SECOND:
        return gettext(
            "Signed. You and the first reviewer differ on some cells: decide each of them."
        )
    return gettext("Signed as first reviewer. A second reviewer must sign before it is final.")


def _versions(case: Case, newest: int) -> list[Version]:
    """List all versions, newest first."""
    signed = signatures.of_case(case.id)
    amended = {amendment.version: amendment for amendment in signatures.amendments_of(case.id)}
    opened = {number: amended.get(number) for number in range(newest, 0, -1)}
    versions = {number: [one for one in signed if one.version == number] for number in opened}
    return [
        Version(number, of_it, opened[number], _agreement(of_it))
        for number, of_it in versions.items()
    ]


def _agreement(signed: list[Signature]) -> Agreement | None:
    """Return how far the reviewers of a version agree, once it is final."""
    final = bool(signed) and signed[-1].final
    return read_contents(signed[-1]).agreement if final else None


def _back(case: Case) -> AnyResponse:
    return redirect(url_for("sign_off.show", case_id=case.id), code=303)

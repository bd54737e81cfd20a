"""Who signs a case: by password, or by what the identity provider confirmed."""

from __future__ import annotations

from typing import Any

from flask import request, session
from werkzeug.wrappers import Response as AnyResponse

from pages.accounts.provider import ask_to_confirm, get_confirmations
from pages.cases.sign_off_forms import SignForm
from pages.common.current_account import current_account
from pages.common.text_fields import text_of
from records.cases.cases import Case
from services.accounts.confirmations import Confirmed


def sign_form(data: dict[str, Any] | None = None) -> SignForm:
    """Make the form; who signs in at the identity provider has no password to be asked for."""
    form = SignForm(data=data)
    if current_account().is_external:
        del form.password
    return form


def typed_before(case: Case) -> dict[str, Any] | None:
    """Return what the person typed before they went to confirm who they are."""
    confirmation_id = request.args.get("identity", "")
    typed = get_confirmations().typed(confirmation_id, session["sign_in"], case.id)
    return typed and {**typed, "identity": confirmation_id}


def is_confirmed(case: Case, form: SignForm) -> bool:
    """Return whether the person has confirmed who they are for what the form holds."""
    return form.password is None and proof_of(case, form) is not None


def proof_of(case: Case, form: SignForm) -> str | Confirmed | None:
    """Return what proves who signs; None where the provider must be asked first."""
    if form.password is not None:
        return text_of(form.password)
    return get_confirmations().proof(
        current_account(), text_of(form.identity), session["sign_in"], case.id, form.typed
    )


def ask_who_signs(case: Case, form: SignForm) -> AnyResponse:
    """Keep what was typed, and lead to the identity provider."""
    return ask_to_confirm(get_confirmations().begin(session["sign_in"], case.id, form.typed))

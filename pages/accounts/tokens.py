"""One's own access tokens: what programs act with."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.accounts.accounts import confirms_password
from pages.accounts.tokens_forms import TokenForm
from pages.common import limits
from pages.common.current_account import current_account
from pages.common.requires import Audience, requires
from pages.common.text_fields import text_of
from records import utc_now
from records.accounts import api_tokens as records
from services.accounts import api_tokens as service
from services.accounts.api_tokens import TokenError
from services.language import gettext

blueprint = Blueprint("tokens", __name__, url_prefix="/account/tokens")

Answer = str | tuple[str, int]


@blueprint.get("")
@requires(Audience.SIGNED_IN)
def show() -> str:
    """List the tokens of the account."""
    return _page(TokenForm())


@blueprint.post("")
@requires(Audience.SIGNED_IN)
@limits.failures_of_account
def create() -> Answer:
    """Make a token, and show it once."""
    form, account = TokenForm(), current_account()
    if not form.validate():
        return _page(form), 422
    if not confirms_password(form.password):
        return _page(form), 422
    try:
        made = service.create(account, text_of(form.name), form.scopes, int(form.days.data))
    except TokenError as error:
        form.form_errors.append(str(error))
        return _page(form), 422
    token, text = made
    # A page and no notice: notices travel in the cookie.
    return render_template("accounts/token.html", token=token, text=text)


@blueprint.post("/<token_id>/revoke")
@requires(Audience.SIGNED_IN)
def revoke(token_id: str) -> AnyResponse:
    """End a token at once."""
    token = records.get(token_id)
    if token is None or token.account_id != current_user.id:
        abort(404)
    name = token.name
    service.revoke(token)
    flash(gettext("Token “%(name)s” revoked.", name=name), "success")
    return redirect(url_for("tokens.show"), code=303)


def _page(form: TokenForm) -> str:
    tokens = records.of_account(current_user.id)
    return render_template("accounts/tokens.html", form=form, tokens=tokens, now=utc_now())

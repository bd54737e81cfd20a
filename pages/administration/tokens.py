"""All access tokens of the installation, for administrators."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from pages.common.requires import Audience, requires
from records import utc_now
from records.accounts import api_tokens as records
from services.accounts import api_tokens as service
from services.language import gettext

blueprint = Blueprint("everybodys_tokens", __name__, url_prefix="/admin/tokens")


@blueprint.get("")
@requires(Audience.ADMINISTRATORS)
def show() -> str:
    """List everybody's tokens."""
    return render_template("administration/tokens.html", tokens=records.everybodys(), now=utc_now())


@blueprint.post("/<token_id>/revoke")
@requires(Audience.ADMINISTRATORS)
def revoke(token_id: str) -> AnyResponse:
    """End somebody's token at once."""
    token = records.get(token_id) or abort(404)
    name = token.name
    service.revoke(token)
    flash(gettext("Token “%(name)s” revoked.", name=name), "success")
    return redirect(url_for("everybodys_tokens.show"), code=303)

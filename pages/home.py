"""The start page."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.common.access import may_use, missing
from pages.common.navigation import NAVIGATION
from pages.common.requires import Audience, requires
from records.accounts.accounts import Role
from services.language import gettext

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@requires(Audience.SIGNED_IN)
def index() -> AnyResponse:
    """Go to the first thing that the person may do."""
    if not (current_user.has_role(Role.VIEWER) or current_user.is_administrator):
        flash(
            gettext(
                "You don’t have access to analyses yet. %(missing)s", missing=missing(Role.VIEWER)
            ),
            "warning",
        )
    first = next(endpoint for endpoint, _ in NAVIGATION if may_use(endpoint))
    return redirect(url_for(first))

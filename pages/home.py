"""The front door, and the knock of a monitoring system."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, url_for
from flask_login import login_required
from werkzeug.wrappers import Response as AnyResponse

from pages import NAVIGATION

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@login_required
def index() -> AnyResponse:
    """Go to the first thing a reader does."""
    return redirect(url_for(NAVIGATION[0][0]))


@blueprint.get("/healthz")
def health() -> Response:
    """Say that the server answers, and nothing else."""
    return Response("ok\n", mimetype="text/plain")

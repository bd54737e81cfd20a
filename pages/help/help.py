"""The help: for each page what it is for, its keys and its figures; every page links to it."""

from __future__ import annotations

from flask import Blueprint, Flask, render_template, request, url_for
from flask_login import current_user

from core.taxonomy import BUILT_IN
from pages.cases.reading_room import groups_for
from pages.common.current_account import current_account
from pages.common.requires import Audience, requires
from pages.help.texts import FIGURES, TOPICS, topic_of
from services.accounts import room_keys
from services.laboratory.classes import cell_classes

blueprint = Blueprint("help", __name__, url_prefix="/help")


def init_app(app: Flask) -> None:
    """Let the templates link to the help for their page."""
    app.jinja_env.globals.update(help_url=help_url)


def help_url() -> str:
    """Return the address of the help for the page of this request."""
    return url_for("help.index", _anchor=topic_of(request.blueprint))


@blueprint.get("")
@requires(Audience.ANYBODY)
def index() -> str:
    """Show the whole help, with the person's own keys."""
    # Whoever is not signed in learns nothing of the laboratory.
    known = current_user.is_authenticated
    classes = cell_classes() if known else BUILT_IN
    keys = room_keys.keys_of(current_account(), classes) if known else room_keys.USUAL
    groups = groups_for(keys, classes)
    return render_template("help/index.html", topics=TOPICS, figures=FIGURES, groups=groups)

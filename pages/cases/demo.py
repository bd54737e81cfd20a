"""The demo case: made with one click, removed with another."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, current_app, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from jobs.work import QueueFullError
from pages.analyses.batches import get_field_queue
from pages.common.current_account import current_account
from pages.common.lookups import team_case
from pages.common.requires import requires
from records.accounts.accounts import Role
from services.analyses.field_queue import NoRoomError
from services.cases.demo import make_demo, remove_demo
from services.language import lazy_gettext

blueprint = Blueprint("demo", __name__, url_prefix="/cases")

REMOVED = lazy_gettext("Demo case removed. You can make a new one from the help at any time.")


@blueprint.post("/demo")
@requires(Role.READER)
def make() -> AnyResponse:
    """Lead to the person's demo case, in the tour to its reading room; make it if need be."""
    try:
        case = make_demo(current_account(), get_field_queue(), _folder())
    except (QueueFullError, NoRoomError) as error:
        flash(str(error), "warning")
        return redirect(url_for("cases.index"), code=303)
    if "tour" in request.form:
        return redirect(url_for("reading.show", case_id=case.id, tour=1), code=303)
    return redirect(url_for("cases.show", case_id=case.id), code=303)


@blueprint.post("/<case_id>/remove-demo")
@requires(Role.READER)
def remove(case_id: str) -> AnyResponse:
    """Take the demo case off the person's lists."""
    remove_demo(team_case(case_id), current_user.id)
    flash(REMOVED, "success")
    return redirect(url_for("cases.index"), code=303)


def _folder() -> Path:
    return Path(current_app.static_folder or "") / "demo"

"""The tour: four steps from the worklist to the sign-off, on the demo case."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Flask, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from pages.common.access import may_use
from pages.common.current_account import current_account
from pages.common.errors import wants_json
from pages.common.requires import Audience, requires
from records import transaction
from services.language import lazy_gettext

blueprint = Blueprint("tour", __name__, url_prefix="/tour")


@dataclass(frozen=True)
class Step:
    """One step, shown on one page."""

    number: int
    title: str
    text: str


STEPS = {
    "cases.index": Step(
        1,
        lazy_gettext("Worklist"),
        lazy_gettext(
            "Your team’s cases. A case is one specimen of one patient, under a pseudonym. Each row "
            "shows how many cells are reviewed, the share of blasts, and who reads the case."
        ),
    ),
    "detection.new": Step(
        2,
        lazy_gettext("Upload"),
        lazy_gettext(
            "Drop photographed fields of a smear here and choose their case. The models find and "
            "name the cells in the background. For the tour, a demo case with made-up fields is "
            "ready."
        ),
    ),
    "reading.show": Step(
        3,
        lazy_gettext("Reading room"),
        lazy_gettext(
            "Every white cell, sorted by the class that the models propose. Move with the arrow "
            "keys. Press Enter to confirm, or the letter of a class to correct. Press ? for all "
            "keys. If no cells are shown yet, reload in a few seconds."
        ),
    ),
    "sign_off.show": Step(
        4,
        lazy_gettext("Sign-off"),
        lazy_gettext(
            "What still needs review, and checks such as too few cells. A reviewer signs with a "
            "password; the case is locked then and has its report. The demo case can’t be signed."
        ),
    ),
}
"""By the page on which each is shown, in order."""


def init_app(app: Flask) -> None:
    """Let the templates ask for the step of their page."""
    app.jinja_env.globals.update(tour_step=tour_step, tour_steps=len(STEPS))


def tour_step() -> Step | None:
    """Return the step to show on this page: asked for, or on the worklist until the tour ended."""
    step = STEPS.get(request.endpoint or "")
    if step is None or not may_use("demo.make"):
        return None
    first = step.number == 1 and not current_account().tour_seen
    return step if first or "tour" in request.args else None


@blueprint.post("/end")
@requires(Audience.SIGNED_IN)
def end() -> AnyResponse:
    """Remember that the person has ended the tour."""
    with transaction():
        current_account().tour_seen = True
    return Response(status=204) if wants_json() else redirect(url_for("home.index"), code=303)

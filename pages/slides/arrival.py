"""Slides on their way: the page that sends them, and what its script asks for."""

from __future__ import annotations

from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    render_template,
    request,
    url_for,
)
from flask_login import current_user

from imaging.slides.slide import SlideError
from pages.common.current_account import current_account
from pages.common.pagination import page_number, page_size
from pages.common.requires import requires
from pages.common.turns import takes_a_turn
from records.accounts.accounts import Role
from records.cases import cases
from records.slides import slides
from records.slides.slides import Slide
from services.slides.arrival import PART_BYTES, Announced, Arrival, PartError
from services.stored_texts import translated

blueprint = Blueprint("arrival", __name__, url_prefix="/slides")


def get_arrival() -> Arrival:
    """Return who takes slides in this installation."""
    return current_app.extensions["leukoscope_arrival"]


@blueprint.get("")
@requires(Role.VIEWER)
def index() -> str:
    """List the team's slides, and offer to upload one."""
    open_cases = cases.unsigned_of(current_user.team_id)
    asked = request.args.get("case")
    return render_template(
        "slides/index.html",
        page=slides.page_of(current_user.team_id, page_number(), page_size()),
        cases=open_cases,
        case_id=asked if asked in {case.id for case in open_cases} else None,
        part_bytes=PART_BYTES,
    )


@blueprint.post("")
@requires(Role.READER)
def begin() -> tuple[Response, int]:
    """Make room for a slide that the script is going to send in parts."""
    form = request.form
    announced = Announced(
        form.get("name", ""), form.get("bytes", 0, type=int), form.get("case") or None
    )
    try:
        slide = get_arrival().begin(current_account(), announced)
    except SlideError as error:
        return jsonify(error=translated(str(error))), 422
    return jsonify(_addresses(slide)), 201


@blueprint.post("/<slide_id>/parts/<int:at>")
# One byte more, since reading up to the limit counts as reaching beyond it.
@requires(Role.READER, max_bytes=PART_BYTES + 1)
def append(slide_id: str, at: int) -> tuple[Response, int]:
    """Take the part of a slide that begins at this byte; tell how many have arrived."""
    try:
        return jsonify(received=get_arrival().append(_own(slide_id), at, request.stream)), 200
    except PartError as error:
        return jsonify(error=translated(str(error)), received=error.received), 409
    except SlideError as error:
        return jsonify(error=translated(str(error))), 422


@blueprint.post("/<slide_id>/finish")
@requires(Role.READER)
@takes_a_turn
def finish(slide_id: str) -> tuple[Response, int]:
    """Open a slide that has arrived."""
    try:
        slide = get_arrival().finish(_own(slide_id))
    except SlideError as error:
        return jsonify(error=translated(str(error))), 422
    return jsonify(url=url_for("slides.show", slide_id=slide.id)), 200


@blueprint.post("/<slide_id>/drop")
@requires(Role.READER)
def drop(slide_id: str) -> tuple[Response, int]:
    """Remove what has arrived of a slide that is not wanted any more."""
    get_arrival().drop(_own(slide_id))
    return jsonify(state="dropped"), 200


def _own(slide_id: str) -> Slide:
    """Return a slide that the signed-in person is sending; else 404."""
    slide = slides.find_in_team(current_user.team_id, slide_id)
    if slide is None or slide.owner_id != current_user.id or slide.info is not None:
        abort(404)
    return slide


def _addresses(slide: Slide) -> dict[str, Any]:
    return {
        "id": slide.id,
        "parts": url_for("arrival.append", slide_id=slide.id, at=0).removesuffix("0"),
        "finish": url_for("arrival.finish", slide_id=slide.id),
        "drop": url_for("arrival.drop", slide_id=slide.id),
    }

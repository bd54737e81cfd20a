"""The tiles of a slide: small pictures, many of them, that the browser keeps."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app
from flask_login import current_user

from pages.common.limits import limiter
from pages.common.lookups import team_slide
from pages.common.requires import Look, requires
from records.accounts.accounts import Role
from services.slides.slides import Slides
from services.turns import Turns

AT_ONCE = 2
WAITING = 2
"""Requests for tiles that are worked on, and that wait: with eight threads half of the server's."""

LONGEST_WAIT = 10
"""Seconds that a request waits for its turn before it is answered 503."""

CACHE_SECONDS = 24 * 3600
"""How long a browser keeps tiles; it drops them when the person signs out."""

blueprint = Blueprint("tiles", __name__, url_prefix="/slides/<slide_id>/tiles")

_turns = Turns(AT_ONCE, LONGEST_WAIT, WAITING)


def get_slides() -> Slides:
    """Return who shows slides in this installation."""
    return current_app.extensions["leukoscope_slides"]


@blueprint.get("/<int:level>/<int:column>_<int:row>.jpg")
@requires(Role.VIEWER, audit=Look.PICTURE)
@limiter.limit("1500 per minute", key_func=lambda: current_user.get_id())
def tile(slide_id: str, level: int, column: int, row: int) -> Response:
    """Send a tile; 404 where there is none, 503 while too many are asked for."""
    slide = team_slide(slide_id)
    try:
        with _turns.turn():
            content = get_slides().tile(slide, level, column, row)
    except LookupError:
        abort(404)
    response = Response(content, mimetype="image/jpeg")
    response.cache_control.private = True
    response.cache_control.max_age = CACHE_SECONDS
    response.cache_control.immutable = True
    return response

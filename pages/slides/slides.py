"""A slide: looked at in the viewer, its areas marked, proposed and read."""

from __future__ import annotations

from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from core.taxonomy import WHITE_CELLS
from imaging.slides.deep_zoom import FIRST_LEVEL, TILE_SIDE, DeepZoom
from jobs.work import QueueFullError
from pages.analyses.batches import get_field_queue, to_dict
from pages.common.access import may_delete
from pages.common.errors import wants_json
from pages.common.lookups import team_case, team_slide
from pages.common.requires import Look, requires
from pages.common.turns import takes_a_turn
from pages.slides.tiles import get_slides
from records.accounts.accounts import Role
from records.analyses import analyses, field_tasks
from records.analyses.field_tasks import FieldTask
from records.audit.audit import Event
from records.cases import cases
from records.slides.slides import Slide
from services.analyses.findings import field_findings
from services.language import gettext, lazy_gettext
from services.slides.areas import MIN_SIDE, AreaError, Marked, read_area, standing
from services.slides.slides import check_deletable, info_of
from services.stored_texts import translated

NOT_TO_BE_DELETED = lazy_gettext(
    "Only the uploader or a reviewer of the team can delete this slide."
)
NO_NUMBERS = lazy_gettext("Give left edge, top edge, width and height of the area in whole pixels.")

blueprint = Blueprint("slides", __name__, url_prefix="/slides/<slide_id>")


@blueprint.get("")
@requires(Role.VIEWER, audit=Event.VIEW)
def show(slide_id: str) -> str:
    """Show a slide and the areas that were read of it."""
    return _page(team_slide(slide_id))


@blueprint.get("/areas.json")
@requires(Role.VIEWER, audit=Look.PICTURE)
def areas(slide_id: str) -> Response:
    """Return the areas of a slide and how far each is, as JSON."""
    return jsonify(files=_areas(team_slide(slide_id)))


@blueprint.post("/areas")
@requires(Role.READER)
def mark(slide_id: str) -> AnyResponse | tuple[Response, int] | tuple[str, int]:
    """Let an area be read in the background."""
    slide = team_slide(slide_id)
    try:
        task = read_area(get_field_queue(), current_user.id, slide, _marked(), _max_pixels())
    except AreaError as error:
        if wants_json():
            return jsonify(error=translated(str(error))), 422
        return _page(slide, translated(str(error))), 422
    except QueueFullError as error:
        abort(503, str(error))
    if wants_json():
        return jsonify(_area_to_dict(task)), 202
    return redirect(url_for("slides.show", slide_id=slide.id), code=303)


@blueprint.get("/areas/<task_id>/cells.json")
@requires(Role.VIEWER, audit=Look.PICTURE)
def cells(slide_id: str, task_id: str) -> Response:
    """Return the white cells of an area that was read, in pixels of the slide."""
    slide = team_slide(slide_id)
    tasks = {task.id: task for task in field_tasks.of_slide(slide.id)}
    task = tasks.get(task_id) or abort(404)
    analysis = analyses.find_in_team(current_user.team_id, task_id) or abort(404)
    area = task.area or abort(404)
    findings = field_findings(analysis, WHITE_CELLS)
    return jsonify(
        cells=[
            {"box": area.on_slide(cell.box), "label": cell.label} for cell in findings.detections
        ]
    )


@blueprint.get("/proposals.json")
@requires(Role.READER)
@takes_a_turn
def proposals(slide_id: str) -> Response:
    """Return windows that look like the monolayer, best first."""
    found = get_slides().propose(team_slide(slide_id), _max_pixels())
    return jsonify(proposals=[vars(one) for one in found])


@blueprint.post("/case")
@requires(Role.READER)
def put(slide_id: str) -> AnyResponse:
    """Put the slide, and what was read of it, into a case."""
    slide = team_slide(slide_id)
    case = team_case(request.form.get("case", ""))
    get_slides().put(slide, case)
    flash(gettext("Slide added to the case “%(pseudonym)s”.", pseudonym=case.pseudonym), "success")
    return redirect(url_for("slides.show", slide_id=slide.id), code=303)


@blueprint.get("/delete")
@requires(Role.READER, audit=Event.VIEW)
def confirm(slide_id: str) -> str:
    """Ask whether a slide is really to be deleted."""
    slide = _deletable(slide_id)
    check_deletable(slide)
    return render_template("slides/delete.html", slide=slide, info=info_of(slide))


@blueprint.post("/delete")
@requires(Role.READER)
def delete(slide_id: str) -> AnyResponse:
    """Delete a slide; what was read of it stays."""
    slide = _deletable(slide_id)
    file_name = slide.file_name
    get_slides().delete(slide)
    flash(gettext("Slide “%(file_name)s” deleted.", file_name=file_name), "success")
    return redirect(url_for("arrival.index"), code=303)


def _deletable(slide_id: str) -> Slide:
    slide = team_slide(slide_id)
    return slide if may_delete(slide) else abort(403, NOT_TO_BE_DELETED)


def _page(slide: Slide, error: str | None = None) -> str:
    info = info_of(slide)
    tiles = url_for("tiles.tile", slide_id=slide.id, level=1, column=2, row=3)
    return render_template(
        "slides/show.html",
        slide=slide,
        info=info,
        error=error,
        areas=_areas(slide),
        cases=[] if slide.case_id else cases.unsigned_of(slide.team_id),
        marked={name: request.form.get(name, "") for name in ("left", "top", "width", "height")},
        max_pixels=_max_pixels(),
        min_side=MIN_SIDE,
        tile_side=TILE_SIDE,
        first_level=FIRST_LEVEL,
        last_level=DeepZoom(info.width, info.height).last_level,
        tiles=tiles.removesuffix("1/2_3.jpg"),
    )


def _marked() -> Marked:
    """Return the area that was sent; raises `AreaError` where it is not one."""
    try:
        sides = [int(request.form[name]) for name in ("left", "top", "width", "height")]
    except ValueError as error:
        raise AreaError(NO_NUMBERS) from error
    return Marked(*sides)


def _max_pixels() -> int:
    return current_app.config["LEUKOSCOPE"].max_area_pixels


def _areas(slide: Slide) -> list[dict[str, Any]]:
    return [_area_to_dict(task) for task in standing(field_tasks.of_slide(slide.id))]


def _area_to_dict(task: FieldTask) -> dict[str, Any]:
    """Describe an area to the page: as a field, with its place and the address of its cells."""
    area = task.area or abort(404)
    done = task.analysis_id is not None
    return {
        **to_dict(task),
        "progress": url_for("slides.areas", slide_id=task.batch_id),
        "box": area.box,
        "cells": url_for("slides.cells", slide_id=task.batch_id, task_id=task.id) if done else None,
    }

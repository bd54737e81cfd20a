"""Kept analyses, their images and cases, handed to the people of their team and to nobody else."""

from __future__ import annotations

from flask import Response, abort, current_app
from flask_login import current_user

from records.analyses import analyses
from records.analyses.analyses import Analysis
from records.cases import cases
from records.cases.cases import Case
from records.slides import slides
from records.slides.slides import Slide
from records.storage.image_store import content_type
from services.analyses.analysis import Analyst
from services.analyses.cell_reading import CellReader
from services.analyses.thumbnails import Thumbnails
from services.cases.references import References
from services.model_cards import classifier_name


def get_analyst() -> Analyst:
    """Return the service that analyses uploads."""
    return current_app.extensions["leukoscope_analyst"]


def get_cell_reader() -> CellReader:
    """Return who reads cell images: this process, or workers."""
    return current_app.extensions["leukoscope_cell_reader"]


def get_thumbnails() -> Thumbnails:
    """Return the thumbnails service of this installation."""
    return current_app.extensions["leukoscope_thumbnails"]


def get_references() -> References:
    """Return the service that finds reference cells."""
    return current_app.extensions["leukoscope_references"]


def get_classifier_name(version: str | None = None) -> str:
    """Name the classifier of a version, by default the installed one."""
    return classifier_name(current_app.config["LEUKOSCOPE"].weights_dir, version)


def team_analysis(analysis_id: str, kind: str | None = None) -> Analysis:
    """Return an analysis of the signed-in person's team; else 404."""
    return analyses.find_in_team(current_user.team_id, analysis_id, kind) or abort(404)


def team_case(case_id: str) -> Case:
    """Return a case of the signed-in person's team; else 404."""
    return cases.find_in_team(current_user.team_id, case_id) or abort(404)


def team_slide(slide_id: str) -> Slide:
    """Return a slide of the signed-in person's team that has arrived; else 404."""
    slide = slides.find_in_team(current_user.team_id, slide_id)
    return slide if slide is not None and slide.info is not None else abort(404)


def image_response(name: str | None) -> Response:
    """Send a kept image; 404 when it is gone."""
    if not name:
        abort(404)
    try:
        content = get_analyst().image(name)
    except FileNotFoundError:
        abort(404)
    return Response(content, mimetype=content_type(name))

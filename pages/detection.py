"""Detect: images of smear fields are chosen and sent here; `pages/field.py` shows the findings."""

from __future__ import annotations

from flask import Blueprint
from flask_login import login_required

from pages import uploads
from pages.stored import the_analyst
from pages.uploads import Answer, UploadPage

blueprint = Blueprint("detection", __name__, url_prefix="/detect")

PAGE = UploadPage(
    template="detection/new.html",
    result_endpoint="field.result",
    read=lambda owner_id, upload: the_analyst().detect(owner_id, upload),
)


@blueprint.get("")
@login_required
def new() -> str:
    """Choose smear fields."""
    return uploads.show(PAGE)


@blueprint.post("")
@login_required
def create() -> Answer:
    """Find the cells of the fields that were sent."""
    return uploads.receive(PAGE)

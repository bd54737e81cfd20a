"""Files that were uploaded before: told to the script that asks with their hashes."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for
from flask_login import current_user

from pages.common.requires import requires
from records.accounts.accounts import Role
from records.analyses.analyses import AnalysisKind
from services.analyses.known_files import KnownFile, known_files
from services.language import format_datetime, gettext

blueprint = Blueprint("known_files", __name__, url_prefix="/uploads/known")

MOST = 100
"""Files that are asked for at once."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@blueprint.post("/<any(classification, detection):kind>")
@requires(Role.READER)
def known(kind: str) -> Response:
    """Tell which of these files the team has uploaded before, for the same kind of analysis."""
    asked = request.form.getlist("sha256")[:MOST]
    hashes = [each for each in asked if _SHA256.fullmatch(each)]
    found = known_files(current_user.team_id, AnalysisKind(kind), hashes)
    return jsonify(files={sha256: describe_known(each) for sha256, each in found.items()})


def known_sentence(file: KnownFile) -> str:
    """Say when a file was uploaded before, by whom and under which name."""
    at = format_datetime(file.at)
    if file.owner_id == current_user.id:
        return gettext(
            "Uploaded before, as “%(file_name)s” on %(time)s.", file_name=file.file_name, time=at
        )
    return gettext(
        "Uploaded before by %(owner)s, as “%(file_name)s” on %(time)s.",
        owner=file.owner_name,
        file_name=file.file_name,
        time=at,
    )


def describe_known(file: KnownFile) -> dict[str, Any]:
    """Describe it to the page's script, with the address of its result."""
    return {"sentence": known_sentence(file), "url": _url(file)}


def _url(file: KnownFile) -> str:
    if file.analysis_id is None:
        return url_for("batches.show", batch_id=file.batch_id)
    if file.kind == AnalysisKind.CLASSIFICATION:
        return url_for("classification.result", analysis_id=file.analysis_id)
    return url_for("field.result", analysis_id=file.analysis_id)

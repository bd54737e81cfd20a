"""ZIPs of images: sent once by the page's script, which then asks for each image in turn."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for
from flask_login import current_user

from imaging.archive import ArchiveError, Entry
from pages.analyses.archive_texts import archive_sentence
from pages.analyses.uploads import NO_FILE, get_archives, upload_id
from pages.common.requires import requires
from records.accounts.accounts import Role, new_id
from services.analyses.analysis import display_name

blueprint = Blueprint("archives", __name__, url_prefix="/uploads/archives")


@blueprint.post("")
# Not noted by itself: each of its images is, when it is read.
@requires(Role.READER, max_bytes=None)
def create() -> tuple[Response, int]:
    """Take a ZIP, and list its files."""
    file = request.files.get("archive")
    if file is None:
        return jsonify(error=str(NO_FILE)), 422
    archive_id = upload_id() or new_id()
    try:
        listing = get_archives().take(current_user.id, archive_id, file.stream)
    except ArchiveError as error:
        return jsonify(error=archive_sentence(error.fault)), 422
    finally:
        file.close()
    return jsonify(
        id=archive_id,
        drop=url_for("archives.drop", archive_id=archive_id),
        entries=[to_dict(entry) for entry in listing.entries],
        left_out=listing.left_out,
    ), 201


@blueprint.post("/<archive_id>/drop")
@requires(Role.READER)
def drop(archive_id: str) -> Response:
    """Remove a ZIP of which nothing more is wanted."""
    get_archives().drop(current_user.id, archive_id)
    return jsonify(state="dropped")


def to_dict(entry: Entry) -> dict[str, Any]:
    """Describe a file of a ZIP to the page's script."""
    return {
        "place": entry.place,
        "file": display_name(entry.name),
        "bytes": entry.bytes,
        "error": archive_sentence(entry.fault) if entry.fault else None,
    }

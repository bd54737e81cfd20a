"""The reading room: the white cells of a case, and what people make of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import (
    Blueprint,
    Response,
    abort,
    jsonify,
    render_template,
    request,
    url_for,
)
from flask_login import current_user
from pydantic import BaseModel, ValidationError

from core.taxonomy import READING_ORDER
from pages.cases.reading_room_messages import Message, SentReview, SentUndo
from pages.common.access import may_use
from pages.common.formatting import DOUBTFUL
from pages.common.lookups import get_thumbnails, team_case
from pages.common.requires import Look, requires
from records.accounts.accounts import Role
from records.analyses import analyses
from records.analyses.analyses import Analysis, AnalysisKind
from records.audit.audit import Event
from records.cases import reviews, signatures
from records.cases.cases import Case
from records.cases.reviews import Review
from services.analyses.findings import doubtful_of, image_quality
from services.analyses.thumbnails import COLUMNS, ROWS
from services.cases import review as reviewing
from services.cases.review import Cell, Entry, LockedError, ReviewError
from services.formatting import quality_words

MOST_BYTES = 256 * 1024
"""The largest body of JSON: twice what the script ever sends."""


NOT_UNDERSTOOD = "These corrections could not be read. Reload the page."
SOMEBODY_ELSE = (
    "Another person is signed in to this browser. Unsent corrections are kept for their author."
)

blueprint = Blueprint("reading", __name__, url_prefix="/cases/<case_id>/room")


@dataclass(frozen=True)
class Group:
    """Cells that are shown together: those of one label, or without a key the candidates.

    `white` cells are those of the differential.
    """

    label: str
    name: str
    key: str
    white: bool


GROUPS = (
    *(Group(one.code, one.name, one.key, one.differential) for one in READING_ORDER),
    Group("candidate", "Below threshold", "", False),
)


@blueprint.get("")
@requires(Role.VIEWER, audit=Event.VIEW)
def show(case_id: str) -> str:
    """Show the reading room; its script asks for the cells."""
    case = team_case(case_id)
    locked = signatures.locked(case.id)
    may_review = may_use("reading.review")
    return render_template(
        "cases/reading_room/room.html",
        case=case,
        locked=locked,
        may_review=may_review,
        editable=may_review and not locked,
        groups=GROUPS,
        doubtful=doubtful_of(analyses.of_case(case.id)),
        columns=COLUMNS,
        rows=ROWS,
    )


@blueprint.get("/cells.json")
@requires(Role.VIEWER, audit=Look.PICTURE)
def cells(case_id: str) -> Response:
    """Return all white cells of the case, most suspicious first, and their fields."""
    case = team_case(case_id)
    kept = analyses.of_case(case.id)
    return jsonify(
        count=reviews.count_of(case.id),
        locked=signatures.locked(case.id),
        fields=[_field_to_dict(case, number, one) for number, one in enumerate(kept, start=1)],
        cells=[_cell_to_dict(cell) for cell in reviewing.cells_of(case, kept)],
    )


@blueprint.post("/reviews")
@requires(Role.READER, max_bytes=MOST_BYTES)
def review(case_id: str) -> Response:
    """Keep corrections, all or none; what was sent before is kept once."""
    return _keep(team_case(case_id), SentReview, _record)


@blueprint.post("/undo")
@requires(Role.READER, max_bytes=MOST_BYTES)
def undo(case_id: str) -> Response:
    """Take corrections back, one after the other, each named by its key."""
    return _keep(team_case(case_id), SentUndo, _undo_all)


@blueprint.get("/cells/<cell>/history")
@requires(Role.VIEWER, audit=Look.PICTURE)
def history(case_id: str, cell: str) -> Response:
    """Return all reviews of a cell, oldest first, as JSON."""
    history = reviewing.history_of(team_case(case_id), cell)
    undone = {one.undoes for one in history}
    return jsonify(reviews=[_review_to_dict(one, one.id in undone) for one in history])


@blueprint.get("/cells/<cell>/thumbnail")
@requires(Role.VIEWER, audit=Look.PICTURE)
def thumbnail(case_id: str, cell: str) -> Response:
    """Send the picture of a cell that a person drew."""
    analysis_id, _, name = cell.partition(".")
    analysis = _of_case(team_case(case_id), analysis_id)
    boxes = (one.box for one in reviews.of_cell(case_id, analysis_id, name))
    drawn = next(filter(None, boxes), None) or abort(404)
    x1, y1, x2, y2 = drawn
    return _picture(lambda: get_thumbnails().drawn(analysis, name, (x1, y1, x2, y2)))


@blueprint.get("/sheets/<field>/<int:number>")
@requires(Role.VIEWER, audit=Look.PICTURE)
def sheet(case_id: str, field: str, number: int) -> Response:
    """Send a sheet of white cells of a field, most suspicious first."""
    analysis = _of_case(team_case(case_id), field)
    if analysis.kind != AnalysisKind.DETECTION:
        abort(404)
    return _picture(lambda: get_thumbnails().sheet(analysis, number))


def _of_case(case: Case, analysis_id: str) -> Analysis:
    return next(iter(analyses.of_case(case.id, {analysis_id})), None) or abort(404)


def _picture(make: Callable[[], bytes]) -> Response:
    try:
        return Response(make(), mimetype="image/jpeg")
    except (LookupError, FileNotFoundError):
        abort(404)


def _field_to_dict(case: Case, number: int, analysis: Analysis) -> dict[str, Any]:
    """Describe an image of the case, numbered as in its reports."""
    single = analysis.kind == AnalysisKind.CLASSIFICATION
    page = "classification" if single else "field"
    return {
        "id": analysis.id,
        "name": f"image {number}, {analysis.file_name}",
        "kind": analysis.kind,
        "doubtful": _doubt(analysis),
        "width": analysis.width,
        "height": analysis.height,
        "image": url_for(f"{page}.image", analysis_id=analysis.id),
        "thumbnail": url_for("history.thumbnail", analysis_id=analysis.id) if single else None,
        "sheets": url_for("reading.sheet", case_id=case.id, field=analysis.id, number=0),
    }


def _doubt(analysis: Analysis) -> str | None:
    """Say why counts of an image are doubtful; None where they are not."""
    quality = image_quality(analysis)
    if quality is None or not quality.doubtful:
        return None
    return f"{DOUBTFUL.word}: {quality_words(quality)}."


def _cell_to_dict(cell: Cell) -> dict[str, Any]:
    """Describe a cell to the script; `by` to `before` are of its last review."""
    review = cell.review
    return {
        "id": cell.id,
        "field": cell.analysis_id,
        "number": cell.number,
        "box": [round(edge, 1) for edge in cell.box],
        "proposed": cell.proposed,
        "label": cell.label,
        "candidate": cell.candidate,
        "probability": _rounded(cell.probability),
        "detector": _rounded(cell.blast),
        "classifier": _rounded(cell.classifier_probability),
        "classifier_label": cell.classifier_label,
        "disagreed": cell.disagreed,
        "seen": cell.seen,
        "by": cell.by,
        "at": review and review.at.isoformat(),
        "mine": review is not None and review.reviewer_id == current_user.id,
        "review": review and review.id,
        "key": review and review.key,
        "before": review and review.label_before,
    }


def _rounded(probability: float | None) -> float | None:
    return None if probability is None else round(probability, 4)


def _review_to_dict(review: Review, undone: bool = False) -> dict[str, Any]:
    """Describe one review of a cell to the script."""
    return {
        "id": review.id,
        "key": review.key,
        "cell": review.cell_id,
        "by": review.reviewer.name,
        "at": review.at.isoformat(),
        "from": review.label_before,
        "to": review.label,
        "undoes": review.undoes,
        "undone": undone,
    }


Sent = TypeVar("Sent", bound=BaseModel)


def _keep(
    case: Case, kind: type[Sent], keep: Callable[[Case, str, list[Sent]], list[Review]]
) -> Response:
    """Keep what the script sent for the signed-in person, and tell it the rows that stand now."""
    entries = _entries(kind)
    try:
        kept = keep(case, current_user.id, entries)
    except ReviewError as error:
        return _refused(str(error), 409 if isinstance(error, LockedError) else 422)
    standing = [_review_to_dict(one) for one in kept]
    return jsonify(reviews=standing, count=reviews.count_of(case.id))


def _refused(sentence: str, status: int) -> Response:
    """Refuse: 409 if the case is locked, 422 if these entries are invalid."""
    response = jsonify(error=sentence)
    response.status_code = status
    return response


def _entries(kind: type[Sent]) -> list[Sent]:
    """Parse what was sent, by whoever is signed in; anything else ends the request."""
    try:
        message = Message.model_validate_json(request.get_data())
        if message.reader != current_user.id:
            abort(403, SOMEBODY_ELSE)
        return [kind.model_validate(entry) for entry in message.entries]
    except ValidationError:
        abort(_refused(NOT_UNDERSTOOD, 422))


def _record(case: Case, reviewer_id: str, sent: list[SentReview]) -> list[Review]:
    entries = [Entry(one.key, one.cell, one.label, one.box) for one in sent]
    return reviewing.record(case, reviewer_id, entries)


def _undo_all(case: Case, reviewer_id: str, sent: list[SentUndo]) -> list[Review]:
    """Keep each undo by itself: what was done of them stays done when one is refused."""
    known = reviews.with_keys(one.undoes for one in sent)
    if any(one.undoes not in known or known[one.undoes].case_id != case.id for one in sent):
        raise ReviewError(reviewing.NOTHING_TO_UNDO)
    return [reviewing.undo(case, reviewer_id, one.key, known[one.undoes].id) for one in sent]

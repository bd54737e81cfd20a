"""The reading room: the white cells of a case, and what people make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from werkzeug.wrappers import Response as AnyResponse

from core.taxonomy import BLAST, OWN_PREFIX, READING_ORDER, CellClass, CellClasses
from pages.cases.reading_room_messages import (
    Message,
    SentAttribute,
    SentComment,
    SentReview,
    SentUndo,
)
from pages.cases.reading_room_notes import notes_of
from pages.cases.reading_room_references import REFERENCES
from pages.common.access import may_use
from pages.common.current_account import current_account
from pages.common.formatting import DOUBTFUL, counts_line, result_text
from pages.common.lookups import get_references, get_thumbnails, team_case
from pages.common.morphology import KIND_TEXTS
from pages.common.requires import Look, requires
from records.accounts.accounts import Role
from records.analyses import analyses, slide_areas
from records.analyses.analyses import Analysis, AnalysisKind
from records.audit.audit import About, Event
from records.cases import reviews, signatures
from records.cases.cases import Case
from records.cases.reviews import Review
from services.accounts import room_keys
from services.analyses.findings import doubtful_of, image_quality
from services.analyses.thumbnails import COLUMNS, ROWS
from services.audit import audit
from services.cases import cell_notes, room_state
from services.cases import review as reviewing
from services.cases.blinding import has_signed, stage_of
from services.cases.cell_notes import LONGEST_COMMENT
from services.cases.review import Cell, Clash, ConflictError, Entry, LockedError, ReviewError
from services.formatting import class_texts, quality_words
from services.laboratory.classes import cell_classes
from services.language import gettext, lazy_gettext

MOST_BYTES = 256 * 1024
"""The largest body of JSON: twice what the script ever sends."""


NOT_UNDERSTOOD = lazy_gettext("These corrections could not be read. Reload the page.")
SOMEBODY_ELSE = lazy_gettext(
    "Another person is signed in to this browser. Unsent corrections are kept for their author."
)

blueprint = Blueprint("reading", __name__, url_prefix="/cases/<case_id>/room")


@dataclass(frozen=True)
class Group:
    """Cells that are shown together: those of one label, or the candidates.

    Attributes:
        label: The code of the class.
        name: Its name.
        key: That gives a cell the class; empty where there is none.
        white: Whether its cells are those of the differential.
        proposed: Whether all models propose it, so that none found is none there.
        retired: Whether nobody can give it any more; it is shown where a cell has it.
        is_class: Whether it is a class, and not the candidates.
    """

    label: str
    name: str
    key: str
    white: bool
    proposed: bool
    retired: bool = False
    is_class: bool = True

    @property
    def own(self) -> bool:
        """Whether it is a class of the laboratory's own."""
        return self.label.startswith(OWN_PREFIX)


CANDIDATES = Group(
    "candidate",
    lazy_gettext("Below threshold"),
    "",
    white=False,
    proposed=False,
    is_class=False,
)


def groups_for(keys: Mapping[str, str], classes: CellClasses) -> list[Group]:
    """Return all groups in the order of reading, with a person's keys."""
    own = sorted(classes.own, key=lambda one: one.retired)
    texts = class_texts(classes)
    shown = (*READING_ORDER, *own)
    return [*(_group(one, texts[one.code], keys.get(one.code, "")) for one in shown), CANDIDATES]


def _group(one: CellClass, name: str, key: str) -> Group:
    return Group(one.code, str(name), key, one.differential, one.proposed, one.retired)


@blueprint.get("")
@requires(Role.VIEWER, audit=Event.VIEW)
def show(case_id: str) -> str:
    """Show the reading room; its script asks for the cells."""
    case = team_case(case_id)
    locked, closed = signatures.locked(case.id), case.closed_at is not None
    may_review = may_use("reading.review")
    classes = cell_classes()
    waits = has_signed(case, current_user.id)
    return render_template(
        "cases/reading_room/room.html",
        case=case,
        locked=locked,
        closed=closed,
        stage=stage_of(case),
        waits=waits,
        may_review=may_review,
        editable=may_review and not (locked or closed or waits),
        groups=groups_for(room_keys.keys_of(current_account(), classes), classes),
        doubtful=doubtful_of(analyses.of_case(case.id)),
        columns=COLUMNS,
        rows=ROWS,
        longest_comment=LONGEST_COMMENT,
        references=REFERENCES,
    )


@blueprint.get("/cells.json")
@requires(Role.VIEWER, audit=Look.PICTURE)
def cells(case_id: str) -> Response:
    """Return all white cells of the case, most suspicious first, and their fields."""
    return _report(team_case(case_id))


@blueprint.get("/changes.json")
@requires(Role.VIEWER, audit=Look.PICTURE, polled=True)
def changes(case_id: str) -> Response:
    """Return the same to a script that asks again and again, if anything changed.

    It names the state that it has: without a change the answer is 304, and no cell is looked at.
    """
    return _report(team_case(case_id))


def _report(case: Case) -> Response:
    state = room_state.of(case, current_user.id)
    if request.if_none_match.contains(state):
        return _tagged(Response(status=304), state)
    kept = analyses.of_case(case.id)
    answer = jsonify(
        count=reviewing.count_of(case, current_user.id),
        locked=signatures.locked(case.id),
        closed=case.closed_at is not None,
        fields=_fields(case, kept),
        cells=_cells(case, kept),
    )
    return _tagged(answer, state)


def _tagged(response: Response, state: str) -> Response:
    response.set_etag(state)
    return response


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
    """Return all that people said of a cell, oldest first, and its form, as JSON."""
    return _all_of(team_case(case_id), cell)


@blueprint.post("/cells/<cell>/comments")
@requires(Role.READER, max_bytes=MOST_BYTES)
def comment(case_id: str, cell: str) -> Response:
    """Keep a comment on a cell; what was sent before is kept once."""
    case, sent = team_case(case_id), _entries(SentComment)[0]
    return _note(
        case,
        cell,
        lambda: cell_notes.comment(case, current_user.id, cell, sent.key, sent.text),
    )


@blueprint.post("/cells/<cell>/attributes")
@requires(Role.READER, max_bytes=MOST_BYTES)
def attribute(case_id: str, cell: str) -> Response:
    """Keep what a person says of an attribute of a cell; the finding stays."""
    case, sent = team_case(case_id), _entries(SentAttribute)[0]
    return _note(
        case,
        cell,
        lambda: cell_notes.correct(
            case, current_user.id, cell, sent.key, sent.attribute, sent.value
        ),
    )


@blueprint.get("/cells/<cell>/thumbnail")
@requires(Role.VIEWER, audit=Look.PICTURE)
def thumbnail(case_id: str, cell: str) -> Response:
    """Send the picture of a cell that a person drew."""
    analysis_id, _, name = cell.partition(".")
    case = team_case(case_id)
    analysis = _of_case(case, analysis_id)
    boxes = (one.box for one in reviewing.history_of(case, cell, current_user.id))
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


@blueprint.get("/references/<label>")
@requires(Role.VIEWER, audit=Look.PICTURE)
def references(case_id: str, label: str) -> AnyResponse:
    """Send cells that the team has signed as one class; 204 where there are none.

    The browser may cache them but must revalidate: each time is a look at the cases they are of.
    """
    case = team_case(case_id)
    row = get_references().row(case, label) if label in cell_classes().codes else abort(404)
    if row is None:
        return Response(status=204)
    for shown in row.cases:
        audit.keep_picture(About("case", shown))
    response = Response(row.picture, mimetype="image/jpeg")
    response.cache_control.private = response.cache_control.no_cache = True
    response.add_etag()
    return response.make_conditional(request)


def _of_case(case: Case, analysis_id: str) -> Analysis:
    return next(iter(analyses.of_case(case.id, {analysis_id})), None) or abort(404)


def _picture(make: Callable[[], bytes]) -> Response:
    try:
        return Response(make(), mimetype="image/jpeg")
    except (LookupError, FileNotFoundError):
        abort(404)


def _fields(case: Case, kept: list[Analysis]) -> list[dict[str, Any]]:
    areas = slide_areas.among(one.id for one in kept)
    sizes = {area.id: area.micrometres for area in areas.values()}
    return [
        {**_field_to_dict(case, number, one), "micrometres": sizes.get(one.id)}
        for number, one in enumerate(kept, start=1)
    ]


def _field_to_dict(case: Case, number: int, analysis: Analysis) -> dict[str, Any]:
    """Describe an image of the case, numbered as in its reports."""
    single = analysis.kind == AnalysisKind.CLASSIFICATION
    page = "classification" if single else "field"
    return {
        "id": analysis.id,
        "name": gettext(
            "image %(number)s, %(file_name)s", number=number, file_name=analysis.file_name
        ),
        "number": number,
        "file": analysis.file_name,
        "kind": analysis.kind,
        "doubtful": _doubt(analysis),
        "state": _state(analysis),
        "width": analysis.width,
        "height": analysis.height,
        "threshold": analysis.finding.get("thresholds", {}).get(BLAST),
        "red_cell": analysis.finding.get("red_cell"),
        "image": url_for(f"{page}.image", analysis_id=analysis.id),
        "thumbnail": url_for("history.thumbnail", analysis_id=analysis.id) if single else None,
        "sheets": url_for("reading.sheet", case_id=case.id, field=analysis.id, number=0),
    }


def _state(analysis: Analysis) -> dict[str, str]:
    """Say what the models make of an image, as every list does."""
    text = result_text(analysis.result, image_quality(analysis))
    return {
        "word": str(text.word),
        "icon": text.icon,
        "tone": text.tone,
        "line": counts_line(analysis),
    }


def _doubt(analysis: Analysis) -> str | None:
    """Say why counts of an image are doubtful; None where they are not."""
    quality = image_quality(analysis)
    if quality is None or not quality.doubtful:
        return None
    return f"{DOUBTFUL.word}: {quality_words(quality)}."


def _cells(case: Case, kept: list[Analysis]) -> list[dict[str, Any]]:
    written = cell_notes.comment_counts(case, current_user.id)
    cells = reviewing.cells_of(case, kept, current_user.id)
    return [{**_cell_to_dict(cell), "comments": written.get(cell.id, 0)} for cell in cells]


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
        "kind": cell.kind and str(KIND_TEXTS.get(cell.kind, cell.kind)),
        "kind_probability": _rounded(cell.kind_probability),
        "at_edge": cell.at_edge,
        "left_out": cell.left_out,
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


def _all_of(case: Case, cell: str) -> Response:
    history = reviewing.history_of(case, cell, current_user.id)
    undone = {one.undoes for one in history}
    reviews_told = [_review_to_dict(one, one.id in undone) for one in history]
    return jsonify(reviews=reviews_told, **notes_of(case, cell, current_user.id))


def _note(case: Case, cell: str, keep: Callable[[], object]) -> Response:
    """Keep what a person adds to a cell, and tell the script all that is said of it now."""
    try:
        keep()
    except ReviewError as error:
        return _refused_for(error)
    return _all_of(case, cell)


Sent = TypeVar("Sent", bound=BaseModel)


def _keep(
    case: Case, kind: type[Sent], keep: Callable[[Case, str, list[Sent]], list[Review]]
) -> Response:
    """Keep what the script sent for the signed-in person, and tell it the rows that stand now."""
    entries = _entries(kind)
    was = room_state.of(case, current_user.id)
    try:
        kept = keep(case, current_user.id, entries)
    except ReviewError as error:
        return _refused_for(error)
    return jsonify(
        reviews=[_review_to_dict(one) for one in kept],
        count=reviewing.count_of(case, current_user.id),
        was=was,
        state=room_state.of(case, current_user.id),
    )


def _refused_for(error: ReviewError) -> Response:
    if isinstance(error, ConflictError):
        clashes = [_clash_to_dict(one) for one in error.clashes]
        return _refused(str(error), 409, conflicts=clashes)
    return _refused(str(error), 409 if isinstance(error, LockedError) else 422)


def _clash_to_dict(clash: Clash) -> dict[str, Any]:
    """Describe the colleague's review that an entry did not know: `sent` is the entry's key."""
    return {"sent": clash.key, **_review_to_dict(clash.review)}


def _refused(sentence: str, status: int, **more: object) -> Response:
    """Refuse: 409 if the case is locked or colleagues were faster, 422 if entries are invalid."""
    response = jsonify(error=sentence, **more)
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
    entries = [Entry(one.key, one.cell, one.label, one.box, one.bulk, one.based_on) for one in sent]
    return reviewing.record(case, reviewer_id, entries)


def _undo_all(case: Case, reviewer_id: str, sent: list[SentUndo]) -> list[Review]:
    """Keep each undo by itself: what was done of them stays done when one is refused."""
    known = reviews.with_keys(one.undoes for one in sent)
    if any(one.undoes not in known or known[one.undoes].case_id != case.id for one in sent):
        raise ReviewError(reviewing.NOTHING_TO_UNDO)
    return [reviewing.undo(case, reviewer_id, one.key, known[one.undoes].id) for one in sent]

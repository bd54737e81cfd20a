"""The white cells of a case: proposals of the models, reviews of people."""

from __future__ import annotations

from flask import Response, abort, request
from flask_login import current_user

from api.v1.cells_schemas import Cell, CellDetail, Cells, NewReview, members, review
from api.v1.common.answers import UNCHANGED, tagged, unchanged
from api.v1.common.document import make_blueprint, problems
from api.v1.common.ids import CasePath, CellPath
from api.v1.common.paging import Part, bad_cursor, decoded, encoded, with_next
from core.geometry import Box
from core.ids import new_id
from pages.common.lookups import team_case
from pages.common.problems import ProblemError
from pages.common.requires import Look, requires
from records.accounts.accounts import Role
from records.accounts.api_tokens import Scope
from records.analyses import analyses
from records.cases import signatures
from records.cases.cases import Case
from services.cases import review as reviewing
from services.cases import room_state
from services.cases.review import CONFLICT, ConflictError, Entry, LockedError, ReviewError
from services.cases.review import Cell as KeptCell

blueprint = make_blueprint(
    "cells", __name__, "/cases/<case_id>/cells", "White cells of a case, and their reviews."
)


@blueprint.get("", responses={200: Cells, **UNCHANGED})
@requires(Role.VIEWER, audit=Look.PICTURE, scope=Scope.READ)
def index(path: CasePath, query: Part) -> Response:
    """List the white cells of a case, the most suspicious first.

    As long as nothing in the case changes, no cell is looked at, and the answer is 304 to who sends
    the tag.
    """
    case = team_case(path.case_id)
    tag = room_state.of(case, current_user.id)
    if (same := unchanged(tag)) is not None:
        return same
    kept = reviewing.cells_of(case, None, current_user.id)
    begin = _begin(kept, query.cursor)
    shown, left = kept[begin : begin + query.limit], kept[begin + query.limit :]
    cursor = encoded(shown[-1].id) if left else None
    numbers = _numbers(case)
    items = [Cell(**members(cell, numbers[cell.analysis_id])) for cell in shown]
    answer = Cells(items=items, next=cursor, locked=signatures.locked(case.id))
    return with_next(tagged(answer, tag), cursor)


@blueprint.get("/<cell_id>", responses={200: CellDetail, **UNCHANGED})
@requires(Role.VIEWER, audit=Look.PICTURE, scope=Scope.READ)
def show(path: CellPath) -> Response:
    """Return one cell with all that people said of it; its tag is what a review is based on."""
    case = team_case(path.case_id)
    return _answer(case, cell_of(case, path.cell_id))


@blueprint.put(
    "/<cell_id>/review", responses={200: CellDetail, **problems(400, 409, 412, 413, 415)}
)
@requires(Role.READER, scope=Scope.REVIEW)
def set_review(path: CellPath, body: NewReview) -> Response:
    """Name a cell; what was said before stays, and the models' findings never change.

    With the tag of the cell in If-Match, the answer is 412 where anybody has named it since.
    Without, it is 409 where a colleague has named it otherwise since the review that this is
    `based_on`.
    A cell that nobody found begins with the review that brings its box, under an id of one's own.
    """
    case = team_case(path.case_id)
    based_on = _check_unchanged(case, path.cell_id, body)
    entry = Entry(new_id(), path.cell_id, body.label, _box(body), body.bulk, based_on)
    try:
        reviewing.record(case, current_user.id, [entry])
    except ConflictError as error:
        conflicts = [review(clash.review).model_dump(mode="json") for clash in error.clashes]
        raise ProblemError(
            412 if request.if_match else 409, CONFLICT, conflicts=conflicts
        ) from None
    except ReviewError as error:
        raise ProblemError(409 if isinstance(error, LockedError) else 422, str(error)) from None
    return _answer(case, cell_of(case, path.cell_id))


def cell_of(case: Case, cell_id: str) -> KeptCell:
    """Return a cell of a case as it stands for whoever asks; else 404."""
    return _find(case, cell_id) or abort(404)


def _find(case: Case, cell_id: str) -> KeptCell | None:
    """Find a cell of a case; None for one that nobody has drawn yet, 404 in an image elsewhere."""
    kept = analyses.of_case(case.id, {cell_id.partition(".")[0]}) or abort(404)
    cells = reviewing.cells_of_image(case, kept[0], current_user.id)
    return next((cell for cell in cells if cell.id == cell_id), None)


def _check_unchanged(case: Case, cell_id: str, body: NewReview) -> int | None:
    """Return the id of the review that the program has seen; raises 412 where it named another."""
    cell = _find(case, cell_id)
    if cell is None and body.box is None:
        abort(404)
    if not request.if_match:
        return body.based_on
    if cell is None or not request.if_match.contains(tag_of(case, cell)):
        raise ProblemError(412, CONFLICT)
    return cell.review and cell.review.id


def _box(body: NewReview) -> Box | None:
    if body.box is None:
        return None
    left, top, right, bottom = body.box
    return left, top, right, bottom


def _answer(case: Case, cell: KeptCell) -> Response:
    history = reviewing.history_of(case, cell.id, current_user.id)
    said = members(cell, _numbers(case)[cell.analysis_id])
    detail = CellDetail(**said, reviews=[review(one) for one in history])
    return tagged(detail, tag_of(case, cell))


def tag_of(case: Case, cell: KeptCell) -> str:
    """Name a state of a cell: the review that stands, of all that there are."""
    history = reviewing.history_of(case, cell.id, current_user.id)
    return f"{cell.review.id if cell.review else 0}-{len(history)}"


def _begin(cells: list[KeptCell], cursor: str | None) -> int:
    """Return the place in the list behind the cell that a cursor names."""
    if cursor is None:
        return 0
    last = decoded(cursor)
    return next((at + 1 for at, cell in enumerate(cells) if cell.id == last), 0) or _lost()


def _lost() -> int:
    raise bad_cursor()


def _numbers(case: Case) -> dict[str, int]:
    """Return the number of each image of a case by its id."""
    ids = analyses.ids_of_case(case.id)
    return {analysis_id: number for number, analysis_id in enumerate(ids, start=1)}

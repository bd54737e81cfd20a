"""Analyses: how far they are, and what the models found."""

from __future__ import annotations

from flask import Response, abort
from flask_login import current_user
from pydantic import Field

from api.v1.analyses_schemas import (
    Analyses,
    Analysis,
    Findings,
    describe,
    describe_waiting,
)
from api.v1.common.answers import UNCHANGED, json_of, tagged
from api.v1.common.document import make_blueprint, problems
from api.v1.common.ids import AnalysisPath, Id
from api.v1.common.paging import Part, cursor_of, with_next
from pages.common.requires import Look, requires
from records.accounts.accounts import Role
from records.accounts.api_tokens import Scope
from records.analyses import analyses, cell_tasks, field_tasks, slide_areas
from records.analyses.analyses import AnalysisKind, Filters
from records.analyses.cell_tasks import CellTask
from records.analyses.field_tasks import FieldTask
from records.audit.audit import Event
from records.pagination import Place
from services.analyses.findings import to_dict

blueprint = make_blueprint(
    "analyses", __name__, "/analyses", "Images, and what the models found in them."
)

NOT_READ = "This image has not been read."


class AnalysesPart(Part):
    """Filter the list of analyses."""

    kind: AnalysisKind | None = None
    batch_id: Id | None = Field(None, description="Only what was sent together.")


@blueprint.get("", responses={200: Analyses})
@requires(Role.VIEWER, scope=Scope.READ)
def index(query: AnalysesPart) -> Response:
    """List the team's analyses, newest first; without fields that are still to be read."""
    filters = Filters(kind=query.kind, batch_id=query.batch_id)
    found = analyses.behind(current_user.team_id, filters, query.place, query.limit + 1)
    shown = found[: query.limit]
    cursor = None
    if len(found) > len(shown):
        cursor = cursor_of(Place(shown[-1].created_at, shown[-1].id))
    return with_next(json_of(Analyses(items=[describe(one) for one in shown], next=cursor)), cursor)


@blueprint.get("/<analysis_id>", responses={200: Analysis, **UNCHANGED})
@requires(Role.VIEWER, audit=Look.PICTURE, scope=Scope.READ)
def show(path: AnalysisPath) -> Response:
    """Return one analysis, or the state of an image that waits to be read."""
    analysis = analyses.find_in_team(current_user.team_id, path.analysis_id)
    if analysis is not None:
        return tagged(describe(analysis))
    return tagged(describe_waiting(_unread(path.analysis_id) or abort(404)))


@blueprint.get("/<analysis_id>/findings", responses={200: Findings, **UNCHANGED, **problems(409)})
@requires(Role.VIEWER, audit=Event.DOWNLOAD, scope=Scope.READ)
def findings(path: AnalysisPath) -> Response:
    """Return all that the models found: of a field, each cell with its box and probabilities."""
    analysis = analyses.find_in_team(current_user.team_id, path.analysis_id)
    if analysis is None:
        waits = _unread(path.analysis_id)
        abort(409 if waits else 404, NOT_READ if waits else None)
    if analysis.kind == AnalysisKind.CLASSIFICATION:
        return tagged(Findings({"file": analysis.file_name, **analysis.finding}))
    return tagged(Findings(to_dict(analysis, slide_areas.find(analysis.id))))


def _unread(task_id: str) -> FieldTask | CellTask | None:
    """Find the team's image of this id that is not read."""
    team_id = current_user.team_id
    return field_tasks.find_in_team(team_id, task_id) or cell_tasks.find_in_team(team_id, task_id)
